"""Connections that only read, for the producer's processes: few microseconds for each use, safe over forks.

Statements go straight to the driver: SQLAlchemy's own round would cost more than the question itself, and PostgreSQL
sends bytes two to four times slower through it (performance reference C).
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import quote

from sqlalchemy import Engine, create_engine
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import PoolProxiedConnection, QueuePool

from contracts.errors import ConfigurationError, RegisterDamaged, RegisterUnavailable
from producer.register import schema
from producer.register.engine import BUSY_TIMEOUT_MS, check_file, is_damage, parse_url, sqlite_file

T = TypeVar("T")
_POOL_SIZE = 64
_POOL_WAIT_S = 2.0
_CONNECT_TIMEOUT_S = 3


class ReadConnection:
    """A connection of the driver's; ``mark`` is its parameter sign."""

    def __init__(self, driver_connection: Any, *, is_postgresql: bool) -> None:
        self._driver = driver_connection
        self._is_postgresql = is_postgresql

    def scalar(self, statement: str) -> Any:
        """Give the only column of the only row; None when there is no row."""
        row = self._driver.execute(statement).fetchone()
        return None if row is None else row[0]

    def read_slice(self, slice_id: int) -> tuple[bytes, int] | None:
        """Give the stored content of a slice and the CRC-32 that was noted for it, None when it is not there."""
        if self._is_postgresql:
            cursor = self._driver.cursor(binary=True)
            row = cursor.execute("SELECT content, stored_crc32 FROM slice WHERE id = %s", (slice_id,)).fetchone()
        else:
            row = self._driver.execute("SELECT content, stored_crc32 FROM slice WHERE id = ?", (slice_id,)).fetchone()
        return None if row is None else (row[0], row[1])


class ReadPool:
    """The reading connections of this process to one register, made when they are needed."""

    def __init__(self, url: str) -> None:
        self._url = parse_url(url)
        self._is_postgresql = sqlite_file(self._url) is None
        self._lock = threading.Lock()
        self._engine: Engine | None = None
        self._process_id = 0
        # Taken out of the engine's pool and at hand: its own round costs five times the question.
        self._idle: list[PoolProxiedConnection] = []
        # A parent process's: kept so that nothing here ends its sessions by letting them go.
        self._inherited: list[PoolProxiedConnection] = []

    @contextmanager
    def connection(self) -> Iterator[ReadConnection]:
        """Lend a connection. Raises RegisterUnavailable, at once when it cannot be had, or when reading fails."""
        engine = self.engine()
        failures = (engine.dialect.loaded_dbapi.Error, DBAPIError)
        try:
            pooled = self._take(engine)
        except (*failures, PoolTimeout) as error:
            raise _unavailable(error) from error
        try:
            yield ReadConnection(pooled.driver_connection, is_postgresql=self._is_postgresql)
        except failures as error:
            pooled.invalidate(error)
            pooled.close()
            raise _unavailable(error) from error
        except BaseException:
            pooled.close()
            raise
        self._give_back(engine, pooled)

    def _take(self, engine: Engine) -> PoolProxiedConnection:
        try:
            return self._idle.pop()
        except IndexError:
            return engine.raw_connection()

    def _give_back(self, engine: Engine, pooled: PoolProxiedConnection) -> None:
        pool = engine.pool
        if engine is self._engine and isinstance(pool, QueuePool) and pool.checkedout() < _POOL_SIZE:
            self._idle.append(pooled)
        else:
            pooled.close()  # Somebody may wait for it.

    def _close_idle(self) -> None:
        while self._idle:
            self._idle.pop().close()

    def retried(self, read: Callable[[ReadConnection], T]) -> T:
        """Run ``read``, a second time on a new connection when the database had gone away meanwhile."""
        try:
            with self.connection() as connection:
                return read(connection)
        except RegisterUnavailable:
            self._close_idle()
            self.engine().dispose()
        with self.connection() as connection:
            return read(connection)

    def engine(self) -> Engine:
        """Give this process's engine, after a look at the schema's version. Raises RegisterUnavailable."""
        if self._engine is not None and self._process_id == os.getpid():
            return self._engine
        with self._lock:
            if self._process_id != os.getpid():
                if self._engine is not None:
                    self._engine.dispose(close=False)  # The connections belong to the parent process.
                self._engine, self._idle, self._inherited = None, [], self._idle
            if self._engine is None:
                self._engine, self._process_id = self._open(), os.getpid()
            return self._engine

    def close(self) -> None:
        """Close every connection of this process."""
        with self._lock:
            if self._engine is not None and self._process_id == os.getpid():
                self._close_idle()
                self._engine.dispose()
            self._engine = None

    def _open(self) -> Engine:
        engine = _make_read_engine(self._url)
        try:
            if (file := sqlite_file(self._url)) is not None:
                check_file(file, may_be_missing=False)
            with engine.connect() as connection:
                schema.check(connection)
        except (ConfigurationError, DBAPIError) as error:
            engine.dispose()
            if isinstance(error, ConfigurationError):
                raise RegisterUnavailable("The register cannot be used.", log_detail=error.message) from error
            raise _unavailable(error) from error
        return engine


def _make_read_engine(url: URL) -> Engine:
    options: dict[str, Any] = {
        "poolclass": QueuePool,
        "pool_size": _POOL_SIZE,
        "max_overflow": 0,
        "pool_timeout": _POOL_WAIT_S,
        "pool_reset_on_return": None,
        "isolation_level": "AUTOCOMMIT",
    }
    file = sqlite_file(url)
    if file is None:
        arguments = {"application_name": "indikatorbryggan producer", "connect_timeout": _CONNECT_TIMEOUT_S}
        return create_engine(url, connect_args=arguments, **options)

    def connect() -> sqlite3.Connection:
        # mode=rw: unlike the default it never makes a new database where the file is missing.
        connection = sqlite3.connect(
            f"file:{quote(str(file))}?mode=rw",
            uri=True,
            check_same_thread=False,
            timeout=BUSY_TIMEOUT_MS / 1000,
            isolation_level=None,
        )
        connection.execute("PRAGMA query_only=ON")
        return connection

    return create_engine(url, creator=connect, **options)


def _unavailable(error: Exception) -> RegisterUnavailable:
    origin = getattr(error, "orig", None) or error
    detail = f"{type(origin).__name__}: {origin}"
    if is_damage(origin):
        return RegisterDamaged("The register is damaged. Its owner must restore it from its backup.", log_detail=detail)
    return RegisterUnavailable("The register cannot be read now. Try again later.", log_detail=detail)
