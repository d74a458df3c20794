"""An issued certificate with its key and chain, and the files it is handed over in.

Implements the two forms servers and test tools read: PEM (leaf, then issuing CA) with a key, and PKCS#12.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)

from certs import files
from contracts.errors import UsageError


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """Where a certificate (PEM: leaf and issuing CA) and its private key (PEM, 0600) are."""

    certificate: Path
    private_key: Path


@dataclass(frozen=True, slots=True)
class IssuedCertificate:
    """A certificate with its private key and the CA certificates a peer needs to reach the root."""

    certificate: x509.Certificate
    private_key: rsa.RSAPrivateKey
    chain: tuple[x509.Certificate, ...]

    @property
    def certificate_pem(self) -> bytes:
        """The leaf and its chain, leaf first, without the root: what a TLS peer sends."""
        return b"".join(one.public_bytes(Encoding.PEM) for one in (self.certificate, *self.chain))

    def write(self, directory: Path, name: str, *, replace: bool = False) -> CertificateFiles:
        """Write ``name``.pem and ``name``.key into ``directory``, which is made (0700) if it is missing.

        Raises `CertificateError` if one of them exists, unless ``replace``; then each is replaced at once.
        """
        check_file_name(name)
        written = CertificateFiles(directory / f"{name}.pem", directory / f"{name}.key")
        if not replace:
            files.check_free(written.certificate, written.private_key)
        files.make_private_folder(directory)
        files.write_private(written.private_key, private_key_pem(self.private_key), replace=replace)
        files.write_public(written.certificate, self.certificate_pem, replace=replace)
        return written

    def write_pkcs12(self, path: Path, password: str, *, replace: bool = False) -> Path:
        """Write key, certificate and chain to one PKCS#12 file (0600), encrypted with ``password``.

        Raises `UsageError` for an empty password, `CertificateError` if the file exists, unless ``replace``.
        """
        if not password:
            raise UsageError("A PKCS#12 file holds the private key, so it needs a password.")
        data = pkcs12.serialize_key_and_certificates(
            path.stem.encode(),
            self.private_key,
            self.certificate,
            self.chain,
            BestAvailableEncryption(password.encode()),
        )
        files.make_private_folder(path.parent)
        return files.write_private(path, data, replace=replace)


def private_key_pem(key: rsa.RSAPrivateKey) -> bytes:
    """Return the key as unencrypted PKCS#8 PEM, for a file with mode 0600."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def check_file_name(name: str) -> str:
    """Return ``name`` if it is a plain file name without suffix or folder, else raise `UsageError`."""
    if not name or name in (".", "..") or Path(name).name != name:
        raise UsageError(f"{name!r} is no file name; give one without folder and suffix, such as producer.")
    return name
