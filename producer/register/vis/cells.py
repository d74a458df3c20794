"""From text cells to numbers and dates (rules VIS-04, VIS-12 and VIS-16; domain reference 1.2 and 7.2).

Adds typed columns beside the text ones; a cell that cannot be read is empty in its typed column. One decimal sign is
used in the whole file, and a number that could be read in two ways is refused rather than guessed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

from producer.register.vis.columns import COLUMNS, COUNTS, DATES, NUMBERS
from producer.register.vis.findings import Findings, ImportFinding
from producer.register.vis.reading import ROW

VERSION: Final = "version"
NUMBER_FORM: Final = r"^-?\d+([.,]\d+)?$"
GROUPED_FORM: Final = r"^-?[1-9]\d{0,2}[.,]\d{3}$"
_BLANKS = " \t\r\n\u00a0\u2007\u202f\ufeff"
_MIDNIGHT = r"[ T]00:00:00(\.0+)?$"
_MAX_VERSION_DIGITS = 9
_SIGNS = (",", ".")


def clean(batch: pl.DataFrame) -> pl.DataFrame:
    """Remove blanks around every cell; an empty cell is null."""
    stripped = pl.col(*COLUMNS).str.strip_chars(_BLANKS)
    return batch.with_columns(pl.when(stripped != "").then(stripped).name.keep())


def with_typed_columns(batch: pl.DataFrame) -> pl.DataFrame:
    """Add the numbers, the dates and the version, each under its name of `NUMBERS`, `DATES` and `VERSION`."""
    numbers = [
        # Adding 0 makes 0 of -0, so that equal values have one form.
        (_when(name, NUMBER_FORM).str.replace(",", ".", literal=True).cast(pl.Float64) + 0.0).alias(typed)
        for name, typed in NUMBERS.items()
    ]
    dates = [
        _when(name, r"^\d{4}-\d{2}-\d{2}").str.replace(_MIDNIGHT, "").str.to_date("%Y-%m-%d", strict=False).alias(typed)
        for name, typed in DATES.items()
    ]
    version = _when("Version", rf"^\d{{1,{_MAX_VERSION_DIGITS}}}$").cast(pl.Int32).alias(VERSION)
    return batch.with_columns(*numbers, *dates, version)


def decimals(name: str) -> pl.Expr:
    """Give the number of decimals of a number as written, without zeros at the end."""
    return pl.col(name).str.extract(r"[.,](\d*[1-9])0*$").str.len_chars().fill_null(0)


def _when(name: str, form: str) -> pl.Expr:
    return pl.when(pl.col(name).str.contains(form)).then(pl.col(name))


@dataclass(slots=True)
class _Use:
    """How often something was seen, and where first."""

    count: int = 0
    row: int = 0
    column: str = ""
    cell: str = ""

    def add(self, count: int, row: int, column: str, cell: str) -> None:
        if self.count == 0:
            self.row, self.column, self.cell = row, column, cell
        self.count += count


class DecimalSigns:
    """Notes which decimal signs a file uses, batch by batch."""

    def __init__(self) -> None:
        self._sure = {sign: _Use() for sign in _SIGNS}
        self._doubtful = {sign: _Use() for sign in _SIGNS}

    def note(self, batch: pl.DataFrame) -> None:
        """Look at the numbers of a cleaned batch."""
        for name in NUMBERS:
            for sign in _SIGNS:
                cells = batch.select(ROW, name).filter(pl.col(name).str.contains(rf"^-?\d+\{sign}\d+$"))
                if cells.height == 0:
                    continue
                doubtful = cells.filter(pl.col(name).str.contains(GROUPED_FORM))
                sure = cells.height - doubtful.height
                if sure:
                    first = cells.filter(~pl.col(name).str.contains(GROUPED_FORM)).row(0)
                    self._sure[sign].add(sure, first[0], name, first[1])
                if doubtful.height and name not in COUNTS:
                    self._doubtful[sign].add(doubtful.height, *_place(doubtful, name))

    def report(self, findings: Findings) -> None:
        """Add what is wrong with the file's decimal signs."""
        comma, point = self._sure[","], self._sure["."]
        if comma.count and point.count:
            rare, usual = sorted((comma, point), key=lambda use: use.count)
            findings.add(
                ImportFinding(
                    "VIS-16",
                    "error",
                    rare.row,
                    rare.column,
                    f"{rare.cell} is not written with the decimal sign of the rest: {usual.count} number(s) as "
                    f"{usual.cell} in row {usual.row}, {rare.count} like this one.",
                    "Use one decimal sign in the whole file.",
                )
            )
        for sign, use in self._doubtful.items():
            if use.count and not self._sure[sign].count:
                findings.add(
                    ImportFinding(
                        "VIS-16",
                        "error",
                        use.row,
                        use.column,
                        f"{use.cell} can be read in two ways: nothing in the file shows that {sign!r} is the decimal "
                        f"sign. {use.count} number(s) are like this.",
                        "Write numbers without thousands separators, and decimals with other than three digits.",
                    )
                )


def _place(cells: pl.DataFrame, name: str) -> tuple[int, str, str]:
    row, cell = cells.row(0)
    return row, name, cell
