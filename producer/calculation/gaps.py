"""Values of periods that the counts do not fill: warned of, so that nothing is published short unseen (CNT-12).

A period that has not ended, or that the counts only begin or end in, is not made. One with months missing inside is the
sum of the rest, since a unit without cases may have no rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
import polars as pl

from producer.calculation.counts import Counts
from producer.calculation.cube import positions
from producer.calculation.periods import period_label
from producer.calculation.plans import Plan, warn
from producer.calculation.tree import Flags, Tree

_SHOWN: Final = 5
_NO_CASES: Final = "Nothing, when there were no cases. Else deliver the counts of those months and calculate again."


def warn_of_gaps(plan: Plan, rows: pl.DataFrame, counts: Counts, tree: Tree) -> None:
    """Warn of months without counts inside the periods that a plan makes, of all units and of single ones.

    ``rows``: those of `Counts.rows` that have a basis. Warnings are added to ``counts.findings``.
    """
    if plan.longest == 1:
        return
    covered = _covered(plan, rows, tree.places)
    valid = tree.is_valid(plan.counted_months, 1)
    by_any: Flags = np.any(covered, axis=1)
    for position, number in enumerate(plan.measures):
        measure = counts.measures[number]
        empty = np.flatnonzero(~by_any[position] & np.any(valid, axis=0)) + plan.counted_months.start
        if empty.size:
            what = f"The counts hold nothing for {_runs(empty.tolist())}; longer values are sums of the other months"
            warn(counts.findings, measure, what, _NO_CASES)
        short = _short(plan, covered[position], valid & by_any[position])
        if short.any():
            places = [counts.organizations.places[one].id for one in np.flatnonzero(short.any(axis=1)).tolist()]
            units = tuple(dict.fromkeys(places))
            spans = [_span(plan, one) for one in np.flatnonzero(short.any(axis=0)).tolist()]
            what = f"{len(units)} unit(s) have counts for only some of the months of {_listed(spans)}: {_listed(units)}"
            warn(counts.findings, measure, f"{what}; the others are counted as no cases", _NO_CASES)


def _covered(plan: Plan, rows: pl.DataFrame, places: int) -> Flags:
    """Tell of each indicator, place and month whether a row is about it."""
    first, count = plan.counted_months.start, len(plan.counted_months)
    own = rows.filter(
        pl.col("measure").is_in(list(plan.measures)) & pl.col("first").is_between(first, first + count - 1)
    )
    line = pl.lit(positions(plan.measures)).gather(pl.col("measure")) * places + pl.col("place")
    begins = own.select(line * (count + 1) + pl.col("first") - first).to_series().to_numpy()
    ends = own.select(line * (count + 1) + (pl.col("last") + 1 - first).clip(upper_bound=count)).to_series().to_numpy()
    size = len(plan.measures) * places * (count + 1)
    changes = np.bincount(begins, minlength=size) - np.bincount(ends, minlength=size)
    covered: Flags = changes.reshape(len(plan.measures), places, count + 1).cumsum(axis=2)[:, :, :count] > 0
    return covered


def _short(plan: Plan, covered: Flags, expected: Flags) -> Flags:
    """Tell of each place and longest period whether it has counts for some of the expected months and not for others.

    In a rolling year, which ends with every period, all months are taken as one period.
    """
    lacking, there = expected & ~covered, covered
    if plan.is_rolling:
        spans = [slice(None)]
    else:
        start = plan.counted_months.start
        spans = [slice(one * plan.longest - start, (one + 1) * plan.longest - start) for one in plan.periods[-1][1]]
    parts = [there[:, span].any(axis=1) & lacking[:, span].any(axis=1) for span in spans]
    return np.stack(parts, axis=1)


def _span(plan: Plan, position: int) -> str:
    if plan.is_rolling:
        return f"{period_label(plan.counted_months[0], 1)} to {period_label(plan.counted_months[-1], 1)}"
    return period_label(plan.periods[-1][1][position], plan.longest)


def _runs(months: Sequence[int]) -> str:
    """Write months, those that follow each other as from and to."""
    breaks = [0, *(number for number, (one, next_) in enumerate(pairwise(months), 1) if next_ != one + 1), len(months)]
    runs = [(months[start], months[stop - 1]) for start, stop in pairwise(breaks)]
    return _listed(
        [
            period_label(first, 1) if first == last else f"{period_label(first, 1)} to {period_label(last, 1)}"
            for first, last in runs
        ]
    )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
