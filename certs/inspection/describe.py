"""Certificates, keys, requests and revocation lists as a sentence for people and facts for programs.

Implements the reading of the SITHS profile: whose HSA-id, which host, which authority, how long, for what.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from certs.inspection.model import Fact, Item
from certs.peer import UNREADABLE
from certs.reading import common_name, is_ca, is_self_signed

E = TypeVar("E", bound=x509.ExtensionType)

USAGE_NAMES = {
    ExtendedKeyUsageOID.SERVER_AUTH: "server",
    ExtendedKeyUsageOID.CLIENT_AUTH: "client",
    ExtendedKeyUsageOID.EMAIL_PROTECTION: "e-mail",
    ExtendedKeyUsageOID.CODE_SIGNING: "code signing",
    ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE: "any",
}
#: Beginning of an authority's name -> what it is. A name proves nothing; only the chain to a known root does.
AUTHORITY_KINDS = (
    ("SITHS e-id", "SITHS, production"),
    ("TEST SITHS", "SITHS, test environment"),
    ("SYSTEMTEST SITHS", "SITHS, its own system test"),
    ("PP SITHS", "SITHS, older test environment"),
    ("SITHS", "SITHS, older chain that is out of use"),
    ("TEST ", "a test authority"),
)


def describe_certificate(certificate: x509.Certificate, role: str, now: datetime) -> Item:
    """Return the item of a certificate with ``role`` (leaf, issuing CA, root CA) as seen at ``now``."""
    hsa_ids = subject_values(certificate, NameOID.SERIAL_NUMBER)
    names = san_names(certificate)
    days = (certificate.not_valid_after_utc - now).days
    issuer = "itself" if is_self_signed(certificate) else common_name(certificate.issuer)
    kind = authority_kind(certificate)
    facts: dict[str, Fact] = {
        **subject_facts(certificate.subject),
        "names": names,
        "issuer": common_name(certificate.issuer),
        "authority": kind,
        "valid_from": certificate.not_valid_before_utc.isoformat(),
        "valid_to": certificate.not_valid_after_utc.isoformat(),
        "days_left": days,
        "key": key_name(certificate.public_key),
        "signature": signature_name(certificate),
        "usages": usage_names(certificate),
        "is_ca": is_ca(certificate),
        "serial_number": f"{certificate.serial_number:x}",
        "policies": tuple(
            p.policy_identifier.dotted_string for p in extension(certificate, x509.CertificatePolicies) or ()
        ),
        "crl_addresses": _crl_addresses(certificate),
        "ocsp_addresses": _ocsp_addresses(certificate),
        "fingerprint_sha256": certificate.fingerprint(hashes.SHA256()).hex(":"),
    }
    period = _period(certificate, now)
    if role == "leaf":
        whose = _whose(hsa_ids)
        owner = ", ".join(subject_values(certificate, NameOID.ORGANIZATION_NAME, NameOID.LOCALITY_NAME))
        summary = (
            f"Certificate {whose}{f' ({owner})' if owner else ''} for {', '.join(names) or 'no host name'}, "
            f"issued by {issuer} ({kind}), {period}."
        )
    else:
        summary = f"Certificate of the {role} {common_name(certificate.subject)}, {period}."
    return Item("certificate", role, summary, facts)


def describe_key(key: PrivateKeyTypes, *, is_encrypted: bool, belongs: bool | None) -> Item:
    """Return the item of a private key: kind and size, whether it is encrypted, and nothing else of it.

    ``belongs`` says whether it is the key of the certificate or request at hand; None without one.
    """
    name = key_name(key.public_key)
    state = "encrypted with a password" if is_encrypted else "not encrypted"
    match = {None: "", True: "; it belongs to the certificate or request", False: "; it belongs to another one"}
    facts: dict[str, Fact] = {"key": name, "is_encrypted": is_encrypted, "belongs": belongs}
    return Item("private key", "", f"Private key, {name}, {state}{match[belongs]}.", facts)


def describe_locked_key() -> Item:
    """Return the item of an encrypted private key that was not opened."""
    return Item(
        "private key", "", "Private key, encrypted; not opened, since no password is given.", {"is_encrypted": True}
    )


def describe_request(request: x509.CertificateSigningRequest) -> Item:
    """Return the item of a certificate request."""
    hsa_ids = subject_values(request, NameOID.SERIAL_NUMBER)
    names = san_names(request)
    key = key_name(request.public_key)
    summary = f"Request for a certificate {_whose(hsa_ids)} for {', '.join(names) or 'no host name'}; key {key}."
    facts: dict[str, Fact] = {
        **subject_facts(request.subject),
        "names": names,
        "key": key,
        "signature": signature_name(request),
    }
    return Item("request", "", summary, facts)


def describe_crl(crl: x509.CertificateRevocationList) -> Item:
    """Return the item of a revocation list."""
    issuer = common_name(crl.issuer)
    until = _minute(crl.next_update_utc) if crl.next_update_utc else "no given time"
    summary = (
        f"Revocation list of {issuer} with {len(crl)} certificates, of {_minute(crl.last_update_utc)}, "
        f"to be relied on until {until}."
    )
    facts: dict[str, Fact] = {
        "issuer": issuer,
        "issued_at": crl.last_update_utc.isoformat(),
        "next_update_at": crl.next_update_utc.isoformat() if crl.next_update_utc else None,
        "revoked": len(crl),
    }
    return Item("revocation list", "", summary, facts)


def role_of(certificate: x509.Certificate, leaf: x509.Certificate | None) -> str:
    """Return what a certificate is in its file: leaf, root CA, issuing CA or another leaf."""
    if certificate == leaf:
        return "leaf"
    if not is_ca(certificate):
        return "other leaf"
    return "root CA" if is_self_signed(certificate) else "issuing CA"


def subject_values(
    owner: x509.Certificate | x509.CertificateSigningRequest, *oids: x509.ObjectIdentifier
) -> tuple[str, ...]:
    """Return the subject's values of the attributes ``oids``, in that order."""
    return tuple(str(attribute.value) for oid in oids for attribute in owner.subject.get_attributes_for_oid(oid))


