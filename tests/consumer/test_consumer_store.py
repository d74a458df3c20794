"""The store on SQLite and PostgreSQL: one fetch is one transaction, and what changed is counted."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from consumer_reports import (
    BOTH_YEARS,
    MEASURE_A,
    MEASURE_B,
    SYSTEM,
    YEAR_2025,
    head_of,
    measurement,
    question,
    share,
    small_register,
    unit,
)
from sqlalchemy import event

from consumer.exports import COLUMNS
from consumer.question import Question
from consumer.store import Changes, FetchFacts, Selection, Store
from consumer.store.rows import period_type, rows_of
from contracts.codes import OID_HOSPITAL, OID_HSA_ID, OID_KOMMUN, OID_LAN
from contracts.errors import ConfigurationError
from contracts.model import (
    II,
    CohortMeasure,
    ContinuousVariableMeasure,
    DatePeriod,
    Measurement,
    MissingMeasure,
    PerformingOrganization,
)

BOTH = Question(SYSTEM.hsa_id, (MEASURE_A, MEASURE_B), BOTH_YEARS)
ONLY_A = Question(SYSTEM.hsa_id, (MEASURE_A,), BOTH_YEARS)
ONLY_2025 = Question(SYSTEM.hsa_id, (MEASURE_A,), YEAR_2025)
STARTED_AT = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    with Store(database_url) as opened:
        yield opened


def keep(store: Store, measurements: list[Measurement], asked: Question = BOTH) -> Changes:
    with store.gathering(asked) as gathering:
        gathering.add(rows_of(measurements))
        return gathering.finish(head_of(measurements, question(*asked.measure_ids)), facts(len(measurements)))


def facts(count: int = 0) -> FetchFacts:
    return FetchFacts(STARTED_AT, 40, count, 1000, 2)


def rows(store: Store, **selection: Any) -> list[dict[str, Any]]:
    return [dict(zip(COLUMNS, row, strict=True)) for row in store.observations(Selection(**selection))]


def values(store: Store, **selection: Any) -> list[float]:
    return [row["value"] for row in rows(store, **selection)]


def test_a_first_answer_is_all_added(store: Store) -> None:
    measurements = small_register().measurements
    assert keep(store, measurements) == Changes(added=20, changed=0, removed=0, unchanged=0)
    assert store.count(Selection()) == 20
    assert store.known(BOTH).checksum == head_of(measurements, question(MEASURE_A, MEASURE_B)).measurement_checksum


def test_what_differs_is_counted_and_replaced(store: Store) -> None:
    before = small_register().measurements
    keep(store, before)
    after = [replace(before[0], measure=share(1)), *before[2:], measurement(organization=unit(99))]
    assert keep(store, after) == Changes(added=1, changed=1, removed=1, unchanged=18)
    assert sorted(values(store)) == sorted(found.measure.rate for found in after)  # type: ignore[union-attr]
    assert keep(store, after) == Changes(0, 0, 0, 20)


def test_equal_rows_keep_the_fetch_that_brought_them(store: Store) -> None:
    before = small_register().measurements
    keep(store, before)
    later = replace(facts(), started_at=STARTED_AT.replace(year=2027))
    with store.gathering(BOTH) as gathering:
        gathering.add(rows_of([replace(before[0], measure=share(1)), *before[1:]]))
        gathering.finish(head_of(before, question()), later)
    years = [row["fetched_at"].year for row in rows(store)]
    assert (years.count(2026), years.count(2027)) == (19, 1)


def test_an_empty_answer_removes_its_scope_only(store: Store) -> None:
    keep(store, small_register().measurements)
    assert keep(store, [], ONLY_2025) == Changes(0, 0, removed=5, unchanged=0)
    assert {(row["measure_id"], row["period_start"].year) for row in rows(store)} == {
        (MEASURE_A, 2024),
        (MEASURE_B, 2024),
        (MEASURE_B, 2025),
    }


def test_producers_do_not_touch_each_other(store: Store) -> None:
    other = replace(BOTH, producer="SE9990001112-OTHER")
    keep(store, small_register().measurements)
    keep(store, small_register(2).measurements, other)
    keep(store, [], BOTH)
    assert {row["producer"] for row in rows(store)} == {"SE9990001112-OTHER"}


def test_a_broken_fetch_leaves_everything_as_it_was(store: Store) -> None:
    keep(store, small_register().measurements)
    checksum = store.known(BOTH).checksum

    def break_off(*, is_finished: bool) -> None:
        with store.gathering(BOTH) as gathering:
            gathering.add(rows_of([measurement(share(1))]))
            if is_finished:
                gathering.finish(head_of([], question()), facts())
            raise RuntimeError("broken")

    for is_finished in (False, True):
        with pytest.raises(RuntimeError, match="broken"):
            break_off(is_finished=is_finished)
    assert store.count(Selection()) == 20
    assert store.known(BOTH).checksum == checksum
    assert len(store.log()) == 1
    assert keep(store, small_register().measurements) == Changes(0, 0, 0, 20)


def test_leaving_without_finish_stores_nothing(store: Store) -> None:
    with store.gathering(BOTH) as gathering:
        gathering.add(rows_of([measurement()]))
    assert store.count(Selection()) == 0
    assert store.questions() == []


def test_two_answers_may_arrive_at_the_same_time(store: Store) -> None:
    a, b = [measurement(measure_id=MEASURE_A)], [measurement(measure_id=MEASURE_B)]
    question_b = replace(ONLY_A, measure_ids=(MEASURE_B,))
    with store.gathering(ONLY_A) as first:
        first.add(rows_of(a))
        with store.gathering(question_b) as second:
            second.add(rows_of(b))
            second.finish(head_of(b, question(MEASURE_B)), facts())
        assert store.count(Selection()) == 1
        first.finish(head_of(a, question()), facts())
    assert {row["measure_id"] for row in rows(store)} == {MEASURE_A, MEASURE_B}


def test_the_same_observation_twice_is_refused(store: Store) -> None:
    with pytest.raises(ConfigurationError, match="could not be written"):
        keep(store, [measurement(), measurement(share(1))])
    assert store.count(Selection()) == 0


def test_the_log_tells_what_happened(store: Store) -> None:
    keep(store, small_register().measurements)
    store.log_failure(ONLY_A, facts(3), "rejected", "rules-broken", "line\n" * 5000)
    rejected, stored = store.log()
    assert (stored.outcome, stored.changes, stored.facts) == ("stored", Changes(20, 0, 0, 0), facts(20))
    assert stored.reporting_organization == "Demohuvudman"
    assert (rejected.question, rejected.outcome, rejected.error_code) == (ONLY_A, "rejected", "rules-broken")
    assert rejected.error is not None
    assert len(rejected.error) == 4000
    assert store.known(ONLY_A).checksum is None
    assert len(store.log(limit=1)) == 1


def test_replaced_rows_make_overlapping_questions_doubtful(store: Store) -> None:
    before = small_register().measurements
    keep(store, before)
    in_2025 = [
        found for found in before if found.measure_id.extension == MEASURE_A and found.measure_period == YEAR_2025
    ]
    keep(store, in_2025, ONLY_2025)
    assert store.known(BOTH).checksum is not None, "equal rows make nothing doubtful"
    keep(store, [replace(in_2025[0], measure=share(1)), *in_2025[1:]], ONLY_2025)
    assert store.known(BOTH).checksum is None
    assert store.known(ONLY_2025).checksum is not None


def test_questions_are_remembered_with_their_parts(store: Store) -> None:
    keep(store, [])
    store.note_split(BOTH, BOTH.parts(BOTH_YEARS))
    store.note_unchanged(ONLY_A)
    store.note_parts(BOTH, "checksum")
    whole, part_a, part_b = store.questions()
    assert (whole.question, whole.is_split, whole.is_part, whole.checksum) == (BOTH, True, False, "checksum")
    assert whole.polled_at is not None
    assert whole.polled_at.tzinfo is UTC
    assert [part.question for part in (part_a, part_b)] == list(BOTH.parts(BOTH_YEARS))
    assert part_a.is_part
    assert part_b.is_part


def test_every_field_of_a_proportion_is_a_column(store: Store) -> None:
    found = replace(
        measurement(
            replace(share(150), standard_deviation=0.1, coverage=0.9, exclusions=4.0, reference_interval_rate=0.8)
        ),
        first_service_encounter="20240201",
        last_service_encounter="20251130",
    )
    keep(store, [found])
    assert rows(store) == [
        {
            "producer": SYSTEM.hsa_id,
            "measure_id": MEASURE_A,
            "measure_version": 1,
            "measure_version_id": None,
            "period_type": "year",
            "period_start": date(2025, 1, 1),
            "period_end": date(2025, 12, 31),
            "first_service_encounter": date(2024, 2, 1),
            "last_service_encounter": date(2025, 11, 30),
            "org_level": "Vardenhet",
            "org_id_system": OID_HSA_ID,
            "org_id": "SE9990001112-U00001",
            "org_name": "Vårdcentral 1 & Co",
            "hospital_id": None,
            "municipality_code": None,
            "region_code": "13",
            "kind": "proportion",
            "value": 0.75,
            "numerator": 150.0,
            "denominator": 200.0,
            "population": None,
            "ci_low": 0.7,
            "ci_high": 0.8,
            "sd": 0.1,
            "coverage": 0.9,
            "exclusions": 4.0,
            "target": 0.8,
            "reason_code": None,
            "unit": None,
            "method": None,
            "source_system": SYSTEM.hsa_id,
            "source_system_name": "Demoregistrets databas",
            "fetched_at": STARTED_AT.replace(tzinfo=None),
        }
    ]


@pytest.mark.parametrize(
    ("measure", "expected"),
    [
        (ContinuousVariableMeasure(-4.5, 30.0), {"kind": "continuous", "value": -4.5, "population": 30.0}),
        (CohortMeasure(12.0, reference_interval_value=9.0), {"kind": "cohort", "value": 12.0, "target": 9.0}),
        (MissingMeasure("MSK"), {"kind": "missing", "value": None, "reason_code": "MSK"}),
    ],
)
def test_every_kind_of_measure_has_its_columns(store: Store, measure: Any, expected: dict[str, Any]) -> None:
    keep(store, [measurement(measure)])
    assert expected.items() <= rows(store)[0].items()


def test_what_only_version_1_tells_has_its_columns(store: Store) -> None:
    measure = ContinuousVariableMeasure(4.0, unit="d", method="MEDIAN")
    version = II("00000000-0000-4000-8000-0000000000ff")
    keep(store, [replace(measurement(measure), source_system=None, measure_id_version_dependent=version)])
    assert {"unit": "d", "method": "MEDIAN", "measure_version_id": version.root}.items() <= rows(store)[0].items()
    assert rows(store)[0]["source_system"] is None


def test_an_organisation_carries_the_codes_it_lies_in(store: Store) -> None:
    lan = PerformingOrganization("Hallands län", "Lan", None, II(OID_LAN, "13"))
    hospital = PerformingOrganization("Sjukhuset", "Sjukhus", None, II(OID_HOSPITAL, "42011"), lan)
    municipality = PerformingOrganization("Halmstad", "Kommun", None, II(OID_KOMMUN, "1380"), lan)
    keep(store, [measurement(organization=each) for each in (lan, hospital, unit(1, hospital), unit(2, municipality))])
    found = {
        row["org_id"]: (row["org_id_system"], row["hospital_id"], row["municipality_code"], row["region_code"])
        for row in rows(store)
    }
    assert found == {
        "13": (OID_LAN, None, None, "13"),
        "42011": (OID_HOSPITAL, "42011", None, "13"),
        "SE9990001112-U00001": (OID_HSA_ID, "42011", None, "13"),
        "SE9990001112-U00002": (OID_HSA_ID, None, "1380", "13"),
    }


@pytest.mark.parametrize(
    ("selection", "count"),
    [
        ({}, 20),
        ({"measure_ids": (MEASURE_A,)}, 10),
        ({"start": date(2025, 1, 1)}, 10),
        ({"end": date(2025, 6, 30)}, 10),
        ({"org_ids": ("SE9990001112-U00001",), "measure_ids": (MEASURE_A, MEASURE_B)}, 4),
        ({"org_levels": ("Land",)}, 0),
        ({"region_codes": ("13",), "period_types": ("year",)}, 20),
        ({"producers": ("SE9990001112-OTHER",)}, 0),
        ({"org_ids": ("' OR 1=1 --",)}, 0),
        ({"org_ids": ("%",)}, 0),
    ],
)
def test_observations_are_selected(store: Store, selection: dict[str, Any], count: int) -> None:
    keep(store, small_register().measurements)
    assert len(rows(store, **selection)) == store.count(Selection(**selection)) == count


def test_observations_come_in_a_stable_order_and_may_be_limited(store: Store) -> None:
    keep(store, list(reversed(small_register().measurements)))
    keys = [(row["measure_id"], row["period_start"], row["org_id"]) for row in rows(store)]
    assert keys == sorted(keys)
    assert [row["org_id"] for row in rows(store, limit=3)] == [key[2] for key in keys[:3]]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("20250101", "20251231", "year"),
        ("20250101", "20250630", "half-year"),
        ("20250401", "20250630", "quarter"),
        ("20240201", "20240229", "month"),
        ("20250201", "20250228", "month"),
        ("20240201", "20240228", "other"),
        ("20250201", "20250430", "other"),
        ("20240701", "20250630", "other"),
        ("20230101", "20251231", "other"),
        ("20250102", "20251231", "other"),
    ],
)
def test_calendar_periods_have_a_name(start: str, end: str, expected: str) -> None:
    assert period_type(DatePeriod(start, end)) == expected


# -- opening --------------------------------------------------------------------------------------------------------


def test_a_store_is_opened_again(database_url: str) -> None:
    with Store(database_url) as store:
        keep(store, small_register().measurements)
    with Store(database_url) as store:
        assert store.count(Selection()) == 20


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("sqlite:///:memory:", "must be a file"),
        ("sqlite:////nowhere/at/all/store.sqlite", "folder of the store"),
        ("mysql://anna:secret@localhost/store", "cannot be used"),
        ("postgres://anna:secret@localhost/store", "cannot be used"),
        ("secret: not a url", "cannot be used"),
        ("postgresql+psycopg://nobody:secret@127.0.0.1:1/none", "could not be opened"),
    ],
)
def test_a_store_that_cannot_be_is_told(url: str, text: str) -> None:
    with pytest.raises(ConfigurationError, match=text) as caught:
        Store(url)
    assert "secret" not in caught.value.message


def test_a_file_that_is_no_store_is_told(tmp_path: Path) -> None:
    (tmp_path / "store.sqlite").write_text("These are notes, no database." * 100)
    with pytest.raises(ConfigurationError, match=r"could not be opened.*is no store\. Move it away"):
        Store(f"sqlite:///{tmp_path / 'store.sqlite'}")


def test_a_damaged_store_is_told(tmp_path: Path) -> None:
    file = tmp_path / "store.sqlite"
    Store(f"sqlite:///{file}").close()
    file.write_bytes(file.read_bytes()[:4096] + b"\xa5" * 3 * 4096)
    with pytest.raises(ConfigurationError, match="is damaged"):
        Store(f"sqlite:///{file}")


@pytest.mark.parametrize(
    ("pragma", "text"), [("max_page_count=1", "no room left"), ("query_only=ON", "right to write the file")]
)
def test_a_store_that_cannot_grow_or_be_written_keeps_what_it_had(tmp_path: Path, pragma: str, text: str) -> None:
    with Store(f"sqlite:///{tmp_path / 'store.sqlite'}") as store:
        keep(store, small_register().measurements[:1])
        event.listen(store._engine, "connect", lambda connection, _: connection.execute(f"PRAGMA {pragma}"))
        store._engine.dispose()
        with pytest.raises(ConfigurationError, match=text):
            keep(store, [measurement(organization=unit(number)) for number in range(2_000)])
        assert store.count(Selection()) == 1


def test_a_store_of_another_version_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store.sqlite'}"
    Store(url).close()
    with closing(sqlite3.connect(tmp_path / "store.sqlite")) as connection, connection:
        connection.execute("UPDATE store_info SET version = 99")
    connection.close()
    with pytest.raises(ConfigurationError, match="version 99"):
        Store(url)
