"""What the mock answers: reads the question as a producer does, builds the report from the shapes (contract 3, 6).

A shape has a value for every calendar month of the years 2000 to 2049; an answer holds the newest twelve.
"""

from __future__ import annotations

from calendar import monthrange
from collections import defaultdict
from dataclasses import dataclass

from contracts.checksum import SliceKey, content_digest, measurement_checksum
from contracts.errors import SchemaViolation
from contracts.model import DatePeriod, Measurement, QualityIndicatorsRequest, ReportHead, ReportingParty
from contracts.registry import ServiceContract
from contracts.safe_xml import parse_message
from contracts.soap import SoapRequest, read_request_envelope
from contracts.validation import validate_body
from testsuites.mock.shapes import SHAPES, Shape, find_shape, identifier

_FIRST_YEAR, _LAST_YEAR = 2000, 2049
_MONTHS = 12
_ORGANIZATION = ReportingParty("SE9990001112-MOCKORG", "Provorganisationen")
_SYSTEM_NAME = "Provregistret"


@dataclass(frozen=True, slots=True)
class Answering:
    """How the mock departs from the contract, each by name; all false is right."""

    ignores_period: bool = False
    ignores_ids: bool = False
    ignores_include: bool = False
    has_constant_checksum: bool = False
    has_restless_checksum: bool = False
    has_checksum_of_sent: bool = False
    has_checksum_of_keys: bool = False
    echoes_period: bool = False
    refuses_unknown: bool = False
    has_include_default_false: bool = False
    revision: int = 0


class AnswerWriter:
    """Answers requests of one contract. Not for use by several threads at once."""

    def __init__(self, contract: ServiceContract, answering: Answering | None = None) -> None:
        self._contract = contract
        self._answering = answering or Answering()
        self._calls = 0

    def answer(self, body: bytes, *, charset: str | None = None, shape_name: str = "") -> bytes:
        """Answer an untrusted request; ``shape_name`` (x-mock-response) goes before the measureIds.

        Raises CallerError, to be sent as a fault.
        """
        self._calls += 1
        request = read_request_envelope(parse_message(body, charset=charset))
        validate_body(self._contract, request.body)
        asked = self._contract.codec.read_request(request.body)
        matching = self._matching(asked, find_shape(shape_name) if shape_name else None)
        sends = asked.include_measurements or self._answering.ignores_include
        if self._answering.has_include_default_false and b"includeMeasurements" not in body:
            sends = False
        sent = [m for shape, m in matching if sends and not shape.is_checksum_only]
        head = self._head(request, asked, [m for _, m in matching], sent)
        codec = self._contract.codec
        return codec.answer_prefix(head) + b"".join(self._fragment(m) for m in sent) + codec.answer_suffix()

    def _matching(self, asked: QualityIndicatorsRequest, named: Shape | None) -> list[tuple[Shape, Measurement]]:
        period = DatePeriod("20240101", "20241231") if self._answering.ignores_period else asked.reporting_period
        months = _months_in(period)
        found = []
        for measure_id in asked.measure_ids or tuple(identifier(shape) for shape in SHAPES):
            shape = named or find_shape(measure_id.extension or "")
            if shape is None and self._answering.ignores_ids:
                shape = find_shape("Land")
            if shape is None and self._answering.refuses_unknown:
                raise SchemaViolation("There is no such indicator.")
            if shape is not None and self._contract.codec.expresses(shape.organization):
                found += [(shape, shape.measurement(measure_id, *month)) for month in months]
        return found

    def _head(
        self,
        request: SoapRequest,
        asked: QualityIndicatorsRequest,
        matching: list[Measurement],
        sent: list[Measurement],
    ) -> ReportHead:
        period = asked.reporting_period
        if matching and not self._answering.echoes_period:
            starts, ends = zip(*((m.measure_period.start, m.measure_period.end) for m in matching), strict=True)
            period = DatePeriod(min(starts), max(ends))
        return ReportHead(
            self._checksum(matching, sent),
            period,
            ReportingParty(request.logical_address, _SYSTEM_NAME),
            _ORGANIZATION,
        )

    def _checksum(self, matching: list[Measurement], sent: list[Measurement]) -> str:
        answering = self._answering
        if answering.has_constant_checksum:
            return content_digest(b"constant")
        if answering.has_restless_checksum:
            return content_digest(b"%d" % self._calls)
        slices: dict[SliceKey, bytes] = defaultdict(bytes)
        for measurement in sent if answering.has_checksum_of_sent else matching:
            key = SliceKey(
                measurement.measure_id.extension or "",
                measurement.measure_id_version_number,
                measurement.measure_period,
            )
            slices[key] += b"" if answering.has_checksum_of_keys else self._fragment(measurement)
        return measurement_checksum((key, content_digest(content)) for key, content in slices.items())

    def _fragment(self, measurement: Measurement) -> bytes:
        codec = self._contract.codec
        fragment = codec.measurement_fragment(
            measurement,
            organization=codec.organization_fragment(measurement.performing_organization),
            source=codec.source_fragment(measurement.source_system),
        )
        if not self._answering.revision:
            return fragment
        coverage = f"<c:coverage>0.{self._answering.revision}</c:coverage>".encode()
        return fragment.replace(b"<c:coverage>0.9</c:coverage>", coverage)


def _months_in(period: DatePeriod) -> list[tuple[int, int, int]]:
    """Give year, month and last day of the newest months that lie wholly inside ``period``."""
    first, last = max(int(period.start[:4]), _FIRST_YEAR), min(int(period.end[:4]), _LAST_YEAR)
    months = [(year, month, monthrange(year, month)[1]) for year in range(first, last + 1) for month in range(1, 13)]
    inside = [
        (year, month, day)
        for year, month, day in months
        if period.start <= f"{year}{month:02d}01" and f"{year}{month:02d}{day:02d}" <= period.end
    ]
    return inside[-_MONTHS:]
