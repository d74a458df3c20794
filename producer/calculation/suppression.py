"""Complementary suppression: hides more values until no hidden one can be calculated from those that are shown.

A hidden value is safe when another table of counts gives exactly the same shown values and another hidden one. Such a
table is built for each: one case more here, one less there, in units, sexes and periods that balance each other (a
*box*). All values that differ between the two tables are hidden. So every hidden value has a witness, whatever
relations between the shown values somebody uses (units and their kommun, hospital, län and nation; sexes and their
total; months and their quarter, half-year and year).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

Cell = tuple[int, int, int]
"""Organisation, sex (0: both) and period, as numbers."""
Leaf = tuple[int, int, int]
"""Place, sex (0: not known) and base period, as numbers."""

_FEW_CANDIDATES, _MANY_CANDIDATES = 3, 12
_CHEAP = 30.0
"""A box that hides no more than this needs no wider search; about four units of fifty each."""


@dataclass(slots=True)
class Table:
    """One indicator with its sexes: what is shown, and the counts that it is the sum of.

    ``basis`` of every cell that is reported with a number or MSK; cells with INV or UNK are not in it. ``leaves``:
    cases (numerator, or number of observations) of each leaf. ``above``: the organisations of each place.
    ``periods``: the reported periods that each base period is part of, the shortest first.
    """

    basis: Mapping[Cell, float]
    hidden: set[Cell]
    leaves: Mapping[Leaf, float]
    above: Mapping[int, Sequence[int]]
    periods: Mapping[int, Sequence[int]]
    has_sexes: bool
    known_zero: set[Cell] = field(default_factory=set)


def suppress(table: Table, progress: Callable[[int], None] | None = None) -> set[Cell]:
    """Give every cell that must be hidden: those of ``table.hidden`` and as many more as make them safe."""
    work = _Suppression(table)
    for done, cell in enumerate(sorted(table.hidden, key=lambda one: (-table.basis[one], one))):
        if cell not in work.safe:
            work.protect(cell)
        if progress is not None and done % 100 == 99:
            progress(100)
    return work.hidden


class _Suppression:
    """Hidden and safe cells while boxes are added. A cell that a box hides is safe through that box."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self.hidden = set(table.hidden)
        self.safe: set[Cell] = set()
        self._leaves_of: dict[int, list[int]] = defaultdict(list)
        self._bases_of: dict[int, list[int]] = defaultdict(list)
        self._sexes = sorted({leaf[1] for leaf in table.leaves}) or [0]
        # Cases whose sex is not known are no partner: somebody may take it that there are none.
        self._known_sexes = [one for one in self._sexes if one] if table.has_sexes else [0]
        self._places = sorted({leaf[0] for leaf in table.leaves})
        self._bases = sorted({leaf[2] for leaf in table.leaves})
        for place in self._places:
            for node in table.above[place]:
                self._leaves_of[node].append(place)
        for base in self._bases:
            for period in table.periods[base]:
                self._bases_of[period].append(base)
        self._size: dict[int, float] = defaultdict(float)
        for (place, _, _), amount in table.leaves.items():
            self._size[place] += amount

    def protect(self, cell: Cell) -> None:
        """Hide the cells of the cheapest box through ``cell``."""
        best: tuple[float, frozenset[Cell]] | None = None
        for candidates in (_FEW_CANDIDATES, _MANY_CANDIDATES):
            for leaf in self._leaves_in(cell):
                for corners in self._boxes(leaf, candidates):
                    found = self._judge(corners, cell)
                    if found is not None and (best is None or found[0] < best[0]):
                        best = found
                    if best is not None and best[0] == 0:
                        break
            if best is not None and best[0] <= _CHEAP:
                break
        if best is None:  # Never: a box of one leaf, hidden all the way up, is always possible.
            raise AssertionError(f"no box for {cell}")
        self.hidden |= best[1]
        self.safe |= best[1]

    def _leaves_in(self, cell: Cell) -> list[Leaf]:
        """Give some leaves that the cell is the sum of, the ones with most cases first."""
        node, sex, period = cell
        sexes = self._known_sexes if sex == 0 else [sex]
        leaves = [
            leaf for leaf in product(self._leaves_of[node], sexes, self._bases_of[period]) if leaf in self._table.leaves
        ]
        if not leaves:  # Only cases whose sex is not known.
            leaves = [
                leaf
                for leaf in product(self._leaves_of[node], (0,), self._bases_of[period])
                if leaf in self._table.leaves
            ]
        leaves.sort(key=lambda leaf: (-self._table.leaves[leaf], leaf))
        return leaves[:2]

    def _boxes(self, leaf: Leaf, candidates: int) -> Iterator[dict[Leaf, int]]:
        """Give boxes with ``leaf`` as one corner: with or without a partner in each of the three directions."""
        sex = leaf[1]
        others = [None, *self._other_places(leaf, candidates)]
        sexes = [None, *(one for one in self._known_sexes if sex and one != sex)] if self._table.has_sexes else [None]
        bases = [None, *self._other_bases(leaf, candidates)]
        for other_base, other_sex, other_place in product(bases, sexes, others):
            corners = {leaf: 1}
            for position, other in enumerate((other_place, other_sex, other_base)):
                if other is not None:
                    for corner, sign in list(corners.items()):
                        moved = list(corner)
                        moved[position] = other
                        corners[(moved[0], moved[1], moved[2])] = -sign
            yield corners

    def _other_places(self, leaf: Leaf, candidates: int) -> list[int]:
        """Give partners: for each organisation above, some of its other places, hidden ones and small ones first."""
        place, sex, base = leaf
        found: list[int] = []
        seen = {place}
        for node in self._table.above[place]:
            near = [one for one in self._leaves_of[node] if one not in seen]
            seen.update(near)
            near.sort(key=lambda one: (not self._is_hidden_leaf((one, sex, base)), self._size[one], one))
            found += near[:candidates]
        return found

    def _is_hidden_leaf(self, leaf: Leaf) -> bool:
        place, sex, base = leaf
        above, periods = self._table.above[place], self._table.periods[base]
        return bool(above and periods) and (above[0], sex, periods[0]) in self.hidden

    def _other_bases(self, leaf: Leaf, candidates: int) -> list[int]:
        place, sex, base = leaf
        found: list[int] = []
        seen = {base}
        for period in self._table.periods[base]:
            near = [one for one in self._bases_of[period] if one not in seen]
            seen.update(near)
            near.sort(
                key=lambda one: (
                    not self._is_hidden_leaf((place, sex, one)),
                    self._table.leaves.get((place, sex, one), 0.0),
                    one,
                )
            )
            found += near[:candidates]
        return found

    def _judge(self, corners: Mapping[Leaf, int], cell: Cell) -> tuple[float, frozenset[Cell]] | None:
        """Give what a box costs and hides, or None when it is impossible or leaves ``cell`` as it is."""
        changes: dict[Cell, int] = defaultdict(int)
        for (place, sex, base), sign in corners.items():
            for node in self._table.above[place]:
                for period in self._table.periods[base]:
                    changes[(node, 0, period)] += sign
                    if self._table.has_sexes and sex:
                        changes[(node, sex, period)] += sign
        changed = {one: net for one, net in changes.items() if net and self._is_reported(one)}
        if not changed.get(cell) or any(one in self._table.known_zero for one in changed):
            return None
        if not any(self._is_possible(corners, changed, sign) for sign in (1, -1)):
            return None
        new = [one for one in changed if one not in self.hidden]
        # Many values of small groups go before one of a large group, such as the nation's.
        total = sum(self._table.basis[one] ** 0.5 for one in new)
        return total, frozenset(changed)

    def _is_reported(self, cell: Cell) -> bool:
        return cell in self._table.basis or cell in self._table.known_zero

    def _is_possible(self, corners: Mapping[Leaf, int], changed: Mapping[Cell, int], sign: int) -> bool:
        """Whether the other table has no count below 0 and no hidden basis at 0, which would not be MSK but INV."""
        less = (leaf for leaf, one in corners.items() if one * sign < 0)
        if any(self._table.leaves.get(leaf, 0.0) < 1 for leaf in less):
            return False
        return all(self._table.basis[one] + net * sign >= 1 for one, net in changed.items())
