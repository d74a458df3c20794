"""Step 11: the headers that the producer gets, before some are stripped (platform reference 1.5-1.7).

Identity and trace headers are set by us; what the caller sent under these names does not count.
"""

from __future__ import annotations

from multidict import CIMultiDict

from router.exchange import Exchange
from router.headers import (
    CONTENT_TYPE_TO_PRODUCER,
    CORRELATION_ID,
    INSTANCE_ID,
    ORIGINAL_CONSUMER,
    ROUTING_HISTORY,
    SENDER_ID,
    sendable,
)


def fill(exchange: Exchange) -> None:
    """Copy the caller's headers and set ours over them."""
    settings = exchange.context.settings
    headers: CIMultiDict[str] = CIMultiDict(exchange.headers)
    for name, value in exchange.headers.items():
        if not value.isascii():
            headers[name] = sendable(value)
    is_plain = "http://" in exchange.chosen_route.address
    headers[ORIGINAL_CONSUMER] = exchange.original_consumer
    headers["User-Agent"] = settings.user_agent
    headers["Content-Type"] = CONTENT_TYPE_TO_PRODUCER
    if exchange.routing_history is not None:
        headers[ROUTING_HISTORY] = exchange.routing_history
    if is_plain or settings.correlation_id_over_https:
        headers[CORRELATION_ID] = exchange.correlation_id
    else:
        headers.popall(CORRELATION_ID, None)
    if is_plain:
        headers[SENDER_ID] = exchange.sender_id
        headers[INSTANCE_ID] = settings.instance_id
    else:
        headers.popall(SENDER_ID, None)
        headers.popall(INSTANCE_ID, None)
    exchange.out_headers = headers
