"""What an HTTP request must be like before its body is read as SOAP.

Implements robustness rows A03-A17 and platform reference 8.5: one media type, two charsets, a bounded body.
"""

from __future__ import annotations

from email.message import Message
from functools import lru_cache
from typing import Any, Protocol

from contracts.errors import (
    LengthInvalid,
    MalformedMessage,
    MessageTooLarge,
    UnsupportedMediaType,
)
from producer.admission import Places
from producer.settings import BUFFERED_BODY_BYTES

_PIECE_BYTES = 64 * 1024
_KEPT_HEADERS = 64


class Input(Protocol):
    """The part of ``wsgi.input`` that is used; raises RequestTimeout or LengthInvalid itself."""

    def read(self, size: int, /) -> bytes: ...


def charset_of_request(environ: dict[str, Any]) -> str | None:
    """Give the charset of a ``text/xml`` request, None when it names none.

    Raises UnsupportedMediaType for any other media type (multipart in particular) and for a compressed body.
    """
    media_type, charset = _media_type(environ.get("CONTENT_TYPE", ""))
    if media_type != "text/xml":
        raise UnsupportedMediaType("The media type is not read here. Send SOAP 1.1 as text/xml; charset=UTF-8.")
    if environ.get("HTTP_CONTENT_ENCODING", "identity").strip().lower() not in ("", "identity"):
        raise UnsupportedMediaType("A compressed request is not read here. Send it without Content-Encoding.")
    if charset is not None and not isinstance(charset, str):
        raise UnsupportedMediaType("The charset of the message is not read here. Send UTF-8.")
    return charset


@lru_cache(maxsize=_KEPT_HEADERS)
def _media_type(header: str) -> tuple[str, object]:
    """Give media type and charset of a Content-Type (untrusted); one given in RFC 2231's way is no text."""
    content = Message()
    content["content-type"] = header
    return content.get_content_type(), content.get_param("charset")


def declared_length(environ: dict[str, Any], limit_bytes: int) -> int | None:
    """Give Content-Length, None for a chunked body. Raises LengthInvalid or MessageTooLarge."""
    text = environ.get("CONTENT_LENGTH", "")
    if not text:
        return None if "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower() else 0
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise LengthInvalid("Content-Length is not a number.")
    length = int(text)
    if length > limit_bytes:
        raise _too_large(limit_bytes)
    return length


def read_body(environ: dict[str, Any], limit_bytes: int, large_bodies: Places) -> bytes:
    """Read the whole request body, at most ``limit_bytes``.

    More than `BUFFERED_BODY_BYTES` needs one of the few places for large bodies, so that slow or many large
    requests cannot take every thread or the memory. Raises LengthInvalid, MessageTooLarge, MalformedMessage
    for an empty body, RequestTimeout or Overloaded.
    """
    declared = declared_length(environ, limit_bytes)
    stream: Input = environ["wsgi.input"]
    wanted = limit_bytes + 1 if declared is None else declared
    body = _read(stream, min(wanted, BUFFERED_BODY_BYTES))
    if len(body) == BUFFERED_BODY_BYTES and wanted > len(body):
        with large_bodies.take():
            body += _read(stream, wanted - len(body))
    if len(body) > limit_bytes:
        raise _too_large(limit_bytes)
    if declared is not None and len(body) < declared:
        raise LengthInvalid("The body ended before its Content-Length.")
    if not body:
        raise MalformedMessage("The request has no body. Send a SOAP 1.1 envelope.")
    return body


@lru_cache(maxsize=_KEPT_HEADERS)
def accepts_gzip(header: str) -> bool:
    """Whether an Accept-Encoding value (RFC 9110 12.5.3) prefers or allows gzip; an absent one does not."""
    named: dict[str, float] = {}
    for part in header.lower().split(","):
        coding, *parameters = (piece.strip() for piece in part.split(";"))
        if coding:
            named[coding] = _quality(parameters)
    gzip = max(named.get("gzip", named.get("*", 0.0)), named.get("x-gzip", 0.0))
    return gzip > 0 and gzip >= named.get("identity", 0.0)


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


def _read(stream: Input, size: int) -> bytes:
    pieces = []
    while size > 0:
        piece = stream.read(min(size, _PIECE_BYTES))
        if not piece:
            break
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


def _too_large(limit_bytes: int) -> MessageTooLarge:
    return MessageTooLarge(f"The request is larger than {limit_bytes // 1024} KiB. Ask for fewer indicators at once.")
