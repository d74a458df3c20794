"""Step 5: who may say for which system it calls (x-rivta-original-serviceconsumer-hsaid, platform reference 1.5).

The header is never used for routing or authorisation; it tells the producer who asked in the first place.
"""

from __future__ import annotations

import structlog

from router.exchange import Exchange
from router.faults import PlatformRefusal
from router.headers import INSTANCE_ID, ORIGINAL_CONSUMER, sendable

_log = structlog.get_logger("router.original_consumer")


def check(exchange: Exchange) -> None:
    """Settle the original consumer's id; VP013 for a sender that may not name another."""
    given = exchange.headers.get(ORIGINAL_CONSUMER)
    exchange.original_consumer = sendable(given) if given else exchange.sender_id
    if given is None or _is_trusted(exchange, given):
        return
    if exchange.context.behaviour.refuse_original_consumer:
        raise PlatformRefusal("VP013", f"Sender is not approved to set header {ORIGINAL_CONSUMER}")
    _log.warning("original-consumer-not-listed", correlation_id=exchange.correlation_id, sender=exchange.sender_id)


def _is_trusted(exchange: Exchange, given: str) -> bool:
    behaviour, settings = exchange.context.behaviour, exchange.context.settings
    if exchange.is_internal:
        return True
    if behaviour.trust_instance_id_on_https and exchange.headers.get(INSTANCE_ID) == settings.instance_id:
        return True
    senders = [entry.strip() for entry in settings.original_consumer_senders]
    if behaviour.empty_sender_list_means_all:
        return not senders or exchange.sender_id in senders
    return exchange.sender_id in senders or given in ("", exchange.sender_id)
