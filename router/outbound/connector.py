"""Connections to producers: one is used again only if it is silent, and one that is done with does not linger.

Beside platform reference 5: what a producer says unasked on a kept connection must never become the answer to another
consumer's call, and a producer that does not take or end what it was sent must not hold the connection.
"""

from __future__ import annotations

import asyncio
from functools import partial

import aiohttp
from aiohttp.tracing import Trace

#: Kept connections that are thrown away in one call before it fails as if the producer had reset it.
_MOST_SPOILED = 8
#: A closed connection may take this long to say goodbye to the producer.
_GOODBYE_S = 1.0
_KEEP_NAMES_S = 30


class ProducerConnector(aiohttp.TCPConnector):
    """The pool of the HTTP client, with what the library leaves to the producer's good behaviour."""

    def __init__(self, *, keep_alive_s: float) -> None:
        """Keep idle connections for ``keep_alive_s``; 0 keeps none. Their number has no limit.

        A producer that hangs must not keep calls to others waiting.
        """
        if keep_alive_s:
            super().__init__(limit=0, ttl_dns_cache=_KEEP_NAMES_S, keepalive_timeout=keep_alive_s)
        else:
            super().__init__(limit=0, ttl_dns_cache=_KEEP_NAMES_S, force_close=True)
        self._leaving: set[asyncio.Transport] = set()

    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> aiohttp.connector.Connection:
        """Give a connection on which nothing has come unasked. Raises ServerDisconnectedError if there is none."""
        for _ in range(_MOST_SPOILED):
            connection = await super().connect(req, traces, timeout)
            transport = connection.transport
            if transport is not None and connection.protocol is not None and not connection.protocol.should_close:
                connection.add_callback(partial(self._let_go, transport))
                return connection
            if transport is not None:
                transport.abort()
            connection.close()
        raise aiohttp.ServerDisconnectedError("The producer speaks unasked.")

    def abort_leaving(self) -> None:
        """End the connections that are still saying goodbye."""
        for transport in list(self._leaving):
            self._abort(transport)

    def _let_go(self, transport: asyncio.Transport) -> None:
        self._loop.call_soon(self._see_off, transport)  # by then it is known whether it is kept

    def _see_off(self, transport: asyncio.Transport) -> None:
        """See to it that a connection that has been closed, and not kept, is gone soon."""
        if transport.is_closing():
            self._leaving.add(transport)
            self._loop.call_later(_GOODBYE_S, self._abort, transport)

    def _abort(self, transport: asyncio.Transport) -> None:
        self._leaving.discard(transport)
        transport.abort()
