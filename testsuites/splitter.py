"""Cuts a long answer, as it is read, into small complete envelopes of at most so many measurements.

So that schema and Schematron, which need a tree, can judge an answer of any size in bounded memory.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lxml import etree

from contracts import soap
from contracts.errors import UnexpectedAnswer
from contracts.registry import ServiceContract
from contracts.safe_xml import incremental_parser

MAX_ELEMENT_BYTES = 8 * 1024**2
"""What may follow a measurement before the next one ends; more and the answer is refused."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of an answer as an envelope of its own.

    ``first`` is the number (from 1) in the whole answer of its first measurement, and of its first reference value in
    a contract that has them, by the element's local name. ``is_last``: it holds everything but the earlier
    measurements as it was sent, so it alone shows what follows the report.
    """

    envelope: etree._Element
    first: Mapping[str, int]
    is_last: bool


class ReportSplitter:
    """Feed chunks with `feed`, which gives each measurement and reference value as it ends, and pieces; then `close`.

    An element may be read until the next call; afterwards it belongs to a piece. ``counts`` are those given so far by
    local name. Raises UnexpectedAnswer for what is not well-formed, has a DOCTYPE, or grows without measurements (all
    untrusted).
    """

    def __init__(self, contract: ServiceContract, piece_size: int) -> None:
        self._tags = contract.codec.tags
        self._size = piece_size
        self._names = {tag: str(etree.QName(tag).localname) for tag in self._tags.repeated}
        self._parser = incremental_parser((soap.ENVELOPE, *self._tags.repeated), ("start", "end", "pi"))
        self._root: etree._Element | None = None
        self._skeleton: etree._Element | None = None
        self._moved: Counter[str] = Counter()
        self._bytes_since_measurement = 0
        self.counts: Counter[str] = Counter()
        self.has_instruction = False

    def feed(self, data: bytes) -> Iterator[etree._Element | Piece]:
        """Take the next chunk (64 KiB at most) and give the measurements and pieces that it completes."""
        self._bytes_since_measurement += len(data)
        if self._bytes_since_measurement > MAX_ELEMENT_BYTES:
            raise UnexpectedAnswer(f"More than {MAX_ELEMENT_BYTES} bytes came without a complete measurement.")
        try:
            self._parser.feed(data)
        except etree.XMLSyntaxError as error:
            raise UnexpectedAnswer(not_well_formed(error)) from None
        yield from self._events()

    def close(self) -> Piece:
        """Finish the document and give its last piece."""
        try:
            root = self._parser.close()
        except etree.XMLSyntaxError as error:
            raise UnexpectedAnswer(not_well_formed(error)) from None
        for event, _ in self._parser.read_events():
            self.has_instruction |= event == "pi"
        self._refuse_doctype(root)
        return Piece(root, self._first(), is_last=True)

    def _events(self) -> Iterator[etree._Element | Piece]:
        for event, element in self._parser.read_events():
            if event == "pi":
                self.has_instruction = True
            elif self._root is None:
                self._root = element.getroottree().getroot()
                self._refuse_doctype(self._root)
            elif event == "end" and element.tag in self._tags.repeated and self._is_in_report(element):
                self._bytes_since_measurement = 0
                self.counts[self._names[str(element.tag)]] += 1
                yield element
                if piece := self._take(element):
                    yield piece

    def _is_in_report(self, element: etree._Element) -> bool:
        report = element.getparent()
        return report is not None and report.tag == self._tags.report

    def _take(self, newest: etree._Element) -> Piece | None:
        """Cut a piece when enough measurements stand before ``newest``; the parser has left all but that one."""
        if self._skeleton is None:
            self._skeleton = self._copy_without_measurements(newest)
        if self.counts.total() - self._moved.total() <= self._size:
            return None
        done = list(newest.itersiblings(*self._tags.repeated, preceding=True))
        envelope = copy.deepcopy(self._skeleton)
        next(envelope.iter(self._tags.report)).extend(reversed(done))
        piece = Piece(envelope, self._first(), is_last=False)
        self._moved.update(self._names[str(element.tag)] for element in done)
        return piece

    def _first(self) -> dict[str, int]:
        return {name: self._moved[name] + 1 for name in self._names.values()}

    def _copy_without_measurements(self, element: etree._Element) -> etree._Element:
        skeleton = copy.deepcopy(element.getroottree().getroot())
        for measurement in list(skeleton.iter(*self._tags.repeated)):
            parent = measurement.getparent()
            assert parent is not None
            parent.remove(measurement)
        return skeleton

    def _refuse_doctype(self, root: etree._Element) -> None:
        if root.getroottree().docinfo.internalDTD is not None:
            raise UnexpectedAnswer("The answer has a DOCTYPE, which SOAP does not allow.")


def not_well_formed(error: etree.XMLSyntaxError) -> str:
    """Say where an answer stops being XML."""
    return f"The answer is not well-formed XML: {error.msg}."
