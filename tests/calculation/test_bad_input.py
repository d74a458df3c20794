"""Every kind of bad input: named with row, rule and mend; and nothing is half done."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest
from random_register import HSA, TODAY, counts_from, measure, write_counts

from contracts.catalogue.model import Catalogue
from contracts.errors import DataError
from producer.calculation.counts import COUNT_RULES
from producer.calculation.pipeline import Options, calculate
from producer.organizations.model import Organizations, Place
from producer.organizations.reading import COLUMNS, ORGANIZATION_RULES, read_organizations
from producer.tabular import TableRejected

OPTIONS = Options("SE9990001112-DEMOREG", "Demoregistret", TODAY)
UNITS = Organizations(
    (
        Place("Vardenhet", f"{HSA}-E1", "Ett", "13", "1380"),
        Place("Vardenhet", f"{HSA}-E2", "Två", "13", "1382"),
        Place(
            "Vardenhet",
            f"{HSA}-E3",
            "Tre",
            "13",
            "1382",
            valid_to=date(2024, 6, 30),
            merged_into=f"{HSA}-E2",
        ),
    )
)
ROW: dict[str, object] = {
    "measure_id": "m",
    "unit": f"{HSA}-E1",
    "period_start": "2025-01-01",
    "period_end": "2025-12-31",
    "numerator": "30",
    "denominator": "40",
}


@pytest.mark.parametrize(
    ("rule", "cells", "facts", "mend"),
    [
        ("CNT-01", {"unit": None}, {}, "HSA-id"),
        ("CNT-02", {"measure_id": "x"}, {}, "catalogue import"),
        ("CNT-02", {}, {"status": "UNPUBLISHED"}, "published"),
        ("CNT-02", {"measure_id": "m-1"}, {"by_sex": True}, "parent"),
        ("CNT-03", {"unit": f"{HSA}-E9"}, {}, "add the unit"),
        ("CNT-03", {"unit": f"{HSA}-E3"}, {}, f"{HSA}-E2"),
        ("CNT-04", {"period_start": "2025-02-30"}, {}, "YYYY-MM-DD"),
        ("CNT-04", {"period_end": "45000"}, {}, "YYYY-MM-DD"),
        ("CNT-04", {"period_end": "2023-12-31"}, {}, "Correct"),
        ("CNT-05", {"numerator": "1,2E+3"}, {}, "exponent"),
        ("CNT-05", {"denominator": "1 190"}, {}, "thousands"),
        ("CNT-05", {"numerator": "74%"}, {}, "percent"),
        ("CNT-05", {"numerator": "-3"}, {}, "0 or more"),
        ("CNT-05", {"coverage": "88.6"}, {}, "0 to 1"),
        ("CNT-06", {"denominator": None}, {}, "leave all numbers empty"),
        ("CNT-06", {"value": "0.75"}, {}, "numerator and denominator"),
        ("CNT-06", {}, {"unit_type": "Medelvärde"}, "value and n"),
        ("CNT-07", {"numerator": "40", "denominator": "30"}, {}, "swapped"),
        ("CNT-11", {"sex": "K"}, {}, "1 for men"),
    ],
)
def test_wrong_row_is_named(
    rule: str, cells: dict[str, object], facts: dict[str, object], mend: str, tmp_path: Path
) -> None:
    with pytest.raises(TableRejected) as caught:
        counts_from(
            tmp_path / "counts.csv",
            [ROW, {**ROW, "period_start": "2024-01-01", "period_end": "2024-06-30", **cells}]
            if rule != "CNT-03"
            else [ROW, {**ROW, **cells}],
            measure(**facts),
            UNITS,
        )  # type: ignore[arg-type]
    found = [one for one in caught.value.findings.kept() if one.rule == rule]
    assert found
    assert found[0].row in (2, 3)
    assert any(mend in one.mend for one in found)
    assert rule in COUNT_RULES


@pytest.mark.parametrize(
    ("rule", "rows"),
    [
        ("CNT-08", [ROW, ROW]),
        ("CNT-08", [ROW, {**ROW, "sex": "1"}]),
        ("CNT-09", [ROW, {**ROW, "period_start": "2025-06-01", "period_end": "2025-06-30"}]),
    ],
)
def test_rows_that_contradict_each_other_are_named(rule: str, rows: list[dict[str, object]], tmp_path: Path) -> None:
    with pytest.raises(TableRejected) as caught:
        counts_from(tmp_path / "counts.csv", rows, measure(by_sex=True), UNITS)
    assert list(caught.value.findings.counts("error")) == [rule]


@pytest.mark.parametrize(
    ("rule", "cells", "facts"),
    [
        ("CNT-05", {"numerator": "20.9"}, {}),
        ("CNT-10", {}, {"valid_from": date(2025, 6, 1)}),
        ("CNT-12", {}, {"frequencies": ("year", "month")}),
        ("CNT-12", {}, {"display_threshold": None}),
        ("CNT-12", {}, {"by_sex": True}),
    ],
)
def test_doubtful_input_is_a_warning(
    rule: str, cells: dict[str, object], facts: dict[str, object], tmp_path: Path
) -> None:
    path = write_counts(tmp_path / "counts.csv", [{**ROW, **cells}])
    done = calculate(path, Catalogue.of(measure(**facts)), UNITS, OPTIONS)  # type: ignore[arg-type]
    assert rule in done.findings.counts("warning")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "is empty"),
        ("measure_id;unit\n", "missing: period_start, period_end"),
        ("measure_id;unit;period_start;period_end;nominator\n", "not known: nominator"),
        ("measure_id;unit;period_start;period_end;unit\n", "stand twice: unit"),
        ("measure_id;unit;period_start;period_end;numerator;denominator\n", "no rows"),
    ],
)
def test_no_table_of_counts(text: str, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "counts.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=expected):
        calculate(path, Catalogue.of(measure()), UNITS, OPTIONS)


def test_decimal_comma_windows_text_and_own_notes_are_read(tmp_path: Path) -> None:
    path = tmp_path / "counts.csv"
    header = "measure_id,unit,period_start,period_end,value,n,sd,#note"
    path.write_bytes(f'{header}\nm,{HSA}-E1,2025-01-01,2025-12-31,"51,5",20,"9,1",från Åre\n'.encode("cp1252"))
    done = calculate(path, Catalogue.of(measure(unit_type="Medelvärde")), UNITS, OPTIONS)
    assert done.rows.filter(pl.col("UnitHSAID") == f"{HSA}-E1")["Value"].to_list() == [51.5]
    assert set(done.rows["ReasonCode"]) == {None, "UNK"}


def place(**cells: str) -> dict[str, str]:
    return {"organization_type": "Vardenhet", "id": f"{HSA}-E1", "name": "Ett", "kommun": "1380", **cells}


def write_places(path: Path, rows: list[dict[str, str]]) -> Path:
    cells = [[row.get(name) for name in COLUMNS] for row in rows]
    pl.DataFrame(cells, schema=dict.fromkeys(COLUMNS, pl.String), orient="row").write_csv(path, separator=";")
    return path


SECOND = place(id=f"{HSA}-E2", name="Två")
HOSPITAL = {"organization_type": "Sjukhus", "id": f"{HSA}-S1", "name": "Sjukhuset", "lan": "14"}


@pytest.mark.parametrize(
    ("rule", "rows"),
    [
        ("ORG-01", [place(name="")]),
        ("ORG-01", [place(organization_type="Klinik")]),
        ("ORG-02", [place(id="E1")]),
        ("ORG-03", [place(kommun="138")]),
        ("ORG-03", [place(kommun="", lan="")]),
        ("ORG-03", [place(kommun="", lan="02")]),
        ("ORG-03", [place(kommun="1380", lan="14")]),
        ("ORG-04", [place(valid_from="2025-13-01")]),
        ("ORG-04", [place(valid_from="2025-02-01", valid_to="2025-01-01")]),
        ("ORG-05", [place(), place(kommun="1382", valid_from="2025-01-01")]),
        ("ORG-06", [place(), place(id=f"{HSA}-E2")]),
        ("ORG-07", [place(parent=f"{HSA}-E2"), SECOND]),
        ("ORG-08", [place(merged_into=f"{HSA}-E9"), SECOND]),
        ("ORG-09", [place(parent=f"{HSA}-S1"), HOSPITAL]),
        ("ORG-10", [place(), {**HOSPITAL, "id": f"{HSA}-E1", "valid_from": "2030-01-01"}]),
    ],
)
def test_wrong_organisation_is_named(rule: str, rows: list[dict[str, str]], tmp_path: Path) -> None:
    with pytest.raises(TableRejected) as caught:
        read_organizations(write_places(tmp_path / "organizations.csv", rows))
    found = [one for one in caught.value.findings.kept() if one.rule == rule]
    assert found
    assert found[0].row in (2, 3)
    assert found[0].mend
    assert rule in ORGANIZATION_RULES


def test_moved_unit_keeps_its_history(tmp_path: Path) -> None:
    rows = [
        place(valid_to="2024-12-31"),
        place(kommun="1480", name="Ett i Göteborg", valid_from="2025-01-01"),
        place(id=f"{HSA}-E2", name="Två", merged_into=f"{HSA}-E1", valid_to="2024-12-31"),
    ]
    organizations = read_organizations(write_places(tmp_path / "organizations.csv", rows))
    counted = [
        {**ROW, "period_start": f"{year}-01-01", "period_end": f"{year}-12-31", "unit": f"{HSA}-E{unit}"}
        for year, unit in ((2024, 1), (2024, 2), (2025, 1))
    ]
    entries = measure(levels=("Land", "Lan", "Kommun", "Vardenhet"))
    done = calculate(write_counts(tmp_path / "counts.csv", counted), Catalogue.of(entries), organizations, OPTIONS)
    kommun = done.rows.filter(pl.col("UnitHSAID").is_null() & pl.col("MunicipalityOrganisationID").is_not_null())
    found = dict(
        kommun.select(
            pl.format("{} {}", pl.col("PeriodReportedStartDate").str.slice(0, 4), "MunicipalityName"), "Denominator"
        ).rows()
    )
    assert found == {"2024 Halmstad": 80.0, "2025 Göteborg": 40.0}
    units = (
        done.rows.filter(pl.col("UnitHSAID").is_not_null()).select("UnitHSAID", "UnitName", "MunicipalityName").unique()
    )
    assert dict(units.select("UnitHSAID", "MunicipalityName").rows()) == {
        f"{HSA}-E1": "Göteborg",
        f"{HSA}-E2": "Halmstad",
    }
