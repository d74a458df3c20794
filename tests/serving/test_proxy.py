"""The other deployment: a reverse proxy does TLS and hands over the caller's certificate (design 3, producer)."""

from __future__ import annotations

import dataclasses
import http.client
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from string import Template
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from server_process import ServerFiles, ServerProcess
from serving_parties import GOOD, SETTINGS, SMALL, Pki

from certs.profile import Signer
from certs.revocation import build_crl
from contracts.registry import GET_QUALITY_INDICATORS_2
from testsuites.hostile import Peer, Variables, judge, run
from testsuites.hostile.judge import fault_code

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")


@pytest.fixture(scope="module")
def behind(files: ServerFiles) -> Iterator[ServerProcess]:
    running = files.start("behind", **SETTINGS, behind_proxy=True)
    yield running
    assert running.stop() == 0


def post(behind: ServerProcess, variables: Variables, header: str | None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", behind.port, timeout=10)
    headers = {"Content-Type": "text/xml; charset=utf-8"} | ({} if header is None else {"X-Client-Cert": header})
    connection.request("POST", GET_QUALITY_INDICATORS_2.path, SMALL.body(variables), headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body


def test_the_certificate_in_the_header_decides(pki: Pki, behind: ServerProcess, variables: Variables) -> None:
    def escaped(path: Path) -> str:
        return quote(path.read_text().split("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----\n", safe="")

    assert post(behind, variables, escaped(pki.consumer.certificate))[0] == 200
    status, body = post(behind, variables, escaped(pki.other.certificate))
    assert status == 500
    assert b"access-denied" in body
    for bad in (
        None,
        "",
        "no-certificate",
        "%ZZ",
        quote("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"),
    ):
        assert post(behind, variables, bad)[0] == 403
    assert post(behind, variables, escaped(pki.bad["no-serial-number"].certificate))[0] == 403
    assert post(behind, variables, escaped(pki.bad["eku-none"].certificate))[0] == 403


def test_a_unix_socket_is_for_the_proxy_alone(
    start_server: Callable[..., ServerProcess], pki: Pki, variables: Variables, tmp_path: Path
) -> None:
    path = tmp_path / "producer.sock"
    server = start_server("unix", behind_proxy=True, host=f"unix:{path}")
    assert path.stat().st_mode & 0o777 == 0o660
    connection = http.client.HTTPConnection("localhost", timeout=10)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(str(path))
    certificate = quote(pki.consumer.certificate.read_text(), safe="")
    headers = {"Content-Type": "text/xml; charset=utf-8", "X-Client-Cert": certificate}
    connection.request("POST", GET_QUALITY_INDICATORS_2.path, SMALL.body(variables), headers)
    assert connection.getresponse().read().startswith(b"<?xml")
    connection.close()
    assert server.stop() == 0
    assert [line["outcome"] for line in server.lines()] == ["ok"]
    assert not path.exists()


@pytest.fixture
def nginx(behind: ServerProcess, pki: Pki, files: ServerFiles, tmp_path: Path) -> Iterator[Peer]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    text = Template((Path(__file__).parent / "nginx.conf").read_text()).substitute(
        folder=tmp_path,
        port=port,
        certificate=files.certificate,
        private_key=files.private_key,
        ca=files.ca,
        crl=lists_of_both(pki, tmp_path),
        producer_port=behind.port,
    )
    (tmp_path / "nginx.conf").write_text(text)
    process = subprocess.Popen([str(NGINX), "-c", str(tmp_path / "nginx.conf"), "-p", str(tmp_path)])
    try:
        deadline = time.monotonic() + 10
        while not listens(port):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield Peer("127.0.0.1", port, pki.context, pki.consumer.certificate.read_text())
    finally:
        process.terminate()
        process.wait(10)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def lists_of_both(pki: Pki, folder: Path) -> Path:
    """The revocation lists of issuing CA and root: nginx wants one for every CA of the chain."""
    authority = pki.authority
    key = load_pem_private_key((authority.directory / "private" / "root.key").read_bytes(), None)
    assert isinstance(key, RSAPrivateKey)
    now = datetime.now(UTC)
    root_list = build_crl(
        Signer(authority.root, key), (), issued_at=now - timedelta(days=1), next_update_at=now + timedelta(days=30)
    )
    path = folder / "lists.pem"
    path.write_bytes(authority.crl_path.read_bytes() + root_list.public_bytes(Encoding.PEM))
    return path


@pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
def test_nginx_in_front(nginx: Peer, variables: Variables) -> None:
    assert judge(GOOD, run(GOOD, variables, nginx)) == ()
    denied = run(dataclasses.replace(SMALL, certificate="other"), variables, nginx)
    assert fault_code(denied) == "Client"
    forged = dataclasses.replace(
        SMALL, certificate="other", headers={"X-Client-Cert": quote(nginx.certificate_pem, safe="")}
    )
    assert fault_code(run(forged, variables, nginx)) == "Client"
    for name in ("none", "revoked", "expired"):
        outcome = run(dataclasses.replace(SMALL, certificate=name), variables, nginx)
        assert outcome.status in (0, 400), name
