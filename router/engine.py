"""Runs one call: the steps before the producer, the producer, its outcome, and the answer to the caller.

The order is that of `router.pipeline`; whatever goes wrong becomes one fault, one record and, at most, one line.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import time
import traceback
from collections.abc import AsyncGenerator
from contextlib import aclosing

import structlog
from aiohttp import web

from router.calls import CallLog, CallRecord
from router.charset import iana_name
from router.exchange import Exchange
from router.faults import FAULT_STATUS, PlatformRefusal, write_fault, write_refusal
from router.headers import CORRELATION_ID, SERVER
from router.inject import InjectedReset, before_sending, take_header
from router.outbound.answer import Answer, BrokenAnswer, open_answer
from router.outbound.client import ProducerClient, let_go
from router.outbound.failures import unreachable
from router.outbound.outcome import judge
from router.outbound.patience import Patience
from router.pipeline import STEPS, log_points

#: The steps of a larger message run beside the event loop, so that reading it keeps nobody waiting.
_INLINE_BYTES = 65_536
#: SO_LINGER on, 0 seconds: closing resets the connection.
_RESET = struct.pack("ii", 1, 0)
_log = structlog.get_logger("router")


class Engine:
    """Takes calls of both entries; knows nothing of how they were read."""

    def __init__(self, client: ProducerClient, calls: CallLog) -> None:
        self._client = client
        self._calls = calls

    async def handle(self, exchange: Exchange, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one call. A connection that has been broken off gets an empty answer, which goes nowhere."""
        try:
            await self._run_steps(exchange)
            await before_sending(exchange)
            return await self._pass_on_in_time(exchange, request)
        except PlatformRefusal as refusal:
            return self._refuse(exchange, refusal)
        except (TimeoutError, BrokenAnswer, InjectedReset) as error:
            return self._break_off(exchange, request, error)
        except ConnectionError:
            self._record(exchange, "caller-left", status=0)
            return web.Response()
        except asyncio.CancelledError:
            self._record(exchange, "caller-left", status=0)
            raise
        except Exception as error:  # noqa: BLE001 (the last resort: the caller gets a fault, the log the reason)
            return self._fail(exchange, error)

    async def _run_steps(self, exchange: Exchange) -> None:
        if len(exchange.body) > _INLINE_BYTES:
            await asyncio.to_thread(_run, exchange)
        else:
            _run(exchange)

    async def _pass_on_in_time(self, exchange: Exchange, request: web.BaseRequest) -> web.StreamResponse:
        """Pass the call on. Raises TimeoutError when its time is over in the middle of the answer."""
        whole_s = exchange.context.settings.answer_deadline_s
        limit = asyncio.timeout(None)
        patience = Patience(limit, silence_s=exchange.timeout_s, whole_s=whole_s)
        try:
            async with limit:
                return await self._pass_on(exchange, request, patience)
        except TimeoutError:
            if exchange.is_answered:
                raise
            raise unreachable(exchange.chosen_route.address, patience.cause) from None

    async def _pass_on(self, exchange: Exchange, request: web.BaseRequest, patience: Patience) -> web.StreamResponse:
        exchange.sent = time.perf_counter()
        response = await self._client.send(exchange, patience)
        try:
            answer = await open_answer(exchange, response, patience)
            exchange.producer_ms = round((time.perf_counter() - exchange.sent) * 1000)
            log_points.response_in(exchange, answer.status)
            outcome = judge(exchange, answer)
            sent, reply = await self._send(exchange, answer, request)
        finally:
            let_go(response)
        log_points.response_out(exchange, answer.status)
        self._record(exchange, "ok" if outcome == "answer" else outcome, status=answer.status, bytes_out=sent)
        return reply

    async def _send(
        self, exchange: Exchange, answer: Answer, request: web.BaseRequest
    ) -> tuple[int, web.StreamResponse]:
        if answer.rest is None and not _is_truncated(exchange):
            body = answer.whole()
            return len(body), web.Response(status=answer.status, headers=answer.headers, body=body)
        reply = web.StreamResponse(status=answer.status, headers=answer.headers)
        reply.content_length = answer.length
        exchange.is_answered = True
        await reply.prepare(request)
        sent = 0
        async with aclosing(_truncated(exchange, answer)) as pieces:
            async for piece in pieces:
                await reply.write(piece)
                sent += len(piece)
        await reply.write_eof()
        return sent, reply

    def _refuse(self, exchange: Exchange, refusal: PlatformRefusal) -> web.Response:
        settings = exchange.context.settings
        body = write_refusal(refusal, settings.instance_name, charset=iana_name(exchange.answer_codec))
        log_points.failure(exchange, refusal, FAULT_STATUS)
        return self._fault(exchange, body, refusal.vp_code, refusal.detail)

    def _fail(self, exchange: Exchange, error: Exception) -> web.Response:
        frames = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
        _log.error("internal-error", correlation_id=exchange.correlation_id, error=type(error).__name__, at=frames)
        if exchange.context.behaviour.reveal_internal_errors:
            text, detail = str(error), f"{type(error).__name__}: {error}"
        else:
            text = f"Internt fel [{exchange.context.settings.instance_name}]"
            detail = f"Internal error in the router. The log says more under {exchange.correlation_id}."
        log_points.failure(exchange, error, FAULT_STATUS)
        body = write_fault("Server", text, detail, charset=iana_name(exchange.answer_codec))
        return self._fault(exchange, body, "internal-error", "")

    def _fault(self, exchange: Exchange, body: bytes, outcome: str, detail: str) -> web.Response:
        log_points.response_out(exchange, FAULT_STATUS)
        self._record(exchange, outcome, status=FAULT_STATUS, bytes_out=len(body), detail=detail)
        headers = {
            "Content-Type": f"text/xml; charset={iana_name(exchange.answer_codec)}",
            CORRELATION_ID: exchange.correlation_id,
            "Server": SERVER,
        }
        return web.Response(status=FAULT_STATUS, headers=headers, body=body)

    def _break_off(self, exchange: Exchange, request: web.BaseRequest, error: Exception) -> web.Response:
        """End the caller's connection in mid-answer, which is the one way left to say that it failed."""
        outcome = {BrokenAnswer: "broken-answer", InjectedReset: "reset"}.get(type(error), "deadline")
        log_points.failure(exchange, error, 0)
        self._record(exchange, outcome, status=0, detail=str(error))
        transport = request.transport
        if isinstance(error, InjectedReset) and transport is not None:
            connection: socket.socket = transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        if not isinstance(error, BrokenAnswer) and transport is not None:
            transport.abort()  # nothing that waits is sent; of a broken answer what there is goes out
        request.protocol.force_close()
        return web.Response()

    def _record(self, exchange: Exchange, outcome: str, *, status: int, bytes_out: int = 0, detail: str = "") -> None:
        record = CallRecord.of(exchange, outcome, status=status, bytes_out=bytes_out, detail=detail)
        self._calls.add(record)


def _run(exchange: Exchange) -> None:
    for step in STEPS[exchange.entry]:
        step(exchange)
    take_header(exchange)


def _is_truncated(exchange: Exchange) -> bool:
    return exchange.fault is not None and exchange.fault.action == "truncate"


async def _truncated(exchange: Exchange, answer: Answer) -> AsyncGenerator[bytes, None]:
    """Give the pieces of an answer, up to where a test wants it to break off."""
    left = exchange.fault.after_bytes if exchange.fault and exchange.fault.action == "truncate" else None
    async for piece in answer.pieces():
        if left is not None:
            if piece[:left]:
                yield piece[:left]
            left -= len(piece)
            if left < 0:
                raise BrokenAnswer("The answer was cut, as a test asked for.")
        elif piece:
            yield piece
