"""The suites of GetDistributedQualityReport: a good producer passes, each seeded fault is named with rule and place."""

from __future__ import annotations

from pathlib import Path

import pytest
import suite_runs
from lxml import etree
from suite_runs import Ran, run_target, target_of

from contracts.errors import EXIT_FINDINGS, EXIT_OK
from contracts.model import DatePeriod
from contracts.registry import GET_DISTRIBUTED_QUALITY_REPORT_3 as CONTRACT
from testsuites.answer import read_answer
from testsuites.endpoint import Endpoint
from testsuites.exchange import Body, Exchange, HttpRequest
from testsuites.mock.answers import AnswerWriter
from testsuites.mock.distributed import DISTRIBUTED_SHAPES, shapes_of
from testsuites.mock.faults import MockFault, mock_faults
from testsuites.mock.server import running_mock
from testsuites.mock.shapes import catalogue, measure_id_of
from testsuites.model import Status
from testsuites.record import Recorder, Recording, Replay
from testsuites.splitter import Piece, ReportSplitter
from testsuites.target import Target

HBA1C, PRESSURE, FEW = (measure_id_of(shape) for shape in DISTRIBUTED_SHAPES)
PERIOD = DatePeriod("20231215", "20240215")
FAULTS = [fault for fault in mock_faults().values() if fault.is_distributed]
OF_ALL = [fault for fault in mock_faults().values() if not (fault.is_distributed or fault.needs == "since")]
FILTER_CHECKS = {"unit-filter", "stratification", "same-measurements", "distribution", "same-answer", "soap"}
FILTER_CHECKS |= {"reference-values", "no-measurements", "checksum"}


def target_at(url: str, *ids: str, **options: object) -> Target:
    return target_of(url, ids or (HBA1C, PRESSURE), **{"period": PERIOD, "contract": CONTRACT, **options})


def run_mock(fault: MockFault | None = None, *ids: str, only: tuple[str, ...] = (), **options: object) -> Ran:
    served = {} if fault is None else {"fault": fault}
    with running_mock(contract=CONTRACT, **served) as server:
        return run_target(target_at(server.url, *ids, **options), only=only)


def test_good_producer_passes_without_a_remark_and_what_does_not_apply_says_why() -> None:
    ran = run_mock(catalogue=catalogue(shapes_of(CONTRACT)))
    assert ran.failed_checks() == []
    assert ran.totals.remark == 0
    assert ran.totals.exit_code == EXIT_OK
    assert ran.totals.executed >= 65
    skipped = {outcome.case.id: outcome.summary.en for outcome in ran.finished.of_status(Status.SKIPPED)}
    assert set(skipped) == {
        "published.testcase1",
        "published.testcase2",
        "protocol.3.1",
        "schematron.tester",
        "checksum.since",
        "wire.mutual-tls",
        "wire.tls-version",
    }
    assert "No test suite of this contract is published" in skipped["published.testcase1"]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
def test_seeded_fault_is_named_with_rule_and_place(fault: MockFault) -> None:
    ran = run_mock(fault, HBA1C, only=(f"distributed.{fault.rule}" if fault.rule[:2] == "D." else "distributed",))
    checks = [check for outcome in ran.finished.outcomes for check in outcome.checks]
    wanted = Status.REMARK if fault.rule == "D.9" else Status.FAILED
    named = [(check.rule, check.where) for check in checks if check.status is wanted]
    assert any(rule == fault.rule and fault.where in where for rule, where in named), named
    assert ran.totals.exit_code == (EXIT_OK if fault.rule == "D.9" else EXIT_FINDINGS)


def test_there_are_faults_of_every_rule_and_filter() -> None:
    assert {fault.rule for fault in FAULTS} == {f"D.{number}" for number in range(1, 11)} | FILTER_CHECKS


@pytest.mark.slow
@pytest.mark.parametrize("fault", OF_ALL, ids=lambda fault: fault.id)
def test_faults_of_every_contract_are_named_here_too(fault: MockFault) -> None:
    names = tuple(measure_id_of(shape) for shape in shapes_of(CONTRACT) if not shape.is_checksum_only)
    known = catalogue(shapes_of(CONTRACT)) if fault.needs == "catalogue" else None
    ran = run_mock(fault, *names, catalogue=known, period=suite_runs.PERIOD)
    where = fault.where.replace("Aggregated", "Distributed").lower()
    named = [place.lower() for rule, place in ran.failed_checks() if rule == fault.rule]
    assert any(where in place for place in named), ran.failed_checks()


