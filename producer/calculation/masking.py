"""Hides what must be hidden so that no masked value can be calculated: one table of cells for each indicator.

The rules of complementary suppression are in `producer.calculation.suppression`; this makes its tables from frames.
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from contracts.catalogue.model import CatalogueMeasure
from producer.calculation.aggregate import Aggregates
from producer.calculation.results import REASON
from producer.calculation.suppression import Table, suppress
from producer.calculation.tree import LEVELS

Progress = Callable[[int, int], None]
_LOWEST_FIRST = tuple(reversed(LEVELS))
_PERIOD = pl.col("period") * 16 + pl.col("frequency")


def with_suppression(cells: pl.DataFrame, aggregates: Aggregates, progress: Progress | None = None) -> pl.DataFrame:
    """Give the cells (as `producer.calculation.results.with_values`) with complementary MSK.

    ``progress`` is told of masked cells done and in all.
    """
    keyed = cells.with_columns(period_id=_PERIOD.cast(pl.Int64))
    with_masked = keyed.filter(pl.col("reason") == "MSK")["measure"].unique().sort().to_list()
    total = keyed.filter(pl.col("reason") == "MSK").height
    parts = []
    for number in with_masked:
        own = keyed.filter(pl.col("measure") == number)
        table = _table(own, aggregates, number)
        hidden = suppress(table, (lambda count: progress(count, total)) if progress else None)
        more = [(number, *cell) for cell in sorted(hidden - table.hidden)]
        schema = {"measure": pl.UInt32, "node": pl.UInt32, "sex": pl.Int8, "period_id": pl.Int64}
        parts.append(pl.DataFrame(more, schema=schema, orient="row"))
    if not parts:
        return cells
    added = pl.concat(parts).with_columns(is_added=pl.lit(value=True))
    return (
        keyed.join(added, on=["measure", "node", "sex", "period_id"], how="left", maintain_order="left")
        .with_columns(reason=pl.when(pl.col("is_added")).then(pl.lit("MSK", REASON)).otherwise("reason"))
        .drop("is_added", "period_id")
    )


def _table(own: pl.DataFrame, aggregates: Aggregates, number: int) -> Table:
    """Make the table of one indicator."""
    measure = aggregates.counts.measures[number]
    key = ["node", "sex", "period_id"]
    shown = own.filter(pl.col("basis") > 0)
    frequencies = sorted(own["frequency"].unique())
    finest = frequencies[0]
    leaves = _leaves(aggregates, number, measure, finest)
    has_sexes = bool((own["sex"] > 0).any())
    if not has_sexes:
        leaves = leaves.with_columns(sex=pl.lit(0, pl.Int8))
    summed = leaves.group_by("place", "sex", "base").agg(pl.col("amount").sum())
    periods = set(own["period_id"].unique())
    return Table(
        basis={(node, sex, period): basis for node, sex, period, basis in shown.select(*key, "basis").rows()},
        hidden=set(shown.filter(pl.col("reason") == "MSK").select(*key).rows()),
        leaves={(place, sex, base): amount for place, sex, base, amount in summed.rows()},
        above=_above(aggregates, measure),
        periods={
            base: [one for one in _containing(base, finest, frequencies, measure) if one in periods]
            for base in summed["base"].unique()
        },
        has_sexes=has_sexes,
        known_zero=set(own.filter((pl.col("basis") == 0) | pl.col("basis").is_null()).select(*key).rows()),
    )


def _leaves(aggregates: Aggregates, number: int, measure: CatalogueMeasure, finest: int) -> pl.DataFrame:
    """Give the cases of each place and sex in each of the shortest reported periods (``base``)."""
    rows = aggregates.counts.rows.filter((pl.col("measure") == number) & (pl.col("basis") > 0))
    # Means are moved by observations; a proportion by cases, which changes numerator and denominator.
    amount = "part" if measure.unit_type in ("Andel", "Kvot", "Antal") else "basis"
    based = rows.select("place", "sex", amount=pl.col(amount), base=(pl.col("first") // finest).cast(pl.Int64))
    if measure.is_rolling_year:
        based = pl.concat([based.with_columns(pl.col("base") + later) for later in range(12 // finest)])
    return based


def _containing(base: int, finest: int, frequencies: list[int], measure: CatalogueMeasure) -> list[int]:
    """Give the reported periods that a base period is part of, by their numbers, the shortest first.

    In a rolling year every period is a window of its own, told again by the longer periods that end with it.
    """
    if measure.is_rolling_year:
        return [((base + 1) * finest // one - 1) * 16 + one for one in frequencies if (base + 1) * finest % one == 0]
    return [base * finest // one * 16 + one for one in frequencies]


def _above(aggregates: Aggregates, measure: CatalogueMeasure) -> dict[int, list[int]]:
    """Give the reported organisations that each place is part of, the lowest first."""
    numbers = {identity: number for number, identity in enumerate(aggregates.nodes)}
    places = aggregates.counts.organizations.frame().select("place", *_LOWEST_FIRST).rows(named=True)
    return {
        place["place"]: [numbers[place[level]] for level in _LOWEST_FIRST if level in measure.levels and place[level]]
        for place in places
    }
