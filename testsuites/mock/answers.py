"""What the mock answers: reads the question as a producer does, builds the report from the shapes (contract 3, 6).

A shape has a value for every calendar month of the years 2000 to 2049; an answer holds the newest twelve.
"""

from __future__ import annotations

from calendar import monthrange
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from contracts.checksum import SliceKey, content_digest, measurement_checksum
from contracts.distributed_model import DistributedReportRequest, ReferenceMeasurement
from contracts.errors import SchemaViolation
from contracts.messages.codec import Cutter
from contracts.messages.distributed_report_3 import DistributedReport3
from contracts.model import II, DatePeriod, Measurement, QualityIndicatorsRequest, ReportHead, ReportingParty
from contracts.registry import ServiceContract
from contracts.safe_xml import parse_message
from contracts.soap import SoapRequest, read_request_envelope
from contracts.validation import validate_body
from testsuites.mock.distributed import DistributedShape, shapes_of
from testsuites.mock.shapes import SHAPES, AnyShape, find_shape, identifier

_FIRST_YEAR, _LAST_YEAR = 2000, 2049
_MONTHS = 12
_USUAL_PERIOD = DatePeriod("20240101", "20241231")
_ORGANIZATION = ReportingParty("SE9990001112-MOCKORG", "Provorganisationen")
_SYSTEM_NAME = "Provregistret"


@dataclass(frozen=True, slots=True)
class Answering:
    """How the mock departs from the contract, each by name; all false is right.

    ``reads`` takes filters of a distributed question otherwise than they are sent, by their fields.
    """

    ignores_period: bool = False
    ignores_ids: bool = False
    ignores_include: bool = False
    has_constant_checksum: bool = False
    has_restless_checksum: bool = False
    has_checksum_of_sent: bool = False
    has_checksum_of_keys: bool = False
    has_checksum_without_filters: bool = False
    echoes_period: bool = False
    refuses_unknown: bool = False
    has_include_default_false: bool = False
    has_distribution_default_false: bool = False
    sends_references_always: bool = False
    answers_any_version: bool = False
    reads: Mapping[str, Any] = field(default_factory=dict)
    revision: int = 0


@dataclass(frozen=True, slots=True)
class _Found:
    """An element of the answer: whole, and as the question's filters leave it (None: not at all)."""

    key: SliceKey
    whole: bytes
    cut: bytes | None
    is_sent: bool
    is_reference: bool = False


