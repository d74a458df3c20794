"""What a file holds, whatever its form: PEM blocks, a DER certificate, request or list, or PKCS#12.

Implements the recognition of RFC 7468, PKCS#10 and PKCS#12 by their bytes, never by the file's name.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_private_key, pkcs12

from certs.files import read_file
from certs.peer import UNREADABLE
from certs.reading import PEM_MARK, with_names
from contracts.errors import CertificateError

_PEM_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.+?-----END \1-----", re.DOTALL)
#: SEQUENCE { INTEGER 3 ...: how every PKCS#12 file begins, with the length in up to 4 bytes or indefinite.
_PKCS12 = re.compile(rb"\x30(?:\x80|[\x00-\x7f]|\x81.|\x82..|\x83...|\x84....)\x02\x01\x03", re.DOTALL)
_JAVA_KEYSTORE = b"\xfe\xed\xfe\xed"


@dataclass(frozen=True, slots=True)
class KeyFound:
    """A private key and whether a password was needed for it."""

    key: PrivateKeyTypes
    is_encrypted: bool


@dataclass(slots=True)
class Contents:
    """The items of a file in its order. ``locked_keys`` counts keys that no password was given for."""

    form: str
    certificates: list[x509.Certificate] = field(default_factory=list)
    keys: list[KeyFound] = field(default_factory=list)
    requests: list[x509.CertificateSigningRequest] = field(default_factory=list)
    crls: list[x509.CertificateRevocationList] = field(default_factory=list)
    locked_keys: int = 0
    unreadable: list[str] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to explain."""
        return not (self.certificates or self.keys or self.requests or self.crls or self.locked_keys)


def read_contents(path: Path, password: str | None) -> Contents:
    """Return what ``path`` holds; raises `CertificateError` when it is nothing of the kind or locked."""
    data = read_file(path, "the file")
    secret = password.encode() if password is not None else None
    if PEM_MARK in data:
        contents = _read_pem(data, secret)
    elif _PKCS12.match(data):
        contents = _read_pkcs12(path, data, secret)
    elif data.startswith(_JAVA_KEYSTORE):
        raise CertificateError(
            f"{path} is a Java key store (JKS). Convert it to PKCS#12 first: "
            "keytool -importkeystore -srckeystore OLD.jks -destkeystore NEW.p12 -deststoretype pkcs12"
        )
    else:
        contents = _read_der(data, secret)
    if contents.is_empty and not contents.unreadable:
        raise CertificateError(
            f"{path} holds no certificate, key, request, revocation list or PKCS#12 store; check the path."
        )
    return contents


def is_locked(path: Path) -> bool:
    """Whether ``path`` is a PKCS#12 store or holds a key that opens with a password only."""
    data = read_file(path, "the file")
    if PEM_MARK in data:
        return _read_pem(data, None).locked_keys > 0
    return bool(_PKCS12.match(data)) and _open_pkcs12(path, data, None) is None


def _read_pem(data: bytes, secret: bytes | None) -> Contents:
    contents = Contents("PEM")
    for number, match in enumerate(_PEM_BLOCK.finditer(data), 1):
        label, block = match[1].decode(), match[0] + b"\n"
        try:
            if label.endswith("PRIVATE KEY"):
                _add_key(contents, block, secret, load_pem_private_key)
            elif label == "CERTIFICATE":
                contents.certificates.append(with_names(x509.load_pem_x509_certificate(block)))
            elif label in ("CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"):
                contents.requests.append(with_names(x509.load_pem_x509_csr(block)))
            elif label == "X509 CRL":
                contents.crls.append(with_names(x509.load_pem_x509_crl(block)))
        except (*UNREADABLE, UnsupportedAlgorithm):
            contents.unreadable.append(f"block {number} ({label})")
    return contents


def _add_key(
    contents: Contents, data: bytes, secret: bytes | None, load: Callable[[bytes, bytes | None], PrivateKeyTypes]
) -> None:
    """Add the key, opened with the password only if it is locked; count it when there is none."""
    try:
        contents.keys.append(KeyFound(load(data, None), is_encrypted=False))
    except TypeError:
        if secret is None:
            contents.locked_keys += 1
            return
        try:
            contents.keys.append(KeyFound(load(data, secret), is_encrypted=True))
        except ValueError as error:
            raise CertificateError("The password does not open the private key; try another one.") from error


def _read_pkcs12(path: Path, data: bytes, secret: bytes | None) -> Contents:
    store = _open_pkcs12(path, data, secret)
    if store is None:
        raise CertificateError(
            f"{path} is a PKCS#12 file and the password does not open it; try another one."
            if secret is not None
            else f"{path} is a PKCS#12 file; it opens with its password only, so give that."
        )
    contents = Contents("PKCS#12")
    if store.cert is not None:
        contents.certificates.append(with_names(store.cert.certificate))
    contents.certificates += [with_names(extra.certificate) for extra in store.additional_certs]
    if store.key is not None:
        contents.keys.append(KeyFound(store.key, is_encrypted=bool(secret)))
    return contents


def _open_pkcs12(path: Path, data: bytes, secret: bytes | None) -> pkcs12.PKCS12KeyAndCertificates | None:
    """Open the store, without a password also with the empty one; None when it stays locked."""
    try:
        for candidate in (None, b"") if secret is None else (secret,):
            try:
                return pkcs12.load_pkcs12(data, candidate)
            except ValueError:
                continue
    except UnsupportedAlgorithm as error:
        raise CertificateError(
            f"{path} is a PKCS#12 file encrypted in an outdated way. Convert it with: "
            f"openssl pkcs12 -legacy -in {path} -nodes | openssl pkcs12 -export -out NEW.p12"
        ) from error
    return None


def _read_der(data: bytes, secret: bytes | None) -> Contents:
    contents = Contents("DER")
    readers: tuple[Callable[[], object], ...] = (
        lambda: contents.certificates.append(with_names(x509.load_der_x509_certificate(data))),
        lambda: contents.crls.append(with_names(x509.load_der_x509_crl(data))),
        lambda: contents.requests.append(with_names(x509.load_der_x509_csr(data))),
        lambda: _add_key(contents, data, secret, load_der_private_key),
    )
    for read in readers:
        try:
            read()
        except (*UNREADABLE, UnsupportedAlgorithm):
            continue
        break
    return contents
