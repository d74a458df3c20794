"""The bad set over real handshakes, TLS 1.2 and 1.3: each entry is refused by whom its index says, the good one not."""

from __future__ import annotations

import json
import shutil
import ssl
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from tls_handshake import DNS_NAME, HSA_ID, VERSIONS, careless_client, careless_server, handshake, only

from certs import Authority, CertificateFiles
from certs.bad_set import INDEX, BadCertificate, make_bad_set, read_index
from certs.peer import check_client_purpose, hsa_id_of
from certs.tls import TlsFiles, client_context, server_context
from contracts.errors import CertificateError

SHOWN_BY_CLIENT = (
    "good",
    "expired",
    "not-yet-valid",
    "eku-server-only",
    "eku-email-only",
    "eku-none",
    "ca-as-leaf",
    "no-serial-number",
    "other-ca",
    "self-signed",
    "weak-key",
    "sha1-signature",
    "revoked",
    "crl-stale",
)
SHOWN_BY_SERVER = (
    "good",
    "expired",
    "not-yet-valid",
    "eku-email-only",
    "wrong-host",
    "no-san",
    "other-ca",
    "self-signed",
    "weak-key",
    "sha1-signature",
    "revoked",
    "crl-stale",
)


def refused_by_application(peer: bytes) -> bool:
    try:
        check_client_purpose(peer)
        hsa_id_of(peer)
    except CertificateError:
        return True
    return False


def test_every_entry_is_tried_on_the_side_that_shows_it(bad_set: dict[str, BadCertificate]) -> None:
    tls = {name: entry for name, entry in bad_set.items() if entry.refused_by != "start"}
    assert {name for name, entry in tls.items() if entry.role != "server"} == set(SHOWN_BY_CLIENT)
    assert {name for name, entry in tls.items() if entry.role != "client"} == set(SHOWN_BY_SERVER)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", SHOWN_BY_CLIENT)
def test_caller_is_refused_by_whom_the_index_says(
    bad_set: dict[str, BadCertificate], bad_authority: Authority, name: str, version: ssl.TLSVersion
) -> None:
    good, shown = bad_set["good"], bad_set[name]
    trust = bad_authority.trust_anchor_path
    server = server_context(TlsFiles(good.certificate, good.private_key, trust, shown.crl))
    client = careless_client(trust, shown.certificate, shown.private_key, shown.security_level)
    outcome = handshake(server, only(client, version))
    if shown.refused_by == "tls":
        assert isinstance(outcome.server, ssl.SSLCertVerificationError)
        assert outcome.client is not None
    else:
        assert outcome.is_accepted
        assert outcome.version == version.name.replace("v1_", "v1.")
        assert outcome.peer is not None
        assert refused_by_application(outcome.peer) == (shown.refused_by == "application")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", SHOWN_BY_SERVER)
def test_server_is_refused_by_our_client(
    bad_set: dict[str, BadCertificate], bad_authority: Authority, name: str, version: ssl.TLSVersion
) -> None:
    good, shown = bad_set["good"], bad_set[name]
    server = careless_server(shown.certificate, shown.private_key, shown.security_level)
    client = client_context(TlsFiles(good.certificate, good.private_key, bad_authority.trust_anchor_path, shown.crl))
    outcome = handshake(server, only(client, version))
    if shown.refused_by == "tls":
        assert isinstance(outcome.client, ssl.SSLCertVerificationError)
    else:
        assert outcome.is_accepted


@pytest.mark.parametrize("make", [server_context, client_context])
def test_list_of_another_ca_stops_the_start(bad_set: dict[str, BadCertificate], bad_authority: Authority, make) -> None:
    entry = bad_set["crl-other-signer"]
    assert entry.refused_by == "start"
    with pytest.raises(CertificateError, match="not signed by any authority"):
        make(TlsFiles(entry.certificate, entry.private_key, bad_authority.trust_anchor_path, entry.crl))


def test_index_says_the_same_as_the_mapping(bad_set: dict[str, BadCertificate], bad_directory: Path) -> None:
    assert dict(read_index(bad_directory)) == bad_set
    raw = json.loads((bad_directory / INDEX).read_text())["certificates"]
    assert all(not Path(entry["certificate"]).is_absolute() for entry in raw)
    with pytest.raises(CertificateError, match="index"):
        read_index(bad_directory.parent)


def test_index_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / INDEX).write_text('{"certificates": [{"name": "x"}]}')
    with pytest.raises(CertificateError, match="no index of a bad set"):
        read_index(tmp_path)


def test_every_key_is_private_and_belongs_to_its_certificate(bad_set: dict[str, BadCertificate]) -> None:
    for entry in bad_set.values():
        assert entry.private_key.stat().st_mode & 0o777 == 0o600
        leaf = x509.load_pem_x509_certificate(entry.certificate.read_bytes())
        assert load_pem_private_key(entry.private_key.read_bytes(), None).public_key() == leaf.public_key()


def test_other_ca_has_the_name_of_the_real_one(bad_set: dict[str, BadCertificate], bad_authority: Authority) -> None:
    leaf, issuer = x509.load_pem_x509_certificates(bad_set["other-ca"].certificate.read_bytes())
    assert leaf.issuer == issuer.subject == bad_authority.issuing.certificate.subject
    assert issuer.public_key() != bad_authority.issuing.certificate.public_key()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl command here")
def test_openssl_sees_the_sha1_signature_as_right_but_weak(
    bad_set: dict[str, BadCertificate], bad_authority: Authority
) -> None:
    leaf = x509.load_pem_x509_certificate(bad_set["sha1-signature"].certificate.read_bytes())
    assert leaf.signature_hash_algorithm is not None
    assert leaf.signature_hash_algorithm.name == "sha1"
    verify = ["openssl", "verify", "-CAfile", bad_authority.trust_anchor_path, "-auth_level"]
    codes = [
        subprocess.run(
            [*verify, level, bad_set["sha1-signature"].certificate], capture_output=True, check=False
        ).returncode
        for level in ("0", "2")
    ]
    assert codes == [0, 2]


def test_set_needs_an_empty_folder(authority: Authority, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(CertificateError, match="not empty"):
        make_bad_set(authority, tmp_path, HSA_ID, DNS_NAME)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_revoked_entry_is_revoked_in_the_authority_too(
    bad_set: dict[str, BadCertificate], bad_authority: Authority, good: CertificateFiles
) -> None:
    serial = x509.load_pem_x509_certificate(bad_set["revoked"].certificate.read_bytes()).serial_number
    assert [one.serial_number for one in bad_authority.revocations()] == [serial]
