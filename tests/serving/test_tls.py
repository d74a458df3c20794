"""TLS of the running producer: revocation lists and certificates followed while it runs, and what stops the start.

The refusals of single bad certificates are in the hostile cases (family D)."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from server_process import ServerFiles, ServerProcess
from serving_parties import CONSUMER, SETTINGS, SMALL, SYSTEM, Pki

from certs import Authority, CertificateFiles
from certs.tls import TlsFiles
from contracts.errors import CertificateError, ConfigurationError, RegisterUnavailable
from contracts.model import ReportingParty
from producer.register.repository import DatabaseRepository
from producer.server import serve
from producer.settings import ProducerSettings
from testsuites.hostile import Peer, Variables, run


@pytest.fixture
def own_pki(tmp_path: Path, pki: Pki) -> Pki:
    """An authority of the test's own, to revoke in."""
    authority = Authority.create(tmp_path / "authority", key_size=2048)
    return Pki(
        authority, issue(authority, tmp_path, "producer", SYSTEM), issue(authority, tmp_path, "consumer"), pki.other, {}
    )


def issue(
    authority: Authority, folder: Path, name: str, hsa_id: str = CONSUMER, *, replace: bool = False
) -> CertificateFiles:
    issued = authority.issue(
        hsa_id,
        "localhost",
        organization="Testorganisation",
        locality="Teststad",
        ip_addresses=["127.0.0.1"],
        key_size=2048,
    )
    return issued.write(folder, name, replace=replace)


@pytest.fixture
def own_files(own_pki: Pki, files: ServerFiles, tmp_path: Path) -> ServerFiles:
    return dataclasses.replace(
        files,
        folder=tmp_path,
        certificate=own_pki.producer.certificate,
        private_key=own_pki.producer.private_key,
        ca=own_pki.authority.trust_anchor_path,
        crl=own_pki.authority.crl_path,
    )


def until(condition: Callable[[], bool], timeout_s: float = 8.0) -> bool:
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def test_revocation_and_renewal_take_effect_without_restart(
    own_pki: Pki, own_files: ServerFiles, variables: Variables, tmp_path: Path
) -> None:
    server = own_files.start(**SETTINGS)
    try:
        peer = Peer("127.0.0.1", server.port, own_pki.context)
        assert run(SMALL, variables, peer).status == 200
        own_pki.authority.revoke(own_pki.consumer.certificate)
        assert until(lambda: run(SMALL, variables, peer).kind in ("tls", "closed"))
        renewed = dataclasses.replace(own_pki, consumer=issue(own_pki.authority, tmp_path, "renewed"))
        renewed_peer = Peer("127.0.0.1", server.port, renewed.context)
        assert run(SMALL, variables, renewed_peer).status == 200

        old_serial = serial_of(renewed_peer)
        issue(own_pki.authority, tmp_path, "producer", SYSTEM, replace=True)
        assert until(lambda: serial_of(renewed_peer) != old_serial)

        # A broken list never replaces a good one, and is told.
        own_pki.authority.crl_path.write_text("no list")
        assert until(
            lambda: any(line["event"] == "tls-reload-refused" for line in poke(server, renewed_peer, variables))
        )
        assert run(SMALL, variables, renewed_peer).status == 200
        assert run(SMALL, variables, peer).kind in ("tls", "closed")
    finally:
        assert server.stop() == 0


def serial_of(peer: Peer) -> object:
    with peer.connect(SMALL) as sock:
        return sock.getpeercert()["serialNumber"]  # type: ignore[attr-defined]


def poke(server: ServerProcess, peer: Peer, variables: Variables) -> list[dict[str, object]]:
    run(SMALL, variables, peer)
    return server.lines()


@pytest.mark.slow
def test_stale_revocation_list_lets_nobody_in(pki: Pki, files: ServerFiles, variables: Variables) -> None:
    server = dataclasses.replace(files, crl=pki.bad["crl-stale"].crl).start("stale", **SETTINGS)
    try:
        assert run(SMALL, variables, Peer("127.0.0.1", server.port, pki.context)).kind in ("tls", "closed")
        assert any(line["event"] == "tls-alarm" for line in server.lines())
    finally:
        server.stop()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"crl": "crl-other-signer"}, "not signed by any authority"),
        ({"private_key": "other-key"}, "does not belong to the certificate"),
        ({"crl": "missing"}, "Cannot read"),
    ],
)
def test_files_that_cannot_work_stop_the_start(
    changes: dict[str, str], reason: str, pki: Pki, tls_files: TlsFiles, tmp_path: Path
) -> None:
    known = {"crl-other-signer": pki.bad["crl-other-signer"].crl, "other-key": pki.other.private_key}
    changed = {name: known.get(value, tmp_path / value) for name, value in changes.items()}
    with pytest.raises(CertificateError, match=reason):
        serve(settings_of(dataclasses.replace(tls_files, **changed)), pytest.fail)


@pytest.fixture
def tls_files(files: ServerFiles) -> TlsFiles:
    return TlsFiles(files.certificate, files.private_key, files.ca, files.crl)


def settings_of(tls_files: TlsFiles, port: int = 0) -> ProducerSettings:
    return ProducerSettings(
        system=ReportingParty(SYSTEM), organization=ReportingParty(SYSTEM), tls=tls_files, port=port
    )


def test_a_port_that_is_taken_is_told(tls_files: TlsFiles, files: ServerFiles, server: ServerProcess) -> None:
    with pytest.raises(ConfigurationError, match="another program listens there"):
        serve(settings_of(tls_files, server.port), lambda: DatabaseRepository(files.register_url))


def test_a_register_that_is_not_there_stops_the_start(tls_files: TlsFiles, tmp_path: Path) -> None:
    with pytest.raises(RegisterUnavailable):
        serve(settings_of(tls_files), lambda: DatabaseRepository(f"sqlite:///{tmp_path / 'none.db'}"))
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_renegotiation_is_refused(pki: Pki, server: ServerProcess) -> None:
    """Row D11: in TLS 1.2 a client may ask for another handshake, at the server's cost."""
    command = [
        *("openssl", "s_client", "-tls1_2", "-connect", f"127.0.0.1:{server.port}"),
        *("-cert", str(pki.consumer.certificate), "-key", str(pki.consumer.private_key)),
        *("-CAfile", str(pki.authority.trust_anchor_path)),
    ]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        while b"Verify return code" not in process.stdout.readline():
            assert process.poll() is None
        process.stdin.write(b"R\n")
        process.stdin.flush()
        output = process.stdout.read()
    assert b"RENEGOTIATING" in output
    assert b"no renegotiation" in output or b"handshake failure" in output
