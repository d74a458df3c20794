"""Inspection in plain words: what a file is, what is wrong with it, and that nothing private is told."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)
from cryptography.x509.oid import ExtendedKeyUsageOID
from tls_handshake import DNS_NAME, HSA_ID

from certs import Authority, CertificateFiles, IssuedCertificate, profile
from certs.bad_set import BadCertificate
from certs.inspection import Inspection, inspect_file, needs_password
from certs.order import make_order
from contracts.errors import CertificateError

openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl command here")


def codes(inspection: Inspection) -> set[str]:
    return {problem.code for problem in inspection.problems}


def pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)


def key_pem(path: Path) -> bytes:
    return path.read_bytes()


def test_good_certificate_is_explained_and_has_no_problem(good: CertificateFiles, authority: Authority) -> None:
    found = inspect_file(good.certificate, ca=authority.trust_anchor_path, crl=authority.crl_path, key=good.private_key)
    assert found.problems == ()
    assert not found.has_errors
    leaf, issuing, key = found.items
    assert (leaf.role, issuing.role, key.kind) == ("leaf", "issuing CA", "private key")
    for part in (HSA_ID, DNS_NAME, "127.0.0.1", "Testregionen Åäö", "a test authority", "729 days left"):
        assert part in leaf.summary
    assert leaf.facts["usages"] == ("server", "client")
    assert (leaf.facts["key"], leaf.facts["signature"], leaf.facts["days_left"]) == ("RSA 2048", "SHA512", 729)
    assert key.facts == {"key": "RSA 2048", "is_encrypted": False, "belongs": True}


def test_without_a_ca_file_only_what_the_file_says_counts(good: CertificateFiles) -> None:
    assert inspect_file(good.certificate).problems == ()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("good", set()),
        ("expired", {"expired"}),
        ("not-yet-valid", {"not-yet-valid"}),
        ("eku-server-only", {"no-client-usage"}),
        ("eku-email-only", {"no-client-usage"}),
        ("eku-none", {"no-usages"}),
        ("ca-as-leaf", {"ca-as-leaf"}),
        ("no-serial-number", {"no-hsa-id"}),
        ("wrong-host", set()),
        ("no-san", {"no-san"}),
        ("other-ca", {"other-ca-key"}),
        ("self-signed", {"self-signed"}),
        ("weak-key", {"weak-key"}),
        ("sha1-signature", {"weak-signature"}),
        ("revoked", {"revoked"}),
        ("crl-stale", {"crl-stale"}),
        ("crl-other-signer", {"crl-signature"}),
    ],
)
def test_bad_certificate_has_exactly_its_problem(
    bad_set: dict[str, BadCertificate], bad_authority: Authority, name: str, expected: set[str]
) -> None:
    entry = bad_set[name]
    found = inspect_file(entry.certificate, ca=bad_authority.trust_anchor_path, crl=entry.crl, key=entry.private_key)
    assert codes(found) == expected
    assert found.has_errors == bool(expected)
    for problem in found.problems:
        assert problem.message.endswith(".")
        assert problem.mend


def test_every_bad_certificate_was_inspected(bad_set: dict[str, BadCertificate]) -> None:
    marks = test_bad_certificate_has_exactly_its_problem.pytestmark  # type: ignore[attr-defined]
    assert {name for name, _ in marks[0].args[1]} == set(bad_set)


@pytest.mark.parametrize(
    ("days", "expected", "says"),
    [
        (-1, {"not-yet-valid", "ca-expired"}, "not valid yet"),
        (720, {"expires-soon"}, "9 days left"),
        (728, {"expires-soon"}, "1 day left"),
        (740, {"expired"}, "expired"),
    ],
)
def test_time_is_judged_at_the_given_moment(
    good: CertificateFiles, authority: Authority, days: int, expected: set[str], says: str
) -> None:
    moment = datetime.now(UTC) + timedelta(days=days)
    found = inspect_file(good.certificate, ca=authority.trust_anchor_path, now=moment)
    assert codes(found) == expected
    assert says in found.items[0].summary


def test_certificate_of_another_authority_is_told(
    good: CertificateFiles, own_authority: Authority, tmp_path: Path
) -> None:
    found = inspect_file(good.certificate, ca=own_authority.trust_anchor_path)
    assert codes(found) == {"other-ca-key"}
    foreign = Authority.create(tmp_path / "foreign", name="Somebody", key_size=2048)
    found = inspect_file(good.certificate, ca=foreign.trust_anchor_path)
    assert codes(found) == {"unknown-authority"}


def test_ca_file_without_the_issuing_ca_is_enough_when_the_file_has_it(
    good: CertificateFiles, authority: Authority
) -> None:
    assert inspect_file(good.certificate, ca=authority.directory / "root.pem").problems == ()


def test_missing_issuing_ca_and_wrong_order_are_told(good: CertificateFiles, tmp_path: Path) -> None:
    leaf, issuing = x509.load_pem_x509_certificates(good.certificate.read_bytes())
    lonely, turned = tmp_path / "lonely.pem", tmp_path / "turned.pem"
    lonely.write_bytes(pem(leaf))
    turned.write_bytes(pem(issuing) + pem(leaf))
    assert codes(inspect_file(lonely)) == {"chain-incomplete"}
    assert codes(inspect_file(turned)) == {"chain-order"}
    assert inspect_file(lonely).problems[0].severity == "warning"


def test_key_of_another_certificate_is_told(good: CertificateFiles, own_good: CertificateFiles) -> None:
    found = inspect_file(good.certificate, key=own_good.private_key)
    assert codes(found) == {"key-mismatch"}
    assert found.items[-1].facts["belongs"] is False


def test_missing_key_file_and_a_file_without_key_are_errors(good: CertificateFiles, tmp_path: Path) -> None:
    with pytest.raises(CertificateError, match="Cannot read"):
        inspect_file(good.certificate, key=tmp_path / "missing")
    with pytest.raises(CertificateError, match="holds no private key"):
        inspect_file(good.certificate, key=good.certificate)


@pytest.mark.parametrize(("mode", "severity"), [(0o640, "warning"), (0o604, "error"), (0o666, "error"), (0o400, None)])
def test_open_key_file_is_told(own_good: CertificateFiles, mode: int, severity: str | None) -> None:
    own_good.private_key.chmod(mode)
    for found in (inspect_file(own_good.private_key), inspect_file(own_good.certificate, key=own_good.private_key)):
        assert [problem.severity for problem in found.problems] == ([severity] if severity else [])
        assert codes(found) <= {"open-key-file"}


def test_combined_file_takes_the_certificate_of_its_key_as_leaf(
    own_good: CertificateFiles, own_authority: Authority, tmp_path: Path
) -> None:
    combined = tmp_path / "combined.pem"
    combined.touch(0o600)
    combined.write_bytes(key_pem(own_good.private_key) + own_good.certificate.read_bytes())
    found = inspect_file(combined, ca=own_authority.trust_anchor_path)
    assert found.problems == ()
    assert [item.kind for item in found.items] == ["certificate", "certificate", "private key"]


def test_ca_file_is_explained_as_such(authority: Authority) -> None:
    found = inspect_file(authority.trust_anchor_path)
    assert [item.role for item in found.items] == ["root CA", "issuing CA"]
    assert found.problems == ()
    assert codes(inspect_file(authority.directory / "issuing.pem")) == {"no-root"}


def test_ca_key_with_its_certificate_is_refused_as_a_system_certificate(own_authority: Authority) -> None:
    found = inspect_file(
        own_authority.directory / "issuing.pem", key=own_authority.directory / "private" / "issuing.key"
    )
    assert "ca-as-leaf" in codes(found)


def test_pkcs12_is_explained_once_opened(own_authority: Authority, own_good: CertificateFiles, tmp_path: Path) -> None:
    leaf, issuing = x509.load_pem_x509_certificates(own_good.certificate.read_bytes())
    key = load_pem_private_key(key_pem(own_good.private_key), None)
    issued = IssuedCertificate(leaf, key, (issuing,))  # type: ignore[arg-type]
    store = issued.write_pkcs12(tmp_path / "store.p12", "hemligt")
    assert needs_password(store)
    with pytest.raises(CertificateError, match="opens with its password only"):
        inspect_file(store)
    with pytest.raises(CertificateError, match="does not open it"):
        inspect_file(store, "fel")
    found = inspect_file(store, "hemligt", own_authority.trust_anchor_path)
    assert (found.form, found.problems) == ("PKCS#12", ())
    assert [item.kind for item in found.items] == ["certificate", "certificate", "private key"]
    assert found.items[2].facts["is_encrypted"] is True


def test_pkcs12_without_key_or_password_is_told(
    good: CertificateFiles, own_good: CertificateFiles, tmp_path: Path
) -> None:
    leaf, issuing = x509.load_pem_x509_certificates(good.certificate.read_bytes())
    keyless, unlocked = tmp_path / "keyless.p12", tmp_path / "unlocked.p12"
    keyless.write_bytes(
        pkcs12.serialize_key_and_certificates(b"x", None, leaf, [issuing], BestAvailableEncryption(b"p"))
    )
    assert codes(inspect_file(keyless, "p")) == {"no-key"}
    key = load_pem_private_key(key_pem(good.private_key), None)
    unlocked.touch(0o644)
    unlocked.write_bytes(pkcs12.serialize_key_and_certificates(b"x", key, leaf, [issuing], NoEncryption()))  # type: ignore[arg-type]
    assert not needs_password(unlocked)
    assert codes(inspect_file(unlocked)) == {"open-key-file"}


@openssl
@pytest.mark.parametrize("options", [(), ("-legacy",)])
def test_pkcs12_of_openssl_is_read(good: CertificateFiles, tmp_path: Path, options: tuple[str, ...]) -> None:
    store = tmp_path / "store.p12"
    export = ["openssl", "pkcs12", "-export", "-in", good.certificate, "-inkey", good.private_key, "-passout", "pass:p"]
    subprocess.run([*export, *options, "-out", store], check=True, capture_output=True)
    assert needs_password(store)
    assert inspect_file(store, "p").problems == ()


def test_pkcs12_in_an_outdated_cipher_is_explained(
    own_authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    issued = own_authority.issue(HSA_ID, DNS_NAME, organization="O", locality="L", key_size=2048)
    store = issued.write_pkcs12(tmp_path / "store.p12", "p")

    def refuse(*_: object) -> None:
        raise UnsupportedAlgorithm("RC2")

    monkeypatch.setattr("certs.inspection.contents.pkcs12.load_pkcs12", refuse)
    with pytest.raises(CertificateError, match="openssl pkcs12 -legacy"):
        inspect_file(store, "p")


def test_encrypted_key_is_told_without_and_checked_with_its_password(good: CertificateFiles, tmp_path: Path) -> None:
    key = load_pem_private_key(key_pem(good.private_key), None)
    locked = tmp_path / "locked.key"
    for form, marker in ((PrivateFormat.PKCS8, b"ENCRYPTED"), (PrivateFormat.TraditionalOpenSSL, b"ENCRYPTED")):
        locked.write_bytes(key.private_bytes(Encoding.PEM, form, BestAvailableEncryption(b"hemligt")))
        assert marker in locked.read_bytes()
        assert needs_password(locked)
        closed = inspect_file(locked)
        assert "not opened" in closed.items[0].summary
        opened = inspect_file(good.certificate, "hemligt", key=locked)
        assert opened.problems == ()
        assert opened.items[-1].facts == {"key": "RSA 2048", "is_encrypted": True, "belongs": True}
        with pytest.raises(CertificateError, match="does not open"):
            inspect_file(locked, "fel")


def test_der_forms_are_recognised_whatever_the_name(
    good: CertificateFiles, authority: Authority, tmp_path: Path
) -> None:
    leaf = x509.load_pem_x509_certificate(good.certificate.read_bytes())
    crl = x509.load_pem_x509_crl(authority.crl_path.read_bytes())
    request = make_order(HSA_ID, DNS_NAME, organization="O", locality="L", key_size=2048).request
    key = load_pem_private_key(key_pem(good.private_key), None)
    forms = {
        "certificate": leaf.public_bytes(Encoding.DER),
        "revocation list": crl.public_bytes(Encoding.DER),
        "request": request.public_bytes(Encoding.DER),
        "private key": key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
    }
    for kind, data in forms.items():
        path = tmp_path / "file.txt"
        path.unlink(missing_ok=True)
        path.touch(0o600)
        path.write_bytes(data)
        found = inspect_file(path)
        assert (found.form, [item.kind for item in found.items]) == ("DER", [kind])
        assert not needs_password(path)
    locked = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, BestAvailableEncryption(b"p"))
    path.write_bytes(locked)
    assert inspect_file(path).items[0].facts == {"is_encrypted": True}


def test_revocation_list_is_explained(own_authority: Authority, own_good: CertificateFiles) -> None:
    own_authority.revoke(own_good.certificate)
    found = inspect_file(own_authority.crl_path)
    assert "with 1 certificates" in found.items[0].summary
    assert found.items[0].facts["revoked"] == 1
    assert found.problems == ()
    later = datetime.now(UTC)
    assert codes(inspect_file(own_authority.crl_path, now=later + timedelta(days=20))) == {"crl-old"}
    assert codes(inspect_file(own_authority.crl_path, now=later + timedelta(days=40))) == {"crl-stale"}
    assert codes(inspect_file(own_authority.crl_path, now=later - timedelta(days=1))) == {"crl-not-yet-valid"}


def test_list_of_another_authority_is_told(good: CertificateFiles, tmp_path: Path) -> None:
    foreign = Authority.create(tmp_path / "foreign", name="Somebody", key_size=2048)
    assert codes(inspect_file(good.certificate, crl=foreign.crl_path)) == {"crl-other-authority"}


def test_request_is_explained(tmp_path: Path) -> None:
    written = make_order(HSA_ID, DNS_NAME, organization="O", locality="L", key_size=2048).write(tmp_path, "order")
    found = inspect_file(written.request, key=written.private_key)
    assert found.problems == ()
    assert found.items[0].summary.startswith(f"Request for a certificate of HSA-id {HSA_ID} for {DNS_NAME}")


def test_poor_request_is_told(tmp_path: Path) -> None:
    key = profile.generate_key(1024)
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    path = tmp_path / "poor.csr"
    data = bytearray(request.public_bytes(Encoding.DER))
    data[-1] ^= 0xFF
    path.write_bytes(data)
    found = inspect_file(path)
    assert codes(found) == {"no-hsa-id", "no-san", "weak-key", "request-signature"}
    assert "without HSA-id" in found.items[0].summary


@pytest.mark.parametrize(
    ("change", "code", "severity"),
    [
        ({"hsa_id": "5565594230"}, "odd-hsa-id", "warning"),
        ({"hsa_id": "SE9990001112-" + "A" * 20}, "odd-hsa-id", "warning"),
        ({"alternative_dns": ("other.example",)}, "san-differs", "warning"),
        ({"usages": (ExtendedKeyUsageOID.CLIENT_AUTH,)}, "no-server-usage", "warning"),
    ],
)
def test_unusual_certificate_is_remarked_upon(
    authority: Authority, tmp_path: Path, change: dict[str, object], code: str, severity: str
) -> None:
    content = replace(authority.profile_for(HSA_ID, DNS_NAME, "O", "L"), **change)  # type: ignore[arg-type]
    issued = authority.issue_profile(content, profile.generate_key(2048))
    found = inspect_file(issued.write(tmp_path, "unusual").certificate)
    assert [(problem.code, problem.severity) for problem in found.problems] == [(code, severity)]
    assert not found.has_errors


def test_elliptic_key_is_a_note(authority: Authority, tmp_path: Path) -> None:
    content = authority.profile_for(HSA_ID, DNS_NAME, "O", "L")
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = profile.build_function_certificate(content, key.public_key(), authority.issuing)  # type: ignore[arg-type]
    path = tmp_path / "ec.pem"
    path.write_bytes(pem(certificate) + pem(authority.issuing.certificate))
    found = inspect_file(path)
    assert [(problem.code, problem.severity) for problem in found.problems] == [("not-rsa", "note")]
    assert found.items[0].facts["key"] == "EC secp256r1"


def test_leaf_that_signed_a_leaf_is_told(good: CertificateFiles, authority: Authority, tmp_path: Path) -> None:
    leaf, issuing = x509.load_pem_x509_certificates(good.certificate.read_bytes())
    key = load_pem_private_key(key_pem(good.private_key), None)
    content = authority.profile_for(HSA_ID, DNS_NAME, "O", "L")
    forged_key = profile.generate_key(2048)
    forged = profile.build_function_certificate(content, forged_key.public_key(), profile.Signer(leaf, key))  # type: ignore[arg-type]
    path = tmp_path / "forged.pem"
    path.write_bytes(pem(forged) + pem(leaf) + pem(issuing))
    assert "no-ca" in codes(inspect_file(path, ca=authority.trust_anchor_path))


@pytest.mark.parametrize(
    ("issuer", "kind"),
    [
        ("SITHS e-id Function CA v1", "SITHS, production"),
        ("TEST SITHS e-id Function CA v1", "SITHS, test environment"),
        ("SITHS Type 3 CA v1", "SITHS, older chain that is out of use"),
        ("TEST Indikatorbryggan Function CA v1", "a test authority"),
        ("Other CA", "not SITHS"),
    ],
)
def test_authority_is_named_by_the_issuer(authority: Authority, tmp_path: Path, issuer: str, kind: str) -> None:
    now = profile.now_utc()
    signer = profile.build_authority(
        x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, issuer)]),
        authority.issuing.private_key,
        issuer=None,
        valid_from=now,
        valid_to=now + timedelta(days=1),
    )
    content = authority.profile_for(HSA_ID, DNS_NAME, "O", "L")
    key = authority.issuing.private_key.public_key()
    path = tmp_path / "named.pem"
    path.write_bytes(pem(profile.build_function_certificate(content, key, signer)))
    facts = inspect_file(path).items[0].facts
    assert (facts["issuer"], facts["authority"]) == (issuer, kind)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "holds no certificate"),
        (b"hello", "holds no certificate"),
        (b"\xfe\xed\xfe\xed\x00\x00", "Java key store"),
        (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "holds no certificate"),
    ],
)
def test_file_of_another_kind_is_an_error_in_plain_words(tmp_path: Path, data: bytes, says: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    with pytest.raises(CertificateError, match=says):
        inspect_file(path)


def test_damaged_block_is_named_beside_the_good_ones(good: CertificateFiles, tmp_path: Path) -> None:
    path = tmp_path / "damaged.pem"
    damaged = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    path.write_bytes(good.certificate.read_bytes() + damaged)
    found = inspect_file(path)
    assert codes(found) == {"unreadable"}
    assert "block 3 (CERTIFICATE)" in found.problems[0].message


def test_nothing_private_is_told(own_good: CertificateFiles, own_authority: Authority, tmp_path: Path) -> None:
    found = inspect_file(own_good.certificate, key=own_good.private_key, ca=own_authority.trust_anchor_path)
    text = json.dumps(found.as_dict()) + repr(found)
    numbers = load_pem_private_key(key_pem(own_good.private_key), None).private_numbers()  # type: ignore[union-attr]
    for secret in (numbers.d, numbers.p, numbers.q):
        assert str(secret) not in text
        assert f"{secret:x}" not in text
    body = "".join(key_pem(own_good.private_key).decode().splitlines()[1:-1])
    assert body[:40] not in text


def test_inspection_as_data_is_plain_json(good: CertificateFiles) -> None:
    data = json.loads(json.dumps(inspect_file(good.certificate).as_dict()))
    assert data["has_errors"] is False
    assert data["items"][0]["facts"]["hsa_id"] == HSA_ID
    assert data["items"][0]["facts"]["crl_addresses"] == ["http://crl.test-authority.invalid/function-ca.crl"]


def certificate_for(
    names: list[x509.NameAttribute], extensions: tuple[x509.ExtensionType, ...], authority: Authority
) -> x509.Certificate:
    key = profile.generate_key(2048)
    now = profile.now_utc()
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name(names))
        .issuer_name(authority.issuing.certificate.subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=100))
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(authority.issuing.private_key, hashes.SHA256())


def test_two_hsa_ids_and_a_key_that_may_not_sign_are_told(authority: Authority, tmp_path: Path) -> None:
    names = [x509.NameAttribute(x509.NameOID.SERIAL_NUMBER, value) for value in ("SE1", "SE2")]
    extensions = (
        profile.key_usage(is_ca=False, is_leaf=False),
        x509.ExtendedKeyUsage(profile.BOTH_USAGES),
        profile.alternative_names(["a.example"], []),
    )
    path = tmp_path / "odd.pem"
    path.write_bytes(pem(certificate_for(names, extensions, authority)) + pem(authority.issuing.certificate))
    found = inspect_file(path)
    assert codes(found) == {"many-hsa-ids", "no-digital-signature"}
    assert "HSA-id SE1 and SE2" in found.items[0].summary


def test_second_leaf_in_a_file_is_named_as_such(
    good: CertificateFiles, own_good: CertificateFiles, tmp_path: Path
) -> None:
    path = tmp_path / "two.pem"
    path.write_bytes(good.certificate.read_bytes() + own_good.certificate.read_bytes())
    assert [item.role for item in inspect_file(path).items] == ["leaf", "issuing CA", "other leaf", "issuing CA"]


RSA_KEY = bytes.fromhex("2a864886f70d010101")
UNKNOWN_KEY = bytes.fromhex("2a864886f70d01017f")
SHA512_SIGNATURE = bytes.fromhex("2a864886f70d01010d")
UNKNOWN_SIGNATURE = bytes.fromhex("2a864886f70d01017f")


@pytest.mark.parametrize("kind", ["certificate", "request"])
def test_unknown_kind_of_key_is_told(good: CertificateFiles, tmp_path: Path, kind: str) -> None:
    if kind == "certificate":
        data = x509.load_pem_x509_certificate(good.certificate.read_bytes()).public_bytes(Encoding.DER)
    else:
        order = make_order(HSA_ID, DNS_NAME, organization="O", locality="L", key_size=2048)
        data = order.request.public_bytes(Encoding.DER)
    path = tmp_path / "unknown"
    path.write_bytes(data.replace(RSA_KEY, UNKNOWN_KEY))
    found = inspect_file(path, key=good.private_key)
    assert {"unreadable-key", "key-mismatch"} <= codes(found)
    assert found.items[0].facts["key"] == "a kind that cannot be read"


def test_unknown_signature_is_told_by_its_number(good: CertificateFiles, authority: Authority, tmp_path: Path) -> None:
    data = x509.load_pem_x509_certificate(good.certificate.read_bytes()).public_bytes(Encoding.DER)
    path = tmp_path / "unknown"
    path.write_bytes(data.replace(SHA512_SIGNATURE, UNKNOWN_SIGNATURE))
    found = inspect_file(path, ca=authority.trust_anchor_path)
    assert found.items[0].facts["signature"] == "1.2.840.113549.1.1.127"
    assert codes(found) == {"other-ca-key"}


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
@pytest.mark.parametrize("kind", ["certificate", "request", "crl"])
def test_damaged_files_are_explained_or_refused_and_never_crash(
    good: CertificateFiles, authority: Authority, tmp_path: Path, kind: str
) -> None:
    order = make_order(HSA_ID, DNS_NAME, organization="O", locality="L", key_size=2048)
    data = {
        "certificate": x509.load_pem_x509_certificate(good.certificate.read_bytes()).public_bytes(Encoding.DER),
        "request": order.request.public_bytes(Encoding.DER),
        "crl": x509.load_pem_x509_crl(authority.crl_path.read_bytes()).public_bytes(Encoding.DER),
    }[kind]
    path = tmp_path / "damaged"
    refused = 0
    for position in range(0, len(data), 5):
        path.write_bytes(data[:position] + bytes([data[position] ^ 0x55]) + data[position + 1 :])
        try:
            inspect_file(path, ca=authority.trust_anchor_path, crl=authority.crl_path)
        except CertificateError:
            refused += 1
    assert refused > 5
