"""The peer's HSA-id and purpose: what is read, and everything that is refused."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from tls_handshake import DNS_NAME, HSA_ID

import certs.peer
from certs import Authority, CertificateFiles, profile
from certs.peer import check_client_purpose, hsa_id_of
from contracts.errors import CertificateError


def certificate_with(names: list[x509.NameAttribute], extensions: list[x509.ExtensionType] | None = None) -> bytes:
    key = profile.generate_key(2048)
    now = profile.now_utc()
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name(names))
        .issuer_name(x509.Name([]))
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now)
    )
    for extension in extensions or []:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def serial_number(value: str) -> x509.NameAttribute:
    # As UTF-8 text, so that anything can be written.
    return x509.NameAttribute(NameOID.SERIAL_NUMBER, value, x509.name._ASN1Type.UTF8String)


def test_hsa_id_is_the_serial_number_of_the_subject(good: CertificateFiles) -> None:
    certificate = x509.load_pem_x509_certificate(good.certificate.read_bytes())
    check_client_purpose(certificate)
    assert hsa_id_of(certificate) == hsa_id_of(certificate.public_bytes(Encoding.DER)) == HSA_ID


@pytest.mark.parametrize("value", ["SE9990001112-A", "TSTNMT2321000156-B02", "5565594230", "x", "A_b-1", "A" * 64])
def test_ids_as_seen_in_the_wild_are_read_as_written(value: str) -> None:
    assert hsa_id_of(certificate_with([serial_number(value)])) == value


@pytest.mark.parametrize("value", ["SE 1", "SE1\n", "SE1\x00", "SEé", "A" * 65, "\u202eSE1", "SE1\x1b[31m"])
def test_unprintable_ids_are_refused_and_not_repeated(value: str) -> None:
    with pytest.raises(CertificateError, match="no HSA-id") as caught:
        hsa_id_of(certificate_with([serial_number(value)]))
    assert value not in caught.value.message


def test_missing_id_is_refused() -> None:
    with pytest.raises(CertificateError, match="no serialNumber"):
        hsa_id_of(certificate_with([x509.NameAttribute(NameOID.COMMON_NAME, "a")]))


def test_two_ids_are_refused_even_when_equal() -> None:
    with pytest.raises(CertificateError, match="more than one"):
        hsa_id_of(certificate_with([serial_number("SE1"), serial_number("SE1")]))


@pytest.mark.parametrize("data", [b"", b"hello", b"\x30\x03\x02\x01\x01", b"\x30\x80" + b"\x00" * 50])
def test_what_is_no_certificate_is_refused(data: bytes) -> None:
    for check in (hsa_id_of, check_client_purpose):
        with pytest.raises(CertificateError, match="cannot be read"):
            check(data)


def test_truncated_and_flipped_certificates_never_raise_anything_else(good: CertificateFiles) -> None:
    der = x509.load_pem_x509_certificate(good.certificate.read_bytes()).public_bytes(Encoding.DER)
    refused = 0
    for position in range(0, len(der), 7):
        for data in (der[:position], der[:position] + bytes([der[position] ^ 0xFF]) + der[position + 1 :]):
            try:
                hsa_id_of(data)
                check_client_purpose(data)
            except CertificateError:
                refused += 1
    assert refused > len(der) // 7


@pytest.mark.parametrize(
    ("extensions", "says"),
    [
        ([], "no extended key usage"),
        ([x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])], "client authentication"),
        ([x509.ExtendedKeyUsage([ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE])], "client authentication"),
        ([x509.BasicConstraints(ca=True, path_length=None)], "authority"),
        ([profile.key_usage(is_ca=True, is_leaf=True), x509.ExtendedKeyUsage(profile.BOTH_USAGES)], "authority"),
    ],
)
def test_wrong_purpose_is_refused(extensions: list[x509.ExtensionType], says: str) -> None:
    with pytest.raises(CertificateError, match=says):
        check_client_purpose(certificate_with([serial_number("SE1")], extensions))


def test_caller_that_only_calls_is_accepted(authority: Authority) -> None:
    content = authority.profile_for(HSA_ID, DNS_NAME, "O", "L")
    client_only = replace(content, usages=(ExtendedKeyUsageOID.CLIENT_AUTH,))
    certificate = authority.issue_profile(client_only, profile.generate_key(2048)).certificate
    check_client_purpose(certificate)


def test_module_uses_nothing_else_of_certs() -> None:
    tree = ast.parse(Path(certs.peer.__file__).read_text())
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name for name in imported if name and name.startswith(("certs", "contracts"))} == {"contracts.errors"}
