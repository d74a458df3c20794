"""Step 2 on the HTTPS entry: the sender is who the client certificate of the connection is issued to (1.3).

Headers that name a sender are not looked at here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from cryptography import x509
from cryptography.x509.oid import NameOID

from certs.peer import check_client_purpose, hsa_id_of, load_der
from contracts.errors import CertificateError
from router.exchange import Exchange
from router.faults import PlatformRefusal

_NO_SENDER = "No senderId found in Certificate"


@dataclass(frozen=True, slots=True)
class Sender:
    """Whom a certificate names, and until when (seconds since 1970)."""

    hsa_id: str
    valid_until: float


def identify(exchange: Exchange) -> None:
    """Take the HSA-id from subject serialNumber; VP002 without one."""
    if exchange.certificate is None:
        raise PlatformRefusal("VP002", f"{_NO_SENDER}: the connection has no client certificate.")
    is_strict = exchange.context.behaviour.require_client_purpose
    sender = sender_of(exchange.certificate, check_purpose=is_strict)
    if is_strict and exchange.started_at > sender.valid_until:
        raise PlatformRefusal("VP002", f"{_NO_SENDER}: it has run out while its connection was kept.")
    exchange.sender_id = sender.hsa_id


@lru_cache(maxsize=1024)
def sender_of(certificate: bytes, *, check_purpose: bool) -> Sender:
    """Give whom a certificate (DER, untrusted) names. Raises PlatformRefusal VP002.

    ``check_purpose``: as `Behaviour.require_client_purpose`; without it the first serialNumber counts.
    """
    try:
        parsed = load_der(certificate)
        if check_purpose:
            check_client_purpose(parsed)
        hsa_id = hsa_id_of(parsed) if check_purpose else _first_serial_number(parsed)
    except CertificateError as error:
        raise PlatformRefusal("VP002", f"{_NO_SENDER}: {error.message}") from None
    return Sender(hsa_id, parsed.not_valid_after_utc.timestamp())


def _first_serial_number(certificate: x509.Certificate) -> str:
    try:
        attributes = certificate.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)
    except ValueError:
        raise PlatformRefusal("VP002", f"{_NO_SENDER}: its subject cannot be read.") from None
    if not attributes:
        raise PlatformRefusal("VP002", f"{_NO_SENDER}: its subject has no serialNumber (2.5.4.5).")
    return str(attributes[0].value)
