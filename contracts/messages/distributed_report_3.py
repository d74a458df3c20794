"""Messages of GetDistributedQualityReport 3.0 as the project reconstructs it (domain reference 4.3).

Not the published contract. The types that it shares with GetQualityIndicators 2.0 are written and read as there.
"""

from __future__ import annotations

from typing import Any

from lxml import etree

from contracts.distributed_model import (
    Dimension,
    DistributedMeasurement,
    DistributedReportRequest,
    Distribution,
    OrganizationFilter,
    Percentile,
    ReferenceMeasurement,
    Subgroup,
    ValueClass,
)
from contracts.messages.codec import Cutter, ReportTags
from contracts.messages.distributed_cut import cutter_of
from contracts.messages.distributed_writing import (
    distribution_fragment,
    organization_filter_content,
    reference_content,
    subgroup_fragment,
)
from contracts.messages.lexical import escape, parse_boolean
from contracts.messages.quality_indicators import (
    II_RECORD,
    PERIOD_RECORD,
    encounters_fragment,
    ii_content,
    period_content,
)
from contracts.messages.quality_indicators_2 import (
    MEASURES,
    ORGANIZATION_RECORD,
    SOURCE_RECORD,
    QualityIndicators2,
    measure_fragment,
)
from contracts.messages.records import (
    DOUBLE,
    INTEGER,
    LayoutCheck,
    Leaf,
    Member,
    Record,
    RecordReader,
    Repeated,
    optional,
)
from contracts.model import II, Measurement, QualityIndicatorsRequest

REFERENCE = "reference"
"""Second part of the name of the stored form that holds the reference values."""

_BOOLEANS = {"true": True, "1": True, "false": False, "0": False, "": None}


def _boolean(text: str) -> bool | None:
    try:
        return _BOOLEANS[text.strip()]
    except KeyError:
        raise ValueError("not an xs:boolean") from None


def _value_class(*values: Any) -> ValueClass:
    class_id, label, low, high, low_inclusive, high_inclusive, *rest = values
    is_low_in = True if low_inclusive is None else low_inclusive
    return ValueClass(class_id, label, low, high, is_low_in, bool(high_inclusive), *rest)


_BOOLEAN = Leaf(_boolean, "boolean")
_DIMENSION = Record(
    Dimension,
    (Member("type"), Member("code", II_RECORD), optional("ageLow", INTEGER), optional("ageHigh", INTEGER)),
    is_shared=True,
)
_VALUE_CLASSES = Repeated(
    "valueClass",
    Record(
        _value_class,
        (
            Member("classId"),
            optional("label"),
            optional("low", DOUBLE),
            optional("high", DOUBLE),
            optional("lowInclusive", _BOOLEAN),
            optional("highInclusive", _BOOLEAN),
            optional("count", DOUBLE),
            optional("share", DOUBLE),
            optional("reasonCode"),
        ),
    ),
)
_PERCENTILES = Repeated("percentile", Record(Percentile, (Member("level", DOUBLE), Member("value", DOUBLE))))
_DISTRIBUTION = Record(
    Distribution,
    (
        Member("population", DOUBLE),
        optional("missingValueCount", DOUBLE),
        _VALUE_CLASSES,
        _PERCENTILES,
        optional("mean", DOUBLE),
        optional("median", DOUBLE),
        optional("standardDeviation", DOUBLE),
        optional("minimum", DOUBLE),
        optional("maximum", DOUBLE),
    ),
)
_SUBGROUPS = Repeated(
    "subgroup",
    Record(Subgroup, (Repeated("dimension", _DIMENSION, least=1), MEASURES, optional("distribution", _DISTRIBUTION))),
)
_KEY = (
    Member("measureId", II_RECORD),
    Member("measureIdVersionNumber", INTEGER),
    Member("measurePeriod", PERIOD_RECORD),
)


def _measurement(*values: Any) -> DistributedMeasurement:
    return DistributedMeasurement(*(*values[:-2], None, *values[-2:]))


_MEASUREMENT = Record(
    _measurement,
    (
        *_KEY,
        MEASURES,
        Member("performingOrganization", ORGANIZATION_RECORD),
        Member("sourceSystem", SOURCE_RECORD),
        optional("firstServiceEncounter"),
        optional("lastServiceEncounter"),
        _SUBGROUPS,
        optional("distribution", _DISTRIBUTION),
    ),
)
_REFERENCE = Record(
    ReferenceMeasurement,
    (
        *_KEY,
        Member("referenceOrganization", ORGANIZATION_RECORD),
        Member("comparisonLevel"),
        Member("unitCount", INTEGER),
        Member("calculatedAt"),
        optional("population", DOUBLE),
        optional("weightedValue", DOUBLE),
        optional("unweightedMean", DOUBLE),
        optional("standardDeviation", DOUBLE),
        _PERCENTILES,
        _VALUE_CLASSES,
        _SUBGROUPS,
    ),
)


