"""Writes VIS files (domain reference 1.1): the 30 columns in one order, `;`, UTF-8, decimal point, no exponent.

The same rows give the same bytes, on every machine.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from producer.register.vis.cells import GROUPED_FORM
from producer.register.vis.columns import COLUMNS, NUMBERS


def write_vis(path: Path, rows: pl.DataFrame, *, mode: str, hsa_id: str) -> None:
    """Write ``rows`` (the 30 columns, in their order) under an instruction row; KEEP or DELETE.

    All of it, or the old file stays.
    """
    instruction = f"{mode}_EXISTING_DATA_FOR_REGISTER_HSAID:{hsa_id}" + ";" * (len(COLUMNS) - 1)
    part = path.with_name(f"{path.name}.part")
    with part.open("wb") as stream:
        stream.write(f"{';'.join(COLUMNS)}\n{instruction}\n".encode())
        rows.select(_cell(name, rows.schema[name]) for name in COLUMNS).write_csv(
            stream, separator=";", include_header=False, line_terminator="\n"
        )
    part.replace(path)


def _cell(name: str, kind: pl.DataType) -> pl.Expr:
    """Give a column as text; numbers in the shortest form that reads as the same number, whole ones without point."""
    column = pl.col(name)
    if name not in NUMBERS or not kind.is_float():
        return column.cast(pl.String)
    is_whole = (column == column.floor()) & (column.abs() < 2**53)
    short = column.cast(pl.String)
    plain = pl.when(short.str.contains("e", literal=True)).then(_plain(column)).otherwise(short)
    # Three decimals could be read as thousands; a zero more cannot.
    plain = pl.when(plain.str.contains(GROUPED_FORM)).then(plain + "0").otherwise(plain)
    return pl.when(is_whole).then(column.cast(pl.Int64, strict=False).cast(pl.String)).otherwise(plain).alias(name)


def _plain(column: pl.Expr) -> pl.Expr:
    """Write a very small or very large number without exponent."""
    return column.map_elements(lambda number: f"{number:.20f}".rstrip("0"), return_dtype=pl.String, skip_nulls=True)
