"""The project's own consumer and producer, which work directly, work through the router unchanged.

Over mutual TLS with another certificate on each leg, in both modes, with the catalogue that `brygga init` writes.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import requests
import zeep
import zeep.transports

from certs.tls import TlsFiles
from consumer.client import ProducerClient
from consumer.settings import ProducerConnection
from contracts.codes import OID_MEASURE
from contracts.errors import PlatformFault
from contracts.model import DatePeriod
from contracts.registry import GET_QUALITY_INDICATORS_2 as CONTRACT
from gateway import workspace
from gateway.demo_data import DEMO_HSA_ID, DemoFile, write_demo_file
from gateway.processes import free_port, running
from gateway.sections import router_settings
from gateway.settings import Settings
from producer.register import open_register
from producer.register.importer import import_vis
from producer.register.publication import publish
from router.embedded import RunningRouter, running_router

SYSTEM = "SE9990001112-DEMO"


@dataclass(frozen=True, slots=True)
class Desk:
    """A working folder with a running producer."""

    folder: Path
    producer_url: str
    demo: DemoFile

    def tls(self, role: str) -> TlsFiles:
        certs = self.folder / "certs"
        return TlsFiles(certs / f"{role}.pem", certs / f"{role}.key", certs / "authority" / "trust.pem")

    def connection(self, base_url: str, role: str = "consumer") -> ProducerConnection:
        return ProducerConnection(base_url + CONTRACT.path, SYSTEM, self.tls(role))

    @property
    def question(self) -> tuple[list[str], DatePeriod]:
        start, end = self.demo.period
        return [self.demo.measures[0].measure_id], DatePeriod(f"{start:%Y%m%d}", f"{end:%Y%m%d}")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("end-to-end") / "desk"
    port = free_port()
    workspace.create(
        folder,
        hsa_id=SYSTEM,
        name="Test",
        organization_hsa_id=DEMO_HSA_ID,
        producer_port=port,
        router_port=free_port(),
        key_size=2048,
    )
    demo = write_demo_file(folder / "results.csv")
    with open_register(f"sqlite:///{folder / 'register.db'}", create=True) as register:
        import_vis(register, demo.path)
        publish(register)
    with running(["producer", "serve", "--workers", "1"], folder=folder, port=port, log=folder / "producer.log"):
        yield Desk(folder, f"https://localhost:{port}", demo)


@pytest.fixture(scope="module", params=["strict", "compat"])
def router(desk: Desk, request: pytest.FixtureRequest) -> Iterator[RunningRouter]:
    settings = router_settings(Settings.load(desk.folder / "brygga.toml", environment={}))
    with running_router(replace(settings, mode=request.param, https_port=0, admin_port=None)) as one:
        yield one


def url_of(router: RunningRouter) -> str:
    assert router.https_url is not None
    return router.https_url.replace("127.0.0.1", "localhost")


def fetch(desk: Desk, base_url: str) -> tuple[bytes, int]:
    raw = io.BytesIO()
    with ProducerClient(desk.connection(base_url)) as client, client.fetch(*desk.question, raw=raw) as answer:
        count = sum(1 for _ in answer)
    return raw.getvalue(), count


def test_answer_through_the_router_is_the_producers_byte_for_byte(desk: Desk, router: RunningRouter) -> None:
    direct, count = fetch(desk, desk.producer_url)
    assert count > 10
    assert fetch(desk, url_of(router)) == (direct, count)
    record = router.calls()[-1]
    assert (record.outcome, record.receiver, record.contract) == ("ok", SYSTEM, CONTRACT.responder_namespace)
    assert record.sender == "SE9990001112-TESTCONSUMER"


def test_caller_without_permission_gets_vp007_as_a_typed_error(desk: Desk, router: RunningRouter) -> None:
    """The router's own certificate is allowed at the producer, but nobody has ordered it a permission as a caller."""
    with ProducerClient(desk.connection(url_of(router), "router")) as client:
        with pytest.raises(PlatformFault) as caught:
            client.checksum(*desk.question)
        assert caught.value.vp_code == "VP007"


def test_plain_zeep_client_made_from_the_routers_wsdl(desk: Desk, router: RunningRouter) -> None:
    session = requests.Session()
    session.trust_env = False
    tls = desk.tls("consumer")
    session.cert, session.verify = (str(tls.certificate), str(tls.private_key)), str(tls.ca)
    path = f"{url_of(router)}{CONTRACT.path}?wsdl"
    try:
        client = zeep.Client(path, transport=zeep.transports.Transport(session=session))
        ids, period = desk.question
        answer = client.service.GetQualityIndicators(
            _soapheaders={"LogicalAddress": SYSTEM},
            measureId=[{"root": OID_MEASURE, "extension": ids[0]}],
            reportingPeriod={"start": period.start, "end": period.end},
        )
    finally:
        session.close()
    with ProducerClient(desk.connection(desk.producer_url)) as direct:
        assert (
            answer.AggregatedQualityReport.measurementChecksum == direct.checksum(*desk.question).measurement_checksum
        )
