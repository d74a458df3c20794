"""Who is calling: the HSA-id of the verified certificate, and whether it may ask.

Implements RIV-TA Basic Profile 2.1 rule 6 and robustness rows D04, D14 and D16: one source of identity per
deployment, never a header that somebody else can set.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_to_bytes

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certs.peer import check_client_purpose, hsa_id_of
from contracts.errors import AccessDenied, CertificateError, CertificateRefused

#: Key of the WSGI environment under which the server hands over what it knows of the connection.
CONNECTION_KEY = "indikatorbryggan.connection"
_KEPT_CERTIFICATES = 512
_MAX_HEADER_CHARS = 16 * 1024


@dataclass(frozen=True, slots=True)
class ConnectionFacts:
    """What the server knows of the connection a request came in on; nothing here is the caller's word.

    ``peer_certificate`` is DER whose chain TLS has verified. ``waited_s`` is how long the request stood in line
    for a thread. ``is_health`` marks the loopback listener for health.
    """

    peer_certificate: bytes | None = None
    tls_version: str | None = None
    waited_s: float = 0.0
    is_health: bool = False


_UNKNOWN = ConnectionFacts()


def facts_of(environ: Mapping[str, Any]) -> ConnectionFacts:
    """Give what the server knows of the connection; of a server that says nothing: nothing."""
    facts: ConnectionFacts = environ.get(CONNECTION_KEY, _UNKNOWN)
    return facts


class CallerIdentity:
    """Tells the caller of a request and decides whether it is let in."""

    def __init__(self, allowed_callers: Collection[str], *, certificate_header: str | None) -> None:
        """``certificate_header`` is the header a reverse proxy sets, None when this process does TLS itself."""
        self._allowed = frozenset(hsa_id.casefold() for hsa_id in allowed_callers)
        self._header_key = (
            None if certificate_header is None else f"HTTP_{certificate_header.upper().replace('-', '_')}"
        )

    def of(self, environ: dict[str, Any]) -> str:
        """Give the caller's HSA-id as its certificate writes it. Raises CertificateRefused."""
        facts = facts_of(environ)
        if self._header_key is None:
            certificate = facts.peer_certificate
        else:
            certificate = _certificate_of_header(environ.get(self._header_key, ""))
        if certificate is None:
            raise CertificateRefused("The call came without a client certificate.")
        hsa_id, problem = _read(certificate)
        if problem:
            raise CertificateRefused(
                "The client certificate cannot be used: it must be a function certificate for client"
                " authentication with one HSA-id in the serialNumber of its subject.",
                log_detail=problem,
            )
        return hsa_id

    def check(self, hsa_id: str) -> None:
        """Let the caller in or raise AccessDenied, whose text does not tell whether there is data."""
        if hsa_id.casefold() not in self._allowed:
            raise AccessDenied("The calling system is not allowed to use this service.")


@lru_cache(maxsize=_KEPT_CERTIFICATES)
def _read(certificate: bytes) -> tuple[str, str]:
    """Give HSA-id and problem of a DER certificate; one of them is empty."""
    try:
        check_client_purpose(certificate)
        return hsa_id_of(certificate), ""
    except CertificateError as error:
        return "", error.message


def _certificate_of_header(value: str) -> bytes | None:
    """Read the URL-encoded PEM that nginx gives as ``$ssl_client_escaped_cert``; None when it is none."""
    if not value or len(value) > _MAX_HEADER_CHARS:
        return None
    try:
        return x509.load_pem_x509_certificate(unquote_to_bytes(value)).public_bytes(Encoding.DER)
    except ValueError:
        return None
