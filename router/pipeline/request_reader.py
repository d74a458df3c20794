"""Step 4: read logical address, profile and contract from the message (platform reference 2).

An MTOM message is unwrapped first, where that is allowed.
"""

from __future__ import annotations

import re

import structlog

from router.charset import charset_parameter
from router.envelope import read_head
from router.exchange import Exchange
from router.faults import PlatformRefusal

_log = structlog.get_logger("router.request_reader")
_XOP = "application/xop+xml"
#: From the first start tag of a prefixed Envelope to the last end tag, as the platform cuts it out.
_ENVELOPE = re.compile(rb"<[A-Za-z0-9_.-]+:Envelope[\s>].*</[A-Za-z0-9_.-]+:Envelope\s*>", re.IGNORECASE | re.DOTALL)
_NO_ROOT_PART = "Meddelandets rotdel kunde inte hittas i MTOM-meddelandet. No Envelope found in the multipart message."


def read(exchange: Exchange) -> None:
    """Fill in the message head; VP015 for what cannot be read."""
    content_type = exchange.headers.get("Content-Type", "")
    behaviour = exchange.context.behaviour
    if _XOP in content_type.lower():
        if not behaviour.allow_mtom:
            raise PlatformRefusal("VP015", "MTOM messages are not taken here. Send the envelope alone as text/xml.")
        exchange.body = _unwrap(exchange.body)
        _log.warning("mtom-unwrapped", correlation_id=exchange.correlation_id)
    head = read_head(exchange.body, charset_parameter(content_type), check_all=behaviour.check_whole_message)
    exchange.head = head
    exchange.out_body = exchange.body
    exchange.out_codec = exchange.answer_codec = head.codec


def _unwrap(body: bytes) -> bytes:
    found = _ENVELOPE.search(body)
    if found is None:
        raise PlatformRefusal("VP015", _NO_ROOT_PART)
    return found[0]
