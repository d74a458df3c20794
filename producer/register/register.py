"""A register database, opened: its connections, its lock and what to tell when it fails.

Work is in other modules (import, publication); this one only gives them transactions.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.exc import DBAPIError

from contracts.errors import ConfigurationError, DataError
from producer.register import schema
from producer.register.engine import (
    check_file,
    is_damage,
    make_engine,
    parse_url,
    primary_code,
    sqlite_file,
    unavailable,
)
from producer.register.lock import ADVISORY_KEY, Writer, writer_lock

DEFAULT_LOCK_WAIT_S = 10.0
_DISK_FULL = ("53100", sqlite3.SQLITE_FULL)


class Register:
    """An open register; safe to share between threads, not between processes."""

    def __init__(self, url: str, engine: Engine, *, lock_wait_s: float) -> None:
        self.url = url
        self.engine = engine
        self.file = sqlite_file(engine.url)
        self._lock_wait_s = lock_wait_s

    @property
    def is_postgresql(self) -> bool:
        """Whether a PostgreSQL server holds it, else it is a SQLite file."""
        return self.file is None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection that sees one state of the register. Raises RegisterUnavailable."""
        with self.telling("read"), self.engine.connect() as connection:
            if self.is_postgresql:
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                yield connection

    @contextmanager
    def writing(self, operation: str, who: str) -> Iterator[tuple[Connection, Writer | None]]:
        """Give a connection for one all-or-nothing change, alone among writers.

        ``operation`` and ``who`` are what another writer is told meanwhile. The second value is a writer that was
        interrupted before, if any. Raises RegisterUnavailable, or DataError when the disk is full.
        """
        with (
            self.telling("changed"),
            writer_lock(self.engine, self.file, operation, who, self._lock_wait_s) as interrupted,
            self.engine.connect().execution_options(is_writing=True) as connection,
            connection.begin(),
        ):
            yield connection, interrupted

    @contextmanager
    def telling(self, action: str) -> Iterator[None]:
        """Turn what the database raises into RegisterUnavailable.

        Or into DataError when the disk is full, and ConfigurationError when the file is damaged.
        """
        try:
            yield
        except DBAPIError as error:
            origin = error.orig
            if is_damage(origin):
                raise self._damaged(str(origin)) from error
            if (getattr(origin, "sqlstate", None) or primary_code(origin)) in _DISK_FULL:
                raise DataError(
                    "There is no room left on the disk of the register; nothing was changed. Make room and try again."
                ) from error
            raise unavailable(error, action) from error

    def check_integrity(self) -> None:
        """Look through a SQLite file for damage, about seven seconds for each gigabyte; a server does it by itself.

        Raises ConfigurationError with the file's name and how to restore it.
        """
        if self.is_postgresql:
            return
        with self.reading() as connection:
            first = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
        if first != "ok":
            raise self._damaged(first)

    def _damaged(self, what: str) -> ConfigurationError:
        return ConfigurationError(
            f"The register {self.file} is damaged. Stop the programs that use it and restore it from its backup: "
            f"rm -f {self.file}-wal {self.file}-shm && cp BACKUP {self.file}",
            log_detail=what,
        )

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_register(url: str, *, create: bool = False, lock_wait_s: float = DEFAULT_LOCK_WAIT_S) -> Register:
    """Open the register at a database URL; ``create`` makes an empty one where there is none.

    An existing register is never changed here. Raises ConfigurationError (no register, no database, other schema
    version) or RegisterUnavailable.
    """
    register = _connect(url, may_be_missing=create, lock_wait_s=lock_wait_s)
    try:
        with register.reading() as connection:
            is_new = create and schema.version_of(connection) is None
            if not is_new:
                schema.check(connection)
        if is_new:
            _upgrade(register)
    except BaseException:
        register.close()
        raise
    return register


def upgrade_register(url: str, *, lock_wait_s: float = DEFAULT_LOCK_WAIT_S) -> tuple[str, str]:
    """Bring the register's schema to this program's version; give the versions before and after.

    One transaction. Raises ConfigurationError or RegisterUnavailable.
    """
    with _connect(url, may_be_missing=False, lock_wait_s=lock_wait_s) as register:
        with register.reading() as connection:
            before = schema.version_of(connection)
            if before is None:
                schema.check(connection)
        _upgrade(register)
        return str(before), schema.known_version()


def _connect(url: str, *, may_be_missing: bool, lock_wait_s: float) -> Register:
    parsed = parse_url(url)
    file = sqlite_file(parsed)
    if file is not None:
        check_file(file, may_be_missing=may_be_missing)
    return Register(url, make_engine(parsed), lock_wait_s=lock_wait_s)


def _upgrade(register: Register) -> None:
    # The table that names the writer may not exist yet: the database's own lock is enough here.
    with (
        register.telling("made"),
        register.engine.connect().execution_options(is_writing=True) as connection,
        connection.begin(),
    ):
        if register.is_postgresql:
            connection.execute(select(func.pg_advisory_xact_lock(ADVISORY_KEY)))
        schema.upgrade(connection)
