"""Step 15: sends a call to its producer, with the platform's time limits and its one retry (platform reference 5).

Connections are kept and reused; redirects are not followed; nothing is compressed or unpacked on the way.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import lru_cache

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from yarl import URL

from router.behaviour import Behaviour
from router.exchange import Exchange
from router.outbound.connector import ProducerConnector
from router.outbound.failures import Failure, failure_of, unreachable
from router.outbound.patience import Patience
from router.outbound.tls import ProducerTls
from router.settings import RouterSettings

#: Bytes of an answer that wait in memory when the caller reads slowly (twice this, by the library).
READ_BUFFER_BYTES = 65_536
_MAX_HEADER_BYTES = 65_536
_NOT_ADDED = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")
_REFUSED = Failure("Connection refused (asked for by a test).", is_retried=True)


class ProducerClient:
    """One HTTP client for all producers; open it in the event loop that uses it."""

    def __init__(self, settings: RouterSettings, behaviour: Behaviour) -> None:
        self._settings = settings
        self._tls = ProducerTls(settings, verify_hostname=behaviour.verify_hostname)
        self._session: aiohttp.ClientSession | None = None
        self._connector: ProducerConnector | None = None

    async def open(self) -> None:
        """Make the connection pool."""
        self._connector = ProducerConnector(keep_alive_s=self._settings.producer_keep_alive_s)
        self._session = aiohttp.ClientSession(
            connector=self._connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            skip_auto_headers=_NOT_ADDED,
            read_bufsize=READ_BUFFER_BYTES,
            max_field_size=_MAX_HEADER_BYTES,
        )

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None and self._connector is not None:
            await self._session.close()
            await asyncio.sleep(0)  # the last ones are let go of
            self._connector.abort_leaving()

    async def send(self, exchange: Exchange, patience: Patience) -> aiohttp.ClientResponse:
        """Send the outgoing message and give the answer's head; its body is read from it, then it is let go of.

        Raises PlatformRefusal VP009 when there is no answer.
        """
        attempts_left = self._settings.retry_attempts
        address = exchange.chosen_route.address
        while True:
            try:
                failure = _REFUSED if exchange.fault and exchange.fault.action == "refuse" else None
                if failure is None:
                    return await self._attempt(exchange, address, patience)
            except (TimeoutError, aiohttp.ClientError, OSError) as error:
                failure = failure_of(error, is_tls=address.startswith("https:"))
            if not failure.is_retried or attempts_left <= 0:
                raise unreachable(address, failure.cause)
            attempts_left -= 1
            patience.connect(self._settings.retry_delay_s)
            await asyncio.sleep(self._settings.retry_delay_s)

    async def _attempt(self, exchange: Exchange, address: str, patience: Patience) -> aiohttp.ClientResponse:
        if self._session is None:
            raise AssertionError("The client has not been opened.")
        url, host, port = target_of(address)
        tls = None
        if url.scheme == "https":
            is_wrong = exchange.fault is not None and exchange.fault.action == "wrong-certificate"
            tls = self._tls.wrong_context() if is_wrong else self._tls.context(host, port)
        connect_s = self._settings.connect_timeout_s + (self._settings.handshake_timeout_s if tls else 0)
        patience.connect(connect_s)
        return await self._session.request(
            exchange.method,
            url,
            data=self._body(exchange, patience),
            headers=exchange.out_headers,
            allow_redirects=False,
            timeout=_connect_timeout(connect_s),
            ssl=tls if tls is not None else False,
        )

    def _body(self, exchange: Exchange, patience: Patience) -> aiohttp.BytesPayload | AsyncIterator[bytes]:
        """Give the body: a small one at once, a larger one in pieces, so that writing it keeps nobody waiting."""
        body = exchange.out_body
        if len(body) <= READ_BUFFER_BYTES and not self._settings.chunked_to_producer:
            return _SmallBody(body, patience)
        if not self._settings.chunked_to_producer:
            exchange.out_headers["Content-Length"] = str(len(body))
        return _pieces(body, patience)


class _SmallBody(aiohttp.BytesPayload):
    """A body in memory that tells when it is sent, which is when the connection stands."""

    def __init__(self, body: bytes, patience: Patience) -> None:
        super().__init__(body)
        self._patience = patience

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        self._patience.wait()
        await super().write_with_length(writer, content_length)


async def _pieces(body: bytes, patience: Patience) -> AsyncIterator[bytes]:
    for offset in range(0, max(len(body), 1), READ_BUFFER_BYTES):
        patience.wait()
        yield body[offset : offset + READ_BUFFER_BYTES]


def let_go(response: aiohttp.ClientResponse) -> None:
    """Give the connection back if the answer has been read, else close it."""
    if response.content.at_eof():
        response.release()
    else:
        response.close()


@lru_cache(maxsize=4096)
def target_of(address: str) -> tuple[URL, str, int]:
    """Give URL, host and port of a catalogue's address. Raises ValueError for one that is no URL of HTTP."""
    url = URL(address, encoded=True)
    if url.scheme not in ("http", "https") or url.host is None or url.port is None:
        raise ValueError("The address of the route is no URL of HTTP or HTTPS.")
    return url, url.host, url.port


@lru_cache(maxsize=16)
def _connect_timeout(connect_s: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=None, sock_connect=connect_s)
