"""Our TLS contexts: versions, ciphers, sessions, revocation lists, and files that cannot work."""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
import socket
import ssl
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from tls_handshake import DNS_NAME, HSA_ID, VERSIONS, careless_client, handshake, issue_good, only

from certs import Authority, CertificateFiles
from certs.bad_set import BadCertificate
from certs.peer import hsa_id_of
from certs.tls import TlsFiles, alarms, client_context, server_context
from contracts.errors import CertificateError


def encrypted_copy(key: Path, to: Path, password: bytes) -> Path:
    loaded = load_pem_private_key(key.read_bytes(), None)
    to.write_bytes(loaded.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(password)))
    return to


@pytest.mark.parametrize("version", VERSIONS)
def test_both_sides_know_each_other(good_tls: TlsFiles, version: ssl.TLSVersion) -> None:
    outcome = handshake(server_context(good_tls), only(client_context(good_tls), version))
    assert outcome.is_accepted
    assert outcome.peer is not None
    assert hsa_id_of(outcome.peer) == HSA_ID


@pytest.mark.parametrize("version", VERSIONS)
def test_caller_without_certificate_is_refused(
    good_tls: TlsFiles, authority: Authority, version: ssl.TLSVersion
) -> None:
    outcome = handshake(server_context(good_tls), only(careless_client(authority.trust_anchor_path), version))
    assert isinstance(outcome.server, ssl.SSLError)
    assert outcome.server.reason == "PEER_DID_NOT_RETURN_A_CERTIFICATE"
    assert outcome.client is not None


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1:DeprecationWarning")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_old_versions_are_refused(
    good_tls: TlsFiles, good: CertificateFiles, authority: Authority, version: ssl.TLSVersion
) -> None:
    client = careless_client(authority.trust_anchor_path, good.certificate, good.private_key, level=0)
    outcome = handshake(server_context(good_tls), only(client, version))
    assert isinstance(outcome.server, ssl.SSLError)
    assert outcome.server.reason == "UNSUPPORTED_PROTOCOL"


@pytest.mark.parametrize("ciphers", ["AES128-SHA", "ECDHE-RSA-AES128-SHA", "AES128-GCM-SHA256", "eNULL", "ADH"])
def test_weak_cipher_suites_are_refused(
    good_tls: TlsFiles, good: CertificateFiles, authority: Authority, ciphers: str
) -> None:
    client = careless_client(authority.trust_anchor_path, good.certificate, good.private_key)
    client.set_ciphers(f"{ciphers}:@SECLEVEL=0")
    outcome = handshake(server_context(good_tls), only(client, ssl.TLSVersion.TLSv1_2))
    assert isinstance(outcome.server, ssl.SSLError)
    assert outcome.server.reason == "NO_SHARED_CIPHER"


def test_every_suite_offered_has_forward_secrecy_and_authenticated_encryption(good_tls: TlsFiles) -> None:
    for context in (server_context(good_tls), client_context(good_tls)):
        for suite in context.get_ciphers():
            assert suite["aead"]
            assert suite["protocol"] == "TLSv1.3" or suite["name"].startswith("ECDHE-")
        assert context.options & ssl.OP_NO_RENEGOTIATION
        assert context.options & ssl.OP_NO_COMPRESSION


@pytest.mark.parametrize("version", VERSIONS)
def test_server_gives_no_ticket(good_tls: TlsFiles, version: ssl.TLSVersion) -> None:
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = server_context(good_tls).wrap_bio(to_server, to_client, server_side=True)
    client = only(client_context(good_tls), version).wrap_bio(to_client, to_server, server_hostname=DNS_NAME)
    for side in (client, server, client, server):
        with contextlib.suppress(ssl.SSLWantReadError):
            side.do_handshake()
    server.write(b"x")
    assert client.read(1) == b"x"
    assert client.session is None or not client.session.has_ticket


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl command here")
def test_renegotiation_is_refused(good_tls: TlsFiles, good: CertificateFiles) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-tls1_2", "-quiet", "-no_ign_eof"]
        command += ["-cert", str(good.certificate), "-key", str(good.private_key), "-cert_chain", str(good.certificate)]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        ) as client:
            connection, _ = listener.accept()
            connection.settimeout(5)
            with server_context(good_tls).wrap_socket(connection, server_side=True) as wrapped:
                # "R" on a line of its own makes s_client start a renegotiation.
                _, errors = _send_renegotiation(client, wrapped)
    assert "no renegotiation" in errors


