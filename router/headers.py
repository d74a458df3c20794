"""Header names, and which headers pass: the platform's regular expressions (platform reference 1.6, 1.7).

Names are compared without regard to letter case.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

CORRELATION_ID: Final = "x-skltp-correlation-id"
PRODUCER_TIME: Final = "x-skltp-prt"
ORIGINAL_CONSUMER: Final = "x-rivta-original-serviceconsumer-hsaid"
ACTING_ON_BEHALF_OF: Final = "x-rivta-acting-on-behalf-of-hsaid"
ROUTING_HISTORY: Final = "x-rivta-routing-history"
SENDER_ID: Final = "x-vp-sender-id"
INSTANCE_ID: Final = "x-vp-instance-id"
FORWARDED_FOR: Final = "X-Forwarded-For"
FORWARDED_PROTO: Final = "X-VP-Forwarded-Proto"
FORWARDED_HOST: Final = "X-VP-Forwarded-Host"
FORWARDED_PORT: Final = "X-VP-Forwarded-Port"
INJECT: Final = "x-brygga-inject"
#: Server header of what the router says itself; no version.
SERVER: Final = "brygga-router"

CONTENT_TYPE_TO_PRODUCER: Final = "text/xml;charset=UTF-8"

#: What HTTP libraries say for themselves on each connection; never passed on, in either direction.
_OF_THE_CONNECTION = frozenset(
    (
        *("cache-control", "connection", "content-length", "date", "expect", "host", "keep-alive", "pragma"),
        *("proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding"),
        *("upgrade", "via", "warning"),
    )
)
_TO_PRODUCER_REMOVE = re.compile(
    r"x-vp.*|peer_certificates|x-forwarded.*|mule_.*|x-mule_.*|connection|accept-encoding|x-brygga-.*", re.IGNORECASE
)
_TO_PRODUCER_KEEP = frozenset((SENDER_ID, INSTANCE_ID))
_TO_CONSUMER_REMOVE = re.compile(
    r"soapaction|mule_.*|x-mule_.*|local_certificate|peer_certificates|http\.method", re.IGNORECASE
)


@lru_cache(maxsize=2048)
def passes_to_producer(name: str) -> bool:
    """Whether a request header goes on to the producer (steps 11 and 13)."""
    lower = name.lower()
    if lower in _TO_PRODUCER_KEEP:
        return True
    return lower not in _OF_THE_CONNECTION and _TO_PRODUCER_REMOVE.fullmatch(lower) is None


@lru_cache(maxsize=2048)
def passes_to_consumer(name: str) -> bool:
    """Whether an answer's header goes on to the consumer (step 18)."""
    lower = name.lower()
    return lower not in _OF_THE_CONNECTION and _TO_CONSUMER_REMOVE.fullmatch(lower) is None


def sendable(value: str) -> str:
    """Give a header value (untrusted) that can be sent again: bytes that are no UTF-8 become U+FFFD."""
    return value if value.isascii() else value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
