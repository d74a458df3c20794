"""Definitions of indicators for the rules that need them (1.1, 1.6, 1.7, 1.8), from the catalogue's files.

The same files as for ``brygga catalogue import``: what that writes (catalogue.json), the catalogue's JSON answers, and
the own form as TOML.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from contracts.catalogue import Catalogue, read_document
from contracts.errors import ConfigurationError, DataError
from contracts.model import MeasureDefinition

_TABLES: Final = (".csv", ".xlsx")


def read_catalogue(path: Path) -> Mapping[str, MeasureDefinition]:
    """Read definitions by measureId from a file (untrusted). Raises ConfigurationError."""
    if path.suffix.lower() in _TABLES:
        raise ConfigurationError(
            f"{path} is a table. Give the file that this makes of it: brygga catalogue import {path.name}"
        )
    try:
        measures = read_document(path)
    except DataError as error:
        raise ConfigurationError(f"The catalogue cannot be used. {error.message}") from None
    return Catalogue.of(measures).definitions()
