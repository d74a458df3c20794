"""Orders in the platform's own format (jsonbestallning, platform reference 3.5), applied to a catalogue.

What is under ``inkludera`` is added from the order's date on, what is under ``exkludera`` ends at it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from contracts.errors import DataError
from router.catalogue.model import Catalogue, CatalogueTime, Permission, Route, Validity

Row = TypeVar("Row", Route, Permission)
_FIELDS: Mapping[str, tuple[str, ...]] = {
    "tjanstekontrakt": ("namnrymd",),
    "logiskadresser": ("hsaId",),
    "tjanstekomponenter": ("hsaId",),
    "anropsbehorigheter": ("logiskAdress", "tjanstekontrakt", "tjanstekonsument"),
    "vagval": ("adress", "logiskAdress", "tjanstekontrakt", "rivtaprofil", "tjanstekomponent"),
}
_PARTS = ("inkludera", "exkludera")


@dataclass(frozen=True, slots=True)
class OrderOutcome:
    """The catalogue after an order, and what the order did: rows added, ended, and what it had no effect on."""

    catalogue: Catalogue
    added: int
    ended: int
    remarks: tuple[str, ...]


def apply_order(path: Path, catalogue: Catalogue) -> OrderOutcome:
    """Apply the order in ``path`` to ``catalogue``. Raises DataError that lists every problem; nothing is half done."""
    order = _read(path)
    problems: list[str] = []
    if not isinstance(order.get("plattform"), str):
        problems.append("plattform is missing; it names the platform, such as NTJP-TEST")
    starts = _date(order, problems)
    rows = {part: _rows(order.get(part, {}), part, problems) for part in _PARTS}
    if not any(rows[part][kind] for part in _PARTS for kind in ("vagval", "anropsbehorigheter")) and not problems:
        problems.append("the order holds no vagval and no anropsbehorigheter")
    if problems:
        raise DataError(f"The order {path} cannot be used: " + "; ".join(problems) + ".")
    return _apply(catalogue, rows, CatalogueTime.of(starts))


def _read(path: Path) -> dict[str, Any]:
    try:
        order = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise DataError(f"The order {path} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise DataError(f"The order {path} is not valid JSON: {error}.") from None
    if not isinstance(order, dict):
        raise DataError(f"The order {path} is no JSON object with inkludera and exkludera.")
    return order


def _date(order: Mapping[str, Any], problems: list[str]) -> date:
    text = order.get("genomforandeTidpunkt")
    try:
        return datetime.fromisoformat(str(text)).date()
    except ValueError:
        problems.append("genomforandeTidpunkt must be a date, such as 2026-12-01")
        return date.min


def _rows(part: Any, name: str, problems: list[str]) -> dict[str, list[dict[str, str]]]:
    if not isinstance(part, dict):
        problems.append(f"{name} must be an object")
        part = {}
    problems += [f"{name}.{key} is no part of an order" for key in part if key not in _FIELDS]
    return {
        kind: list(_objects(part.get(kind), f"{name}.{kind}", fields, problems)) for kind, fields in _FIELDS.items()
    }


def _objects(value: Any, where: str, fields: tuple[str, ...], problems: list[str]) -> Iterator[dict[str, str]]:
    if not isinstance(value, list | None):
        problems.append(f"{where} must be a list")
        return
    for number, entry in enumerate(value or (), 1):
        missing = [field for field in fields if not isinstance(entry, dict) or not isinstance(entry.get(field), str)]
        if missing:
            problems.append(f"{where} number {number} lacks {', '.join(missing)}")
        else:
            yield {field: entry[field].strip() for field in fields}


def _apply(
    catalogue: Catalogue, rows: dict[str, dict[str, list[dict[str, str]]]], starts: CatalogueTime
) -> OrderOutcome:
    ends = CatalogueTime.of(starts.value.date() - timedelta(days=1))
    remarks: list[str] = []
    gone_routes = {_route_key(_route(row, starts)) for row in rows["exkludera"]["vagval"]}
    gone_permissions = {_permission_key(_permission(row, starts)) for row in rows["exkludera"]["anropsbehorigheter"]}
    kept_routes = [_ended(row, ends) if _route_key(row) in gone_routes else row for row in catalogue.routes]
    kept_permissions = [
        _ended(row, ends) if _permission_key(row) in gone_permissions else row for row in catalogue.permissions
    ]
    known_routes = {_route_key(row) for row in kept_routes if _is_open(row, starts)}
    known_permissions = {_permission_key(row) for row in kept_permissions if _is_open(row, starts)}
    new_routes = [_route(row, starts) for row in rows["inkludera"]["vagval"]]
    new_permissions = [_permission(row, starts) for row in rows["inkludera"]["anropsbehorigheter"]]
    added_routes = [row for row in new_routes if _route_key(row) not in known_routes]
    added_permissions = [row for row in new_permissions if _permission_key(row) not in known_permissions]
    ended = sum(old is not new for old, new in zip(catalogue.routes, kept_routes, strict=True))
    ended += sum(old is not new for old, new in zip(catalogue.permissions, kept_permissions, strict=True))
    already = len(new_routes) + len(new_permissions) - len(added_routes) - len(added_permissions)
    not_found = len(gone_routes) + len(gone_permissions) - ended
    if already:
        remarks.append(f"{already} row(s) to include are there already")
    if not_found > 0:
        remarks.append(f"{not_found} row(s) to exclude are not in the catalogue")
    changed = replace(
        catalogue, routes=(*kept_routes, *added_routes), permissions=(*kept_permissions, *added_permissions)
    )
    return OrderOutcome(changed, len(added_routes) + len(added_permissions), ended, tuple(remarks))


def _route(row: Mapping[str, str], starts: CatalogueTime) -> Route:
    return Route(row["logiskAdress"], row["tjanstekontrakt"], row["rivtaprofil"], row["adress"], Validity(starts))


def _permission(row: Mapping[str, str], starts: CatalogueTime) -> Permission:
    return Permission(row["tjanstekonsument"], row["logiskAdress"], row["tjanstekontrakt"], Validity(starts))


def _route_key(route: Route) -> tuple[str, ...]:
    return route.receiver.lower(), route.contract.lower(), route.profile.lower(), route.address


def _permission_key(row: Permission) -> tuple[str, ...]:
    return row.sender.lower(), row.receiver.lower(), row.contract.lower()


def _is_open(row: Route | Permission, at: CatalogueTime) -> bool:
    end = row.validity.valid_to
    return end is None or end.value.date() >= at.value.date()


def _ended(row: Row, ends: CatalogueTime) -> Row:
    return replace(row, validity=replace(row.validity, valid_to=ends))
