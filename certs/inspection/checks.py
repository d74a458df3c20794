"""What is wrong with a leaf certificate, a request or a key file, each with its mend.

Implements the function certificate profile and the refusals that OpenSSL and `certs.peer` make of it.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from certs.inspection.describe import extension, key_name, san_names, signature_name, subject_values
from certs.inspection.model import Problem
from certs.profile import MINIMUM_KEY_SIZE
from certs.reading import is_ca, is_self_signed
from certs.tls import RENEWAL_DAYS
from contracts.errors import CertificateError

#: SE (or TSTNMT for tests), organisation number of 10 digits or 12 with century, hyphen, suffix.
HSA_ID_FORM = re.compile(r"(?:SE|TSTNMT)(?:16)?\d{10}-[A-Za-z0-9]+")
MAX_HSA_ID_LENGTH = 31
WEAK_HASHES = ("MD2", "MD5", "SHA1")

ORDER = "Order a SITHS function certificate; `brygga certs csr` makes the request."
REORDER = "Order a new one; `brygga certs csr` makes the request."


def check_leaf(certificate: x509.Certificate, where: str, now: datetime) -> Iterator[Problem]:
    """Find what keeps a certificate from serving and calling at ``now``."""
    yield from check_subject(certificate, where)
    yield from check_validity(certificate, where, now)
    yield from check_usages(certificate, where)
    yield from check_strength(certificate, where)
    if is_ca(certificate):
        yield Problem(
            "ca-as-leaf",
            "error",
            where,
            "It belongs to a certificate authority and may sign others, so it is refused as a certificate of a system.",
            f"Use a certificate that the authority has issued to the system. {ORDER}",
        )
    elif is_self_signed(certificate):
        yield Problem(
            "self-signed", "error", where, "It is signed with its own key, so no authority vouches for it.", ORDER
        )


def check_subject(owner: x509.Certificate | x509.CertificateSigningRequest, where: str) -> Iterator[Problem]:
    """Find what is wrong with the HSA-id and the host names of a certificate or request."""
    hsa_ids = subject_values(owner, NameOID.SERIAL_NUMBER)
    if not hsa_ids:
        yield Problem("no-hsa-id", "error", where, "Its subject has no serialNumber, so it names no HSA-id.", ORDER)
    elif len(hsa_ids) > 1:
        yield Problem(
            "many-hsa-ids", "error", where, "Its subject has several serialNumbers; the HSA-id is not certain.", ORDER
        )
    elif not HSA_ID_FORM.fullmatch(hsa_ids[0]) or len(hsa_ids[0]) > MAX_HSA_ID_LENGTH:
        yield Problem(
            "odd-hsa-id",
            "warning",
            where,
            f"The HSA-id {hsa_ids[0]!r} is not written as SE, 10 digits, hyphen and letters or digits.",
            "Check it against the HSA catalogue; the platform compares it letter by letter in places.",
        )
    names = san_names(owner)
    common = subject_values(owner, NameOID.COMMON_NAME)
    if not names:
        yield Problem(
            "no-san",
            "error",
            where,
            "It has no host name in subjectAltName; callers do not look at the CN.",
            "Have it issued with the host name as SAN; `brygga certs csr` asks for it.",
        )
    elif common and common[0].lower() not in (name.lower() for name in names):
        yield Problem(
            "san-differs",
            "warning",
            where,
            f"The CN {common[0]!r} is not among its host names ({', '.join(names)}).",
            "In SITHS certificates both are equal; callers can use the names of the SAN only.",
        )


def check_validity(certificate: x509.Certificate, where: str, now: datetime) -> Iterator[Problem]:
    """Find whether a certificate is outside its time at ``now`` or close to its end."""
    if now > certificate.not_valid_after_utc:
        yield Problem("expired", "error", where, f"It ran out {certificate.not_valid_after_utc:%Y-%m-%d}.", REORDER)
    elif now < certificate.not_valid_before_utc:
        yield Problem(
            "not-yet-valid",
            "error",
            where,
            f"It is not valid before {certificate.not_valid_before_utc:%Y-%m-%d %H:%M}Z.",
            "Wait until then, or check the clock of this machine.",
        )
    elif (certificate.not_valid_after_utc - now).days < RENEWAL_DAYS:
        days = (certificate.not_valid_after_utc - now).days
        yield Problem("expires-soon", "warning", where, f"It runs out in {days} days.", REORDER)


def check_usages(certificate: x509.Certificate, where: str) -> Iterator[Problem]:
    """Find whether a certificate may not call, or not serve."""
    usages = extension(certificate, x509.ExtendedKeyUsage)
    if usages is None:
        yield Problem(
            "no-usages", "error", where, "It has no extended key usage, so nobody should accept it as a caller.", ORDER
        )
    elif ExtendedKeyUsageOID.CLIENT_AUTH not in usages:
        yield Problem(
            "no-client-usage",
            "error",
            where,
            "It is not issued for client authentication, so it cannot be used for calling.",
            f"SITHS function certificates are for both, public web certificates are not. {ORDER}",
        )
    elif ExtendedKeyUsageOID.SERVER_AUTH not in usages:
        yield Problem(
            "no-server-usage",
            "warning",
            where,
            "It is not issued for server authentication, so it can call but not serve.",
            f"If it shall serve: {ORDER}",
        )
    key_usage = extension(certificate, x509.KeyUsage)
    if key_usage is not None and not key_usage.digital_signature:
        yield Problem(
            "no-digital-signature", "error", where, "Its key may not sign, which TLS 1.2 and 1.3 need.", ORDER
        )


def check_strength(owner: x509.Certificate | x509.CertificateSigningRequest, where: str) -> Iterator[Problem]:
    """Find a short or unusual key, and an outdated signature."""
    try:
        key = owner.public_key()
    except (ValueError, UnsupportedAlgorithm):
        yield Problem("unreadable-key", "error", where, "Its public key cannot be read.", ORDER)
        return
    if not isinstance(key, rsa.RSAPublicKey):
        yield Problem(
            "not-rsa",
            "note",
            where,
            f"Its key is {key_name(owner.public_key)}; SITHS certificates have RSA keys.",
            "Nothing, unless a peer takes RSA only.",
        )
    elif key.key_size < MINIMUM_KEY_SIZE:
        yield Problem(
            "weak-key",
            "error",
            where,
            f"Its RSA key has {key.key_size} bits; less than {MINIMUM_KEY_SIZE} is refused by every modern peer.",
            "Make a new key and order a new certificate; SITHS uses 4096 bits.",
        )
    if signature_name(owner) in WEAK_HASHES:
        yield Problem(
            "weak-signature", "error", where, f"It is signed with {signature_name(owner)}, which peers refuse.", REORDER
        )


def check_request(request: x509.CertificateSigningRequest, where: str) -> Iterator[Problem]:
    """Find what an authority would refuse in a request."""
    yield from check_subject(request, where)
    yield from check_strength(request, where)
    try:
        is_signed = request.is_signature_valid
    except (ValueError, UnsupportedAlgorithm):
        is_signed = False
    if not is_signed:
        yield Problem(
            "request-signature", "error", where, "It is not signed with its own key.", "Make the request anew."
        )


def check_key_file(path: Path) -> Iterator[Problem]:
    """Find whether others than its owner may read the file of an unencrypted key."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise CertificateError(f"Cannot look at {path}: {error.strerror}.") from error
    readers = {"error": mode & stat.S_IRWXO, "warning": mode & stat.S_IRWXG}
    severity = next((name for name, found in readers.items() if found), None)
    if severity is not None:
        yield Problem(
            "open-key-file",
            "error" if severity == "error" else "warning",
            str(path),
            f"Its private key is open to {'everyone' if severity == 'error' else 'the group'} on this machine.",
            f"Close it: chmod 600 {path}",
        )
