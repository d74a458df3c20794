"""Reading certificates, keys and revocation lists from files, with errors in plain words.

Implements RFC 7468 (PEM) and DER forms; files are the operator's own, but are never trusted to be right.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_private_key,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from certs.files import read_file
from certs.peer import UNREADABLE, is_authority
from contracts.errors import CertificateError

T = TypeVar("T", x509.Certificate, x509.CertificateSigningRequest, x509.CertificateRevocationList)

PEM_MARK = b"-----BEGIN "
CRL_MARK = b"-----BEGIN X509 CRL-----"
CRL_END = b"-----END X509 CRL-----"


def read_certificates(path: Path, what: str) -> tuple[x509.Certificate, ...]:
    """Return every certificate of a PEM file, or the one of a DER file, in the file's order.

    ``what`` names the file's role in the message of the `CertificateError` when there is none to read.
    """
    data = read_file(path, what)
    try:
        if PEM_MARK in data:
            return tuple(map(with_names, x509.load_pem_x509_certificates(data)))
        return (with_names(x509.load_der_x509_certificate(data)),)
    except UNREADABLE as error:
        raise CertificateError(
            f"{path} holds no readable certificate, so it cannot be {what}. A PEM file has "
            "-----BEGIN CERTIFICATE----- lines; `brygga certs inspect` says what the file is."
        ) from error


def read_private_key(path: Path, password: str | None) -> PrivateKeyTypes:
    """Return the private key of a PEM or DER file, for comparing it with a certificate.

    A password for a key that needs none does no harm. Raises `CertificateError` when the file is missing or
    no key, or when the key is encrypted and ``password`` is None or wrong.
    """
    data = read_file(path, "the private key")
    try:
        try:
            return _load_key(data, None)
        except TypeError:
            if password is None:
                raise CertificateError(
                    f"The private key {path} is encrypted and no password is given. Name a file with the password, "
                    f"or decrypt it into a file of its own: openssl pkey -in {path} -out NEW.key"
                ) from None
            return _load_key(data, password.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        hint = " or the password is wrong" if password is not None else ""
        raise CertificateError(
            f"{path} holds no readable private key{hint}. A PEM file has a -----BEGIN PRIVATE KEY----- line."
        ) from error


def _load_key(data: bytes, password: bytes | None) -> PrivateKeyTypes:
    """Load without the proof that an RSA key's numbers fit, 30-150 ms each: OpenSSL loads the key by itself."""
    load = load_pem_private_key if PEM_MARK in data else load_der_private_key
    return load(data, password, unsafe_skip_rsa_key_validation=True)


def read_crls(path: Path) -> tuple[x509.CertificateRevocationList, ...]:
    """Return every revocation list of a PEM file, or the one of a DER file (as authorities publish it)."""
    data = read_file(path, "the revocation list")
    blocks = [part.partition(CRL_END)[0] for part in data.split(CRL_MARK)[1:]]
    try:
        if blocks:
            return tuple(with_names(x509.load_pem_x509_crl(CRL_MARK + block + CRL_END + b"\n")) for block in blocks)
        return (with_names(x509.load_der_x509_crl(data)),)
    except UNREADABLE as error:
        raise CertificateError(
            f"{path} holds no readable revocation list (CRL). Fetch it anew from the address that the "
            "certificates give as CRL distribution point."
        ) from error


def read_password(path: Path) -> str:
    """Return the first line of a password file, without its end of line; the file is a secret (0600)."""
    try:
        return read_file(path, "the password file").decode().splitlines()[0]
    except (UnicodeDecodeError, IndexError) as error:
        raise CertificateError(f"The password file {path} has no first line of text.") from error


def common_name(name: x509.Name) -> str:
    """Return the name for people: its CN where there is one, else all of it."""
    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else name.rfc4514_string()


def with_names(item: T) -> T:
    """Return ``item`` after looking at its names, which are parsed only then; raises one of `UNREADABLE`."""
    for part in ("subject", "issuer"):
        getattr(item, part, None)
    return item


def public_key_bytes(owner: x509.Certificate | x509.CertificateSigningRequest | PrivateKeyTypes) -> bytes:
    """Return the DER public key of a certificate, request or private key, for comparing two of them.

    Empty for a key of a kind that cannot be read, which then equals no private key.
    """
    try:
        return owner.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (ValueError, UnsupportedAlgorithm):
        return b""


def is_ca(certificate: x509.Certificate) -> bool:
    """Whether the certificate may sign others; unreadable extensions count as no."""
    try:
        return is_authority(certificate.extensions)
    except UNREADABLE:
        return False


def is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether ``issuer`` has the name and the key that signed ``certificate``."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (*UNREADABLE, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def is_self_signed(certificate: x509.Certificate) -> bool:
    """Whether the certificate is signed with its own key."""
    return is_issued_by(certificate, certificate)


def crl_signer(crl: x509.CertificateRevocationList, authorities: Sequence[x509.Certificate]) -> x509.Certificate | None:
    """Return the one of ``authorities`` whose name and key signed the revocation list, or None."""
    for authority in authorities:
        if authority.subject == crl.issuer:
            try:
                if crl.is_signature_valid(authority.public_key()):  # type: ignore[arg-type]
                    return authority
            except (*UNREADABLE, TypeError, UnsupportedAlgorithm):
                continue
    return None
