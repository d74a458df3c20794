"""The register's schema: made, refused when it is of another version, brought up to date (robustness G13)."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text

from contracts.errors import ConfigurationError, RegisterUnavailable
from producer.register import DatabaseRepository, Register, open_register, upgrade_register
from producer.register.schema import known_version
from producer.register.settings import RegisterSettings
from producer.register.tables import metadata


def _set_version(register: Register, version: str) -> None:
    with register.writing("test", "tester") as (connection, _):
        connection.execute(text("UPDATE alembic_version SET version_num = :version"), {"version": version})


def _differences(connection: Connection) -> list[object]:
    return compare_metadata(MigrationContext.configure(connection), metadata)


def test_the_migrations_make_the_tables(register: Register) -> None:
    with register.reading() as connection:
        assert _differences(connection) == []


def test_opening_again_changes_nothing(register: Register) -> None:
    with open_register(register.url) as again, again.reading() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one() == known_version()


@pytest.mark.parametrize(("version", "says"), [("9999", "newer program"), ("0000", "brygga register upgrade")])
def test_another_schema_version_is_refused_with_both_versions(register: Register, version: str, says: str) -> None:
    _set_version(register, version)
    for create in (False, True):
        with pytest.raises(ConfigurationError, match=version) as refused:
            open_register(register.url, create=create)
        assert known_version() in refused.value.message
        assert says in refused.value.message
    repository = DatabaseRepository(register.url)
    with pytest.raises(RegisterUnavailable) as unavailable:
        repository.check()
    assert version in unavailable.value.log_detail


def test_a_newer_schema_is_not_touched_by_upgrade(register: Register) -> None:
    _set_version(register, "9999")
    with pytest.raises(ConfigurationError, match="9999"):
        upgrade_register(register.url)


def test_upgrade_of_a_register_that_is_up_to_date_does_nothing(register: Register) -> None:
    assert upgrade_register(register.url) == (known_version(), known_version())


def test_a_database_of_another_program_is_refused(register_url: str, tmp_path: Path) -> None:
    register = open_register(register_url, create=True)
    with register.writing("test", "tester") as (connection, _):
        metadata.drop_all(connection)
        connection.execute(text("DROP TABLE alembic_version"))
        connection.execute(text("CREATE TABLE somebody_elses (id INTEGER)"))
    register.close()
    with pytest.raises(ConfigurationError, match="somebody_elses"):
        open_register(register_url, create=True)


def test_an_empty_database_is_made_a_register_only_on_demand(register_url: str) -> None:
    with pytest.raises(ConfigurationError):
        open_register(register_url)
    open_register(register_url, create=True).close()
    open_register(register_url).close()


def test_migrations_are_numbered_in_one_line_and_packaged() -> None:
    folder = files("producer.register.migrations") / "versions"
    numbers = sorted(entry.name[1:5] for entry in folder.iterdir() if entry.name.startswith("v"))
    assert numbers == [f"{number:04}" for number in range(1, len(numbers) + 1)]
    assert numbers[-1] == known_version()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql://host/name", "cannot be kept in mysql|cannot be read"),
        ("oracle+oracledb://host/name", "cannot be kept in oracle|cannot be read"),
        ("no url at all", "cannot be read"),
        ("sqlite://", "must be a file"),
        ("sqlite:///:memory:", "must be a file"),
        ("postgresql+nothing://host/name", "cannot be read"),
    ],
)
def test_a_url_that_cannot_be_used_is_explained(url: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        open_register(url, create=True)


def test_a_missing_register_is_not_made_by_opening_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no register at"):
        open_register(f"sqlite:///{tmp_path}/none.sqlite")
    with pytest.raises(ConfigurationError, match="no register at"):
        open_register(f"sqlite:///{tmp_path}/no-folder/none.sqlite", create=True)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_does_not_answer_is_unavailable() -> None:
    with pytest.raises(RegisterUnavailable, match="doctor"):
        open_register("postgresql+psycopg://nobody@127.0.0.1:1/none?connect_timeout=2")


def test_relative_files_count_from_the_settings_folder(tmp_path: Path) -> None:
    settings = RegisterSettings(url="sqlite:///data/register.sqlite")
    assert settings.url_from(tmp_path) == f"sqlite:///{tmp_path}/data/register.sqlite"
    assert settings.read_url_from(tmp_path) == settings.url_from(tmp_path)
    server = RegisterSettings(
        url="postgresql+psycopg://anna:secret@host/name", read_url="postgresql+psycopg://replica/name"
    )
    assert server.url_from(tmp_path) == "postgresql+psycopg://anna:secret@host/name"
    assert server.read_url_from(tmp_path) == "postgresql+psycopg://replica/name"


@pytest.mark.parametrize("values", [{"keep_publications": 0}, {"lock_wait_s": -1.0}])
def test_settings_that_cannot_work_are_refused(values: dict[str, float]) -> None:
    with pytest.raises(ValueError):
        RegisterSettings(**values)  # type: ignore[arg-type]
