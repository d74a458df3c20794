"""The first sheet of an XLSX workbook as text cells (domain reference 1.1).

Cells that Excel holds as numbers and dates come as they are stored, not as they are shown, so that no format of the
sheet can change a value.
"""

from __future__ import annotations

from pathlib import Path

import fastexcel
import polars as pl

from contracts.errors import DataError


def read_workbook(path: Path) -> tuple[tuple[str, ...], pl.DataFrame]:
    """Give the column names of the first row and the cells below it (untrusted). Raises DataError."""
    try:
        sheet = fastexcel.read_excel(path).load_sheet(0, header_row=None, skip_rows=0, dtypes="string")
        frame = sheet.to_polars()
    except (fastexcel.FastExcelError, pl.exceptions.PolarsError, OSError) as error:
        raise DataError(
            f"{path} cannot be read as an Excel workbook ({type(error).__name__}). Open it in Excel and save it again "
            "as XLSX, or as CSV UTF-8."
        ) from error
    if frame.height == 0:
        raise DataError(f"The first sheet of {path} is empty. The file's table must be in the first sheet.")
    names = tuple((name or "").strip() for name in frame.row(0))
    while names and not names[-1] and frame[:, len(names) - 1].null_count() == frame.height:
        names = names[:-1]
        frame = frame[:, : len(names)]
    cells = frame.slice(1)
    if len(set(names)) == len(names):  # Else the header is refused before a cell is looked at.
        cells.columns = list(names)
    return names, cells
