"""Step 7: choose the route (vägval) for logical address and contract (platform reference 3.2, 4.2).

Comes before authorisation: an unknown address gets VP004 from everyone.
"""

from __future__ import annotations

from router.catalogue.model import Route
from router.exchange import Exchange
from router.faults import PlatformRefusal


def choose(exchange: Exchange) -> None:
    """Set the route; VP008 without catalogue, VP003 without address, VP004, VP006 or VP010 without exactly one."""
    table = exchange.context.table
    if table is None:
        raise PlatformRefusal("VP008", "The routing catalogue could not be loaded and there is no local copy of it.")
    receiver, contract = exchange.receiver, exchange.contract
    if not receiver.strip():
        raise PlatformRefusal("VP003", "No receiverId (logical address) found in message header")
    found = table.find_routes(receiver, contract, exchange.started_at)
    exchange.route_trace = found.trace
    exchange.route = _the_only(found.rows, f"serviceNamespace: {contract}, receiverId: {receiver}", receiver)


def _the_only(routes: tuple[Route, ...], call: str, receiver: str) -> Route:
    if not routes:
        hint = " (the receiverId has white space in it)" if " " in receiver else ""
        raise PlatformRefusal("VP004", f"No receiverId (logical address) found for {call}{hint}")
    if len(routes) > 1:
        raise PlatformRefusal("VP006", f"More than one receiverId (logical address) found for {call}")
    if not routes[0].address.strip():
        raise PlatformRefusal("VP010", f"Physical Address field is empty in the routing catalogue for {call}")
    return routes[0]
