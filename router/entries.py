"""The two entries: from an HTTP request to a call for the engine, or to the WSDL branch (platform reference 1.1, 1.2).

Any path below /vp is taken and otherwise ignored; what is not SOAP over POST, or over the message limit however it is
framed (5), is answered by plain HTTP.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable

from aiohttp import web

from router.engine import Engine
from router.exchange import Context, Entry, Exchange
from router.headers import SERVER
from router.wsdl import WsdlBranch

PATH = "/vp"
_CHUNKED = "chunked"


class EntryHandler:
    """Handles the requests of one entry; the number of calls at one time is bounded by the settings."""

    def __init__(self, entry: Entry, engine: Engine, wsdl: WsdlBranch, context: Callable[[], Context]) -> None:
        """``context`` gives settings and the catalogue in use, anew for each call."""
        self._entry = entry
        self._engine = engine
        self._wsdl = wsdl
        self._context = context
        self.active = 0

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        if not (request.path == PATH or request.path.startswith(f"{PATH}/")):
            return _plain(404, f"There is nothing here; the service platform is at {PATH}.")
        if self._wsdl.is_asked_by(request):
            return self._wsdl.answer(request)
        context = self._context()
        if context.behaviour.post_only and request.method != "POST":
            return _plain(405, "Calls are made by POST.", {"Allow": "POST"})
        if self.active >= context.settings.max_calls:
            return _plain(503, "Too many calls at one time. Try again soon.", {"Retry-After": "1"})
        self.active += 1
        try:
            return await self._call(request, context)
        finally:
            self.active -= 1

    async def _call(self, request: web.BaseRequest, context: Context) -> web.StreamResponse:
        limit = context.settings.max_message_bytes
        if request.headers.get("Transfer-Encoding", _CHUNKED).strip().lower() != _CHUNKED:
            return _last(501, "No other transfer coding than chunked is taken.")
        try:
            body = await _read_body(request, limit, context.settings.request_timeout_s)
        except TimeoutError:
            return _last(408, "The request did not arrive in time.")
        if body is None:
            return _last(413, f"The message is larger than the limit of {limit} bytes.")
        return await self._engine.handle(self._exchange(request, body, context), request)

    def _exchange(self, request: web.BaseRequest, body: bytes, context: Context) -> Exchange:
        tls = request.transport.get_extra_info("ssl_object") if request.transport is not None else None
        connection: ssl.SSLObject | None = tls
        return Exchange(
            context=context,
            entry=self._entry,
            method=request.method,
            url=request.path_qs,
            headers=request.headers,
            peer_ip=request.remote or "",
            certificate=connection.getpeercert(binary_form=True) if connection else None,
            body=body,
            tls_version=(connection.version() or "") if connection else "",
        )


async def _read_body(request: web.BaseRequest, limit: int, timeout_s: float) -> bytes | None:
    """Give the whole body; None for one over the limit. Raises TimeoutError."""
    content = request.content
    if (request.content_length or 0) > limit:
        return None
    if content.is_eof():
        return content.read_nowait() if content.total_bytes <= limit else None
    if request.headers.get("Expect", "").lower() == "100-continue" and request.version >= (1, 1):
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0
    body = bytearray()
    async with asyncio.timeout(timeout_s):
        while piece := await content.readany():
            body += piece
            if len(body) > limit:
                return None
    return bytes(body)


def _last(status: int, text: str) -> web.Response:
    """Answer what leaves the connection in doubt, and close it: its next bytes may still be of this request."""
    response = _plain(status, text)
    response.force_close()
    return response


def _plain(status: int, text: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(status=status, text=f"{text}\n", headers={"Server": SERVER, **(headers or {})})
