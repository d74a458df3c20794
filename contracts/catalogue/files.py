"""The catalogue's file in the working folder, and the other documents that indicators are read from.

The file is JSON, sorted and written byte-stably, so that it can be kept under version control.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import MISSING, asdict, fields
from datetime import date
from pathlib import Path
from typing import Any, Final

from contracts.catalogue import kik
from contracts.catalogue.model import Catalogue, CatalogueMeasure
from contracts.catalogue.own_form import read_toml
from contracts.errors import ConfigurationError, DataError

_FORMAT: Final = "indikatorbryggan-catalogue/1"
_DATES: Final = ("valid_from", "valid_to")
_LISTS: Final = ("frequencies", "levels", "keywords")


def load_catalogue(path: Path) -> Catalogue:
    """Read the working folder's catalogue. Raises ConfigurationError when it is missing or damaged."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["format"] != _FORMAT:
            raise ConfigurationError(f"{path} is of another form ({document['format']}). Import the catalogue again.")
        return Catalogue(tuple(_measure(entry) for entry in document["measures"]))
    except FileNotFoundError:
        raise ConfigurationError(
            f"There is no catalogue file {path}. Import one with: brygga catalogue import FILE"
        ) from None
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ConfigurationError(
            f"The catalogue file {path} cannot be read ({type(error).__name__}). Remove it and import it again."
        ) from None


def save_catalogue(path: Path, catalogue: Catalogue) -> None:
    """Write the working folder's catalogue: all of it, or the old one stays."""
    body = {"format": _FORMAT, "measures": [_entry(one) for one in catalogue.measures]}
    part = path.with_name(f"{path.name}.part")
    part.write_text(json.dumps(body, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    part.replace(path)


def read_document(path: Path, parents: Sequence[CatalogueMeasure] = ()) -> list[CatalogueMeasure]:
    """Read a file (untrusted): the working folder's catalogue, an answer of the catalogue (JSON), or the own TOML form.

    ``parents``: indicators known already, for answers that hold submeasures only. Raises DataError.
    """
    if not path.is_file():
        raise DataError(f"There is no file {path}.")
    if path.suffix.lower() == ".toml":
        return read_toml(path)
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is no valid JSON ({error}).") from None
    if isinstance(document, dict) and document.get("format") == _FORMAT:
        return list(load_catalogue(path).measures)
    if not kik.is_kik(document):
        raise DataError(f"{path} is JSON, but no answer of the catalogue: it has no pageResults, mId or submeasures.")
    return kik.measures_of(document, parents)


def _entry(measure: CatalogueMeasure) -> dict[str, Any]:
    """Give what is not left at its default."""
    entry = {}
    for field, value in zip(fields(CatalogueMeasure), asdict(measure).values(), strict=True):
        default = field.default_factory() if field.default_factory is not MISSING else field.default
        if value != default:
            entry[field.name] = value.isoformat() if isinstance(value, date) else value
    return entry


def _measure(entry: dict[str, Any]) -> CatalogueMeasure:
    values = dict(entry)
    for name in _DATES:
        if name in values:
            values[name] = date.fromisoformat(values[name])
    for name in _LISTS:
        if name in values:
            values[name] = tuple(values[name])
    return CatalogueMeasure(**values)
