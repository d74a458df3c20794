"""One test authority, one register with the small demo data, and one running producer for all serving tests."""

from __future__ import annotations

import socket
import ssl
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from server_process import ServerFiles, ServerProcess

from certs import Authority, CertificateFiles
from certs.bad_set import BadCertificate, make_bad_set
from gateway.demo_data import DemoFile, write_demo_file
from producer.register import open_register
from producer.register.importer import import_vis
from producer.register.publication import publish
from testsuites.hostile import Peer, Variables

SYSTEM = "SE9990001112-PROD"
CONSUMER = "SE9990001112-CONS"
OTHER = "SE9990001112-OTHR"
_VERSIONS = {
    "1.0": ssl.TLSVersion.TLSv1,
    "1.1": ssl.TLSVersion.TLSv1_1,
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}
#: Short waits, so that the tests of deadlines are quick; a listed caller in the other letter case.
SETTINGS = {
    "allowed_callers": [CONSUMER.lower()],
    "threads": 8,
    "health_port": 0,
    "handshake_timeout_s": 2.0,
    "header_timeout_s": 2.0,
    "body_timeout_s": 2.0,
    "write_timeout_s": 2.0,
    "keep_alive_s": 5.0,
}


@dataclass(frozen=True, slots=True)
class Pki:
    """The parties' certificates and the bad set, all of one authority; the bad ones name the listed caller."""

    authority: Authority
    producer: CertificateFiles
    consumer: CertificateFiles
    other: CertificateFiles
    bad: Mapping[str, BadCertificate]

    def context(self, name: str = "good", tls: Mapping[str, str] | None = None) -> ssl.SSLContext:
        """Make a client's context for the name of a certificate, careless where ``tls`` says so."""
        return _context(self, name, tuple((tls or {}).items()))

    def __hash__(self) -> int:
        return id(self)


@cache
def _context(pki: Pki, name: str, tls: tuple[tuple[str, str], ...]) -> ssl.SSLContext:
    wanted = dict(tls)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(pki.authority.trust_anchor_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        if "ciphers" in wanted:
            context.set_ciphers(wanted["ciphers"])
        context.minimum_version = _VERSIONS[wanted.get("minimum", "1.2")]
        context.maximum_version = _VERSIONS[wanted.get("maximum", "1.3")]
    if name != "none":
        files = {"good": pki.consumer, "other": pki.other}.get(name) or pki.bad[name]
        context.load_cert_chain(files.certificate, files.private_key)
    return context


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
