"""The suites of every contract version on this project's own producer and router, over mutual TLS; and hostile input.

One register serves every version side by side.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from contracts.errors import EXIT_FINDINGS, EXIT_OK
from contracts.registry import CONTRACTS, GET_QUALITY_INDICATORS_2, ServiceContract
from gateway.cli import run
from gateway.demo_data import DEMO_HSA_ID, write_demo_file
from gateway.distributed_demo import INDICATORS, write_distributed_demo
from gateway.processes import free_port, run_command, running

SYSTEM = "SE9990001112-DEMO"
USUAL = GET_QUALITY_INDICATORS_2
EVERY_VERSION = pytest.mark.parametrize("contract", CONTRACTS.values(), ids=lambda contract: contract.id)
SERVED = f"contracts = {json.dumps(list(CONTRACTS))}\nallow_reconstructions = true"
UNITS = 7
DISTRIBUTED_PERIOD = date(2024, 1, 1), date(2025, 12, 31)
#: Without the catalogue only their form can be judged.
NEEDS_CATALOGUE = {"protocol.1.6", "protocol.1.7"}
#: What no run can judge without more from the tester, and what a version does not have.
NOT_RUN = {"protocol.3.1", "schematron.tester", "checksum.since"}
NOT_IN_VERSION = {
    "GetQualityIndicators:1": {"rules.1.12"},
    "GetDistributedQualityReport:3": {"published.testcase1", "published.testcase2"},
}


@dataclass(frozen=True, slots=True)
class Parties:
    """A working folder with a running producer and router; ``data`` are the test data of each interaction."""

    folder: Path
    producer: str
    router_url: str
    data: Mapping[str, tuple[str, ...]]

    def producer_url(self, contract: ServiceContract = USUAL) -> str:
        return f"{self.producer}{contract.path}"


@pytest.fixture(scope="module")
def parties(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parties]:
    folder = tmp_path_factory.mktemp("parties")
    producer_port, router_port = free_port(), free_port()
    demo = write_demo_file(folder / "results.csv", "small")
    write_distributed_demo(folder / "distributed.csv", units=UNITS)
    ports = ["--port", str(producer_port), "--router-port", str(router_port), "--key-size", "2048"]
    names = ["--hsa-id", SYSTEM, "--register-hsa-id", DEMO_HSA_ID, "--name", "Prov"]
    assert run_command(["init", ".", *names, *ports], folder=folder).exit_code == 0
    settings = folder / "brygga.toml"
    settings.write_text(settings.read_text().replace(f'contracts = ["{USUAL.id}"]', SERVED))
    for command in ("register import results.csv", "distributed import distributed.csv", "register publish"):
        assert run_command(command.split(), folder=folder).exit_code == 0, command
    data = {
        USUAL.interaction: arguments([measure.measure_id for measure in demo.measures[:3]], *demo.period),
        "GetDistributedQualityReport": arguments([one.measure_id for one in INDICATORS], *DISTRIBUTED_PERIOD),
    }
    any_port = {"BRYGGA_ROUTER_ADMIN_PORT": "0"}
    with ExitStack() as servers:
        for part, port in (("producer", producer_port), ("router", router_port)):
            log = folder / f"{part}.log"
            servers.enter_context(running([part, "serve"], folder=folder, port=port, log=log, environment=any_port))
        yield Parties(folder, f"https://localhost:{producer_port}", f"https://localhost:{router_port}/vp", data)


def arguments(measure_ids: Sequence[str], start: date, end: date) -> tuple[str, ...]:
    ids = [part for measure_id in measure_ids for part in ("--measure-id", measure_id)]
    return (*ids, "--from", f"{start:%Y-%m-%d}", "--to", f"{end:%Y-%m-%d}", "--sla-calls", "5")


def suite(parties: Parties, *arguments: str, contract: ServiceContract = USUAL) -> tuple[int, dict[str, str], str]:
    """Run ``brygga suite run``; give its exit code, the status of each case, and what failed."""
    report = parties.folder / "report.json"
    exit_code = run(
        [
            *("suite", "run", "-q", "--config", str(parties.folder / "brygga.toml")),
            *("--report-json", str(report), "--contract", contract.id),
            *(*parties.data[contract.interaction], *arguments),
        ]
    )
    cases = json.loads(report.read_text())["cases"]
    failed = "\n".join(f"{c['id']}: {c['summary']['en']}" for c in cases if c["status"] in ("failed", "error"))
    return exit_code, {case["id"]: case["status"] for case in cases}, failed


@EVERY_VERSION
def test_suite_passes_on_the_producer_directly(parties: Parties, contract: ServiceContract) -> None:
    exit_code, status, failed = suite(parties, "--url", parties.producer_url(contract), contract=contract)
    assert exit_code == EXIT_OK, failed
    not_run = {name for name, value in status.items() if value == "skipped"}
    assert not_run == NOT_RUN | NOT_IN_VERSION.get(contract.id, set())
    assert {name for name, value in status.items() if value == "remark"} == NEEDS_CATALOGUE
    assert ("distributed.references" in status) == (contract.id == "GetDistributedQualityReport:3")


@EVERY_VERSION
def test_suite_passes_through_the_router(parties: Parties, contract: ServiceContract) -> None:
    exit_code, status, failed = suite(
        parties, "--url", parties.router_url, "--through-platform", "--skip", "sla", contract=contract
    )
    assert exit_code == EXIT_OK, failed
    assert status["protocol.3.1"] == "passed"
    assert {name for name, value in status.items() if value == "remark"} == NEEDS_CATALOGUE


def test_change_between_two_recordings_is_seen_in_the_checksum(parties: Parties) -> None:
    first = parties.folder / "first"
    assert suite(parties, "--url", parties.producer_url(), "--record", str(first), "--only", "protocol.2")[0] == EXIT_OK
    exit_code, status, failed = suite(
        parties, "--url", parties.producer_url(), "--since", str(first), "--only", "checksum"
    )
    assert (exit_code, status["checksum.since"]) == (EXIT_OK, "passed"), failed


def test_hostile_cases_are_run_when_asked_for(parties: Parties) -> None:
    arguments = ("--url", parties.producer_url(), "--only", "hostile.B0*", "--only", "hostile.C0*")
    exit_code, status, failed = suite(parties, *arguments)
    assert exit_code == EXIT_OK, failed
    assert len([value for name, value in status.items() if name.startswith("hostile") and value == "passed"]) > 20


@pytest.mark.slow
@EVERY_VERSION
def test_every_hostile_case_passes(parties: Parties, contract: ServiceContract) -> None:
    bad = parties.folder / "certs" / "bad"
    if not bad.exists():
        command = ["certs", "bad-set", "--hsa-id", "SE9990001112-TESTCONSUMER", "--dns-name", "localhost"]
        assert run_command(command, folder=parties.folder).exit_code == 0
    given = ("--url", parties.producer_url(contract), "--only", "hostile", "--bad-certificates", str(bad))
    exit_code, status, failed = suite(parties, *given, contract=contract)
    assert exit_code == EXIT_OK, failed
    assert list(status.values()).count("passed") > 200


def test_producer_that_does_not_know_the_indicators_fails_clearly(parties: Parties) -> None:
    unknown = ("--measure-id", "no-such-indicator", "--from", "2024-01-01", "--to", "2024-12-31")
    report = parties.folder / "unknown.json"
    settings = str(parties.folder / "brygga.toml")
    arguments = ("--url", parties.producer_url(), "--only", "protocol.2.1", "--report-json", str(report))
    assert run(["suite", "run", "-q", "--config", settings, *arguments, *unknown]) == EXIT_FINDINGS
    assert "There is no measurement of no-such-indicator" in report.read_text()