def _send_renegotiation(client: subprocess.Popen[str], server: ssl.SSLSocket) -> tuple[bytes, str]:
    assert client.stdin is not None
    client.stdin.write("R\n")
    client.stdin.flush()
    received = b""
    try:
        received = server.recv(1)
    except OSError:
        received = b""
    _, errors = client.communicate(timeout=5)
    return received, errors


@pytest.mark.parametrize("name", ["localhost", "other.example"])
def test_client_checks_the_host_name(good_tls: TlsFiles, name: str) -> None:
    outcome = handshake(server_context(good_tls), client_context(good_tls), server_name=name)
    assert isinstance(outcome.client, ssl.SSLCertVerificationError)
    assert outcome.client.verify_code == 62


def test_client_connects_to_no_host_without_a_name(good_tls: TlsFiles) -> None:
    with socket.socket() as unused, pytest.raises(ValueError, match="server_hostname"):
        client_context(good_tls).wrap_socket(unused, server_hostname=None)


def test_client_accepts_the_ip_address_of_the_san(good_tls: TlsFiles) -> None:
    assert handshake(server_context(good_tls), client_context(good_tls), server_name="127.0.0.1").is_accepted


@pytest.mark.parametrize("version", VERSIONS)
def test_revoked_caller_is_let_in_only_where_no_list_is_configured(
    own_authority: Authority, own_tls: TlsFiles, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    shown = issue_good(own_authority, tmp_path / "caller")
    client = only(
        client_context(TlsFiles(shown.certificate, shown.private_key, own_authority.trust_anchor_path)), version
    )
    assert handshake(server_context(own_tls), client).is_accepted
    own_authority.revoke(shown.certificate)
    refused = handshake(server_context(own_tls), client)
    assert isinstance(refused.server, ssl.SSLCertVerificationError)
    assert refused.server.verify_code == 23
    assert handshake(server_context(dataclasses.replace(own_tls, crl=None)), client).is_accepted


def test_revocation_list_is_read_in_der_too(own_authority: Authority, own_tls: TlsFiles, tmp_path: Path) -> None:
    own_authority.revoke(own_tls.certificate)
    der = tmp_path / "list.crl"
    der.write_bytes(x509.load_pem_x509_crl(own_authority.crl_path.read_bytes()).public_bytes(Encoding.DER))
    context = server_context(dataclasses.replace(own_tls, crl=der))
    outcome = handshake(context, client_context(dataclasses.replace(own_tls, crl=None)))
    assert isinstance(outcome.server, ssl.SSLCertVerificationError)
    assert outcome.server.verify_code == 23


def test_file_with_lists_of_several_authorities_works(
    own_authority: Authority, authority: Authority, own_tls: TlsFiles, good_tls: TlsFiles, tmp_path: Path
) -> None:
    both_lists, both_authorities = tmp_path / "lists.pem", tmp_path / "authorities.pem"
    both_lists.write_bytes(own_authority.crl_path.read_bytes() + authority.crl_path.read_bytes())
    both_authorities.write_bytes(own_tls.ca.read_bytes() + authority.trust_anchor_path.read_bytes())
    server = server_context(dataclasses.replace(own_tls, ca=both_authorities, crl=both_lists))
    for client in (own_tls, good_tls):
        context = client_context(dataclasses.replace(client, ca=both_authorities))
        assert handshake(server, context).is_accepted


def test_chain_without_issuing_ca_is_followed_when_the_ca_file_has_it(
    good_tls: TlsFiles, good: CertificateFiles, tmp_path: Path
) -> None:
    lonely = tmp_path / "leaf.pem"
    lonely.write_bytes(x509.load_pem_x509_certificate(good.certificate.read_bytes()).public_bytes(Encoding.PEM))
    client = client_context(dataclasses.replace(good_tls, certificate=lonely))
    assert handshake(server_context(good_tls), client).is_accepted


def test_encrypted_key_needs_and_takes_a_password_file(good_tls: TlsFiles, tmp_path: Path) -> None:
    key = encrypted_copy(good_tls.private_key, tmp_path / "locked.key", b"hemligt")
    password = tmp_path / "password"
    locked = dataclasses.replace(good_tls, private_key=key)
    with pytest.raises(CertificateError, match="is encrypted and no password"):
        server_context(locked)
    password.write_text("hemligt\n")
    opened = server_context(dataclasses.replace(locked, private_key_password=password))
    assert handshake(opened, client_context(good_tls)).is_accepted
    password.write_text("fel\n")
    with pytest.raises(CertificateError, match="password is wrong"):
        server_context(dataclasses.replace(locked, private_key_password=password))
    password.write_text("")
    with pytest.raises(CertificateError, match="no first line"):
        server_context(dataclasses.replace(locked, private_key_password=password))


def test_password_for_a_key_that_needs_none_does_no_harm(good_tls: TlsFiles, tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("hemligt")
    opened = server_context(dataclasses.replace(good_tls, private_key_password=password))
    assert handshake(opened, client_context(good_tls)).is_accepted


@pytest.mark.parametrize("make", [server_context, client_context])
@pytest.mark.parametrize("field", ["certificate", "private_key", "ca", "crl"])
@pytest.mark.parametrize("content", [None, b"", b"nonsense", b"-----BEGIN CERTIFICATE-----\nnonsense"])
def test_file_that_cannot_be_read_is_named(
    good_tls: TlsFiles, tmp_path: Path, make, field: str, content: bytes | None
) -> None:
    path = tmp_path / "broken"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CertificateError) as caught:
        make(dataclasses.replace(good_tls, **{field: path}))
    assert str(path) in caught.value.message


def test_key_of_another_certificate_is_told(good_tls: TlsFiles, own_good: CertificateFiles) -> None:
    with pytest.raises(CertificateError, match="does not belong to the certificate"):
        server_context(dataclasses.replace(good_tls, private_key=own_good.private_key))


def test_certificate_after_its_issuer_is_told(good_tls: TlsFiles, tmp_path: Path) -> None:
    chain = x509.load_pem_x509_certificates(good_tls.certificate.read_bytes())
    turned = tmp_path / "turned.pem"
    turned.write_bytes(b"".join(one.public_bytes(Encoding.PEM) for one in reversed(chain)))
    with pytest.raises(CertificateError, match="put it first"):
        server_context(dataclasses.replace(good_tls, certificate=turned))


def test_ca_file_with_a_leaf_or_without_a_root_is_told(good_tls: TlsFiles, authority: Authority) -> None:
    with pytest.raises(CertificateError, match="no authority's"):
        server_context(dataclasses.replace(good_tls, ca=good_tls.certificate))
    with pytest.raises(CertificateError, match="no root"):
        server_context(dataclasses.replace(good_tls, ca=authority.directory / "issuing.pem"))


def test_weak_own_certificate_is_told(bad_set: dict[str, BadCertificate], bad_authority: Authority) -> None:
    weak = bad_set["weak-key"]
    with pytest.raises(CertificateError, match="OpenSSL does not take"):
        server_context(TlsFiles(weak.certificate, weak.private_key, bad_authority.trust_anchor_path))


def test_alarms_are_silent_while_all_is_well(own_tls: TlsFiles) -> None:
    assert alarms(own_tls, datetime.now(UTC)) == ()


@pytest.mark.parametrize(
    ("days", "says"),
    [
        (-1, ("is not valid before",)),
        (16, ("past half of its time",)),
        (31, ("every peer is refused",)),
        (705, ("runs out in 24 days", "every peer is refused")),
        (731, ("peers refuse it", "every peer is refused")),
    ],
)
def test_alarms_tell_what_will_stop_or_has_stopped(own_tls: TlsFiles, days: int, says: tuple[str, ...]) -> None:
    found = alarms(own_tls, datetime.now(UTC) + timedelta(days=days))
    assert len(found) == len(says)
    for text, expected in zip(found, says, strict=True):
        assert expected in text
