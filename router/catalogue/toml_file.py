"""The catalogue as a TOML file that people read and edit; every problem of a file is told at once.

Rows are those of platform reference 3.1 and 3.2; the file's own form is described in `HEADER`.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import tomli_w

from contracts.errors import ConfigurationError, DataError
from router.catalogue.files import replace_file
from router.catalogue.hsa_tree import read_hsa_files
from router.catalogue.model import (
    Catalogue,
    CatalogueTime,
    FaultRule,
    HsaUnit,
    Permission,
    Route,
    Validity,
)

HEADER = """\
# Routing catalogue of `brygga router`: edit it while the router runs, it is read again when it changes.
# `brygga router catalogue check` says what is wrong, `brygga router routes` which row a call gets and why.
#
# [[routes]]       where calls go: receiver (logical address, "*" for all others), contract (namespace of the
#                  Responder schema), profile (RIVTABP20 or RIVTABP21), address (URL of the producer)
# [[permissions]]  who may call: sender (HSA-id in the client certificate), receiver, contract
#                  valid_from and valid_to, both included, may stand in either: 2026-12-31 or 2026-12-31T12:00:00+01:00
# [[hsa_units]]    the HSA tree: hsa_id, name, parent (HSA-id; left out: right below the root)
#                  hsa_files = ["hsa.xml"] reads units from the platform's HSA files
# [[faults]]       faults for tests: action = delay | refuse | reset | truncate | wrong-certificate | vp |
#                  internal-error, with delay_s, after_bytes or code; sender, receiver, contract: which calls

"""
_TABLES = ("routes", "permissions", "hsa_units", "faults")


def read_catalogue(path: Path) -> Catalogue:
    """Read a catalogue file. Raises ConfigurationError that lists every problem with table and number of the row."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigurationError(
            f"There is no routing catalogue {path}. Make one with 'brygga init' or 'brygga router catalogue import'."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"The routing catalogue {path} cannot be read: {error}.") from None
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"The routing catalogue {path} is not valid TOML: {error}.") from None
    reader = _Reader(path.parent)
    catalogue = reader.read(tables)
    if reader.problems:
        raise ConfigurationError(
            f"The routing catalogue {path} has {len(reader.problems)} problem(s); it is not used.",
            problems=reader.problems,
        )
    return catalogue


def write_catalogue(path: Path, catalogue: Catalogue) -> None:
    """Write a catalogue file with explanations at its head; an older one is replaced at once, never half."""
    replace_file(path, HEADER + dump(catalogue))


def dump(catalogue: Catalogue) -> str:
    """Give a catalogue as TOML."""
    tables: dict[str, list[dict[str, Any]]] = {
        "routes": [
            {"receiver": row.receiver, "contract": row.contract, "profile": row.profile, "address": row.address}
            | _dates(row.validity)
            for row in catalogue.routes
        ],
        "permissions": [
            {"sender": row.sender, "receiver": row.receiver, "contract": row.contract} | _dates(row.validity)
            for row in catalogue.permissions
        ],
        "hsa_units": [
            {"hsa_id": unit.hsa_id, "name": unit.name} | ({"parent": unit.parent} if unit.parent else {})
            for unit in catalogue.units
        ],
        "faults": [_fault(rule) for rule in catalogue.faults],
    }
    return "".join(f"[[{name}]]\n{tomli_w.dumps(row)}\n" for name, rows in tables.items() for row in rows)


def _dates(validity: Validity) -> dict[str, Any]:
    pairs = (("valid_from", validity.valid_from), ("valid_to", validity.valid_to))
    return {name: moment.native() for name, moment in pairs if moment is not None}


def _fault(rule: FaultRule) -> dict[str, Any]:
    fields = {name: getattr(rule, name) for name in _Reader.FAULT_FIELDS}
    return {name: value for name, value in fields.items() if value}


