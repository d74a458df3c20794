"""What a register holds and what is waiting to be published, for people and for `brygga doctor`.

Cheap enough to ask often: no measurement is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, func, select, text

from producer.register import schema
from producer.register.lock import Writer, current_writer
from producer.register.publication import Publication, current_publication
from producer.register.register import Register
from producer.register.tables import (
    import_record,
    measure,
    measurement_group,
    organization,
    register_state,
    source_system,
)


@dataclass(frozen=True, slots=True)
class ImportRecord:
    """A finished import. Counts are measurements."""

    id: int
    imported_at: datetime
    who: str
    file_name: str
    sha256: str
    mode: str
    rows: int
    inserted: int
    updated: int
    deleted: int
    warnings: int


@dataclass(frozen=True, slots=True)
class RegisterStatus:
    """``unpublished_groups``: combinations of indicator, version and period changed since the current publication.

    ``url`` is without password. ``writer`` writes now, or was interrupted and left no other trace.
    """

    url: str
    schema_version: str
    size_bytes: int
    measurements: int
    measures: int
    organizations: int
    source_systems: tuple[str, ...]
    last_import: ImportRecord | None
    current: Publication | None
    unpublished_groups: int
    writer: Writer | None


def register_status(register: Register) -> RegisterStatus:
    """Say what the register holds. Raises RegisterUnavailable."""
    with register.reading() as connection:
        state = connection.execute(select(register_state)).one()
        current = current_publication(connection)
        is_unpublished = measurement_group.c.revision > (current.revision if current else 0)
        unpublished = connection.execute(select(func.count()).select_from(measurement_group).where(is_unpublished))
        names = select(source_system.c.name, source_system.c.extension).order_by(source_system.c.extension)
        return RegisterStatus(
            url=register.engine.url.render_as_string(hide_password=True),
            schema_version=schema.known_version(),
            size_bytes=_size(register, connection),
            measurements=state.measurement_count,
            measures=_distinct_measures(connection),
            organizations=_count(connection, organization),
            source_systems=tuple(f"{row.name} ({row.extension})" for row in connection.execute(names)),
            last_import=_last_import(connection),
            current=current,
            unpublished_groups=unpublished.scalar_one(),
            writer=current_writer(connection),
        )


def _count(connection: Connection, table: Table) -> int:
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def _distinct_measures(connection: Connection) -> int:
    return int(connection.execute(select(func.count(measure.c.measure_id.distinct()))).scalar_one())


def _last_import(connection: Connection) -> ImportRecord | None:
    columns = [import_record.c[name] for name in ImportRecord.__dataclass_fields__]
    row: Any = connection.execute(select(*columns).order_by(import_record.c.id.desc()).limit(1)).one_or_none()
    return None if row is None else ImportRecord(*row)


def _size(register: Register, connection: Connection) -> int:
    if register.file is None:
        return int(connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one())
    parts = (register.file, register.file.with_name(f"{register.file.name}-wal"))
    return sum(part.stat().st_size for part in parts if part.exists())
