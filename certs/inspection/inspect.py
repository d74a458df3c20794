"""One file explained: reads it, describes each item, and gathers every problem.

Implements `brygga certs inspect`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from cryptography import x509

from certs.inspection import chain, checks, describe
from certs.inspection.contents import Contents, is_locked, read_contents
from certs.inspection.model import Inspection, Item, Problem
from certs.profile import now_utc
from certs.reading import common_name, is_ca, is_self_signed, public_key_bytes, read_certificates, read_crls
from contracts.errors import CertificateError


def needs_password(path: Path) -> bool:
    """Whether ``path`` opens with a password only; raises `CertificateError` when it cannot be read."""
    return is_locked(path)


def inspect_file(
    path: Path,
    password: str | None = None,
    ca: Path | None = None,
    crl: Path | None = None,
    now: datetime | None = None,
    *,
    key: Path | None = None,
) -> Inspection:
    """Explain a PEM, DER or PKCS#12 file with certificates, a private key, a request or a revocation list.

    ``password`` opens a PKCS#12 store or an encrypted key (also ``key``). ``ca`` is the CA file the chain has
    to end in, ``crl`` the revocation lists to look in, ``key`` the private key that should belong to the
    certificate; ``now`` is aware (default: the present). Nothing private is in the result. Raises
    `CertificateError` for files that are nothing of the kind, cannot be read or stay locked.
    """
    moment = now or now_utc()
    contents = read_contents(path, password)
    authorities = read_certificates(ca, "the CA file") if ca is not None else None
    lists = [*contents.crls, *(read_crls(crl) if crl is not None else ())]
    open_key_files = [path] if any(not found.is_encrypted for found in contents.keys) else []
    if key is not None:
        given = read_contents(key, password).keys
        if not given:
            raise CertificateError(f"{key} holds no private key that can be opened; check path and password.")
        open_key_files += [key] if not given[0].is_encrypted else []
        contents.keys += given
    leaf = _find_leaf(contents)
    problems = [
        *_unreadable(contents, path),
        *_certificate_problems(leaf, contents, authorities, moment),
        *_key_problems(leaf, contents, path),
        *(problem for file in open_key_files for problem in checks.check_key_file(file)),
        *(problem for request in contents.requests for problem in checks.check_request(request, "request")),
        *chain.check_revocation(leaf, lists, [*contents.certificates, *(authorities or ())], moment),
    ]
    return Inspection(path, contents.form, tuple(_items(contents, leaf, moment)), tuple(problems))


def _find_leaf(contents: Contents) -> x509.Certificate | None:
    """Return the certificate the file is about: the key's, else the first that is no CA or has a host name.

    None for a file of CA certificates only.
    """
    owned = {public_key_bytes(found.key) for found in contents.keys}
    for certificate in contents.certificates:
        if public_key_bytes(certificate) in owned:
            return certificate
    for certificate in contents.certificates:
        if not is_ca(certificate) or describe.san_names(certificate):
            return certificate
    return None


def _items(contents: Contents, leaf: x509.Certificate | None, now: datetime) -> Iterator[Item]:
    for certificate in contents.certificates:
        yield describe.describe_certificate(certificate, describe.role_of(certificate, leaf), now)
    for request in contents.requests:
        yield describe.describe_request(request)
    owner = _key_owner(leaf, contents)
    for found in contents.keys:
        belongs = None if owner is None else public_key_bytes(found.key) == public_key_bytes(owner)
        yield describe.describe_key(found.key, is_encrypted=found.is_encrypted, belongs=belongs)
    for _ in range(contents.locked_keys):
        yield describe.describe_locked_key()
    for crl in contents.crls:
        yield describe.describe_crl(crl)


def _key_owner(
    leaf: x509.Certificate | None, contents: Contents
) -> x509.Certificate | x509.CertificateSigningRequest | None:
    return leaf or (contents.requests[0] if contents.requests else None)


def _unreadable(contents: Contents, path: Path) -> Iterator[Problem]:
    for block in contents.unreadable:
        yield Problem(
            "unreadable", "error", str(path), f"The {block} cannot be read.", "Copy the file anew from its source."
        )


def _certificate_problems(
    leaf: x509.Certificate | None,
    contents: Contents,
    authorities: tuple[x509.Certificate, ...] | None,
    now: datetime,
) -> Iterator[Problem]:
    if leaf is not None:
        where = common_name(leaf.subject)
        yield from checks.check_leaf(leaf, where, now)
        yield from chain.check_order(leaf, contents.certificates, where)
        yield from chain.check_chain(leaf, contents.certificates, authorities, where, now)
        return
    for certificate in contents.certificates:
        where = common_name(certificate.subject)
        yield from checks.check_validity(certificate, where, now)
        yield from checks.check_strength(certificate, where)
    if contents.certificates and not any(map(is_self_signed, contents.certificates)):
        yield Problem(
            "no-root",
            "warning",
            "CA certificates",
            "The root is not among them, so the file does not do as CA file: no chain could end in it.",
            "Append the root certificate of the authority.",
        )


def _key_problems(leaf: x509.Certificate | None, contents: Contents, path: Path) -> Iterator[Problem]:
    owner = _key_owner(leaf, contents)
    owned = {public_key_bytes(found.key) for found in contents.keys}
    if owner is not None and owned and public_key_bytes(owner) not in owned:
        yield Problem(
            "key-mismatch",
            "error",
            common_name(owner.subject),
            "The private key does not belong to it.",
            "Use the key that was made when it was ordered; without that key it cannot be used.",
        )
    if contents.form == "PKCS#12" and not contents.keys:
        yield Problem(
            "no-key", "error", str(path), "The store holds no private key.", "Export it again together with its key."
        )
