"""Business rules 1.1-1.14 where catalogue, question, rounding or a whole report decide (contract reference 5)."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.codes import KOMMUN, OID_HSA_ID, OID_KOMMUN, OID_LAN, OID_LAND, OID_LOCAL_ID, OID_MEASURE
from contracts.model import (
    II,
    CohortMeasure,
    ConfidenceInterval,
    ContinuousVariableMeasure,
    DatePeriod,
    Measure,
    MeasureDefinition,
    Measurement,
    MissingMeasure,
    PerformingOrganization,
    ProportionMeasure,
    QualityIndicatorsRequest,
    ReportHead,
    ReportingParty,
    SourceSystem,
)
from contracts.rules import RULES, Finding, PeriodLedger, ReportChecker, check_measurement
from contracts.rules.numbers import half_unit

LAND = PerformingOrganization("Riket", "Land", organization_id=II(OID_LAND, "SE"))
LAN = PerformingOrganization("Halland", "Lan", None, II(OID_LAN, "13"), LAND)
KOMMUN_HALMSTAD = PerformingOrganization("Halmstad", "Kommun", None, II(OID_KOMMUN, "1380"), LAN)
UNIT = PerformingOrganization("Snäckan", "Vardenhet", "SE9990001112-E0001", None, KOMMUN_HALMSTAD)
SOURCE = SourceSystem(II(OID_HSA_ID, "SE9990001112-DEMOREG"), "Demoregistret")
YEAR = DatePeriod("20250101", "20251231")
DEFINITION = MeasureDefinition("A1", 3, "proportion", display_threshold=15)


def measurement(
    measure: Measure | None = None,
    *,
    extension: str = "A1",
    period: DatePeriod = YEAR,
    organization: PerformingOrganization = UNIT,
    source: SourceSystem = SOURCE,
    version: int = 3,
) -> Measurement:
    chosen = measure or ProportionMeasure(0.7736, 212.0, 164.0)
    return Measurement(II(OID_MEASURE, extension), version, period, chosen, organization, source)


def proportion(rate: float, numerator: float, denominator: float) -> Measurement:
    return measurement(ProportionMeasure(rate, denominator, numerator))


def interval(low: float, value: float, high: float) -> Measurement:
    return measurement(ContinuousVariableMeasure(value, 50.0, ConfidenceInterval(low, high)))


def check(subject: Measurement, definition: MeasureDefinition | None = None) -> list[Finding]:
    return check_measurement(subject, where="row 7", definition=definition)


def marks(findings: list[Finding]) -> list[tuple[str, str]]:
    return [(finding.rule, finding.severity) for finding in findings]


def head(start: str = "20250101", end: str = "20251231") -> ReportHead:
    party = ReportingParty("SE9990001112-DEMOSYS")
    return ReportHead("x", DatePeriod(start, end), party, party)


def question(
    *ids: str, start: str = "20250101", end: str = "20251231", include: bool = True
) -> QualityIndicatorsRequest:
    return QualityIndicatorsRequest(tuple(II(OID_MEASURE, i) for i in ids), DatePeriod(start, end), include)


# -- texts -------------------------------------------------------------------------------------------------------


def test_rules_are_complete_and_bilingual() -> None:
    numbers = [f"1.{n}" for n in range(1, 15)] + [f"1.2.{n}" for n in range(1, 7)]
    numbers += [f"D.{n}" for n in range(1, 11)]
    assert set(RULES) == set(numbers)
    for rule in RULES.values():
        for text in (rule.title, rule.explanation):
            assert text.en
            assert text.sv
            assert text.en != text.sv
        assert rule.source


def test_finding_says_where_what_and_mend() -> None:
    (finding,) = check(proportion(0.5, 420.0, 338.0))
    assert finding == Finding(
        "1.8",
        "error",
        "row 7/proportionMeasure/numerator",
        "numerator 420 is larger than denominator 338.",
        "The numerator counts a part of the denominator. A ratio of two things is a continuousVariableMeasure.",
    )


# -- catalogue ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("subject", "definition", "expected"),
    [
        (measurement(), DEFINITION, []),
        (measurement(MissingMeasure("MSK")), DEFINITION, []),
        (measurement(), replace(DEFINITION, kind="continuous"), [("1.1", "error")]),
        (measurement(CohortMeasure(57.0)), DEFINITION, [("1.1", "error")]),
        (measurement(version=4), DEFINITION, [("1.7", "warning")]),
        (measurement(version=2), DEFINITION, []),
        (proportion(0.5, 7.0, 14.0), DEFINITION, [("1.6", "error")]),
        (proportion(0.6, 9.0, 15.0), DEFINITION, []),
        (proportion(0.5, 5.0, 10.0), DEFINITION, [("1.6", "error")]),
        (proportion(0.5, 5.0, 10.0), replace(DEFINITION, display_threshold=12), [("1.6", "warning")]),
        (proportion(0.5, 5.0, 10.0), replace(DEFINITION, display_threshold=None), []),
        (measurement(ContinuousVariableMeasure(2.0, 14.0)), replace(DEFINITION, kind="continuous"), [("1.6", "error")]),
        (measurement(ContinuousVariableMeasure(2.0)), replace(DEFINITION, kind="continuous"), []),
        (proportion(0.7, 164.0, 212.0), replace(DEFINITION, is_standardised=True), [("1.8", "warning")]),
        (proportion(0.7, 164.0, 212.0), DEFINITION, [("1.8", "error")]),
        (proportion(0.5, 420.0, 338.0), replace(DEFINITION, is_standardised=True), [("1.8", "error")]),
    ],
)
def test_catalogue_decides(
    subject: Measurement, definition: MeasureDefinition, expected: list[tuple[str, str]]
) -> None:
    assert marks(check(subject, definition)) == expected


# -- rounding ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rate", "numerator", "denominator"),
    [
        (0.7736, 164, 212),  # four decimals
        (0.77, 164, 212),  # two decimals
        (0.773584906, 164, 212),
        (0.7736, 160, 210),  # counts rounded to tens
        (0.0, 0, 10),
        (1.0, 10, 10),
        (0.95, 170, 180),  # steps of 5 %, few misses, counts rounded to tens
        (0.05, 4, 70),  # steps of 5 %, few hits
        (0.0, 4, 181),
        (0.3333, 0.5, 1.5),  # weighted counts
        (1, 4458, 4459),
    ],
)
def test_rate_explained_by_rounding(rate: float, numerator: float, denominator: float) -> None:
    assert check(proportion(rate, float(numerator), float(denominator))) == []


@pytest.mark.parametrize(
    ("rate", "numerator", "denominator"),
    [
        (0.7636, 164, 212),
        (0.78, 164, 212),
        (0.8, 164, 212),  # one decimal is no rounding of a rate
        (0.7, 160, 210),
        (0.0, 33, 212),
        (1, 164, 212),
        (0.0, 4, 212),  # steps of 5 % only up to 200
        (0.2, 30, 110),  # steps of 5 % only with few hits or misses
    ],
)
def test_rate_not_explained_by_rounding(rate: float, numerator: float, denominator: float) -> None:
    assert marks(check(proportion(rate, float(numerator), float(denominator)))) == [("1.8", "error")]


@pytest.mark.parametrize(
    ("number", "half"),
    [(0.75, 0.005), (34.5, 0.05), (120.0, 0.5), (0.0, 0.5), (-2.5, 0.05), (1.5e-07, 5e-09), (3.25e20, 0.5)],
)
def test_half_unit_is_that_of_the_last_decimal(number: float, half: float) -> None:
    assert half_unit(number) == pytest.approx(half)


def test_exchanged_numerator_and_denominator_are_recognised() -> None:
    (finding,) = check(proportion(0.9056, 4458.0, 4037.0))
    assert finding.rule == "1.8"
    assert finding.mend.startswith("Exchange the two")


def test_rate_in_per_cent_is_recognised() -> None:
    (finding,) = check(proportion(90.5, 181.0, 200.0))
    assert finding.rule == "1.4"
    assert "send 0.905" in finding.mend


@given(denominator=st.integers(1, 10**6), share=st.floats(0, 1), decimals=st.integers(2, 6))
def test_rounded_quotient_is_always_accepted(denominator: int, share: float, decimals: int) -> None:
    numerator = round(denominator * share)
    assert check(proportion(round(numerator / denominator, decimals), float(numerator), float(denominator))) == []


@given(denominator=st.integers(15, 10**6), share=st.floats(0, 1), decimals=st.integers(2, 4))
def test_quotient_of_unrounded_counts_is_accepted_with_counts_rounded_to_tens(
    denominator: int, share: float, decimals: int
) -> None:
    numerator = round(denominator * share)
    rate = round(numerator / denominator, decimals)
    assert check(proportion(rate, float(round(numerator, -1)), float(round(denominator, -1)))) == []


@given(denominator=st.integers(201, 10**6), share=st.floats(0, 1), error=st.floats(0.011, 0.5))
def test_rate_off_by_a_per_cent_is_always_found(denominator: int, share: float, error: float) -> None:
    numerator = round(denominator * share)
    if denominator % 10 == 0 and numerator % 10 == 0:
        denominator += 1
    wrong = numerator / denominator + error
    rate = wrong if wrong <= 1 else numerator / denominator - error
    if 0 <= rate <= 1:
        assert marks(check(proportion(rate, float(numerator), float(denominator)))) == [("1.8", "error")]


@given(number=st.floats(), which=st.sampled_from(["rate", "denominator", "numerator", "coverage", "exclusions"]))
def test_any_double_is_judged_and_never_fails(number: float, which: str) -> None:
    findings = check(measurement(replace(ProportionMeasure(0.7736, 212.0, 164.0), **{which: number})))
    assert {finding.rule for finding in findings} <= {"1.4", "1.6", "1.8"}
    if number != number or abs(number) == float("inf"):
        assert ("1.4", "error") in marks(findings)


# -- intervals ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("low", "value", "high", "expected"),
    [
        (33.86, 34.5, 35.14, []),
        (33.9, 34.5, 35.1, []),
        (34, 34.5, 35.1, []),  # explained by rounding of the limits
        (33.86, 34.5, 35.06, []),  # by rounding of the value
        (0, 0.4, 2.1, []),  # cut at 0
        (34.5, 34.5, 34.5, []),
        (33.86, 34.5, 35.9, [("1.5", "warning")]),
        (34.6, 34.5, 35.14, [("1.5", "error")]),
        (33.86, 34.5, 34.4, [("1.5", "error")]),
        (-0.1, 34.5, 69.1, [("1.5", "error")]),
        (float("-inf"), 34.5, 35.0, [("1.4", "error")]),
    ],
)
def test_interval(low: float, value: float, high: float, expected: list[tuple[str, str]]) -> None:
    assert marks(check(interval(low, value, high))) == expected


def test_rate_interval_cut_at_one_need_not_be_symmetric() -> None:
    assert check(measurement(ProportionMeasure(0.98, 100.0, 98.0, ConfidenceInterval(0.1, 1.0)))) == []
    below = measurement(ProportionMeasure(0.98, 100.0, 98.0, ConfidenceInterval(0.1, 0.9999)))
    assert marks(check(below)) == [("1.5", "warning")]


# -- organisations and source --------------------------------------------------------------------------------------


def test_endless_chain_is_refused() -> None:
    organization = LAND
    for _ in range(10):
        organization = PerformingOrganization("Halland", "Lan", None, II(OID_LAN, "13"), organization)
    assert ("1.2", "error") in marks(check(measurement(organization=organization)))


def test_every_kommun_is_clean_in_its_lan() -> None:
    for code, kommun in KOMMUN.items():
        lan = replace(LAN, organization_id=II(OID_LAN, kommun.lan_code))
        organization = PerformingOrganization(kommun.name, "Kommun", None, II(OID_KOMMUN, code), lan)
        assert check(measurement(organization=organization)) == [], code


@pytest.mark.parametrize(
    ("system_id", "expected"),
    [
        (II(OID_LOCAL_ID, "SE9990001112-DEMOREG/7"), []),
        (II(OID_HSA_ID, "DEMOREG"), [("1.12", "warning")]),
        (II(OID_HSA_ID, "TSTNMT9990001112-A"), [("1.12", "warning")]),
        (II(OID_HSA_ID, None), [("1.12", "error")]),
        (II("1.2.3", " "), [("1.12", "error"), ("1.12", "error")]),
    ],
)
def test_source_system(system_id: II, expected: list[tuple[str, str]]) -> None:
    assert marks(check(measurement(source=SourceSystem(system_id, "Demoregistret")))) == expected


# -- dates -------------------------------------------------------------------------------------------------------


@given(st.dates(date(1900, 1, 1), date(2099, 12, 31)))
def test_every_day_of_the_calendar_is_accepted(day: date) -> None:
    text = day.strftime("%Y%m%d")
    assert check(measurement(period=DatePeriod(text, text))) == []


@pytest.mark.parametrize("text", ["20250229", "20251301", "20250100", "2025-1-1", "202501", "18991231", "21000101", ""])
def test_day_that_does_not_exist_is_found(text: str) -> None:
    findings = check(measurement(period=DatePeriod(text, "20251231")))
    assert marks(findings) == [("1.14", "error")]
    assert repr(text) in findings[0].message


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        ("20250103", "20250103", []),
        ("20240103", "20260103", []),  # outside the period is allowed
        ("20250104", "20250103", ["1.10"]),
        (None, "20250103", []),
        ("20250104", None, []),
        ("20250104", "20250199", ["1.14"]),
    ],
)
def test_encounters(first: str | None, last: str | None, expected: list[str]) -> None:
    subject = replace(measurement(), first_service_encounter=first, last_service_encounter=last)
    assert [finding.rule for finding in check(subject)] == expected


@given(st.text(max_size=9))
def test_any_text_for_a_date_is_judged_and_never_fails(text: str) -> None:
    findings = check(measurement(period=DatePeriod("20250101", text)))
    assert {finding.rule for finding in findings} <= {"1.14"}


# -- whole report --------------------------------------------------------------------------------------------------


def test_report_with_unknown_indicator_names_it() -> None:
    checker = ReportChecker({"A1": DEFINITION})
    assert checker.add(measurement(), "m1") == []
    (finding,) = checker.add(measurement(extension="Z9"), "m2")
    assert (finding.rule, finding.severity, finding.where) == ("1.7", "error", "m2/measureId/extension")
    assert "'Z9'" in finding.message


def test_indicator_and_period_outside_the_question_are_found() -> None:
    checker = ReportChecker(None, question("A1", start="20250101", end="20250630"))
    findings = checker.add(measurement(extension="B2", period=DatePeriod("20250401", "20250701")), "m1")
    assert [(f.rule, f.where) for f in findings] == [("1.11", "m1/measurePeriod"), ("1.11", "m1/measureId")]


def test_question_without_ids_means_every_indicator() -> None:
    assert ReportChecker(None, question()).add(measurement(extension="B2"), "m1") == []


@pytest.mark.parametrize(
    ("request_", "count", "report_head", "expected"),
    [
        (None, 1, head(), []),
        (None, 1, head(start="20240101"), ["1.11"]),
        (None, 0, head(start="20240101"), []),
        (question("A1"), 0, head(), []),
        (question("A1", start="20240101"), 0, head(), ["1.11"]),
        (question("A1", start="20240101", include=False), 0, head(), []),
        (question("A1", start="20250201", include=False), 0, head(), ["1.11"]),
        (question("A1", include=False), 1, head(), ["1.11"]),
        (None, 0, head(end="20250230"), ["1.14"]),
        (None, 0, head(end="20240101"), ["1.14"]),
    ],
)
def test_head_fits_the_measurements_and_the_question(
    request_: QualityIndicatorsRequest | None, count: int, report_head: ReportHead, expected: list[str]
) -> None:
    checker = ReportChecker(None, request_)
    for _ in range(count):
        checker.add(measurement(), "m")
    assert [finding.rule for finding in checker.finish(report_head)] == expected


QUARTER = DatePeriod("20250101", "20250331")


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (YEAR, YEAR, "1.3"),
        (YEAR, QUARTER, None),
        (QUARTER, DatePeriod("20250401", "20250630"), None),
        (QUARTER, DatePeriod("20250301", "20250531"), "1.9"),
        (DatePeriod("20250301", "20250531"), QUARTER, "1.9"),
        (DatePeriod("20240101", "20241231"), DatePeriod("20241201", "20251130"), "1.9"),  # rolling year
        (DatePeriod("20250101", "20250131"), DatePeriod("20250201", "20250228"), None),
        (DatePeriod("20250106", "20250112"), DatePeriod("20250113", "20250119"), None),  # weeks
        (DatePeriod("20250106", "20250112"), DatePeriod("20250112", "20250118"), "1.9"),
        (DatePeriod("20250106", "20250112"), DatePeriod("20250107", "20250114"), None),  # of other length
    ],
)
def test_duplicates_and_overlaps(first: DatePeriod, second: DatePeriod, expected: str | None) -> None:
    ledger = PeriodLedger()
    assert ledger.add(measurement(period=first), "m1") is None
    finding = ledger.add(measurement(period=second), "m2")
    assert (finding.rule if finding else None) == expected


@pytest.mark.parametrize(
    "other",
    [
        measurement(extension="B2"),
        measurement(organization=replace(UNIT, hsa_id="SE9990001112-E0002")),
        measurement(organization=LAN),
        measurement(organization=LAND),
        measurement(organization=KOMMUN_HALMSTAD),
    ],
)
def test_other_indicator_or_organisation_is_no_duplicate(other: Measurement) -> None:
    ledger = PeriodLedger()
    assert ledger.add(measurement(), "m1") is None
    assert ledger.add(other, "m2") is None


def test_same_unit_under_another_name_or_version_is_a_duplicate() -> None:
    ledger = PeriodLedger()
    assert ledger.add(measurement(), "m1") is None
    renamed = measurement(organization=replace(UNIT, organization_name="Musslan"), version=4)
    finding = ledger.add(renamed, "m2")
    assert finding is not None
    assert finding.rule == "1.3"


@given(
    st.lists(
        st.tuples(st.dates(date(2024, 1, 1), date(2024, 3, 1)), st.integers(0, 40), st.integers(0, 2)), max_size=25
    )
)
def test_ledger_agrees_with_comparing_every_pair(rows: list[tuple[date, int, int]]) -> None:
    ledger = PeriodLedger()
    earlier: list[tuple[date, date, int]] = []
    for start, days, unit in rows:
        end = start + timedelta(days=days)
        period = DatePeriod(f"{start:%Y%m%d}", f"{end:%Y%m%d}")
        organization = replace(UNIT, hsa_id=f"SE9990001112-E{unit}")
        finding = ledger.add(measurement(period=period, organization=organization), "m")
        own = [(s, e) for s, e, u in earlier if u == unit]
        same_length = [(s, e) for s, e in own if _length(s, e) == _length(start, end)]
        if (start, end) in own:
            expected = "1.3"
        elif any(s <= end and start <= e for s, e in same_length):
            expected = "1.9"
        else:
            expected = None
        assert (finding.rule if finding else None) == expected
        earlier.append((start, end, unit))


def _length(start: date, end: date) -> tuple[str, int]:
    """Independent of the project's: whole months when the day after the end is a first and the start is one."""
    after = end + timedelta(days=1)
    if start.day == 1 and after.day == 1:
        return "months", len({(d.year, d.month) for d in (start + timedelta(n) for n in range((after - start).days))})
    return "days", (after - start).days


