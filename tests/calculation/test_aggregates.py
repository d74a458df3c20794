"""Aggregates and intervals against an independent calculation: pandas sums, statsmodels and scipy intervals."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_register import TODAY, counts_from, measure, month_span, random_counts, random_organizations
from scipy import stats
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.weightstats import DescrStatsW

from contracts.catalogue.model import CatalogueMeasure
from producer.calculation.counts import Counts
from producer.calculation.intervals import student, t_quantile, wilson
from producer.calculation.pipeline import Calculated, Options, calculate_counts
from producer.organizations.model import Organizations

LEVELS = ("Land", "Lan", "Kommun", "Sjukhus", "Vardenhet")
FREQUENCIES = ("year", "half-year", "quarter", "month")
MONTHS = {"year": 12, "half-year": 6, "quarter": 3, "month": 1}
OPTIONS = Options("SE9990001112-DEMOREG", "Demoregistret", TODAY)


def calculated(counts: Counts, **options: object) -> Calculated:
    from dataclasses import replace

    return calculate_counts(counts, replace(OPTIONS, **options), lambda *_: None)  # type: ignore[arg-type]


def independent(rows: list[dict[str, object]], organizations: Organizations, frequency: str) -> pd.DataFrame:
    """Counts of every unit with the organisations and the period that each belongs to, for pandas to sum."""
    table = pd.DataFrame(rows)
    places = {place.id: place for place in organizations.places}
    table["Vardenhet"] = table["unit"]
    table["Sjukhus"] = [places[unit].hospital for unit in table["unit"]]
    table["Kommun"] = [places[unit].kommun for unit in table["unit"]]
    table["Lan"] = [places[unit].lan for unit in table["unit"]]
    table["Land"] = "SE"
    months = MONTHS[frequency]
    table["period"] = [(day.year * 12 + day.month - 1) // months for day in table["period_start"]]
    return table


def identity_of(row: dict[str, object]) -> tuple[str, object]:
    if row["UnitHSAID"]:
        return "Vardenhet", row["UnitHSAID"]
    if row["HospitalHSAID"]:
        return "Sjukhus", row["HospitalHSAID"]
    if row["MunicipalityOrganisationID"]:
        return "Kommun", row["MunicipalityOrganisationID"]
    if row["RegionOrganisationId"]:
        return "Lan", row["RegionOrganisationId"]
    return "Land", "SE"


def by_key(done: Calculated, months: int) -> dict[tuple[object, ...], dict[str, object]]:
    found = {}
    for row in done.rows.to_dicts():
        start, end = str(row["PeriodReportedStartDate"]), str(row["PeriodReportedEndDate"])
        first = int(start[:4]) * 12 + int(start[5:7]) - 1
        length = int(end[:4]) * 12 + int(end[5:7]) - first
        if length == months:
            found[(row["MeasureID"], *identity_of(row), first // months)] = row
    return found


@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 10**6), by_sex=st.booleans())
def test_proportions_equal_pandas_and_statsmodels(seed: int, by_sex: bool, tmp_path: Path) -> None:
    check_proportions(random.Random(seed), 4, by_sex, tmp_path)


@pytest.mark.slow
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 10**6), by_sex=st.booleans())
def test_proportions_of_many_random_trees(seed: int, by_sex: bool, tmp_path: Path) -> None:
    check_proportions(random.Random(seed), 12, by_sex, tmp_path)


def check_proportions(dice: random.Random, most_units: int, by_sex: bool, tmp_path: Path) -> None:
    organizations = random_organizations(dice, dice.randint(1, most_units), with_hospitals=True)
    rows = random_counts(dice, organizations, periods=12, by_sex=by_sex)
    if not rows or len({row["period_start"] for row in rows}) < 12:
        return
    entries = measure(levels=LEVELS, frequencies=FREQUENCIES, display_threshold=None, by_sex=by_sex)
    done = calculated(counts_from(tmp_path / "counts.csv", rows, entries, organizations))
    checked = 0
    for frequency, months in MONTHS.items():
        table = independent(rows, organizations, frequency)
        cells = by_key(done, months)
        for level in LEVELS:
            groups = [("m", table)]
            groups += [(f"m-{sex}", table[table["sex"] == sex]) for sex in ("1", "2") if by_sex]
            for measure_id, part in groups:
                for (node, period), group in part.groupby([level, "period"]):
                    row = cells[(measure_id, level, node, period)]
                    cases, basis = group["numerator"].sum(), group["denominator"].sum()
                    checked += 1
                    if basis == 0:
                        assert row["ReasonCode"] == "INV"
                        assert row["Numerator"] is None
                        continue
                    low, high = proportion_confint(cases, basis, method="wilson")
                    assert (row["Numerator"], row["Denominator"]) == (cases, basis)
                    assert row["Rate"] == pytest.approx(cases / basis, abs=5.1e-5)
                    assert row["ConfidenceIntervalLower"] == pytest.approx(low, abs=5.1e-5)
                    assert row["ConfidenceIntervalHigher"] == pytest.approx(high, abs=5.1e-5)
    assert checked == len(done.rows.filter(pl.col("ReasonCode").is_null() | (pl.col("ReasonCode") == "INV")))
    known = {str(row["ReasonCode"]) for row in done.rows.to_dicts()}
    assert known <= {"None", "INV", "UNK"}


def mean_rows(
    dice: random.Random, organizations: Organizations, observations: dict[tuple[str, int], np.ndarray]
) -> list[dict[str, object]]:
    rows = []
    for place in organizations.places:
        for number in range(4):
            values = np.array([round(dice.gauss(52, 9), 2) for _ in range(dice.randint(2, 40))])
            observations[(place.id, number)] = values
            start, end = month_span(number, 3)
            rows.append(
                {
                    "measure_id": "m",
                    "unit": place.id,
                    "period_start": start,
                    "period_end": end,
                    "value": f"{values.mean():.12f}",
                    "n": len(values),
                    "sd": f"{values.std(ddof=1):.12f}",
                    "coverage": "0.8",
                }
            )
    return rows


@pytest.mark.parametrize("seed", range(4))
def test_means_equal_those_of_all_observations(seed: int, tmp_path: Path) -> None:
    dice = random.Random(seed)
    organizations = random_organizations(dice, 5)
    observations: dict[tuple[str, int], np.ndarray] = {}
    rows = mean_rows(dice, organizations, observations)
    entries = measure(unit_type="Medelvärde", levels=LEVELS, frequencies=("year", "quarter"), display_threshold=None)
    done = calculated(counts_from(tmp_path / "counts.csv", rows, entries, organizations))
    for months in (12, 3):
        table = independent(rows, organizations, {12: "year", 3: "quarter"}[months])
        table["number"] = [key[1] for key in observations]
        cells = by_key(done, months)
        for level in ("Land", "Lan", "Kommun", "Vardenhet"):
            for (node, period), group in table.groupby([level, "period"]):
                pooled = np.concatenate([observations[key] for key in zip(group["unit"], group["number"], strict=True)])
                low, high = DescrStatsW(pooled).tconfint_mean()
                row = cells[("m", level, node, period)]
                assert row["Value"] == pytest.approx(pooled.mean(), abs=0.0051)
                assert row["Standarddeviation"] == pytest.approx(pooled.std(ddof=1), abs=0.0051)
                assert row["ConfidenceIntervalLower"] == pytest.approx(max(0.0, low), abs=0.0051)
                assert row["ConfidenceIntervalHigher"] == pytest.approx(high, abs=0.0051)
                assert row["Measurepopulation"] == len(pooled)
                assert row["Coverage"] == pytest.approx(0.8)
    assert done.methods == {"m": "Student's t"}


def test_t_quantile_is_that_of_scipy() -> None:
    degrees = [*range(1, 60), 100, 1000, 10**6]
    frame = pl.DataFrame({"n": [float(one) for one in degrees]})
    mine = frame.select(t_quantile(pl.col("n"))).to_series().to_list()
    assert mine == pytest.approx([stats.t.ppf(0.975, one) for one in degrees], abs=2e-5)


@given(cases=st.integers(0, 500), others=st.integers(0, 500))
def test_wilson_is_that_of_statsmodels(cases: int, others: int) -> None:
    frame = pl.DataFrame({"n": [float(cases)], "d": [float(cases + others)]})
    low, high = frame.select(
        *(end.alias(name) for name, end in zip("lh", wilson(pl.col("n"), pl.col("d")), strict=True))
    ).row(0)
    if cases + others == 0:
        assert (low, high) == (None, None)
        return
    expected = proportion_confint(cases, cases + others, method="wilson")
    assert (low, high) == pytest.approx(expected, abs=1e-12)
    assert low <= cases / (cases + others) <= high


def test_one_observation_has_no_interval() -> None:
    frame = pl.DataFrame({"mean": [5.0], "sd": [None], "n": [1.0]}, schema_overrides={"sd": pl.Float64})
    low, high = student(pl.col("mean"), pl.col("sd"), pl.col("n"))
    assert frame.select(low.alias("l"), high.alias("h")).row(0) == (None, None)


@pytest.mark.parametrize("seed", range(3))
def test_median_of_units_is_weighted(seed: int, tmp_path: Path) -> None:
    dice = random.Random(seed)
    organizations = random_organizations(dice, 6)
    start, end = month_span(0, 12)
    rows = [
        {
            "measure_id": "m",
            "unit": place.id,
            "period_start": start,
            "period_end": end,
            "value": dice.randint(1, 90),
            "n": dice.randint(1, 50),
        }
        for place in organizations.places
    ]
    entries = measure(unit_type="Dagar", levels=("Land",), display_threshold=None)
    done = calculated(counts_from(tmp_path / "counts.csv", rows, entries, organizations))
    repeated = np.repeat([row["value"] for row in rows], [row["n"] for row in rows])  # type: ignore[arg-type]
    assert done.rows["Value"].to_list() == [np.quantile(repeated, 0.5, method="inverted_cdf")]
    assert done.rows["Measurepopulation"].to_list() == [len(repeated)]


def test_rolling_year_is_the_sum_of_the_twelve_months_before(tmp_path: Path) -> None:
    dice = random.Random(4)
    organizations = random_organizations(dice, 3)
    rows = random_counts(dice, organizations, periods=18, reported=1.0)
    entries = measure(frequencies=("year", "month"), levels=("Land",), is_rolling_year=True, display_threshold=None)
    done = calculated(counts_from(tmp_path / "counts.csv", rows, entries, organizations))
    monthly = by_key(done, 1)
    assert len(monthly) == 7
    for (_, _, _, month), row in monthly.items():
        window = [
            one for one in rows if month - 11 <= one["period_start"].year * 12 + one["period_start"].month - 1 <= month
        ]  # type: ignore[attr-defined]
        assert row["Denominator"] == sum(one["denominator"] for one in window)  # type: ignore[misc]
    yearly = by_key(done, 12)
    december = monthly[("m", "Land", "SE", 2024 * 12 + 11)]
    assert yearly[("m", "Land", "SE", 2024)]["Numerator"] == december["Numerator"]


def test_counts_and_ratios(tmp_path: Path) -> None:
    organizations = random_organizations(random.Random(1), 2)
    start, end = month_span(0, 12)
    units = [place.id for place in organizations.places]
    entries: list[CatalogueMeasure] = [
        *measure("antal", unit_type="Antal", levels=("Land", "Vardenhet"), display_threshold=5.0),
        *measure("kvot", unit_type="Kvot", per=1000.0, levels=("Land",)),
    ]
    rows = [
        {
            "measure_id": "antal",
            "unit": units[number],
            "period_start": start,
            "period_end": end,
            "numerator": (12, 0)[number],
        }
        for number in (0, 1)
    ]
    rows += [
        {
            "measure_id": "kvot",
            "unit": unit,
            "period_start": start,
            "period_end": end,
            "numerator": 45,
            "denominator": 30,
        }
        for unit in units
    ]
    done = calculated(counts_from(tmp_path / "counts.csv", rows, entries, organizations))
    cohorts = done.rows.filter(pl.col("MeasureID") == "antal")
    assert cohorts["Cohort"].to_list() == [12, 12, 0]
    ratio = done.rows.filter(pl.col("MeasureID") == "kvot")
    assert ratio["Value"].to_list() == [1500.0]
    assert ratio["Measurepopulation"].to_list() == [60]


def test_masked_rows_carry_no_number(tmp_path: Path) -> None:
    dice = random.Random(8)
    organizations = random_organizations(dice, 6)
    rows = [dict(row, exclusions=2, coverage=0.9) for row in random_counts(dice, organizations, periods=4, months=3)]
    entries = measure(frequencies=("year", "quarter"), levels=LEVELS)
    for options in ({}, {"strict": True}, {"rounds": True}):
        done = calculated(counts_from(tmp_path / "counts.csv", rows, entries, organizations), **options)
        numbers = ["Numerator", "Denominator", "Rate", "Value", "Cohort", "Coverage", "Exclusions", "Measurepopulation"]
        numbers += ["ConfidenceIntervalLower", "ConfidenceIntervalHigher", "Standarddeviation", "ReferenceIntervalRate"]
        missing = done.rows.filter(pl.col("ReasonCode").is_not_null())
        assert missing.height > 0
        assert missing.select(pl.col(*numbers).count()).row(0) == (0,) * len(numbers)
        shown = done.rows.filter(pl.col("ReasonCode").is_null())
        assert shown["Denominator"].min() >= 15  # type: ignore[operator]


def test_rounding_to_tens(tmp_path: Path) -> None:
    organizations = random_organizations(random.Random(1), 1)
    start, end = month_span(0, 12)
    row = {"measure_id": "m", "unit": organizations.places[0].id, "period_start": start, "period_end": end}
    shown = []
    for cases, basis in ((4, 53), (123, 456)):
        counted = [dict(row, numerator=cases, denominator=basis)]
        counts = counts_from(tmp_path / "counts.csv", counted, measure(levels=("Land",)), organizations)
        shown += calculated(counts, rounds=True).rows.select("Numerator", "Denominator", "Rate").rows()
    assert shown == [(0.0, 50.0, 0.1), (120.0, 460.0, 0.27)]
