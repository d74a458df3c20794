"""Step 13: headers of the platform itself and of the caller's connection do not reach producers (1.7).

x-rivta-* and unknown headers pass.
"""

from __future__ import annotations

from router.exchange import Exchange
from router.headers import passes_to_producer


def strip(exchange: Exchange) -> None:
    """Remove what does not pass, the certificate header included."""
    headers = exchange.out_headers
    certificate_header = exchange.context.settings.certificate_header.lower()
    for name in {name for name in headers if not passes_to_producer(name) or name.lower() == certificate_header}:
        headers.popall(name, None)
