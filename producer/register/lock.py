"""One writer at a time: the lock that imports and publications hold (robustness reference G11).

The operating system (SQLite) or the server (PostgreSQL) holds the lock and frees it when its owner dies, so that it
is never stale; the table ``writer`` only says who has it.
"""

from __future__ import annotations

import fcntl
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Protocol

from sqlalchemy import Connection, Engine, delete, insert, select, text
from sqlalchemy.exc import DBAPIError

from contracts.errors import RegisterUnavailable
from producer.register.tables import writer

_POLL_S = 0.1
# Any constant will do, as long as every process uses it: the letters "brygga" as a number.
ADVISORY_KEY = int.from_bytes(b"brygga")


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes to the register: ``operation`` such as ``import of file.csv``, and since when."""

    operation: str
    who: str
    host: str
    process_id: int
    started_at: datetime

    def describe(self) -> str:
        """Say it in words, with the age."""
        age_s = max(0, round((datetime.now(UTC) - self.started_at).total_seconds()))
        age = f"{age_s} s" if age_s < 120 else f"{age_s // 60} min"
        return f"{self.operation} by {self.who} (process {self.process_id} on {self.host}, begun {age} ago)"


class _NativeLock(Protocol):
    def acquire(self) -> bool: ...

    def release(self) -> None: ...


class _FileLock:
    """Lock on a file beside the database; the operating system frees it with the process."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._stream: IO[bytes] | None = None

    def acquire(self) -> bool:
        stream = self._file.open("ab")
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            stream.close()
            return False
        self._stream = stream
        return True

    def release(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None


class _AdvisoryLock:
    """Lock of a PostgreSQL session; the server frees it with the connection."""

    def __init__(self, engine: Engine) -> None:
        self._connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")

    def acquire(self) -> bool:
        statement = text("SELECT pg_try_advisory_lock(:key)")
        return bool(self._connection.execute(statement, {"key": ADVISORY_KEY}).scalar_one())

    def release(self) -> None:
        # The session ends with its lock: it is not given back to the pool.
        self._connection.invalidate()
        self._connection.close()


@contextmanager
def writer_lock(engine: Engine, file: Path | None, operation: str, who: str, wait_s: float) -> Iterator[Writer | None]:
    """Hold the register's lock; ``file`` is the SQLite database, None on a server.

    Gives the writer that was interrupted before, if there was one: its work left no trace but this note.
    Raises RegisterUnavailable that names the owner when it is not free within ``wait_s`` seconds.
    """
    native: _NativeLock = _AdvisoryLock(engine) if file is None else _FileLock(file.with_name(f"{file.name}.lock"))
    try:
        deadline = time.monotonic() + wait_s
        while not native.acquire():
            if time.monotonic() >= deadline:
                raise RegisterUnavailable(_refusal(engine))
            time.sleep(_POLL_S)
        interrupted = _take(engine, operation, who)
        try:
            yield interrupted
        finally:
            with suppress(DBAPIError), _writing(engine) as connection:
                connection.execute(delete(writer))
    finally:
        native.release()


def current_writer(connection: Connection) -> Writer | None:
    """Give who noted that they write, also one that was killed since."""
    columns = (writer.c.operation, writer.c.who, writer.c.host, writer.c.process_id, writer.c.started_at)
    row = connection.execute(select(*columns)).one_or_none()
    return None if row is None else Writer(*row)


def _take(engine: Engine, operation: str, who: str) -> Writer | None:
    with _writing(engine) as connection:
        interrupted = current_writer(connection)
        connection.execute(delete(writer))
        connection.execute(
            insert(writer),
            {
                "id": 1,
                "operation": operation,
                "who": who,
                "host": socket.gethostname(),
                "process_id": os.getpid(),
                "started_at": datetime.now(UTC),
            },
        )
    return interrupted


@contextmanager
def _writing(engine: Engine) -> Iterator[Connection]:
    with engine.connect().execution_options(is_writing=True) as connection, connection.begin():
        yield connection


def _refusal(engine: Engine) -> str:
    with engine.connect() as connection:
        owner = current_writer(connection)
    return (
        f"The register is in use: {owner.describe() if owner else 'another import or publication'}. "
        "Wait until it is done and try again."
    )
