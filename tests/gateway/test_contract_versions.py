"""One register with every version on: a consumer of each gets the same facts, and nothing falls back (contract 1 to 3).

Over mutual TLS, directly and through the platform's simulator, as users run it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import permutations
from pathlib import Path

import pytest
from lxml import etree

from consumer.client import ProducerClient
from consumer.settings import ProducerConnection
from consumer.transport import HttpsSession
from contracts.codes import OID_MEASURE
from contracts.errors import EXIT_OK, FaultReceived, UnexpectedAnswer, UsageError
from contracts.model import (
    II,
    ContinuousVariableMeasure,
    DatePeriod,
    Measurement,
    MissingMeasure,
    QualityIndicatorsRequest,
)
from contracts.registry import CONTRACTS, ServiceContract
from gateway.cli import run
from gateway.demo_data import DEMO_HSA_ID, write_demo_file
from gateway.processes import free_port, running
from gateway.sections import consumer_settings, register_of
from gateway.settings import Settings
from producer.register import publications

SYSTEM = "SE9990001112-DEMO"
V1, V2, V3 = (CONTRACTS[f"GetQualityIndicators:{major}"] for major in (1, 2, 3))
ways = pytest.mark.parametrize("way", ["direct", "router"])


@dataclass(frozen=True, slots=True)
class Parties:
    """A working folder whose producer, with every version on, and router are running."""

    folder: Path
    producer_port: int
    router_port: int
    measure_ids: tuple[str, ...]
    period: DatePeriod
    published: frozenset[str]

    def connection(self, contract: ServiceContract, way: str = "direct") -> ProducerConnection:
        port, path = (self.router_port, "/vp") if way == "router" else (self.producer_port, contract.path)
        settings = consumer_settings(Settings.load(self.folder / "brygga.toml"))
        return replace(settings.connection(), endpoint=f"https://localhost:{port}{path}", contract=contract)

    def fetch(self, contract: ServiceContract, way: str, measure_ids: tuple[str, ...]) -> list[Measurement]:
        with ProducerClient(self.connection(contract, way)) as client, client.fetch(measure_ids, self.period) as answer:
            found = list(answer)
            assert client.checksum(measure_ids, self.period) == answer.head
        return found


@pytest.fixture(scope="module")
def parties(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parties]:
    folder = tmp_path_factory.mktemp("versions")
    producer_port, router_port = free_port(), free_port()
    demo = write_demo_file(folder / "results.csv", "small")
    ports = ["--port", str(producer_port), "--router-port", str(router_port), "--key-size", "2048"]
    names = ["--hsa-id", SYSTEM, "--register-hsa-id", DEMO_HSA_ID, "--name", "Prov"]
    config = ["--quiet", "--config", str(folder / "brygga.toml")]
    every = {
        "BRYGGA_PRODUCER_CONTRACTS": ",".join(contract.id for contract in (V1, V2, V3)),
        "BRYGGA_PRODUCER_ALLOW_RECONSTRUCTIONS": "true",
        "BRYGGA_ROUTER_ADMIN_PORT": "0",
    }
    assert run(["init", str(folder), *names, *ports, "--quiet"]) == EXIT_OK
    assert run(["register", "import", str(demo.path), *config]) == EXIT_OK
    with pytest.MonkeyPatch.context() as environment:
        for name, value in every.items():
            environment.setenv(name, value)
        assert run(["register", "publish", *config]) == EXIT_OK
    with register_of(Settings.load(folder / "brygga.toml")) as register:
        (publication,) = publications(register)
    start, end = demo.period
    with ExitStack() as servers:
        for part, port in (("producer", producer_port), ("router", router_port)):
            log = folder / f"{part}.log"
            servers.enter_context(running([part, "serve"], folder=folder, port=port, log=log, environment=every))
        yield Parties(
            folder,
            producer_port,
            router_port,
            tuple(sorted(measure.measure_id for measure in demo.measures)),
            DatePeriod(f"{start:%Y%m%d}", f"{end:%Y%m%d}"),
            frozenset(part.rendering for part in publication.contracts),
        )


def as_version_1(one: Measurement) -> Measurement:
    """Give what version 1 says of a fact of the register."""
    measure = one.measure
    if isinstance(measure, ContinuousVariableMeasure):
        measure = replace(measure, method="AVERAGE")
    elif isinstance(measure, MissingMeasure) and measure.reason_code in ("INV", "NI"):
        measure = MissingMeasure("UNK")
    return replace(one, measure=measure, source_system=None)


def test_versions_that_look_the_same_are_stored_once(parties: Parties) -> None:
    assert parties.published == {V1.id, V2.id}


@ways
def test_a_consumer_of_each_version_gets_the_same_facts(parties: Parties, way: str) -> None:
    of_1, of_2, of_3 = (parties.fetch(contract, way, parties.measure_ids) for contract in (V1, V2, V3))
    assert len(of_2) > 1000
    assert {type(one.measure).__name__ for one in of_2} >= {
        "ProportionMeasure",
        "ContinuousVariableMeasure",
        "CohortMeasure",
        "MissingMeasure",
    }
    assert of_2 == of_3
    assert of_1 == [as_version_1(one) for one in of_2]


def test_a_question_of_version_1_without_an_indicator_is_for_every_one(parties: Parties) -> None:
    assert parties.fetch(V1, "direct", ()) == parties.fetch(V1, "direct", parties.measure_ids)
    with ProducerClient(parties.connection(V2)) as client, pytest.raises(UsageError, match="Only version 1"):
        client.checksum((), parties.period)


def test_versions_that_share_their_bytes_share_the_checksum(parties: Parties) -> None:
    def checksum(contract: ServiceContract) -> str:
        with ProducerClient(parties.connection(contract)) as client:
            return client.checksum(parties.measure_ids[:1], parties.period).measurement_checksum

    assert checksum(V2) == checksum(V3) != checksum(V1)


@pytest.mark.parametrize(
    ("contract", "served"), list(permutations((V1, V2, V3), 2)), ids=lambda contract: contract.id.rpartition(":")[2]
)
def test_another_version_gets_a_fault_and_no_fall_back(
    parties: Parties, contract: ServiceContract, served: ServiceContract
) -> None:
    connection = replace(parties.connection(served), contract=contract)
    with ProducerClient(connection) as client, pytest.raises(FaultReceived) as fault:
        client.checksum(parties.measure_ids[:1], parties.period)
    assert fault.value.remote_fault_code == "Client"
    assert "unknown-operation" in fault.value.detail


def test_a_version_that_is_not_served_has_no_path(parties: Parties) -> None:
    connection = parties.connection(V2)
    other = replace(connection, endpoint=connection.endpoint.replace("/2/", "/4/"))
    with ProducerClient(other) as client, pytest.raises((UnexpectedAnswer, FaultReceived)) as refused:
        client.checksum(parties.measure_ids[:1], parties.period)
    assert "404" in refused.value.message


def test_the_platform_knows_no_route_for_an_unknown_version(parties: Parties) -> None:
    connection = parties.connection(V2, "router")
    ids = (II(OID_MEASURE, parties.measure_ids[0]),)
    message = V2.codec.write_request(SYSTEM, QualityIndicatorsRequest(ids, parties.period, False))
    namespace = V2.responder_namespace.encode()
    assert namespace in message
    session = HttpsSession(connection)
    answer = session.post(
        message.replace(namespace, namespace[:-1] + b"9"), {"Content-Type": "text/xml; charset=UTF-8"}
    )
    fault = etree.fromstring(answer.content).findtext(".//faultstring")
    session.close()
    assert answer.status_code == 500
    assert (fault or "").startswith("VP004")


def test_the_platform_routes_on_the_namespace_whatever_the_action_says(parties: Parties) -> None:
    # A consumer of version 3 gets version 3, never what another version's route has.
    with ProducerClient(parties.connection(V3, "router")) as client:
        assert client.checksum(parties.measure_ids[:1], parties.period).reporting_system.hsa_id == SYSTEM


def test_wsdl_of_each_version_is_served_and_the_reconstruction_says_so(parties: Parties) -> None:
    for contract in (V1, V2, V3):
        session = HttpsSession(parties.connection(contract))
        document = session._session.get(
            f"https://localhost:{parties.producer_port}{contract.path}?wsdl", timeout=10
        ).text
        session.close()
        assert contract.wsdl_namespace in document
        assert ("RECONSTRUCTION" in document) == contract.is_reconstruction


@ways
@pytest.mark.parametrize("contract", [V1, V3], ids=lambda contract: contract.id)
def test_the_suites_of_each_version_pass(parties: Parties, contract: ServiceContract, way: str) -> None:
    report = parties.folder / f"report-{contract.major}-{way}.json"
    ids = [part for measure in parties.measure_ids[:3] for part in ("--measure-id", measure)]
    exit_code = run(
        [
            *("suite", "run", "-q", "--config", str(parties.folder / "brygga.toml"), "--contract", contract.id),
            *("--url", parties.connection(contract, way).endpoint, *ids, "--skip", "hostile", "--sla-calls", "3"),
            *("--from", parties.period.start, "--to", parties.period.end, "--report-json", str(report)),
            *(("--through-platform",) if way == "router" else ()),
        ]
    )
    cases = json.loads(report.read_text())["cases"]
    failed = "\n".join(
        f"{case['id']}: {case['summary']['en']}" for case in cases if case["status"] in ("failed", "error")
    )
    assert exit_code == EXIT_OK, failed
    assert sum(case["status"] == "passed" for case in cases) > 30


@pytest.mark.slow
def test_hostile_input_of_version_1_is_answered_as_it_should_be(parties: Parties) -> None:
    report = parties.folder / "hostile.json"
    run(
        [
            *("suite", "run", "-q", "--config", str(parties.folder / "brygga.toml"), "--contract", V1.id),
            *("--url", parties.connection(V1).endpoint, "--measure-id", parties.measure_ids[0], "--only", "hostile"),
            *("--from", parties.period.start, "--to", parties.period.end, "--report-json", str(report)),
        ]
    )
    cases = json.loads(report.read_text())["cases"]
    assert [f"{case['id']}: {case['summary']['en']}" for case in cases if case["status"] in ("failed", "error")] == []
    assert sum(case["status"] == "passed" for case in cases) > 150
