"""What a register holds and what is waiting to be published, for people and for `brygga doctor`.

Cheap enough to ask often: of the measurements, only the index of distributed ones is counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, exists, func, select, text

from producer.register import schema
from producer.register.distributed.tables import TOTAL, distributed_value, reference_value
from producer.register.lock import Writer, current_writer
from producer.register.publication import Publication, current_publication
from producer.register.register import Register
from producer.register.tables import (
    import_record,
    measure,
    measurement,
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
class DistributedStatus:
    """What there is for GetDistributedQualityReport.

    ``measurements`` are results of a unit for an indicator and period, ``subgroups`` their results by sex and age,
    ``reference_values`` those over units, without their sub-groups.
    """

    measurements: int
    subgroups: int
    measures: int
    units: int
    reference_values: int


@dataclass(frozen=True, slots=True)
class RegisterStatus:
    """``measurements`` and ``measures`` are of GetQualityIndicators; ``distributed`` has those of the other contract.

    ``unpublished_groups``: combinations of indicator, version and period changed since the current publication.

    ``url`` is without password. ``writer`` writes now, or was interrupted and left no other trace.
    """

    url: str
    schema_version: str
    size_bytes: int
    measurements: int
    measures: int
    distributed: DistributedStatus
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
            measures=_distinct_measures(connection, measurement),
            distributed=_distributed(connection),
            organizations=_count(connection, organization),
            source_systems=tuple(f"{row.name} ({row.extension})" for row in connection.execute(names)),
            last_import=_last_import(connection),
            current=current,
            unpublished_groups=unpublished.scalar_one(),
            writer=current_writer(connection),
        )


def _count(connection: Connection, table: Table) -> int:
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def _distinct_measures(connection: Connection, table: Table) -> int:
    """Count the indicators that ``table`` holds results of."""
    is_held = exists().where(table.c.group_id == measurement_group.c.id)
    held = select(func.count(measure.c.measure_id.distinct())).join(
        measurement_group, measurement_group.c.measure_key == measure.c.id
    )
    return int(connection.execute(held.where(is_held)).scalar_one())


def _distributed(connection: Connection) -> DistributedStatus:
    value, is_total = distributed_value, distributed_value.c.stratum == TOTAL
    everything = _count(connection, value)
    totals = select(func.count(), func.count(value.c.organization_id.distinct())).where(is_total)
    measurements, units = connection.execute(totals).one()
    of_totals = select(func.count()).select_from(reference_value).where(reference_value.c.stratum == TOTAL)
    return DistributedStatus(
        measurements=measurements,
        subgroups=everything - measurements,
        measures=_distinct_measures(connection, value),
        units=units,
        reference_values=connection.execute(of_totals).scalar_one(),
    )


def _last_import(connection: Connection) -> ImportRecord | None:
    columns = [import_record.c[name] for name in ImportRecord.__dataclass_fields__]
    row: Any = connection.execute(select(*columns).order_by(import_record.c.id.desc()).limit(1)).one_or_none()
    return None if row is None else ImportRecord(*row)


def _size(register: Register, connection: Connection) -> int:
    if register.file is None:
        return int(connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one())
    parts = (register.file, register.file.with_name(f"{register.file.name}-wal"))
    return sum(part.stat().st_size for part in parts if part.exists())
