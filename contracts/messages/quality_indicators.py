"""What the versions of GetQualityIndicators share: the envelope, the head of a report, organisations, common content.

Each version is a subclass that says how it differs (contract reference 3).
"""

from __future__ import annotations

from functools import lru_cache

from lxml import etree

from contracts.distributed_model import ReferenceMeasurement
from contracts.messages.codec import Cutter, ReportTags
from contracts.messages.lexical import escape, format_double, parse_boolean
from contracts.messages.records import (
    DOUBLE,
    LayoutCheck,
    Member,
    Record,
    RecordReader,
    head_of,
    optional,
)
from contracts.model import (
    II,
    CohortMeasure,
    ConfidenceInterval,
    ContinuousVariableMeasure,
    DatePeriod,
    Measurement,
    MissingMeasure,
    PerformingOrganization,
    ProportionMeasure,
    QualityIndicatorsRequest,
    ReportHead,
    ReportingParty,
)
from contracts.soap import REGISTRY_NAMESPACE, SOAP_NAMESPACE


class QualityIndicators:
    """The part of a `MessageCodec` that every version has; the namespaces are those of the registry entry."""

    interaction = "GetQualityIndicators"
    report_element = "AggregatedQualityReport"
    measurement_element = "measurement"
    measure_id_element: str
    allows_every_indicator: bool
    requires_organization_name: bool
    uses_catalogue: bool
    measurement_record: Record

    def __init__(self, responder_namespace: str, domain_namespace: str) -> None:
        self._responder = responder_namespace
        self._domain = domain_namespace
        self.tags = ReportTags(
            response=f"{{{responder_namespace}}}{self.interaction}Response",
            report=f"{{{responder_namespace}}}{self.report_element}",
            measurement=f"{{{domain_namespace}}}{self.measurement_element}",
        )
        self._measurements = self.measurement_reader()

    # -- request -----------------------------------------------------------------------------------------------

    def read_request(self, element: etree._Element) -> QualityIndicatorsRequest:
        """Read a request element that has been validated against the schema."""
        measure_ids: list[II] = []
        period = DatePeriod("", "")
        include = True
        own = f"{{{self._responder}}}"
        measure_id_tag = own + self.measure_id_element
        members = {f"{{{self._domain}}}{name}" for name in ("root", "extension", "start", "end")}
        for child in element:
            tag = child.tag
            if tag == measure_id_tag:
                measure_ids.append(II(*[part.text or "" for part in child if part.tag in members]))
            elif tag == f"{own}reportingPeriod":
                period = DatePeriod(*[part.text or "" for part in child if part.tag in members])
            elif tag == f"{own}includeMeasurements":
                include = parse_boolean(child.text, default=True)
        return QualityIndicatorsRequest(tuple(measure_ids), period, include)

    def write_request(self, logical_address: str, request: QualityIndicatorsRequest) -> bytes:
        """Write a whole request envelope."""
        name, interaction = self.measure_id_element, self.interaction
        ids = "".join(f"<r:{name}>{ii_content(measure_id)}</r:{name}>" for measure_id in request.measure_ids)
        include = "true" if request.include_measurements else "false"
        return (
            f'<e:Envelope xmlns:e="{SOAP_NAMESPACE}" xmlns:h="{REGISTRY_NAMESPACE}" xmlns:r="{self._responder}"'
            f' xmlns:c="{self._domain}"><e:Header><h:LogicalAddress>{escape(logical_address)}'
            f"</h:LogicalAddress></e:Header><e:Body><r:{interaction}>{ids}"
            f"<r:reportingPeriod>{period_content(request.reporting_period)}</r:reportingPeriod>"
            f"{self._filters_content(request)}<r:includeMeasurements>{include}</r:includeMeasurements>"
            f"{self._options_content(request)}</r:{interaction}></e:Body></e:Envelope>"
        ).encode()

    def _filters_content(self, request: QualityIndicatorsRequest) -> str:  # noqa: ARG002
        """Write what else the question is limited by, which only some contracts have."""
        return ""

    def _options_content(self, request: QualityIndicatorsRequest) -> str:  # noqa: ARG002
        """Write what else is to be included, which only some contracts have."""
        return ""

    def renderings(self, request: QualityIndicatorsRequest, rendering: str) -> tuple[str, ...]:  # noqa: ARG002
        """Name the stored forms that answer a question: that of the measurements alone."""
        return (rendering,)

    def cutter(self, request: QualityIndicatorsRequest) -> Cutter | None:  # noqa: ARG002
        """Give None: all measurements are sent as they are stored."""
        return None

    # -- answer, written ---------------------------------------------------------------------------------------

    def answer_prefix(self, head: ReportHead) -> bytes:
        """Write an answer up to where its measurements begin."""
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<e:Envelope xmlns:e="{SOAP_NAMESPACE}" xmlns:r="{self._responder}" xmlns:c="{self._domain}">'
            f"<e:Body><r:{self.interaction}Response><r:{self.report_element}>"
            f"<c:measurementChecksum>{escape(head.measurement_checksum)}</c:measurementChecksum>"
            f"<c:reportingPeriod>{period_content(head.reporting_period)}</c:reportingPeriod>"
            f"<c:reportingSystem>{party_content(head.reporting_system)}</c:reportingSystem>"
            "<c:reportingOrganization>"
            f"{self._reporting_organization_content(head.reporting_organization)}</c:reportingOrganization>"
        ).encode()

    def answer_suffix(self) -> bytes:
        """Write what follows the last measurement."""
        return f"</r:{self.report_element}></r:{self.interaction}Response></e:Body></e:Envelope>".encode()

    def organization_fragment(self, organization: PerformingOrganization) -> str:
        """Write performingOrganization with its chain upwards."""
        return f"<c:performingOrganization>{self._organization_content(organization)}</c:performingOrganization>"

    def _reporting_organization_content(self, party: ReportingParty) -> str:
        return party_content(party)

    def _organization_content(self, organization: PerformingOrganization) -> str:
        name, identifier = organization.organization_name, organization.organization_id
        parent = organization.as_organization_part_of
        return (
            f"{optional_text('hsaId', organization.hsa_id)}"
            f"{optional_text('organizationName', name if name or self.requires_organization_name else None)}"
            f"<c:organizationType>{escape(organization.organization_type)}</c:organizationType>"
            + ("" if identifier is None else f"<c:organizationId>{ii_content(identifier)}</c:organizationId>")
            + (
                ""
                if parent is None
                else f"<c:asOrganizationPartOf>{self._organization_content(parent)}</c:asOrganizationPartOf>"
            )
        )

    # -- answer, read ------------------------------------------------------------------------------------------

    def read_head(self, report: etree._Element) -> ReportHead:
        """Read the elements before the measurements (untrusted). Raises ContractViolation."""
        return RecordReader[ReportHead](_HEAD, self._domain).read(head_of(report, *self.tags.repeated))

    def measurement_reader(self, check: LayoutCheck | None = None) -> RecordReader[Measurement]:
        """Make a reader of measurement elements (untrusted); ``check`` may refuse a layout that it meets first."""
        return RecordReader(self.measurement_record, self._domain, check)

    def reference_reader(
        self,
        check: LayoutCheck | None = None,  # noqa: ARG002
    ) -> RecordReader[ReferenceMeasurement] | None:
        """Give None: nothing stands after the measurements."""
        return None

    def read_measurement(self, element: etree._Element) -> Measurement:
        """Read one measurement element (untrusted). Raises ContractViolation with path and rule."""
        return self._measurements.read(element)


