"""Import of distributed results: everything or nothing, and each group as a whole (docs/distributed-report.md).

A file replaces what the register holds of the indicators, versions and periods that it has; the rest stays.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Literal

import polars as pl
from sqlalchemy import Connection, Table, insert, select, update

from contracts.codes import OID_HSA_ID
from contracts.distributed_model import DistributedMeasurement
from contracts.model import II, PerformingOrganization, ReportingParty, SourceSystem
from producer.register.dimensions import OrganizationNode, store_groups, store_organizations, store_source
from producer.register.distributed.reading import DistributedTable, GroupKey, read_distributed
from producer.register.distributed.references import reference_rows
from producer.register.distributed.storing import Row, replace_group, rows_of
from producer.register.distributed.tables import distributed_group, distributed_value
from producer.register.lock import Writer
from producer.register.register import Register
from producer.register.tables import import_record, measurement, measurement_group, register_state, source_system
from producer.register.vis.findings import Findings
from producer.register.vis.organizations import LAND_IDENTITY

Progress = Callable[[Literal["reading", "storing"], int, int], None]


@dataclass(frozen=True, slots=True)
class DistributedOutcome:
    """What an import did, or with ``is_dry_run`` would do.

    ``measurements`` are units' results in the file, ``changed_groups`` combinations of indicator, version and period to
    publish anew, ``groups`` all of the file, ``references`` those that have reference values. ``interrupted``: a writer
    that was killed before, without trace. ``findings`` holds warnings only.
    """

    import_id: int | None
    is_dry_run: bool
    file_name: str
    rows: int
    measurements: int
    groups: int
    changed_groups: int
    references: int
    findings: Findings
    interrupted: Writer | None


def import_distributed(
    register: Register,
    path: Path,
    source: ReportingParty,
    *,
    who: str = "unknown",
    dry_run: bool = False,
    progress: Progress | None = None,
) -> DistributedOutcome:
    """Import a file of distributed results (untrusted), or with ``dry_run`` only find out what it would do.

    ``source`` holds the observations, normally the register itself. Raises TableRejected with every finding, DataError
    when the file is no table, RegisterUnavailable.
    """
    tell = progress or (lambda _phase, _count, _total: None)
    system = SourceSystem(II(OID_HSA_ID, source.hsa_id), source.name or source.hsa_id)
    table = read_distributed(path, system, lambda count, total: tell("reading", count, total))
    with register.writing(f"import of {path.name}", who) as (connection, interrupted):
        savepoint = connection.begin_nested()
        work = _Import(connection, table, system)
        work.run(lambda: tell("storing", 1, len(table.groups)))
        work.note(path, who)
        if dry_run:
            savepoint.rollback()
        else:
            savepoint.commit()
    return DistributedOutcome(
        None if dry_run else work.revision,
        dry_run,
        path.name,
        table.row_count,
        sum(map(len, table.groups.values())),
        len(table.groups),
        len(work.changed),
        work.references,
        table.findings,
        interrupted,
    )


class _Import:
    """One import inside its transaction."""

    def __init__(self, connection: Connection, table: DistributedTable, source: SourceSystem) -> None:
        self.revision = connection.execute(select(register_state.c.revision)).scalar_one() + 1
        self.changed: set[int] = set()
        self.references = 0
        self._connection = connection
        self._table = table
        self._source_id = _store_source(connection, source)
        self._now = datetime.now(UTC)

    def run(self, progress: Callable[[], None]) -> None:
        """Store every group that differs from what the register holds."""
        connection, groups = self._connection, self._table.groups
        nodes = _nodes(one for measurements in groups.values() for one in measurements)
        organizations = store_organizations(connection, nodes, replaces=False)
        frame = pl.DataFrame(
            [(key.measure_id, key.version, key.period.start, key.period.end) for key in groups],
            schema={"MeasureID": pl.String, "version": pl.Int32, "start": pl.String, "end": pl.String},
            orient="row",
        )
        numbered = store_groups(connection, frame, self.revision)
        numbers = {
            row[:4]: row[4] for row in numbered.select("MeasureID", "version", "start", "end", "group_id").rows()
        }
        for key, measurements in groups.items():
            place = key.measure_id, key.version, key.period.start, key.period.end
            self._store(numbers[place], key, measurements, organizations.numbers)
            progress()
        self.changed |= _groups_of_organizations(connection, organizations.changed)
        is_changed = measurement_group.c.id.in_(sorted(self.changed))
        connection.execute(update(measurement_group).where(is_changed).values(revision=self.revision))

    def note(self, path: Path, who: str) -> None:
        """Note who imported what."""
        with path.open("rb") as file:
            digest = file_digest(file, "sha256").hexdigest()
        self._connection.execute(
            insert(import_record),
            {
                "id": self.revision,
                "imported_at": self._now,
                "who": who,
                "file_name": path.name,
                "sha256": digest,
                "mode": "DISTRIBUTED",
                "source_system_id": self._source_id,
                "rows": self._table.row_count,
                "inserted": 0,
                "updated": 0,
                "deleted": 0,
                "warnings": self._table.findings.warning_count,
            },
        )
        self._connection.execute(update(register_state).values(revision=self.revision))

    def _store(
        self, group_id: int, key: GroupKey, measurements: Sequence[DistributedMeasurement], numbers: Mapping[str, int]
    ) -> None:
        content: dict[Table, list[Row]] = defaultdict(list)
        for one in measurements:
            for table, row in rows_of(numbers[_identity(one.performing_organization)], one):
                content[table].append(row)
        references = [
            (table, {"organization_id": numbers[LAND_IDENTITY], **row}) for table, row in reference_rows(measurements)
        ]
        self.references += bool(references)
        digest = sha256(repr((key, self._source_id, dict(content))).encode()).hexdigest()
        if not self._is_new(group_id, digest):
            return
        self.changed.add(group_id)
        for table, row in references:
            content[table].append(row)
        replace_group(self._connection, group_id, content)

    def _is_new(self, group_id: int, digest: str) -> bool:
        """Note the group's content; say whether it is another one than before."""
        connection, part = self._connection, distributed_group
        known = connection.execute(select(part.c.digest).where(part.c.group_id == group_id)).scalar()
        if known == digest:
            return False
        values = {"source_system_id": self._source_id, "digest": digest, "calculated_at": self._now}
        if known is None:
            connection.execute(insert(part), {"group_id": group_id, **values})
        else:
            connection.execute(update(part).where(part.c.group_id == group_id).values(values))
        return True


