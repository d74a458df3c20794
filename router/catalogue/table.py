"""Search in the routing catalogue: exact receiver, HSA tree, default receiver, old-style addresses.

Implements platform reference 3.1 and 3.2; routing and authorisation climb in different order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from typing import Generic, TypeVar

from router.catalogue.hsa_tree import HsaTree
from router.catalogue.model import DEFAULT_RECEIVER, Catalogue, FaultRule, Permission, Route
from router.settings import RoutingSettings

Row = TypeVar("Row", Route, Permission)
Level = tuple[str, str]
Key = tuple[str, ...]

PARENT, DEFAULT, LEAF = "(parent)", "(default)", "(leaf)"
#: Old-style addresses with more distinct parts than this are never authorised.
MAX_DELIMITED_PARTS = 2


@dataclass(frozen=True, slots=True)
class Window(Generic[Row]):
    """A row with the first and last second in which it holds."""

    first: float
    last: float
    row: Row

    def holds(self, at: float) -> bool:
        """Whether the row is valid at Unix time ``at``, both ends included."""
        return self.first <= at <= self.last


@dataclass(frozen=True, slots=True)
class Lookup(Generic[Row]):
    """Outcome of a search: the valid rows of the first level that has any, and the levels tried."""

    trace: str
    rows: tuple[Row, ...]


class RoutingTable:
    """A catalogue made ready for lookup; immutable, shared by all calls until the next refresh."""

    def __init__(self, catalogue: Catalogue, settings: RoutingSettings, zone: tzinfo | None) -> None:
        """``zone`` as for `Validity.window`: None compares times without zone as the platform does."""
        self.catalogue = catalogue
        self.settings = settings
        self.tree = HsaTree(catalogue.units)
        self._routes: dict[Key, list[Window[Route]]] = defaultdict(list)
        self._permissions: dict[Key, list[Window[Permission]]] = defaultdict(list)
        for route in catalogue.routes:
            key = (route.receiver.lower(), route.contract.lower())
            self._routes[key].append(Window(*route.validity.window(zone), route))
        for row in catalogue.permissions:
            permission_key = (row.sender.lower(), row.receiver.lower(), row.contract.lower())
            self._permissions[permission_key].append(Window(*row.validity.window(zone), row))

    def find_routes(self, receiver: str, contract: str, at: float) -> Lookup[Route]:
        """Give the routes for a receiver and contract (untrusted) at Unix time ``at``; several mean VP006."""
        return _search(self.route_levels(receiver, contract), self._routes, "", contract, at)

    def find_permissions(self, sender: str, receiver: str, contract: str, at: float) -> Lookup[Permission]:
        """Give the permissions of a sender (all untrusted) at Unix time ``at``; none mean VP007."""
        return _search(self.permission_levels(sender, receiver, contract), self._permissions, sender, contract, at)

    def fault_for(self, sender: str, receiver: str, contract: str) -> FaultRule | None:
        """Give the first fault on demand that matches a call."""
        for rule in self.catalogue.faults:
            if rule.matches(sender, receiver, contract):
                return rule
        return None

    def route_levels(self, receiver: str, contract: str) -> Iterator[Level]:
        """Give marker and receiver of each level of the search for a route, in order."""
        if self._is_delimited(receiver):
            yield from _leaves(self.delimited_parts(receiver))
            return
        yield "", receiver
        settings = self.settings
        if _is_on(settings.tree_for_routes, settings.tree_for_routes_except, contract):
            yield from self._parents(receiver)
        yield DEFAULT, DEFAULT_RECEIVER

    def permission_levels(self, sender: str, receiver: str, contract: str) -> Iterator[Level]:
        """Give marker and receiver of each level of the search for a permission, in order."""
        if self._is_delimited(receiver):
            if self.may_use_delimited(sender, receiver, contract):
                yield from _leaves(self.delimited_parts(receiver))
            return
        yield "", receiver
        yield DEFAULT, DEFAULT_RECEIVER
        settings = self.settings
        if _is_on(settings.tree_for_permissions, settings.tree_for_permissions_except, contract):
            yield from self._parents(receiver)

    def routes_at(self, receiver: str, contract: str) -> list[Window[Route]]:
        """Give every route of one level, valid or not."""
        return self._routes.get((receiver.lower(), contract.lower()), [])

    def permissions_at(self, sender: str, receiver: str, contract: str) -> list[Window[Permission]]:
        """Give every permission of one level, valid or not."""
        return self._permissions.get((sender.lower(), receiver.lower(), contract.lower()), [])

    def delimited_parts(self, receiver: str) -> list[str]:
        """Give the distinct parts of an old-style address, last first."""
        parts = dict.fromkeys(part for part in receiver.split(self.settings.delimiter) if part)
        return list(reversed(parts))

    def may_use_delimited(self, sender: str, receiver: str, contract: str) -> bool:
        """Whether an old-style address is allowed for this sender and contract at all."""
        settings = self.settings
        return (
            len(self.delimited_parts(receiver)) <= MAX_DELIMITED_PARTS
            and (not settings.delimited_contracts or contract in settings.delimited_contracts)
            and (not settings.delimited_senders or sender in settings.delimited_senders)
        )

    def _is_delimited(self, receiver: str) -> bool:
        return bool(self.settings.delimiter) and self.settings.delimiter in receiver

    def _parents(self, receiver: str) -> Iterator[Level]:
        marker = PARENT
        for parent in self.tree.ancestors(receiver):
            yield marker, parent
            marker = ""


def _leaves(parts: list[str]) -> Iterator[Level]:
    marker = LEAF
    for part in parts:
        yield marker, part
        marker = ""


def _is_on(default: bool, inverted_for: tuple[str, ...], contract: str) -> bool:
    return default != contract.startswith(inverted_for) if inverted_for else default


def _search(
    levels: Iterator[Level],
    windows: Mapping[Key, list[Window[Row]]],
    sender: str,
    contract: str,
    at: float,
) -> Lookup[Row]:
    trace: list[str] = []
    tail = contract.lower()
    head: Key = (sender.lower(),) if sender else ()
    for marker, receiver in levels:
        if marker:
            trace.append(marker)
        trace.append(receiver)
        found = windows.get((*head, receiver.lower(), tail))
        if found:
            rows = tuple(window.row for window in found if window.holds(at))
            if rows:
                return Lookup(",".join(trace), rows)
    return Lookup(",".join(trace), ())
