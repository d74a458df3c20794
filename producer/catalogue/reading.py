"""Import of files of any known form into the catalogue: its JSON answers, and the own form as TOML, CSV or XLSX.

JSON and TOML are read by `contracts.catalogue`; a table has a column for each field of the own form.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from contracts.catalogue.files import read_document
from contracts.catalogue.model import Catalogue, CatalogueMeasure
from contracts.catalogue.own_form import FIELDS, REQUIRED, measures_of_entry
from contracts.errors import DataError
from producer.register.vis.reading import ROW
from producer.tabular import read_table

_DOCUMENTS: Final = (".json", ".toml")


def read_catalogue(paths: Sequence[Path], known: Catalogue | None = None) -> Catalogue:
    """Read files (untrusted) of the catalogue: its JSON answers, TOML, CSV or XLSX. Raises DataError.

    ``known``: what is known already, for answers that hold submeasures only.
    """
    measures: list[CatalogueMeasure] = []
    for path in paths:
        if not path.is_file():
            raise DataError(f"There is no file {path}.")
        if path.suffix.lower() in _DOCUMENTS:
            measures += read_document(path, [*(known.measures if known else ()), *measures])
        else:
            measures += _read_own_table(path)
    if not measures:
        raise DataError("The file(s) hold no indicator; an empty search result means that it was not found.")
    return Catalogue.of(measures)


def _read_own_table(path: Path) -> list[CatalogueMeasure]:
    measures: list[CatalogueMeasure] = []
    for row in read_table(path, tuple(FIELDS), REQUIRED).to_dicts():
        number = row.pop(ROW)
        entry = {name: text for name, text in row.items() if text is not None}
        measures += measures_of_entry(entry, f"Row {number}")
    return measures
