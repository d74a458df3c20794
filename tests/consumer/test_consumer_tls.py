"""Mutual TLS of the consumer: which check refused whom is said in plain words; nothing is sent before."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from consumer_pki import Pki
from consumer_playback import Playback
from consumer_reports import BOTH_YEARS, MEASURE_A, SYSTEM, small_register

from certs import Authority
from certs.tls import TlsFiles, server_context
from consumer.client import ProducerClient
from consumer.settings import ProducerConnection
from consumer.zeep_adapter import _LocalFiles
from contracts.errors import CertificateError, ConfigurationError, ConnectionFailed, TimedOut, TlsRefused
from contracts.registry import GET_QUALITY_INDICATORS_2


def connection_to(endpoint: str, tls: TlsFiles) -> ProducerConnection:
    return ProducerConnection(endpoint, SYSTEM.hsa_id, tls, connect_timeout_s=5, read_timeout_s=5)


def ask(endpoint: str, tls: TlsFiles) -> int:
    with ProducerClient(connection_to(endpoint, tls)) as client, client.fetch([MEASURE_A], BOTH_YEARS) as answer:
        return sum(1 for _ in answer)


@contextmanager
def serving(context: ssl.SSLContext) -> Iterator[Playback]:
    with Playback(context).running() as server:
        server.respond = lambda exchange: exchange.send(small_register().answer(exchange.question))
        yield server


@pytest.fixture(scope="module")
def other_pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    directory = tmp_path_factory.mktemp("other-pki")
    return Pki(Authority.create(directory / "authority", key_size=2048), directory)


def expired(pki: Pki) -> TlsFiles:
    now = datetime.now(UTC)
    return pki.files("expired", valid_from=now - timedelta(days=9), valid_to=now - timedelta(days=1))


def early(pki: Pki) -> TlsFiles:
    now = datetime.now(UTC)
    return pki.files("early", valid_from=now + timedelta(days=1), valid_to=now + timedelta(days=9))


@pytest.mark.parametrize(
    ("server_files", "text"),
    [
        pytest.param(lambda pki: pki.files("elsewhere", dns_name="elsewhere.test"), "another host name", id="host"),
        pytest.param(expired, "has expired", id="expired"),
        pytest.param(early, "not valid yet", id="early"),
    ],
)
def test_a_wrong_server_certificate_is_refused_and_the_check_named(
    pki: Pki, client_tls: TlsFiles, server_files: Callable[[Pki], TlsFiles], text: str
) -> None:
    with serving(server_context(server_files(pki))) as server:
        with pytest.raises(TlsRefused, match=text) as caught:
            ask(server.endpoint, client_tls)
        assert server.bodies == []
    assert not caught.value.retryable


def test_a_server_of_another_authority_is_refused(other_pki: Pki, client_tls: TlsFiles) -> None:
    with serving(server_context(other_pki.files("foreign"))) as server:
        with pytest.raises(TlsRefused, match=r"authority is not in the CA file|root that is not in the CA file"):
            ask(server.endpoint, client_tls)
        assert server.bodies == []


def test_a_revoked_server_is_refused(other_pki: Pki) -> None:
    files = other_pki.files("revoked")
    crl = other_pki.authority.revoke(files.certificate)
    client_files = replace(other_pki.files("careful"), crl=crl)
    with serving(server_context(files)) as server:
        with pytest.raises(TlsRefused, match="revoked"):
            ask(server.endpoint, client_files)
        assert ask(server.endpoint, replace(client_files, crl=None)) == 10


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_refused_client_certificate_is_told_in_every_version(
    other_pki: Pki, server_tls: TlsFiles, pki: Pki, version: ssl.TLSVersion
) -> None:
    context = server_context(server_tls)
    context.minimum_version = context.maximum_version = version
    stranger = replace(other_pki.files(f"stranger{version:d}"), ca=pki.authority.trust_anchor_path)
    with serving(context) as server, pytest.raises(ConnectionFailed, match=r"not trusted there|client certificate"):
        ask(server.endpoint, stranger)


def test_an_expired_client_certificate_is_told(server_tls: TlsFiles, pki: Pki) -> None:
    files = pki.files(
        "old", valid_from=datetime.now(UTC) - timedelta(days=9), valid_to=datetime.now(UTC) - timedelta(days=1)
    )
    with serving(server_context(server_tls)) as server, pytest.raises(ConnectionFailed, match=r"expired|certificate"):
        ask(server.endpoint, files)


def test_a_server_of_tls_1_1_is_refused(server_tls: TlsFiles, client_tls: TlsFiles) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server_tls.certificate, server_tls.private_key)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = ssl.TLSVersion.TLSv1_1
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with serving(context) as server, pytest.raises(ConnectionFailed, match="TLS 1\\.2"):
        ask(server.endpoint, client_tls)


def test_plain_http_behind_an_https_address_is_told(client_tls: TlsFiles) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            peer, _ = listener.accept()
            with peer:
                peer.recv(1000)
                peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(TlsRefused, match="does not speak TLS"):
            ask(f"https://localhost:{listener.getsockname()[1]}/", client_tls)
        thread.join()


def test_nobody_listening_is_told(client_tls: TlsFiles) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ConnectionFailed, match="nothing listens") as caught:
        ask(f"https://localhost:{port}/", client_tls)
    assert caught.value.retryable


def test_an_unknown_host_is_told(client_tls: TlsFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(ConnectionFailed, match="host name is not known"):
        ask("https://nowhere.invalid/", client_tls)


def test_a_server_that_accepts_and_says_nothing_times_out(client_tls: TlsFiles) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        endpoint = f"https://localhost:{listener.getsockname()[1]}/"
        quick = replace(connection_to(endpoint, client_tls), connect_timeout_s=0.3, read_timeout_s=0.3)
        with ProducerClient(quick) as client, pytest.raises(TimedOut):
            client.checksum([MEASURE_A], BOTH_YEARS)


def test_a_closed_connection_is_told_and_may_be_tried_again(client_tls: TlsFiles) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up() -> None:
            peer, _ = listener.accept()
            peer.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        with pytest.raises(ConnectionFailed, match="closed") as caught:
            ask(f"https://localhost:{listener.getsockname()[1]}/", client_tls)
        thread.join()
    assert caught.value.retryable


def test_renewed_certificate_files_are_used_without_a_restart(pki: Pki, server_tls: TlsFiles, tmp_path: Path) -> None:
    names = ("first", "second")
    files = [pki.files(name) for name in names]
    used = TlsFiles(tmp_path / "own.pem", tmp_path / "own.key", server_tls.ca)

    def install(number: int) -> None:
        used.certificate.write_bytes(files[number].certificate.read_bytes())
        used.private_key.write_bytes(files[number].private_key.read_bytes())
        used.private_key.chmod(0o600)

    install(0)
    with serving(server_context(server_tls)) as server, ProducerClient(connection_to(server.endpoint, used)) as client:
        client.checksum([MEASURE_A], BOTH_YEARS)
        install(1)
        adapter = client._https._session.adapters["https://"]
        adapter._contexts._checked_at = 0  # type: ignore[attr-defined]
        client.checksum([MEASURE_A], BOTH_YEARS)
        client.checksum([MEASURE_A], BOTH_YEARS)
        assert server.connections == 2


def test_missing_certificate_files_are_told_before_a_call(client_tls: TlsFiles, tmp_path: Path) -> None:
    with pytest.raises(CertificateError, match=r"gone\.pem"):
        ProducerClient(connection_to("https://localhost/", replace(client_tls, certificate=tmp_path / "gone.pem")))


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/x.xsd", "/etc/hostname", "../../pyproject.toml"])
def test_the_wsdl_leads_nowhere_else(url: str) -> None:
    assert _LocalFiles(GET_QUALITY_INDICATORS_2).load(str(GET_QUALITY_INDICATORS_2.wsdl))
    with pytest.raises(ConfigurationError, match="not read"):
        _LocalFiles(GET_QUALITY_INDICATORS_2).load(url)
