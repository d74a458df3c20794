"""Registers on both engines: made once by the migrations, and given empty to every test."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from engines import new_database
from sqlalchemy import create_engine
from vis_file import Row, write_csv

from producer.register import Register, open_register
from producer.register.importer import ImportOutcome, import_vis
from producer.register.schema import known_version
from producer.register.tables import metadata, register_state

TODAY = date(2026, 6, 30)


@pytest.fixture(scope="session")
def _empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The SQLite file of an empty register, to be copied."""
    file = tmp_path_factory.mktemp("empty") / "register.sqlite"
    open_register(f"sqlite:///{file}", create=True).close()
    return file


@pytest.fixture(scope="session")
def _schema_url(postgresql_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a register in a schema of PostgreSQL, to be emptied: making one takes a hundred times as long."""
    with new_database(tmp_path_factory.mktemp("postgresql"), postgresql_url) as url:
        open_register(url, create=True).close()
        yield url


@pytest.fixture(scope="session")
def _emptied(_schema_url: str) -> Iterator[Callable[[], str]]:
    """Empty that register, down to what it held when it was made, and give its URL."""
    engine = create_engine(_schema_url)
    with engine.connect() as connection:
        state = connection.execute(register_state.select()).mappings().one()
    filled = [table.name for table in reversed(metadata.sorted_tables) if table is not register_state]
    script = "; ".join(
        [*(f"DELETE FROM {name}" for name in filled), f"UPDATE alembic_version SET version_num = '{known_version()}'"]
    )

    def empty() -> str:
        with engine.begin() as connection:
            connection.execute(register_state.update().values(state))
            connection.exec_driver_sql(script)
        return _schema_url

    yield empty
    engine.dispose()


@pytest.fixture
def register_url(database_url: str) -> str:
    """URL of an empty database of each engine."""
    return database_url


@pytest.fixture(params=["sqlite", "postgresql"])
def register(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Register]:
    """An empty register on each engine."""
    if request.param == "sqlite":
        url = f"sqlite:///{shutil.copy(request.getfixturevalue('_empty_file'), tmp_path / 'database.sqlite')}"
    else:
        url = request.getfixturevalue("_emptied")()
    with open_register(url, lock_wait_s=0.5) as opened:
        yield opened


@pytest.fixture
def import_rows(register: Register, tmp_path: Path) -> Callable[..., ImportOutcome]:
    """Import rows as a file; keywords go to `import_vis`, ``mode`` into the instruction row."""

    def run(rows: list[Row], mode: str = "DELETE", **options: object) -> ImportOutcome:
        path = write_csv(tmp_path / f"{uuid.uuid4().hex}.csv", rows, mode=mode)
        return import_vis(register, path, who="tester", today=TODAY, **options)  # type: ignore[arg-type]

    return run
