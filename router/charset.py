"""Charsets of messages: which one a message is in, and turning it into another while it streams.

Implements platform reference 1.9; only charsets in use for XML messages are taken.
"""

from __future__ import annotations

import codecs
import re
from email.message import Message
from functools import lru_cache

UTF_8 = "utf-8"
#: What a message may be in: IANA name in lower case and Python's codec.
_CODECS = {
    "us-ascii": UTF_8,
    "utf8": UTF_8,
    "utf-8": UTF_8,
    "utf-16": "utf-16",
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
    **{f"iso-8859-{part}": f"iso-8859-{part}" for part in range(1, 17) if part != 12},
    **{f"windows-{page}": f"cp{page}" for page in range(1250, 1259)},
}
_IANA = {codec: name.upper() for name, codec in _CODECS.items()}
_DECLARATION = re.compile(r"""\A(<\?xml[^>]{0,200}?\sencoding\s*=\s*)(["'])([A-Za-z0-9._-]{1,40})\2""")
#: An XML declaration ends within this many characters, or it is none.
_DECLARATION_CHARS = 256


@lru_cache(maxsize=256)
def charset_parameter(content_type: str) -> str | None:
    """Give the charset parameter of a Content-Type (untrusted), or None."""
    if "charset" not in content_type.lower():
        return None
    message = Message()
    message["Content-Type"] = content_type
    value = message.get_param("charset")
    return value.strip() if isinstance(value, str) and value.strip() else None


def codec_of(name: str) -> str | None:
    """Give the Python codec of a charset name (untrusted), or None for one that is not taken."""
    return _CODECS.get(name.strip("\"' ").lower())


def iana_name(codec: str) -> str:
    """Give the name that headers and XML declarations use for a codec of `codec_of`."""
    return _IANA[codec]


def codec_in_data(data: bytes) -> str | None:
    """Give the codec that the first bytes of an XML message (untrusted) tell of: byte order mark or declaration.

    None when they tell nothing. Raises LookupError for a charset that is not taken.
    """
    if data.startswith(codecs.BOM_UTF8):
        return UTF_8
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    found = _DECLARATION.match(data[:_DECLARATION_CHARS].decode("latin-1"))
    if found is None:
        return None
    codec = codec_of(found[3])
    if codec is None:
        raise LookupError("The XML declaration names a charset that is not read here.")
    return codec


class Transcoder:
    """Turns a message into another charset piece by piece; its XML declaration is made to say so."""

    def __init__(self, source: str, target: str, *, errors: str = "strict", mend_declaration: bool = True) -> None:
        """``source`` and ``target`` are codecs of `codec_of`; ``errors`` as for decoding in Python."""
        self._decode = codecs.getincrementaldecoder(source)(errors).decode
        self._encode = codecs.getincrementalencoder(target)("xmlcharrefreplace").encode
        self._declared = iana_name(target)
        self._head: str | None = "" if mend_declaration else None
        self._is_first = True

    def feed(self, data: bytes, *, is_last: bool = False) -> bytes:
        """Give what can be written so far. Raises UnicodeDecodeError with errors ``strict``."""
        text = self._decode(data, is_last)
        if self._is_first and text:
            text = text.removeprefix("\ufeff")
            self._is_first = False
        if self._head is not None:
            self._head += text
            if len(self._head) < _DECLARATION_CHARS and not is_last:
                return b""
            text, self._head = _DECLARATION.sub(rf"\g<1>\g<2>{self._declared}\g<2>", self._head), None
        return self._encode(text, is_last)


def transcode(data: bytes, source: str, target: str) -> bytes:
    """Turn a whole message into another charset. Raises UnicodeDecodeError."""
    return Transcoder(source, target).feed(data, is_last=True)
