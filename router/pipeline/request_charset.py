"""Step 12: a request in another charset than UTF-8 is turned into UTF-8 (platform reference 1.9).

The answer goes back in the charset of the request; a request in UTF-8 is forwarded byte for byte.
"""

from __future__ import annotations

from router.charset import UTF_8, transcode
from router.exchange import Exchange
from router.faults import PlatformRefusal


def to_utf8(exchange: Exchange) -> None:
    """Make the outgoing body UTF-8; VP015 for bytes that its charset does not allow."""
    if exchange.out_codec == UTF_8:
        return
    try:
        exchange.out_body = transcode(exchange.out_body, exchange.out_codec, UTF_8)
    except UnicodeDecodeError:
        raise PlatformRefusal("VP015", "The message has bytes that its charset does not allow.") from None
    exchange.out_codec = UTF_8