class DistributedReport3(QualityIndicators2):
    """Codec of the reconstruction. See `MessageCodec`; measurements are `DistributedMeasurement` when read."""

    interaction = "GetDistributedQualityReport"
    report_element = "DistributedQualityReport"
    measurement_element = "distributedMeasurement"
    measurement_record = _MEASUREMENT

    def __init__(self, responder_namespace: str, domain_namespace: str) -> None:
        super().__init__(responder_namespace, domain_namespace)
        self.tags: ReportTags = self.tags._replace(reference=f"{{{domain_namespace}}}referenceMeasurement")

    def read_request(self, element: etree._Element) -> DistributedReportRequest:
        """Read a request element that has been validated against the schema."""
        plain = super().read_request(element)
        own = f"{{{self._responder}}}"
        return DistributedReportRequest(
            plain.measure_ids,
            plain.reporting_period,
            plain.include_measurements,
            tuple(self._organization_filter(child) for child in element.iterchildren(f"{own}performingOrganization")),
            tuple((child.text or "").strip() for child in element.iterchildren(f"{own}stratification")),
            parse_boolean(element.findtext(f"{own}includeDistribution"), default=True),
            parse_boolean(element.findtext(f"{own}includeReferenceValues"), default=False),
        )

    def _organization_filter(self, element: etree._Element) -> OrganizationFilter:
        own = f"{{{self._domain}}}"
        identifier = element.find(f"{own}organizationId")
        return OrganizationFilter(
            element.findtext(f"{own}hsaId"),
            None
            if identifier is None
            else II(identifier.findtext(f"{own}root") or "", identifier.findtext(f"{own}extension")),
        )

    def _filters_content(self, request: QualityIndicatorsRequest) -> str:
        if not isinstance(request, DistributedReportRequest):
            return ""
        organizations = "".join(
            f"<r:performingOrganization>{organization_filter_content(one)}</r:performingOrganization>"
            for one in request.performing_organizations
        )
        return organizations + "".join(
            f"<r:stratification>{escape(one)}</r:stratification>" for one in request.stratifications
        )

    def _options_content(self, request: QualityIndicatorsRequest) -> str:
        if not isinstance(request, DistributedReportRequest):
            return ""
        distribution = "true" if request.include_distribution else "false"
        reference = "true" if request.include_reference_values else "false"
        return (
            f"<r:includeDistribution>{distribution}</r:includeDistribution>"
            f"<r:includeReferenceValues>{reference}</r:includeReferenceValues>"
        )

    def renderings(self, request: QualityIndicatorsRequest, rendering: str) -> tuple[str, ...]:
        """Name the stored forms: that of the measurements, and that of reference values when they are asked for."""
        wants_reference = isinstance(request, DistributedReportRequest) and request.include_reference_values
        return (rendering, f"{rendering}:{REFERENCE}") if wants_reference else (rendering,)

    def cutter(self, request: QualityIndicatorsRequest) -> Cutter | None:
        """Give what takes away the units, sub-groups and distributions that were not asked for."""
        return cutter_of(request) if isinstance(request, DistributedReportRequest) else None

    def measurement_fragment(self, measurement: Measurement, *, organization: str, source: str) -> bytes:
        """Write one distributedMeasurement; a plain measurement is one without parts."""
        parts = ""
        if isinstance(measurement, DistributedMeasurement):
            parts = "".join(map(subgroup_fragment, measurement.subgroups))
            parts += distribution_fragment(measurement.distribution)
        return (
            f"<c:distributedMeasurement><c:measureId>{ii_content(measurement.measure_id)}</c:measureId>"
            f"<c:measureIdVersionNumber>{measurement.measure_id_version_number}</c:measureIdVersionNumber>"
            f"<c:measurePeriod>{period_content(measurement.measure_period)}</c:measurePeriod>"
            f"{encounters_fragment(measurement)}{measure_fragment(measurement.measure)}{parts}{organization}{source}"
            "</c:distributedMeasurement>"
        ).encode()

    def reference_fragment(self, reference: ReferenceMeasurement) -> bytes:
        """Write one referenceMeasurement."""
        organization = self._organization_content(reference.reference_organization)
        return f"<c:referenceMeasurement>{reference_content(reference, organization)}</c:referenceMeasurement>".encode()

    def reference_reader(self, check: LayoutCheck | None = None) -> RecordReader[ReferenceMeasurement]:
        """Make a reader of referenceMeasurement elements (untrusted), as `measurement_reader`."""
        return RecordReader(_REFERENCE, self._domain, check)
