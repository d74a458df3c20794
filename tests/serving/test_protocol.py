"""The contract's test protocol 2.1-2.7 (contract reference 7) over real mutual TLS, with a raw client."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import pytest
from lxml import etree
from server_process import ServerProcess
from serving_parties import CONSUMER, GOOD, SYSTEM

from contracts.checksum import EMPTY_CHECKSUM
from contracts.codes.oids import OID_MEASURE
from contracts.messages.reader import ReportReader
from contracts.model import II, DatePeriod, Measurement, QualityIndicatorsRequest, ReportHead
from contracts.registry import GET_QUALITY_INDICATORS_2
from contracts.validation import schema_of
from gateway.demo_data import DemoFile
from testsuites.hostile import HostileCase, Peer, Variables, run

CODEC = GET_QUALITY_INDICATORS_2.codec
EMPTY_PERIOD = DatePeriod("19900101", "19901231")


@dataclass(frozen=True, slots=True)
class Report:
    """An answer as a consumer reads it."""

    head: ReportHead
    measurements: list[Measurement]


@pytest.fixture
def ask(peer: Peer, variables: Variables, demo: DemoFile):
    """Ask for the first ``known`` indicators of the demo file and ``unknown`` ones."""

    def ask(known: int, period: DatePeriod, *, unknown: int = 0, include: bool = True) -> Report:
        ids = [II(OID_MEASURE, one.measure_id) for one in demo.measures[:known]]
        ids += [II(OID_MEASURE, f"unknown-{number}") for number in range(unknown)]
        message = CODEC.write_request(SYSTEM, QualityIndicatorsRequest(tuple(ids), period, include))
        case = HostileCase("question", "a question", ("answer",), builder="text", arguments={"text": message.decode()})
        outcome = run(case, variables, peer)
        assert (outcome.kind, outcome.status) == ("answer", 200)
        assert outcome.headers["content-type"] == "text/xml; charset=UTF-8"
        response = etree.fromstring(outcome.body)[0][0]
        schema = schema_of(GET_QUALITY_INDICATORS_2)
        assert schema.validate(response), schema.error_log
        reader = ReportReader(CODEC)
        measurements = list(reader.feed(outcome.body))
        return Report(reader.close(), measurements)

    return ask


@pytest.fixture
def period(variables: Variables) -> DatePeriod:
    return DatePeriod(variables.start, variables.end)


def span(measurements: list[Measurement]) -> DatePeriod:
    periods = [one.measure_period for one in measurements]
    return DatePeriod(min(one.start for one in periods), max(one.end for one in periods))


def test_2_1_one_indicator_gives_its_measurements_and_their_span(ask, period: DatePeriod, demo: DemoFile) -> None:
    report = ask(1, period)
    assert len(report.head.measurement_checksum) == 64
    assert report.head.measurement_checksum != EMPTY_CHECKSUM
    assert {one.measure_id for one in report.measurements} == {II(OID_MEASURE, demo.measures[0].measure_id)}
    assert report.head.reporting_period == span(report.measurements)
    assert report.head.reporting_system.hsa_id == SYSTEM
    assert report.head.reporting_organization.hsa_id == "SE9990001112-0001"


def test_2_2_and_2_5_give_the_same_checksum_with_and_without_measurements(ask, period: DatePeriod) -> None:
    full, polled = ask(3, period), ask(3, period, include=False)
    assert len({one.measure_id for one in full.measurements}) == 3
    assert polled.measurements == []
    assert polled.head == full.head


def test_2_3_and_2_4_give_the_checksum_of_nothing_for_an_empty_period(ask) -> None:
    full, polled = ask(3, EMPTY_PERIOD), ask(3, EMPTY_PERIOD, include=False)
    assert full == polled
    assert full.measurements == []
    assert full.head.measurement_checksum == EMPTY_CHECKSUM
    assert full.head.reporting_period == EMPTY_PERIOD


def test_2_6_gives_the_checksum_of_nothing_for_an_unknown_indicator(ask, period: DatePeriod) -> None:
    report = ask(0, period, unknown=1)
    assert report.measurements == []
    assert report.head.measurement_checksum == EMPTY_CHECKSUM
    assert report.head.reporting_period == period


def test_2_7_an_unknown_indicator_among_known_ones_changes_nothing(ask, period: DatePeriod) -> None:
    assert ask(3, period, unknown=1) == ask(3, period)


def test_only_periods_wholly_inside_the_requested_one_are_returned(ask, period: DatePeriod) -> None:
    everything = ask(1, period)
    whole = everything.measurements[0].measure_period
    inside = ask(1, whole)
    assert inside.measurements
    assert all(one.measure_period.start >= whole.start for one in inside.measurements)
    assert all(one.measure_period.end <= whole.end for one in inside.measurements)
    day_less = DatePeriod(whole.start, str(int(whole.end) - 1))
    assert all(one.measure_period != whole for one in ask(1, day_less).measurements)


def test_every_answer_is_logged_with_its_facts(server: ServerProcess, peer: Peer, variables: Variables) -> None:
    asked = dataclasses.replace(GOOD, headers={"x-skltp-correlation-id": "test-of-the-log"})
    outcome = run(asked, variables, peer)
    line = server.line_of("test-of-the-log")
    assert line["event"] == "request"
    assert line["outcome"] == "ok"
    assert line["sender"] == CONSUMER
    assert line["logical_address"] == SYSTEM
    assert line["measurement_count"] == outcome.body.count(b"<c:measurement>") > 0
    assert line["tls"] == "TLSv1.3"
    assert line["bytes_in"] == len(asked.body(variables))
    assert line["bytes_out"] == len(outcome.body)
    assert line["ms"] > 0