def test_fault_of_the_schema_is_placed_by_this_contracts_names() -> None:
    ran = run_mock(mock_faults()["missing-source-system"], HBA1C, only=("schema",))
    assert ("schema.missing", "distributedMeasurement[1]") in ran.failed_checks()
    ran = run_mock(mock_faults()["other-system"], HBA1C, only=("protocol.2.1",))
    assert ("reporting-system", "DistributedQualityReport/reportingSystem/hsaId") in ran.failed_checks()


def test_too_few_units_for_reference_values_is_no_failure_and_told() -> None:
    ran = run_mock(None, FEW, only=("distributed",))
    assert ran.totals.failed == 0
    skipped = {outcome.case.id: outcome.summary.en for outcome in ran.finished.of_status(Status.SKIPPED)}
    assert set(skipped) == {"distributed.references", "distributed.D.8"}
    assert "No indicator and period has values of 5 care units" in skipped["distributed.references"]


def test_totals_alone_pass_and_what_nothing_is_judged_by_is_not_green() -> None:
    ran = run_mock(None, "Response-Land", "Response-VE-Lan-Land", only=("distributed",))
    assert ran.totals.failed == 0
    assert {ran.status(f"distributed.D.{number}") for number in (1, 2, 3, 5, 6, 7, 8, 9, 10)} == {Status.SKIPPED}
    assert ran.status("distributed.unit") is Status.PASSED
    assert ran.status("distributed.two-units") is Status.SKIPPED
    assert ran.status("distributed.no-distribution") is Status.REMARK


def test_masked_recording_is_judged_as_the_run_was(tmp_path: Path) -> None:
    with running_mock(contract=CONTRACT) as server:
        target = target_at(server.url, HBA1C)
        recorder = Recorder(Endpoint(target.access), tmp_path / "rec", target, is_masked=True)
        run = run_target(target, only=("distributed",), transport=recorder)
    recording = Recording.open(tmp_path / "rec")
    replayed = target_at(server.url, HBA1C, logical_address=recording.logical_address)
    again = run_target(replayed, only=("distributed",), transport=Replay(recording))
    assert again.failed_checks() == []
    assert again.totals == run.totals
    assert b"SE9990001112-E1" not in b"".join(file.read_bytes() for file in tmp_path.rglob("*.xml"))


def test_reference_values_are_read_counted_and_judged() -> None:
    target = target_at("http://127.0.0.1:9/", HBA1C)
    content = AnswerWriter(CONTRACT).answer(CONTRACT.codec.write_request("SE9990001112-PROD", target.request()))
    broken = content.replace(b"<c:unitCount>5<", b"<c:unitCount>4<")
    body = Body(broken)
    answer = read_answer(Exchange(HttpRequest("http://test"), 200, body=body), CONTRACT, target.request())
    body.close()
    assert [(check.rule, check.where) for check in answer.findings] == [("D.8", "referenceMeasurement[1]/unitCount")]
    assert (answer.measurement_count, answer.parts.references.count) == (6, 1)
    assert answer.parts.most_compared == 5
    assert {kind: seen.count for kind, seen in answer.parts.subgroups.items()} == {"SEX": 12, "AGE": 10, "SEX_AGE": 20}


@pytest.mark.parametrize("size", [1, 4, 6, 100])
def test_pieces_hold_measurements_and_reference_values_once_in_order(size: int) -> None:
    target = target_at("http://127.0.0.1:9/")
    content = AnswerWriter(CONTRACT).answer(CONTRACT.codec.write_request("SE9990001112-PROD", target.request()))
    splitter = ReportSplitter(CONTRACT, size)
    pieces = [item for item in splitter.feed(content) if isinstance(item, Piece)]
    pieces.append(splitter.close())
    tags = CONTRACT.codec.tags.repeated
    found = [[child.tag for child in piece.envelope.iter(*tags)] for piece in pieces]
    whole = [child.tag for child in etree.fromstring(content).iter(*tags)]
    assert [tag for tags_of_piece in found for tag in tags_of_piece] == whole
    assert all(len(tags_of_piece) <= size for tags_of_piece in found)
    for number, piece in enumerate(pieces):
        before = [tag for tags_of_piece in found[:number] for tag in tags_of_piece]
        assert piece.first == {etree.QName(tag).localname: before.count(tag) + 1 for tag in tags}


def test_a_version_without_a_route_gets_the_platforms_fault_or_a_remark() -> None:
    ran = run_mock(None, HBA1C, only=("wire.fault-version",), is_through_platform=True)
    assert ran.status("wire.fault-version") is Status.REMARK
    ran = run_mock(MockFault("vp", "", http=type(FAULTS[0].http)(vp_code="VP004")), only=("wire.fault-version",))
    assert ran.status("wire.fault-version") is Status.PASSED
