"""Database engines: SQLite set for one writer and many readers, PostgreSQL as it comes (design 3).

SQLite: WAL, so that readers never wait for a writer; synchronous FULL, because a register has few and large
transactions, so that a commit that outlives a power failure costs one flush to disk for each; foreign keys on.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from contracts.errors import ConfigurationError, RegisterUnavailable

BUSY_TIMEOUT_MS = 5_000
_SQLITE_MAGIC = b"SQLite format 3\0"
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
# Higher bits of a SQLite error code only say more about the lowest eight.
_PRIMARY_CODE = 0xFF
_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "cache_size=-16384",
    "journal_size_limit=67108864",
)


def parse_url(url: str) -> URL:
    """Check the URL of a register database. Raises ConfigurationError."""
    try:
        parsed = make_url(url)
        parsed.get_dialect()
    except (ArgumentError, NoSuchModuleError, ImportError):
        raise ConfigurationError(
            "The database URL of the register cannot be read. Write sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME."
        ) from None
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise ConfigurationError(
            f"The register cannot be kept in {parsed.get_backend_name()}. Use sqlite:///FILE or postgresql+psycopg://..."
        )
    if parsed.get_backend_name() == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise ConfigurationError("The register's SQLite database must be a file: sqlite:///FILE.")
    return parsed


def sqlite_file(url: URL) -> Path | None:
    """Give the file of a SQLite URL, None for a database server."""
    return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None


def check_file(file: Path, *, may_be_missing: bool) -> None:
    """Refuse what is no SQLite database before SQLite would make one of it. Raises ConfigurationError."""
    try:
        with file.open("rb") as stream:
            head = stream.read(len(_SQLITE_MAGIC))
    except FileNotFoundError:
        if may_be_missing and file.parent.is_dir():
            return
        raise ConfigurationError(
            f"There is no register at {file}. Make one with 'brygga init' or 'brygga register import FILE', "
            "or correct [register] url."
        ) from None
    except OSError as error:
        raise ConfigurationError(f"The register {file} cannot be opened: {error.strerror}.") from None
    if head and head != _SQLITE_MAGIC:
        raise ConfigurationError(
            f"{file} is no SQLite database. Correct [register] url, or restore the register from its backup: "
            f"cp BACKUP {file}"
        )


def make_engine(url: URL, **options: Any) -> Engine:
    """Make an engine whose transactions begin as their ``is_writing`` execution option says.

    Reading transactions on SQLite see one state from their first read on; writing ones take the write lock at once,
    so that they never fail half-way for another writer.
    """
    if url.get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True, connect_args={"application_name": "indikatorbryggan"}, **options)
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000}, **options)
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # Transactions are begun by _begin_sqlite, not by the driver's guess.
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    is_writing = connection.get_execution_options().get("is_writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writing else "BEGIN")


def is_damage(origin: BaseException | None) -> bool:
    """Whether the driver says that the SQLite file itself is broken."""
    return primary_code(origin) in _DAMAGED


def primary_code(origin: BaseException | None) -> int:
    """Give the code of a SQLite error without what only says more about it, 0 for every other error."""
    code: int = getattr(origin, "sqlite_errorcode", 0)
    return code & _PRIMARY_CODE


def unavailable(error: DBAPIError, action: str) -> RegisterUnavailable:
    """Make the error for callers of a database error; what the database said goes to the log only."""
    return RegisterUnavailable(
        f"The register could not be {action}. Try again; if it stays so, run 'brygga doctor'.",
        log_detail=f"{type(error.orig).__name__}: {error.orig}",
    )
