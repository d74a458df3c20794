"""Step 10: a message in profile 2.0 for a 2.1 producer, or the reverse (platform reference 2.1).

Same profile: the body is not touched. What the conversion does to the XML is in `router.envelope_rewriter`.
"""

from __future__ import annotations

from xml.parsers import expat

from router.charset import UTF_8
from router.envelope import RIVTABP20, RIVTABP21
from router.envelope_rewriter import TO_20, TO_21, rewrite
from router.exchange import Exchange
from router.faults import PlatformRefusal

_CONVERSIONS = {(RIVTABP20, RIVTABP21): TO_21, (RIVTABP21, RIVTABP20): TO_20}


def convert(exchange: Exchange) -> None:
    """Convert the outgoing body if the route has another profile; VP001, VP005 or VP012 when that cannot be done."""
    incoming, wanted = exchange.message.profile, exchange.chosen_route.profile.lower()
    if incoming is None:
        raise PlatformRefusal("VP001", "No RIV version configured")
    if incoming == wanted:
        return
    conversion = _CONVERSIONS.get((incoming, wanted))
    if conversion is None:
        raise PlatformRefusal("VP005", f"No receiverId with matching Riv-version found for {incoming}")
    keep_body = exchange.context.behaviour.convert_header_only
    try:
        exchange.out_body = rewrite(exchange.out_body, exchange.out_codec, conversion, keep_body=keep_body)
    except (expat.ExpatError, UnicodeError) as error:
        raise PlatformRefusal("VP012", f"The message could not be converted: {error}") from None
    exchange.out_codec = UTF_8
