"""What every contract version must be able to do with its messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from lxml import etree

from contracts.distributed_model import ReferenceMeasurement
from contracts.messages.records import LayoutCheck, RecordReader
from contracts.model import (
    Measurement,
    PerformingOrganization,
    QualityIndicatorsRequest,
    ReportHead,
    SourceSystem,
)

Cutter = Callable[[bytes], bytes | None]
"""Makes of one stored element what a question wants of it, None when that is nothing."""


class ReportTags(NamedTuple):
    """Qualified names from the envelope's Body down to one measurement.

    ``reference``: the elements that stand after the measurements, in a contract that has such; see
    `contracts.messages.distributed_report_3`.
    """

    response: str
    report: str
    measurement: str
    reference: str | None = None

    @property
    def repeated(self) -> tuple[str, ...]:
        """The elements that a report repeats, in their order."""
        return (self.measurement,) if self.reference is None else (self.measurement, self.reference)


class MessageCodec(Protocol):
    """Maps the domain model to and from the messages of one contract version.

    Fragments are context-free: they use the prefixes that `answer_prefix` binds and declare none themselves, so
    that finished measurements can be stored and joined into any answer. Whatever a text holds, what is written is
    well-formed; the writing functions raise ValueError for what the version or XML cannot carry (a missing source
    system, a control character, NaN and infinity).
    """

    tags: ReportTags
    measure_id_element: str
    """Local name of the request's and the measurement's element for the indicator."""
    allows_every_indicator: bool
    """Whether a request without an indicator is allowed; it asks for every one."""
    requires_organization_name: bool
    """Whether every organisation has a name; where it need not, one without is read with an empty name."""
    uses_catalogue: bool
    """Whether measurements are written with what the catalogue says of their indicator (unit, method, version)."""

    def read_request(self, element: etree._Element) -> QualityIndicatorsRequest:
        """Read a request element that has been validated against the schema."""

    def write_request(self, logical_address: str, request: QualityIndicatorsRequest) -> bytes:
        """Write a whole request envelope."""

    def renderings(self, request: QualityIndicatorsRequest, rendering: str) -> tuple[str, ...]:
        """Name the stored forms that answer a question, in the order of the message; the first is ``rendering``."""

    def cutter(self, request: QualityIndicatorsRequest) -> Cutter | None:
        """Give what makes a stored element the one that is sent; None: all are sent as they are stored."""

    def answer_prefix(self, head: ReportHead) -> bytes:
        """Write an answer up to where its measurements begin."""

    def answer_suffix(self) -> bytes:
        """Write what follows the last measurement."""

    def expresses(self, organization: PerformingOrganization) -> bool:
        """Whether this version can name the organisation; measurements of one that it cannot are left out."""

    def organization_fragment(self, organization: PerformingOrganization) -> str:
        """Write performingOrganization; callers keep it for the many measurements of one organisation."""

    def source_fragment(self, source: SourceSystem | None) -> str:
        """Write sourceSystem; empty in a version that has none."""

    def measurement_fragment(self, measurement: Measurement, *, organization: str, source: str) -> bytes:
        """Write one measurement element around finished organisation and source fragments."""

    def read_head(self, report: etree._Element) -> ReportHead:
        """Read the elements before the measurements (untrusted). Raises ContractViolation."""

    def measurement_reader(self, check: LayoutCheck | None = None) -> RecordReader[Measurement]:
        """Make a reader of measurement elements (untrusted); ``check`` may refuse a layout that it meets first."""

    def reference_reader(self, check: LayoutCheck | None = None) -> RecordReader[ReferenceMeasurement] | None:
        """Make a reader of the elements after the measurements, as `measurement_reader`; None: there are none."""

    def read_measurement(self, element: etree._Element) -> Measurement:
        """Read one measurement element (untrusted). Raises ContractViolation with path and rule."""
