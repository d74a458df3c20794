"""One test authority, one register with the small demo data, and one running producer for all serving tests."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from server_process import ServerFiles, ServerProcess
from serving_parties import CONSUMER, OTHER, SETTINGS, SYSTEM, Pki

from certs import Authority, CertificateFiles
from certs.bad_set import make_bad_set
from gateway.demo_data import DemoFile, write_demo_file
from producer.register import open_register
from producer.register.importer import import_vis
from producer.register.publication import publish
from testsuites.hostile import Peer, Variables


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    folder = tmp_path_factory.mktemp("pki")
    authority = Authority.create(folder / "authority", key_size=2048)

    def issue(name: str, hsa_id: str) -> CertificateFiles:
        issued = authority.issue(
            hsa_id,
            f"{name}.brygga.test",
            organization="Testorganisation",
            locality="Teststad",
            extra_dns=["localhost"],
            ip_addresses=["127.0.0.1"],
            key_size=2048,
        )
        return issued.write(folder, name)

    return Pki(
        authority,
        issue("producer", SYSTEM),
        issue("consumer", CONSUMER),
        issue("other", OTHER),
        make_bad_set(authority, folder / "bad", hsa_id=CONSUMER, dns_name="consumer.brygga.test"),
    )


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> DemoFile:
    return write_demo_file(tmp_path_factory.mktemp("vis") / "demo.csv")


@pytest.fixture(scope="session")
def register_url(demo: DemoFile) -> str:
    url = f"sqlite:///{demo.path.with_name('register.db')}"
    with open_register(url, create=True) as register:
        import_vis(register, demo.path)
        publish(register)
    return url


@pytest.fixture(scope="session")
def files(pki: Pki, register_url: str, tmp_path_factory: pytest.TempPathFactory) -> ServerFiles:
    return ServerFiles(
        tmp_path_factory.mktemp("servers"),
        register_url,
        pki.producer.certificate,
        pki.producer.private_key,
        pki.authority.trust_anchor_path,
        pki.authority.crl_path,
    )


@pytest.fixture
def start_server(files: ServerFiles) -> Iterator[Callable[..., ServerProcess]]:
    """Start servers of a test's own; they are stopped after it."""
    started: list[ServerProcess] = []

    def start(name: str, **settings: object) -> ServerProcess:
        started.append(files.start(name, **{**SETTINGS, **settings}))
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture(scope="session")
def server(files: ServerFiles) -> Iterator[ServerProcess]:
    running = files.start(**SETTINGS)
    with socket.create_connection(("127.0.0.1", running.health_port), timeout=20) as sock:
        sock.sendall(b"GET /health/ready HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert sock.recv(100).startswith(b"HTTP/1.1 200")
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="session")
def peer_of(pki: Pki) -> Callable[[ServerProcess], Peer]:
    pem = Path(pki.consumer.certificate).read_text()
    return lambda server: Peer("127.0.0.1", server.port, pki.context, pem)


@pytest.fixture
def peer(peer_of: Callable[[ServerProcess], Peer], server: ServerProcess) -> Peer:
    return peer_of(server)


@pytest.fixture(scope="session")
def variables(demo: DemoFile) -> Variables:
    start, end = demo.period
    return Variables(SYSTEM, demo.measures[0].measure_id, f"{start:%Y%m%d}", f"{end:%Y%m%d}")
