"""Step 8: may this sender call this receiver by this contract (anropsbehörighet, platform reference 3.2)?

Only the direct caller counts, never the original consumer.
"""

from __future__ import annotations

from router.exchange import Exchange
from router.faults import PlatformRefusal


def check(exchange: Exchange) -> None:
    """Let a call with a valid permission pass; VP007 otherwise, VP002 for a sender without id."""
    table = exchange.context.table
    if table is None:
        raise PlatformRefusal("VP008", "The routing catalogue could not be loaded and there is no local copy of it.")
    sender, receiver, contract = exchange.sender_id, exchange.receiver, exchange.contract
    if not sender:
        raise PlatformRefusal("VP002", "No senderId found in Certificate or header")
    found = table.find_permissions(sender, receiver, contract, exchange.started_at)
    exchange.permission_trace = found.trace
    if not found.rows:
        raise PlatformRefusal(
            "VP007",
            f"Authorization missing for serviceNamespace: {contract}, receiverId: {receiver}, senderId: {sender}",
        )
    exchange.fault = exchange.fault or table.fault_for(sender, receiver, contract)
