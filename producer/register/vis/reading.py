"""From a VIS file to frames of text cells: encodings, delimiters, CSV and XLSX (domain reference 1.1).

A CSV is read in batches, so that memory is bounded by what is kept of it. Untrusted input: whatever cannot be read
ends as DataError with the place and the mend.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import os
import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final
from zipfile import is_zipfile

import polars as pl

from contracts.errors import DataError
from producer.register.vis.columns import COLUMNS
from producer.register.vis.workbook import read_workbook

ROW: Final = "row"
FIRST_ROW: Final = 2
"""Row number of the instruction; the header is row 1."""

_BATCH_ROWS = 50_000
_CHUNK_BYTES = 1024**2
_MAX_HEADER_BYTES = 64 * 1024
_DELIMITERS = {";": "semicolon", ",": "comma", "\t": "tab"}
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True, slots=True)
class Source:
    """An opened file: its columns in the file's order, and its cells in batches with their row numbers.

    ``row_estimate``: about how many rows there will be, for progress.
    """

    sha256: str
    columns: tuple[str, ...]
    batches: Iterator[pl.DataFrame]
    row_estimate: int


@contextmanager
def open_source(path: Path, known: Collection[str] = COLUMNS) -> Iterator[Source]:
    """Open a table (untrusted) as CSV or XLSX, whichever it is by its content. Raises DataError.

    ``known``: column names that show which delimiter it is, by default those of the VIS file.
    """
    try:
        with path.open("rb") as stream:
            facts = _inspect(stream, path)
    except FileNotFoundError:
        raise DataError(f"There is no file {path}.") from None
    except IsADirectoryError:
        raise DataError(f"{path} is a folder. Name the file in it.") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from None
    if facts.is_workbook:
        columns, frame = read_workbook(path)
        yield Source(facts.sha256, columns, _slices(frame), frame.height)
        return
    with _as_utf8(path, facts) as readable:
        delimiter, columns = _read_header(readable, path, frozenset(known))
        _check_last_line(readable, path, delimiter, len(columns))
        batches = _csv_batches(readable, path, delimiter, columns)
        yield Source(facts.sha256, columns, batches, facts.line_count)


@dataclass(frozen=True, slots=True)
class _Facts:
    sha256: str
    is_workbook: bool
    is_utf8: bool
    line_count: int


def _inspect(stream: IO[bytes], path: Path) -> _Facts:
    """Read the file once for its digest and its encoding."""
    hasher = hashlib.sha256()
    decoder = codecs.getincrementaldecoder("utf-8")()
    is_utf8, has_nul, head, line_count = True, False, b"", 0
    while chunk := stream.read(_CHUNK_BYTES):
        head = head or chunk[:4]
        hasher.update(chunk)
        line_count += chunk.count(b"\n")
        has_nul = has_nul or b"\0" in chunk
        try:
            is_utf8 = is_utf8 and decoder.decode(chunk) is not None
        except UnicodeDecodeError:
            is_utf8 = False
    if not head:
        raise DataError(f"{path} is empty.")
    if head == b"PK\x03\x04":
        if not is_zipfile(path):
            raise DataError(f"{path} begins like an Excel workbook but is cut off. Save or copy it again.")
        return _Facts(hasher.hexdigest(), True, False, 0)
    if head.startswith(_UTF_16):
        raise DataError(f"{path} is Unicode text in UTF-16. Save it as CSV UTF-8.")
    if head == b"\xd0\xcf\x11\xe0":
        raise DataError(f"{path} is an old or encrypted Excel workbook. Save it as XLSX without password, or as CSV.")
    if has_nul:
        raise DataError(f"{path} holds NUL bytes, so it is no text file, or it is damaged. Export it again.")
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        is_utf8 = False
    return _Facts(hasher.hexdigest(), False, is_utf8, line_count)


@contextmanager
def _as_utf8(path: Path, facts: _Facts) -> Iterator[Path]:
    """Give the file itself when it is UTF-8, else a temporary UTF-8 copy of the Windows-1252 text."""
    if facts.is_utf8:
        yield path
        return
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", newline="", suffix=".csv") as copy:
        try:
            with path.open(encoding="cp1252", newline="") as stream:
                while text := stream.read(_CHUNK_BYTES):
                    copy.write(text)
        except UnicodeDecodeError:
            raise DataError(f"{path} is neither UTF-8 nor Windows-1252 text. Save it as CSV UTF-8.") from None
        copy.flush()
        yield Path(copy.name)


def _read_header(readable: Path, path: Path, known: frozenset[str]) -> tuple[str, tuple[str, ...]]:
    """Give delimiter and column names; the delimiter is the one that gives most of the known names."""
    with readable.open("rb") as stream:
        line = stream.readline(_MAX_HEADER_BYTES)
    if len(line) == _MAX_HEADER_BYTES:
        raise DataError(
            f"The first line of {path} is longer than {_MAX_HEADER_BYTES} bytes. It must hold the column names."
        )
    text = line.decode("utf-8-sig", errors="replace").rstrip("\r\n")

    def split(delimiter: str) -> tuple[str, ...]:
        return tuple(name.strip() for name in next(csv.reader([text], delimiter=delimiter), []))

    delimiter = max(_DELIMITERS, key=lambda candidate: len(known & set(split(candidate))))
    return delimiter, split(delimiter)


def _check_last_line(readable: Path, path: Path, delimiter: str, width: int) -> None:
    """Find a file that was cut off: its last line has no end and too few cells."""
    with readable.open("rb") as stream:
        stream.seek(-min(_MAX_HEADER_BYTES, readable.stat().st_size), os.SEEK_END)
        tail = stream.read()
    last = tail.splitlines()[-1] if tail.strip() else b""
    if tail.endswith((b"\n", b"\r")) or b'"' in last:
        return
    cells = last.count(delimiter.encode()) + 1
    if cells < width:
        raise DataError(
            f"{path} ends in the middle of a row: the last line has {cells} of {width} cells. It was probably cut off; "
            "export or copy it again."
        )


def _csv_batches(readable: Path, path: Path, delimiter: str, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
    lazy = pl.scan_csv(
        readable,
        separator=delimiter,
        schema=dict.fromkeys(columns, pl.String),
        row_index_name=ROW,
        row_index_offset=FIRST_ROW,
    )
    try:
        yield from lazy.collect_batches(chunk_size=_BATCH_ROWS, maintain_order=True)
    except pl.exceptions.NoDataError:
        return
    except pl.exceptions.PolarsError as error:
        raise _broken_row(readable, path, delimiter, len(columns)) from error


def _broken_row(readable: Path, path: Path, delimiter: str, width: int) -> DataError:
    """Find the row that the fast reader stumbled over, by reading again slowly."""
    with readable.open(encoding="utf-8-sig", newline="") as stream:
        row = 0
        try:
            for row, cells in enumerate(csv.reader(stream, delimiter=delimiter, strict=True), 1):
                if len(cells) > width:
                    return DataError(
                        f"Row {row} of {path} has {len(cells)} cells, the header {width}. Put a cell that holds the "
                        f"delimiter ({_DELIMITERS[delimiter]}) in quotes."
                    )
        except csv.Error as error:
            return DataError(
                f"Row {row + 1} of {path} is no valid CSV ({error}). Look for a quotation mark that is not closed."
            )
    return DataError(f"{path} is no valid CSV. Look for quotation marks inside cells; they must be doubled.")


def _slices(frame: pl.DataFrame) -> Iterator[pl.DataFrame]:
    numbered = frame.with_row_index(ROW, offset=FIRST_ROW)
    for start in range(0, numbered.height, _BATCH_ROWS):
        yield numbered.slice(start, _BATCH_ROWS)
