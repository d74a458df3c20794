"""The one function that parses an untrusted XML message (robustness reference 1.1, WS-I Basic Profile 1.1).

A pass with expat refuses DOCTYPE, processing instructions and everything over the limits before a tree is
built; only then does lxml build it, with entities, DTD and network switched off. Nothing else in the project
may call lxml on a message from outside, but what reads long answers with `incremental_parser`.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Literal, NoReturn
from xml.parsers import expat

from lxml import etree

from contracts.errors import MalformedMessage, UnsupportedMediaType

UTF_8 = "utf-8"
UTF_16 = "utf-16"
_CHARSETS = {
    "utf-8": UTF_8,
    "utf8": UTF_8,
    "utf-16": UTF_16,
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
}
# Encodings whose ASCII characters are ASCII bytes. A declaration naming one does no harm over ASCII content;
# utf-16 is what .NET writes into a text that it then sends as UTF-8.
_SAME_FOR_ASCII = frozenset({"us-ascii", "ascii", "iso-8859-1", "iso-8859-15", "windows-1252", "utf-16"})


@dataclass(frozen=True, slots=True)
class XmlLimits:
    """What a message may hold. Raising one lets a small message cost more memory or time.

    libxml2 itself has no limit on elements, attributes or namespace declarations; its limit of 10 MB for one
    text node is kept as the outer wall. It keeps every name that it has ever read for as long as the thread
    lives: ``max_distinct_name_chars`` is what one message can add to that.
    """

    max_depth: int = 64
    max_elements: int = 200_000
    max_attributes: int = 64
    max_namespace_declarations: int = 32
    max_name_chars: int = 512
    max_distinct_name_chars: int = 16_384
    max_text_chars: int = 1_000_000


DEFAULT_LIMITS = XmlLimits()


def charset_of(content_type_charset: str | None, data: bytes) -> str:
    """Give the Python codec that reads ``data``: the byte order mark's, else the header's charset, else UTF-8.

    The order is that of RFC 7303 (3.3). Raises UnsupportedMediaType for a charset other than UTF-8 and UTF-16
    (WS-I Basic Profile 1.1, R1012).
    """
    if data.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return UTF_16
    if content_type_charset is None:
        return UTF_8
    codec = _CHARSETS.get(content_type_charset.strip("\"' ").lower())
    if codec is None:
        raise UnsupportedMediaType("The charset of the message is not read here. Send UTF-8.")
    if codec == UTF_16:
        return "utf-16-le" if data[1:2] == b"\0" else "utf-16-be"
    return codec


def parse_message(data: bytes, *, charset: str | None = None, limits: XmlLimits = DEFAULT_LIMITS) -> etree._Element:
    """Parse one untrusted message and return its root element, without comments.

    ``data`` is the whole body, already capped in size by the caller; ``charset`` is the parameter of its
    Content-Type. An encoding declared inside counts only when nothing outside says otherwise, and must then give
    the same text as UTF-8. Raises MalformedMessage or UnsupportedMediaType with a text that holds nothing of the
    input.
    """
    codec = charset_of(charset, data)
    is_codec_given = charset is not None or codec != UTF_8
    text = _to_utf8(data, codec)
    _Scan(limits, is_declaration_binding=not is_codec_given).run(text)
    parser = etree.XMLParser(
        encoding=UTF_8,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=False,
        recover=False,
        remove_comments=True,
        remove_pis=False,
    )
    try:
        return etree.fromstring(text, parser)
    except etree.XMLSyntaxError as error:
        detail = f"libxml2 error {error.code} at {error.position}"
        raise MalformedMessage("The message is not well-formed XML.", log_detail=detail) from None


def incremental_parser(
    tags: Collection[str], events: Collection[Literal["start", "end", "pi"]] = ("start", "end")
) -> etree.XMLPullParser:
    """Make a parser of an untrusted answer that arrives in pieces, hardened as `parse_message`, without comments.

    Gives ``events`` of the elements ``tags`` only. Unlike `parse_message` it sees a DOCTYPE only in the tree's
    docinfo: callers refuse it at the first event, and cap what is unfinished.
    """
    return etree.XMLPullParser(
        events=events,
        tag=tuple(tags),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=False,
        remove_comments=True,
    )


def _to_utf8(data: bytes, codec: str) -> bytes:
    if codec == UTF_8:
        return data
    if codec == "utf-8-sig":
        return data[len(codecs.BOM_UTF8) :]
    try:
        return data.decode(codec).encode(UTF_8)
    except UnicodeError as error:
        raise MalformedMessage(
            "The message has bytes that its charset does not allow.", log_detail=str(error)
        ) from None


class _Scan:
    """Counts what passes by and refuses at the first thing that is over a limit."""

    def __init__(self, limits: XmlLimits, *, is_declaration_binding: bool) -> None:
        self._limits = limits
        self._is_declaration_binding = is_declaration_binding
        self._is_ascii = False
        self._depth = 0
        self._elements = 0
        self._text_chars = 0
        self._names: set[str] = set()
        self._name_chars = 0

    def run(self, text: bytes) -> None:
        """Scan a whole document. Raises MalformedMessage; expat stops where a handler raises.

        What a document is too short to be over is not counted: handlers are most of what a scan costs.
        """
        self._is_ascii = text.isascii()
        parser = expat.ParserCreate(UTF_8)
        parser.ordered_attributes = True
        parser.buffer_text = True
        parser.buffer_size = 65_536
        parser.XmlDeclHandler = self._declaration
        parser.StartDoctypeDeclHandler = _refuse_doctype
        parser.ProcessingInstructionHandler = _refuse_instruction
        tags = text.count(b"<")
        if tags > self._limits.max_elements or len(text) > self._limits.max_text_chars:
            parser.StartElementHandler = self._start
            parser.EndElementHandler = self._end
            parser.CharacterDataHandler = self._text
        else:
            start, end = self._lean_handlers()
            parser.StartElementHandler = start
            if tags > self._limits.max_depth:
                parser.EndElementHandler = end
        try:
            parser.Parse(text, True)
        except expat.ExpatError as error:
            raise MalformedMessage("The message is not well-formed XML.", log_detail=str(error)) from None

    def _declaration(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if encoding is None or not self._is_declaration_binding or encoding.lower() in ("utf-8", "utf8"):
            return
        if not (self._is_ascii and encoding.lower() in _SAME_FOR_ASCII):
            _refuse("declares an encoding other than UTF-8. Send UTF-8")

    def _lean_handlers(self) -> tuple[Callable[[str, list[str]], None], Callable[[str], None]]:
        """Give handlers that look at depth, names and attributes only."""
        names, max_depth, depth = self._names, self._limits.max_depth, 0

        def start(name: str, attributes: list[str]) -> None:
            nonlocal depth
            depth += 1
            if depth > max_depth:
                _refuse("is nested too deeply")
            if name not in names:
                self._keep_name(name)
            if attributes:
                self._check_attributes(attributes)

        def end(_name: str) -> None:
            nonlocal depth
            depth -= 1

        return start, end

    def _start(self, name: str, attributes: list[str]) -> None:
        self._depth += 1
        self._elements += 1
        self._text_chars = 0
        if self._depth > self._limits.max_depth:
            _refuse("is nested too deeply")
        if self._elements > self._limits.max_elements:
            _refuse("has too many elements")
        if name not in self._names:
            self._keep_name(name)
        if attributes:
            self._check_attributes(attributes)

    def _check_attributes(self, attributes: list[str]) -> None:
        names = attributes[0::2]
        declarations = sum(1 for name in names if name == "xmlns" or name.startswith("xmlns:"))
        if declarations > self._limits.max_namespace_declarations:
            _refuse("has too many namespace declarations on one element")
        if len(names) - declarations > self._limits.max_attributes:
            _refuse("has too many attributes on one element")
        for name, value in zip(names, attributes[1::2], strict=True):
            if len(value) > self._limits.max_text_chars:
                _refuse("has an attribute that is too long")
            if name not in self._names:
                self._keep_name(name)
            if name.startswith("xmlns") and value not in self._names:
                self._keep_name(value)

    def _keep_name(self, name: str) -> None:
        if len(name) > self._limits.max_name_chars:
            _refuse("has a name that is too long")
        self._names.add(name)
        self._name_chars += len(name)
        if self._name_chars > self._limits.max_distinct_name_chars:
            _refuse("has too many different names")

    def _end(self, _name: str) -> None:
        self._depth -= 1
        self._text_chars = 0

    def _text(self, data: str) -> None:
        self._text_chars += len(data)
        if self._text_chars > self._limits.max_text_chars:
            _refuse("has a text that is too long")


def _refuse(what: str) -> NoReturn:
    raise MalformedMessage(f"The message {what}.")


def _refuse_doctype(*_: object) -> NoReturn:
    _refuse("has a DOCTYPE, which SOAP does not allow")


def _refuse_instruction(*_: object) -> NoReturn:
    _refuse("has a processing instruction, which SOAP does not allow")
