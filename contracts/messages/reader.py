"""Incremental reader of untrusted answers: bytes in, measurements out, in constant memory.

Hardened as robustness reference 1.1: no entities, no DTD, no network, and nothing unfinished grows past a cap.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from lxml import etree

from contracts import soap
from contracts.errors import (
    AnswerTooLarge,
    ContractViolation,
    FaultReceived,
    PlatformFault,
    SchemaViolation,
    UnexpectedAnswer,
)
from contracts.messages.codec import MessageCodec
from contracts.messages.records import head_of
from contracts.model import Measurement, ReportHead
from contracts.registry import ServiceContract
from contracts.safe_xml import incremental_parser
from contracts.validation import validate_body

_VP_CODE = re.compile(r"\b(VP\d{3})\b")
_FAULT_TEXT_CHARS = 1024
_SLICE_BYTES = 65_536
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
    Raises ContractViolation, FaultReceived (PlatformFault for VPnnn) or UnexpectedAnswer.
    """

    def __init__(
        self, codec: MessageCodec, limits: AnswerLimits | None = None, *, contract: ServiceContract | None = None
    ) -> None:
        self._codec = codec
        self._limits = limits or AnswerLimits()
        self._contract = contract
        self._parser = incremental_parser(
            (soap.ENVELOPE, soap.FAULT, codec.tags.response, codec.tags.report, codec.tags.measurement),
            ("start", "end", "pi"),
        )
        self._measurements = codec.measurement_reader(partial(self._check_layout, contract) if contract else None)
        self._head: ReportHead | None = None
        self._is_root_checked = False
        self._end_of_head: etree._Element | None = None
        self._is_report_complete = False
        self._bytes_since_measurement = 0
        self.bytes_read = 0
        self.measurement_count = 0

    def feed(self, data: bytes) -> Iterator[Measurement]:
        """Take the next chunk, of any size, and yield the measurements that it completes."""
        for start in range(0, len(data), _SLICE_BYTES):
            piece = data[start : start + _SLICE_BYTES]
            self._count(len(piece))
            try:
                self._parser.feed(piece)
            except etree.XMLSyntaxError as error:
                raise self._not_xml(error) from None
            yield from self._events()

    def close(self) -> ReportHead:
        """Finish the document and give its head; only now is the answer known to be whole."""
        try:
            root = self._parser.close()
        except etree.XMLSyntaxError as error:
            raise self._not_xml(error) from None
        self._check_root(root)
        if self._head is None or not self._is_report_complete:
            raise ContractViolation("The answer holds no report of the contract asked for.", path="/Envelope/Body")
        self._check_surroundings(root)
        return self._head

    def _check_layout(self, contract: ServiceContract, measurement: etree._Element) -> None:
        """Validate one measurement in a copy of its report; the report itself is not complete yet."""
        report = next(measurement.iterancestors())
        response = etree.Element(self._codec.tags.response, nsmap=report.nsmap)
        response.append(head_of(report, self._codec.tags.measurement))
        response[0].append(copy.deepcopy(measurement))
        _validate(contract, response)

    def _check_surroundings(self, root: etree._Element) -> None:
        """Check what is left of the answer without its measurements."""
        *before, body = root
        if body.tag != soap.BODY or [part.tag for part in before] not in ([], [soap.HEADER]) or len(body) != 1:
            raise ContractViolation("The answer must have one Body with one element.", path="/Envelope/Body")
        response = body[0]
        for report in response.iterchildren(self._codec.tags.report):
            etree.strip_elements(report, self._codec.tags.measurement)
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

    def _not_xml(self, error: etree.XMLSyntaxError) -> UnexpectedAnswer:
        place = f"line {error.lineno}" if error.lineno else "its start"
        return UnexpectedAnswer(f"The answer is not well-formed XML (at {place}, byte {self.bytes_read}).")

    def _events(self) -> Iterator[Measurement]:
        tags = self._codec.tags
        for action, element in self._parser.read_events():
            if action == "pi":
                raise UnexpectedAnswer("The answer has a processing instruction, which SOAP does not allow.")
            if action == "end":
                if element.tag == tags.measurement:
                    yield self._measurement(element)
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
        self.measurement_count += 1
        try:
            measurement = self._measurements.read(element)
        except ContractViolation as error:
            error.path = error.path.replace("measurement", f"measurement[{self.measurement_count}]", 1)
            raise
        self._bytes_since_measurement = 0
        element.clear(keep_tail=False)
        while (previous := element.getprevious()) is not self._end_of_head and previous is not None:
            if previous.tag != element.tag:
                raise ContractViolation("Another element stands between the measurements.", path=_REPORT_PATH)
            report.remove(previous)
        return measurement

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
    detail_text = _cut("" if detail is None else "".join(detail.itertext()))
    vp_code = _VP_CODE.match(text)
    if vp_code:
        return PlatformFault(vp_code[1], code, text, detail_text)
    return FaultReceived(code, text, detail_text)


def _cut(text: str | None) -> str:
    printable = "".join(char if char.isprintable() else " " for char in (text or "")[: 4 * _FAULT_TEXT_CHARS])
    return printable.strip()[:_FAULT_TEXT_CHARS]
