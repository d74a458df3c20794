"""Compressed answers as five clients read them, directly and through nginx with mutual TLS on the outside.

Each client is what a machine of that kind has at hand: curl, PHP's streams, Python's gzip, Java's HttpClient with
GZIPInputStream, Node's https with zlib.
"""

from __future__ import annotations

import gzip
import http.client
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, load_pem_private_key
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates
from cryptography.x509 import load_pem_x509_certificates
from server_process import ServerProcess
from serving_parties import Pki
from test_proxy import NGINX, behind, nginx  # noqa: F401 (fixtures)

from contracts.registry import GET_QUALITY_INDICATORS_2
from testsuites.hostile import HostileCase, Peer, Variables

pytestmark = pytest.mark.slow

CLIENTS = Path(__file__).parent / "clients"
PATH = GET_QUALITY_INDICATORS_2.path
_PASSWORD = "gzip-clients"
_TIMEOUT_S = 60

Ask = Callable[[Pki, int, Path, Path], None]


def by_python(pki: Pki, port: int, question: Path, target: Path) -> None:
    connection = http.client.HTTPSConnection("localhost", port, context=pki.context(), timeout=_TIMEOUT_S)
    headers = {"Content-Type": "text/xml; charset=utf-8", "Accept-Encoding": "gzip"}
    connection.request("POST", PATH, question.read_bytes(), headers)
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Content-Encoding"]) == (200, "gzip")
    target.write_bytes(gzip.decompress(answer.read()))
    connection.close()


def by_curl(pki: Pki, port: int, question: Path, target: Path) -> None:
    run(
        *(
            "curl",
            "--silent",
            "--show-error",
            "--fail",
            "--compressed",
            "--dump-header",
            target.with_suffix(".headers"),
        ),
        *("--cacert", pki.authority.trust_anchor_path, "--cert", pki.consumer.certificate),
        *("--key", pki.consumer.private_key, "-H", "Content-Type: text/xml; charset=utf-8"),
        *("--data-binary", f"@{question}", "--output", target, url(port)),
    )
    assert "content-encoding: gzip" in target.with_suffix(".headers").read_text().lower()


def by_php(pki: Pki, port: int, question: Path, target: Path) -> None:
    both = target.with_suffix(".pem")
    both.write_bytes(pki.consumer.certificate.read_bytes() + pki.consumer.private_key.read_bytes())
    run("php", CLIENTS / "ask.php", url(port), question, both, pki.authority.trust_anchor_path, target)


def by_node(pki: Pki, port: int, question: Path, target: Path) -> None:
    files = (pki.consumer.certificate, pki.consumer.private_key, pki.authority.trust_anchor_path)
    run("node", CLIENTS / "ask.js", url(port), question, *files, target)


def by_java(pki: Pki, port: int, question: Path, target: Path) -> None:
    leaf, *above = load_pem_x509_certificates(pki.consumer.certificate.read_bytes())
    key = load_pem_private_key(pki.consumer.private_key.read_bytes(), None)
    store = target.with_suffix(".p12")
    encryption = BestAvailableEncryption(_PASSWORD.encode())
    store.write_bytes(serialize_key_and_certificates(b"client", key, leaf, above, encryption))  # type: ignore[arg-type]
    run(
        *("java", CLIENTS / "Ask.java", url(port), question, store, _PASSWORD),
        *(pki.authority.trust_anchor_path, target),
    )


ALL = {"python": by_python, "curl": by_curl, "php": by_php, "node": by_node, "java": by_java}
PACKAGES = {"curl": "curl", "php": "php-cli", "node": "nodejs", "java": "default-jdk-headless"}


@pytest.fixture(params=ALL)
def ask(request: pytest.FixtureRequest) -> Ask:
    name = request.param
    if name in PACKAGES and shutil.which(name) is None:
        pytest.skip(f"{name} is not installed (apt: {PACKAGES[name]})")
    return ALL[name]


@pytest.fixture
def question(variables: Variables, tmp_path: Path) -> Path:
    file = tmp_path / "question.xml"
    file.write_bytes(HostileCase("question", "a question", ("answer",), parts={"include": ""}).body(variables))
    return file


@pytest.fixture
def plain(pki: Pki, server: ServerProcess, question: Path) -> bytes:
    connection = http.client.HTTPSConnection("localhost", server.port, context=pki.context(), timeout=_TIMEOUT_S)
    connection.request("POST", PATH, question.read_bytes(), {"Content-Type": "text/xml; charset=utf-8"})
    answer = connection.getresponse()
    assert answer.headers["Content-Encoding"] is None
    text = answer.read()
    connection.close()
    assert text.count(b"<c:measurement>") > 100
    return text


def test_a_compressed_answer_is_read_whole(
    ask: Ask, pki: Pki, server: ServerProcess, question: Path, plain: bytes, tmp_path: Path
) -> None:
    ask(pki, server.port, question, tmp_path / "answer.xml")
    assert (tmp_path / "answer.xml").read_bytes() == plain


@pytest.mark.skipif(NGINX is None, reason="nginx is not installed (apt: nginx)")
def test_a_compressed_answer_is_read_whole_through_nginx(
    ask: Ask,
    pki: Pki,
    nginx: Peer,  # noqa: F811
    question: Path,
    plain: bytes,
    tmp_path: Path,
) -> None:
    ask(pki, nginx.port, question, tmp_path / "answer.xml")
    assert (tmp_path / "answer.xml").read_bytes() == plain


def url(port: int) -> str:
    return f"https://localhost:{port}{PATH}"


def run(*command: object) -> None:
    done = subprocess.run(list(map(str, command)), capture_output=True, timeout=_TIMEOUT_S)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
