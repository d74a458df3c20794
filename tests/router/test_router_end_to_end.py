"""The project's own consumer and producer, which work directly, work through the router unchanged.

Over mutual TLS with another certificate on each leg, in both modes, with the catalogue that `brygga init` writes; every
contract version, and what happens to those that the catalogue does not list.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
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
from contracts.distributed_model import DistributedReportRequest
from contracts.errors import PlatformFault
from contracts.model import II, DatePeriod, QualityIndicatorsRequest, ReportingParty
from contracts.registry import CONTRACTS, GET_DISTRIBUTED_QUALITY_REPORT_3, ServiceContract
from contracts.registry import GET_QUALITY_INDICATORS_2 as CONTRACT
from gateway import workspace
from gateway.demo_data import DEMO_HSA_ID, DemoFile, write_demo_file
from gateway.distributed_demo import INDICATORS, write_distributed_demo
from gateway.processes import free_port, running
from gateway.sections import router_settings
from gateway.settings import Settings
from producer.register import open_register
from producer.register.distributed.importer import import_distributed
from producer.register.importer import import_vis
from producer.register.publication import publish
from router.catalogue import Catalogue, read_catalogue, write_catalogue
from router.embedded import RunningRouter, running_router

SYSTEM = "SE9990001112-DEMO"
CONSUMER = "SE9990001112-TESTCONSUMER"


@dataclass(frozen=True, slots=True)
class Desk:
    """A working folder with a running producer."""

    folder: Path
    producer_url: str
    demo: DemoFile

    def tls(self, role: str) -> TlsFiles:
        certs = self.folder / "certs"
        return TlsFiles(certs / f"{role}.pem", certs / f"{role}.key", certs / "authority" / "trust.pem")

    def connection(
        self, base_url: str, role: str = "consumer", contract: ServiceContract = CONTRACT
    ) -> ProducerConnection:
        return ProducerConnection(base_url + contract.path, SYSTEM, self.tls(role), contract)

    def request(self, contract: ServiceContract) -> QualityIndicatorsRequest:
        """Give a question of a version that has an answer."""
        ids, period = self.question
        if contract == GET_DISTRIBUTED_QUALITY_REPORT_3:
            measure = II(OID_MEASURE, INDICATORS[0].measure_id)
            return DistributedReportRequest((measure,), DatePeriod("20250101", "20251231"), stratifications=("SEX",))
        return QualityIndicatorsRequest(tuple(II(OID_MEASURE, one) for one in ids), period)

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
    settings = folder / "brygga.toml"
    served = f"contracts = {list(CONTRACTS)}\nallow_reconstructions = true".replace("'", '"')
    settings.write_text(re.sub(r"(?m)^contracts = .*$", served, settings.read_text(encoding="utf-8")), encoding="utf-8")
    demo = write_demo_file(folder / "results.csv")
    write_distributed_demo(folder / "distributed.csv", units=4, years=(2025,))
    with open_register(f"sqlite:///{folder / 'register.db'}", create=True) as register:
        import_vis(register, demo.path)
        import_distributed(register, folder / "distributed.csv", ReportingParty(DEMO_HSA_ID, "Test"))
        publish(register, tuple(CONTRACTS.values()))
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


def fetch(desk: Desk, base_url: str, contract: ServiceContract) -> tuple[bytes, int]:
    raw = io.BytesIO()
    connection = desk.connection(base_url, contract=contract)
    with ProducerClient(connection) as client, client.ask(desk.request(contract), raw=raw) as answer:
        count = sum(1 for _ in answer)
    return raw.getvalue(), count


@pytest.mark.parametrize("contract", CONTRACTS.values(), ids=lambda contract: contract.id)
def test_answer_through_the_router_is_the_producers_byte_for_byte(
    desk: Desk, router: RunningRouter, contract: ServiceContract
) -> None:
    direct, count = fetch(desk, desk.producer_url, contract)
    assert count >= 4
    assert contract.responder_namespace.encode() in direct
    assert fetch(desk, url_of(router), contract) == (direct, count)
    record = router.calls()[-1]
    assert (record.outcome, record.sender, record.receiver) == ("ok", CONSUMER, SYSTEM)
    assert record.contract == contract.responder_namespace
    assert record.address == desk.producer_url + contract.path


def test_the_namespace_of_the_message_routes_and_not_the_path(desk: Desk, router: RunningRouter) -> None:
    """A question of one version sent to the path of another goes to the producer's endpoint of its own version."""
    for contract in (CONTRACTS["GetQualityIndicators:3"], GET_DISTRIBUTED_QUALITY_REPORT_3):
        elsewhere = replace(desk.connection(url_of(router), contract=contract), endpoint=url_of(router) + CONTRACT.path)
        with ProducerClient(elsewhere) as client, client.ask(desk.request(contract)) as answer:
            assert sum(1 for _ in answer) >= 4
        assert router.calls()[-1].address.endswith(contract.path)


def without(catalogue: Catalogue, contract: ServiceContract, *, route: bool, permission: bool) -> Catalogue:
    """Give a catalogue with the route, the permission, or neither of a contract version."""
    namespace = contract.responder_namespace
    return replace(
        catalogue,
        routes=tuple(row for row in catalogue.routes if route or row.contract != namespace),
        permissions=tuple(row for row in catalogue.permissions if permission or row.contract != namespace),
    )


@contextmanager
def routing(desk: Desk, catalogue: Catalogue, folder: Path) -> Iterator[RunningRouter]:
    settings = router_settings(Settings.load(desk.folder / "brygga.toml", environment={}))
    write_catalogue(folder / "routing.toml", catalogue)
    changes = {"catalogue": folder / "routing.toml", "https_port": 0, "admin_port": None}
    with running_router(replace(settings, **changes)) as one:
        yield one


@pytest.mark.parametrize(("route", "permission", "vp_code"), [(False, True, "VP004"), (True, False, "VP007")])
def test_a_version_that_is_not_listed_for_the_address_does_not_pass(
    desk: Desk, tmp_path: Path, route: bool, permission: bool, vp_code: str
) -> None:
    """Each version by itself, reconstructions included: what the catalogue lists of the others opens nothing."""
    catalogue = read_catalogue(desk.folder / "routing.toml")
    with routing(desk, catalogue, tmp_path) as router:
        for contract in CONTRACTS.values():
            write_catalogue(tmp_path / "routing.toml", without(catalogue, contract, route=route, permission=permission))
            router.router.store.refresh()
            with pytest.raises(PlatformFault, match=vp_code) as caught:
                fetch(desk, url_of(router), contract)
            assert caught.value.vp_code == vp_code
            assert contract.responder_namespace in router.calls()[-1].detail
            other = next(one for one in CONTRACTS.values() if one != contract)
            assert fetch(desk, url_of(router), other)[1] >= 4


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
