"""Certificate revocation lists (spärrlistor): what is revoked, and the signed list of it.

Implements CRL version 2 of RFC 5280 chapter 5 as an issuing CA of SITHS publishes it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from certs.profile import Signer
from contracts.errors import UsageError

#: A list that ran out stops all traffic, so a test authority's lasts a month; real ones last a day or two.
DEFAULT_CRL_VALID_DAYS = 30

#: Reasons a person may give, by their RFC 5280 name.
REASONS = {
    flag.value: flag
    for flag in (
        x509.ReasonFlags.unspecified,
        x509.ReasonFlags.key_compromise,
        x509.ReasonFlags.affiliation_changed,
        x509.ReasonFlags.superseded,
        x509.ReasonFlags.cessation_of_operation,
        x509.ReasonFlags.privilege_withdrawn,
    )
}


@dataclass(frozen=True, slots=True)
class Revocation:
    """One revoked certificate: serial number, time (aware UTC) and RFC 5280 reason name."""

    serial_number: int
    revoked_at: datetime
    reason: str = "unspecified"


def check_reason(reason: str) -> str:
    """Return ``reason`` if it is one of `REASONS`, else raise `UsageError` with the list."""
    if reason not in REASONS:
        raise UsageError(f"{reason!r} is no reason for revoking; choose one of {', '.join(REASONS)}.")
    return reason


def build_crl(
    signer: Signer, revocations: Iterable[Revocation], *, issued_at: datetime, next_update_at: datetime
) -> x509.CertificateRevocationList:
    """Sign the list of ``revocations`` (SHA-512), valid from ``issued_at`` to ``next_update_at``.

    Its CRL number is the time of signing in milliseconds, which grows without being kept anywhere.
    """
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(signer.certificate.subject)
        .last_update(issued_at)
        .next_update(next_update_at)
        .add_extension(x509.CRLNumber(time.time_ns() // 1_000_000), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.private_key.public_key()),
            critical=False,
        )
    )
    for revocation in revocations:
        entry = (
            x509.RevokedCertificateBuilder()
            .serial_number(revocation.serial_number)
            .revocation_date(revocation.revoked_at)
        )
        # RFC 5280 5.3.1: no reason is said by leaving it out.
        if revocation.reason != x509.ReasonFlags.unspecified.value:
            entry = entry.add_extension(x509.CRLReason(REASONS[revocation.reason]), critical=False)
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(signer.private_key, hashes.SHA512())


def is_stale(crl: x509.CertificateRevocationList, now: datetime) -> bool:
    """Whether the list's next update is past; a list without one is stale (fail closed)."""
    return crl.next_update_utc is None or crl.next_update_utc <= now


def half_life_at(crl: x509.CertificateRevocationList) -> datetime:
    """Return the middle of the list's validity window: from then on a newer one should be there."""
    end = crl.next_update_utc or crl.last_update_utc
    return crl.last_update_utc + max((end - crl.last_update_utc) / 2, timedelta(0))
