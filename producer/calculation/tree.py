"""Places of a register as arrays: which organisation of each level they make up, and when they are valid.

A place is where a unit or hospital was during one span of days (`producer.organizations.model`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from producer.calculation.periods import month_of
from producer.organizations.model import Organizations

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
LEVELS: Final = ("Land", "Lan", "Kommun", "Sjukhus", "Vardenhet")
"""Levels that are calculated. A Sjukvardsregion is not: the VIS file has no column for it, and Halland lies in two."""


@dataclass(frozen=True, slots=True)
class Groups:
    """Which places make up each organisation of a level: ``order`` of the places, ``starts`` of each one's run in it.

    ``nodes``: the number of each organisation. ``order`` is None when the places lie in that order already.
    """

    nodes: npt.NDArray[np.uint32]
    order: npt.NDArray[np.intp] | None
    starts: npt.NDArray[np.intp]

    @classmethod
    def of(cls, level: pl.Series) -> Groups:
        """Group places by the number of their organisation at a level, null where they have none."""
        numbers = level.fill_null(0).to_numpy()
        there = np.flatnonzero(level.is_not_null().to_numpy())
        order = there[np.argsort(numbers[there], kind="stable")]
        nodes, starts = np.unique(numbers[order], return_index=True)
        is_in_order = np.array_equal(order, np.arange(len(level)))
        return cls(nodes, None if is_in_order else order, starts)

    def positions(self, places: int) -> pl.Series:
        """Give for each place the position of its organisation among ``nodes``, null for none."""
        order = np.arange(places) if self.order is None else self.order
        runs = np.diff(self.starts, append=len(order))
        found = pl.Series([None], dtype=pl.Int64).new_from_index(0, places)
        return found.scatter(order, np.repeat(np.arange(len(self.nodes)), runs))

    def sums(self, values: Floats, axis: int) -> Floats:
        """Add up the places of each organisation along an axis."""
        located = values if self.order is None else np.take(values, self.order, axis)
        if len(self.starts) == located.shape[axis]:
            return located
        return np.add.reduceat(located, self.starts, axis)

    def any(self, flags: Flags) -> Flags:
        """Tell for each organisation whether a flag (place, period) is set for any of its places."""
        located = flags if self.order is None else flags[self.order]
        return np.logical_or.reduceat(located, self.starts, axis=0)


@dataclass(frozen=True, slots=True)
class Tree:
    """``nodes``: the identity of every organisation. ``groups``: the places of each level that any place has.

    ``first`` and ``last``: the months that each place is valid from and to.
    """

    nodes: tuple[str, ...]
    groups: dict[str, Groups]
    first: npt.NDArray[np.int64]
    last: npt.NDArray[np.int64]

    @classmethod
    def of(cls, organizations: Organizations) -> Tree:
        """Number the organisations of all levels."""
        places = organizations.frame().sort("place")
        nodes: dict[str, int] = {}
        groups = {}
        for level in LEVELS:
            numbers = [nodes.setdefault(name, len(nodes)) if name else None for name in places[level]]
            if any(one is not None for one in numbers):
                groups[level] = Groups.of(pl.Series(numbers, dtype=pl.UInt32))
        first = np.array([month_of(one.valid_from) for one in organizations.places], dtype=np.int64)
        last = np.array([month_of(one.valid_to) for one in organizations.places], dtype=np.int64)
        return cls(tuple(nodes), groups, first, last)

    @property
    def places(self) -> int:
        """Number of places."""
        return len(self.first)

    def is_valid(self, periods: range, months: int) -> Flags:
        """Tell of each place and period whether it was valid during any day of it."""
        begun = np.array(periods) * months
        is_valid: Flags = (self.first[:, None] < begun + months) & (self.last[:, None] >= begun)
        return is_valid
