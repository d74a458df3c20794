"""Sums of counts as an array: kind of sum, indicator, sex, place and period (domain reference 1.4).

Numerators, bases and squares add up, so longer periods and larger organisations are sums along an axis of the array.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import polars as pl

from producer.calculation.tree import Flags, Floats, Groups

SEXES: Final = 3
"""Not known, men and women; after `Cube.with_totals` all, men and women."""
REPORTED: Final = "reported"
"""Name of the number of rows that a sum is of; a sum of none is not known."""
SUMS: Final = ("part", "basis", "squares", "exclusions", "expected")
_WHOLE: Final = ("squares", "expected")
"""Known of a sum only when they are known of every part with a basis; others when they are known of any part."""
_YEAR: Final = 12


@dataclass(frozen=True, slots=True)
class Cube:
    """``values``: kind of sum (``names``), indicator, sex, node and period; ``start`` is the first period's number.

    A period is its first month divided by its length ``months``. The first period begins a calendar year.
    """

    names: tuple[str, ...]
    values: Floats
    months: int
    start: int

    def named(self, name: str) -> Floats:
        """Give one kind of sum, one of ``names``."""
        kind: Floats = self.values[self.names.index(name)]
        return kind

    def is_known(self, name: str) -> Flags | None:
        """Tell of each sum of a kind whether it is known; None: all are."""
        if _counter(name) not in self.names:
            return None
        counted = self.named(_counter(name))
        return counted == 0 if name in _WHOLE else counted > 0

    def with_totals(self) -> Cube:
        """Add all sexes up in the place of those whose sex is not known."""
        if self.values.shape[2] > 1:
            self.values[:, :, 0] += self.values[:, :, 1]
            self.values[:, :, 0] += self.values[:, :, 2]
        return self

    def of_level(self, groups: Groups) -> Cube:
        """Sum places to the organisations of a level."""
        return replace(self, values=groups.sums(self.values, 3))

    def of_months(self, months: int) -> Cube:
        """Sum periods to longer ones."""
        step = months // self.months
        if step == 1:
            return self
        values = self.values[..., 0::step].copy()
        for later in range(1, step):
            values += self.values[..., later::step]
        return replace(self, values=values, months=months, start=self.start // step)

    def of_rolling_years(self) -> Cube:
        """Sum each period with those of the twelve months before it; those without a whole year before are left out."""
        window = _YEAR // self.months
        count = self.values.shape[-1] - window + 1
        values = self.values[..., :count].copy()
        for later in range(1, window):
            values += self.values[..., later : later + count]
        return replace(self, values=values, start=self.start + window - 1)

    def within(self, periods: range) -> Cube:
        """Give some of the periods."""
        first = periods.start - self.start
        return replace(self, values=self.values[..., first : first + len(periods)], start=periods.start)


def cube_of(
    rows: pl.DataFrame, measures: Sequence[int], places: int, periods: range, months: int, *, by_sex: bool
) -> Cube:
    """Lay rows out (measure, place, sex, first: their month, and the sums) over whole years around ``periods``.

    Rows of other indicators or periods are left out. ``periods``: numbers of periods of ``months`` months.
    """
    in_year = _YEAR // months
    start, stop = periods.start // in_year * in_year, -(-periods.stop // in_year) * in_year
    shape = (len(measures), SEXES if by_sex else 1, places, stop - start)
    own = rows.filter(
        pl.col("measure").is_in(list(measures))
        & (pl.col("first") // months).is_between(periods.start, periods.stop - 1)
    )
    position = pl.lit(positions(measures)).gather(pl.col("measure"))
    sexed = position * shape[1] + pl.col("sex") if by_sex else position
    key = own.select((sexed * places + pl.col("place")) * shape[3] + (pl.col("first") // months - start)).to_series()
    names, weights = _kinds(own)
    values = np.empty((len(names), *shape))
    for kind, weight in enumerate(weights):
        added = np.bincount(key.to_numpy(), weight, minlength=values[kind].size)
        values[kind] = added.reshape(shape)
    return Cube(names, values, months, start)


def positions(measures: Sequence[int]) -> pl.Series:
    """Give at the number of each indicator its position among ``measures``."""
    found = np.zeros(max(measures) + 1, np.int64)
    found[list(measures)] = range(len(measures))
    return pl.Series(found)


def _kinds(rows: pl.DataFrame) -> tuple[tuple[str, ...], list[Floats | None]]:
    """Give the kinds of sums that rows have: rows, each number, and how many rows have or lack one that some lack."""
    names: list[str] = [REPORTED]
    weights: list[Floats | None] = [None]
    for name in SUMS:
        lacking = rows[name].null_count()
        if lacking < rows.height:
            names.append(name)
            weights.append(rows[name].fill_null(0.0).to_numpy())
        if 0 < lacking < rows.height:
            is_null = pl.col(name).is_null()
            counted = is_null & (pl.col("basis") > 0) if name in _WHOLE else ~is_null
            names.append(_counter(name))
            weights.append(rows.select(counted.cast(pl.Float64)).to_series().to_numpy())
    return tuple(names), weights


def _counter(name: str) -> str:
    """Give the name under which rows are counted that lack a kind of `_WHOLE`, or have another one."""
    return f"{'without' if name in _WHOLE else 'with'} {name}"
