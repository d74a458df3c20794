"""Requests for real certificates: subject as SITHS wants it, and a key that is never replaced."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from tls_handshake import DNS_NAME, HSA_ID

from certs.order import ORDER_KEY_SIZE, make_order
from contracts.errors import CertificateError, UsageError


def test_request_asks_for_subject_and_names(tmp_path: Path) -> None:
    order = make_order(
        HSA_ID, DNS_NAME, organization="Region Ö", locality="Ystad", extra_dns=["b.example"], key_size=2048
    )
    written = order.write(tmp_path, "order")
    request = x509.load_pem_x509_csr(written.request.read_bytes())
    assert [(attribute.oid, attribute.value) for attribute in request.subject] == [
        (NameOID.SERIAL_NUMBER, HSA_ID),
        (NameOID.COMMON_NAME, DNS_NAME),
        (NameOID.ORGANIZATION_NAME, "Region Ö"),
        (NameOID.LOCALITY_NAME, "Ystad"),
        (NameOID.COUNTRY_NAME, "SE"),
    ]
    names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [DNS_NAME, "b.example"]
    assert written.private_key.stat().st_mode & 0o777 == 0o600


def test_key_is_as_large_as_in_real_certificates() -> None:
    key = make_order(HSA_ID, DNS_NAME, organization="O", locality="L").request.public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    assert key.key_size == ORDER_KEY_SIZE == 4096


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl command here")
def test_openssl_verifies_the_request(tmp_path: Path) -> None:
    written = make_order(HSA_ID, DNS_NAME, organization="O", locality="L", key_size=2048).write(tmp_path, "order")
    done = subprocess.run(
        ["openssl", "req", "-verify", "-noout", "-in", written.request], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert "verify OK" in done.stdout + done.stderr


@pytest.mark.parametrize("taken", ["order.key", "order.csr"])
def test_waiting_order_is_never_replaced(tmp_path: Path, taken: str) -> None:
    (tmp_path / taken).write_text("precious")
    order = make_order(HSA_ID, DNS_NAME, organization="O", locality="L", key_size=2048)
    with pytest.raises(CertificateError, match="not overwritten"):
        order.write(tmp_path, "order")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {taken: "precious"}


@pytest.mark.parametrize("change", [{"hsa_id": "å"}, {"dns_name": "a b"}, {"extra_dns": ["*.x"]}, {"key_size": 1024}])
def test_what_cannot_be_ordered_is_refused(change: dict[str, object]) -> None:
    arguments = {"hsa_id": HSA_ID, "dns_name": DNS_NAME, "organization": "O", "locality": "L", "key_size": 2048}
    with pytest.raises(UsageError):
        make_order(**{**arguments, **change})  # type: ignore[arg-type]