def _store_source(connection: Connection, source: SourceSystem) -> int:
    """Give the number of the source system; one that is known keeps the name that its measurements came with."""
    hsa_id = source.system_id.extension or ""
    named = select(source_system.c.name).where(source_system.c.root == OID_HSA_ID, source_system.c.extension == hsa_id)
    name = connection.execute(named).scalar()
    return store_source(connection, hsa_id, name or source.name)[0]


def _groups_of_organizations(connection: Connection, organizations: frozenset[int]) -> set[int]:
    """Give the groups that hold results of organisations which look different now."""
    found: set[int] = set()
    for table in (measurement, distributed_value):
        for number in organizations:
            is_its = table.c.organization_id == number
            found.update(connection.execute(select(table.c.group_id).distinct().where(is_its)).scalars())
    return found


def _identity(organization: PerformingOrganization) -> str:
    identifier = organization.organization_id
    return f"{organization.organization_type}/{organization.hsa_id or (identifier and identifier.extension)}"


def _nodes(measurements: Iterable[DistributedMeasurement]) -> Sequence[OrganizationNode]:
    """Give every organisation once, parents before children."""
    nodes: dict[str, OrganizationNode] = {}

    def add(one: PerformingOrganization) -> str:
        parent = None if one.as_organization_part_of is None else add(one.as_organization_part_of)
        identity = _identity(one)
        if identity not in nodes:
            identifier = one.organization_id
            root, extension = (None, None) if identifier is None else (identifier.root, identifier.extension)
            nodes[identity] = OrganizationNode(
                identity, one.organization_type, one.organization_name, one.hsa_id, root, extension, parent
            )
        return identity

    for one in measurements:
        add(one.performing_organization)
    return list(nodes.values())
