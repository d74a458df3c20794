"""The test authority: folder, profile of its certificates, revocation, and what it refuses to do."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key, pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from tls_handshake import DNS_NAME, HSA_ID

from certs import Authority, CertificateFiles
from certs.revocation import REASONS
from contracts.errors import CertificateError, UsageError

openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl command here")


def modes(directory: Path) -> dict[str, int]:
    return {path.relative_to(directory).as_posix(): path.stat().st_mode & 0o777 for path in directory.rglob("*")}


def test_folder_holds_the_layout_its_readme_tells_of(authority: Authority) -> None:
    readme = (authority.directory / "README.txt").read_text()
    for name in ("trust.pem", "crl.pem", "issued", "revoked", "private"):
        assert (authority.directory / name).exists()
        assert name in readme


def test_keys_are_private_and_folders_closed(own_authority: Authority) -> None:
    found = modes(own_authority.directory)
    assert found["private/root.key"] == found["private/issuing.key"] == 0o600
    assert found["private"] == own_authority.directory.stat().st_mode & 0o777 == 0o700
    assert found["trust.pem"] & 0o400


def test_chain_has_the_shape_of_siths(authority: Authority) -> None:
    root, issuing = authority.root, authority.issuing.certificate
    assert root.issuer == root.subject
    assert issuing.issuer == root.subject
    assert (root.signature_hash_algorithm.name, issuing.signature_hash_algorithm.name) == ("sha256", "sha512")
    limits = issuing.extensions.get_extension_for_class(x509.BasicConstraints)
    assert limits.critical
    assert (limits.value.ca, limits.value.path_length) == (True, 0)
    for certificate in (root, issuing):
        name = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
        assert name.startswith("TEST ")
        assert "SITHS" not in name


def test_function_certificate_has_the_shape_of_siths(good: CertificateFiles, authority: Authority) -> None:
    leaf, issuing = x509.load_pem_x509_certificates(good.certificate.read_bytes())
    assert issuing == authority.issuing.certificate
    expected = [
        (NameOID.SERIAL_NUMBER, HSA_ID),
        (NameOID.COMMON_NAME, DNS_NAME),
        (NameOID.ORGANIZATION_NAME, "Testregionen Åäö"),
        (NameOID.LOCALITY_NAME, "Teststad"),
        (NameOID.COUNTRY_NAME, "SE"),
    ]
    assert [(attribute.oid, attribute.value) for attribute in leaf.subject] == expected
    # PrintableString is tag 0x13.
    assert b"\x06\x03\x55\x04\x05\x13" + bytes([len(HSA_ID)]) + HSA_ID.encode() in leaf.subject.public_bytes()
    assert leaf.signature_hash_algorithm.name == "sha512"
    usage = leaf.extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert usage.value.digital_signature
    assert usage.value.key_encipherment
    assert not usage.value.key_cert_sign
    usages = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert set(usages) == {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH}
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [DNS_NAME]
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]
    policies = leaf.extensions.get_extension_for_class(x509.CertificatePolicies).value
    assert [policy.policy_identifier.dotted_string for policy in policies] == ["2.23.140.1.2.2", "1.2.752.74.8.505"]
    with pytest.raises(x509.ExtensionNotFound):
        leaf.extensions.get_extension_for_class(x509.BasicConstraints)


def test_addresses_in_certificates_lead_nowhere(good: CertificateFiles) -> None:
    leaf = x509.load_pem_x509_certificates(good.certificate.read_bytes())[0]
    points = leaf.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    access = leaf.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    addresses = [name.value for point in points for name in point.full_name]
    addresses += [entry.access_location.value for entry in access]
    assert len(addresses) == 3
    assert all(address.split("/")[2].endswith(".test-authority.invalid") for address in addresses)


def test_function_certificate_runs_two_years_but_not_longer_than_its_authority(tmp_path: Path) -> None:
    long = Authority.create(tmp_path / "long", key_size=2048)
    short = Authority.create(tmp_path / "short", key_size=2048, valid_days=10)
    leaves = [
        one.issue(HSA_ID, DNS_NAME, organization="O", locality="L", key_size=2048).certificate for one in (long, short)
    ]
    assert leaves[0].not_valid_after_utc - leaves[0].not_valid_before_utc == timedelta(days=730)
    assert leaves[1].not_valid_after_utc == short.root.not_valid_after_utc


@openssl
def test_openssl_verifies_chain_with_strict_rules_and_revocation_list(
    authority: Authority, good: CertificateFiles
) -> None:
    verify = [
        "openssl",
        "verify",
        "-x509_strict",
        "-crl_check",
        "-auth_level",
        "2",
        "-CAfile",
        authority.trust_anchor_path,
    ]
    for purpose in ("sslclient", "sslserver"):
        command = [*verify, "-CRLfile", authority.crl_path, "-purpose", purpose, good.certificate]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_create_refuses_a_folder_that_holds_an_authority(own_authority: Authority) -> None:
    key = (own_authority.directory / "private" / "issuing.key").read_bytes()
    with pytest.raises(CertificateError, match="never overwritten"):
        Authority.create(own_authority.directory, key_size=2048)
    assert (own_authority.directory / "private" / "issuing.key").read_bytes() == key


def test_create_refuses_a_folder_with_files_and_leaves_it(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(CertificateError, match="not an empty folder"):
        Authority.create(tmp_path, key_size=2048)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_create_that_fails_half_way_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> Path:
        raise CertificateError("disk full")

    monkeypatch.setattr(Authority, "write_crl", fail)
    with pytest.raises(CertificateError, match="disk full"):
        Authority.create(tmp_path / "authority", key_size=2048)
    assert list(tmp_path.iterdir()) == []


def test_create_fills_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "authority").mkdir()
    assert Authority.create(tmp_path / "authority", key_size=2048).crl_path.is_file()


@pytest.mark.parametrize("name", ["SITHS e-id", "my siths", "Inera", "", "x" * 41, "a\nb"])
def test_authority_is_not_named_like_the_real_one_or_unreadably(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError):
        Authority.create(tmp_path / "authority", name=name, key_size=2048)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [{"key_size": 1024}, {"key_size": 2048, "valid_days": 0}])
def test_authority_is_not_made_weak_or_dead(tmp_path: Path, arguments: dict[str, int]) -> None:
    with pytest.raises(UsageError):
        Authority.create(tmp_path / "authority", **arguments)


def test_open_gives_the_same_authority(authority: Authority) -> None:
    opened = Authority.open(authority.directory)
    assert opened.issuing.certificate == authority.issuing.certificate
    assert opened.root == authority.root
    assert opened.issuing.private_key.private_numbers() == authority.issuing.private_key.private_numbers()


def test_open_of_nothing_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(CertificateError, match="brygga certs authority"):
        Authority.open(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("broken", "content", "says"),
    [
        ("private/issuing.key", b"nonsense", "no readable private key"),
        ("private/issuing.key", None, "Cannot read"),
        ("issuing.pem", b"nonsense", "no certificate in PEM form"),
    ],
)
def test_open_of_a_broken_authority_names_the_file(
    own_authority: Authority, broken: str, content: bytes | None, says: str
) -> None:
    path = own_authority.directory / broken
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CertificateError, match=says) as caught:
        Authority.open(own_authority.directory)
    assert str(path) in caught.value.message


def test_open_refuses_another_key(own_authority: Authority, authority: Authority) -> None:
    shutil.copy(authority.directory / "private" / "issuing.key", own_authority.directory / "private" / "issuing.key")
    with pytest.raises(CertificateError, match="does not belong to"):
        Authority.open(own_authority.directory)


def test_open_refuses_what_is_no_test_authority(own_authority: Authority, good: CertificateFiles) -> None:
    shutil.copy(good.certificate, own_authority.directory / "issuing.pem")
    with pytest.raises(CertificateError, match="not the CA of a test authority"):
        Authority.open(own_authority.directory)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"hsa_id": ""}, "HSA-id"),
        ({"hsa_id": "SE9990001112 A"}, "HSA-id"),
        ({"hsa_id": "SE9990001112-å"}, "HSA-id"),
        ({"hsa_id": "A" * 65}, "HSA-id"),
        ({"dns_name": "not a name"}, "DNS name"),
        ({"dns_name": "10.0.0.1"}, "DNS name"),
        ({"dns_name": "räksmörgås.se"}, "DNS name"),
        ({"dns_name": ".".join(["a" * 20] * 4)}, "DNS name"),
        ({"organization": " "}, "organisation"),
        ({"organization": "x" * 65}, "organisation"),
        ({"locality": "a\nb"}, "locality"),
        ({"extra_dns": ["*.example"]}, "no DNS name"),
        ({"ip_addresses": ["300.0.0.1"]}, "no IP address"),
        ({"key_size": 1024}, "key size"),
        (
            {"valid_from": datetime(2026, 1, 1, tzinfo=UTC), "valid_to": datetime(2025, 1, 1, tzinfo=UTC)},
            "begin before",
        ),
        ({"valid_from": datetime(2026, 1, 1)}, "time zone"),  # noqa: DTZ001 (naive on purpose)
        ({"valid_to": datetime(2999, 1, 1, tzinfo=UTC)}, "outlive the authority"),
    ],
)
def test_issue_refuses_what_no_certificate_can_hold(authority: Authority, change: dict[str, object], says: str) -> None:
    issued = set((authority.directory / "issued").iterdir())
    arguments = {"hsa_id": HSA_ID, "dns_name": DNS_NAME, "organization": "O", "locality": "L", **change}
    with pytest.raises(UsageError, match=says):
        authority.issue(**arguments)  # type: ignore[arg-type]
    assert set((authority.directory / "issued").iterdir()) == issued


def test_subject_problems_are_told_together(authority: Authority) -> None:
    with pytest.raises(UsageError) as caught:
        authority.issue("å", "ö ö", organization="", locality="")
    for part in ("HSA-id", "DNS name", "organisation", "locality"):
        assert part in caught.value.message


def test_files_are_not_overwritten_unless_told(own_authority: Authority, tmp_path: Path) -> None:
    first = own_authority.issue(HSA_ID, DNS_NAME, organization="O", locality="L", key_size=2048)
    second = own_authority.issue(HSA_ID, DNS_NAME, organization="O", locality="L", key_size=2048)
    written = first.write(tmp_path / "out", "name")
    with pytest.raises(CertificateError, match="not overwritten"):
        second.write(tmp_path / "out", "name")
    assert written.certificate.read_bytes() == first.certificate_pem
    second.write(tmp_path / "out", "name", replace=True)
    assert written.certificate.read_bytes() == second.certificate_pem
    assert written.private_key.stat().st_mode & 0o777 == 0o600
    key = load_pem_private_key(written.private_key.read_bytes(), None)
    assert key.public_key() == second.certificate.public_key()


@pytest.mark.parametrize("taken", ["name.pem", "name.key"])
def test_refused_pair_leaves_no_half(authority: Authority, tmp_path: Path, taken: str) -> None:
    issued = authority.issue(HSA_ID, DNS_NAME, organization="O", locality="L", key_size=2048)
    (tmp_path / taken).write_text("mine")
    with pytest.raises(CertificateError, match="not overwritten"):
        issued.write(tmp_path, "name")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {taken: "mine"}


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../a"])
def test_a_file_name_does_not_lead_elsewhere(authority: Authority, tmp_path: Path, name: str) -> None:
    issued = authority.issue(HSA_ID, DNS_NAME, organization="O", locality="L", key_size=2048)
    with pytest.raises(UsageError):
        issued.write(tmp_path, name)


def test_pkcs12_opens_with_its_password_and_holds_the_chain(own_authority: Authority, tmp_path: Path) -> None:
    issued = own_authority.issue(HSA_ID, DNS_NAME, organization="O", locality="L", key_size=2048)
    path = issued.write_pkcs12(tmp_path / "store.p12", "hemligt")
    assert path.stat().st_mode & 0o777 == 0o600
    store = pkcs12.load_pkcs12(path.read_bytes(), b"hemligt")
    assert store.cert is not None
    assert store.cert.certificate == issued.certificate
    assert [extra.certificate for extra in store.additional_certs] == [own_authority.issuing.certificate]
    with pytest.raises(CertificateError, match="not overwritten"):
        issued.write_pkcs12(path, "hemligt")
    with pytest.raises(UsageError, match="password"):
        issued.write_pkcs12(tmp_path / "other.p12", "")


def crl_of(authority: Authority) -> x509.CertificateRevocationList:
    return x509.load_pem_x509_crl(authority.crl_path.read_bytes())


@pytest.mark.parametrize("reason", REASONS)
def test_revoked_certificate_is_in_the_list_with_its_reason(
    own_authority: Authority, own_good: CertificateFiles, reason: str
) -> None:
    before = crl_of(own_authority)
    assert len(before) == 0
    path = own_authority.revoke(own_good.certificate, reason)
    crl = crl_of(own_authority)
    assert path == own_authority.crl_path
    assert crl.is_signature_valid(own_authority.issuing.certificate.public_key())
    leaf = x509.load_pem_x509_certificate(own_good.certificate.read_bytes())
    entry = crl.get_revoked_certificate_by_serial_number(leaf.serial_number)
    assert entry is not None
    reasons = [extension.value.reason.value for extension in entry.extensions]
    assert reasons == ([] if reason == "unspecified" else [reason])
    number = x509.CRLNumber
    numbers = [one.extensions.get_extension_for_class(number).value.crl_number for one in (before, crl)]
    assert numbers[0] < numbers[1]


def test_revocations_survive_reopening_and_a_second_one_is_an_error(
    own_authority: Authority, own_good: CertificateFiles
) -> None:
    own_authority.revoke(own_good.certificate)
    reopened = Authority.open(own_authority.directory)
    serial = x509.load_pem_x509_certificate(own_good.certificate.read_bytes()).serial_number
    assert [one.serial_number for one in reopened.revocations()] == [serial]
    with pytest.raises(CertificateError, match="revoked already"):
        reopened.revoke(serial)


def test_revoke_refuses_what_it_did_not_issue(own_authority: Authority, good: CertificateFiles) -> None:
    with pytest.raises(CertificateError, match="was not issued by"):
        own_authority.revoke(good.certificate)
    with pytest.raises(CertificateError, match="has issued no certificate"):
        own_authority.revoke(4711)
    with pytest.raises(UsageError, match="no reason"):
        own_authority.revoke(4711, "because")
    assert own_authority.revocations() == []


def test_broken_record_of_a_revocation_is_named_not_skipped(own_authority: Authority) -> None:
    (own_authority.directory / "revoked" / "1f.json").write_text("{}")
    with pytest.raises(CertificateError, match=r"1f\.json"):
        own_authority.write_crl()


def test_crl_replaces_a_list_but_no_other_file(own_authority: Authority, tmp_path: Path) -> None:
    target = tmp_path / "list.pem"
    assert own_authority.write_crl(target) == target
    own_authority.write_crl(target, valid_days=0.5)
    crl = x509.load_pem_x509_crl(target.read_bytes())
    assert crl.next_update_utc - datetime.now(UTC) <= timedelta(hours=12)
    other = tmp_path / "other.txt"
    other.write_text("mine")
    with pytest.raises(CertificateError, match="no revocation list"):
        own_authority.write_crl(other)
    assert other.read_text() == "mine"
    with pytest.raises(UsageError):
        own_authority.write_crl(target, valid_days=0)
