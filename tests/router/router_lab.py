"""A desk for black-box tests of the router: certificates, producers that behave as told, routers, one caller.

Producers are small aiohttp applications in one thread; what each call brought them is kept under its x-rivta-case.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import itertools
import socket
import ssl
import threading
import uuid
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from certs import Authority
from certs.issued import IssuedCertificate
from certs.tls import TlsFiles, client_context, server_context
from contracts.soap import REGISTRY_NAMESPACE, SOAP_NAMESPACE
from router.embedded import RunningRouter, running_router
from router.envelope import ADDRESSING_NAMESPACE
from router.settings import ContractTimeout, RouterSettings, RoutingSettings

DATA = Path(__file__).parent / "data"
CONTRACT = "urn:riv:example:router:GetExampleResponder:1"
#: Its receivers are named after what their producers do: SE9990001112-DOES-RESET.
PRODUCER_CONTRACT = "urn:riv:example:router:GetProducerResponder:1"
INSTANCE_ID = "PLATFORM-UNDER-TEST"
CONSUMER = "SE9990001112-CONSUMER"
STRANGER = "SE9990001112-STRANGER"
CASE_HEADER = "x-rivta-case"
ANSWER = (
    f'<?xml version="1.0" encoding="UTF-8"?>\n<e:Envelope xmlns:e="{SOAP_NAMESPACE}"><e:Body>'
    f'<GetExampleResponse xmlns="{CONTRACT}"><text>räksmörgås</text></GetExampleResponse></e:Body></e:Envelope>'
).encode()
FAULT = (
    f'<x:Envelope xmlns:x="{SOAP_NAMESPACE}"><x:Body><x:Fault><faultcode>x:Server</faultcode>'
    "<faultstring>The producer is not well</faultstring></x:Fault></x:Body></x:Envelope>"
).encode()
_LARGE_ROW = b"<row>0123456789</row>"


def large_answer(size: int) -> bytes:
    """Give a SOAP answer of at least ``size`` bytes."""
    head, tail = ANSWER.split(b"<text>")[0], b"</GetExampleResponse></e:Body></e:Envelope>"
    return head + _LARGE_ROW * (size // len(_LARGE_ROW) + 1) + tail


def message(
    receiver: str | None = "SE9990001112-ECHO",
    *,
    contract: str = CONTRACT,
    profile: str = "21",
    declared_on: str = "element",
    filler: str = "",
) -> str:
    """Give a request; ``declared_on`` is where the address namespace is declared: envelope, header or element."""
    namespace, name = (REGISTRY_NAMESPACE, "LogicalAddress") if profile == "21" else (ADDRESSING_NAMESPACE, "To")
    places = {place: f' xmlns:a="{namespace}"' if place == declared_on else "" for place in ("envelope", "header")}
    own = f' xmlns:a="{namespace}"' if declared_on == "element" else ""
    address = "" if receiver is None else f"<a:{name}{own}>{receiver}</a:{name}>"
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="{SOAP_NAMESPACE}"{places["envelope"]}>'
        f"<s:Header{places['header']}><!-- kept -->{address}</s:Header>"
        f'<s:Body><c:GetExample xmlns:c="{contract}"><c:filler>{filler}</c:filler></c:GetExample></s:Body></s:Envelope>'
    )


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer as the caller got it."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def text(self) -> str:
        """The body as text in the charset that its Content-Type names."""
        return self.body.decode(self.headers.get_content_charset() or "utf-8", "replace")


@dataclass(slots=True)
class Arrival:
    """What a producer got in one attempt."""

    headers: dict[str, str]
    body: bytes
    path: str
    peer_hsa_id: str
    tls_version: str


@dataclass(slots=True)
class Producers:
    """Producers on HTTPS and HTTP whose path says how they behave."""

    arrivals: dict[str, list[Arrival]] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    released: threading.Event = field(default_factory=threading.Event)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Note the call and behave as the last part of the path says."""
        connection: ssl.SSLObject | None = request.transport.get_extra_info("ssl_object") if request.transport else None
        body = await request.read()
        arrival = Arrival(
            headers={name.lower(): value for name, value in request.headers.items()},
            body=body,
            path=request.path,
            peer_hsa_id=_hsa_id(connection),
            tls_version=(connection.version() or "") if connection else "",
        )
        attempts = self.arrivals.setdefault(request.headers.get(CASE_HEADER, ""), [])
        attempts.append(arrival)
        behaviour = _BEHAVIOURS[request.path.rpartition("/")[2]]
        return await behaviour(request, len(attempts))


