"""Expected against there: what is missing, masked and suspicious; and the report for people."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest
from lxml import html as lxml_html

from contracts.catalogue.model import Catalogue, CatalogueMeasure
from producer.completeness import Completeness, check_completeness
from producer.completeness.html import completeness_html
from producer.organizations.model import Organizations, Place
from producer.register.vis.columns import COLUMNS, NUMBERS

HSA = "SE9990001112"
PLACES = Organizations(
    (
        Place("Vardenhet", f"{HSA}-E1", "Ett", "13", "1380"),
        Place("Vardenhet", f"{HSA}-E2", "Två <b>", "13", "1382", valid_from=date(2024, 1, 1)),
    )
)


def catalogue(**facts: object) -> Catalogue:
    given: dict[str, object] = {
        "frequencies": ("year",),
        "levels": ("Land", "Vardenhet"),
        "unit_type": "Andel",
        **facts,
    }
    return Catalogue.of([CatalogueMeasure("m", 1, "Indicator", **given)])  # type: ignore[arg-type]


def cell(
    unit: int | None, year: int, numerator: float | None = 60, denominator: float | None = 100, **more: object
) -> dict[str, object]:
    rate = None if numerator is None or not denominator else numerator / denominator
    return {
        "MeasureID": "m",
        "Version": 1,
        "PeriodReportedStartDate": f"{year}-01-01",
        "PeriodReportedEndDate": f"{year}-12-31",
        "UnitHSAID": f"{HSA}-E{unit}" if unit else None,
        "UnitName": ("Ett", "Två <b>")[unit - 1] if unit else None,
        "RegionOrganisationId": "13" if unit else None,
        "Numerator": numerator,
        "Denominator": denominator,
        "Rate": rate,
        **more,
    }


def found(rows: list[dict[str, object]], known: Catalogue | None = None, **options: object) -> Completeness:
    schema = {name: pl.Float64 if name in NUMBERS else pl.String for name in COLUMNS}
    table = pl.DataFrame(
        [
            [None if (v := row.get(name)) is None else v if name in NUMBERS else str(v) for name in COLUMNS]
            for row in rows
        ],
        schema=schema,
        orient="row",
    )
    return check_completeness(table, known or catalogue(), **options)  # type: ignore[arg-type]


WHOLE = [cell(None, 2023), cell(None, 2024), cell(1, 2023), cell(1, 2024), cell(2, 2024)]


def test_whole_report_lacks_nothing() -> None:
    report = found(WHOLE, organizations=PLACES)
    assert (report.is_complete, report.missing, report.suspicions) == (True, (), ())
    assert (report.measures[0].expected, report.measures[0].values) == (5, 5)


@pytest.mark.parametrize("lacking", range(len(WHOLE)))
def test_each_lacking_row_is_missed(lacking: int) -> None:
    rows = [row for number, row in enumerate(WHOLE) if number != lacking]
    report = found(rows, organizations=PLACES)
    gap = WHOLE[lacking]
    assert [(one.organization, one.start.year) for one in report.missing] == [
        (
            f"Vardenhet/{gap['UnitHSAID']}" if gap["UnitHSAID"] else "Land/SE",
            int(str(gap["PeriodReportedStartDate"])[:4]),
        )
    ]


def test_without_organisations_those_that_reported_before_are_expected() -> None:
    report = found([*WHOLE[:3], cell(2, 2023)])
    assert {(one.organization, one.reason) for one in report.missing} == {
        (f"Vardenhet/{HSA}-E1", "it was reported before"),
        (f"Vardenhet/{HSA}-E2", "it was reported before"),
    }


def test_masked_and_unreported_values_are_there() -> None:
    empty = {"numerator": None, "denominator": None}
    rows = [*WHOLE[:3], cell(1, 2024, **empty, ReasonCode="MSK"), cell(2, 2024, **empty, ReasonCode="UNK")]  # type: ignore[arg-type]
    report = found(rows, organizations=PLACES)
    assert report.is_complete
    assert (report.measures[0].masked, report.measures[0].unreported) == (1, 1)
    assert {one.rule for one in report.suspicions} == {"SUS-05"}


def test_later_periods_and_never_reported_indicators_are_missed() -> None:
    known = Catalogue.of([*catalogue().measures, CatalogueMeasure("other", 1, "Other", "Andel")])
    report = found(WHOLE, known, organizations=PLACES, until=date(2025, 12, 31))
    assert {(one.measure_id, one.start.year) for one in report.missing} == {("m", 2025), ("other", 2025)}
    assert report.missing_count == 4


@pytest.mark.parametrize(
    ("rule", "last", "unit_type"),
    [
        ("SUS-01", cell(1, 2024, 300, 1000), "Andel"),
        ("SUS-02", cell(1, 2024, 2400, 4000), "Andel"),
        ("SUS-03", cell(1, 2024, 1000, 600), "Andel"),
        ("SUS-04", cell(1, 2024, None, None, Value=60.0), "Andel"),
        ("SUS-01", cell(1, 2024, None, None, Value=180.0, Measurepopulation=1000.0), "Medelvärde"),
    ],
)
def test_suspicious_value_is_named(rule: str, last: dict[str, object], unit_type: str) -> None:
    first = (
        cell(1, 2023, 600, 1000)
        if unit_type == "Andel"
        else cell(1, 2023, None, None, Value=50.0, Measurepopulation=1000.0)
    )
    report = found([first, last], catalogue(unit_type=unit_type))
    assert rule in {one.rule for one in report.suspicions}
    assert all(one.mend and one.what for one in report.suspicions)


def test_chance_is_not_suspicious() -> None:
    report = found([cell(1, 2023, 9, 20), cell(1, 2024, 13, 20)])
    assert report.suspicions == ()


def test_html_holds_its_pictures_and_escapes_names(tmp_path: Path) -> None:
    rows = [*WHOLE[:4]]
    text = completeness_html(found(rows, organizations=PLACES), register_name="Demo & Co")
    page = lxml_html.fromstring(text)
    assert "<b>" not in text
    assert len(page.xpath("//rect[@class='missing' and title]")) == 1
    assert page.xpath("//title[1]/text()")[0].endswith("Demo & Co")
    assert not page.xpath("//link|//script|//img|//*[@src]")
