"""Distributed reports in the store: an answer replaces what it covers and nothing else, all of it or nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from consumer_reports import BOTH_YEARS, MEASURE_A, MEASURE_B, SYSTEM, YEAR_2025
from sqlalchemy import event

from consumer.distributed.rows import Row
from consumer.distributed.store import DistributedStore
from consumer.distributed.tables import NAMES
from consumer.question import Question, iso_day
from consumer.store import Selection, Store
from contracts.errors import ConfigurationError
from contracts.model import ReportHead, ReportingParty

BOTH = Question(SYSTEM.hsa_id, (MEASURE_A, MEASURE_B), BOTH_YEARS)
ONLY_A = Question(SYSTEM.hsa_id, (MEASURE_A,), YEAR_2025)
ONLY_B = Question(SYSTEM.hsa_id, (MEASURE_B,), YEAR_2025)
OTHER_PRODUCER = Question("SE9990001112-OTHER", (MEASURE_A,), YEAR_2025)


@pytest.fixture
def store(database_url: str) -> Iterator[DistributedStore]:
    with DistributedStore(database_url) as opened:
        yield opened


def row(question: Question, measure_id: str, value: float) -> Row:
    return {
        "measure_id": measure_id,
        "measure_version": 1,
        "period_start": iso_day(YEAR_2025.start),
        "period_end": iso_day(YEAR_2025.end),
        "scope": "unit",
        "part": "value",
        "org_level": "Vardenhet",
        "org_name": "Demo",
        "value": value,
    }


def keep(store: DistributedStore, question: Question, value: float, *, checksum: str = "c", times: int = 1) -> None:
    with store.replacing(question) as replacing:
        replacing.add(row(question, measure_id, value) for measure_id in question.measure_ids * times)
        replacing.finish(ReportHead(checksum, question.period, ReportingParty("x"), ReportingParty("x")), 1, 0)


def values(store: DistributedStore, *measure_ids: str) -> list[tuple[str, str, float]]:
    rows = [dict(zip(NAMES, found, strict=True)) for found in store.rows(measure_ids)]
    return [(found["producer"], found["measure_id"], found["value"]) for found in rows]


def test_an_answer_replaces_what_it_covers_and_nothing_else(store: DistributedStore) -> None:
    keep(store, BOTH, 1.0)
    keep(store, OTHER_PRODUCER, 2.0)
    keep(store, ONLY_A, 3.0)
    mine = BOTH.producer
    assert values(store, MEASURE_A) == sorted([(mine, MEASURE_A, 3.0), (OTHER_PRODUCER.producer, MEASURE_A, 2.0)])
    assert values(store, MEASURE_B) == [(mine, MEASURE_B, 1.0)]


def test_the_checksum_holds_until_an_overlapping_answer_comes(store: DistributedStore) -> None:
    assert store.checksum(BOTH) is None
    keep(store, BOTH, 1.0, checksum="first")
    keep(store, OTHER_PRODUCER, 2.0, checksum="other")
    assert store.checksum(BOTH) == "first"
    keep(store, ONLY_A, 3.0, checksum="second")
    assert not store.checksum(BOTH)
    keep(store, ONLY_B, 4.0, checksum="third")
    assert [store.checksum(question) for question in (ONLY_A, ONLY_B, OTHER_PRODUCER)] == ["second", "third", "other"]


@pytest.mark.parametrize("is_broken", [True, False], ids=["broken off", "left without finish"])
def test_an_answer_that_does_not_end_changes_nothing(store: DistributedStore, is_broken: bool) -> None:
    keep(store, BOTH, 1.0, checksum="first")
    before = values(store)

    def fetch() -> None:
        with store.replacing(ONLY_A) as replacing:
            replacing.add([row(ONLY_A, MEASURE_A, 9.0)])
            if is_broken:
                raise ConnectionError

    if is_broken:
        with pytest.raises(ConnectionError):
            fetch()
    else:
        fetch()
    assert values(store) == before
    assert (store.checksum(BOTH), store.checksum(ONLY_A)) == ("first", None)


def test_another_answer_is_stored_while_one_arrives(store: DistributedStore) -> None:
    with store.replacing(ONLY_A) as replacing:
        replacing.add([row(ONLY_A, MEASURE_A, 1.0)])
        keep(store, ONLY_B, 2.0)
        replacing.finish(ReportHead("d", ONLY_A.period, ReportingParty("x"), ReportingParty("x")), 1, 0)
    assert [value for _, _, value in values(store, MEASURE_A, MEASURE_B)] == [1.0, 2.0]


def test_a_full_disk_keeps_what_was_stored(tmp_path: Path) -> None:
    with DistributedStore(f"sqlite:///{tmp_path / 'store.sqlite'}") as store:
        keep(store, BOTH, 1.0)
        event.listen(store._engine, "connect", lambda connection, _: connection.execute("PRAGMA max_page_count=1"))
        store._engine.dispose()
        with pytest.raises(ConfigurationError, match="no room left"):
            keep(store, ONLY_A, 9.0, times=5_000)
        assert [value for _, _, value in values(store)] == [1.0, 1.0]


def test_both_kinds_of_observations_share_a_database(database_url: str) -> None:
    with Store(database_url) as flat, DistributedStore(database_url) as distributed:
        keep(distributed, BOTH, 1.0)
        assert flat.count(Selection()) == 0
        assert len(values(distributed)) == 2


def test_tables_of_another_program_in_the_way_are_told(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "store.sqlite")) as connection, connection:
        connection.execute("CREATE TABLE distributed_fetch (other TEXT)")
    connection.close()
    with (
        pytest.raises(ConfigurationError, match="could not be read"),
        DistributedStore(f"sqlite:///{tmp_path / 'store.sqlite'}") as store,
    ):
        store.checksum(BOTH)