Behaviour = Callable[[web.Request, int], Awaitable[web.StreamResponse]]


def _answer(status: int, body: bytes, content_type: str = "text/xml; charset=utf-8", **headers: str) -> Behaviour:
    async def behave(_request: web.Request, _attempt: int) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, body=body, headers={"Content-Type": content_type, **named})

    return behave


async def _echo(request: web.Request, _attempt: int) -> web.StreamResponse:
    """Answer well, with headers that must not pass and some that must."""
    headers = {
        "Content-Type": "text/plain",
        "SOAPAction": '"x"',
        "MULE_SESSION": "m",
        "X-MULE_SESSION": "m",
        "X-Random": "kept",
    }
    if "x-rivta-routing-history" in request.headers:
        headers["x-rivta-routing-history"] = request.headers["x-rivta-routing-history"]
    return web.Response(body=ANSWER, headers=headers)


async def _slow(_request: web.Request, _attempt: int) -> web.StreamResponse:
    await asyncio.sleep(30)
    return web.Response(body=ANSWER)


async def _reset(request: web.Request, _attempt: int) -> web.StreamResponse:
    return _cut(request, b"")


async def _reset_once(request: web.Request, attempt: int) -> web.StreamResponse:
    return _cut(request, b"") if attempt == 1 else await _echo(request, attempt)


async def _garbage(request: web.Request, _attempt: int) -> web.StreamResponse:
    return _cut(request, b"\x00\xffthis is no HTTP at all\r\n\r\n" * 20)


async def _short(request: web.Request, _attempt: int) -> web.StreamResponse:
    """Announce more than there is, then close."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: {len(ANSWER) + 500}\r\n\r\n".encode()
    return _cut(request, head + ANSWER)


async def _broken_off(request: web.Request, _attempt: int) -> web.StreamResponse:
    """Break off in the middle of a large answer."""
    whole = large_answer(2_000_000)
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: {len(whole)}\r\n\r\n".encode()
    return _cut(request, head + whole[:1_000_000])


async def _endless(request: web.Request, _attempt: int) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/xml"})
    await response.prepare(request)
    await response.write(ANSWER.split(b"<text>")[0])
    with contextlib.suppress(ConnectionError):
        while True:
            await response.write(_LARGE_ROW * 5000)
    return response


async def _continue(request: web.Request, _attempt: int) -> web.StreamResponse:
    """Send an unsolicited interim answer first."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: {len(ANSWER)}\r\n\r\n"
    return _cut(request, b"HTTP/1.1 100 Continue\r\n\r\n" + head.encode() + ANSWER)


def _cut(request: web.Request, data: bytes) -> web.Response:
    transport = request.transport
    assert transport is not None
    if data:
        transport.write(data)
    request.protocol.force_close()
    return web.Response()


_LATIN = ANSWER.decode().replace("UTF-8", "ISO-8859-1")
LATIN_1 = _LATIN.encode("iso-8859-1")
_BEHAVIOURS: dict[str, Behaviour] = {
    "echo": _echo,
    "slow": _slow,
    "reset": _reset,
    "reset-once": _reset_once,
    "garbage": _garbage,
    "short": _short,
    "broken-off": _broken_off,
    "endless": _endless,
    "continue": _continue,
    "empty": _answer(200, b""),
    "not-found": _answer(404, b""),
    "fault-503": _answer(503, FAULT),
    "fault-500": _answer(500, FAULT),
    "fault-200": _answer(200, FAULT),
    "html-500": _answer(500, b"<html><body>Internal Server Error</body></html>", "text/html"),
    "html-200": _answer(200, b"<html><body>Welcome</body></html>", "text/html"),
    "soap12-500": _answer(500, FAULT.replace(SOAP_NAMESPACE.encode(), b"http://www.w3.org/2003/05/soap-envelope")),
    "text": _answer(200, b"This is plain text.", "text/plain"),
    "redirect": _answer(302, b"", Location="http://127.0.0.1:1/elsewhere"),
    "latin-1": _answer(200, LATIN_1, "text/xml; charset=ISO-8859-1"),
    "utf-16": _answer(200, _LATIN.replace("ISO-8859-1", "UTF-16").encode("utf-16"), "text/xml"),
    "koi8": _answer(200, ANSWER.split(b"?>")[1], "text/xml; charset=KOI8-R"),
    "large": _answer(200, large_answer(3_000_000)),
    "huge": _answer(200, large_answer(16_000_000)),
}


