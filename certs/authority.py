"""A test authority shaped like SITHS: root, issuing CA, function certificates, revocation list; one folder.

Implements the chain, names and profile of SITHS e-id function certificates, always with a TEST prefix.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import NameOID

from certs import files, profile
from certs.issued import IssuedCertificate, private_key_pem
from certs.profile import FunctionProfile, Signer
from certs.revocation import DEFAULT_CRL_VALID_DAYS, Revocation, build_crl, check_reason
from contracts.errors import CertificateError, UsageError

DEFAULT_NAME = "Indikatorbryggan"
#: Words of the real authorities' names; a test authority must not look like one of them.
REAL_NAMES = ("siths", "inera")

ROOT, ISSUING, TRUST, CRL = "root.pem", "issuing.pem", "trust.pem", "crl.pem"
PRIVATE, ISSUED, REVOKED = "private", "issued", "revoked"
ROOT_KEY, ISSUING_KEY = "root.key", "issuing.key"

README = """\
This folder is a TEST certificate authority. Nobody outside your own tests should trust it.

trust.pem    root and issuing CA: give it to every peer as the CA file
crl.pem      revocation list of the issuing CA; renew it with `brygga certs crl`
issued/      a copy of every certificate issued, by serial number (no keys)
revoked/     what is revoked, when and why, by serial number
private/     the keys of the two CAs: whoever has them can make any certificate; never copy them
"""


@dataclass(frozen=True, slots=True)
class Authority:
    """A test authority in its folder. Make one with `create`, or `open` one that exists."""

    directory: Path
    root: x509.Certificate
    issuing: Signer

    @classmethod
    def create(
        cls,
        directory: Path,
        *,
        name: str = DEFAULT_NAME,
        key_size: int = profile.DEFAULT_AUTHORITY_KEY_SIZE,
        valid_days: int = profile.DEFAULT_AUTHORITY_VALID_DAYS,
    ) -> Self:
        """Make root, issuing CA and an empty revocation list in ``directory``, new or empty.

        The folder appears complete (mode 0700, keys 0600) or not at all. ``key_size`` is in bits for both
        CAs. Raises `CertificateError` when the folder holds anything, `UsageError` for a name or number
        that cannot be used.
        """
        _check_authority_name(name)
        profile.check_key_size(key_size)
        if valid_days < 1:
            raise UsageError(f"An authority cannot be valid for {valid_days} days; give 1 or more.")
        _check_empty(directory)
        valid_from = profile.now_utc() - profile.CLOCK_TOLERANCE
        valid_to = valid_from + timedelta(days=valid_days)
        root = profile.build_authority(
            profile.authority_name(name, "Root"),
            profile.generate_key(key_size),
            issuer=None,
            valid_from=valid_from,
            valid_to=valid_to,
        )
        issuing = profile.build_authority(
            profile.authority_name(name, "Function"),
            profile.generate_key(key_size),
            issuer=root,
            valid_from=valid_from,
            valid_to=valid_to,
        )
        _write_folder(directory, root, issuing)
        return cls(directory, root.certificate, issuing)

    @classmethod
    def open(cls, directory: Path) -> Self:
        """Read the authority in ``directory``; raises `CertificateError` when it is missing or broken."""
        if not (directory / ISSUING).is_file():
            raise CertificateError(
                f"{directory} holds no test authority. Make one with `brygga certs authority {directory}`."
            )
        issuing = _read_certificate(directory / ISSUING)
        names = issuing.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        if not names or not str(names[0].value).startswith(f"{profile.TEST_PREFIX} "):
            raise CertificateError(f"{directory / ISSUING} is not the CA of a test authority, so it is not used.")
        key_path = directory / PRIVATE / ISSUING_KEY
        try:
            key = load_pem_private_key(files.read_file(key_path, "the key of the test authority"), None)
        except (ValueError, TypeError) as error:
            raise CertificateError(
                f"{key_path} holds no readable private key; restore it or make a new authority."
            ) from error
        if not isinstance(key, rsa.RSAPrivateKey) or key.public_key() != issuing.public_key():
            raise CertificateError(f"{key_path} does not belong to {directory / ISSUING}; restore the right one.")
        return cls(directory, _read_certificate(directory / ROOT), Signer(issuing, key))

    @property
    def trust_anchor_path(self) -> Path:
        """PEM file with root and issuing CA: the CA file of every peer."""
        return self.directory / TRUST

    @property
    def crl_path(self) -> Path:
        """PEM file with the authority's own revocation list."""
        return self.directory / CRL

    def issue(
        self,
        hsa_id: str,
        dns_name: str,
        *,
        organization: str,
        locality: str,
        extra_dns: Sequence[str] = (),
        ip_addresses: Sequence[str] = (),
        valid_from: datetime | None = None,
        valid_to: datetime | None = None,
        key_size: int | None = None,
    ) -> IssuedCertificate:
        """Issue a function certificate to ``hsa_id`` for ``dns_name``, with a new key.

        The SAN holds ``dns_name``, then ``extra_dns`` and ``ip_addresses`` (for example localhost and
        127.0.0.1). Times are aware; by default from now (less the clock tolerance) for two years or to the
        end of the authority. Raises `UsageError` for a subject, name, period or key size that cannot be used.
        """
        profile.check_subject(hsa_id, dns_name, organization, locality)
        profile.check_alternatives(extra_dns, ip_addresses)
        size = profile.check_key_size(profile.DEFAULT_KEY_SIZE if key_size is None else key_size)
        content = replace(
            self.profile_for(hsa_id, dns_name, organization, locality, valid_from=valid_from, valid_to=valid_to),
            alternative_dns=(dns_name, *extra_dns),
            alternative_ip=tuple(ip_addresses),
        )
        return self.issue_profile(content, profile.generate_key(size))

    def profile_for(
        self,
        hsa_id: str,
        dns_name: str,
        organization: str,
        locality: str,
        *,
        valid_from: datetime | None = None,
        valid_to: datetime | None = None,
    ) -> FunctionProfile:
        """Return the content of a good certificate of this authority, with its default period."""
        if any(moment is not None and moment.tzinfo is None for moment in (valid_from, valid_to)):
            raise UsageError("The begin and end of a certificate's validity need a time zone.")
        ends_at = self.issuing.certificate.not_valid_after_utc
        start = valid_from or profile.now_utc() - profile.CLOCK_TOLERANCE
        end = valid_to or min(start + timedelta(days=profile.DEFAULT_VALID_DAYS), ends_at)
        if not start < end:
            raise UsageError("The certificate's validity has to begin before it ends.")
        if end > ends_at:
            raise UsageError(f"The certificate would outlive the authority, which ends {ends_at:%Y-%m-%d}.")
        return FunctionProfile(
            hsa_id=hsa_id,
            dns_name=dns_name,
            organization=organization,
            locality=locality,
            valid_from=start,
            valid_to=end,
            alternative_dns=(dns_name,),
        )

    def issue_profile(self, content: FunctionProfile, key: rsa.RSAPrivateKey) -> IssuedCertificate:
        """Sign exactly ``content`` for ``key`` and keep a copy in ``issued/``."""
        certificate = profile.build_function_certificate(content, key.public_key(), self.issuing)
        files.write_public(
            self.directory / ISSUED / f"{certificate.serial_number:x}.pem",
            certificate.public_bytes(Encoding.PEM),
        )
        return IssuedCertificate(certificate, key, (self.issuing.certificate,))

    def revoke(self, serial_or_path: int | Path, reason: str = "unspecified") -> Path:
        """Revoke a certificate of this authority, renew the revocation list and return its path.

        ``serial_or_path`` is the serial number, or the certificate's PEM file. ``reason`` is a name of
        `certs.revocation.REASONS`. Raises `CertificateError` when the certificate is not this authority's
        or already revoked.
        """
        check_reason(reason)
        serial = serial_or_path if isinstance(serial_or_path, int) else self._serial_of(serial_or_path)
        if not (self.directory / ISSUED / f"{serial:x}.pem").is_file():
            raise CertificateError(
                f"The authority in {self.directory} has issued no certificate with serial number {serial:x}."
            )
        path = self.directory / REVOKED / f"{serial:x}.json"
        if path.exists():
            raise CertificateError(f"The certificate with serial number {serial:x} is revoked already: see {path}.")
        record = {"revoked_at": profile.now_utc().isoformat(), "reason": reason}
        files.write_public(path, json.dumps(record).encode() + b"\n")
        return self.write_crl()

    def revocations(self) -> list[Revocation]:
        """Return everything revoked so far, by serial number."""
        found = []
        for path in (self.directory / REVOKED).glob("*.json"):
            try:
                record = json.loads(files.read_file(path, "the record of a revocation"))
                revoked_at = datetime.fromisoformat(record["revoked_at"])
                found.append(Revocation(int(path.stem, 16), revoked_at, check_reason(record["reason"])))
            except (ValueError, KeyError, TypeError, UsageError) as error:
                raise CertificateError(f"{path} is not a readable record of a revocation; restore it.") from error
        return sorted(found, key=lambda revocation: revocation.serial_number)

    def write_crl(self, path: Path | None = None, *, valid_days: float = DEFAULT_CRL_VALID_DAYS) -> Path:
        """Sign the present revocation list and write it to ``path`` (default: the authority's own).

        An older revocation list there is replaced at once, any other file is an error. ``valid_days`` is
        the time to the next update; after it, whoever checks the list refuses every certificate.
        """
        if valid_days <= 0:
            raise UsageError("A revocation list has to be valid for some time; give more than 0 days.")
        target = path or self.crl_path
        if target.exists() and not target.read_bytes().startswith(b"-----BEGIN X509 CRL-----"):
            raise CertificateError(f"{target} exists and is no revocation list, so it is not replaced.")
        now = profile.now_utc()
        crl = build_crl(
            self.issuing,
            self.revocations(),
            issued_at=now - profile.CLOCK_TOLERANCE,
            next_update_at=now + timedelta(days=valid_days),
        )
        return files.write_public(target, crl.public_bytes(Encoding.PEM), replace=True)

    def _serial_of(self, path: Path) -> int:
        certificate = _read_certificate(path)
        try:
            certificate.verify_directly_issued_by(self.issuing.certificate)
        except (ValueError, TypeError, InvalidSignature) as error:
            raise CertificateError(
                f"{path} was not issued by the authority in {self.directory}; name the one that did."
            ) from error
        return certificate.serial_number


