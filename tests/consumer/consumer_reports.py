"""Reports for the tests: a small invented register, its answers, and random measurements."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from hypothesis import strategies as st

from contracts.checksum import EMPTY_CHECKSUM
from contracts.codes import OID_HSA_ID, OID_LAN, OID_LAND, OID_MEASURE
from contracts.model import (
    II,
    CohortMeasure,
    ConfidenceInterval,
    ContinuousVariableMeasure,
    DatePeriod,
    Measure,
    Measurement,
    MissingMeasure,
    PerformingOrganization,
    ProportionMeasure,
    QualityIndicatorsRequest,
    ReportHead,
    ReportingParty,
    SourceSystem,
)
from contracts.registry import GET_QUALITY_INDICATORS_2

SYSTEM = ReportingParty("SE9990001112-SYSTEM", "Demoregister")
ORGANIZATION = ReportingParty("SE9990001112-ORG", "Demohuvudman")
SOURCE = SourceSystem(II(OID_HSA_ID, SYSTEM.hsa_id), "Demoregistrets databas")
LAND = PerformingOrganization("Riket", "Land", organization_id=II(OID_LAND, "SE"))
HALLAND = PerformingOrganization("Hallands län", "Lan", None, II(OID_LAN, "13"), LAND)
MEASURE_A, MEASURE_B, MEASURE_C = (f"00000000-0000-4000-8000-00000000000{digit}" for digit in "abc")
YEAR_2024, YEAR_2025 = DatePeriod("20240101", "20241231"), DatePeriod("20250101", "20251231")
BOTH_YEARS = DatePeriod("20240101", "20251231")
CODEC = GET_QUALITY_INDICATORS_2.codec


def unit(number: int, parent: PerformingOrganization = HALLAND) -> PerformingOrganization:
    return PerformingOrganization(
        f"Vårdcentral {number} & Co", "Vardenhet", f"SE9990001112-U{number:05d}", None, parent
    )


def share(numerator: int, denominator: int = 200) -> ProportionMeasure:
    rate = numerator / denominator
    return ProportionMeasure(rate, denominator, numerator, ConfidenceInterval(max(rate - 0.05, 0), min(rate + 0.05, 1)))


def measurement(
    measure: Measure | None = None,
    *,
    measure_id: str = MEASURE_A,
    period: DatePeriod = YEAR_2025,
    organization: PerformingOrganization | None = None,
) -> Measurement:
    return Measurement(II(OID_MEASURE, measure_id), 1, period, measure or share(150), organization or unit(1), SOURCE)


class Register:
    """Measurements that can be asked for and changed, answered as the contract says."""

    def __init__(self, measurements: Iterable[Measurement] = ()) -> None:
        self.measurements = list(measurements)

    def answer(self, question: QualityIndicatorsRequest) -> bytes:
        return b"".join(self.pieces(question))

    def pieces(self, question: QualityIndicatorsRequest) -> Iterator[bytes]:
        matching = self.matching(question)
        yield CODEC.answer_prefix(head_of(matching, question))
        if question.include_measurements:
            yield from map(fragment, matching)
        yield CODEC.answer_suffix()

    def matching(self, question: QualityIndicatorsRequest) -> list[Measurement]:
        period = question.reporting_period
        return [
            found
            for found in self.measurements
            if found.measure_id in question.measure_ids
            and found.measure_period.start >= period.start
            and found.measure_period.end <= period.end
        ]


def small_register(units: int = 5) -> Register:
    return Register(
        measurement(share(100 + number), measure_id=measure_id, period=period, organization=unit(number))
        for measure_id in (MEASURE_A, MEASURE_B)
        for period in (YEAR_2024, YEAR_2025)
        for number in range(units)
    )


def head_of(measurements: Sequence[Measurement], question: QualityIndicatorsRequest) -> ReportHead:
    if not measurements:
        return ReportHead(EMPTY_CHECKSUM, question.reporting_period, SYSTEM, ORGANIZATION)
    digest = hashlib.sha256("".join(sorted(map(repr, measurements))).encode()).hexdigest()
    start = min(found.measure_period.start for found in measurements)
    end = max(found.measure_period.end for found in measurements)
    return ReportHead(digest, DatePeriod(start, end), SYSTEM, ORGANIZATION)


def fragment(found: Measurement) -> bytes:
    return CODEC.measurement_fragment(
        found,
        organization=CODEC.organization_fragment(found.performing_organization),
        source=CODEC.source_fragment(found.source_system),
    )


def question(
    *measure_ids: str, period: DatePeriod = BOTH_YEARS, include_measurements: bool = True
) -> QualityIndicatorsRequest:
    return QualityIndicatorsRequest(
        tuple(II(OID_MEASURE, id_) for id_ in measure_ids or (MEASURE_A,)), period, include_measurements
    )


def fault(code: str, text: str, detail: str = "") -> bytes:
    return (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header/><s:Body><s:Fault>'
        f"<faultcode>s:{code}</faultcode><faultstring>{text}</faultstring>{detail}</s:Fault></s:Body></s:Envelope>"
    ).encode()


_names = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), max_size=30).map(
    lambda name: f"E{name}.".strip()
)
_counts = st.integers(1, 10**6).map(float)
_shares = st.floats(0, 1)
_extras = {
    "standard_deviation": st.none() | st.floats(0, 1e9),
    "coverage": st.none() | _shares,
    "exclusions": st.none() | st.integers(0, 1000).map(float),
}


@st.composite
def _proportions(draw: st.DrawFn) -> ProportionMeasure:
    denominator = draw(_counts)
    numerator = draw(st.integers(0, int(denominator)).map(float))
    rate = numerator / denominator
    interval = st.builds(ConfidenceInterval, st.floats(0, rate), st.floats(rate, 1))
    extras = {name: draw(values) for name, values in _extras.items()}
    return ProportionMeasure(
        rate,
        denominator,
        numerator,
        draw(st.none() | interval),
        reference_interval_rate=draw(st.none() | _shares),
        **extras,
    )


_measures: st.SearchStrategy[Measure] = st.one_of(
    _proportions(),
    st.builds(
        ContinuousVariableMeasure,
        st.floats(-1e12, 1e12),
        measure_population=st.none() | _counts,
        reference_interval_value=st.none() | st.floats(-1e12, 1e12),
        **_extras,
    ),
    st.builds(CohortMeasure, _counts, reference_interval_value=st.none() | _counts, **_extras),
    st.builds(MissingMeasure, st.sampled_from(["MSK", "INV", "UNK", "NI"])),
)
_periods = st.sampled_from(
    [DatePeriod(f"{year}0101", f"{year}1231") for year in range(2015, 2026)]
    + [DatePeriod(f"2024{month:02d}01", f"2024{month:02d}28") for month in range(1, 13)]
)


@st.composite
def reports(draw: st.DrawFn) -> list[Measurement]:
    """Measurements that keep the rules: each organisation at most once per indicator and period."""
    keys = draw(
        st.lists(
            st.tuples(st.sampled_from([MEASURE_A, MEASURE_B]), _periods, st.integers(0, 99_999)),
            max_size=25,
            unique=True,
        )
    )
    encounters = st.none() | st.dates(date(1900, 1, 1), date(2099, 12, 31)).map(lambda day: f"{day:%Y%m%d}")
    found = []
    for measure_id, period, number in keys:
        first, last = draw(encounters), draw(encounters)
        if first and last and first > last:
            first, last = last, first
        organization = PerformingOrganization(draw(_names), "Vardenhet", f"SE9990001112-U{number:05d}", None, HALLAND)
        id_ = II(OID_MEASURE, measure_id)
        found.append(
            Measurement(id_, draw(st.integers(1, 99)), period, draw(_measures), organization, SOURCE, first, last)
        )
    return found
