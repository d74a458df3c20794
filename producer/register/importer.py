"""Import of a VIS file into the register: everything or nothing (domain reference 1, robustness reference G01 to G11).

The file is read and judged before the register is locked; then one transaction takes it over and notes who did it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import polars as pl
from sqlalchemy import Connection, insert, select, update

from contracts.catalogue.model import Catalogue
from producer.catalogue.checks import check_against_catalogue, with_catalogue_kinds
from producer.register import staging
from producer.register.conflicts import check_against_register
from producer.register.dimensions import (
    StoredOrganizations,
    organization_nodes,
    store_groups,
    store_organizations,
    store_source,
)
from producer.register.lock import Writer
from producer.register.register import Register
from producer.register.tables import NUMBERS, import_record, measure, register_state
from producer.register.vis.findings import Findings, VisFileRejected
from producer.register.vis.organizations import IDENTITY
from producer.register.vis.reading import ROW
from producer.register.vis.table import Instruction, ReadOptions, VisTable, read_vis

Phase = Literal["reading", "storing"]
Progress = Callable[[Phase, int, int], None]
"""Told the phase, how many rows more are done in it, and about how many it has in all."""

_SWEDEN = ZoneInfo("Europe/Stockholm")
_STORED_AT_ONCE = 20_000


@dataclass(frozen=True, slots=True)
class ImportOutcome:
    """What an import did, or with ``is_dry_run`` would do. Counts are measurements if not said otherwise.

    ``changed_groups``: combinations of indicator, version and period to publish anew. ``interrupted``: a writer that
    was killed before, without trace. ``findings`` holds warnings only.
    """

    import_id: int | None
    is_dry_run: bool
    file_name: str
    sha256: str
    mode: str
    hsa_id: str
    rows: int
    inserted: int
    updated: int
    deleted: int
    unchanged: int
    measures: int
    new_organizations: int
    changed_groups: int
    findings: Findings
    interrupted: Writer | None


def import_vis(
    register: Register,
    path: Path,
    *,
    expected_hsa_id: str | None = None,
    who: str = "unknown",
    dry_run: bool = False,
    allow_adjusted_rates: bool = False,
    catalogue: Catalogue | None = None,
    today: date | None = None,
    progress: Progress | None = None,
) -> ImportOutcome:
    """Import a VIS file (untrusted) into the register, or with ``dry_run`` only find out what it would do.

    ``expected_hsa_id``: the register that the file must be of, None for any. ``today``: the last day that a period
    may end on, by default today in Sweden. ``catalogue``: what the rows are held against besides. Raises
    VisFileRejected with every finding, DataError when the file is no table, RegisterUnavailable when another writer
    does not finish.
    """
    tell = progress or (lambda _phase, _count, _total: None)
    options = ReadOptions(expected_hsa_id, today or datetime.now(_SWEDEN).date(), allow_adjusted_rates)
    table = read_vis(path, options, lambda count, total: tell("reading", count, total))
    if catalogue is not None and table.instruction is not None:
        table = replace(table, rows=with_catalogue_kinds(table.rows, catalogue))
        check_against_catalogue(table.rows, catalogue, table.findings)
    if table.findings.error_count or table.instruction is None:
        raise VisFileRejected(path.name, table.findings)
    with register.writing(f"import of {path.name}", who) as (connection, interrupted):
        savepoint = connection.begin_nested()
        work = _Import(connection, table, table.instruction, path.name, who)
        work.run(lambda count: tell("storing", count, table.rows.height))
        if dry_run:
            savepoint.rollback()
        else:
            savepoint.commit()
    return work.outcome(is_dry_run=dry_run, interrupted=interrupted)


class _Import:
    """One import inside its transaction."""

    def __init__(
        self, connection: Connection, table: VisTable, instruction: Instruction, file_name: str, who: str
    ) -> None:
        self._connection = connection
        self._table = table
        self._instruction = instruction
        self._file_name = file_name
        self._who = who
        self._replaces = instruction.mode == "DELETE"
        self._changes = staging.Changes()
        self._changed_groups = 0
        self._organizations = StoredOrganizations({}, 0, frozenset())
        self._revision = connection.execute(select(register_state.c.revision)).scalar_one() + 1

    def run(self, progress: Callable[[int], None]) -> None:
        """Do it. Raises VisFileRejected when the file does not agree with the register."""
        connection, instruction = self._connection, self._instruction
        source_id, is_renamed = store_source(connection, instruction.hsa_id, self._table.register_name)
        nodes = organization_nodes(self._table.organizations)
        self._organizations = store_organizations(connection, nodes, replaces=self._replaces)
        groups = store_groups(connection, _groups_of(self._table.rows), self._revision)
        staging.create(connection)
        staging.fill(connection, self._staged_parts(groups, source_id), progress)
        check_against_register(connection, groups, source_id, self._table.findings, replaces=self._replaces)
        if self._table.findings.error_count:
            raise VisFileRejected(self._file_name, self._table.findings)
        self._changes = staging.compare(connection, source_id, replaces=self._replaces)
        staging.note_changed_by_organization(connection, self._organizations.changed)
        if is_renamed:
            staging.note_changed_by_source(connection, source_id)
        self._changed_groups = staging.take_over(connection, source_id, self._revision, replaces=self._replaces)
        self._note_kinds(groups)
        self._note_import(source_id)
        staging.drop(connection)

    def outcome(self, *, is_dry_run: bool, interrupted: Writer | None) -> ImportOutcome:
        """Say what was done."""
        changes, rows = self._changes, self._table.rows.height
        return ImportOutcome(
            import_id=None if is_dry_run else self._revision,
            is_dry_run=is_dry_run,
            file_name=self._file_name,
            sha256=self._table.sha256,
            mode=self._instruction.mode,
            hsa_id=self._instruction.hsa_id,
            rows=rows,
            inserted=changes.inserted,
            updated=changes.updated,
            deleted=changes.deleted,
            unchanged=rows - changes.inserted - changes.updated,
            measures=self._table.rows["MeasureID"].n_unique(),
            new_organizations=self._organizations.new,
            changed_groups=self._changed_groups,
            findings=self._table.findings,
            interrupted=interrupted,
        )

    def _staged_parts(self, groups: pl.DataFrame, source_id: int) -> Iterator[pl.DataFrame]:
        """Give the rows with their numbers, ordered by group and organisation; only a part is expanded at a time."""
        rows = self._table.rows
        period = ["MeasureID", "version", "start", "end"]
        keys = groups.select("MeasureID", "version", pl.col("start", "end").str.to_date("%Y%m%d"), "group_id")
        organizations = pl.DataFrame(
            list(self._organizations.numbers.items()),
            schema={IDENTITY: pl.String, "organization_id": pl.Int64},
            orient="row",
        )
        numbers = (
            rows.select(*period, IDENTITY)
            .join(keys.cast({"MeasureID": pl.Categorical}), on=period, maintain_order="left")
            .join(organizations.cast({IDENTITY: pl.Categorical}), on=IDENTITY, maintain_order="left")
            .select("group_id", "organization_id")
        )
        order = numbers.with_row_index("place").sort("group_id", "organization_id")["place"]
        # Found out before the rows flow: the connection can do nothing else meanwhile.
        kind = _kind_in_register(self._connection)
        return (
            _expanded(numbers[places], rows[places], source_id, kind)
            for places in (order.slice(start, _STORED_AT_ONCE) for start in range(0, len(order), _STORED_AT_ONCE))
        )

    def _note_kinds(self, groups: pl.DataFrame) -> None:
        """Note the kind of each indicator that the file has values of."""
        kinds = (
            self._table.rows.filter(pl.col("kind") != "missing")
            .group_by("MeasureID")
            .agg(pl.col("kind").first().cast(pl.String))
            .cast({"MeasureID": pl.String})
        )
        keyed = groups.select("MeasureID", "measure_key").unique().join(kinds, on="MeasureID")
        for key, kind in keyed.select("measure_key", "kind").rows():
            is_other = measure.c.kind.is_(None) | (measure.c.kind != "cohort")
            self._connection.execute(update(measure).where(measure.c.id == key, is_other).values(kind=kind))

    def _note_import(self, source_id: int) -> None:
        changes = self._changes
        self._connection.execute(
            insert(import_record),
            {
                "id": self._revision,
                "imported_at": datetime.now(UTC),
                "who": self._who,
                "file_name": self._file_name,
                "sha256": self._table.sha256,
                "mode": self._instruction.mode,
                "source_system_id": source_id,
                "rows": self._table.rows.height,
                "inserted": changes.inserted,
                "updated": changes.updated,
                "deleted": changes.deleted,
                "warnings": self._table.findings.warning_count,
            },
        )
        count = register_state.c.measurement_count + changes.inserted - changes.deleted
        self._connection.execute(update(register_state).values(revision=self._revision, measurement_count=count))


_ENCOUNTERS = ("first_service_encounter", "last_service_encounter")


def _groups_of(rows: pl.DataFrame) -> pl.DataFrame:
    """Give each indicator, version and period once, as text."""
    return (
        rows.select("MeasureID", "version", "start", "end")
        .unique()
        .with_columns(pl.col("MeasureID").cast(pl.String), pl.col("start", "end").dt.strftime("%Y%m%d"))
        .sort("MeasureID", "version", "start", "end")
    )


def _expanded(numbers: pl.DataFrame, rows: pl.DataFrame, source_id: int, kind: pl.Expr) -> pl.DataFrame:
    """Give rows in the form in which they are stored."""
    return pl.concat([numbers, rows], how="horizontal").select(
        "group_id",
        "organization_id",
        pl.lit(source_id).alias("source_system_id"),
        kind.alias("kind"),
        *NUMBERS,
        pl.col("reason_code").cast(pl.String),
        pl.lit(None, pl.String).alias("first_service_encounter"),
        pl.lit(None, pl.String).alias("last_service_encounter"),
        pl.col(ROW).cast(pl.Int64),
    )


def _kind_in_register(connection: Connection) -> pl.Expr:
    """A Value of an indicator that is known to be a count is a cohort (domain reference 1.2, column 13)."""
    counts = connection.execute(select(measure.c.measure_id).where(measure.c.kind == "cohort")).scalars().all()
    kind = pl.col("kind").cast(pl.String)
    is_count = pl.col("MeasureID").cast(pl.String).is_in(list(counts)) & (kind == "continuous")
    return pl.when(is_count).then(pl.lit("cohort")).otherwise(kind) if counts else kind
