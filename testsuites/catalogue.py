"""Definitions of indicators for the rules that need them (1.1, 1.6, 1.7, 1.8): a small TOML file.

One table per indicator: ``["<measureId>"]`` with kind, version, threshold, standardised, title (all but kind optional).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from contracts.errors import ConfigurationError
from contracts.model import MeasureDefinition, MeasureKind

_KINDS = get_args(MeasureKind)
_KNOWN = {"kind", "version", "threshold", "standardised", "title"}


def read_catalogue(path: Path) -> Mapping[str, MeasureDefinition]:
    """Read definitions by measureId. Raises ConfigurationError that lists every problem."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigurationError(f"The catalogue {path} cannot be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"The catalogue {path} is not valid TOML: {error}.") from None
    problems = [problem for name, table in tables.items() for problem in _problems(name, table)]
    if problems:
        raise ConfigurationError(f"The catalogue {path} has {len(problems)} problem(s).", problems=problems)
    return {name: _definition(name, table) for name, table in tables.items()}


def _problems(name: str, table: Any) -> list[str]:
    if not isinstance(table, dict):
        return [f'{name}: must be a table, ["{name}"]']
    found = [f"{name}: {key} is unknown; known are {', '.join(sorted(_KNOWN))}" for key in table if key not in _KNOWN]
    if table.get("kind") not in _KINDS:
        found.append(f"{name}: kind must be one of {', '.join(_KINDS)}")
    if not isinstance(table.get("version", 1), int):
        found.append(f"{name}: version must be a whole number")
    if not isinstance(table.get("threshold", 0), int | float):
        found.append(f"{name}: threshold must be a number")
    if not isinstance(table.get("standardised", False), bool):
        found.append(f"{name}: standardised must be true or false")
    return found


def _definition(name: str, table: Mapping[str, Any]) -> MeasureDefinition:
    threshold = table.get("threshold")
    return MeasureDefinition(
        name,
        table.get("version", 1),
        table["kind"],
        str(table.get("title", "")),
        None if threshold is None else float(threshold),
        table.get("standardised", False),
    )
