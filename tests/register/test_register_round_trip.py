"""From a file's rows to what a consumer reads: the same values, and no broken rule (property test, both engines)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from vis_file import Row, row, write_csv

from contracts.checksum import SliceKey, measurement_checksum
from contracts.codes import KOMMUN, LAN
from contracts.messages.reader import ReportReader
from contracts.model import (
    CohortMeasure,
    ConfidenceInterval,
    ContinuousVariableMeasure,
    DatePeriod,
    Measurement,
    MissingMeasure,
    ProportionMeasure,
    ReportHead,
    ReportingParty,
)
from contracts.registry import GET_QUALITY_INDICATORS_2
from contracts.rules import ReportChecker
from producer.register import DatabaseRepository, Register, publish
from producer.register.importer import import_vis

EVER = DatePeriod("19000101", "20991231")
PARTY = ReportingParty("SE9990001112-DEMOREG", "Demo")
PERIODS = [("2024-01-01", "2024-12-31"), ("2025-01-01", "2025-12-31"), ("2025-01-01", "2025-03-31")]
HALLAND = [code for code in KOMMUN if code.startswith("13")]

_amounts = st.integers(1, 9_999_999)
_decimals = st.integers(0, 10**9).map(lambda number: number / 10**5)
_shares = st.integers(0, 10_000).map(lambda number: number / 10_000)


def _text(number: float) -> str:
    return f"{number:.6f}".rstrip("0").rstrip(".")


def _common(draw: Any) -> dict[str, float]:
    common = {}
    if draw(st.booleans()):
        common["coverage"] = draw(_shares)
    if draw(st.booleans()):
        common["exclusions"] = float(draw(_amounts))
    if draw(st.booleans()):
        common["standard_deviation"] = draw(_decimals)
    return common


def _cells(measure: Any) -> Row:
    names = {"coverage": "Coverage", "exclusions": "Exclusions", "standard_deviation": "Standarddeviation"}
    cells = {"Rate": "", "Numerator": "", "Denominator": ""}
    if isinstance(measure, MissingMeasure):
        return {**cells, "ReasonCode": str(measure.reason_code)}
    cells |= {column: _text(number) for name, column in names.items() if (number := getattr(measure, name)) is not None}
    if interval := measure.confidence_interval_95_percent:
        cells |= {"ConfidenceIntervalLower": _text(interval.low), "ConfidenceIntervalHigher": _text(interval.high)}
    if isinstance(measure, ProportionMeasure):
        cells |= {"Rate": _text(measure.rate), "Numerator": _text(measure.numerator)}
        cells["Denominator"] = _text(measure.denominator)
        if measure.reference_interval_rate is not None:
            cells["ReferenceIntervalRate"] = _text(measure.reference_interval_rate)
        return cells
    if measure.reference_interval_value is not None:
        cells["ReferenceIntervalValue"] = _text(measure.reference_interval_value)
    if isinstance(measure, CohortMeasure):
        return {**cells, "Cohort": _text(measure.cohort)}
    if measure.measure_population is not None:
        cells["Measurepopulation"] = _text(measure.measure_population)
    return {**cells, "Value": _text(measure.value)}


@st.composite
def _measures(draw: Any, kind: str) -> Any:
    if draw(st.integers(0, 5)) == 0:
        return MissingMeasure(draw(st.sampled_from(["MSK", "INV", "UNK", "NI"])))
    common = _common(draw)
    reference = draw(st.none() | _decimals)
    if kind == "proportion":
        denominator = draw(_amounts)
        numerator = draw(st.integers(0, denominator))
        rate = round(numerator / denominator, 4)
        interval = ConfidenceInterval(round(rate * 0.9, 6), min(1.0, round(rate * 1.1, 6)))
        return ProportionMeasure(
            rate,
            float(denominator),
            float(numerator),
            draw(st.none() | st.just(interval)),
            **common,
            reference_interval_rate=draw(st.none() | _shares),
        )
    number = draw(_decimals)
    interval = ConfidenceInterval(max(0.0, round(number - 1.5, 6)), round(number + 1.5, 6))
    if kind == "cohort":
        number = float(draw(_amounts))
        interval = ConfidenceInterval(number, number + 1)
        return CohortMeasure(number, draw(st.none() | st.just(interval)), **common, reference_interval_value=reference)
    population = draw(st.none() | _amounts.map(float))
    return ContinuousVariableMeasure(
        number, population, draw(st.none() | st.just(interval)), **common, reference_interval_value=reference
    )


@dataclass(frozen=True)
class Entry:
    """One row, and what a consumer must read of it."""

    measure_id: str
    period: tuple[str, str]
    organization: tuple[str, str]
    measure: Any

    def cells(self) -> Row:
        kind, id_ = self.organization
        place: Row = {}
        if kind == "Land":
            place = {"RegionOrganisationId": "", "RegionName": ""}
        elif kind == "Lan":
            place = {"RegionOrganisationId": id_, "RegionName": LAN[id_].name}
        elif kind == "Kommun":
            place = {"MunicipalityOrganisationID": id_, "MunicipalityName": KOMMUN[id_].name}
        elif kind == "Vardenhet":
            place = {"UnitHSAID": id_, "UnitName": f'Enhet <{id_}> & "Ö";'}
        elif id_.startswith("SE"):
            place = {"HospitalHSAID": id_, "HospitalName": f"Sjukhuset {id_}"}
        else:
            place = {"HospitalOrganisationId": id_, "HospitalName": f"Sjukhuset {id_}"}
        start, end = self.period
        dates = {"PeriodReportedStartDate": start, "PeriodReportedEndDate": end}
        return row(MeasureID=self.measure_id, **dates, **place, **_cells(self.measure))


_organizations = st.one_of(
    st.just(("Land", "SE")),
    st.sampled_from(sorted(LAN)).map(lambda code: ("Lan", code)),
    st.sampled_from(HALLAND).map(lambda code: ("Kommun", code)),
    st.integers(1, 40).map(lambda number: ("Vardenhet", f"SE9990001112-E{number:04}")),
    st.integers(1, 5).map(lambda number: ("Sjukhus", f"SE9990001112-S{number:04}")),
    st.integers(1, 5).map(lambda number: ("Sjukhus", f"9900{number}")),
)
_KINDS = {"a": "proportion", "b": "proportion", "Å/c #1": "continuous", "d": "cohort"}
_entries = st.sampled_from(sorted(_KINDS)).flatmap(
    lambda measure_id: st.builds(
        Entry, st.just(measure_id), st.sampled_from(PERIODS), _organizations, _measures(_KINDS[measure_id])
    )
)


def _key(entry: Entry) -> tuple[Any, ...]:
    return entry.measure_id, entry.period, entry.organization


def _read(url: str) -> tuple[ReportHead, list[Measurement]]:
    """Read everything as a consumer does, from the bytes of a whole answer."""
    codec = GET_QUALITY_INDICATORS_2.codec
    repository = DatabaseRepository(url)
    try:
        selection = repository.select(GET_QUALITY_INDICATORS_2.rendering, None, EVER)
        pieces = list(repository.content(selection))
    finally:
        repository.close()
    keys: list[tuple[SliceKey, str]] = [(entry.key, entry.digest) for entry in selection.slices]
    starts = [key.measure_period.start for key, _ in keys]
    ends = [key.measure_period.end for key, _ in keys]
    head = ReportHead(measurement_checksum(keys), DatePeriod(min(starts), max(ends)), PARTY, PARTY)
    reader = ReportReader(codec)
    answer = (codec.answer_prefix(head), *pieces, codec.answer_suffix())
    measurements = [measurement for piece in answer for measurement in reader.feed(piece)]
    return reader.close(), measurements


def _identity(measurement: Measurement) -> tuple[str, str]:
    organization = measurement.performing_organization
    identifier = organization.organization_id
    id_ = organization.hsa_id or (identifier.extension if identifier else None)
    return organization.organization_type, str(id_)


def _period(measurement: Measurement) -> tuple[str, str]:
    period = measurement.measure_period
    start, end = (date(int(day[:4]), int(day[4:6]), int(day[6:])).isoformat() for day in (period.start, period.end))
    return start, end


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(entries=st.lists(_entries, min_size=1, max_size=40, unique_by=_key))
def test_what_was_imported_is_what_a_consumer_reads(register: Register, tmp_path: Path, entries: list[Entry]) -> None:
    import_vis(register, write_csv(tmp_path / "file.csv", [entry.cells() for entry in entries]))
    publish(register)
    head, measurements = _read(register.url)
    read = {
        (measurement.measure_id.extension, _period(measurement), _identity(measurement)): measurement.measure
        for measurement in measurements
    }
    assert len(read) == len(measurements) == len(entries)
    assert read == {_key(entry): entry.measure for entry in entries}
    checker = ReportChecker()
    findings = [finding for one in measurements for finding in checker.add(one, "report")] + checker.finish(head)
    assert [finding for finding in findings if finding.severity == "error"] == []
