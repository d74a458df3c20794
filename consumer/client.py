"""The client library: asks one producer over mutual TLS and gives typed results in constant memory (design 3).

    with ProducerClient(settings.connection()) as client:
        head = client.checksum(["7c0f4a52-..."], DatePeriod("20250101", "20251231"))
        with client.fetch(["7c0f4a52-..."], DatePeriod("20250101", "20251231")) as answer:
            for measurement in answer:
                ...
        print(answer.head.measurement_checksum, answer.measurement_count)

zeep builds the message from the project's own copy of the WSDL and never reads one from the network; the answer is
read as it arrives by `contracts.messages.reader` and held to the schema, the rules and the question.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import BinaryIO, Self

import requests
from lxml import etree

from consumer.settings import ProducerConnection
from consumer.transport import HttpsSession, check_answer
from consumer.zeep_adapter import send
from contracts.codes import OID_MEASURE
from contracts.distributed_model import ReferenceMeasurement
from contracts.errors import ContractViolation, RulesBroken, UnexpectedAnswer, UsageError
from contracts.messages.reader import AnswerLimits, ReportReader
from contracts.model import II, DatePeriod, Measurement, QualityIndicatorsRequest, ReportHead
from contracts.rules import Finding, ReportChecker

#: Findings that are kept of an answer; reading stops at so many errors.
MOST_FINDINGS = 20


class ProducerClient:
    """Asks one producer; may be shared between threads. Raises RemoteError and its branches for what goes wrong.

    ``is_checked`` False leaves out the business rules and the comparison with the question, not the schema.
    """

    def __init__(self, connection: ProducerConnection, *, is_checked: bool = True) -> None:
        """Load the certificate files, not yet the WSDL; raises CertificateError for files that cannot work."""
        self.connection = connection
        self._is_checked = is_checked
        self._https = HttpsSession(connection)

    def checksum(self, measure_ids: Collection[str], period: DatePeriod) -> ReportHead:
        """Ask for the checksum of a question alone (includeMeasurements false): one small call.

        ``measure_ids`` are ids of the indicator catalogue (1..n; in contract version 1 none asks for every one),
        ``period`` holds the measure periods wholly.
        """
        with self._ask(measure_ids, period, include_measurements=False) as answer:
            for _ in answer:
                raise ContractViolation(
                    "The answer has measurements, though only the checksum was asked for.",
                    path="AggregatedQualityReport/measurement",
                    rule="1.11",
                )
            return answer.head

    def fetch(self, measure_ids: Collection[str], period: DatePeriod, *, raw: BinaryIO | None = None) -> Answer:
        """Ask for the measurements of a question; use the answer in a ``with`` statement and iterate over it.

        Arguments as `checksum`. ``raw`` gets the answer's bytes, decompressed, as they are read.
        """
        return self._ask(measure_ids, period, include_measurements=True, raw=raw)

    def ask(
        self,
        request: QualityIndicatorsRequest,
        *,
        raw: BinaryIO | None = None,
        on_reference: Callable[[ReferenceMeasurement], None] | None = None,
    ) -> Answer:
        """Ask a question as it is, with the filters of its contract; ``on_reference`` is told of reference values.

        Otherwise as `fetch`.
        """
        started_at = time.monotonic()
        connection = self.connection
        response = send(connection.contract, connection.endpoint, connection.logical_address, request, self._https.post)
        try:
            check_answer(response, connection.max_answer_bytes)
        except BaseException:
            response.close()
            raise
        pieces = self._https.read_body(response, started_at + connection.answer_timeout_s)
        return Answer(
            connection, request, response, pieces, raw=raw, is_checked=self._is_checked, on_reference=on_reference
        )

    def close(self) -> None:
        """Close every connection that is kept."""
        self._https.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(
        self,
        measure_ids: Collection[str],
        period: DatePeriod,
        *,
        include_measurements: bool,
        raw: BinaryIO | None = None,
    ) -> Answer:
        if not measure_ids and not self.connection.contract.codec.allows_every_indicator:
            raise UsageError("Name at least one indicator (measureId). Only version 1 can ask for every one.")
        ids = tuple(II(OID_MEASURE, measure_id) for measure_id in measure_ids)
        return self.ask(QualityIndicatorsRequest(ids, period, include_measurements), raw=raw)


@dataclass(frozen=True, slots=True)
class Warnings:
    """What the rules remark without refusing: how many, and the first of them."""

    count: int
    first: tuple[Finding, ...]


class Answer:
    """One answer while it is read: iterate for the measurements, then take `head`.

    Nothing read may be relied on before the iteration has ended by itself: what is wrong at the end of an answer
    shows only there. Not for use by several threads.
    """

    def __init__(
        self,
        connection: ProducerConnection,
        request: QualityIndicatorsRequest,
        response: requests.Response,
        pieces: Iterator[bytes],
        *,
        raw: BinaryIO | None = None,
        is_checked: bool = True,
        on_reference: Callable[[ReferenceMeasurement], None] | None = None,
    ) -> None:
        limits = AnswerLimits(max_bytes=connection.max_answer_bytes)
        self._connection = connection
        self._response = response
        self._pieces = pieces
        self._raw = raw
        codec = connection.contract.codec
        self._reader = ReportReader(codec, limits, contract=connection.contract, on_reference=self._reference)
        self._on_reference = on_reference
        self._reference_count = 0
        self._checker = None
        if is_checked:
            report, needs_name = etree.QName(codec.tags.report).localname, codec.requires_organization_name
            self._checker = ReportChecker(requested=request, is_name_required=needs_name, report=report)
        self._errors: list[Finding] = []
        self._remarks: list[Finding] = []
        self._remark_count = 0
        self._head: ReportHead | None = None

    @property
    def head(self) -> ReportHead:
        """The report without its measurements; reads the answer to its end if that is not done yet."""
        for _ in self:
            pass
        assert self._head is not None
        return self._head

    @property
    def measurement_count(self) -> int:
        """Measurements read so far."""
        return self._reader.measurement_count

    @property
    def bytes_read(self) -> int:
        """Bytes of XML read so far."""
        return self._reader.bytes_read

    @property
    def bytes_received(self) -> int:
        """Bytes of the body received so far, compressed as they came."""
        return int(self._response.raw.tell())

    @property
    def warnings(self) -> Warnings:
        """What the rules remark on in what has been read so far."""
        return Warnings(self._remark_count, tuple(self._remarks))

    def __iter__(self) -> Iterator[Measurement]:
        if self._head is not None:
            return
        try:
            for piece in self._pieces:
                if self._raw is not None:
                    self._raw.write(piece)
                for measurement in self._reader.feed(piece):
                    self._check(measurement)
                    yield measurement
            self._finish(self._reader.close())
        except RulesBroken:
            raise
        except ContractViolation as error:
            raise ContractViolation(
                f"The answer breaks the contract at {error.path}, so nothing of it is used. {error.message}",
                path=error.path,
                rule=error.rule,
            ) from None

    def _check(self, measurement: Measurement) -> None:
        if self._checker is not None:
            findings = self._checker.add(measurement, f"measurement[{self._reader.measurement_count}]")
            if findings:
                self._note(findings)

    def _reference(self, reference: ReferenceMeasurement) -> None:
        self._reference_count += 1
        if self._checker is not None:
            self._note(self._checker.add_reference(reference, f"referenceMeasurement[{self._reference_count}]"))
        if self._on_reference is not None:
            self._on_reference(reference)

    def _finish(self, head: ReportHead) -> None:
        if self._response.status_code != 200:
            raise UnexpectedAnswer(
                f"The answer has a report, but status {self._response.status_code}, which means a fault."
            )
        if self._checker is not None:
            self._note(self._checker.finish(head))
            asked = self._connection.logical_address
            if head.reporting_system.hsa_id.casefold() != asked.casefold():
                raise ContractViolation(
                    f"The answer is from the system {head.reporting_system.hsa_id!r}; asked was {asked!r}. "
                    "Check logical_address and endpoint.",
                    path="AggregatedQualityReport/reportingSystem/hsaId",
                    rule="addressing",
                )
        if self._errors:
            raise _rules_broken(self._errors)
        self._head = head

    def _note(self, findings: list[Finding]) -> None:
        errors = [finding for finding in findings if finding.severity == "error"]
        remarks = [finding for finding in findings if finding.severity != "error"]
        self._remark_count += len(remarks)
        self._remarks += remarks[: MOST_FINDINGS - len(self._remarks)]
        self._errors += errors
        if len(self._errors) >= MOST_FINDINGS:
            raise _rules_broken(self._errors)

    def close(self) -> None:
        """Leave the answer; a connection whose answer was not read to its end is closed, another one is kept."""
        self._response.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _rules_broken(errors: list[Finding]) -> RulesBroken:
    problems = [f"{error.where} (rule {error.rule}): {error.message} {error.mend}" for error in errors]
    count = f"at least {len(errors)}" if len(errors) >= MOST_FINDINGS else str(len(errors))
    return RulesBroken(
        f"The answer breaks the contract's rules in {count} place(s), so nothing of it is used. {problems[0]}",
        path=errors[0].where,
        rule=errors[0].rule,
        problems=problems,
    )
