"""Which chain a certificate stands in, and what the revocation lists say of it.

Implements the parts of RFC 5280 chapter 6 that people get wrong: order, missing CA, wrong authority, old list.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from cryptography import x509

from certs.inspection.checks import WEAK_HASHES
from certs.inspection.describe import signature_name
from certs.inspection.model import Problem
from certs.peer import UNREADABLE
from certs.reading import common_name, crl_signer, is_ca, is_issued_by, is_self_signed
from certs.revocation import half_life_at, is_stale

FETCH = "Fetch the list anew from the CRL address in the certificate."


def build_chain(leaf: x509.Certificate, known: Sequence[x509.Certificate]) -> tuple[x509.Certificate, ...]:
    """Return leaf, issuing CA, ... as far as ``known`` certificates (untrusted) reach, by signature."""
    chain = [leaf]
    while not is_self_signed(chain[-1]):
        issuer = next((one for one in known if one not in chain and is_issued_by(chain[-1], one)), None)
        if issuer is None:
            break
        chain.append(issuer)
    return tuple(chain)


def check_order(leaf: x509.Certificate, in_file: Sequence[x509.Certificate], where: str) -> Iterator[Problem]:
    """Find whether the file begins with another certificate than its leaf."""
    if in_file and in_file[0] != leaf:
        yield Problem(
            "chain-order",
            "error",
            where,
            "It is not the first certificate of the file; servers and clients send the first one as their own.",
            "Put it first, then its issuing CA.",
        )


def check_chain(
    leaf: x509.Certificate,
    in_file: Sequence[x509.Certificate],
    authorities: Sequence[x509.Certificate] | None,
    where: str,
    now: datetime,
) -> Iterator[Problem]:
    """Find what keeps peers from following the chain of ``leaf``, sent with ``in_file``, to a root.

    ``authorities`` is the content of a CA file that decides, or None when there is none to compare with.
    """
    if is_self_signed(leaf) or signature_name(leaf) in WEAK_HASHES:
        return
    chain = build_chain(leaf, (*in_file, *(authorities or ())))
    yield from _check_expired_authorities(chain, now)
    deciding = in_file if authorities is None else authorities
    namesakes = [one for one in deciding if one.subject == leaf.issuer]
    issuer = repr(common_name(leaf.issuer))
    if namesakes and not any(is_issued_by(leaf, one) for one in namesakes):
        yield Problem(
            "other-ca-key",
            "error",
            where,
            f"It is signed by another key than that of the CA {issuer} at hand.",
            "Find out where it comes from; then use the CA certificate that belongs to it, or discard it.",
        )
    elif authorities is not None and not _ends_in(chain, authorities):
        yield Problem(
            "unknown-authority",
            "error",
            where,
            f"Its chain does not end in the CA file: {common_name(chain[-1].issuer)!r} is not there.",
            "Use the CA file of that authority; SITHS has separate ones for production and test.",
        )
    elif not any(is_issued_by(leaf, one) for one in in_file):
        yield Problem(
            "chain-incomplete",
            "warning",
            where,
            f"Its issuing CA {issuer} is not in the file; peers that know only the root refuse it.",
            "Append the certificate of the issuing CA to the file.",
        )


def check_revocation(
    leaf: x509.Certificate | None,
    crls: Sequence[x509.CertificateRevocationList],
    authorities: Sequence[x509.Certificate],
    now: datetime,
) -> Iterator[Problem]:
    """Find revocation of ``leaf``, and lists that are old, of other CAs or not signed by theirs."""
    for crl in crls:
        where = f"revocation list of {common_name(crl.issuer)}"
        yield from check_crl_time(crl, where, now)
        named = [one for one in authorities if one.subject == crl.issuer]
        if named and crl_signer(crl, named) is None:
            yield Problem(
                "crl-signature", "error", where, "It is not signed with the key of the CA of that name.", FETCH
            )
            continue
        if leaf is not None and crl.issuer == leaf.issuer:
            entry = crl.get_revoked_certificate_by_serial_number(leaf.serial_number)
            if entry is not None:
                yield _revoked(entry, leaf)
    if leaf is not None and crls and not is_self_signed(leaf) and all(crl.issuer != leaf.issuer for crl in crls):
        yield Problem(
            "crl-other-authority",
            "error",
            "revocation list",
            f"None of the lists is of the certificate's issuer {common_name(leaf.issuer)!r}.",
            f"Whoever checks with it refuses the certificate. {FETCH}",
        )


def check_crl_time(crl: x509.CertificateRevocationList, where: str, now: datetime) -> Iterator[Problem]:
    """Find whether a revocation list is not valid yet, stale or in the second half of its time."""
    if now < crl.last_update_utc:
        yield Problem("crl-not-yet-valid", "error", where, "It is from the future.", "Check the clock of this machine.")
    elif is_stale(crl, now):
        ended = f" since {crl.next_update_utc:%Y-%m-%d %H:%M}Z" if crl.next_update_utc else ""
        yield Problem(
            "crl-stale", "error", where, f"It is out of date{ended}; whoever checks with it refuses everyone.", FETCH
        )
    elif half_life_at(crl) <= now:
        yield Problem("crl-old", "warning", where, "More than half of its time is gone.", FETCH)


def _revoked(entry: x509.RevokedCertificate, leaf: x509.Certificate) -> Problem:
    try:
        reason = f", reason {entry.extensions.get_extension_for_class(x509.CRLReason).value.reason.value}"
    except (*UNREADABLE, x509.ExtensionNotFound):
        reason = ""
    return Problem(
        "revoked",
        "error",
        common_name(leaf.subject),
        f"It was revoked {entry.revocation_date_utc:%Y-%m-%d}{reason}.",
        "Stop using it and order a new one with a new key; `brygga certs csr` makes the request.",
    )


def _ends_in(chain: Sequence[x509.Certificate], authorities: Sequence[x509.Certificate]) -> bool:
    return len(chain) > 1 and is_self_signed(chain[-1]) and chain[-1] in authorities


def _check_expired_authorities(chain: Sequence[x509.Certificate], now: datetime) -> Iterator[Problem]:
    for authority in chain[1:]:
        if not authority.not_valid_before_utc <= now <= authority.not_valid_after_utc:
            yield Problem(
                "ca-expired",
                "error",
                common_name(authority.subject),
                f"The CA is valid from {authority.not_valid_before_utc:%Y-%m-%d} "
                f"to {authority.not_valid_after_utc:%Y-%m-%d} only.",
                "Get the CA's present certificate from the authority.",
            )
        if not is_ca(authority):
            yield Problem(
                "no-ca",
                "error",
                common_name(authority.subject),
                "It has signed a certificate, but is no certificate authority.",
                "Use a certificate that a real authority has issued.",
            )
