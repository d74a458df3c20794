"""Reads an answer once, as a stream, and keeps what the cases judge by: facts, counts and problems.

Memory does not grow with the answer but for the rule checker's ledger (one integer per organisation and indicator).
"""

from __future__ import annotations

import copy
import hashlib
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from lxml import etree

from contracts.codes import Bilingual
from contracts.distributed_model import ReferenceMeasurement
from contracts.errors import ContractViolation, UnexpectedAnswer
from contracts.model import DatePeriod, MeasureDefinition, Measurement, QualityIndicatorsRequest, ReportHead
from contracts.registry import ServiceContract
from contracts.rules import Finding, ReportChecker
from testsuites.envelope import EnvelopeFacts, read_envelope
from testsuites.exchange import Body, Exchange
from testsuites.findings import ProblemLog, indented, of_finding
from testsuites.model import Check, Status
from testsuites.parts import Parts, PartsLog
from testsuites.schema_check import SchemaCheck
from testsuites.splitter import Piece, ReportSplitter

SCHEMA_PIECE = 200
NO_EXTENSION = "(no extension)"
_SHOWN_MEASUREMENTS = 2
_SHOWN_CHARS = 24_000
_DIGEST_BITS = 256


@dataclass(frozen=True, slots=True)
class Answer:
    """An exchange and what was found in its answer.

    ``report`` and ``measurement`` are the names of the contract's elements, for places.
    ``problem`` (English, empty when none) says why the answer could not be read to its end; then the rest covers
    what came before. ``digest`` is the same for the same measurements in any order and any XML form; ``counts`` are
    the measurements per measureId extension, under "" those that cannot be read; ``span`` runs over their measure
    periods. ``parts`` is what a distributed report holds below its totals. ``findings`` are of the business rules,
    ``schema`` of the schema. ``excerpt`` is the beginning of the answer for people.
    """

    exchange: Exchange
    asked: QualityIndicatorsRequest | None
    report: str
    measurement: str
    envelope: EnvelopeFacts | None = None
    head: ReportHead | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    span: DatePeriod | None = None
    digest: str = ""
    parts: Parts = field(default_factory=Parts)
    schema: tuple[Check, ...] = ()
    findings: tuple[Check, ...] = ()
    excerpt: str = ""
    problem: str = ""

    def place(self, *steps: str) -> str:
        """Name a place in the report, such as its ``measurementChecksum``; without steps its measurements."""
        return "/".join((self.report, *(steps or (self.measurement,))))

    @property
    def measurement_count(self) -> int:
        """How many measurements the answer holds."""
        return sum(self.counts.values())

    @property
    def unreadable_count(self) -> int:
        """How many of them break the structure so that no rule can judge them."""
        return self.counts.get("", 0)

    @property
    def is_fault(self) -> bool:
        """Whether the answer is a SOAP fault."""
        return self.envelope is not None and self.envelope.fault is not None

    @property
    def is_report(self) -> bool:
        """Whether a whole report was read."""
        return self.head is not None and not self.problem


def read_answer(
    exchange: Exchange,
    contract: ServiceContract,
    asked: QualityIndicatorsRequest | None,
    catalogue: Mapping[str, MeasureDefinition] | None = None,
) -> Answer:
    """Read an untrusted answer; never raises for what it holds."""
    if exchange.status is None or not exchange.body.size:
        return Answer(exchange, asked, *_names(contract), problem=exchange.problem or "The answer has no content.")
    reading = _Reading(contract, asked, catalogue)
    problem = exchange.problem
    try:
        for chunk in content_of(exchange):
            reading.feed(chunk)
        reading.close()
    except UnexpectedAnswer as error:
        problem = problem or error.message
    return reading.answer(exchange, asked, problem)


def _names(contract: ServiceContract) -> tuple[str, str]:
    """Give the local names of the report and its measurements."""
    report, measurement = (str(etree.QName(tag).localname) for tag in contract.codec.tags[1:3])
    return report, measurement


def content_of(exchange: Exchange) -> Iterator[bytes]:
    """Give the answer's bytes as they were before a content encoding, in pieces of 64 KiB.

    Raises UnexpectedAnswer when the encoding is unknown or broken. A gzip bomb gives many small pieces.
    """
    encoding = exchange.header("Content-Encoding").strip().lower()
    if encoding in ("", "identity"):
        yield from exchange.body.chunks()
        return
    if encoding != "gzip":
        raise UnexpectedAnswer(f"The answer has the content encoding {encoding!r}, which was not asked for.")
    inflater = zlib.decompressobj(31)
    try:
        for chunk in exchange.body.chunks():
            data = chunk
            while data:
                yield inflater.decompress(data, 64 * 1024)
                data = inflater.unconsumed_tail
        yield inflater.flush()
    except zlib.error as error:
        raise UnexpectedAnswer(f"The answer is not valid gzip: {error}.") from None


