"""Remarks on a catalogue that can be loaded but will surprise: which calls get a fault because of which row.

Implements the admin rules of platform reference 3.4, each with the fault of 4.2 that follows.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import tzinfo
from itertools import pairwise

from yarl import URL

from router.catalogue.model import DEFAULT_RECEIVER, Catalogue, Permission, Route

KNOWN_PROFILES = ("rivtabp20", "rivtabp21")
_HSA_ID = re.compile(r"[0-9A-Za-z_-]{1,255}")
_CONTRACT = re.compile(r"[0-9A-Za-z_.:-]{1,255}")


@dataclass(frozen=True, slots=True)
class Remark:
    """One remark: the row as table and number, what follows, and what to do."""

    where: str
    text: str


def check_catalogue(catalogue: Catalogue, zone: tzinfo | None, at: float) -> list[Remark]:
    """Give the remarks on a catalogue; ``zone`` as for `Validity.window`, ``at`` is the Unix time to judge by."""
    remarks = [*_routes(catalogue, zone, at), *_permissions(catalogue, zone, at)]
    if not catalogue.routes or not catalogue.permissions:
        remarks.append(
            Remark("catalogue", "has no routes or no permissions; the platform takes that as not loaded (VP008)")
        )
    return remarks


def address_problem(address: str) -> str | None:
    """Say why an address cannot be called, or None."""
    if not address.strip():
        return "the address is empty; calls get VP010"
    try:
        url = URL(address, encoded=True)
        port = url.port
    except ValueError:
        return "the address is no URL; calls get a fault"
    if url.scheme not in ("http", "https") or not url.host or port is None:
        return "the address must begin with http:// or https:// and name a host; calls get a fault"
    return None


def _routes(catalogue: Catalogue, zone: tzinfo | None, at: float) -> Iterator[Remark]:
    same_key: dict[tuple[str, str], list[tuple[str, Route]]] = defaultdict(list)
    permitted = {(row.receiver.lower(), row.contract.lower()) for row in catalogue.permissions}
    for number, route in enumerate(catalogue.routes, 1):
        where = f"routes {number} ({route.receiver})"
        problem = address_problem(route.address)
        if problem:
            yield Remark(where, problem)
        if route.profile.lower() not in KNOWN_PROFILES:
            yield Remark(where, f"profile {route.profile} is not RIVTABP20 or RIVTABP21; calls get VP005")
        yield from _names(where, route.receiver, route.contract)
        yield from _age(where, route, zone, at, "VP004")
        same_key[route.receiver.lower(), route.contract.lower()].append((where, route))
        keys = ((receiver, route.contract.lower()) for receiver in (route.receiver.lower(), DEFAULT_RECEIVER))
        if permitted.isdisjoint(keys):
            yield Remark(where, "no permission names this receiver and contract; unless one higher up does, VP007")
    for rows in same_key.values():
        yield from _overlaps(rows, zone)


def _permissions(catalogue: Catalogue, zone: tzinfo | None, at: float) -> Iterator[Remark]:
    contracts = {route.contract.lower() for route in catalogue.routes}
    for number, row in enumerate(catalogue.permissions, 1):
        where = f"permissions {number} ({row.sender} to {row.receiver})"
        yield from _names(where, row.receiver, row.contract)
        yield from _age(where, row, zone, at, "VP007")
        if not _HSA_ID.fullmatch(row.sender):
            yield Remark(where, "the sender has characters that no HSA-id has; no certificate will match")
        if row.contract.lower() not in contracts:
            yield Remark(where, "no route is for this contract; calls get VP004")


def _names(where: str, receiver: str, contract: str) -> Iterator[Remark]:
    if receiver != DEFAULT_RECEIVER and not _HSA_ID.fullmatch(receiver):
        yield Remark(where, "the receiver has characters that the platform's catalogue does not take")
    if not _CONTRACT.fullmatch(contract):
        yield Remark(where, "the contract has characters that the platform's catalogue does not take")


def _age(where: str, row: Route | Permission, zone: tzinfo | None, at: float, code: str) -> Iterator[Remark]:
    first, last = row.validity.window(zone)
    if at > last:
        yield Remark(where, f"not valid any more (to {row.validity.valid_to}); calls get {code}")
    elif at < first:
        yield Remark(where, f"not valid yet (from {row.validity.valid_from}); calls get {code} until then")


def _overlaps(rows: list[tuple[str, Route]], zone: tzinfo | None) -> Iterator[Remark]:
    windows = sorted((*route.validity.window(zone), where) for where, route in rows)
    for (_, last, where), (first, _, other) in pairwise(windows):
        if first <= last:
            yield Remark(other, f"is valid at the same time as {where}; calls get VP006")
