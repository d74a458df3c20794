"""The attack on masked values: linear programming over every published number, on random trees.

The attacker knows who lies where, that counts are not negative, that a numerator is part of its denominator, and that
a masked basis is not 0. He may never find the exact numerator or denominator of a masked value.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from random_register import TODAY, counts_from, measure, month_span, random_counts, random_organizations
from scipy.optimize import linprog
from scipy.sparse import lil_array

from producer.calculation.pipeline import Options, calculate_counts
from producer.organizations.model import Organizations

_LEVELS = ("Land", "Lan", "Kommun", "Vardenhet")


def attack(rows: pl.DataFrame, organizations: Organizations, periods: int, months: int, *, by_sex: bool) -> list[str]:
    """Give each masked row whose numerator or denominator has only one possible value."""
    units = [place for place in organizations.places if place.organization_type == "Vardenhet"]
    sexes = (1, 2) if by_sex else (0,)
    leaves = [(unit.id, sex, number) for unit in units for sex in sexes for number in range(periods)]
    position = {leaf: index for index, leaf in enumerate(leaves)}
    count = len(leaves)  # Variables: cases, then non-cases, of each leaf.
    spans = {number: month_span(number, months) for number in range(periods)}

    def members(row: dict[str, object]) -> list[int]:
        sex = {"m": None, "m-1": 1, "m-2": 2}[str(row["MeasureID"])]
        return [
            position[(unit.id, one, number)]
            for unit in units
            if row["UnitHSAID"] in (None, unit.id)
            and row["HospitalHSAID"] in (None, unit.hospital)
            and row["MunicipalityOrganisationID"] in (None, unit.kommun)
            and row["RegionOrganisationId"] in (None, unit.lan)
            for one in sexes
            if sex in (None, one)
            for number, (start, end) in spans.items()
            if str(row["PeriodReportedStartDate"]) <= str(start) and str(end) <= str(row["PeriodReportedEndDate"])
        ]

    table = rows.to_dicts()
    known, at_least, masked = [], [], []
    for row in table:
        own = members(row)
        if row["ReasonCode"] == "MSK":
            masked.append((row, own))
            at_least.append((own, 1.0))
        else:
            known.append((own, row["Numerator"] or 0.0, (row["Denominator"] or 0.0) - (row["Numerator"] or 0.0)))
    equal = lil_array((2 * len(known), 2 * count))
    right = np.zeros(2 * len(known))
    for index, (own, cases, others) in enumerate(known):
        for leaf in own:
            equal[2 * index, leaf] = 1
            equal[2 * index + 1, leaf + count] = 1
        right[2 * index : 2 * index + 2] = cases, others
    above = lil_array((max(1, len(at_least)), 2 * count))
    for index, (own, _) in enumerate(at_least):
        for leaf in own:
            above[index, leaf] = above[index, leaf + count] = -1
    limits = {"A_eq": equal.tocsr(), "b_eq": right, "A_ub": above.tocsr(), "b_ub": -np.ones(max(1, len(at_least)))}
    if not at_least:
        return []
    found = []
    for row, own in masked:
        for what, shifts in (("numerator", (0,)), ("denominator", (0, count))):
            goal = np.zeros(2 * count)
            for leaf in own:
                for shift in shifts:
                    goal[leaf + shift] = 1
            least, most = _end(goal, limits), -_end(-goal, limits)
            if most - least < 1e-6:
                found.append(f"{what} {least:g} of {row}")
    return found


def _end(goal: np.ndarray, limits: dict[str, object]) -> float:
    """The smallest possible value of ``goal``; nothing may hold it back at all."""
    answer = linprog(goal, **limits, method="highs")
    assert answer.status in (0, 3), answer.message
    return float(answer.fun) if answer.status == 0 else -np.inf


def shapes() -> Iterator[dict[str, object]]:
    for levels in (
        _LEVELS,
        ("Land", "Lan", "Vardenhet"),
        ("Land", "Sjukhus", "Kommun", "Vardenhet"),
        ("Lan", "Kommun"),
    ):
        for frequencies in (("year",), ("year", "quarter"), ("year", "half-year", "quarter", "month")):
            for by_sex in (False, True):
                yield {"levels": levels, "frequencies": frequencies, "by_sex": by_sex}


def _shape_id(shape: dict[str, Any]) -> str:
    return f"{len(shape['levels'])}{len(shape['frequencies'])}{shape['by_sex']}"


@pytest.mark.parametrize("shape", list(shapes())[::3], ids=_shape_id)
def test_no_masked_value_of_a_random_tree_is_recovered(shape: dict[str, object], tmp_path: Path) -> None:
    dice = random.Random(repr(shape))
    months = {1: 12, 2: 3, 4: 1}[len(shape["frequencies"])]  # type: ignore[arg-type]
    periods = {12: 1, 3: 4, 1: 6}[months]
    if months == 1:
        shape = {**shape, "frequencies": ("half-year", "quarter", "month")}
    check(dice, shape, periods, months, 3 if shape["by_sex"] else 5, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(60))
def test_no_masked_value_of_many_random_trees_is_recovered(seed: int, tmp_path: Path) -> None:
    dice = random.Random(seed)
    shape = dice.choice(list(shapes()))
    months = {1: 12, 2: 3, 4: 1}[len(shape["frequencies"])]  # type: ignore[arg-type]
    check(dice, shape, {12: 3, 3: 8, 1: 12}[months], months, 4 if shape["by_sex"] else 7, tmp_path)


def check(
    dice: random.Random, shape: dict[str, object], periods: int, months: int, most_units: int, folder: Path
) -> None:
    by_sex = bool(shape["by_sex"])
    with_hospitals = "Sjukhus" in shape["levels"]  # type: ignore[operator]
    organizations = random_organizations(dice, dice.randint(2, most_units), with_hospitals=with_hospitals)
    rows = random_counts(dice, organizations, periods=periods, months=months, by_sex=by_sex, reported=0.97)
    counts = counts_from(folder / "counts.csv", rows, measure(**shape), organizations)  # type: ignore[arg-type]
    done = calculate_counts(counts, Options("SE9990001112-DEMOREG", "Demo", TODAY), lambda *_: None)
    assert done.masked > 0 or done.suppressed == 0
    assert attack(done.rows, organizations, periods, months, by_sex=by_sex) == []


def test_attack_finds_a_value_that_only_primary_masking_hides(tmp_path: Path) -> None:
    """The attack itself is able: one masked unit beside shown ones is their kommun's difference."""
    organizations = random_organizations(random.Random(5), 4)
    rows = random_counts(random.Random(2), organizations, periods=1, months=12, reported=1.0)
    for number, row in enumerate(rows):
        row["denominator"], row["numerator"] = (8, 3) if number == 0 else (40, 20)
    counts = counts_from(tmp_path / "counts.csv", rows, measure(levels=("Land", "Vardenhet")), organizations)
    done = calculate_counts(counts, Options("SE9990001112-DEMOREG", "Demo", TODAY), lambda *_: None)
    assert (done.masked, done.suppressed) == (1, 1)
    first = pl.col("UnitHSAID") == str(rows[1]["unit"])
    is_shown = pl.col("ReasonCode").eq("MSK") & ~pl.col("UnitHSAID").eq(str(rows[0]["unit"]))
    naive = done.rows.with_columns(
        Numerator=pl.when(is_shown).then(20.0).otherwise("Numerator"),
        Denominator=pl.when(is_shown).then(40.0).otherwise("Denominator"),
        ReasonCode=pl.when(is_shown).then(None).otherwise("ReasonCode"),
    )
    assert done.rows.filter(first).height == 1
    assert len(attack(naive, organizations, 1, 12, by_sex=False)) == 2
