"""One fetch as one transaction: an answer is gathered beside the store and then put in its place at once.

Nothing in the store is locked while an answer arrives. When it is whole and right, what differs from the rows of
the question's scope (producer, indicators, period) is replaced; a failure before the commit leaves no trace.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, func, insert, literal, select, true, tuple_

from consumer.question import Question, iso_day
from consumer.store.engine import is_sqlite
from consumer.store.rows import Row
from consumer.store.tables import KEY, VALUE_NAMES, observation, staged

_BATCH_ROWS = 500
_NAMES = ", ".join(VALUE_NAMES)
# The names are constants of this module, so no text from outside becomes SQL.
_INSERT = f"INSERT INTO {staged.name} ({_NAMES}) VALUES ({', '.join('?' * len(VALUE_NAMES))})"  # noqa: S608
_COPY = f"COPY {staged.name} ({_NAMES}) FROM STDIN"
_NOT_KEY = tuple(name for name in VALUE_NAMES if name not in KEY)
_SAME_KEY = and_(*(observation.c[name] == staged.c[name] for name in KEY))


@dataclass(frozen=True, slots=True)
class Changes:
    """How an answer differs from what was stored in its scope before it."""

    added: int
    changed: int
    removed: int
    unchanged: int

    @property
    def is_any(self) -> bool:
        """Whether anything differs."""
        return bool(self.added or self.changed or self.removed)


def create_staging(connection: Connection) -> None:
    """Make the empty table that gathers an answer; seen by this connection only.

    Nothing here reads the store: on SQLite that would fix what the transaction sees, and so fail its later write.
    """
    staged.create(connection, checkfirst=False)


def drop_staging(connection: Connection) -> None:
    """Remove the gathering table."""
    connection.exec_driver_sql(f"DROP TABLE {staged.name}")


def stage(connection: Connection, rows: Iterable[Row]) -> int:
    """Gather rows as they come and give their number; memory holds one batch."""
    iterator = iter(rows)
    count = 0
    while batch := list(islice(iterator, _BATCH_ROWS)):
        count += len(batch)
        if is_sqlite(connection):
            connection.exec_driver_sql(_INSERT, batch)
        else:
            _copy(connection, batch)
    return count


def compare(connection: Connection, question: Question, staged_count: int) -> Changes:
    """Count how the gathered answer differs from the stored rows of the question's scope."""
    stored_count = _count(connection, question)
    if stored_count == 0:
        return Changes(staged_count, 0, 0, 0)
    connection.exec_driver_sql(f"CREATE INDEX staged_key ON {staged.name} ({', '.join(KEY)})")
    in_both = _count(connection, question, _is_staged())
    unchanged = _count(connection, question, _is_staged(_same_values()))
    return Changes(staged_count - in_both, in_both - unchanged, stored_count - in_both, unchanged)


def replace_scope(connection: Connection, question: Question, fetch_id: int, changes: Changes) -> None:
    """Put the gathered answer in the place of the stored rows of the question's scope; equal rows stay as they are."""
    if changes.changed or changes.removed:
        connection.execute(delete(observation).where(_scope(question), ~_is_staged(_same_values())))
    if changes.added or changes.changed:
        new = select(literal(fetch_id), literal(question.producer), *staged.c)
        if changes.unchanged:
            new = new.where(~exists(select(literal(1)).where(observation.c.producer == question.producer, _SAME_KEY)))
        names = ["fetch_id", "producer", *VALUE_NAMES]
        connection.execute(insert(observation).from_select(names, new))


def _scope(question: Question) -> ColumnElement[bool]:
    return and_(
        observation.c.producer == question.producer,
        observation.c.measure_id.in_(question.measure_ids) if question.measure_ids else true(),
        observation.c.period_start >= date.fromisoformat(iso_day(question.period.start)),
        observation.c.period_end <= date.fromisoformat(iso_day(question.period.end)),
    )


def _is_staged(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    # A join would be clearer, but SQLite then takes the period's bound instead of its equality to search the index.
    return exists(select(literal(1)).select_from(staged).where(_SAME_KEY, *conditions))


def _count(connection: Connection, question: Question, *conditions: ColumnElement[bool]) -> int:
    query = select(func.count()).select_from(observation).where(_scope(question), *conditions)
    return connection.execute(query).scalar_one()


def _same_values() -> ColumnElement[bool]:
    stored = tuple_(*(observation.c[name] for name in _NOT_KEY))
    return stored.is_not_distinct_from(tuple_(*(staged.c[name] for name in _NOT_KEY)))


def _copy(connection: Connection, batch: list[Row]) -> None:
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(_COPY) as copy:
        for row in batch:
            copy.write_row(row)
