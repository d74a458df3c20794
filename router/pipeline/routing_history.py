"""Step 2, second part: the guard against calls that go round between platforms (platform reference 1.8).

The header lists the sender and every platform passed, parted by #; our own id in it means VP014.
"""

from __future__ import annotations

from router.exchange import Exchange
from router.faults import PlatformRefusal
from router.headers import ROUTING_HISTORY, sendable

_DELIMITER = "#"


def extend(exchange: Exchange) -> None:
    """Refuse a call that has been here (VP014), else note ourselves in the history."""
    settings = exchange.context.settings
    is_watched = exchange.entry == "http" or exchange.context.behaviour.history_on_https
    if not (is_watched and settings.use_routing_history) or exchange.is_internal:
        return
    history = sendable(exchange.headers.get(ROUTING_HISTORY, ""))
    if settings.instance_id in (part.strip() for part in history.split(_DELIMITER)):
        raise PlatformRefusal("VP014")
    exchange.routing_history = f"{history or exchange.sender_id}{_DELIMITER}{settings.instance_id}"
