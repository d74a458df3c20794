"""Bodies that are too large or too odd for a text file, each made from the usual message (robustness A and B).

A builder takes the message, the endpoint's limit on a body in bytes, and the case's arguments.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

Builder = Callable[..., bytes]


def _empty(_message: str, _limit: int) -> bytes:
    return b""


def _text(_message: str, _limit: int, *, text: str) -> bytes:
    """Exactly this text, in UTF-8."""
    return text.encode()


def _hex(_message: str, _limit: int, *, hex: str) -> bytes:
    return bytes.fromhex(hex)


def _encoded(message: str, _limit: int, *, codec: str, prefix: str = "") -> bytes:
    """The message in another encoding, after the bytes ``prefix`` (hex), such as a byte order mark."""
    return bytes.fromhex(prefix) + message.encode(codec)


def _with_bytes(message: str, _limit: int, *, at: str, hex: str) -> bytes:
    """The message with bytes (hex) put in place of the text ``at``."""
    if at not in message:
        raise ValueError(f"the message does not hold {at!r}")
    return message.encode().replace(at.encode(), bytes.fromhex(hex), 1)


def _with_repeated(
    message: str, _limit: int, *, at: str, text: str, times: int, before: str = "", after: str = ""
) -> bytes:
    """The message with ``text`` repeated in place of ``at``; ``{n}`` in it counts."""
    if at not in message:
        raise ValueError(f"the message does not hold {at!r}")
    many = "".join(text.replace("{n}", str(number)) for number in range(times)) if "{n}" in text else text * times
    return message.replace(at, before + many + after, 1).encode()


def _gzip_bomb(_message: str, _limit: int, *, plain_bytes: int) -> bytes:
    """Much nothing, compressed."""
    return gzip.compress(bytes(plain_bytes), 9)


def _over_limit(message: str, limit: int, *, over: int = 1) -> bytes:
    """The message, blown up by blanks at its end to ``over`` bytes more than the limit."""
    data = message.encode()
    return data + b" " * (limit + over - len(data))


def _billion_laughs(message: str, _limit: int, *, levels: int = 10) -> bytes:
    """Entities that hold ten of the one before each, used in the body."""
    entities = ['<!ENTITY l0 "laugh">'] + [
        f'<!ENTITY l{level} "{f"&l{level - 1};" * 10}">' for level in range(1, levels)
    ]
    return _with_doctype(message, "".join(entities), f"&l{levels - 1};")


def _quadratic(message: str, _limit: int, *, entity_bytes: int = 50_000, uses: int = 5_000) -> bytes:
    """One long entity, used often."""
    return _with_doctype(message, f'<!ENTITY a "{"a" * entity_bytes}">', "&a;" * uses)


def _entity(message: str, _limit: int, *, declaration: str, use: str = "") -> bytes:
    """A DOCTYPE with this declaration inside; ``use`` goes where the indicator's id stands."""
    return _with_doctype(message, declaration, use)


def _unclosed(_message: str, _limit: int, *, depth: int) -> bytes:
    """Opening tags that are never closed."""
    return b"<a>" * depth


def _nested(message: str, limit: int, *, at: str, depth: int) -> bytes:
    """The message with an extension element that is ``depth`` deep before the text ``at``."""
    inside = '<x:a xmlns:x="urn:example:x">' + "<x:a>" * (depth - 1) + "</x:a>" * depth
    return _with_repeated(message, limit, at=at, text=inside, times=1, after=at)


def _with_doctype(message: str, declarations: str, use: str) -> bytes:
    with_use = message.replace("<c:extension>", f"<c:extension>{use}", 1)
    return f"<!DOCTYPE e:Envelope [{declarations}]>{with_use}".encode()


def _mtom(message: str, _limit: int, *, boundary: str) -> bytes:
    """A multipart/related body with the message as its root part."""
    head = "Content-Type: application/xop+xml; charset=UTF-8; type=text/xml\r\nContent-ID: <root>\r\n\r\n"
    return f"--{boundary}\r\n{head}{message}\r\n--{boundary}--\r\n".encode()


BUILDERS: Final[Mapping[str, Builder]] = MappingProxyType(
    {
        "empty": _empty,
        "text": _text,
        "hex": _hex,
        "encoded": _encoded,
        "with-bytes": _with_bytes,
        "with-repeated": _with_repeated,
        "gzip-bomb": _gzip_bomb,
        "over-limit": _over_limit,
        "billion-laughs": _billion_laughs,
        "quadratic": _quadratic,
        "entity": _entity,
        "unclosed": _unclosed,
        "nested": _nested,
        "mtom": _mtom,
    }
)


def build(name: str, message: str, limit_bytes: int, **arguments: Any) -> bytes:
    """Make the body of the builder ``name``."""
    return BUILDERS[name](message, limit_bytes, **arguments)
