"""What the catalogue asks for and the counts cannot give, or give in part only, is warned of by name (CNT-12)."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from random_register import HSA, counts_from, measure, month_span, random_counts, random_organizations

from contracts.catalogue.model import CatalogueMeasure
from producer.calculation import aggregate
from producer.calculation.pipeline import Calculated, Options, calculate_counts
from producer.organizations.model import Organizations, Place

UNITS = Organizations(tuple(Place("Vardenhet", f"{HSA}-E{one}", f"Demoenhet {one}", "13", "1380") for one in (1, 2)))


def done(
    folder: Path,
    months: dict[int, Sequence[int]],
    *,
    today: date = date(2026, 6, 30),
    organizations: Organizations = UNITS,
    entries: Sequence[CatalogueMeasure] | None = None,
) -> Calculated:
    """Calculate from twenty cases of each unit in each of its months (counted from January 2024)."""
    rows = [
        {
            "measure_id": "m",
            "unit": f"{HSA}-E{unit}",
            "period_start": month_span(month)[0],
            "period_end": month_span(month)[1],
            "numerator": 10,
            "denominator": 20,
        }
        for unit, numbers in months.items()
        for month in numbers
    ]
    entries = entries or measure(levels=("Land", "Vardenhet"))
    counts = counts_from(folder / "counts.csv", rows, entries, organizations)
    return calculate_counts(counts, Options(f"{HSA}-DEMOREG", "Demo", today), lambda *_: None)


def warnings(found: Calculated) -> list[str]:
    return [one.what for one in found.findings.kept() if one.rule == "CNT-12"]


def test_whole_years_have_no_warning(tmp_path: Path) -> None:
    assert warnings(done(tmp_path, {1: range(24), 2: range(24)})) == []


@pytest.mark.parametrize(
    ("months", "today", "expected"),
    [
        (range(24), date(2025, 12, 30), "Indicator m: No value of 2025, which has not ended."),
        (range(14), date(2025, 3, 1), "Indicator m: No value of 2025, which has not ended."),
        (range(23), date(2026, 3, 1), "Indicator m: No value of 2025: it has ended, but the counts end with 2025-11."),
        (range(-2, 24), date(2026, 3, 1), "Indicator m: No value of 2023, because the counts, or the indicator"),
    ],
)
def test_year_that_is_not_whole_is_left_out_and_named(
    months: range, today: date, expected: str, tmp_path: Path
) -> None:
    found = done(tmp_path, {1: months, 2: months}, today=today)
    assert [one[: len(expected)] for one in warnings(found)] == [expected]
    years = found.rows["PeriodReportedStartDate"].str.slice(0, 4).unique().sort().to_list()
    assert expected.split("No value of ")[1][:4] not in years
    assert "2024" in years


def test_months_that_nobody_reported_are_named(tmp_path: Path) -> None:
    months = [*range(3), *range(5, 9), *range(10, 12)]
    found = done(tmp_path, {1: months, 2: months})
    assert warnings(found) == [
        "Indicator m: The counts hold nothing for 2024-04 to 2024-05, 2024-10; longer values are sums of the other "
        "months."
    ]
    assert found.rows.filter(pl.col("RegionName").is_null())["Denominator"].to_list() == [9 * 2 * 20]


def test_unit_with_some_of_the_months_is_named(tmp_path: Path) -> None:
    found = done(tmp_path, {1: range(24), 2: [*range(12), *range(15, 24)]})
    assert warnings(found) == [
        f"Indicator m: 1 unit(s) have counts for only some of the months of 2025: {HSA}-E2; the others are counted as "
        "no cases."
    ]


def test_unit_that_moved_or_began_lacks_nothing(tmp_path: Path) -> None:
    moved = Organizations(
        (
            Place("Vardenhet", f"{HSA}-E1", "Demoenhet 1", "13", "1380", valid_to=date(2024, 6, 30)),
            Place("Vardenhet", f"{HSA}-E1", "Demoenhet 1", "14", "1480", valid_from=date(2024, 7, 1)),
            Place("Vardenhet", f"{HSA}-E2", "Demoenhet 2", "13", "1380", valid_from=date(2024, 3, 1)),
        )
    )
    assert warnings(done(tmp_path, {1: range(12), 2: range(2, 12)}, organizations=moved)) == []


def test_longer_counts_and_rolling_years(tmp_path: Path) -> None:
    rolling = measure(levels=("Land",), frequencies=("year", "quarter"), is_rolling_year=True)
    found = done(tmp_path, {1: range(15), 2: [*range(4), *range(6, 15)]}, today=date(2025, 3, 31), entries=rolling)
    assert warnings(found) == [
        f"Indicator m: 1 unit(s) have counts for only some of the months of 2024-01 to 2025-03: {HSA}-E2; the others "
        "are counted as no cases.",
        "Indicator m: No value of 2025, which has not ended.",
    ]


def test_sjukvardsregion_is_left_out_and_said_so(tmp_path: Path) -> None:
    found = done(tmp_path, {1: range(12), 2: range(12)}, entries=measure(levels=("Land", "Sjukvardsregion")))
    (warning,) = warnings(found)
    assert warning.startswith("Indicator m: The catalogue asks for values per sjukvårdsregion")
    assert "no column" in warning
    assert found.by_level == {"Land": 1}


def test_many_indicators_are_summed_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dice = random.Random(3)
    organizations = random_organizations(dice, 4, with_hospitals=True)
    entries = [one for name in ("a", "b", "c") for one in measure(name, by_sex=True, frequencies=("year", "quarter"))]
    rows = [row for name in ("a", "b", "c") for row in random_counts(dice, organizations, measure_id=name, by_sex=True)]
    made = []
    for size in (2**22, 1):
        monkeypatch.setattr(aggregate, "_CELLS_AT_ONCE", size)
        counts = counts_from(tmp_path / "counts.csv", rows, entries, organizations)
        steps: list[int] = []
        options = Options(f"{HSA}-DEMOREG", "Demo", date(2026, 6, 30))
        found = calculate_counts(counts, options, lambda phase, count, _, to=steps: to.append(count))  # type: ignore[misc]
        made.append((found.rows.to_dicts(), len(steps)))
    assert made[0][0] == made[1][0]
    assert made[1][1] > made[0][1]


@pytest.mark.parametrize(
    ("months", "facts", "expected"),
    [
        (range(9), {}, "Indicator m: No value of 2024: it has ended, but the counts end with 2024-09."),
        (
            range(11),
            {"is_rolling_year": True},
            "Indicator m: The counts hold no twelve months in a row that have ended",
        ),
        (range(12), {"valid_from": date(2024, 1, 15)}, "Indicator m: No value of 2024, because the counts, or the"),
    ],
)
def test_nothing_can_be_made(months: range, facts: dict[str, object], expected: str, tmp_path: Path) -> None:
    entries = measure(frequencies=("month",) if "is_rolling_year" in facts else ("year",), **facts)
    found = done(tmp_path, {1: months, 2: months}, entries=entries)
    assert [one[: len(expected)] for one in warnings(found)] == [expected]
    assert found.rows.height == 0


def test_misspelt_audience_is_named(tmp_path: Path) -> None:
    entries = measure(levels=("Land",), audience_thresholds={"open-data": 30.0})
    rows = random_counts(random.Random(1), UNITS, periods=12, reported=1.0)
    for audience, expected in (("open-data", []), ("opendata", ["No indicator has a threshold for the audience"])):
        counts = counts_from(tmp_path / "counts.csv", rows, entries, UNITS)
        options = Options(f"{HSA}-DEMOREG", "Demo", date(2026, 6, 30), audience)
        found = calculate_counts(counts, options, lambda *_: None)
        assert [one[:45] for one in warnings(found)] == expected
