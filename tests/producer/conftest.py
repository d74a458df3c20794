"""A small publication in memory and a gate in front of it, called in this process."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from memory_register import MemoryRegister, measurement
from producer_messages import CONSUMER, Q1, Q2, Answered

from certs import Authority
from contracts.registry import GET_QUALITY_INDICATORS_2
from producer.gate import Gate
from producer.identity import CONNECTION_KEY, ConnectionFacts


@pytest.fixture
def register() -> MemoryRegister:
    return MemoryRegister(
        measurement(name, period, unit) for name in ("M1", "M2") for period in (Q1, Q2) for unit in range(3)
    )


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Certificates (DER) by the name of the caller."""
    folder = tmp_path_factory.mktemp("pki")
    authority = Authority.create(folder / "authority", key_size=2048)
    found = {}
    for name, hsa_id in (("consumer", CONSUMER), ("other", "SE9990001112-OTHR")):
        issued = authority.issue(hsa_id, f"{name}.test", organization="Test", locality="Test", key_size=2048)
        found[name] = issued.certificate.public_bytes(Encoding.DER)
    return found


@pytest.fixture
def call(certificates: dict[str, bytes]) -> Callable[..., Answered]:
    """Call a gate with a body; keyword arguments change the WSGI environment."""

    def call(
        gate: Gate, body: bytes = b"", *, sender: str = "consumer", waited_s: float = 0.0, **changes: Any
    ) -> Answered:
        environ = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": GET_QUALITY_INDICATORS_2.path,
            "QUERY_STRING": "",
            "CONTENT_TYPE": "text/xml; charset=utf-8",
            "CONTENT_LENGTH": str(len(body)),
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "8443",
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.input": io.BytesIO(body),
            CONNECTION_KEY: ConnectionFacts(certificates.get(sender), "TLSv1.3", waited_s),
            **changes,
        }
        started: list[tuple[str, list[tuple[str, str]]]] = []
        answer = gate(environ, lambda status, headers: started.append((status, headers)))
        try:
            pieces = list(answer)
        finally:
            answer.close()  # type: ignore[attr-defined]
        status, headers = started[0]
        lower = {name.lower(): value for name, value in headers}
        body_bytes = b"".join(pieces)
        assert environ["REQUEST_METHOD"] == "HEAD" or len(body_bytes) == int(lower["content-length"])
        return Answered(int(status[:3]), lower, body_bytes, [len(piece) for piece in pieces])

    return call


@pytest.fixture
def pem(certificates: dict[str, bytes]) -> Callable[[str], str]:
    return lambda name: x509.load_der_x509_certificate(certificates[name]).public_bytes(Encoding.PEM).decode()