class AnswerWriter:
    """Answers requests of one contract. Not for use by several threads at once."""

    def __init__(self, contract: ServiceContract, answering: Answering | None = None) -> None:
        self._contract = contract
        self._answering = answering or Answering()
        self._shapes = shapes_of(contract)
        self._calls = 0

    def answer(self, body: bytes, *, charset: str | None = None, shape_name: str = "") -> bytes:
        """Answer an untrusted request; ``shape_name`` (x-mock-response) goes before the measureIds.

        Raises CallerError, to be sent as a fault.
        """
        self._calls += 1
        request = read_request_envelope(parse_message(body, charset=charset))
        asked = self._asked(request, body)
        named = find_shape(shape_name, self._shapes) if shape_name else None
        sends = asked.include_measurements or self._answering.ignores_include
        if self._answering.has_include_default_false and b"includeMeasurements" not in body:
            sends = False
        found = list(self._found(asked, named))
        matching = [one for one in found if one.cut is not None]
        always = self._answering.sends_references_always
        sent = [one for one in matching if (sends and one.is_sent) or (always and one.is_reference)]
        head = ReportHead(
            self._checksum(sent if self._answering.has_checksum_of_sent else matching, found),
            self._period(asked, matching),
            ReportingParty(request.logical_address, _SYSTEM_NAME),
            _ORGANIZATION,
        )
        codec = self._contract.codec
        return codec.answer_prefix(head) + b"".join(one.cut or b"" for one in sent) + codec.answer_suffix()

    def _asked(self, request: SoapRequest, body: bytes) -> QualityIndicatorsRequest:
        """Read the question, as far as this mock understands it."""
        if self._answering.answers_any_version and request.body.tag != self._contract.request_tag:
            return QualityIndicatorsRequest((), _USUAL_PERIOD, include_measurements=False)
        validate_body(self._contract, request.body)
        asked = self._contract.codec.read_request(request.body)
        if isinstance(asked, DistributedReportRequest):
            asked = replace(asked, **self._answering.reads)
            if self._answering.has_distribution_default_false and b"includeDistribution" not in body:
                asked = replace(asked, include_distribution=False)
            if self._answering.refuses_unknown and not self._knows_units(asked):
                raise SchemaViolation("There is no such unit.")
        return asked

    def _knows_units(self, asked: DistributedReportRequest) -> bool:
        """Whether a unit that is asked for is one of a shape's."""
        wanted = {one.hsa_id for one in asked.performing_organizations}
        shapes = (shape for shape in self._shapes if isinstance(shape, DistributedShape))
        return not wanted or bool(wanted & {hsa_id for shape in shapes for hsa_id in shape.hsa_ids})

    def _found(self, asked: QualityIndicatorsRequest, named: AnyShape | None) -> Iterator[_Found]:
        """Give the measurements, then the reference values, as the question's filters leave them."""
        codec = self._contract.codec
        cut = codec.cutter(asked) or (lambda fragment: fragment)
        months = _months_in(_USUAL_PERIOD if self._answering.ignores_period else asked.reporting_period)
        shapes = list(self._matching(asked, named))
        for measure_id, shape in shapes:
            for value in (one for month in months for one in shape.measurements(measure_id, month)):
                if codec.expresses(value.performing_organization):
                    fragment = self._fragment(value)
                    yield _Found(_key_of(value), fragment, cut(fragment), not shape.is_checksum_only)
        if isinstance(asked, DistributedReportRequest) and asked.include_reference_values:
            for measure_id, shape in shapes:
                yield from self._references(measure_id, shape, months, cut)

    def _references(self, measure_id: II, shape: AnyShape, months: list[DatePeriod], cut: Cutter) -> Iterator[_Found]:
        codec = self._contract.codec
        if isinstance(shape, DistributedShape) and isinstance(codec, DistributedReport3):
            for reference in (one for month in months for one in shape.references(measure_id, month)):
                fragment = codec.reference_fragment(reference)
                yield _Found(_key_of(reference), fragment, cut(fragment), is_sent=True, is_reference=True)

    def _matching(self, asked: QualityIndicatorsRequest, named: AnyShape | None) -> Iterator[tuple[II, AnyShape]]:
        """Give the indicators of the question that there are, each with its shape."""
        for measure_id in asked.measure_ids or tuple(identifier(shape) for shape in SHAPES):
            shape = named or find_shape(measure_id.extension or "", self._shapes)
            if shape is None and self._answering.ignores_ids:
                shape = find_shape("Land")
            if shape is None and self._answering.refuses_unknown:
                raise SchemaViolation("There is no such indicator.")
            if shape is not None:
                yield measure_id, shape

    def _period(self, asked: QualityIndicatorsRequest, matching: list[_Found]) -> DatePeriod:
        if not matching or self._answering.echoes_period:
            return asked.reporting_period
        periods = [one.key.measure_period for one in matching]
        return DatePeriod(min(period.start for period in periods), max(period.end for period in periods))

    def _checksum(self, matching: list[_Found], found: list[_Found]) -> str:
        answering = self._answering
        if answering.has_constant_checksum:
            return content_digest(b"constant")
        if answering.has_restless_checksum:
            return content_digest(b"%d" % self._calls)
        slices: dict[SliceKey, bytes] = defaultdict(bytes)
        for one in found if answering.has_checksum_without_filters else matching:
            content = one.whole if answering.has_checksum_without_filters else one.cut
            slices[one.key] += b"" if answering.has_checksum_of_keys else content or b""
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


def _key_of(value: Measurement | ReferenceMeasurement) -> SliceKey:
    return SliceKey(value.measure_id.extension or "", value.measure_id_version_number, value.measure_period)


def _months_in(period: DatePeriod) -> list[DatePeriod]:
    """Give the newest calendar months that lie wholly inside ``period``."""
    first, last = max(int(period.start[:4]), _FIRST_YEAR), min(int(period.end[:4]), _LAST_YEAR)
    months = [
        DatePeriod(f"{year}{month:02d}01", f"{year}{month:02d}{monthrange(year, month)[1]:02d}")
        for year in range(first, last + 1)
        for month in range(1, 13)
    ]
    return [month for month in months if period.start <= month.start and month.end <= period.end][-_MONTHS:]
