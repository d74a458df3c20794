"""TLS contexts of every server and client here: mutual, TLS 1.2 and 1.3, one trusted authority, CRL honoured.

Implements RIV-TA Basic Profile 2.1 rule 6. What OpenSSL does not check is in `certs.peer`; live reload of
changed files is in `certs.reload`.
"""

from __future__ import annotations

import ssl
import tempfile
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certs.reading import (
    common_name,
    crl_signer,
    is_ca,
    is_self_signed,
    public_key_bytes,
    read_certificates,
    read_crls,
    read_password,
    read_private_key,
)
from certs.revocation import half_life_at, is_stale
from contracts.errors import CertificateError

#: Forward secrecy and authenticated encryption only. SECLEVEL=2 refuses RSA under 2048 bits and SHA-1 in every
#: chain; lower, and forged or weak certificates pass. TLS 1.3 has its own fixed, equally strong suites.
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20:@SECLEVEL=2"
#: From here on `alarms` says that the own certificate has to be renewed; ordering one takes weeks.
RENEWAL_DAYS = 30


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """The files one side of a mutual TLS connection works with, and what breaks when one is changed."""

    certificate: Path = field(
        metadata={
            "help": "PEM, own leaf first, then its issuing CA. Without the CA, peers that know only the root refuse us."
        }
    )
    private_key: Path = field(
        metadata={"help": "Key of the leaf, PEM, mode 0600. Whoever can read it is us to every peer."}
    )
    ca: Path = field(
        metadata={
            "help": "PEM with the root and issuing CAs whose certificates are accepted; never the system's bundle."
            " A public authority added here lets strangers in as far as the HSA-id check."
        }
    )
    crl: Path | None = field(
        default=None,
        metadata={
            "help": "Revocation lists of the issuing CAs, PEM or DER. Unset: revoked peers are accepted."
            " Set: everyone is refused once the list is out of date."
        },
    )
    private_key_password: Path | None = field(
        default=None,
        metadata={"help": "File with the password of an encrypted key in its first line, mode 0600."},
    )


def server_context(tls_files: TlsFiles) -> ssl.SSLContext:
    """Return the context of a server that requires a client certificate of the authority in ``ca``.

    No session outlives a connection by ticket, so that each new one has its certificate checked against the
    present revocation list (TLS 1.2 session ids live 5 minutes in one process, as OpenSSL sets it).
    Raises `CertificateError` in plain words for files that cannot work.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.options |= ssl.OP_NO_TICKET | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.num_tickets = 0
    context.verify_mode = ssl.CERT_REQUIRED
    return _load(context, tls_files)


def client_context(tls_files: TlsFiles) -> ssl.SSLContext:
    """Return the context of a client that shows its certificate and checks the server's and its host name.

    Only the authority in ``ca`` is trusted, and only names in the SAN count, never the CN. A library that
    loads a bundle of its own into a given context (requests with ``verify=True``) has to be stopped from it.
    Raises `CertificateError` in plain words for files that cannot work.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = True
    context.hostname_checks_common_name = False
    return _load(context, tls_files)


def alarms(tls_files: TlsFiles, now: datetime) -> tuple[str, ...]:
    """Say what will stop the traffic soon or has: the own certificate running out, an old revocation list.

    A revocation list is reported from the middle of its validity window. ``now`` is aware. Raises
    `CertificateError` for files that cannot be read.
    """
    found = []
    leaf = read_certificates(tls_files.certificate, "the certificate")[0]
    if leaf.not_valid_after_utc <= now:
        found.append(f"{tls_files.certificate} ran out {leaf.not_valid_after_utc:%Y-%m-%d}: peers refuse it.")
    elif leaf.not_valid_after_utc - now < timedelta(days=RENEWAL_DAYS):
        days = (leaf.not_valid_after_utc - now).days
        found.append(f"{tls_files.certificate} runs out in {days} days; order the next one now.")
    if leaf.not_valid_before_utc > now:
        found.append(f"{tls_files.certificate} is not valid before {leaf.not_valid_before_utc:%Y-%m-%d %H:%M}Z.")
    for crl in read_crls(tls_files.crl) if tls_files.crl else ():
        if is_stale(crl, now):
            found.append(f"The revocation list {tls_files.crl} ran out: every peer is refused. Fetch it anew.")
        elif half_life_at(crl) <= now:
            found.append(
                f"The revocation list {tls_files.crl} is past half of its time and has not been renewed; "
                f"when it runs out ({crl.next_update_utc:%Y-%m-%d %H:%M}Z), every peer is refused."
            )
    return tuple(found)


def _load(context: ssl.SSLContext, tls_files: TlsFiles) -> ssl.SSLContext:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = ssl.TLSVersion.TLSv1_3
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    context.set_ciphers(CIPHERS)
    _load_own_certificate(context, tls_files)
    authorities = _read_authorities(tls_files.ca)
    context.load_verify_locations(cadata="".join(_pem(authority) for authority in authorities))
    if tls_files.crl is not None:
        _load_crls(context, tls_files.crl, authorities)
    return context


def _load_own_certificate(context: ssl.SSLContext, tls_files: TlsFiles) -> None:
    path, key_path = tls_files.certificate, tls_files.private_key
    password_file = tls_files.private_key_password
    password = read_password(password_file) if password_file is not None else None
    chain = read_certificates(path, "the certificate")
    key = public_key_bytes(read_private_key(key_path, password))
    if public_key_bytes(chain[0]) != key:
        if any(public_key_bytes(certificate) == key for certificate in chain):
            raise CertificateError(f"{path} has to begin with the certificate of {key_path}; put it first.")
        raise CertificateError(
            f"The private key {key_path} does not belong to the certificate {path}. "
            "Use the key that was made when the certificate was ordered."
        )
    try:
        context.load_cert_chain(path, key_path, password=password)
    except ssl.SSLError as error:
        raise CertificateError(
            f"OpenSSL does not take the certificate {path} with its key: {error.reason or error}. "
            "`brygga certs inspect` says what is wrong with it."
        ) from error


def _read_authorities(path: Path) -> tuple[x509.Certificate, ...]:
    authorities = read_certificates(path, "the CA file")
    for authority in authorities:
        if not is_ca(authority):
            raise CertificateError(
                f"The CA file {path} holds a certificate that is no authority's: "
                f"{common_name(authority.subject)}. Put only root and issuing CA there."
            )
    if not any(is_self_signed(authority) for authority in authorities):
        raise CertificateError(
            f"The CA file {path} holds no root certificate, so no peer could be accepted; add the root."
        )
    return authorities


def _load_crls(context: ssl.SSLContext, path: Path, authorities: tuple[x509.Certificate, ...]) -> None:
    crls = read_crls(path)
    for crl in crls:
        if crl_signer(crl, authorities) is None:
            raise CertificateError(
                f"The revocation list {path} is not signed by any authority of the CA file "
                f"(it says it is from {common_name(crl.issuer)}); fetch the list of the right authority."
            )
    with tempfile.NamedTemporaryFile(suffix=".pem") as normalized:  # the ssl module loads lists from files only
        normalized.write(b"".join(crl.public_bytes(Encoding.PEM) for crl in crls))
        normalized.flush()
        context.load_verify_locations(cafile=normalized.name)
    context.verify_flags |= ssl.VerifyFlags.VERIFY_CRL_CHECK_LEAF


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()
