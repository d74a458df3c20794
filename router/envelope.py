"""Reads from a request what the router needs: logical address, profile, contract. Never a tree, never twice.

Implements platform reference 2 in two readings: `scan` as the platform does, `check` with everything in view.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NoReturn
from xml.parsers import expat

from contracts.soap import REGISTRY_NAMESPACE, SOAP_NAMESPACE
from router.charset import UTF_8, codec_in_data, codec_of, iana_name
from router.faults import PlatformRefusal

ADDRESSING_NAMESPACE: Final = "http://www.w3.org/2005/08/addressing"
RIVTABP20: Final = "rivtabp20"
RIVTABP21: Final = "rivtabp21"
#: Local name of the address element of each profile.
ADDRESS_ELEMENTS: Final = {"LogicalAddress": RIVTABP21, "To": RIVTABP20}

#: Wider than a producer's: other contracts pass here too, and nothing is kept of what passes by.
_MAX_DEPTH, _MAX_ELEMENTS, _MAX_ATTRIBUTES, _MAX_NAME_CHARS = 256, 1_000_000, 256, 1024
#: Depth of Header and Body.
_PART_DEPTH = 2

_SEPARATOR = " "
_ENVELOPE = f"{SOAP_NAMESPACE}{_SEPARATOR}Envelope"
_HEADER = f"{SOAP_NAMESPACE}{_SEPARATOR}Header"
_BODY = f"{SOAP_NAMESPACE}{_SEPARATOR}Body"
_ADDRESSES = {
    f"{REGISTRY_NAMESPACE}{_SEPARATOR}LogicalAddress": RIVTABP21,
    f"{ADDRESSING_NAMESPACE}{_SEPARATOR}To": RIVTABP20,
}
_PIECE_BYTES = 65_536
#: A root that is an Envelope of SOAP 1.1 beyond doubt, which nearly every answer has.
_PLAIN_ENVELOPE = re.compile(
    rb"\A\s*(?:<\?xml [^<>]*\?>\s*)?<(?:([A-Za-z_][\w.-]*):)?Envelope\s(?:[^<>\"']|\"[^<>\"]*\"|'[^<>']*')*?"
    rb"(?<=\s)xmlns(?(1):\1)=[\"']" + re.escape(SOAP_NAMESPACE.encode()) + rb"[\"'][\s/>]"
)


@dataclass(frozen=True, slots=True)
class MessageHead:
    """What a request says of itself; every part is the caller's (untrusted)."""

    contract: str | None
    """Namespace of the first child of Body: the Responder namespace of the contract."""
    receiver: str | None
    """Logical address, blanks around it included."""
    profile: str | None
    """``rivtabp20`` or ``rivtabp21``, by the element that held the address."""
    codec: str
    """Python codec that the message was read with."""


def read_head(body: bytes, charset: str | None, *, check_all: bool) -> MessageHead:
    """Read the head of a request in the charset of its Content-Type, or else in UTF-8.

    ``check_all``: read the whole message with namespaces and refuse everything ambiguous; otherwise scan to the
    first child of Body by local names. Raises PlatformRefusal VP015, whose detail is the parser's message.
    """
    reader = _Check if check_all else _Scan
    named = codec_of(charset) if charset is not None else None
    try:
        return reader(named).read(body)
    except expat.ExpatError as error:
        if named == UTF_8:
            raise _malformed(error) from None
    try:
        return reader(UTF_8).read(body)
    except expat.ExpatError as error:
        raise _malformed(error) from None


def root_of(data: bytes) -> str | None:
    """Give namespace and local name, parted by a blank, of the first element of a UTF-8 answer (untrusted).

    None when there is none in ``data`` (its beginning is enough), or a DOCTYPE stands before it.
    """
    return _ENVELOPE if _PLAIN_ENVELOPE.match(data) else _Root().read(data)


def _malformed(error: expat.ExpatError) -> PlatformRefusal:
    return PlatformRefusal("VP015", f"The message is not well-formed XML: {error}")


def _codec_used(forced: str | None, body: bytes) -> str:
    try:
        return forced or codec_in_data(body) or UTF_8
    except LookupError as error:
        raise PlatformRefusal("VP015", str(error)) from None


class _Done(Exception):
    """Ends the parsing when everything wanted is known."""


def _parser(codec: str | None) -> expat.XMLParserType:
    parser = expat.ParserCreate(iana_name(codec) if codec else None, _SEPARATOR)
    parser.buffer_text = True
    return parser


def _feed(parser: expat.XMLParserType, data: bytes, *, is_whole: bool = True) -> None:
    try:
        for offset in range(0, len(data), _PIECE_BYTES):
            parser.Parse(data[offset : offset + _PIECE_BYTES], False)
        if is_whole:
            parser.Parse(b"", True)
    except _Done:
        return


class _Root:
    def __init__(self) -> None:
        self.name: str | None = None

    def read(self, data: bytes) -> str | None:
        parser = _parser(UTF_8)
        parser.StartElementHandler = self._start
        parser.StartDoctypeDeclHandler = self._stop
        try:
            _feed(parser, data, is_whole=False)
        except expat.ExpatError:
            return None
        return self.name

    def _start(self, name: str, _attributes: object) -> NoReturn:
        self.name = name
        raise _Done

    def _stop(self, *_: object) -> NoReturn:
        raise _Done


