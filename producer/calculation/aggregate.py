"""Sums of counts for every level, frequency and sex that the catalogue asks for (domain reference 1.4).

Rows are read once, into an array (`producer.calculation.cube`); each level and frequency is a sum along its axes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from producer.calculation.counts import Counts
from producer.calculation.cube import REPORTED, SUMS, Cube, cube_of
from producer.calculation.gaps import warn_of_gaps
from producer.calculation.medians import UNIT_TYPES as MEDIANS
from producer.calculation.medians import weighted_medians
from producer.calculation.plans import Plan, plans, warn
from producer.calculation.tree import Flags, Floats, Groups, Tree

_CELLS_AT_ONCE: Final = 2**22
"""Size of an array, so that memory does not grow with the number of indicators: 32 MiB for each kind of sum."""
Progress = Callable[[int, int], None]
"""Told of steps done and of steps in all."""


@dataclass(frozen=True)
class Aggregates:
    """``cells``: measure (position in ``counts.measures``), node (position in ``nodes``), sex (0: all), frequency,
    period and the sums; ``basis`` is null where an organisation that is expected reported nothing.
    """

    cells: pl.DataFrame
    nodes: tuple[str, ...]
    counts: Counts


def aggregate(counts: Counts, today: date, progress: Progress | None = None) -> Aggregates:
    """Sum counts to every level, calendar period that has ended by ``today``, and sex that the catalogue asks for.

    A unit with no counts in a period is there without numbers, so that a reader sees who takes part. What the
    catalogue asks but the counts cannot give is added to ``counts.findings`` as warnings CNT-12.
    """
    tree = Tree.of(counts.organizations)
    rows = counts.rows.filter(pl.col("basis").is_not_null())
    batches = [batch for plan in plans(counts, today) for batch in plan.batches(_at_once(plan, tree))]
    parts: list[pl.DataFrame] = []
    for batch in batches:
        warn_of_gaps(batch, rows, counts, tree)
        parts += _cells_of(batch, rows, counts, tree)
        if progress is not None:
            progress(1, len(batches))
    cells = pl.concat([pl.DataFrame(schema=_CELLS), *parts], how="diagonal", rechunk=False)
    return Aggregates(cells, tree.nodes, counts)


_CELLS = {
    "measure": pl.UInt32,
    "node": pl.UInt32,
    "sex": pl.Int8,
    "frequency": pl.Int8,
    "period": pl.Int32,
    **dict.fromkeys(SUMS, pl.Float64),
    "value": pl.Float64,
}


def _at_once(plan: Plan, tree: Tree) -> int:
    return max(1, _CELLS_AT_ONCE // (tree.places * len(plan.counted_months) * (3 if plan.by_sex else 1)))


def _cells_of(plan: Plan, rows: pl.DataFrame, counts: Counts, tree: Tree) -> Iterator[pl.DataFrame]:
    """Give the cells of one plan: of each level and frequency the total and, where asked and known, each sex."""
    places = cube_of(rows, plan.measures, tree.places, plan.counted, plan.months, by_sex=plan.by_sex)
    has_sexes = _has_sexes(plan, places, counts)
    places = places.with_totals()
    for level in plan.levels:
        if level not in tree.groups:
            continue
        groups = tree.groups[level]
        located = places.of_level(groups)
        for months, periods in plan.periods:
            located = located.of_months(months)
            cube = (located.of_rolling_years() if plan.is_rolling else located).within(periods)
            medians = None
            if plan.unit_type in MEDIANS:
                medians = weighted_medians(rows, plan, groups, tree.places, periods, months)
            yield _frame(plan, cube, groups, groups.any(tree.is_valid(periods, months)), has_sexes, medians)


def _has_sexes(plan: Plan, places: Cube, counts: Counts) -> Flags:
    """Tell for each indicator of a plan whether the counts hold sexes; warn where the catalogue asks for them."""
    known: Flags = np.any(places.named(REPORTED)[:, 1:] > 0, axis=(1, 2, 3))
    for number in np.array(plan.measures)[~known] if plan.by_sex else ():
        what = "The catalogue asks for values by sex, but the counts have no sex"
        warn(counts.findings, counts.measures[number], what)
    return known


def _frame(
    plan: Plan, cube: Cube, groups: Groups, expected: Flags, has_sexes: Flags, medians: Floats | None
) -> pl.DataFrame:
    """Give a row for each cell that was reported or is expected; one that only is expected has no numbers."""
    reported = cube.named(REPORTED) > 0
    shape = reported.shape
    is_there = reported | expected
    is_there[:, 1:] &= has_sexes[:, None, None, None]
    # A sex of a unit that reported is 0 where it has no rows, all else is not known.
    is_known = np.broadcast_to(reported[:, :1], shape)
    keys: dict[str, npt.NDArray[np.generic]] = {
        "measure": np.array(plan.measures, np.uint32)[:, None, None, None],
        "node": groups.nodes[:, None],
        "sex": np.arange(shape[1], dtype=np.int8)[:, None, None],
        "frequency": np.array(cube.months, np.int8),
        "period": np.arange(cube.start, cube.start + shape[3], dtype=np.int32),
    }
    numbers: dict[str, pl.Series] = {
        name: _series(cube.named(name), cube.is_known(name), is_known) for name in SUMS if name in cube.names
    }
    if medians is not None:
        numbers["value"] = pl.Series(medians.reshape(-1)).fill_nan(None)
    frame = pl.DataFrame({**{name: np.broadcast_to(key, shape).reshape(-1) for name, key in keys.items()}, **numbers})
    return frame if is_there.all() else frame.filter(pl.Series(is_there.reshape(-1)))


def _series(values: Floats, *known: Flags | None) -> pl.Series:
    """Give an array as a column, null where any of ``known`` is not set."""
    column = pl.Series(values.reshape(-1))
    for flags in known:
        if flags is not None and not flags.all():
            column = column.set(pl.Series(~flags.reshape(-1)), None)
    return column
