"""Every rule of a VIS file: a good file, and for each rule rows that break it (domain reference 1.3)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pytest
from vis_file import HSA_ID, NAME, Row, hospital, missing, nation, row, unit, value, write_csv

from producer.register.vis.findings import Findings, ImportFinding
from producer.register.vis.rules import VIS_RULES
from producer.register.vis.table import ReadOptions, read_vis

TODAY = date(2026, 6, 30)
GOOD: list[Row] = [
    nation(Coverage="0.83", ConfidenceIntervalLower="0.7424", ConfidenceIntervalHigher="0.7904"),
    row(ReferenceIntervalRate="0.8", Exclusions="3", Standarddeviation="0.1"),
    row(PeriodReportedStartDate="2024-01-01", PeriodReportedEndDate="2024-12-31"),
    row(PeriodReportedStartDate="2025-10-01"),
    unit(MunicipalityOrganisationID="1380", MunicipalityName="Halmstad"),
    missing("MSK", UnitHSAID="SE9990001112-E0002", UnitName="Demovårdcentralen 2"),
    hospital(),
    hospital(HospitalHSAID="", HospitalOrganisationId="99001", HospitalName="Demolasarettet"),
    row(UnitHSAID="", MunicipalityOrganisationID="1381", MunicipalityName="Laholm"),
    value(Measurepopulation="1190", Standarddeviation="11.2", ReferenceIntervalValue="30"),
    value(MeasureID="measure-c", Value="", Cohort="57"),
]
MANY = [unit(number, MeasureID="measure-m") for number in range(3, 13)]


@dataclass(frozen=True)
class Case:
    """Rows that break a rule, after `GOOD`; ``row`` counts from the first of them."""

    name: str
    rule: str
    bad: list[Row]
    column: str | None = None
    severity: str = "error"
    row: int = 1
    says: str = ""
    others: tuple[str, ...] = field(default=())


BAD = [
    Case("other register id", "VIS-03", [row(MeasureID="x", RegisterHSAID="SE9990001112-OTHER")], "RegisterHSAID"),
    Case("no register id", "VIS-03", [row(MeasureID="x", RegisterHSAID="")], "RegisterHSAID"),
    Case("no register name", "VIS-03", [row(MeasureID="x", RegisterNamn="")], "RegisterNamn"),
    Case("two register names", "VIS-03", [row(MeasureID="x", RegisterNamn="Other")], "RegisterNamn"),
    Case("no start", "VIS-04", [row(MeasureID="x", PeriodReportedStartDate="")], "PeriodReportedStartDate"),
    Case("no end", "VIS-04", [row(MeasureID="x", PeriodReportedEndDate="")], "PeriodReportedEndDate"),
    Case(
        "day not in calendar",
        "VIS-04",
        [row(MeasureID="x", PeriodReportedStartDate="2025-02-30")],
        "PeriodReportedStartDate",
        says="not in the calendar",
    ),
    Case(
        "date of the locale",
        "VIS-04",
        [row(MeasureID="x", PeriodReportedEndDate="31/12/2025")],
        "PeriodReportedEndDate",
        says="YYYY-MM-DD",
    ),
    Case(
        "date without hyphens",
        "VIS-04",
        [row(MeasureID="x", PeriodReportedEndDate="20251231")],
        "PeriodReportedEndDate",
    ),
    Case(
        "Excel's number of a date",
        "VIS-04",
        [row(MeasureID="x", PeriodReportedStartDate="45658")],
        "PeriodReportedStartDate",
        says="Excel",
    ),
    Case(
        "year 1825",
        "VIS-04",
        [row(MeasureID="x", PeriodReportedStartDate="1825-01-01")],
        "PeriodReportedStartDate",
    ),
    Case(
        "end before start", "VIS-04", [row(MeasureID="x", PeriodReportedEndDate="2024-12-31")], "PeriodReportedEndDate"
    ),
    Case(
        "end equals start", "VIS-04", [row(MeasureID="x", PeriodReportedEndDate="2025-01-01")], "PeriodReportedEndDate"
    ),
    Case(
        "end after today",
        "VIS-04",
        [row(MeasureID="x", PeriodReportedStartDate="2026-01-01", PeriodReportedEndDate="2026-12-31")],
        "PeriodReportedEndDate",
    ),
    Case("nothing at all", "VIS-05", [row(MeasureID="x", Rate="", Numerator="", Denominator="")], "Value"),
    Case("rate without numerator", "VIS-05", [row(MeasureID="x", Numerator="")], "Numerator"),
    Case("rate without denominator", "VIS-05", [row(MeasureID="x", Denominator="")], "Denominator"),
    Case("rate in per cent", "VIS-05", [row(MeasureID="x", Rate="90.5")], "Rate", says="0.905"),
    Case("negative rate", "VIS-05", [row(MeasureID="x", Rate="-0.1")], "Rate"),
    Case("negative numerator", "VIS-05", [row(MeasureID="x", Numerator="-1")], "Numerator"),
    Case("negative denominator", "VIS-05", [row(MeasureID="x", Denominator="-1")], "Denominator"),
    Case("one end of the interval", "VIS-06", [row(MeasureID="x", ConfidenceIntervalLower="0.7")]),
    Case(
        "lower above higher",
        "VIS-06",
        [row(MeasureID="x", ConfidenceIntervalLower="0.8", ConfidenceIntervalHigher="0.7")],
    ),
    Case(
        "many missing in a measure",
        "VIS-07",
        [missing("UNK", MeasureID="x"), missing("UNK", MeasureID="x", RegionOrganisationId="", RegionName="")],
        "ReasonCode",
        "warning",
    ),
    Case("region without name", "VIS-08", [row(MeasureID="x", RegionName="")], "RegionName"),
    Case("region name without id", "VIS-08", [row(MeasureID="x", RegionOrganisationId="")], "RegionOrganisationId"),
    Case("unit without name", "VIS-08", [unit(MeasureID="x", UnitName="")], "UnitName"),
    Case("unit without id", "VIS-08", [unit(MeasureID="x", UnitHSAID="")], "UnitHSAID"),
    Case("hospital without name", "VIS-08", [hospital(MeasureID="x", HospitalName="")], "HospitalName"),
    Case("hospital without id", "VIS-08", [hospital(MeasureID="x", HospitalHSAID="")], "HospitalHSAID"),
    Case("kommun without code", "VIS-08", [unit(MeasureID="x", MunicipalityName="Halmstad")]),
    Case("unit without region", "VIS-08", [unit(MeasureID="x", RegionOrganisationId="", RegionName="")]),
    Case("one region, two names", "VIS-08", [row(MeasureID="x", RegionName="Region Halland")], "RegionName"),
    Case(
        "one region name, two ids",
        "VIS-08",
        [row(MeasureID="x", RegionOrganisationId="14")],
        "RegionOrganisationId",
    ),
    Case("one unit, two names", "VIS-08", [unit(MeasureID="x", UnitName="Another")], "UnitName"),
    Case("one unit name, two ids", "VIS-08", [unit(7, MeasureID="x", UnitName="Demovårdcentralen 1")], "UnitHSAID"),
    Case(
        "one unit, two regions",
        "VIS-08",
        [unit(MeasureID="x", RegionOrganisationId="14", RegionName="Västra Götaland")],
        "RegionOrganisationId",
    ),
    Case(
        "one unit, two kommuner",
        "VIS-08",
        [unit(MeasureID="x", MunicipalityOrganisationID="1381", MunicipalityName="Laholm")],
        "MunicipalityOrganisationID",
    ),
    Case("one hospital, two names", "VIS-08", [hospital(MeasureID="x", HospitalName="Another")], "HospitalName"),
    Case(
        "hospital with id here and code there",
        "VIS-08",
        [hospital(MeasureID="x", HospitalHSAID="", HospitalOrganisationId="99002")],
        "HospitalHSAID",
    ),
    Case("same unit twice", "VIS-09", [unit(Rate="0.5", Numerator="5", Denominator="10")], "MeasureID"),
    Case("nation twice", "VIS-09", [nation()], "MeasureID", says="nation"),
    Case("region twice", "VIS-09", [row(Version="4")], "MeasureID", says="region"),
    Case("unit and hospital", "VIS-10", [unit(MeasureID="x", HospitalName="Demosjukhuset")], "UnitHSAID"),
    Case(
        "hospital with id and code",
        "VIS-10",
        [
            hospital(
                MeasureID="x", HospitalOrganisationId="99003", HospitalHSAID="SE9990001112-S0002", HospitalName="S2"
            )
        ],
        "HospitalOrganisationId",
        "warning",
    ),
    Case("no country", "VIS-11", [row(MeasureID="x", CountryName="")], "CountryName"),
    Case("other country", "VIS-11", [row(MeasureID="x", CountryName="Sverige")], "CountryName"),
    Case("no version", "VIS-12", [row(MeasureID="x", Version="")], "Version"),
    Case("version 3.1", "VIS-12", [row(MeasureID="x", Version="3.1")], "Version"),
    Case("no measure", "VIS-13", [row(MeasureID="")], "MeasureID"),
    Case("unknown reason", "VIS-14", [missing("XYZ", MeasureID="x")], "ReasonCode"),
    Case("reason and value", "VIS-15", [row(MeasureID="x", ReasonCode="MSK")], "ReasonCode"),
    Case(
        "reason and interval",
        "VIS-15",
        [missing("MSK", MeasureID="x", ConfidenceIntervalLower="0.1", ConfidenceIntervalHigher="0.2")],
        "ReasonCode",
    ),
    Case(
        "masked, but with its counts",
        "VIS-15",
        [missing("MSK", MeasureID="measure-m", Numerator="10", Denominator="10"), *MANY],
        "ReasonCode",
        "warning",
    ),
    Case("scientific notation", "VIS-16", [row(MeasureID="x", Rate="9.1e-05")], "Rate", says="exponent"),
    Case("thousands with blank", "VIS-16", [row(MeasureID="x", Denominator="1 190")], "Denominator", says="separators"),
    Case("thousands with comma", "VIS-16", [row(MeasureID="x", Denominator="1,190")], "Denominator", says="separator"),
    Case("thousands with both", "VIS-16", [value(MeasureID="x", Value="1,190.5")], "Value", says="separators"),
    Case("other decimal sign", "VIS-16", [value(MeasureID="x", Value="34,5")], "Value", says="one decimal sign"),
    Case("per cent sign", "VIS-16", [row(MeasureID="x", Rate="90%")], "Rate", says="percent"),
    Case("not a number", "VIS-16", [row(MeasureID="x", Rate="NA")], "Rate"),
    Case("infinite", "VIS-16", [value(MeasureID="x", Value="inf")], "Value"),
    Case("two kinds", "VIS-17", [row(MeasureID="x", Value="5")], "Value"),
    Case("value with numerator", "VIS-17", [value(MeasureID="x", Numerator="5")], "Numerator", "warning"),
    Case("rate with population", "VIS-17", [row(MeasureID="x", Measurepopulation="5")], "Value", "warning"),
    Case("denominator 0", "VIS-18", [row(MeasureID="x", Rate="0", Numerator="0", Denominator="0")], "Denominator"),
    Case("population 0", "VIS-18", [value(MeasureID="x", Measurepopulation="0")], "Denominator"),
    Case(
        "invalid, but with a basis",
        "VIS-18",
        [missing("INV", MeasureID="measure-m", Denominator="12"), *MANY],
        "ReasonCode",
        "warning",
        others=("VIS-15",),
    ),
    Case(
        "masked, but nothing behind",
        "VIS-18",
        [missing("MSK", MeasureID="measure-m", Denominator="0"), *MANY],
        "ReasonCode",
        "warning",
        others=("VIS-15",),
    ),
    Case("no information", "VIS-18", [missing("NI", MeasureID="measure-m"), *MANY], "ReasonCode", "warning"),
    Case(
        "overlapping years",
        "VIS-19",
        [row(PeriodReportedStartDate="2025-07-01", PeriodReportedEndDate="2026-06-30")],
        "PeriodReportedStartDate",
    ),
    Case(
        "overlapping days",
        "VIS-19",
        [
            row(MeasureID="x", PeriodReportedStartDate="2025-03-03", PeriodReportedEndDate="2025-03-09"),
            row(MeasureID="x", PeriodReportedStartDate="2025-03-09", PeriodReportedEndDate="2025-03-15"),
        ],
        "PeriodReportedStartDate",
        row=2,
    ),
    Case(
        "value outside its interval",
        "VIS-20",
        [row(MeasureID="x", ConfidenceIntervalLower="0.8", ConfidenceIntervalHigher="0.9")],
    ),
    Case(
        "interval below 0",
        "VIS-20",
        [value(MeasureID="x", ConfidenceIntervalLower="-1", ConfidenceIntervalHigher="70")],
    ),
    Case("coverage in per cent", "VIS-21", [row(MeasureID="x", Coverage="83")], "Coverage"),
    Case("target in per cent", "VIS-21", [row(MeasureID="x", ReferenceIntervalRate="80")], severity="warning"),
    Case("negative exclusions", "VIS-21", [row(MeasureID="x", Exclusions="-1")], "Exclusions"),
    Case("negative cohort", "VIS-21", [value(MeasureID="x", Value="", Cohort="-1")], "Cohort"),
    Case("negative population", "VIS-21", [value(MeasureID="x", Measurepopulation="-1")], "Measurepopulation"),
    Case("negative deviation", "VIS-21", [row(MeasureID="x", Standarddeviation="-1")], "Standarddeviation"),
    Case("no HSA-id", "VIS-22", [unit(MeasureID="x", UnitHSAID="4711", UnitName="U")], "UnitHSAID", "warning"),
    Case(
        "numerator and denominator exchanged",
        "VIS-23",
        [row(MeasureID="x", Numerator="4458", Denominator="4037", Rate="0.9056")],
        "Numerator",
        says="Exchange",
    ),
    Case(
        "numerator too large",
        "VIS-23",
        [row(MeasureID="x", Numerator="27", Denominator="13", Rate="0.9")],
        "Numerator",
        says="ratio",
    ),
    Case("rate is not the quotient", "VIS-24", [row(MeasureID="x", Rate="0.5")], "Rate"),
    Case(
        "interval to one side",
        "VIS-25",
        [row(MeasureID="x", ConfidenceIntervalLower="0.7601", ConfidenceIntervalHigher="0.7999")],
        severity="warning",
    ),
    Case("unknown län", "VIS-26", [row(MeasureID="x", RegionOrganisationId="02", RegionName="X")]),
    Case(
        "län that lost its 0 in Excel",
        "VIS-26",
        [row(MeasureID="x", RegionOrganisationId="1", RegionName="Stockholm")],
        "RegionOrganisationId",
        says="Write 01",
    ),
    Case("unknown kommun", "VIS-26", [unit(9, MeasureID="x", MunicipalityOrganisationID="1399")]),
    Case("kommun of another län", "VIS-26", [unit(9, MeasureID="x", MunicipalityOrganisationID="0184")]),
    Case("line break in a name", "VIS-27", [unit(9, MeasureID="x", UnitName="Demo\nnine")], "UnitName"),
    Case("damaged letters", "VIS-27", [unit(9, MeasureID="x", UnitName="DemovÃ¥rdcentralen")], "UnitName"),
    Case("hidden character in an id", "VIS-27", [row(MeasureID="x\u200b")], "MeasureID"),
    Case("empty row", "VIS-28", [{}], severity="warning"),
    Case("one measure, two kinds", "VIS-29", [value(MeasureID="measure-a", PeriodReportedStartDate="2025-12-01")]),
]


def _findings(tmp_path: Path, rows: list[Row], **options: object) -> Findings:
    chosen = {"expected_hsa_id": HSA_ID, "today": TODAY, **options}
    return read_vis(write_csv(tmp_path / "file.csv", rows), ReadOptions(**chosen)).findings  # type: ignore[arg-type]


def test_a_good_file_has_no_findings(tmp_path: Path) -> None:
    assert _findings(tmp_path, GOOD).kept() == []


@pytest.mark.parametrize("case", BAD, ids=lambda case: f"{case.rule} {case.name}")
def test_a_bad_row_is_named_with_row_column_and_rule(case: Case, tmp_path: Path) -> None:
    found = _findings(tmp_path, [*GOOD, *case.bad])
    findings = found.kept()
    expected_row = 2 + len(GOOD) + case.row
    hits = [finding for finding in findings if finding.rule == case.rule]
    assert hits, findings
    hit = hits[0]
    assert (hit.severity, hit.row) == (case.severity, expected_row), findings
    assert case.column is None or hit.column == case.column
    assert case.says in f"{hit.what} {hit.mend}"
    assert hit.what
    assert hit.mend
    if case.severity == "warning":  # It does not reject the file.
        assert found.error_count == 0
        assert set(found.counts("warning")) == {case.rule, *case.others}


def test_every_rule_for_rows_has_a_bad_row() -> None:
    of_the_whole_file = {"VIS-01", "VIS-02", "VIS-30"}
    assert {case.rule for case in BAD} | of_the_whole_file == set(VIS_RULES)


def test_a_quarter_of_missing_values_is_a_warning_for_the_file(tmp_path: Path) -> None:
    rows = [unit(number) for number in range(1, 4)]
    rows.append(missing("MSK", UnitHSAID="SE9990001112-E0009", UnitName="Nine"))
    findings = _findings(tmp_path, rows)
    assert findings.counts("warning") == {"VIS-07": 1}
    assert findings.kept()[0].row is None


def test_adjusted_rates_are_a_warning_when_allowed(tmp_path: Path) -> None:
    rows = [row(Rate="0.5")]
    assert _findings(tmp_path, rows).counts("error") == {"VIS-24": 1}
    assert _findings(tmp_path, rows, allow_adjusted_rates=True).counts("warning") == {"VIS-24": 1}


@pytest.mark.parametrize(
    ("numerator", "denominator", "rate"),
    [
        ("160", "210", "0.7736"),
        ("4", "21", "0.2"),
        ("912", "1190", "0.77"),
        ("0", "30", "0"),
        ("10", "10", "1"),
        ("12.5", "50.25", "0.2488"),
    ],
)
def test_rounded_counts_and_rates_are_accepted(tmp_path: Path, numerator: str, denominator: str, rate: str) -> None:
    rows = [row(Numerator=numerator, Denominator=denominator, Rate=rate)]
    assert _findings(tmp_path, rows).kept() == []


def test_country_name_is_read_in_any_case(tmp_path: Path) -> None:
    assert _findings(tmp_path, [row(CountryName="RIKET")]).kept() == []


def test_another_register_than_the_expected_one_is_refused(tmp_path: Path) -> None:
    findings = _findings(tmp_path, [row()], expected_hsa_id="SE9990001112-OTHER").kept()
    assert [(finding.rule, finding.row) for finding in findings] == [("VIS-03", 2)]
    assert HSA_ID in findings[0].what


def test_all_findings_are_counted_and_the_first_are_kept(tmp_path: Path) -> None:
    findings = _findings(tmp_path, [unit(number, CountryName="Norge") for number in range(1, 301)])
    assert findings.counts("error") == {"VIS-11": 300}
    assert [finding.row for finding in findings.kept()] == list(range(3, 203))


def test_findings_come_errors_first_in_row_order() -> None:
    findings = Findings()
    for number, severity in ((9, "warning"), (7, "error"), (5, "warning"), (3, "error")):
        findings.add(ImportFinding("VIS-05", severity, number, "Rate", "what", "mend"))  # type: ignore[arg-type]
    assert [finding.row for finding in findings.kept()] == [3, 7, 5, 9]


def test_register_name_is_the_source_systems_name(tmp_path: Path) -> None:
    table = read_vis(write_csv(tmp_path / "file.csv", [row()]), ReadOptions(HSA_ID, TODAY))
    assert table.register_name == NAME
