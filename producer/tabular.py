"""Tables of the project's own forms (counts, organisations, catalogue), as CSV or XLSX, read into text and numbers.

Untrusted input, read like the VIS file (`producer.register.vis.reading`): UTF-8 or Windows-1252, `;` `,` or tab.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Final

import polars as pl

from contracts.errors import DataError, ImportRejected
from producer.register.vis.cells import NUMBER_FORM
from producer.register.vis.findings import KEPT_PER_RULE, Findings, ImportFinding
from producer.register.vis.reading import ROW, open_source
from producer.register.vis.row_rule import RowRule, said

_BLANKS: Final = " \t\r\n\u00a0\u2007\u202f\ufeff"
_MIDNIGHT: Final = r"[ T]00:00:00(\.0+)?$"
ISO_DATE: Final = r"^\d{4}-\d{2}-\d{2}([ T]00:00:00(\.0+)?)?$"


class TableRejected(ImportRejected):
    """A table with errors; nothing was made of it. ``findings`` says what is wrong."""

    def __init__(self, file_name: str, findings: Findings, what: str) -> None:
        super().__init__(
            f"{file_name} has {findings.error_count} error(s) and {findings.warning_count} warning(s). {what} "
            "Correct the rows that are listed and try again."
        )
        self.findings = findings


def read_table(
    path: Path, known: Sequence[str], required: Collection[str], progress: Callable[[int, int], None] | None = None
) -> pl.DataFrame:
    """Give the cells of a table (untrusted) as text, with every ``known`` column and the row number (header is 1).

    Empty cells are null and empty rows left out; columns that are not known are left out too. ``progress`` is told of
    rows read and about how many there are. Raises DataError naming missing, doubled and misspelt columns.
    """
    parts: list[pl.DataFrame] = []
    with open_source(path, known) as source:
        _check_header(path, source.columns, known, required)
        present = [name for name in known if name in source.columns]
        for batch in source.batches:
            stripped = pl.col(*present).str.strip_chars(_BLANKS)
            cells = batch.select(pl.col(ROW), pl.when(stripped != "").then(stripped).name.keep())
            parts.append(cells.filter(pl.any_horizontal(pl.col(*present).is_not_null())))
            if progress is not None:
                progress(batch.height, source.row_estimate)
    if not sum(part.height for part in parts):
        raise DataError(f"{path} has no rows below its header.")
    absent = [pl.lit(None, pl.String).alias(name) for name in known if name not in present]
    return pl.concat(parts).with_columns(absent).select(ROW, *known)


def _check_header(path: Path, columns: Sequence[str], known: Sequence[str], required: Collection[str]) -> None:
    missing = [name for name in known if name in required and name not in columns]
    unknown = [name for name in columns if name and name not in known and not name.startswith("#")]
    doubled = sorted({name for name in columns if name in known and columns.count(name) > 1})
    problems = [
        f"{text}: {', '.join(names)}"
        for text, names in (("missing", missing), ("stand twice", doubled), ("not known", unknown))
        if names
    ]
    if problems:
        raise DataError(
            f"The header of {path} does not fit ({'; '.join(problems)}). The columns are: {', '.join(known)}. Notes of "
            "your own may stand in columns whose names begin with #."
        )


def number(column: str) -> pl.Expr:
    """Give the number of a text cell, null where it is none."""
    cell = pl.col(column)
    # Adding 0 makes 0 of -0, so that equal values have one form.
    return pl.when(cell.str.contains(NUMBER_FORM)).then(cell).str.replace(",", ".", literal=True).cast(pl.Float64) + 0.0


def day(column: str) -> pl.Expr:
    """Give the date of a text cell, null where it is none."""
    cell = pl.col(column)
    return (
        pl.when(cell.str.contains(ISO_DATE)).then(cell).str.replace(_MIDNIGHT, "").str.to_date("%Y-%m-%d", strict=False)
    )


def number_rules(
    rule: str, columns: Sequence[str], *, shares: Collection[str] = (), signed: Collection[str] = ()
) -> list[RowRule]:
    """Give rules for the form of number columns: readable, not negative but ``signed``, and ``shares`` from 0 to 1.

    The numbers stand in columns of the same name with ``_number`` after it.
    """
    rules = []
    for column in columns:
        cell, value = pl.col(column), pl.col(f"{column}_number")
        mend = (
            pl.when(cell.str.contains(r"^[-+]?[\d.,]+[eE][-+]?\d+$"))
            .then(pl.lit("Write the number without an exponent, such as 0.00012."))
            .when(cell.str.contains(r"^-?\d{1,3}([ \u00a0\u202f.,']\d{3})+([.,]\d+)?$"))
            .then(pl.lit("Write the number without thousands separators."))
            .when(cell.str.contains("%", literal=True))
            .then(pl.lit("Write a share from 0 to 1 without the percent sign."))
            .otherwise(pl.lit("Write a number such as 12 or 0.75; leave the cell empty when there is none."))
        )
        unread = cell.is_not_null() & value.is_null()
        rules.append(
            RowRule(rule, column, unread, said(f"{column} is {{}}, which is not read as a number.", column), mend)
        )
        if column not in signed:
            negative = said(f"{column} is {{}}, which is negative.", column)
            rules.append(RowRule(rule, column, value < 0, negative, "Write 0 or more."))
        if column in shares:
            rules.append(
                RowRule(
                    rule,
                    column,
                    value > 1,
                    said(f"{column} is {{}}, outside 0 to 1.", column),
                    "Write a share from 0 to 1, not per cent.",
                )
            )
    return rules


def date_rules(rule: str, columns: Sequence[str], required: Collection[str] = ()) -> list[RowRule]:
    """Give rules for date columns, whose dates stand in columns of the same name with ``_day`` after it."""
    mend = "Write the date as YYYY-MM-DD, such as 2025-01-31, and format the column as text."
    rules = []
    for column in columns:
        cell = pl.col(column)
        bad = cell.is_not_null() & pl.col(f"{column}_day").is_null()
        what = said(f"{column} is {{}}, which is no date of the calendar.", column)
        rules.append(RowRule(rule, column, bad, what, mend))
        if column in required:
            rules.append(RowRule(rule, column, cell.is_null(), f"{column} is empty.", mend))
    return rules


def add_findings(findings: Findings, found: pl.DataFrame, rule: str, column: str, what: pl.Expr, mend: str) -> None:
    """Add an error for each row of ``found``, which has a column of row numbers."""
    texts = found.sort(ROW).head(KEPT_PER_RULE).select(ROW, what.alias("what")).rows()
    findings.extend((ImportFinding(rule, "error", row, column, text, mend) for row, text in texts), found.height)