II_RECORD = Record(II, (Member("root"), optional("extension")), is_shared=True)
PERIOD_RECORD = Record(DatePeriod, (Member("start"), Member("end")), is_shared=True)
_INTERVAL = Record(ConfidenceInterval, (Member("low", DOUBLE), Member("high", DOUBLE)))
COMMON_MEMBERS = (
    optional("confidenceInterval95percent", _INTERVAL),
    optional("standardDeviation", DOUBLE),
    optional("coverage", DOUBLE),
    optional("exclusions", DOUBLE),
)
PROPORTION_RECORD = Record(
    ProportionMeasure,
    (
        Member("rate", DOUBLE),
        Member("denominator", DOUBLE),
        Member("numerator", DOUBLE),
        *COMMON_MEMBERS,
        optional("referenceIntervalRate", DOUBLE),
    ),
)
MISSING_RECORD = Record(MissingMeasure, (optional("reasonCode"),))
_PARTY = Record(ReportingParty, (Member("hsaId"), optional("name")))
_HEAD = Record(
    ReportHead,
    (
        Member("measurementChecksum"),
        Member("reportingPeriod", PERIOD_RECORD),
        Member("reportingSystem", _PARTY),
        Member("reportingOrganization", _PARTY),
    ),
)


def ii_content(identifier: II) -> str:
    """Write the content of an IIType element."""
    extension = "" if identifier.extension is None else f"<c:extension>{escape(identifier.extension)}</c:extension>"
    return f"<c:root>{escape(identifier.root)}</c:root>{extension}"


