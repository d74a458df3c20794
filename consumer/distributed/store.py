"""Distributed reports in the consumer's database: an answer replaces what it covers, in one transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Self

from sqlalchemy import Connection, delete, insert, select

from consumer.distributed.rows import Row
from consumer.distributed.tables import NAMES, distributed_fetch, distributed_observation, metadata
from consumer.question import Question, iso_day
from consumer.store.engine import open_engine, store_errors
from contracts.errors import ConfigurationError
from contracts.model import DatePeriod, ReportHead

_AT_ONCE = 1_000


class Replacing:
    """An answer on its way into the store: `add` rows, then `finish`; leaving it earlier changes nothing."""

    def __init__(self, connection: Connection, producer: str, fetch_id: int) -> None:
        self._connection = connection
        self._producer = producer
        self._fetch_id = fetch_id
        self.is_finished = False

    def add(self, rows: Iterable[Row]) -> None:
        """Store rows as they come."""
        iterator = iter(rows)
        names = (*NAMES, "fetch_id")
        given = {"producer": self._producer, "fetch_id": self._fetch_id}
        while batch := list(islice(iterator, _AT_ONCE)):
            full = [dict.fromkeys(names) | row | given for row in batch]
            self._connection.execute(insert(distributed_observation), full)

    def finish(self, head: ReportHead, measurements: int, reference_values: int) -> None:
        """Note the checksum and the counts of the whole answer."""
        is_this = distributed_fetch.c.id == self._fetch_id
        values = {
            "checksum": head.measurement_checksum,
            "measurements": measurements,
            "reference_values": reference_values,
        }
        self._connection.execute(distributed_fetch.update().where(is_this).values(values))
        self.is_finished = True


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
        """Take in one answer in the place of what the store holds of its indicators and period."""
        with store_errors("written"), self._engine.connect() as connection, connection.begin() as transaction:
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
            values = {"fetched_at": _now(), "checksum": "", "measurements": 0, "reference_values": 0}
            statement = insert(distributed_fetch).values(_key(question) | values).returning(distributed_fetch.c.id)
            replacing = Replacing(connection, question.producer, connection.execute(statement).scalar_one())
            yield replacing
            if not replacing.is_finished:
                transaction.rollback()

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
