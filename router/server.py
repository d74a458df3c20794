"""One router on its listening sockets: entries, administration, the catalogue's follower (platform reference 1.1).

Started by `router.workers` as a program, by `router.embedded` inside another one.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from aiohttp import web

from certs.reading import read_certificates
from certs.reload import ReloadingServerContext
from contracts.errors import ConfigurationError
from router.behaviour import behaviour_of
from router.calls import CallLog
from router.catalogue import CatalogueStore
from router.engine import Engine
from router.entries import PATH, EntryHandler
from router.exchange import Context, Entry
from router.http_log import http_logger
from router.message_log import MessageLog
from router.outbound.client import ProducerClient
from router.pipeline.forwarded_certificate import TrustedAuthorities
from router.settings import RouterSettings
from router.status import Administration
from router.wsdl import BUILT_IN, WsdlBranch

#: Calls in flight may take this long after SIGTERM.
DRAIN_S = 30.0
_ADMIN_HOST = "127.0.0.1"
_BACKLOG = 1024
#: The traffic log is at most this far behind.
_FLUSH_S = 0.25
#: A chain in the proxy's certificate header is several times the library's default.
_MAX_HEADER_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Sockets:
    """The listening sockets of one router."""

    https: socket.socket | None
    http: socket.socket | None
    admin: socket.socket | None

    def all(self) -> list[socket.socket]:
        """Give those that are open."""
        return [one for one in (self.https, self.http, self.admin) if one is not None]

    def urls(self) -> list[str]:
        """Give the URLs of the entries."""
        pairs = (("https", self.https), ("http", self.http))
        return [f"{scheme}://{_authority(one)}{PATH}" for scheme, one in pairs if one is not None]

    def admin_url(self) -> str | None:
        """Give the URL of the administration pages."""
        return f"http://{_authority(self.admin)}" if self.admin else None


def bind(settings: RouterSettings) -> Sockets:
    """Open the listening sockets. Raises ConfigurationError naming the port that cannot be had."""
    opened: list[socket.socket] = []

    def listen(name: str, host: str, port: int | None) -> socket.socket | None:
        if port is None:
            return None
        try:
            one = socket.create_server((host, port), backlog=_BACKLOG, family=_family(host))
        except OSError as error:
            for other in opened:
                other.close()
            raise ConfigurationError(
                f"The router cannot listen on {host}:{port} ({error.strerror}). Set router.{name} to another port."
            ) from None
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # a caller that takes nothing is let go of by the system
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(settings.answer_deadline_s * 1000))
        opened.append(one)
        return one

    return Sockets(
        listen("https_port", settings.host, settings.https_port if settings.tls else None),
        listen("http_port", settings.host, settings.http_port),
        listen("admin_port", _ADMIN_HOST, settings.admin_port),
    )


class Router:
    """One process's router on given sockets: `start` it in the event loop, `stop` it there."""

    def __init__(
        self, settings: RouterSettings, sockets: Sockets, *, worker: int = 0, wsdl_files: Sequence[Path] = BUILT_IN
    ) -> None:
        """Read catalogue, certificates and WSDL. Raises ConfigurationError or CertificateError.

        ``wsdl_files``: those of the contract versions, which official packages may have replaced.
        """
        behaviour = behaviour_of(settings)
        self.settings = settings
        self._sockets = sockets
        self._tls = ReloadingServerContext(settings.tls) if settings.tls else None
        self.store = CatalogueStore(
            settings.catalogue,
            settings.kept_copy,
            routing=settings.routing,
            zone=_zone(settings.time_zone) if behaviour.exact_time_zones else None,
            all_or_nothing=behaviour.reload_all_or_nothing,
        )
        self.calls = CallLog(
            settings.call_log, max_bytes=settings.call_log_bytes, worker=worker, is_shown=settings.show_calls
        )
        self._message_log = MessageLog(settings.message_log) if settings.message_log else None
        self._client = ProducerClient(settings, behaviour)
        self._wsdl = WsdlBranch(settings.wsdl_directory, wsdl_files, is_legacy=behaviour.legacy_wsdl)
        self._engine = Engine(self._client, self.calls)
        authorities = read_certificates(settings.tls.ca, "the CA file") if settings.tls else ()
        self._context = Context(settings, behaviour, None, TrustedAuthorities(authorities), self._message_log)
        self._handlers: list[EntryHandler] = []
        self._stack = AsyncExitStack()

    def discard(self) -> None:
        """Close what has been opened, instead of starting."""
        self.calls.close()
        if self._message_log is not None:
            self._message_log.close()

    async def start(self) -> None:
        """Begin to take calls."""
        stack = self._stack
        if self._message_log is not None:
            stack.callback(self._message_log.close)
        stack.callback(self.calls.close)
        await self._client.open()
        stack.push_async_callback(self._client.close)
        if self._sockets.https is not None and self._tls is not None:
            await self._listen("https", self._sockets.https, self._tls)
        if self._sockets.http is not None:
            await self._listen("http", self._sockets.http, None)
        if self._sockets.admin is not None:
            await self._start_administration(self._sockets.admin)
        tasks = [asyncio.create_task(self._flush_calls())]
        if self.settings.reload_interval_s > 0:
            tasks.append(asyncio.create_task(self._follow_catalogue()))
        for task in tasks:
            stack.callback(task.cancel)

    async def stop(self) -> None:
        """Take no more calls, let those in flight finish, close everything."""
        await self._stack.aclose()
        for _ in range(3):  # what has been closed is let go of in the next rounds of the loop
            await asyncio.sleep(0)

    def _current_context(self) -> Context:
        table = self.store.table
        if self._context.table is not table:
            context = self._context
            self._context = Context(
                context.settings, context.behaviour, table, context.authorities, context.message_log
            )
        return self._context

    def _active_calls(self) -> int:
        return sum(handler.active for handler in self._handlers)

    async def _listen(self, entry: Entry, listening: socket.socket, tls: ReloadingServerContext | None) -> None:
        handler = EntryHandler(entry, self._engine, self._wsdl, self._current_context)
        self._handlers.append(handler)
        protocols = web.Server(
            handler,
            handler_cancellation=True,
            access_log=None,
            logger=http_logger(),
            auto_decompress=False,
            keepalive_timeout=self.settings.keep_alive_s,
            max_field_size=_MAX_HEADER_BYTES,
            lingering_time=2.0,
        )
        server = await asyncio.get_running_loop().create_server(
            protocols,
            sock=listening,
            backlog=_BACKLOG,
            ssl=tls.context if tls else None,
            ssl_handshake_timeout=self.settings.handshake_timeout_s if tls else None,
        )

        async def close() -> None:
            server.close()
            transports = [connection.transport for connection in protocols.connections]
            protocols.pre_shutdown()
            await protocols.shutdown(DRAIN_S)
            for transport in transports:
                if transport is not None:
                    transport.abort()  # a caller that keeps its connection is not waited for

        self._stack.push_async_callback(close)

    async def _start_administration(self, listening: socket.socket) -> None:
        urls = self._sockets.urls()
        pages = Administration(self.settings, self.store, self.calls, lambda: urls, self._active_calls)
        runner = web.AppRunner(pages.application(), access_log=None, handle_signals=False, shutdown_timeout=1.0)
        await runner.setup()
        await web.SockSite(runner, listening).start()
        self._stack.push_async_callback(runner.cleanup)

    async def _flush_calls(self) -> None:
        while True:
            await asyncio.sleep(_FLUSH_S)
            self.calls.flush()

    async def _follow_catalogue(self) -> None:
        while True:
            await asyncio.sleep(self.settings.reload_interval_s)
            await asyncio.to_thread(self.store.refresh_if_changed)


def _authority(one: socket.socket) -> str:
    host, port = one.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ConfigurationError(
            f"router.time_zone {name} is no time zone; give one such as Europe/Stockholm."
        ) from None
