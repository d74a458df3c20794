"""The caller's certificate in a header, as a TLS proxy in front of the HTTP entry hands it over (1.3).

PEM with any white space between its markers, or bare Base64 that begins with MII; after a comma follows the chain,
which is left aside.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from router.faults import PlatformRefusal

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]*)-----END CERTIFICATE-----")


class TrustedAuthorities:
    """The CA certificates that a forwarded certificate may be signed by; empty accepts every one, as the platform."""

    def __init__(self, certificates: Sequence[x509.Certificate] = ()) -> None:
        self._certificates = tuple(certificates)

    def check(self, certificate: x509.Certificate) -> None:
        """Refuse with VP002 a certificate that none of the authorities has signed, or that is not valid now."""
        if not self._certificates:
            return
        now = datetime.now(UTC)
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            raise PlatformRefusal("VP002", "The certificate in the header is not valid now.")
        if not any(_is_issued_by(certificate, authority) for authority in self._certificates):
            raise PlatformRefusal("VP002", "The certificate in the header is of an authority that is not trusted here.")


def read_certificate_header(value: str | None, name: str) -> bytes:
    """Give the certificate (DER) in a header value (untrusted). Raises PlatformRefusal VP002."""
    if not value:
        raise PlatformRefusal("VP002", f"No certificate found in httpheader {name}")
    pem = _PEM.search(value)
    if pem is not None:
        text = "".join(pem[1].split())
    elif value.startswith("MII"):
        text = value.partition(",")[0].strip()
    else:
        raise PlatformRefusal("VP002", f"unkown certificate type in httpheader {name}")  # the platform's spelling
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise PlatformRefusal("VP002", f"The certificate in httpheader {name} is not valid Base64.") from None


def _is_issued_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
