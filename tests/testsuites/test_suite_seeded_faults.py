"""Each seeded fault of the mock makes the suites fail and name its rule and place; the whole mock passes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from suite_runs import ALL_IDS, Ran, run_target, target_of

from contracts.errors import EXIT_FINDINGS, EXIT_OK
from contracts.registry import CONTRACTS, ServiceContract
from testsuites.endpoint import Endpoint
from testsuites.mock.faults import MockFault, mock_faults
from testsuites.mock.server import running_mock
from testsuites.mock.shapes import catalogue
from testsuites.model import Status
from testsuites.record import Recorder

#: Rules that only the wire suite judges; for the others it is left out, to be quick.
ON_THE_WIRE = ("http", "content-type", "charset", "envelope", "fault", "leak", "same-answer", "version")
VERSIONS = [contract for contract in CONTRACTS.values() if contract.interaction == "GetQualityIndicators"]
FAULTS = [fault for fault in mock_faults().values() if fault.needs != "since" and not fault.is_distributed]


def test_whole_mock_passes_without_a_remark(run_mock: Callable[..., Ran]) -> None:
    ran = run_mock(catalogue=catalogue())
    assert ran.failed_checks() == []
    assert ran.totals.remark == 0
    assert ran.totals.exit_code == EXIT_OK
    assert ran.totals.executed >= 45


@pytest.mark.parametrize("contract", VERSIONS, ids=lambda contract: contract.id)
def test_suites_pass_on_the_mock_of_every_contract_version(contract: ServiceContract) -> None:
    ids = tuple(name for name in ALL_IDS if contract.major > 1 or "Sjukvardsregion" not in name)
    with running_mock(contract=contract) as server:
        ran = run_target(target_of(server.url, ids, contract=contract))
    assert ran.failed_checks() == []
    assert ran.totals.exit_code == EXIT_OK


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
def test_seeded_fault_is_named_with_rule_and_place(fault: MockFault, run_mock: Callable[..., Ran]) -> None:
    skip = () if fault.rule in ON_THE_WIRE else ("wire",)
    ran = run_mock(fault, catalogue() if fault.needs == "catalogue" else None, skip=("hostile", "sla", *skip))
    assert ran.totals.exit_code == EXIT_FINDINGS
    named = [where for rule, where in ran.failed_checks() if rule == fault.rule]
    assert any(fault.where in where for where in named), f"{fault.rule} at {fault.where} not in {ran.failed_checks()}"


def test_there_are_faults_for_every_rule() -> None:
    rules = {fault.rule for fault in mock_faults().values()}
    assert {f"1.{n}" for n in (1, 2, *range(3, 15))} | {f"1.2.{n}" for n in range(1, 7)} <= rules
    assert len(mock_faults()) >= 40


def test_checksum_that_ignores_a_change_is_found_against_an_earlier_recording(tmp_path: Path) -> None:
    fault = mock_faults()["checksum-ignores-change"]
    before = MockFault("before", "", behaviour=type(fault.behaviour)(has_checksum_of_keys=True))
    with running_mock(fault=before) as server:
        target = target_of(server.url)
        run_target(target, transport=Recorder(Endpoint(target.access), tmp_path / "rec", target, is_masked=False))
    with running_mock(fault=fault) as server:
        ran = run_target(target_of(server.url, since=tmp_path / "rec"), only=("checksum.since",))
    assert ("checksum", "AggregatedQualityReport/measurementChecksum") in ran.failed_checks()


def test_changed_values_with_a_changed_checksum_hold_against_an_earlier_recording(tmp_path: Path) -> None:
    with running_mock() as server:
        target = target_of(server.url)
        run_target(target, transport=Recorder(Endpoint(target.access), tmp_path / "rec", target, is_masked=False))
    revised = MockFault("revised", "", behaviour=type(mock_faults()["reset"].behaviour)(revision=7))
    with running_mock(fault=revised) as server:
        ran = run_target(target_of(server.url, since=tmp_path / "rec"), only=("checksum.since",))
    assert ran.status("checksum.since") is Status.PASSED
    assert any("both changed" in check.text.en for check in ran.outcome("checksum.since").checks)
