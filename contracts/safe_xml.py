"""The one function that parses an untrusted XML message (robustness reference 1.1, WS-I Basic Profile 1.1).

A streaming pass with expat refuses DOCTYPE, processing instructions and everything over the limits before
a tree is built; only then does lxml build it, with entities, DTD and network switched off. Nothing else in the
project may call lxml on a message from outside, but what reads long answers with `incremental_parser`.
"""

from __future__ import annotations

import codecs
from collections.abc import Collection
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


@dataclass(frozen=True, slots=True)
class XmlLimits:
    """What a message may hold. Raising one lets a small message cost more memory or time.

    libxml2 itself has no limit on elements, attributes or namespace declarations; its limit of 10 MB for one
    text node is kept as the outer wall.
    """

    max_depth: int = 64
    max_elements: int = 200_000
    max_attributes: int = 64
    max_namespace_declarations: int = 32
    max_name_chars: int = 512
    max_text_chars: int = 1_000_000


DEFAULT_LIMITS = XmlLimits()


def charset_of(content_type_charset: str | None, data: bytes) -> str:
    """Give the Python codec that reads ``data``: the header's charset, else the byte order mark, else UTF-8.

    Raises UnsupportedMediaType for a charset other than UTF-8 and UTF-16 (SOAP 1.1 over RIV-TA BP 2.1).
    """
    if data.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return UTF_16
    if content_type_charset is None:
        return UTF_8
    try:
        return _CHARSETS[content_type_charset.strip("\"' ").lower()]
    except KeyError:
        raise UnsupportedMediaType("The charset of the message is not read here. Send UTF-8.") from None


def parse_message(data: bytes, *, charset: str | None = None, limits: XmlLimits = DEFAULT_LIMITS) -> etree._Element:
    """Parse one untrusted message and return its root element, without comments.

    ``data`` is the whole body, already capped in size by the caller; ``charset`` is the parameter of its
    Content-Type. Raises MalformedMessage or UnsupportedMediaType with a text that holds nothing of the input.
    """
    text = _to_utf8(data, charset_of(charset, data))
    _scan(text, limits)
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
    except (etree.XMLSyntaxError, ValueError) as error:
        raise MalformedMessage("The message is not well-formed XML.", log_detail=str(error)) from None


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

    def __init__(self, limits: XmlLimits) -> None:
        self.limits = limits
        self.depth = 0
        self.elements = 0
        self.text_chars = 0

    def start(self, name: str, attributes: list[str]) -> None:
        self.depth += 1
        self.elements += 1
        self.text_chars = 0
        limits = self.limits
        if self.depth > limits.max_depth:
            _refuse("is nested too deeply")
        if self.elements > limits.max_elements:
            _refuse("has too many elements")
        if len(name) > limits.max_name_chars:
            _refuse("has an element name that is too long")
        if attributes:
            self._check_attributes(attributes)

    def _check_attributes(self, attributes: list[str]) -> None:
        names = attributes[0::2]
        declarations = sum(1 for name in names if name == "xmlns" or name.startswith("xmlns:"))
        if declarations > self.limits.max_namespace_declarations:
            _refuse("has too many namespace declarations on one element")
        if len(names) - declarations > self.limits.max_attributes:
            _refuse("has too many attributes on one element")
        if any(len(part) > self.limits.max_text_chars for part in attributes):
            _refuse("has an attribute that is too long")

    def end(self, _name: str) -> None:
        self.depth -= 1
        self.text_chars = 0

    def text(self, data: str) -> None:
        self.text_chars += len(data)
        if self.text_chars > self.limits.max_text_chars:
            _refuse("has a text that is too long")


def _refuse(what: str) -> NoReturn:
    raise MalformedMessage(f"The message {what}.")


def _refuse_doctype(*_: object) -> NoReturn:
    _refuse("has a DOCTYPE, which SOAP does not allow")


def _refuse_instruction(*_: object) -> NoReturn:
    _refuse("has a processing instruction, which SOAP does not allow")


def _scan(text: bytes, limits: XmlLimits) -> None:
    scan = _Scan(limits)
    parser = expat.ParserCreate(UTF_8)
    parser.ordered_attributes = True
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.ProcessingInstructionHandler = _refuse_instruction
    parser.StartElementHandler = scan.start
    parser.EndElementHandler = scan.end
    parser.CharacterDataHandler = scan.text
    try:
        for offset in range(0, max(len(text), 1), 65_536):
            parser.Parse(text[offset : offset + 65_536], False)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise MalformedMessage("The message is not well-formed XML.", log_detail=str(error)) from None