def period_content(period: DatePeriod) -> str:
    """Write the content of a DatePeriodType element."""
    return f"<c:start>{escape(period.start)}</c:start><c:end>{escape(period.end)}</c:end>"


def optional_text(name: str, text: str | None) -> str:
    """Write a text element, nothing when there is no text."""
    return "" if text is None else f"<c:{name}>{escape(text)}</c:{name}>"


def optional_double(name: str, value: float | None) -> str:
    """Write a number element, nothing when there is no number."""
    return "" if value is None else f"<c:{name}>{format_double(value)}</c:{name}>"


def encounters_fragment(measurement: Measurement) -> str:
    """Write firstServiceEncounter and lastServiceEncounter, as far as there are any."""
    return optional_text("firstServiceEncounter", measurement.first_service_encounter) + optional_text(
        "lastServiceEncounter", measurement.last_service_encounter
    )


def proportion_fragment(measure: ProportionMeasure) -> str:
    """Write proportionMeasure."""
    return (
        f"<c:proportionMeasure><c:rate>{format_double(measure.rate)}</c:rate>"
        f"<c:denominator>{format_double(measure.denominator)}</c:denominator>"
        f"<c:numerator>{format_double(measure.numerator)}</c:numerator>{common_fields(measure)}"
        f"{optional_double('referenceIntervalRate', measure.reference_interval_rate)}</c:proportionMeasure>"
    )


def missing_fragment(reason_code: str | None) -> str:
    """Write missingMeasure."""
    return f"<c:missingMeasure>{optional_text('reasonCode', reason_code)}</c:missingMeasure>"


def common_fields(measure: ProportionMeasure | ContinuousVariableMeasure | CohortMeasure) -> str:
    """Write the fields that every measure with a value has, from the interval to exclusions."""
    interval = measure.confidence_interval_95_percent
    text = (
        ""
        if interval is None
        else f"<c:confidenceInterval95percent><c:low>{format_double(interval.low)}</c:low>"
        f"<c:high>{format_double(interval.high)}</c:high></c:confidenceInterval95percent>"
    )
    return (
        f"{text}{optional_double('standardDeviation', measure.standard_deviation)}"
        f"{optional_double('coverage', measure.coverage)}{optional_double('exclusions', measure.exclusions)}"
    )


@lru_cache(maxsize=64)
def party_content(party: ReportingParty) -> str:
    """Write HSA-id and name of a reporting party; a producer names the same two in every answer."""
    return f"<c:hsaId>{escape(party.hsa_id)}</c:hsaId>{optional_text('name', party.name)}"