def subject_facts(subject: x509.Name) -> dict[str, Fact]:
    """Return the parts of a SITHS subject."""
    parts = {
        "hsa_id": NameOID.SERIAL_NUMBER,
        "common_name": NameOID.COMMON_NAME,
        "organization": NameOID.ORGANIZATION_NAME,
        "locality": NameOID.LOCALITY_NAME,
        "country": NameOID.COUNTRY_NAME,
    }
    return {
        name: ", ".join(str(attribute.value) for attribute in subject.get_attributes_for_oid(oid)) or None
        for name, oid in parts.items()
    }


def extension(owner: x509.Certificate | x509.CertificateSigningRequest, kind: type[E]) -> E | None:
    """Return an extension's value; None when it is missing or the extensions cannot be read."""
    try:
        return owner.extensions.get_extension_for_class(kind).value
    except (*UNREADABLE, x509.ExtensionNotFound):
        return None


def san_names(owner: x509.Certificate | x509.CertificateSigningRequest) -> tuple[str, ...]:
    """Return the DNS names and IP addresses of the SAN."""
    found = extension(owner, x509.SubjectAlternativeName)
    if found is None:
        return ()
    addresses = found.get_values_for_type(x509.IPAddress)
    return (*found.get_values_for_type(x509.DNSName), *map(str, addresses))


def usage_names(certificate: x509.Certificate) -> tuple[str, ...]:
    """Return what extendedKeyUsage allows, by name where known, else by OID."""
    usages: Iterable[x509.ObjectIdentifier] = extension(certificate, x509.ExtendedKeyUsage) or ()
    return tuple(USAGE_NAMES.get(usage, usage.dotted_string) for usage in usages)


def key_name(public_key: Callable[[], object]) -> str:
    """Return kind and size of a public key, such as ``RSA 4096``."""
    try:
        key = public_key()
    except (ValueError, UnsupportedAlgorithm):
        return "a kind that cannot be read"
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA {key.key_size}"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"EC {key.curve.name}"
    return type(key).__name__.removeprefix("_").removesuffix("PublicKey")


def signature_name(owner: x509.Certificate | x509.CertificateSigningRequest) -> str:
    """Return the hash of the signature, such as ``SHA512``, or the algorithm's name or OID."""
    try:
        algorithm = owner.signature_hash_algorithm
    except UnsupportedAlgorithm:
        algorithm = None
    return algorithm.name.upper() if algorithm else owner.signature_algorithm_oid.dotted_string


def authority_kind(certificate: x509.Certificate) -> str:
    """Return what the issuer's name says it is, for example ``SITHS, production``."""
    if is_self_signed(certificate):
        return "no authority" if not is_ca(certificate) else "a root"
    name = common_name(certificate.issuer)
    return next((kind for start, kind in AUTHORITY_KINDS if name.startswith(start)), "not SITHS")


def _crl_addresses(certificate: x509.Certificate) -> tuple[str, ...]:
    points = extension(certificate, x509.CRLDistributionPoints) or ()
    names = (name for point in points for name in point.full_name or ())
    return tuple(name.value for name in names if isinstance(name, x509.UniformResourceIdentifier))


def _ocsp_addresses(certificate: x509.Certificate) -> tuple[str, ...]:
    access = extension(certificate, x509.AuthorityInformationAccess) or ()
    return tuple(
        str(entry.access_location.value)
        for entry in access
        if entry.access_method == AuthorityInformationAccessOID.OCSP
    )


def _whose(hsa_ids: tuple[str, ...]) -> str:
    return f"of HSA-id {' and '.join(hsa_ids)}" if hsa_ids else "without HSA-id"


def _period(certificate: x509.Certificate, now: datetime) -> str:
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now > end:
        state = "expired"
    elif now < start:
        state = "not valid yet"
    else:
        days = (end - now).days
        state = f"{days} {'day' if days == 1 else 'days'} left"
    return f"valid from {start:%Y-%m-%d} to {end:%Y-%m-%d} ({state})"


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}Z"