class _Scan:
    """The platform's scan: local names only, the last address wins, nothing after Body's first child is seen."""

    def __init__(self, codec: str | None) -> None:
        self._codec = codec
        self._contract: str | None = None
        self._receiver: str | None = None
        self._profile: str | None = None
        self._is_in_header = False
        self._is_body_next = False
        self._wants_text = False

    def read(self, body: bytes) -> MessageHead:
        parser = _parser(self._codec)
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.CommentHandler = self._text_break  # ends a text event, as CDATA does
        parser.StartCdataSectionHandler = self._text_break
        _feed(parser, body)
        return MessageHead(self._contract, self._receiver, self._profile, _codec_used(self._codec, body))

    def _start(self, name: str, _attributes: object) -> None:
        namespace, _, local = name.rpartition(_SEPARATOR)
        if self._is_body_next:
            self._contract = namespace or None
            raise _Done
        if local == "Header":
            self._is_in_header = True
        elif local == "Body":
            self._is_body_next = True
        elif self._is_in_header and local in ADDRESS_ELEMENTS:
            self._profile = ADDRESS_ELEMENTS[local]
            self._receiver = None
            self._wants_text = True

    def _text(self, text: str) -> None:
        if self._wants_text:
            self._receiver = text
            self._wants_text = False

    def _text_break(self, *_: object) -> None:
        pass

    def _end(self, _name: str) -> None:
        self._wants_text = False


class _Check:
    """The strict reading: one Envelope of SOAP 1.1, one address, one Body with one child, nothing hidden."""

    def __init__(self, codec: str | None) -> None:
        self._codec = codec
        self._depth = 0
        self._elements = 0
        self._parts: list[str] = []
        self._contract: str | None = None
        self._profile: str | None = None
        self._address: list[str] | None = None
        self._is_in_address = False

    def read(self, body: bytes) -> MessageHead:
        self._parser = parser = _parser(self._codec)
        self._watch_envelope()
        parser.CommentHandler = self._no_split
        parser.StartCdataSectionHandler = self._no_split
        parser.StartDoctypeDeclHandler = _refuser("has a DOCTYPE, which SOAP does not allow")
        parser.ProcessingInstructionHandler = _refuser("has a processing instruction, which SOAP does not allow")
        try:
            _feed(parser, body)
        finally:
            del self._parser  # it refers to us: the circle would be left to the garbage collector
        if _BODY not in self._parts:
            _refuse("has no Body")
        if self._contract is None:
            _refuse("has an empty Body")
        receiver = None if self._address is None else "".join(self._address)
        return MessageHead(self._contract, receiver, self._profile, _codec_used(self._codec, body))

    def _watch_envelope(self) -> None:
        parser = self._parser
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text

    def _watch_content(self) -> None:
        """Inside Body's child only the shape is of interest: fewer calls from the parser, which is most of the time."""
        parser = self._parser
        parser.StartElementHandler = self._content_start
        parser.EndElementHandler = self._content_end
        parser.CharacterDataHandler = None

    def _content_start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._elements += 1
        if self._depth > _MAX_DEPTH or self._elements > _MAX_ELEMENTS:
            _refuse("has too many elements, or they are nested too deeply")
        if len(attributes) > _MAX_ATTRIBUTES or len(name) > _MAX_NAME_CHARS:
            _refuse("has too many attributes, or a name that is too long")

    def _content_end(self, _name: str) -> None:
        self._depth -= 1
        if self._depth == _PART_DEPTH:
            self._watch_envelope()

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._content_start(name, attributes)
        depth = self._depth
        if self._is_in_address:
            _refuse("has elements inside the logical address")
        if depth == 1:
            self._root(name)
        elif depth == _PART_DEPTH:
            self._part(name)
        elif depth == _PART_DEPTH + 1:
            self._block(name)

    def _root(self, name: str) -> None:
        if name == _ENVELOPE:
            return
        if name.endswith(f"{_SEPARATOR}Envelope"):
            raise PlatformRefusal("VP015", "The message is not SOAP 1.1.", fault_code="VersionMismatch")
        _refuse("is no SOAP envelope")

    def _part(self, name: str) -> None:
        self._parts.append(name)
        if self._parts not in ([_HEADER], [_BODY], [_HEADER, _BODY]):
            _refuse("has something else than one Header and one Body in its envelope")

    def _block(self, name: str) -> None:
        if self._parts[-1] == _BODY:
            if self._contract is not None:
                _refuse("has more than one element in its Body")
            self._contract = name.rpartition(_SEPARATOR)[0]
            if not self._contract:
                _refuse("has an element without namespace in its Body")
            self._watch_content()
        elif name in _ADDRESSES:
            if self._address is not None:
                _refuse("has more than one logical address")
            self._profile = _ADDRESSES[name]
            self._address = []
            self._is_in_address = True

    def _end(self, _name: str) -> None:
        self._depth -= 1
        self._is_in_address = False

    def _text(self, text: str) -> None:
        if self._is_in_address and self._address is not None:
            self._address.append(text)
        elif self._depth <= _PART_DEPTH and not text.isspace():
            _refuse("has text between the parts of its envelope")

    def _no_split(self, *_: object) -> None:
        if self._is_in_address:
            _refuse("has a comment or CDATA section in its logical address")


def _refuse(what: str) -> NoReturn:
    raise PlatformRefusal("VP015", f"The message {what}.")


def _refuser(what: str) -> Callable[..., None]:
    def handler(*_: object) -> None:
        _refuse(what)

    return handler
