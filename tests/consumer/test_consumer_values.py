"""What a register says is what the consumer keeps: model -> message -> reader -> store -> table, on random reports."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from consumer_reports import (
    MEASURE_A,
    MEASURE_B,
    SYSTEM,
    Register,
    head_of,
    measurement,
    question,
    reports,
    share,
    small_register,
)
from hypothesis import HealthCheck, given, settings

from consumer.exports import COLUMNS, as_dicts, write_csv
from consumer.question import Question, iso_day
from consumer.store import FetchFacts, Selection, Store
from consumer.store.rows import rows_of
from contracts.messages.reader import ReportReader
from contracts.model import (
    CohortMeasure,
    ContinuousVariableMeasure,
    DatePeriod,
    Measurement,
    MissingMeasure,
    ProportionMeasure,
)
from contracts.registry import GET_QUALITY_INDICATORS_2
from contracts.rules import ReportChecker

ALL_YEARS = DatePeriod("20100101", "20301231")
ASKED = question(MEASURE_A, MEASURE_B, period=ALL_YEARS)
KEPT = Question(SYSTEM.hsa_id, (MEASURE_A, MEASURE_B), ALL_YEARS)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with Store(f"sqlite:///{tmp_path_factory.mktemp('store') / 'store.sqlite'}") as opened:
        yield opened


def read(body: bytes, piece_bytes: int) -> list[Measurement]:
    reader = ReportReader(GET_QUALITY_INDICATORS_2.codec, contract=GET_QUALITY_INDICATORS_2)
    found = [
        each for start in range(0, len(body), piece_bytes) for each in reader.feed(body[start : start + piece_bytes])
    ]
    reader.close()
    return found


def keep(store: Store, measurements: list[Measurement]) -> None:
    with store.gathering(KEPT) as gathering:
        gathering.add(rows_of(measurements))
        gathering.finish(head_of(measurements, ASKED), FetchFacts(datetime(2026, 3, 1, 12, tzinfo=UTC), 1))


def told(found: Measurement) -> dict[str, Any]:
    """What the flat table must say of a measurement, written down once more from the contract's side."""
    measure = found.measure
    values: dict[str, Any] = dict.fromkeys(
        (
            "value",
            "numerator",
            "denominator",
            "population",
            "ci_low",
            "ci_high",
            "sd",
            "coverage",
            "exclusions",
            "target",
        )
    )
    values["reason_code"] = None
    if isinstance(measure, MissingMeasure):
        return {**values, "kind": "missing", "reason_code": measure.reason_code}
    if interval := measure.confidence_interval_95_percent:
        values |= {"ci_low": interval.low, "ci_high": interval.high}
    values |= {"sd": measure.standard_deviation, "coverage": measure.coverage, "exclusions": measure.exclusions}
    if isinstance(measure, ProportionMeasure):
        values |= {"numerator": measure.numerator, "denominator": measure.denominator}
        return {**values, "kind": "proportion", "value": measure.rate, "target": measure.reference_interval_rate}
    values["target"] = measure.reference_interval_value
    if isinstance(measure, CohortMeasure):
        return {**values, "kind": "cohort", "value": measure.cohort}
    assert isinstance(measure, ContinuousVariableMeasure)
    return {**values, "kind": "continuous", "value": measure.value, "population": measure.measure_population}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(reports())
def test_stored_values_are_those_of_the_register(store: Store, measurements: list[Measurement]) -> None:
    body = Register(measurements).answer(ASKED)
    found = read(body, 997)
    assert found == measurements
    checker = ReportChecker(requested=ASKED)
    findings = [finding for each in found for finding in checker.add(each, "x")]
    assert [finding for finding in findings if finding.severity == "error"] == []
    keep(store, found)
    rows = {
        (row["measure_id"], row["period_start"], row["org_id"]): row
        for row in as_dicts(store.observations(Selection()))
    }
    assert len(rows) == len(measurements)
    for each in measurements:
        organization = each.performing_organization
        period_start = iso_day(each.measure_period.start)
        row = rows[each.measure_id.extension, period_start, organization.hsa_id]
        assert told(each).items() <= row.items()
        assert row["org_name"] == organization.organization_name
        assert row["period_end"] == iso_day(each.measure_period.end)
        first, last = each.first_service_encounter, each.last_service_encounter
        assert row["first_service_encounter"] == (first and iso_day(first))
        assert row["last_service_encounter"] == (last and iso_day(last))


def test_csv_reads_back_as_what_is_stored(store: Store) -> None:
    keep(store, small_register().measurements)
    file = io.StringIO(newline="")
    assert write_csv(store.observations(Selection()), file) == 20
    assert file.getvalue().startswith("producer,measure_id,")
    back = list(csv.DictReader(io.StringIO(file.getvalue(), newline="")))
    stored = list(as_dicts(store.observations(Selection())))
    assert [{name: value or None for name, value in row.items()} for row in back] == [
        {name: None if value is None else str(value) for name, value in row.items()} for row in stored
    ]
    assert tuple(back[0]) == COLUMNS
    assert back[0]["fetched_at"] == "2026-03-01T12:00:00+00:00"


def test_csv_quotes_what_would_break_a_table(store: Store, tmp_path: Path) -> None:
    awkward = 'Unit "A", north\nsecond line; =1+1'
    found = measurement(share(3))
    organization = found.performing_organization
    renamed = type(organization)(
        awkward, organization.organization_type, organization.hsa_id, None, organization.as_organization_part_of
    )
    keep(store, [measurement(share(3), organization=renamed)])
    with (tmp_path / "out.csv").open("w", encoding="utf-8", newline="") as file:
        write_csv(store.observations(Selection()), file)
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        assert [row["org_name"] for row in csv.DictReader(file)] == [awkward]
