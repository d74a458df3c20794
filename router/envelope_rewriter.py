"""Writes an envelope anew with its address element under another profile's name (platform reference 2.1).

Everything else is kept as it is: prefixes, attributes, comments, white space. The result is UTF-8; processing
instructions, DOCTYPE and entity references are dropped, as the platform drops them.
"""

from __future__ import annotations

from dataclasses import dataclass
from xml.parsers import expat
from xml.sax.saxutils import escape

from contracts.soap import REGISTRY_NAMESPACE, SOAP_NAMESPACE
from router.charset import iana_name
from router.envelope import ADDRESSING_NAMESPACE

_ATTRIBUTE_ENTITIES = {'"': "&quot;", "\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}
_PIECE_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Conversion:
    """From which namespace and local name of the address element to which."""

    source: str
    source_name: str
    target: str
    target_name: str


TO_21 = Conversion(ADDRESSING_NAMESPACE, "To", REGISTRY_NAMESPACE, "LogicalAddress")
TO_20 = Conversion(REGISTRY_NAMESPACE, "LogicalAddress", ADDRESSING_NAMESPACE, "To")


def rewrite(body: bytes, codec: str, conversion: Conversion, *, keep_body: bool) -> bytes:
    """Convert a message (untrusted) and give it in UTF-8.

    Every element of the source namespace moves to the target's, and the address element gets its other name.
    ``keep_body``: what is inside Body is left alone. Raises ExpatError for XML that is not well formed.
    """
    return _Rewriter(codec, conversion, keep_body=keep_body).run(body)


class _Rewriter:
    """Copies events of the parser to text, changing names and namespace declarations on the way."""

    def __init__(self, codec: str, conversion: Conversion, *, keep_body: bool) -> None:
        self._conversion = conversion
        self._keep_body = keep_body
        self._scopes: list[dict[str, str]] = [{}]
        self._names: list[str] = []
        self._body_depth = 0
        self._is_open = False
        self._out: list[str] = ['<?xml version="1.0" encoding="UTF-8"?>']
        self._encoding = iana_name(codec)

    def run(self, body: bytes) -> bytes:
        parser = expat.ParserCreate(self._encoding)
        parser.ordered_attributes = True
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.CommentHandler = self._comment
        for offset in range(0, len(body), _PIECE_BYTES):
            parser.Parse(body[offset : offset + _PIECE_BYTES], False)
        parser.Parse(b"", True)
        return "".join(self._out).encode("utf-8")

    def _start(self, name: str, flat: list[str]) -> None:
        self._close_start_tag()
        attributes = list(zip(flat[::2], flat[1::2], strict=True))
        scope = self._scopes[-1]
        declared = {key[6:]: value for key, value in attributes if key == "xmlns" or key.startswith("xmlns:")}
        if declared:
            scope = {**scope, **declared}
        self._scopes.append(scope)
        prefix, _, local = name.rpartition(":")
        namespace = scope.get(prefix)
        is_body = namespace == SOAP_NAMESPACE and local == "Body" and len(self._names) == 1
        if is_body and self._keep_body:
            attributes += self._restored(scope, declared)
        elif not self._is_kept():
            attributes = [self._declaration(key, value) for key, value in attributes]
            if namespace == self._conversion.source and local == self._conversion.source_name:
                name = name[: len(name) - len(local)] + self._conversion.target_name
        if is_body:
            self._body_depth = len(self._names) + 1
        self._names.append(name)
        pairs = "".join(f' {key}="{escape(value, _ATTRIBUTE_ENTITIES)}"' for key, value in attributes)
        self._out.append(f"<{name}{pairs}")
        self._is_open = True

    def _is_kept(self) -> bool:
        return self._keep_body and 0 < self._body_depth <= len(self._names)

    def _declaration(self, key: str, value: str) -> tuple[str, str]:
        is_declaration = key == "xmlns" or key.startswith("xmlns:")
        return key, self._conversion.target if is_declaration and value == self._conversion.source else value

    def _restored(self, scope: dict[str, str], declared: dict[str, str]) -> list[tuple[str, str]]:
        """Give the declarations above Body that were changed, so that names inside it keep their meaning."""
        return [
            (f"xmlns:{prefix}" if prefix else "xmlns", namespace)
            for prefix, namespace in scope.items()
            if namespace == self._conversion.source and prefix not in declared
        ]

    def _end(self, _name: str) -> None:
        self._scopes.pop()
        name = self._names.pop()
        if len(self._names) < self._body_depth:
            self._body_depth = 0
        if self._is_open:
            self._out.append("/>")
            self._is_open = False
        else:
            self._out.append(f"</{name}>")

    def _text(self, text: str) -> None:
        self._close_start_tag()
        self._out.append(escape(text, {"\r": "&#13;"}))

    def _comment(self, text: str) -> None:
        self._close_start_tag()
        self._out.append(f"<!--{text}-->")

    def _close_start_tag(self) -> None:
        if self._is_open:
            self._out.append(">")
            self._is_open = False
