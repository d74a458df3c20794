"""Step 3: keep what the proxy says of the URL that the caller used, for the log (platform reference 1.2).

The values are the proxy's word; nothing is decided by them.
"""

from __future__ import annotations

from router.exchange import Exchange
from router.headers import FORWARDED_HOST, FORWARDED_PORT, FORWARDED_PROTO


def keep(exchange: Exchange) -> None:
    """Keep scheme, host and port that the three headers name."""
    headers = exchange.headers
    exchange.forwarded = {
        name: headers[name] for name in (FORWARDED_PROTO, FORWARDED_HOST, FORWARDED_PORT) if name in headers
    }