def _check_authority_name(name: str) -> None:
    if not 1 <= len(name) <= 40 or not name.isprintable() or not name.strip():
        raise UsageError(f"{name!r} is no name for an authority; give 1-40 printable characters.")
    if any(word in name.lower() for word in REAL_NAMES):
        raise UsageError(f"{name!r} would make the test authority look like the real one; choose a name of your own.")


def _check_empty(directory: Path) -> None:
    if (directory / ISSUING).exists():
        raise CertificateError(
            f"{directory} holds an authority already, and its keys are never overwritten. "
            "Use it as it is, or choose another folder."
        )
    if os.path.lexists(directory) and not (directory.is_dir() and not any(directory.iterdir())):
        raise CertificateError(f"{directory} is not an empty folder; choose another one for the authority.")


def _write_folder(directory: Path, root: Signer, issuing: Signer) -> None:
    """Fill a folder beside ``directory`` and give it the name when all of it is there."""
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(prefix=f".{directory.name}.", dir=directory.parent))
    except OSError as error:
        raise CertificateError(f"Cannot create the folder {directory}: {error.strerror}.") from error
    try:
        for folder in (PRIVATE, ISSUED, REVOKED):
            files.make_private_folder(building / folder)
        files.write_private(building / PRIVATE / ROOT_KEY, private_key_pem(root.private_key))
        files.write_private(building / PRIVATE / ISSUING_KEY, private_key_pem(issuing.private_key))
        root_pem = root.certificate.public_bytes(Encoding.PEM)
        issuing_pem = issuing.certificate.public_bytes(Encoding.PEM)
        files.write_public(building / ROOT, root_pem)
        files.write_public(building / ISSUING, issuing_pem)
        files.write_public(building / TRUST, root_pem + issuing_pem)
        files.write_public(building / "README.txt", README.encode())
        Authority(building, root.certificate, issuing).write_crl()
        building.rename(directory)
    except OSError as error:
        raise CertificateError(f"Cannot create the authority in {directory}: {error.strerror}.") from error
    finally:
        if building.exists():
            shutil.rmtree(building)


def _read_certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(files.read_file(path, "the certificate"))
    except ValueError as error:
        raise CertificateError(f"{path} holds no certificate in PEM form; check the path.") from error
