"""Incremental reader of untrusted answers: bytes in, measurements out, in constant memory.

Hardened as robustness reference 1.1: no entities, no DTD, no network, and nothing unfinished grows past a cap.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from lxml import etree

from contracts import soap
from contracts.distributed_model import ReferenceMeasurement
from contracts.errors import (
    AnswerTooLarge,
    ContractViolation,
    FaultReceived,
    PlatformFault,
    SchemaViolation,
    UnexpectedAnswer,
)
from contracts.messages.codec import MessageCodec
from contracts.messages.forms import Forms
from contracts.messages.plain_text import NotPlain, PlainText
from contracts.messages.records import Reader, RecordReader, empty_like, head_of
from contracts.model import Measurement, ReportHead
from contracts.registry import ServiceContract
from contracts.safe_xml import incremental_parser
from contracts.validation import validate_body

_VP_CODE = re.compile(r"\b(VP\d{3})\b")
_FAULT_TEXT_CHARS = 1024
_SLICE_BYTES = 65_536
# What a layout does not tell: text beside elements, and attributes. The schema is asked about each that has some.
_ODD = "boolean(descendant-or-self::c:*[*]/text()[normalize-space()] | descendant-or-self::c:*/@*)"
_REPORT_PATH = "AggregatedQualityReport"


@dataclass(frozen=True, slots=True)
class AnswerLimits:
    """Caps on an answer. ``max_bytes`` bounds what a producer can make us read at all; ``max_element_bytes`` bounds
    what one unfinished element can make us hold."""

    max_bytes: int = 4 * 1024**3
    max_element_bytes: int = 1024**2


class ReportReader:
    """Reads one answer of a contract version as it arrives.

    Feed chunks with `feed`, which yields each measurement as it is complete; call `close` at the end, which gives
    the head. Nothing read may be relied on before `close` has returned: a broken end shows only there.
    With ``contract`` its schema is held as well: whole for everything around the measurements and once for each
    layout of them; the form of further values is what their reading demands (numbers) and the rules (dates, codes).
    ``on_reference`` is told of the reference values after the measurements, in a contract that has them.
    Raises ContractViolation, FaultReceived (PlatformFault for VPnnn) or UnexpectedAnswer.
    """

    def __init__(
        self,
        codec: MessageCodec,
        limits: AnswerLimits | None = None,
        *,
        contract: ServiceContract | None = None,
        on_reference: Callable[[ReferenceMeasurement], None] | None = None,
    ) -> None:
        self._codec = codec
        self._on_reference = on_reference
        self._limits = limits or AnswerLimits()
        self._contract = contract
        self._parser = incremental_parser(
            (soap.ENVELOPE, soap.FAULT, codec.tags.response, codec.tags.report, *codec.tags.repeated),
            ("start", "end", "pi"),
        )
        check = partial(self._check_layout, contract) if contract else None
        self._measurements = codec.measurement_reader(check)
        self._references = codec.reference_reader(check)
        self._measurement_name = str(etree.QName(codec.tags.measurement).localname)
        self._is_odd = etree.XPath(_ODD, namespaces={"c": etree.QName(codec.tags.measurement).namespace or ""})
        self._head: ReportHead | None = None
        self._is_root_checked = False
        self._end_of_head: etree._Element | None = None
        self._last: etree._Element | None = None
        self._plain: PlainText | None = PlainText()
        self._forms: Forms[Reader] = Forms()
        self._end_tag = ""
        self._is_between = False
        self._is_report_complete = False
        self._bytes_since_measurement = 0
        self.bytes_read = 0
        self.measurement_count = 0
        self._last_reader: Reader

    def feed(self, data: bytes) -> Iterator[Measurement]:
        """Take the next chunk, of any size, and yield the measurements that it completes."""
        for start in range(0, len(data), _SLICE_BYTES):
            piece = data[start : start + _SLICE_BYTES]
            self._count(len(piece))
            if self._plain is None:
                yield from self._parse(piece)
            else:
                yield from self._read_plain(self._plain, piece)

    def close(self) -> ReportHead:
        """Finish the document and give its head; only now is the answer known to be whole."""
        if self._plain is not None:
            for _ in self._parse(self._plain.rest()):
                raise ContractViolation("A measurement stands at the end of the report.", path=_REPORT_PATH)
        try:
            root = self._parser.close()
        except etree.XMLSyntaxError:
            raise self._not_xml() from None
        self._check_root(root)
        if self._head is None or not self._is_report_complete:
            raise ContractViolation("The answer holds no report of the contract asked for.", path="/Envelope/Body")
        self._check_surroundings(root)
        return self._head

    def _check_layout(self, contract: ServiceContract, measurement: etree._Element) -> None:
        """Validate one measurement in a copy of its report; the report itself is not complete yet."""
        report = next(measurement.iterancestors())
        response = empty_like(report, self._codec.tags.response)
        response.append(head_of(report, *self._codec.tags.repeated))
        response[0].append(copy.deepcopy(measurement))
        _validate(contract, response)

    def _check_surroundings(self, root: etree._Element) -> None:
        """Check what is left of the answer without its measurements."""
        *before, body = root
        if body.tag != soap.BODY or [part.tag for part in before] not in ([], [soap.HEADER]) or len(body) != 1:
            raise ContractViolation("The answer must have one Body with one element.", path="/Envelope/Body")
        response = body[0]
        if self._last is not None:
            _refuse_text_behind(self._last)
        for report in response.iterchildren(self._codec.tags.report):
            etree.strip_elements(report, *self._codec.tags.repeated)
        if self._contract is not None:
            _validate(self._contract, response)

    def _count(self, size: int) -> None:
        self.bytes_read += size
        self._bytes_since_measurement += size
        if self.bytes_read > self._limits.max_bytes:
            raise AnswerTooLarge(f"The answer is larger than the limit of {self._limits.max_bytes} bytes.")
        if self._bytes_since_measurement > self._limits.max_element_bytes:
            raise AnswerTooLarge(
                f"One element of the answer is larger than the limit of {self._limits.max_element_bytes} bytes."
            )

    def _not_xml(self) -> UnexpectedAnswer:
        return UnexpectedAnswer(f"The answer is not well-formed XML (seen within its first {self.bytes_read} bytes).")

    def _read_plain(self, plain: PlainText, data: bytes) -> Iterator[Measurement]:
        """Read what has the form of an earlier measurement by that form, and have the rest parsed."""
        try:
            plain.add(data)
            while True:
                if self._is_between and (found := self._forms.match(plain.text, plain.position)):
                    read, texts = found
                    plain.position = texts.end()
                    yield self._build(read, texts.groups())
                elif piece := plain.next_piece(self._end_tag):
                    yield from self._parse_piece(piece)
                else:
                    return
        except NotPlain:
            self._plain = None
            yield from self._parse(plain.rest())

    def _parse_piece(self, piece: str) -> Iterator[Measurement]:
        """Have a piece parsed, and see whether the parser then stands right after a measurement of the report.

        Only there may a form be used: what it matches is then the report's next child, in the same context.
        """
        was_between, count = self._is_between, self.measurement_count
        yield from self._parse(piece.encode())
        self._is_between = (
            self.measurement_count == count + 1
            and piece.endswith(self._end_tag)
            and not self._is_report_complete
            and self._last is not None
            and self._last.getnext() is None
        )
        if was_between and self._is_between:
            self._forms.learn(piece, self._last_reader)

    def _parse(self, data: bytes) -> Iterator[Measurement]:
        try:
            self._parser.feed(data)
        except etree.XMLSyntaxError:
            raise self._not_xml() from None
        yield from self._events()

    def _events(self) -> Iterator[Measurement]:
        tags = self._codec.tags
        for action, element in self._parser.read_events():
            if action == "pi":
                raise UnexpectedAnswer("The answer has a processing instruction, which SOAP does not allow.")
            if action == "end":
                if element.tag == tags.measurement:
                    yield self._measurement(element)
                elif element.tag == tags.reference and self._references is not None:
                    self._reference(element, self._references)
                elif element.tag == tags.report:
                    self._report(element)
                elif element.tag == soap.FAULT:
                    raise fault_of(element)
            elif not self._is_root_checked:
                self._check_root(element.getroottree().getroot())

    def _check_root(self, root: etree._Element) -> None:
        if root.getroottree().docinfo.internalDTD is not None:
            raise UnexpectedAnswer("The answer has a DOCTYPE, which SOAP does not allow.")
        if root.tag != soap.ENVELOPE:
            raise UnexpectedAnswer("The answer is no SOAP 1.1 envelope.")
        self._is_root_checked = True

    def _measurement(self, element: etree._Element) -> Measurement:
        report = element.getparent()
        if report is None or report.tag != self._codec.tags.report:
            raise ContractViolation("A measurement stands outside the report.", path="/Envelope/Body")
        if self._is_report_complete:
            raise ContractViolation("The answer holds two reports.", path="/Envelope/Body")
        if self._head is None:
            self._check_place(report)
            self._head = self._codec.read_head(report)
            self._end_of_head = element.getprevious()
            self._end_tag = f"</{element.prefix}:{_name_of(element)}>" if element.prefix else f"</{_name_of(element)}>"
        try:
            read, texts = self._measurements.resolve(element)
            if self._contract is not None and self._is_odd(element):
                self._check_layout(self._contract, element)
        except ContractViolation as error:
            raise self._placed(error, self.measurement_count + 1) from None
        measurement = self._build(read, texts)
        element.clear(keep_tail=True)
        while (previous := element.getprevious()) is not self._end_of_head and previous is not None:
            if previous.tag != element.tag:
                raise ContractViolation("Another element stands between the measurements.", path=_REPORT_PATH)
            _refuse_text_behind(previous)
            report.remove(previous)
        self._last = element
        return measurement

    def _reference(self, element: etree._Element, references: RecordReader[ReferenceMeasurement]) -> None:
        """Read an element that follows the measurements, and take those before it from the tree."""
        report = element.getparent()
        if report is None or report.tag != self._codec.tags.report or self._is_report_complete:
            raise ContractViolation("A reference value stands outside the report.", path="/Envelope/Body")
        if self._head is None:
            self._check_place(report)
            self._head = self._codec.read_head(report)
            self._end_of_head = element.getprevious()
        self._bytes_since_measurement = 0
        reference = references.read(element)
        if self._contract is not None:
            self._check_layout(self._contract, element)
        if self._on_reference is not None:
            self._on_reference(reference)
        element.clear(keep_tail=True)
        while (previous := element.getprevious()) is not self._end_of_head and previous is not None:
            if previous.tag not in self._codec.tags.repeated:
                raise ContractViolation("Another element stands between the reference values.", path=_REPORT_PATH)
            report.remove(previous)
        self._last = element

    def _build(self, read: Reader, texts: Sequence[str]) -> Measurement:
        self.measurement_count += 1
        self._bytes_since_measurement = 0
        self._last_reader = read
        try:
            measurement: Measurement = read(texts)
        except ContractViolation as error:
            raise self._placed(error, self.measurement_count) from None
        return measurement

    def _placed(self, error: ContractViolation, number: int) -> ContractViolation:
        """Say in the path of an error which measurement it is."""
        error.path = error.path.replace(self._measurement_name, f"{self._measurement_name}[{number}]", 1)
        return error

    def _report(self, report: etree._Element) -> None:
        if self._is_report_complete:
            raise ContractViolation("The answer holds two reports.", path="/Envelope/Body")
        if self._head is None:
            self._check_place(report)
            self._head = self._codec.read_head(report)
        self._is_report_complete = True

    def _check_place(self, report: etree._Element) -> None:
        ancestors = [ancestor.tag for ancestor in report.iterancestors()]
        if ancestors != [self._codec.tags.response, soap.BODY, soap.ENVELOPE]:
            raise ContractViolation("The report stands at the wrong place.", path="/Envelope/Body")


def _validate(contract: ServiceContract, response: etree._Element) -> None:
    try:
        validate_body(contract, response)
    except SchemaViolation as error:
        raise ContractViolation(error.message, path=error.place) from None


def fault_of(fault: etree._Element) -> FaultReceived:
    """Make the typed error of an untrusted SOAP 1.1 Fault element; texts are cut at 1 KB."""
    code = _cut(fault.findtext("faultcode")).split(":")[-1]
    text = _cut(fault.findtext("faultstring"))
    detail = fault.find("detail")
    detail_text = _cut("" if detail is None else " ".join(text for text in detail.itertext() if not text.isspace()))
    vp_code = _VP_CODE.match(text)
    if vp_code:
        return PlatformFault(vp_code[1], code, text, detail_text)
    return FaultReceived(code, text, detail_text)


def _cut(text: str | None) -> str:
    printable = "".join(char if char.isprintable() else " " for char in (text or "")[: 4 * _FAULT_TEXT_CHARS])
    return printable.strip()[:_FAULT_TEXT_CHARS]


def _refuse_text_behind(measurement: etree._Element) -> None:
    if measurement.tail is not None and not measurement.tail.isspace():
        raise ContractViolation("Text stands between the elements of the report.", path=_REPORT_PATH)


def _name_of(element: etree._Element) -> str:
    return etree.QName(element).localname
