"""Pulls counts from the register's own database into the table that `brygga register aggregate` reads.

Sources are read-only: SQLite is opened so, PostgreSQL gets a read-only transaction, and only one SELECT runs.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import polars as pl
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from contracts.errors import ConfigurationError, DataError
from producer.calculation.counts import COLUMNS, REQUIRED
from producer.register.settings import absolute_url
from producer.register.sources import Source, SourceQuery

_PART_ROWS: Final = 20_000


def pull(sources: tuple[Source, ...], base: Path, target: Path, progress: Callable[[int], None] | None = None) -> int:
    """Write the counts of every source to ``target`` (CSV), all or nothing; give the number of rows.

    Relative SQLite files count from ``base``. Raises ConfigurationError when a database or query does not work,
    DataError when a query's columns do not fit.
    """
    parts = []
    for source in sources:
        with _reading(source, base) as connection:
            for query in source.queries:
                parts.append(_rows(connection, source, query))
                if progress is not None:
                    progress(1)
    rows = pl.concat(parts)
    if rows.height == 0:
        raise DataError("The sources gave no rows. Nothing was written.")
    part = target.with_name(f"{target.name}.part")
    rows.write_csv(part, separator=";")
    part.replace(target)
    return rows.height


@contextmanager
def _reading(source: Source, base: Path) -> Iterator[Connection]:
    """Give a connection that cannot write."""
    try:
        url = make_url(absolute_url(source.url, base))
        engine = create_engine(url, creator=_sqlite_creator(url)) if _is_sqlite(url) else create_engine(url)
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise ConfigurationError(f"The source {source.name} has a URL that cannot be used ({error}).") from None
    try:
        with engine.connect() as connection:
            if not _is_sqlite(url):
                connection.execute(text("SET TRANSACTION READ ONLY"))
            yield connection
    except DBAPIError as error:
        raise ConfigurationError(
            f"The source {source.name} refused: {error.orig}. Check its URL, rights and queries; nothing was changed."
        ) from error
    finally:
        engine.dispose()


def _is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"


def _sqlite_creator(url: URL) -> Callable[[], sqlite3.Connection]:
    file = Path(url.database or "")
    if not file.is_file():
        raise ConfigurationError(f"There is no database file {file}. Correct url under [[register.sources]].")
    return lambda: sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)


def _rows(connection: Connection, source: Source, query: SourceQuery) -> pl.DataFrame:
    """Run one query and give its rows with the columns of a table of counts, as text."""
    statement = query.query.strip().rstrip(";")
    if len(statement.split()) == 1:
        quote = connection.dialect.identifier_preparer.quote
        statement = "SELECT * FROM " + ".".join(quote(part) for part in statement.split("."))  # noqa: S608 (quoted)
    if statement.split()[0].upper() not in ("SELECT", "WITH") or ";" in statement:
        raise ConfigurationError(f"A query of the source {source.name} is no single SELECT: {query.query!r}.")
    try:
        result = connection.execution_options(stream_results=True, yield_per=_PART_ROWS).execute(
            text(statement.replace(":", r"\:"))
        )
    except SQLAlchemyError as error:
        if isinstance(error, DBAPIError):
            raise
        raise ConfigurationError(f"A query of the source {source.name} cannot be run ({error}).") from error
    names = _names(source, query, list(result.keys()))
    parts = [pl.DataFrame(schema=dict.fromkeys(COLUMNS, pl.String))]
    for rows in result.partitions(_PART_ROWS):
        columns = {name: [_cell(row[at]) for row in rows] for name, at in names.items()}
        frame = pl.DataFrame(columns, schema=dict.fromkeys(names, pl.String))
        if query.measure_id is not None:
            frame = frame.with_columns(measure_id=pl.lit(query.measure_id))
        lacking = [pl.lit(None, pl.String).alias(name) for name in COLUMNS if name not in frame.columns]
        parts.append(frame.with_columns(lacking).select(*COLUMNS))
    return pl.concat(parts)


def _names(source: Source, query: SourceQuery, keys: list[str]) -> dict[str, int]:
    """Map the columns of counts to the positions of a query's columns."""
    renamed = dict(pair.split("=", 1) for pair in query.columns if "=" in pair)
    places = {key.lower(): number for number, key in enumerate(keys)}
    found = {}
    for name in COLUMNS:
        wanted = renamed.get(name, name).strip().lower()
        if wanted in places:
            found[name] = places[wanted]
        elif name in renamed:
            raise DataError(f"A query of the source {source.name} has no column {renamed[name]}: {', '.join(keys)}.")
    missing = [name for name in REQUIRED if name not in found and not (name == "measure_id" and query.measure_id)]
    if missing:
        raise DataError(
            f"A query of the source {source.name} lacks {', '.join(missing)}; it has {', '.join(keys)}. Name the "
            "columns so in the query, or map them: columns = ['unit=your_column']."
        )
    return found


def _cell(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, float):
        return f"{value:.12f}".rstrip("0").rstrip(".") if value != int(value) else str(int(value))
    return str(value)
