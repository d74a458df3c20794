"""The set-wise part of an import: rows into a temporary table, compared with the register, and taken over.

The database does the work in a few statements; only groups in which something differs are written and marked as
changed, so that publishing costs by the change (design 3).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any, Final

import polars as pl
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Double,
    Integer,
    MetaData,
    Table,
    and_,
    case,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    text,
    update,
)

from producer.register.distributed.tables import distributed_group, distributed_value
from producer.register.tables import Id, measurement, measurement_group

_KEY = ("group_id", "organization_id")
_COMPARED: Final = tuple(column.name for column in measurement.c if column.name not in _KEY)
_BATCH_IDS = 5_000

_temporary = MetaData()
staged = Table(
    "staged",
    _temporary,
    Column("group_id", Id, primary_key=True, autoincrement=False),
    Column("organization_id", Id, primary_key=True, autoincrement=False),
    *(
        Column(column.name, Double() if isinstance(column.type, Double) else column.type)
        for column in measurement.c
        if column.name not in _KEY
    ),
    Column("row", BigInteger),
    prefixes=["TEMPORARY"],
    sqlite_with_rowid=False,
)
changed_group = Table(
    "changed_group",
    _temporary,
    Column("group_id", Id, primary_key=True, autoincrement=False),
    prefixes=["TEMPORARY"],
)
rival_group = Table(
    "rival_group",
    _temporary,
    Column("group_id", Id),
    Column("rival_id", Id),
    Column("is_version", Integer),
    prefixes=["TEMPORARY"],
)
"""Groups of the file and groups of the register that cannot both hold a measurement of one organisation."""

STAGED_COLUMNS: Final = tuple(column.name for column in staged.c)


@dataclass(frozen=True, slots=True)
class Changes:
    """How many measurements an import adds, changes and removes."""

    inserted: int = 0
    updated: int = 0
    deleted: int = 0


def create(connection: Connection) -> None:
    """Make the temporary tables."""
    _temporary.create_all(connection)


def drop(connection: Connection) -> None:
    """Remove the temporary tables."""
    _temporary.drop_all(connection)


def fill(connection: Connection, parts: Iterable[pl.DataFrame], progress: Callable[[int], None]) -> None:
    """Put rows (columns `STAGED_COLUMNS`, best in the order of their key) into the temporary table, part by part.

    ``progress`` is told the number of rows of each part.
    """
    if connection.dialect.name == "postgresql":
        _copy(connection, parts, progress)
        return
    statement = f"INSERT INTO staged VALUES ({', '.join('?' * len(STAGED_COLUMNS))})"  # noqa: S608 (fixed names)
    for part in parts:
        connection.exec_driver_sql(statement, part.select(*STAGED_COLUMNS).rows())
        progress(part.height)


def _copy(connection: Connection, parts: Iterable[pl.DataFrame], progress: Callable[[int], None]) -> None:
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor:
        with cursor.copy(f"COPY staged ({', '.join(STAGED_COLUMNS)}) FROM STDIN (FORMAT csv)") as copy:
            for part in parts:
                copy.write(part.select(*STAGED_COLUMNS).write_csv(include_header=False))
                progress(part.height)
        cursor.execute("ANALYZE staged")


def compare(connection: Connection, source_system_id: int, *, replaces: bool) -> Changes:
    """Find the groups in which the staged rows differ from the register, and note them as changed.

    ``replaces``: measurements of the source that are not staged are to go.
    """
    is_new = measurement.c.group_id.is_(None)
    differs = or_(*(staged.c[name].is_distinct_from(measurement.c[name]) for name in _COMPARED))
    same_key = and_(*(staged.c[name] == measurement.c[name] for name in _KEY))
    found = connection.execute(
        select(
            staged.c.group_id,
            func.sum(case((is_new, 1), else_=0)),
            func.sum(case((and_(~is_new, differs), 1), else_=0)),
        )
        .select_from(staged.outerjoin(measurement, same_key))
        .where(or_(is_new, differs))
        .group_by(staged.c.group_id)
    ).all()
    inserted, updated = sum(row[1] for row in found), sum(row[2] for row in found)
    groups = {row[0] for row in found}
    deleted = 0
    if replaces:
        gone = connection.execute(
            select(measurement.c.group_id, func.count())
            .where(_is_gone(source_system_id))
            .group_by(measurement.c.group_id)
        ).all()
        deleted = sum(row[1] for row in gone)
        groups |= {row[0] for row in gone}
    note_changed(connection, groups)
    return Changes(inserted, updated, deleted)


def note_changed(connection: Connection, groups: Iterable[int]) -> None:
    """Note groups as changed; they may be noted already."""
    known = set(connection.execute(select(changed_group.c.group_id)).scalars())
    new = [{"group_id": group} for group in sorted(set(groups) - known)]
    if new:
        connection.execute(insert(changed_group), new)


def note_changed_by_organization(connection: Connection, organizations: Collection[int]) -> None:
    """Note the groups that hold results of any of these organisations."""
    ids = sorted(organizations)
    for start in range(0, len(ids), _BATCH_IDS):
        for table in (measurement, distributed_value):
            is_wanted = table.c.organization_id.in_(ids[start : start + _BATCH_IDS])
            found = select(table.c.group_id).distinct().where(is_wanted)
            note_changed(connection, connection.execute(found).scalars())


def note_changed_by_source(connection: Connection, source_system_id: int) -> None:
    """Note the groups that hold results of this source system."""
    for table in (measurement, distributed_group):
        found = select(table.c.group_id).distinct().where(table.c.source_system_id == source_system_id)
        note_changed(connection, connection.execute(found).scalars())


def take_over(connection: Connection, source_system_id: int, revision: int, *, replaces: bool) -> int:
    """Write the staged rows of changed groups into the register; mark the groups with ``revision`` and count them."""
    if replaces:
        connection.execute(delete(measurement).where(_is_gone(source_system_id)))
    columns = ", ".join((*_KEY, *_COMPARED))
    values = ", ".join(f"{name} = excluded.{name}" for name in _COMPARED)
    connection.execute(
        text(
            f"INSERT INTO measurement ({columns}) SELECT {columns} FROM staged "  # noqa: S608 (fixed names)
            "WHERE group_id IN (SELECT group_id FROM changed_group) ORDER BY group_id, organization_id "
            f"ON CONFLICT (group_id, organization_id) DO UPDATE SET {values}"
        )
    )
    is_changed = measurement_group.c.id.in_(select(changed_group.c.group_id))
    return connection.execute(update(measurement_group).where(is_changed).values(revision=revision)).rowcount


def _is_gone(source_system_id: int) -> Any:
    same_key = and_(*(staged.c[name] == measurement.c[name] for name in _KEY))
    return and_(measurement.c.source_system_id == source_system_id, ~exists().where(same_key))
