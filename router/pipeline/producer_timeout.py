"""Step 9: how long the producer may take, by contract (platform reference 5).

The namespace is compared letter by letter, as the platform does.
"""

from __future__ import annotations

from router.exchange import Exchange


def choose(exchange: Exchange) -> None:
    """Set the seconds that the producer may be silent."""
    exchange.timeout_s = exchange.context.settings.producer_timeout_for(exchange.contract)
