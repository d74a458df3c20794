"""The consumer's store: observations of every producer, the questions asked, and a log of fetches (design 3).

One fetch is one transaction. A question's checksum is that of the full answer in the store, never of a poll alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Self

from sqlalchemy import Connection, func, select

from consumer.question import Question
from consumer.store import queries, staging
from consumer.store.engine import open_engine, store_errors
from consumer.store.entries import FetchFacts, KnownQuestion, LogEntry, Selection
from consumer.store.rows import Row
from consumer.store.staging import Changes
from consumer.store.tables import observation
from contracts.model import ReportHead


class Gathering:
    """An answer on its way into the store: `add` its rows, then `finish`; leaving it earlier drops it."""

    def __init__(self, connection: Connection, question: Question) -> None:
        self._connection = connection
        self._question = question
        self._count = 0

    def add(self, rows: Iterable[Row]) -> None:
        """Gather rows as they come."""
        self._count += staging.stage(self._connection, rows)

    def finish(self, head: ReportHead, facts: FetchFacts) -> Changes:
        """Replace the question's scope by what was gathered, and note its checksum; committed on leaving."""
        connection, question = self._connection, self._question
        queries.lock_producer(connection, question.producer)
        checksum, organization = head.measurement_checksum, head.reporting_organization
        question_id = queries.note_question(connection, question, checksum=checksum, polled_at=_now())
        changes = staging.compare(connection, question, self._count)
        fetch_id = queries.write_log(
            connection,
            question_id,
            facts,
            "stored",
            changes,
            checksum=checksum,
            reporting_organization=organization.name or organization.hsa_id,
        )
        staging.replace_scope(connection, question, fetch_id, changes)
        if changes.is_any:
            queries.doubt_overlapping(connection, question, question_id)
        return changes


class Store:
    """The store at a database URL; may be shared between threads. Raises ConfigurationError when it cannot be used."""

    def __init__(self, url: str) -> None:
        """Open the store and make its tables where there are none."""
        self._engine = open_engine(url)

    @contextmanager
    def gathering(self, question: Question) -> Iterator[Gathering]:
        """Take in one answer: all of it is stored when the block ends after `Gathering.finish`, else nothing."""
        with store_errors("written"), self._engine.begin() as connection:
            staging.create_staging(connection)
            yield Gathering(connection, question)
            staging.drop_staging(connection)

    def known(self, question: Question) -> KnownQuestion:
        """Give what the store knows of a question; of one never asked, nothing."""
        with store_errors("read"), self._engine.connect() as connection:
            found = queries.read_questions(connection, question.digest)
        return found[0] if found else KnownQuestion(question)

    def note_unchanged(self, question: Question) -> None:
        """Note that the producer said now that what is stored is still its answer."""
        with store_errors("written"), self._engine.begin() as connection:
            queries.note_question(connection, question, polled_at=_now())

    def note_split(self, question: Question, parts: Iterable[Question]) -> None:
        """Note that a question's answer is fetched in parts from now on."""
        with store_errors("written"), self._engine.begin() as connection:
            parent_id = queries.note_question(connection, question, is_split=True)
            for part in parts:
                queries.note_question(connection, part, parent_id=parent_id)

    def note_parts(self, question: Question, checksum: str) -> None:
        """Note the checksum of a question whose parts are all stored, of the state that the checksum is of."""
        with store_errors("written"), self._engine.begin() as connection:
            queries.note_question(connection, question, checksum=checksum, polled_at=_now())

    def log_failure(self, question: Question, facts: FetchFacts, outcome: str, error_code: str, error: str) -> None:
        """Log a fetch of which nothing was stored: ``outcome`` is rejected or failed."""
        with store_errors("written"), self._engine.begin() as connection:
            question_id = queries.note_question(connection, question)
            queries.write_log(connection, question_id, facts, outcome, error_code=error_code, error=error)

    def questions(self) -> list[KnownQuestion]:
        """Give every question that was ever asked, in the order they were first asked."""
        with store_errors("read"), self._engine.connect() as connection:
            return queries.read_questions(connection)

    def log(self, limit: int = 20) -> list[LogEntry]:
        """Give the newest lines of the fetch log, newest first."""
        with store_errors("read"), self._engine.connect() as connection:
            return queries.read_log(connection, limit)

    def observations(self, selection: Selection) -> Iterator[tuple[Any, ...]]:
        """Give observations in a stable order, one by one in constant memory; columns as `consumer.exports.COLUMNS`."""
        query = queries.select_observations(selection)
        with store_errors("read"), self._engine.connect() as connection:
            for row in connection.execution_options(yield_per=1000).execute(query):
                yield tuple(row)

    def count(self, selection: Selection) -> int:
        """Count the observations that a selection without its limit holds."""
        query = select(func.count()).select_from(observation).where(*queries.conditions(selection))
        with store_errors("read"), self._engine.connect() as connection:
            return connection.execute(query).scalar_one()

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
