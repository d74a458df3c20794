"""The deliberately bad set: certificates and revocation lists that a right server or client must refuse.

Implements the D rows of the robustness cases: each entry is good but for one thing, and says who refuses it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, SignatureAlgorithmOID

from certs import files, profile
from certs.authority import Authority
from certs.issued import IssuedCertificate
from certs.profile import FunctionProfile, Signer
from certs.revocation import build_crl
from contracts.errors import CertificateError

RefusedBy = Literal["tls", "application", "start", "nobody"]
Role = Literal["client", "server", "both"]

ORGANIZATION, LOCALITY = "Testorganisation", "Teststad"
WRONG_HOST = "another-host.test-authority.invalid"
WEAK_KEY_SIZE = 1024
INDEX = "index.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class BadCertificate:
    """One entry: what is wrong, on which side it is shown, and who has to refuse it.

    ``refused_by`` is "tls" (the other side's handshake, or first read under TLS 1.3), "application" (TLS
    accepts it, `certs.peer` does not), "start" (no side starts with its list) or "nobody" (the good one, for
    comparison). ``crl`` is the list the refusing side has to use, where it takes one. ``security_level`` is
    the OpenSSL level the showing side needs to be able to send the certificate at all.
    """

    name: str
    description: str
    case: str
    role: Role
    refused_by: RefusedBy
    certificate: Path
    private_key: Path
    crl: Path | None = None
    security_level: int = 2


@dataclass(frozen=True, slots=True)
class _Draft:
    """An entry that is not written yet."""

    name: str
    description: str
    case: str
    role: Role
    refused_by: RefusedBy
    issued: IssuedCertificate
    crl: x509.CertificateRevocationList | None = None
    security_level: int = 2

    def write(self, directory: Path) -> BadCertificate:
        written = self.issued.write(directory, self.name)
        crl_path = None
        if self.crl is not None:
            crl_path = directory / f"{self.name}.crl.pem"
            files.write_public(crl_path, self.crl.public_bytes(Encoding.PEM))
        return BadCertificate(
            name=self.name,
            description=self.description,
            case=self.case,
            role=self.role,
            refused_by=self.refused_by,
            certificate=written.certificate,
            private_key=written.private_key,
            crl=crl_path,
            security_level=self.security_level,
        )


def make_bad_set(authority: Authority, directory: Path, hsa_id: str, dns_name: str) -> Mapping[str, BadCertificate]:
    """Write the bad set for a caller ``hsa_id`` or a server ``dns_name`` into ``directory``, and return it.

    Signed by ``authority`` where not said otherwise; the revoked one is really revoked there, so its
    revocation list changes. ``directory`` must be new or empty (made 0700). Most entries share one key, so
    that only what is wrong differs. ``index.json`` says the same as the mapping, paths relative to it.
    """
    profile.check_subject(hsa_id, dns_name, ORGANIZATION, LOCALITY)
    if directory.exists() and any(directory.iterdir()):
        raise CertificateError(f"{directory} is not empty; choose another folder for the bad set.")
    files.make_private_folder(directory)
    good = authority.profile_for(hsa_id, dns_name, ORGANIZATION, LOCALITY)
    key = profile.generate_key(profile.MINIMUM_KEY_SIZE)
    impostor = _impostor_of(authority)
    drafts = [
        *_wrong_contents(authority, good, key),
        *_wrong_signers(good, key, impostor),
        *_weak_ones(authority, good, key),
        *_revocation_lists(authority, good, key, impostor),
    ]
    found = {draft.name: draft.write(directory) for draft in drafts}
    files.write_public(directory / INDEX, _index_json(found, directory))
    return MappingProxyType(found)


def read_index(directory: Path) -> Mapping[str, BadCertificate]:
    """Return the bad set that `make_bad_set` wrote into ``directory``."""
    path = directory / INDEX
    try:
        entries = json.loads(files.read_file(path, "the index of the bad set"))["certificates"]
        found = [
            BadCertificate(
                **{
                    key: directory / value if key in ("certificate", "private_key", "crl") and value else value
                    for key, value in entry.items()
                }
            )
            for entry in entries
        ]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CertificateError(f"{path} is no index of a bad set; make the set anew in another folder.") from error
    return MappingProxyType({entry.name: entry for entry in found})


def _wrong_contents(authority: Authority, good: FunctionProfile, key: rsa.RSAPrivateKey) -> Iterator[_Draft]:
    """What this authority signs but should not, or what should not be used any more."""
    now = profile.now_utc()
    past = replace(good, valid_from=now - timedelta(days=60), valid_to=now - timedelta(days=1))
    future = replace(good, valid_from=now + timedelta(days=30), valid_to=now + timedelta(days=60))
    server_only = replace(good, usages=(ExtendedKeyUsageOID.SERVER_AUTH,))
    mail_only = replace(good, usages=(ExtendedKeyUsageOID.EMAIL_PROTECTION,))
    wrong_host = replace(good, dns_name=WRONG_HOST, alternative_dns=(WRONG_HOST,))
    table: tuple[tuple[str, str, str, Role, RefusedBy, FunctionProfile], ...] = (
        ("good", "nothing wrong, for comparison", "-", "both", "nobody", good),
        ("expired", "ran out yesterday", "D02", "both", "tls", past),
        ("not-yet-valid", "begins in 30 days", "D02", "both", "tls", future),
        ("eku-server-only", "not issued for clients", "D04", "client", "tls", server_only),
        ("eku-email-only", "issued for e-mail only", "D04", "both", "tls", mail_only),
        ("eku-none", "no extended key usage", "D04", "client", "application", replace(good, usages=())),
        ("ca-as-leaf", "may sign others, used as a leaf", "D04", "client", "application", replace(good, is_ca=True)),
        ("no-serial-number", "no HSA-id in the subject", "D07", "client", "application", replace(good, hsa_id=None)),
        ("wrong-host", f"issued for {WRONG_HOST}", "D09", "server", "tls", wrong_host),
        ("no-san", "host name in the CN only", "D09", "server", "tls", replace(good, alternative_dns=())),
    )
    for name, description, case, role, refused_by, content in table:
        yield _Draft(name, description, case, role, refused_by, authority.issue_profile(content, key))


def _wrong_signers(good: FunctionProfile, key: rsa.RSAPrivateKey, impostor: Signer) -> Iterator[_Draft]:
    """What another CA of the same name signed, and what nobody but itself signed."""
    forged = profile.build_function_certificate(good, key.public_key(), impostor)
    issued = IssuedCertificate(forged, key, (impostor.certificate,))
    yield _Draft("other-ca", "signed by a CA of the same name with another key", "D03", "both", "tls", issued)
    subject = profile.subject_name(good.hsa_id, good.dns_name, good.organization, good.locality)
    itself = profile.build_authority(subject, key, issuer=None, valid_from=good.valid_from, valid_to=good.valid_to)
    lonely = profile.build_function_certificate(good, key.public_key(), itself)
    yield _Draft("self-signed", "signed with its own key", "D03", "both", "tls", IssuedCertificate(lonely, key, ()))


def _weak_ones(authority: Authority, good: FunctionProfile, key: rsa.RSAPrivateKey) -> Iterator[_Draft]:
    """A short key and a SHA-1 signature; OpenSSL shows them only at security level 0."""
    weak = authority.issue_profile(good, profile.generate_key(WEAK_KEY_SIZE))
    yield _Draft("weak-key", f"RSA key of {WEAK_KEY_SIZE} bits", "D10", "both", "tls", weak, security_level=0)
    issuing = authority.issuing
    certificate = profile.build_function_certificate(good, key.public_key(), issuing)
    issued = IssuedCertificate(sign_with_sha1(certificate, issuing.private_key), key, (issuing.certificate,))
    yield _Draft("sha1-signature", "signed with SHA-1", "D10", "both", "tls", issued, security_level=0)


def _revocation_lists(
    authority: Authority, good: FunctionProfile, key: rsa.RSAPrivateKey, impostor: Signer
) -> Iterator[_Draft]:
    """A revoked certificate with the list that says so, and good ones with lists that must not be relied on."""
    revoked = authority.issue_profile(good, key)
    crl = x509.load_pem_x509_crl(authority.revoke(revoked.certificate.serial_number, "keyCompromise").read_bytes())
    yield _Draft("revoked", "listed in the revocation list", "D06", "both", "tls", revoked, crl)
    now = profile.now_utc()
    begin = now - timedelta(days=30)
    stale = build_crl(authority.issuing, (), issued_at=begin, next_update_at=now - timedelta(days=1))
    foreign = build_crl(impostor, (), issued_at=now - timedelta(days=1), next_update_at=now + timedelta(days=30))
    issued = authority.issue_profile(good, key)
    yield _Draft("crl-stale", "good, but the revocation list ran out", "D06", "both", "tls", issued, stale)
    issued = authority.issue_profile(good, key)
    yield _Draft("crl-other-signer", "good, but the list is of another CA", "D06", "both", "start", issued, foreign)


def _impostor_of(authority: Authority) -> Signer:
    """A CA with the issuing CA's name and a key of its own."""
    real = authority.issuing.certificate
    return profile.build_authority(
        real.subject,
        profile.generate_key(profile.MINIMUM_KEY_SIZE),
        issuer=None,
        valid_from=real.not_valid_before_utc,
        valid_to=real.not_valid_after_utc,
    )


