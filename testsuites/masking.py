"""Replaces the ids and names of systems and units in messages by invented ones, the same for the same everywhere.

Works on the bytes as sent, so that all else of a recording stays what it was. Codes of counties, municipalities
and indicators are public and stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from contracts.errors import UnexpectedAnswer

_P = rb"(?:[\w.-]+:)?"
_HSA_ID = re.compile(rb"(?:SE|TSTNMT)(?:16)?\d{10}-[A-Za-z0-9_-]+")
_HSA_ELEMENT = re.compile(rb"(<" + _P + rb"(?:hsaId|LogicalAddress)(?:\s[^>]*)?>\s*)([^<]+?)(\s*</)")
_SYSTEM_ID = re.compile(
    rb"(<" + _P + rb"systemId(?:\s[^>]*)?>(?:(?!</" + _P + rb"systemId).)*?<" + _P + rb"extension(?:\s[^>]*)?>\s*)"
    rb"([^<]+?)(\s*</)",
    re.DOTALL,
)
_NAME = re.compile(rb"(<" + _P + rb"name(?:\s[^>]*)?>\s*)([^<]+?)(\s*</)")
_UNIT_NAME = re.compile(
    rb"(<"
    + _P
    + rb"organizationName(?:\s[^>]*)?>\s*)([^<]+?)(\s*</[^>]+>\s*<"
    + _P
    + rb"organizationType(?:\s[^>]*)?>\s*(?:Vardenhet|Sjukhus)\b)"
)
_BOUNDARY = re.compile(rb"</" + _P + rb"\w*[mM]easurement\s*>")
_MIN_PIECE_BYTES = 256 * 1024
_MAX_PIECE_BYTES = 16 * 1024**2
_HSA_PREFIX = b"SE9990001112-M"


class Masker:
    """Masks many messages consistently. What it invents carries the organisation number of the demo."""

    def __init__(self) -> None:
        self._ids: dict[bytes, bytes] = {}
        self._names: dict[bytes, bytes] = {}

    def mask_text(self, text: str) -> str:
        """Mask one whole id, such as a logical address."""
        return self._id(text.encode()).decode() if text else text

    def mask(self, data: bytes) -> bytes:
        """Mask a whole message, or a part of one that cuts no measurement."""
        if b"\x00" in data[:4]:
            raise UnexpectedAnswer("A message in UTF-16 cannot be masked; record it without --mask-ids.")
        data = _HSA_ELEMENT.sub(lambda m: m[1] + self._id(m[2]) + m[3], data)
        data = _SYSTEM_ID.sub(lambda m: m[1] + self._id(m[2]) + m[3], data)
        data = _HSA_ID.sub(lambda m: self._id(m[0]), data)
        data = _UNIT_NAME.sub(lambda m: m[1] + self._name(m[2]) + m[3], data)
        return _NAME.sub(lambda m: m[1] + self._name(m[2]) + m[3], data)

    def mask_stream(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Mask a message of any size in bounded memory, cutting it between measurements."""
        kept = b""
        for chunk in chunks:
            kept += chunk
            if len(kept) < _MIN_PIECE_BYTES:
                continue
            ends = [match.end() for match in _BOUNDARY.finditer(kept)]
            if ends:
                yield self.mask(kept[: ends[-1]])
                kept = kept[ends[-1] :]
            elif len(kept) > _MAX_PIECE_BYTES:
                raise UnexpectedAnswer("The answer has no measurements to cut it by and is too large to mask.")
        yield self.mask(kept)

    def _id(self, original: bytes) -> bytes:
        if original.startswith(_HSA_PREFIX):
            return original
        return self._ids.setdefault(original, b"%s%04d" % (_HSA_PREFIX, len(self._ids) + 1))

    def _name(self, original: bytes) -> bytes:
        if original.startswith(b"Namn "):
            return original
        return self._names.setdefault(original, b"Namn %04d" % (len(self._names) + 1))