class _Reader:
    """Builds the rows of a file, collecting problems instead of stopping."""

    FAULT_FIELDS = ("action", "sender", "receiver", "contract", "delay_s", "after_bytes", "code")

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.problems: list[str] = []

    def read(self, tables: Mapping[str, Any]) -> Catalogue:
        for name in tables:
            if name not in (*_TABLES, "hsa_files"):
                self.problems.append(f"{name} is no part of a catalogue; there are {', '.join(_TABLES)}, hsa_files")
        rows = {name: self._rows(tables.get(name, []), name) for name in _TABLES}
        units = [*self._files(tables.get("hsa_files", [])), *(self._unit(*row) for row in rows["hsa_units"])]
        catalogue = Catalogue(
            tuple(self._route(*row) for row in rows["routes"]),
            tuple(self._permission(*row) for row in rows["permissions"]),
            tuple(units),
            tuple(self._fault(*row) for row in rows["faults"]),
        )
        self._check_tree(catalogue.units)
        return catalogue

    def _rows(self, value: Any, name: str) -> list[tuple[str, dict[str, Any]]]:
        if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
            self.problems.append(f"{name} must be written as [[{name}]] tables")
            return []
        return [(f"{name} {number}", row) for number, row in enumerate(value, 1)]

    def _route(self, where: str, row: dict[str, Any]) -> Route:
        self._only(where, row, "receiver", "contract", "profile", "address", "valid_from", "valid_to")
        return Route(
            self._text(where, row, "receiver"),
            self._text(where, row, "contract"),
            self._text(where, row, "profile", default="RIVTABP21"),
            self._text(where, row, "address", may_be_empty=True),
            self._validity(where, row),
        )

    def _permission(self, where: str, row: dict[str, Any]) -> Permission:
        self._only(where, row, "sender", "receiver", "contract", "valid_from", "valid_to")
        return Permission(
            self._text(where, row, "sender"),
            self._text(where, row, "receiver"),
            self._text(where, row, "contract"),
            self._validity(where, row),
        )

    def _unit(self, where: str, row: dict[str, Any]) -> HsaUnit:
        self._only(where, row, "hsa_id", "name", "parent")
        return HsaUnit(
            self._text(where, row, "hsa_id"),
            self._text(where, row, "name", default="", may_be_empty=True),
            self._text(where, row, "parent", default="", may_be_empty=True) or None,
        )

    def _fault(self, where: str, row: dict[str, Any]) -> FaultRule:
        self._only(where, row, *self.FAULT_FIELDS)
        sender, receiver, contract = (
            self._text(where, row, name) if name in row else None for name in ("sender", "receiver", "contract")
        )
        rule = FaultRule(
            self._text(where, row, "action"),  # type: ignore[arg-type]  # judged by the rule itself
            sender,
            receiver,
            contract,
            self._number(where, row, "delay_s"),
            int(self._number(where, row, "after_bytes")),
            self._text(where, row, "code", default="", may_be_empty=True),
        )
        self.problems += [f"{where}: {problem}" for problem in rule.problems()]
        return rule

    def _only(self, where: str, row: dict[str, Any], *known: str) -> None:
        self.problems += [f"{where}: {key} is no field of it" for key in row if key not in known]

    def _text(
        self,
        where: str,
        row: dict[str, Any],
        key: str,
        *,
        default: str | None = None,
        may_be_empty: bool = False,
    ) -> str:
        value = row.get(key, default)
        if value is None:
            self.problems.append(f"{where}: {key} is missing")
        elif not isinstance(value, str):
            self.problems.append(f"{where}: {key} must be a text")
        elif value.strip() or may_be_empty:
            return value
        else:
            self.problems.append(f"{where}: {key} is empty")
        return ""

    def _number(self, where: str, row: dict[str, Any], key: str) -> float:
        value = row.get(key, 0)
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            self.problems.append(f"{where}: {key} must be a number, 0 or more")
            return 0.0
        return float(value)

    def _validity(self, where: str, row: dict[str, Any]) -> Validity:
        times: list[CatalogueTime | None] = []
        for key in ("valid_from", "valid_to"):
            value = row.get(key)
            if isinstance(value, date):
                times.append(CatalogueTime.of(value))
                continue
            if value is not None:
                self.problems.append(f"{where}: {key} must be a date or date and time without quotes, as 2026-12-31")
            times.append(None)
        validity = Validity(*times)
        first, last = validity.window(None)
        if first > last:
            self.problems.append(f"{where}: valid_from is after valid_to")
        return validity

    def _files(self, value: Any) -> tuple[HsaUnit, ...]:
        if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
            self.problems.append("hsa_files must be a list of file names")
            return ()
        try:
            return read_hsa_files([self.folder / name for name in value])
        except DataError as error:
            self.problems.append(error.message)
            return ()

    def _check_tree(self, units: tuple[HsaUnit, ...]) -> None:
        parents = {unit.hsa_id: unit.parent for unit in units}
        counted = Counter(unit.hsa_id for unit in units)
        self.problems += [f"hsa_units: {hsa_id} is given twice" for hsa_id, count in counted.items() if count > 1]
        for start in parents:
            seen = {start}
            parent = parents[start]
            while parent is not None and parent not in seen:
                seen.add(parent)
                parent = parents.get(parent)
            if parent == start:
                self.problems.append(f"hsa_units: {start} is its own ancestor")
