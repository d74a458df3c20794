"""A producer's answer while it passes: head at once, body in pieces, in memory that does not grow with it.

Steps 16-18 judge and change it in `router.outbound.outcome`; sizes: platform reference 5.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import IO

import aiohttp
from multidict import CIMultiDict

from contracts.errors import BryggaError
from router.charset import Transcoder
from router.exchange import Exchange
from router.outbound.failures import failure_of, unreachable
from router.outbound.patience import Patience

#: So much of an answer is looked at before a byte of it is sent on.
PEEK_BYTES = 65_536
#: A collected answer above this size waits in a file without name.
_SPOOL_BYTES = 1_048_576
#: The end of an answer that is looked at to see whether it is whole: blanks may follow its last tag.
_END_BYTES = 256
_ENVELOPE_END = re.compile(rb"</(?:[^<>\s]+:)?Envelope\s*>\s*\Z|-->\s*\Z")
BREAKS_OFF = "The producer's answer breaks off before its end."
_WRONG_BYTES = "The answer has bytes that its charset does not allow."


class BrokenAnswer(Exception):
    """The answer cannot be finished, and part of it has been sent: the caller's connection must break off."""


class AnswerTooLarge(BryggaError):
    """The answer is over the message limit, and nothing of it has been sent."""

    code = "answer-too-large"


@dataclass(slots=True)
class Answer:
    """Status, headers, first bytes and the rest of an answer (untrusted)."""

    status: int
    reason: str
    headers: CIMultiDict[str]
    head: bytes
    """First bytes as the producer sent them; all of them if there is no ``rest``."""
    rest: AsyncIterator[bytes] | None
    length: int | None
    """Length of the whole body if it is known."""
    transcoder: Transcoder | None = field(default=None)
    must_end: bool = False
    """Neither a length nor chunks tell where it ends, so that only its own end tag tells that it is whole."""

    def whole(self) -> bytes:
        """Give the whole body of an answer without ``rest`` as it goes to the caller. Raises BrokenAnswer."""
        try:
            return self._converted(self.head, is_last=True)
        except UnicodeDecodeError:
            raise BrokenAnswer(_WRONG_BYTES) from None

    async def pieces(self) -> AsyncIterator[bytes]:
        """Give the whole body as it goes to the caller. Raises BrokenAnswer."""
        try:
            yield self._converted(self.head, is_last=self.rest is None)
            if self.rest is not None:
                end = self.head[-_END_BYTES:]
                async for piece in self.rest:
                    if self.must_end:
                        end = (end + piece)[-_END_BYTES:]
                    yield self._converted(piece, is_last=False)
                if self.must_end and not is_ended(end):
                    raise BrokenAnswer(BREAKS_OFF)
                yield self._converted(b"", is_last=True)
        except UnicodeDecodeError:
            raise BrokenAnswer(_WRONG_BYTES) from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise BrokenAnswer(failure_of(error).cause) from error

    def _converted(self, data: bytes, *, is_last: bool) -> bytes:
        return data if self.transcoder is None else self.transcoder.feed(data, is_last=is_last)


def is_ended(data: bytes) -> bool:
    """Whether a SOAP message ends with ``data``, its last bytes; in UTF-16 every other one is 0."""
    return _ENVELOPE_END.search(data[-_END_BYTES:].replace(b"\0", b"")) is not None


async def open_answer(exchange: Exchange, response: aiohttp.ClientResponse, patience: Patience) -> Answer:
    """Read the beginning of an answer, or all of it where the mode collects.

    Raises PlatformRefusal VP009 for one that breaks off so early or is too large (AnswerTooLarge in compat).
    """
    limit = exchange.context.settings.max_message_bytes
    if response.content_length is not None and response.content_length > limit:
        raise _too_large(exchange, limit)
    answer = Answer(response.status, response.reason or "", CIMultiDict(response.headers), b"", None, None)
    is_open = response.content_length is None and "Transfer-Encoding" not in response.headers
    answer.must_end = is_open and not exchange.context.behaviour.accept_short_answers
    content = response.content
    body = _limited(content, limit, patience)
    try:
        if content.is_eof() and content.total_bytes <= PEEK_BYTES:
            answer.head = content.read_nowait()
            answer.length = len(answer.head)
        elif exchange.context.behaviour.collect_answers:
            await _collect(answer, body, accept_short=exchange.context.behaviour.accept_short_answers)
        else:
            await _peek(answer, body, response.content_length)
    except _OverLimit:
        raise _too_large(exchange, limit) from None
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise unreachable(exchange.chosen_route.address, failure_of(error).cause) from None
    return answer


def _too_large(exchange: Exchange, limit: int) -> BryggaError:
    text = f"The answer is larger than the limit of {limit} bytes."
    if exchange.context.behaviour.oversize_is_vp009:
        return unreachable(exchange.chosen_route.address, text)
    return AnswerTooLarge(text)


class _OverLimit(Exception):
    """The body has passed the limit while it was read."""


async def _limited(content: aiohttp.StreamReader, limit: int, patience: Patience) -> AsyncIterator[bytes]:
    """Give a body as it comes, up to the limit."""
    total = 0
    while True:
        patience.wait()
        piece = await content.readany()
        patience.pass_on()
        if not piece:
            return
        total += len(piece)
        if total > limit:
            raise _OverLimit
        yield piece


async def _peek(answer: Answer, body: AsyncIterator[bytes], length: int | None) -> None:
    head = await anext(body, b"")
    while len(head) < PEEK_BYTES:
        piece = await anext(body, b"")
        if not piece:
            answer.head, answer.length = head, len(head)
            return
        head += piece
    answer.head, answer.rest, answer.length = head, _until_too_large(body), length


async def _until_too_large(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    try:
        async for piece in body:
            yield piece
    except _OverLimit:
        raise BrokenAnswer("The answer is over the message limit.") from None


async def _collect(answer: Answer, body: AsyncIterator[bytes], *, accept_short: bool) -> None:
    spool = tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES)  # noqa: SIM115 (closed when it has been read)
    try:
        try:
            async for piece in body:
                spool.write(piece)
        except aiohttp.ClientPayloadError:
            if not (accept_short and spool.tell()):
                raise
        answer.length = spool.tell()
        spool.seek(0)
        answer.head = spool.read(PEEK_BYTES)
    except BaseException:
        spool.close()
        raise
    if answer.length > len(answer.head):
        answer.rest = _read_spool(spool)
    else:
        spool.close()


async def _read_spool(spool: IO[bytes]) -> AsyncIterator[bytes]:
    with spool:
        while piece := spool.read(PEEK_BYTES):
            yield piece
