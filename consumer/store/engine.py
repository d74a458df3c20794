"""Database engines of the store: SQLite set for many readers and short writes, PostgreSQL as it comes (design 3).

SQLite: WAL, so that readers never wait; synchronous NORMAL, because what a power failure takes is fetched anew.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, insert, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from consumer.store.tables import STORE_VERSION, metadata, store_info
from contracts.errors import ConfigurationError

#: What to do about an error by its SQLite code (lowest eight bits) or PostgreSQL's SQLSTATE.
_ADVICE = {
    sqlite3.SQLITE_FULL: "There is no room left on its disk; nothing half done is kept. Make room and fetch again.",
    "53100": "There is no room left on the server's disk; nothing half done is kept. Make room and fetch again.",
    sqlite3.SQLITE_READONLY: "Give this user the right to write the file and its folder.",
    sqlite3.SQLITE_CANTOPEN: "Give this user the right to write the file and its folder.",
    sqlite3.SQLITE_CORRUPT: "The file is damaged. Move it away, or name another in consumer.store, and fetch anew.",
    sqlite3.SQLITE_NOTADB: "The file is no store. Move it away, or name another in consumer.store, and fetch anew.",
}
_PRIMARY_CODE = 0xFF
#: How long a write waits for another process; writes are short, since answers gather in a table of their own.
BUSY_TIMEOUT_S = 60.0
_PRAGMAS = ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "cache_size=-8192")


def open_engine(url: str) -> Engine:
    """Open the database of a store and make its tables where there are none.

    Raises ConfigurationError for a URL, file or server that cannot be used, and for a store of another version.
    """
    engine = _make_engine(url)
    try:
        with store_errors("opened"), engine.begin() as connection:
            metadata.create_all(connection)
            version = connection.execute(select(store_info.c.version)).scalar()
            if version is None:
                connection.execute(insert(store_info).values(version=STORE_VERSION))
    except ConfigurationError:
        engine.dispose()
        raise
    if version not in (None, STORE_VERSION):
        engine.dispose()
        raise ConfigurationError(
            f"The store is of version {version}; this program keeps version {STORE_VERSION}. "
            "Name a new database in consumer.store and fetch anew, or use the program that made it."
        )
    return engine


def is_sqlite(connection: Connection | Engine) -> bool:
    """Whether the database is the embedded one."""
    return connection.dialect.name == "sqlite"


@contextmanager
def store_errors(action: str) -> Iterator[None]:
    """Turn a database error into a ConfigurationError: "The store could not be ``action``"."""
    try:
        yield
    except DBAPIError as error:
        raise ConfigurationError(
            f"The store could not be {action}: {error.orig}. {_advice(error.orig)}",
            log_detail=type(error.orig).__name__,
        ) from error
    except SQLAlchemyError as error:
        raise ConfigurationError(f"The store could not be {action}: {error}. Check consumer.store.") from error


def _advice(origin: BaseException | None) -> str:
    code = getattr(origin, "sqlstate", None) or getattr(origin, "sqlite_errorcode", 0) & _PRIMARY_CODE
    return _ADVICE.get(code, "Check consumer.store, the database and its disk.")


def _make_engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
        parsed.get_dialect()
    except (ArgumentError, NoSuchModuleError, ImportError):
        backend = ""
    if backend not in ("sqlite", "postgresql"):
        # The URL is not repeated: it may hold a password.
        raise ConfigurationError(
            "The store's database URL (consumer.store) cannot be used. "
            "Write sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME."
        )
    if backend == "postgresql":
        return create_engine(parsed, pool_pre_ping=True, max_overflow=-1)
    if not parsed.database or parsed.database == ":memory:":
        raise ConfigurationError("The store's SQLite database must be a file: sqlite:///FILE.")
    if not Path(parsed.database).parent.is_dir():
        raise ConfigurationError(f"The folder of the store {parsed.database} does not exist. Make it first.")
    engine = create_engine(parsed, max_overflow=-1, connect_args={"timeout": BUSY_TIMEOUT_S})
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # Transactions are begun by _begin_sqlite, not by the driver's guess.
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")
