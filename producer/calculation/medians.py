"""Medians of several units: no sum gives them, so each is made anew of the rows that it is about.

The observations are not known, only each unit's median: its weighted median is an approximation (domain 1.4).
"""

from __future__ import annotations

import numpy as np
import polars as pl

from producer.calculation.cube import positions
from producer.calculation.plans import Plan
from producer.calculation.tree import Floats, Groups

UNIT_TYPES = ("Median", "Dagar")
"""Unit types that are medians."""


def weighted_medians(
    rows: pl.DataFrame, plan: Plan, groups: Groups, places: int, periods: range, months: int
) -> Floats:
    """Give the weighted median of each indicator, sex, node and period, NaN where there is none.

    ``groups`` tells which of the ``places`` each node has. ``rows``: as `producer.calculation.counts.Counts.rows`.
    """
    timed = rows.filter(pl.col("measure").is_in(list(plan.measures))).select(
        "sex",
        "value",
        "basis",
        measure=pl.lit(positions(plan.measures)).gather(pl.col("measure")),
        node=pl.lit(groups.positions(places)).gather(pl.col("place")),
        period=pl.col("first") // months - periods.start,
    )
    if plan.is_rolling:  # A row belongs to every period of the twelve months from its own on.
        timed = pl.concat([timed.with_columns(pl.col("period") + later) for later in range(12 // months)])
    timed = timed.filter(pl.col("node").is_not_null() & pl.col("period").is_between(0, len(periods) - 1))
    shape = (len(plan.measures), 3 if plan.by_sex else 1, len(groups.nodes), len(periods))
    found = np.full(shape, np.nan)
    parts = [(pl.lit(0), timed)]
    if plan.by_sex:
        parts.append((pl.col("sex"), timed.filter(pl.col("sex") > 0)))
    for sex, part in parts:
        key = ((pl.col("measure") * shape[1] + sex) * shape[2] + pl.col("node")) * shape[3] + pl.col("period")
        medians = part.group_by(key.cast(pl.Int64).alias("key")).agg(_weighted_median().alias("value")).drop_nulls()
        found.reshape(-1)[medians["key"].to_numpy()] = medians["value"].to_numpy()
    return found


def _weighted_median() -> pl.Expr:
    """The smallest value that at least half of the observations lie at or below, each value with its number of them."""
    order = pl.col("value")
    reached = pl.col("basis").sort_by(order).cum_sum() * 2 >= pl.col("basis").sum()
    return pl.col("value").sort_by(order).filter(reached & (pl.col("basis").sort_by(order) > 0)).first()