class Lab:
    """Everything on the desk; use it as a context manager."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.producers = Producers()
        self._numbers = itertools.count()
        self._stack = ExitStack()
        self._routers: dict[str, RunningRouter] = {}
        self.authority = Authority.create(folder / "authority", key_size=2048)
        self.closed_port = _closed_port()
        self._issue_all()

    def __enter__(self) -> Lab:
        self._stack.enter_context(_running(self._start_producers))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _issue_all(self) -> None:
        self.issued: dict[str, IssuedCertificate] = {}
        for name in ("consumer", "stranger", "router-in", "router-out", "producer"):
            self.issued[name] = self._issue(self.authority, f"SE9990001112-{name.upper()}")
        key = self.issued["consumer"].private_key
        good = self.authority.profile_for(CONSUMER, "localhost", "Test", "Test")
        self.issued["nobody"] = self.authority.issue_profile(replace(good, hsa_id=None), key)
        self.issued["no-purpose"] = self.authority.issue_profile(replace(good, usages=()), key)
        self.issued["wrong-host"] = self.authority.issue(
            "SE9990001112-WRONGHOST", "elsewhere.brygga.test", organization="Test", locality="Test", key_size=2048
        )
        other = Authority.create(self.folder / "other-authority", key_size=2048)
        self.issued["untrusted"] = self._issue(other, "SE9990001112-UNTRUSTED")
        for name, issued in self.issued.items():
            issued.write(self.folder / "keys", name)

    @staticmethod
    def _issue(authority: Authority, hsa_id: str) -> IssuedCertificate:
        return authority.issue(
            hsa_id, "localhost", organization="Test", locality="Test", ip_addresses=("127.0.0.1",), key_size=2048
        )

    def tls(self, name: str) -> TlsFiles:
        """Give the files of one party."""
        keys = self.folder / "keys"
        return TlsFiles(keys / f"{name}.pem", keys / f"{name}.key", self.authority.trust_anchor_path)

    async def _start_producers(self, stack: list[Callable[[], Awaitable[None]]]) -> None:
        tls12, tls13 = server_context(self.tls("producer")), server_context(self.tls("producer"))
        tls12.maximum_version = ssl.TLSVersion.TLSv1_2
        tls13.minimum_version = ssl.TLSVersion.TLSv1_3
        places: dict[str, ssl.SSLContext | None] = {
            "https": server_context(self.tls("producer")),
            "http": None,
            "untrusted": server_context(self.tls("untrusted")),
            "wrong_host": server_context(self.tls("wrong-host")),
            "legacy": tls12,
            "modern": tls13,
        }
        application = web.Application(client_max_size=64 << 20)
        application.router.add_route("*", "/{path:.*}", self.producers.handle)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await runner.setup()
        stack.append(runner.cleanup)
        for name, context in places.items():
            listening = socket.create_server(("127.0.0.1", 0))
            await web.SockSite(runner, listening, ssl_context=context).start()
            self.producers.ports[name] = listening.getsockname()[1]

    def settings(self, mode: str, **changes: Any) -> RouterSettings:
        """Give settings for a router on the standard catalogue, with fast limits and ``changes`` as in TOML."""
        number = next(self._numbers)
        folder = self.folder / f"router-{number}"
        folder.mkdir()
        catalogue = folder / "catalogue.toml"
        catalogue.write_text(self.catalogue_text(), encoding="utf-8")
        if "routing" in changes:
            changes["routing"] = RoutingSettings(**{name: _frozen(value) for name, value in changes["routing"].items()})
        if "timeouts" in changes:
            changes["timeouts"] = tuple(ContractTimeout(**entry) for entry in changes["timeouts"])
        values: dict[str, Any] = {
            "catalogue": catalogue,
            "tls": self.tls("router-in"),
            "producer_tls": self.tls("router-out"),
            "mode": mode,
            "https_port": 0,
            "http_port": 0,
            "admin_port": 0,
            "instance_id": INSTANCE_ID,
            "instance_name": "The platform under test",
            "whitelist": ("127.0.0.1",),
            "retry_delay_s": 0.2,
            "producer_timeout_s": 0.5,
            "reload_interval_s": 0.0,
            "call_log": folder / "calls",
            "message_log": folder / "messages.jsonl",
            **changes,
        }
        return RouterSettings(**{name: _frozen(value) for name, value in values.items()})

    def catalogue_text(self) -> str:
        """Give the standard catalogue with the producers' ports."""
        template = Template((DATA / "catalogue.toml").read_text(encoding="utf-8"))
        text = template.substitute(closed=self.closed_port, contract=CONTRACT, **self.producers.ports)
        rows = (
            f'[[routes]]\nreceiver = "SE9990001112-DOES-{name.upper()}"\ncontract = "{PRODUCER_CONTRACT}"\n'
            f'address = "http://127.0.0.1:{self.producers.ports["http"]}/{name}"\n'
            for name in _BEHAVIOURS
        )
        return text + "".join(rows)

    def router(self, mode: str, **changes: Any) -> RunningRouter:
        """Give a router with these settings; equal settings share one."""
        key = repr((mode, sorted(changes.items())))
        if key not in self._routers:
            self._routers[key] = self._stack.enter_context(running_router(self.settings(mode, **changes)))
        return self._routers[key]

    def call(
        self,
        url: str | None,
        body: bytes | str = b"",
        *,
        headers: dict[str, str] | None = None,
        certificate: str | None = "consumer",
        method: str = "POST",
        path: str = "/vp/example/router/GetExample/1/rivtabp21",
        timeout_s: float = 20.0,
    ) -> Reply:
        """Call a router's entry; ``certificate`` None shows none. Raises OSError and http.client.HTTPException."""
        assert url is not None
        parts = urlsplit(url)
        connection: http.client.HTTPConnection
        if parts.scheme == "https":
            context = client_context(self.tls(certificate or "consumer")) if certificate else self._anonymous()
            connection = http.client.HTTPSConnection("localhost", parts.port, context=context, timeout=timeout_s)
        else:
            connection = http.client.HTTPConnection("127.0.0.1", parts.port, timeout=timeout_s)
        sent = {"Content-Type": "text/xml; charset=UTF-8", "SOAPAction": '"urn:example"', **(headers or {})}
        try:
            connection.request(method, path, body.encode() if isinstance(body, str) else body, sent)
            with connection.getresponse() as answer:
                return Reply(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def _anonymous(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.authority.trust_anchor_path))

    def arrivals(self, case: str) -> list[Arrival]:
        """Give what the producers got under a case header."""
        return self.producers.arrivals.get(case, [])

    @staticmethod
    def new_case() -> str:
        """Give a value for the case header that nobody else has."""
        return uuid.uuid4().hex


@contextmanager
def _running(start: Callable[[list[Callable[[], Awaitable[None]]]], Awaitable[None]]) -> Iterator[None]:
    """Run servers in a thread with an event loop of its own."""
    loop = asyncio.new_event_loop()
    cleanups: list[Callable[[], Awaitable[None]]] = []
    thread = threading.Thread(target=loop.run_forever, name="producers", daemon=True)
    thread.start()

    async def begin() -> None:
        await start(cleanups)

    async def end() -> None:
        for cleanup in reversed(cleanups):
            await cleanup()
        await asyncio.sleep(0.1)  # what has been closed is let go of in the next rounds of the loop

    try:
        asyncio.run_coroutine_threadsafe(begin(), loop).result(10)
        yield
    finally:
        asyncio.run_coroutine_threadsafe(end(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def _hsa_id(connection: ssl.SSLObject | None) -> str:
    certificate = connection.getpeercert() if connection else None
    subject: Any = (certificate or {}).get("subject", ())
    return next((value for ((name, value),) in subject if name == "serialNumber"), "")


def _frozen(value: Any) -> Any:
    return tuple(_frozen(entry) for entry in value) if isinstance(value, list) else value


def _closed_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