def beginning_of(body: Body) -> str:
    """Show the beginning of an answer that is not XML."""
    return body.beginning(_SHOWN_CHARS // 4).decode("utf-8", "replace")


class _Reading:
    """State while one answer passes by."""

    def __init__(
        self,
        contract: ServiceContract,
        asked: QualityIndicatorsRequest | None,
        catalogue: Mapping[str, MeasureDefinition] | None,
    ) -> None:
        self._contract = contract
        self._splitter = ReportSplitter(contract, SCHEMA_PIECE)
        self._schema = SchemaCheck(contract)
        self._names = _names(contract)
        self._measurements = contract.codec.measurement_reader()
        self._references = contract.codec.reference_reader()
        needs_name = contract.codec.requires_organization_name
        self._checker = ReportChecker(catalogue, asked, is_name_required=needs_name, report=self._names[0])
        self._parts = PartsLog()
        self._log = ProblemLog()
        self._counts: Counter[str] = Counter()
        self._sum = 0
        self._span: DatePeriod | None = None
        self._head: ReportHead | None = None
        self._envelope: EnvelopeFacts | None = None
        self._excerpt = ""

    def feed(self, chunk: bytes) -> None:
        for item in self._splitter.feed(chunk):
            if isinstance(item, Piece):
                self._schema.check(item)
            else:
                self._element(item)

    def close(self) -> None:
        piece = self._splitter.close()
        if not self._excerpt:
            self._excerpt = self._shown(piece.envelope)
        self._schema.check(piece)
        self._envelope = read_envelope(piece.envelope, has_instruction=self._splitter.has_instruction)
        report = next(piece.envelope.iter(self._contract.codec.tags.report), None)
        if report is not None:
            self._finish(report)

    def _element(self, element: etree._Element) -> None:
        """Read and judge a measurement or reference value."""
        name = str(etree.QName(element).localname)
        number = self._splitter.counts[name]
        where = f"{name}[{number}]"
        if name == self._names[1] and number == _SHOWN_MEASUREMENTS:
            self._excerpt = self._shown(element.getroottree().getroot())
        try:
            findings = self._findings(element, where)
        except ContractViolation as error:
            path = error.path.replace(name, where, 1)
            text = Bilingual(error.message, f"{name} kan inte läsas: {error.message}")
            self._log.add(Check(error.rule, Status.FAILED, text, path), lambda: indented(element))
            self._counts[""] += name == self._names[1]
            return
        for finding in findings:
            self._log.add(of_finding(finding), lambda: indented(element))

    def _findings(self, element: etree._Element, where: str) -> list[Finding]:
        """Read one element, note what it holds, and give what it breaks. Raises ContractViolation."""
        if self._references is not None and element.tag == self._contract.codec.tags.reference:
            reference = self._references.read(element)
            self._note(reference, reference.measure_period)
            self._parts.add_reference(reference, where)
            return self._checker.add_reference(reference, where)
        measurement = self._measurements.read(element)
        self._counts[measurement.measure_id.extension or NO_EXTENSION] += 1
        self._note(measurement, measurement.measure_period)
        self._parts.add(measurement, where)
        return self._checker.add(measurement, where)

    def _note(self, value: Measurement | ReferenceMeasurement, period: DatePeriod) -> None:
        self._sum += int.from_bytes(hashlib.sha256(repr(value).encode()).digest())
        span = self._span
        if span is None:
            self._span = period
        elif period.start < span.start or period.end > span.end:
            self._span = DatePeriod(min(span.start, period.start), max(span.end, period.end))

    def _shown(self, root: etree._Element) -> str:
        """Show the tree as far as it has come, with the first measurements only."""
        shown = copy.deepcopy(root)
        measurements = list(shown.iter(self._contract.codec.tags.measurement))
        for extra in measurements[_SHOWN_MEASUREMENTS:]:
            parent = extra.getparent()
            assert parent is not None
            parent.remove(extra)
        if len(measurements) >= _SHOWN_MEASUREMENTS:
            measurements[_SHOWN_MEASUREMENTS - 1].addnext(etree.Comment(" ... "))
        return indented(shown, _SHOWN_CHARS)

    def _finish(self, report: etree._Element) -> None:
        try:
            self._head = self._contract.codec.read_head(report)
        except ContractViolation as error:
            text = Bilingual(error.message, f"Rapportens huvud kan inte läsas: {error.message}")
            self._log.add(Check(error.rule, Status.FAILED, text, error.path), lambda: indented(report))
            return
        for finding in self._checker.finish(self._head):
            if not (finding.rule == "1.11" and self._counts[""]):
                self._log.add(of_finding(finding), lambda: "")

    def answer(self, exchange: Exchange, asked: QualityIndicatorsRequest | None, problem: str) -> Answer:
        return Answer(
            exchange,
            asked,
            *self._names,
            self._envelope,
            self._head,
            dict(self._counts),
            self._span,
            f"{self._sum % 2**_DIGEST_BITS:064x}",
            self._parts.parts(),
            self._schema.log.checks(),
            self._log.checks(),
            self._excerpt or beginning_of(exchange.body),
            problem,
        )
