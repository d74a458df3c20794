"""Where a file does not agree with what the register holds already (rule VIS-30; contract rules 1.1, 1.3 and 1.9).

A file that replaces its register's data (DELETE) can only disagree with other source systems.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl
from sqlalchemy import Connection, Row, Select, func, insert, select

from producer.register.staging import rival_group, staged
from producer.register.tables import measure, measurement, measurement_group, source_system
from producer.register.vis.findings import KEPT_PER_RULE, Findings, ImportFinding
from producer.register.vis.table_checks import period_length

_RULE = "VIS-30"


def check_against_register(
    connection: Connection, groups: pl.DataFrame, source_system_id: int, findings: Findings, *, replaces: bool
) -> None:
    """Add a finding for every staged row that cannot stand beside the register's measurements."""
    _check_other_sources(connection, source_system_id, findings)
    if _note_rivals(connection, groups):
        _check_rivals(connection, source_system_id, findings, replaces=replaces)
    if not replaces:
        _check_kinds(connection, findings)


def _check_other_sources(connection: Connection, source_system_id: int, findings: Findings) -> None:
    same_key = (measurement.c.group_id == staged.c.group_id) & (
        measurement.c.organization_id == staged.c.organization_id
    )
    found = (
        select(staged.c.row, source_system.c.name, source_system.c.extension)
        .join(measurement, same_key)
        .join(source_system, source_system.c.id == measurement.c.source_system_id)
        .where(measurement.c.source_system_id != source_system_id)
    )
    rows, count = _first(connection, found)
    mend = "One measurement comes from one source: remove the row, or the other source's measurement."
    findings.extend(
        (
            ImportFinding(
                _RULE,
                "error",
                row.row,
                "MeasureID",
                f"{row.name} ({row.extension}) reports this measurement already.",
                mend,
            )
            for row in rows
        ),
        count,
    )


def _note_rivals(connection: Connection, groups: pl.DataFrame) -> bool:
    """Find the register's groups that a group of the file cannot be beside: another version, or overlapping."""
    held = connection.execute(
        select(
            measurement_group.c.id,
            measure.c.measure_id,
            measure.c.version_number,
            measurement_group.c.period_start,
            measurement_group.c.period_end,
        ).join(measure, measure.c.id == measurement_group.c.measure_key)
    )
    columns = {"rival_id": pl.Int64, "MeasureID": pl.String, "version": pl.Int32, "start": pl.String, "end": pl.String}
    stored = _with_length(pl.DataFrame([tuple(row) for row in held], schema=columns, orient="row"))
    own = _with_length(groups)
    period = ["MeasureID", "length", "start", "end"]
    other_versions = own.join(stored, on=period, suffix="_stored").filter(pl.col("version") != pl.col("version_stored"))
    # Most measures have no overlapping periods at all: only those that have are compared pair by pair.
    spans = pl.concat([own.select(period), stored.select(period)]).unique().sort("start", "end")
    reaches_back = pl.col("start") <= pl.col("end").cum_max().shift(1).over("MeasureID", "length")
    doubtful = spans.filter(reaches_back).select("MeasureID", "length").unique()
    pairs = own.join(doubtful, on=["MeasureID", "length"]).join(stored, on=["MeasureID", "length"], suffix="_stored")
    is_other = (pl.col("start") != pl.col("start_stored")) | (pl.col("end") != pl.col("end_stored"))
    overlaps = (pl.col("start") <= pl.col("end_stored")) & (pl.col("start_stored") <= pl.col("end"))
    overlapping = pairs.filter(is_other & overlaps)
    rivals = pl.concat(
        part.select("group_id", "rival_id", is_version=pl.lit(number))
        for number, part in ((1, other_versions), (0, overlapping))
    )
    if rivals.height:
        connection.execute(insert(rival_group), rivals.to_dicts())
    return rivals.height > 0


def _with_length(groups: pl.DataFrame) -> pl.DataFrame:
    dated = groups.with_columns(pl.col("start", "end").str.to_date("%Y%m%d"))
    return dated.with_columns(length=period_length())


def _check_rivals(connection: Connection, source_system_id: int, findings: Findings, *, replaces: bool) -> None:
    found = (
        select(staged.c.row, rival_group.c.is_version, measurement_group.c.period_start, measurement_group.c.period_end)
        .join(rival_group, rival_group.c.group_id == staged.c.group_id)
        .join(
            measurement,
            (measurement.c.group_id == rival_group.c.rival_id)
            & (measurement.c.organization_id == staged.c.organization_id),
        )
        .join(measurement_group, measurement_group.c.id == rival_group.c.rival_id)
    )
    if replaces:
        found = found.where(measurement.c.source_system_id != source_system_id)
    rows, count = _first(connection, found)
    findings.extend((_rival_finding(row) for row in rows), count)


def _rival_finding(row: Row[Any]) -> ImportFinding:
    if row.is_version:
        what = "The register holds this measurement under another version of the indicator."
        mend = "Report the period under one version: import a whole file with DELETE. [rule 1.3]"
        return ImportFinding(_RULE, "error", row.row, "Version", what, mend)
    what = f"The period overlaps one of equal length that the register holds: {row.period_start} to {row.period_end}."
    mend = "Report periods that follow each other, or import a whole file with DELETE. [rule 1.9]"
    return ImportFinding(_RULE, "error", row.row, "PeriodReportedStartDate", what, mend)


def _check_kinds(connection: Connection, findings: Findings) -> None:
    found = (
        select(func.min(staged.c.row).label("row"), measure.c.measure_id, measure.c.kind, staged.c.kind.label("new"))
        .join(measurement_group, measurement_group.c.id == staged.c.group_id)
        .join(measure, measure.c.id == measurement_group.c.measure_key)
        .where(staged.c.kind != "missing", measure.c.kind != staged.c.kind)
        .group_by(measure.c.measure_id, measure.c.kind, staged.c.kind)
    )
    for row in connection.execute(found):
        what = f"The register holds {row.measure_id} as a {row.kind}; here it is a {row.new}."
        mend = "A measure is of one kind. To change it, import a whole file with DELETE. [rule 1.1]"
        findings.add(ImportFinding(_RULE, "error", row.row, "MeasureID", what, mend))


def _first(connection: Connection, found: Select[Any]) -> tuple[Sequence[Row[Any]], int]:
    """Give the first rows of a selection that has a ``row`` column, and how many there are."""
    rows = connection.execute(found.order_by(staged.c.row).limit(KEPT_PER_RULE)).all()
    count = len(rows)
    if count == KEPT_PER_RULE:
        count = connection.execute(select(func.count()).select_from(found.subquery())).scalar_one()
    return rows, count