def sign_with_sha1(certificate: x509.Certificate, key: rsa.RSAPrivateKey) -> x509.Certificate:
    """Return ``certificate`` (signed by ``key`` with SHA-512) signed with SHA-1 instead.

    `cryptography` does not sign certificates with SHA-1, so the algorithm identifiers, which are equally
    long in DER, are exchanged in the finished certificate and the signature is made anew.
    """
    old = _oid_der(SignatureAlgorithmOID.RSA_WITH_SHA512)
    new = _oid_der(SignatureAlgorithmOID.RSA_WITH_SHA1)
    content = certificate.tbs_certificate_bytes.replace(old, new, 1)
    signature = key.sign(content, padding.PKCS1v15(), hashes.SHA1())  # noqa: S303 (bad on purpose)
    whole = certificate.public_bytes(Encoding.DER)
    head = whole[: whole.index(certificate.tbs_certificate_bytes)]
    tail = whole[len(head) + len(content) : -len(signature)].replace(old, new, 1)
    return x509.load_der_x509_certificate(head + content + tail + signature)


def _oid_der(oid: x509.ObjectIdentifier) -> bytes:
    """DER of a PKCS#1 signature algorithm's OID: 1.2.840.113549.1.1.x."""
    last = int(oid.dotted_string.rpartition(".")[2])
    return bytes.fromhex("06092a864886f70d0101") + bytes([last])


def _index_json(found: Mapping[str, BadCertificate], directory: Path) -> bytes:
    def plain(value: object) -> object:
        return value.relative_to(directory).as_posix() if isinstance(value, Path) else value

    entries = [{key: plain(value) for key, value in asdict(entry).items()} for entry in found.values()]
    return json.dumps({"certificates": entries}, indent=2, ensure_ascii=False).encode() + b"\n"
