"""Distributed reports in the consumer's database: an answer replaces what it covers, in one transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Self

from sqlalchemy import Connection, delete, insert, literal, select

from consumer.distributed.rows import Row
from consumer.distributed.tables import NAMES, distributed_fetch, distributed_observation, metadata, staged
from consumer.question import Question, iso_day
from consumer.store.engine import open_engine, store_errors
from contracts.errors import ConfigurationError
from contracts.model import DatePeriod, ReportHead

_AT_ONCE = 1_000


class Replacing:
    """An answer on its way into the store: `add` rows, then `finish`; leaving it earlier changes nothing."""

    def __init__(self, connection: Connection, question: Question) -> None:
        self._connection = connection
        self._question = question

    def add(self, rows: Iterable[Row]) -> None:
        """Gather rows as they come, beside the store: nothing in it is locked while an answer arrives."""
        iterator = iter(rows)
        given = {"producer": self._question.producer}
        while batch := list(islice(iterator, _AT_ONCE)):
            self._connection.execute(insert(staged), [dict.fromkeys(NAMES) | row | given for row in batch])

    def finish(self, head: ReportHead, measurements: int, reference_values: int) -> None:
        """Put what was gathered in the place of the question's rows, and note checksum and counts of the answer."""
        connection, question = self._connection, self._question
        column = distributed_observation.c
        connection.execute(
            delete(distributed_observation).where(
                column.producer == question.producer,
                column.measure_id.in_(question.measure_ids),
                column.period_start >= iso_day(question.period.start),
                column.period_end <= iso_day(question.period.end),
            )
        )
        _forget_overlapping(connection, question)
        facts = {
            "fetched_at": _now(),
            "checksum": head.measurement_checksum,
            "measurements": measurements,
            "reference_values": reference_values,
        }
        noted = insert(distributed_fetch).values(_key(question) | facts).returning(distributed_fetch.c.id)
        fetch_id = connection.execute(noted).scalar_one()
        new = select(literal(fetch_id), *staged.c)
        connection.execute(insert(distributed_observation).from_select(["fetch_id", *NAMES], new))


class DistributedStore:
    """The tables at a database URL, which may be that of the other observations. Raises ConfigurationError."""

    def __init__(self, url: str) -> None:
        """Open the database and make the tables where there are none."""
        self._engine = open_engine(url)
        try:
            with store_errors("opened"):
                metadata.create_all(self._engine)
        except ConfigurationError:
            self.close()
            raise

    def checksum(self, question: Question) -> str | None:
        """Give the checksum of a question's answer as it was fetched last, None when it never was."""
        with store_errors("read"), self._engine.connect() as connection:
            query = select(distributed_fetch.c.checksum).filter_by(**_key(question))
            return connection.execute(query.order_by(distributed_fetch.c.id.desc()).limit(1)).scalar()

    @contextmanager
    def replacing(self, question: Question) -> Iterator[Replacing]:
        """Take in one answer: it replaces what the store holds of its indicators and period, all of it or nothing."""
        with store_errors("written"), self._engine.begin() as connection:
            staged.create(connection, checkfirst=False)
            yield Replacing(connection, question)
            staged.drop(connection, checkfirst=False)

    def rows(self, measure_ids: Iterable[str] = ()) -> Iterator[tuple[Any, ...]]:
        """Give the rows (columns `NAMES`) of some indicators, or of all, in the order of their answers."""
        column = distributed_observation.c
        query = select(*(column[name] for name in NAMES)).order_by(
            column.producer, column.measure_id, column.period_start, column.scope.desc(), column.id
        )
        wanted = tuple(measure_ids)
        with store_errors("read"), self._engine.connect() as connection:
            chosen = query.where(column.measure_id.in_(wanted)) if wanted else query
            for row in connection.execution_options(yield_per=_AT_ONCE).execute(chosen):
                yield tuple(row)

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _forget_overlapping(connection: Connection, question: Question) -> None:
    """Take the checksums from questions that may have had the rows of this one: their next fetch looks again."""
    column = distributed_fetch.c
    query = select(column.id, column.measure_ids, column.period_start, column.period_end)
    known = connection.execute(query.where(column.producer == question.producer, column.checksum != "")).all()
    overlapping = [
        number
        for number, measure_ids, start, end in known
        if replace(question, measure_ids=tuple(json.loads(measure_ids)), period=DatePeriod(start, end)).overlaps(
            question
        )
    ]
    if overlapping:
        connection.execute(distributed_fetch.update().where(column.id.in_(overlapping)).values(checksum=""))


def _key(question: Question) -> dict[str, str]:
    return {
        "producer": question.producer,
        "measure_ids": json.dumps(question.measure_ids),
        "period_start": question.period.start,
        "period_end": question.period.end,
    }


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