def test_overlap_is_found_in_either_order_of_arrival() -> None:
    early, late = DatePeriod("20250101", "20250331"), DatePeriod("20250301", "20250531")
    other = replace(UNIT, hsa_id="SE9990001112-E0002")
    ledger = PeriodLedger()
    order = [(early, UNIT), (late, UNIT), (late, other), (early, other)]
    findings = [ledger.add(measurement(period=period, organization=unit), "m") for period, unit in order]
    assert [finding.rule if finding else None for finding in findings] == [None, "1.9", None, "1.9"]


def test_too_many_periods_are_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("contracts.rules.report.MAX_PERIODS", 50)
    ledger = PeriodLedger()
    first = date(1990, 1, 1)
    days = [f"{first + timedelta(days=n):%Y%m%d}" for n in range(50 + 3)]
    findings = [ledger.add(measurement(period=DatePeriod(day, day)), "m") for day in days]
    (said,) = [finding for finding in findings if finding]
    assert (said.rule, said.severity) == ("1.9", "error")


def test_checker_keeps_next_to_nothing_per_measurement() -> None:
    units = [measurement(organization=replace(UNIT, hsa_id=f"SE9990001112-E{n}")) for n in range(100)]
    periods = [
        DatePeriod(f"{y}{m:02}01", f"{date(y, m, 28) + timedelta(days=4):%Y%m}01")
        for y in range(2000, 2010)
        for m in range(1, 13)
    ]
    checker = ReportChecker()
    subjects = [replace(unit, measure_period=period) for period in periods for unit in units]
    tracemalloc.start()
    try:
        for subject in subjects:
            checker.add(subject, "m")
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept / len(subjects) < 16
