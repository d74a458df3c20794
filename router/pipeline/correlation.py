"""Step 0: the id that ties together everything said about one call (platform reference 1.2, 1.6).

The caller's x-skltp-correlation-id is taken over, or a new one is made.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from router.exchange import Exchange
from router.headers import CORRELATION_ID, sendable

_MAX_CHARS = 128


def take(exchange: Exchange) -> None:
    """Take the caller's correlation id if it is not empty, else make one."""
    is_forgiving = exchange.context.behaviour.forgiving_headers
    exchange.correlation_id = correlation_id_of(exchange.headers, is_forgiving=is_forgiving)


def correlation_id_of(headers: Mapping[str, str], *, is_forgiving: bool = False) -> str:
    """Give the id in ``headers`` (untrusted), or a new one; ``is_forgiving``: see `Behaviour.forgiving_headers`."""
    given = headers.get(CORRELATION_ID, "")
    if given and (is_forgiving or (len(given) <= _MAX_CHARS and given.isascii() and given.isprintable())):
        return sendable(given)
    return str(uuid.uuid4())
