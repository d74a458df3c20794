"""The statements of the store on questions, the fetch log and observations; each within its caller's transaction."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from consumer.question import Question
from consumer.store.engine import is_sqlite
from consumer.store.entries import FetchFacts, KnownQuestion, LogEntry, Selection
from consumer.store.staging import Changes
from consumer.store.tables import VALUE_NAMES, fetch_log, observation
from consumer.store.tables import question as question_table
from contracts.model import DatePeriod

_NOTHING = Changes(0, 0, 0, 0)
_ERROR_CHARS = 4000


def lock_producer(connection: Connection, producer: str) -> None:
    """Let one answer of a producer at a time into the store; SQLite does so by itself at its first write."""
    if not is_sqlite(connection):
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(producer, 0))))


def note_question(connection: Connection, question: Question, **values: Any) -> int:
    """Note that a question was asked, and ``values`` of its row; give the row's id."""
    build = sqlite_insert if is_sqlite(connection) else postgresql_insert
    statement = build(question_table).values(
        digest=question.digest,
        contract=question.contract,
        producer=question.producer,
        measure_ids=json.dumps(question.measure_ids),
        period_start=question.period.start,
        period_end=question.period.end,
        **values,
    )
    # An upsert that sets something always gives a row back, a new one or the one that was there.
    kept = {"contract": statement.excluded.contract, **{name: statement.excluded[name] for name in values}}
    upsert = statement.on_conflict_do_update(index_elements=[question_table.c.digest], set_=kept)
    question_id: int = connection.execute(upsert.returning(question_table.c.id)).scalar_one()
    return question_id


def doubt_overlapping(connection: Connection, question: Question, question_id: int) -> None:
    """Forget the checksums of other questions that rows just replaced also belong to, so that they are asked again."""
    others = select(question_table).where(
        question_table.c.producer == question.producer,
        question_table.c.id != question_id,
        question_table.c.checksum.is_not(None),
    )
    doubted = [row.id for row in connection.execute(others) if question_of(row).overlaps(question)]
    if doubted:
        connection.execute(update(question_table).where(question_table.c.id.in_(doubted)).values(checksum=None))


def write_log(
    connection: Connection,
    question_id: int,
    facts: FetchFacts,
    outcome: str,
    changes: Changes = _NOTHING,
    *,
    checksum: str | None = None,
    reporting_organization: str | None = None,
    error_code: str | None = None,
    error: str | None = None,
) -> int:
    """Add a line to the fetch log and give its id."""
    statement = insert(fetch_log).values(
        question_id=question_id,
        started_at=facts.started_at.astimezone(UTC).replace(tzinfo=None),
        duration_ms=facts.duration_ms,
        outcome=outcome,
        checksum=checksum,
        measurements=facts.measurements,
        added=changes.added,
        changed=changes.changed,
        removed=changes.removed,
        bytes_received=facts.bytes_received,
        reporting_organization=reporting_organization,
        warnings=facts.warnings,
        error_code=error_code,
        error=None if error is None else error[:_ERROR_CHARS],
    )
    fetch_id: int = connection.execute(statement.returning(fetch_log.c.id)).scalar_one()
    return fetch_id


def read_questions(connection: Connection, *digests: str) -> list[KnownQuestion]:
    """Give every question, or those named, in the order they were first asked."""
    query = select(question_table).order_by(question_table.c.id)
    rows = connection.execute(query.where(question_table.c.digest.in_(digests)) if digests else query).all()
    return [
        KnownQuestion(
            question_of(row),
            row.checksum,
            None if row.polled_at is None else aware(row.polled_at),
            row.is_split,
            row.parent_id is not None,
        )
        for row in rows
    ]


def read_log(connection: Connection, limit: int) -> list[LogEntry]:
    """Give the newest lines of the fetch log, newest first."""
    named = [question_table.c[name] for name in ("contract", "producer", "measure_ids", "period_start", "period_end")]
    query = select(fetch_log, *named).join(question_table).order_by(fetch_log.c.id.desc()).limit(limit)
    return [
        LogEntry(
            question_of(row),
            row.outcome,
            FetchFacts(aware(row.started_at), row.duration_ms, row.measurements, row.bytes_received, row.warnings),
            Changes(row.added, row.changed, row.removed, max(row.measurements - row.added - row.changed, 0)),
            row.checksum,
            row.reporting_organization,
            row.error_code,
            row.error,
        )
        for row in connection.execute(query)
    ]


def select_observations(selection: Selection) -> Select[Any]:
    """Select observations in a stable order: producer, then the `VALUE_NAMES`, then when they were fetched."""
    columns = [observation.c[name] for name in VALUE_NAMES]
    query = (
        select(observation.c.producer, *columns, fetch_log.c.started_at)
        .join(fetch_log)
        .where(*conditions(selection))
        .order_by(
            observation.c.producer,
            observation.c.measure_id,
            observation.c.period_start,
            observation.c.period_end,
            observation.c.org_level,
            observation.c.org_id_system,
            observation.c.org_id,
        )
    )
    return query if selection.limit is None else query.limit(selection.limit)


def conditions(selection: Selection) -> list[ColumnElement[bool]]:
    """Give the conditions of a selection."""
    columns = observation.c
    wanted = {
        columns.producer: selection.producers,
        columns.measure_id: selection.measure_ids,
        columns.org_level: selection.org_levels,
        columns.org_id: selection.org_ids,
        columns.region_code: selection.region_codes,
        columns.period_type: selection.period_types,
    }
    found: list[ColumnElement[bool]] = [column.in_(values) for column, values in wanted.items() if values]
    if selection.start is not None:
        found.append(columns.period_start >= selection.start)
    if selection.end is not None:
        found.append(columns.period_end <= selection.end)
    return found


def question_of(row: Row[Any]) -> Question:
    """Make the question of a row."""
    period = DatePeriod(row.period_start, row.period_end)
    return Question(row.producer, tuple(json.loads(row.measure_ids)), period, row.contract)


def aware(time: datetime) -> datetime:
    """Give a time of the database, which is UTC without saying so, as aware."""
    return time.replace(tzinfo=UTC)
