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
_DECIMAL_FORM = r"^-?\d+[.,]\d+$"


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

    def add(self, column: str, cells: pl.DataFrame) -> None:
        """Note cells, given as rows of row number and text."""
        if cells.height and self.count == 0:
            self.row, self.cell = cells.row(0)
            self.column = column
        self.count += cells.height


class DecimalSigns:
    """Notes which decimal signs a file uses, batch by batch.

    A comma before exactly three digits may be a decimal sign or separate thousands; other numbers of the file decide.
    """

    def __init__(self) -> None:
        self._comma, self._doubtful_comma, self._point = _Use(), _Use(), _Use()

    def note(self, batch: pl.DataFrame) -> None:
        """Look at the numbers of a cleaned batch."""
        for name in NUMBERS:
            cells = batch.select(ROW, name).filter(pl.col(name).str.contains(_DECIMAL_FORM))
            if cells.height == 0:
                continue
            has_comma = pl.col(name).str.contains(",", literal=True)
            is_doubtful = pl.col(name).str.contains(GROUPED_FORM)
            self._point.add(name, cells.filter(~has_comma))
            self._comma.add(name, cells.filter(has_comma & ~is_doubtful))
            if name not in COUNTS:
                self._doubtful_comma.add(name, cells.filter(has_comma & is_doubtful))

    def report(self, findings: Findings) -> None:
        """Add what is wrong with the file's decimal signs."""
        comma, doubtful, point = self._comma, self._doubtful_comma, self._point
        if comma.count and point.count:
            rare, usual = sorted((comma, point), key=lambda use: use.count)
            what = (
                f"{rare.cell} does not have the decimal sign of the rest: {usual.count} number(s) as {usual.cell} in "
                f"row {usual.row}, {rare.count} like this one."
            )
            mend = "Use one decimal sign in the whole file."
            findings.add(ImportFinding("VIS-16", "error", rare.row, rare.column, what, mend))
        if doubtful.count and not comma.count:
            what = (
                f"{doubtful.cell} can be read in two ways: nothing in the file shows that the comma is the decimal "
                f"sign. {doubtful.count} number(s) are like this."
            )
            mend = "Write numbers without thousands separators, and with a decimal point."
            findings.add(ImportFinding("VIS-16", "error", doubtful.row, doubtful.column, what, mend))
