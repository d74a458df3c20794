"""The version of a register's schema: made, checked and brought up to date (robustness reference G13).

A program never works on a schema that it was not written for. Alembic, which changes tables, is loaded for that alone:
to serve and to import it is enough to read its note of the version.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from contracts.errors import ConfigurationError

_MIGRATIONS = Path(__file__).parent / "migrations"


@cache
def known_version() -> str:
    """Give the schema version that this program works on: that of its last migration, which names its file."""
    return max(path.name[1:5] for path in (_MIGRATIONS / "versions").glob("v[0-9][0-9][0-9][0-9]_*.py"))


def version_of(connection: Connection) -> str | None:
    """Give the schema version of a database, None when it holds no register."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    version: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return version


def upgrade(connection: Connection) -> None:
    """Make the tables, or bring them to this program's version, in the transaction of ``connection``.

    Raises ConfigurationError when the database is newer than the program, or holds tables of another program.
    """
    version = version_of(connection)
    if version is None and (foreign := sorted(inspect(connection).get_table_names())):
        raise ConfigurationError(
            f"The database holds tables of another program ({', '.join(foreign[:3])}). Give the register its own."
        )
    if version is not None and version > known_version():
        check(connection)
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def check(connection: Connection) -> None:
    """Refuse a database of another version than the program's. Raises ConfigurationError with both versions."""
    version, known = version_of(connection), known_version()
    if version == known:
        return
    if version is None:
        raise ConfigurationError(
            "The database holds no register. Make one with 'brygga init' or 'brygga register import FILE'."
        )
    if version > known:
        raise ConfigurationError(
            f"The register has schema version {version}; this program knows versions up to {known}. "
            "Use the newer program that made it, or restore a backup of before."
        )
    raise ConfigurationError(
        f"The register has schema version {version}; this program needs {known}. Make a backup, stop the programs "
        "that use it, and run 'brygga register upgrade'."
    )
