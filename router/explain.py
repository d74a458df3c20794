"""Which route and which permission a call gets, and why: every level of the search and every row on it.

The search is the one that calls get (`router.catalogue.table`, platform reference 3.2); nothing is sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from router.catalogue.model import Permission, Route
from router.catalogue.table import Lookup, RoutingTable, Row, Window
from router.faults import VP_FAULTS

VALID = "valid"


@dataclass(frozen=True, slots=True)
class RowVerdict:
    """One row and what came of it: ``valid``, ``expired`` or ``not valid yet``."""

    row: Route | Permission
    verdict: str


@dataclass(frozen=True, slots=True)
class LevelVerdict:
    """One level of a search: how it was come by, the receiver sought, and the rows found there."""

    marker: str
    receiver: str
    rows: tuple[RowVerdict, ...]
    is_hit: bool


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a call would get. ``fault`` is the VP code that ends it, or None when it would reach ``route``."""

    route_levels: tuple[LevelVerdict, ...]
    permission_levels: tuple[LevelVerdict, ...]
    route_trace: str
    permission_trace: str
    route: Route | None
    fault: str | None

    @property
    def meaning(self) -> str:
        """The outcome in words."""
        if self.fault is None:
            return f"goes to {self.route.address}" if self.route else ""
        return f"gets {self.fault}: {VP_FAULTS[self.fault].meaning}"


def explain(table: RoutingTable, sender: str, receiver: str, contract: str, at: float) -> Explanation:
    """Explain a call by ``sender`` to ``receiver`` with ``contract`` (Responder namespace) at Unix time ``at``."""
    routes = table.find_routes(receiver, contract, at)
    permissions = table.find_permissions(sender, receiver, contract, at)
    return Explanation(
        route_levels=tuple(
            _until_hit(
                (
                    _level(marker, level, table.routes_at(level, contract), at)
                    for marker, level in table.route_levels(receiver, contract)
                )
            )
        ),
        permission_levels=tuple(
            _until_hit(
                (
                    _level(marker, level, table.permissions_at(sender, level, contract), at)
                    for marker, level in table.permission_levels(sender, receiver, contract)
                )
            )
        ),
        route_trace=routes.trace,
        permission_trace=permissions.trace,
        route=routes.rows[0] if len(routes.rows) == 1 else None,
        fault=_fault(receiver, routes, permissions),
    )


def _fault(receiver: str, routes: Lookup[Route], permissions: Lookup[Permission]) -> str | None:
    if not receiver.strip():
        return "VP003"
    if not routes.rows:
        return "VP004"
    if len(routes.rows) > 1:
        return "VP006"
    if not routes.rows[0].address.strip():
        return "VP010"
    return None if permissions.rows else "VP007"


def _until_hit(levels: Iterator[LevelVerdict]) -> Iterator[LevelVerdict]:
    for level in levels:
        yield level
        if level.is_hit:
            return


def _level(marker: str, receiver: str, windows: Sequence[Window[Row]], at: float) -> LevelVerdict:
    rows = tuple(RowVerdict(window.row, _verdict(window, at)) for window in windows)
    return LevelVerdict(marker, receiver, rows, any(row.verdict == VALID for row in rows))


def _verdict(window: Window[Row], at: float) -> str:
    if window.holds(at):
        return VALID
    return "expired" if at > window.last else "not valid yet"
