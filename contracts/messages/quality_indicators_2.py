"""Messages of GetQualityIndicators 2.0 (contract reference 3): writer to fragments, reader from elements."""

from __future__ import annotations

from lxml import etree

from contracts.messages.codec import ReportTags
from contracts.messages.lexical import escape, format_double, parse_boolean
from contracts.messages.records import (
    DOUBLE,
    INTEGER,
    Choice,
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
    Measure,
    Measurement,
    MissingMeasure,
    PerformingOrganization,
    ProportionMeasure,
    QualityIndicatorsRequest,
    ReportHead,
    ReportingParty,
    SourceSystem,
)
from contracts.soap import REGISTRY_NAMESPACE, SOAP_NAMESPACE


class QualityIndicators2:
    """Codec of version 2; the namespaces are those of the registry entry. See `MessageCodec`."""

    def __init__(self, responder_namespace: str, domain_namespace: str) -> None:
        self._responder = responder_namespace
        self._domain = domain_namespace
        report = f"{{{responder_namespace}}}AggregatedQualityReport"
        self.tags = ReportTags(
            response=f"{{{responder_namespace}}}GetQualityIndicatorsResponse",
            report=report,
            measurement=f"{{{domain_namespace}}}measurement",
        )
        self._measurements = self.measurement_reader()

    # -- request -----------------------------------------------------------------------------------------------

    def read_request(self, element: etree._Element) -> QualityIndicatorsRequest:
        """Read a request element that has been validated against the schema."""
        measure_ids: list[II] = []
        period = DatePeriod("", "")
        include = True
        for child in element.iterchildren(f"{{{self._responder}}}*"):
            name = etree.QName(child).localname
            texts = [part.text or "" for part in child.iterchildren(f"{{{self._domain}}}*")]
            if name == "measureId":
                measure_ids.append(II(texts[0], texts[1] if len(texts) > 1 else None))
            elif name == "reportingPeriod":
                period = DatePeriod(texts[0], texts[1])
            elif name == "includeMeasurements":
                include = parse_boolean(child.text, default=True)
        return QualityIndicatorsRequest(tuple(measure_ids), period, include)

    def write_request(self, logical_address: str, request: QualityIndicatorsRequest) -> bytes:
        """Write a whole request envelope."""
        ids = "".join(f"<r:measureId>{_ii_content(measure_id)}</r:measureId>" for measure_id in request.measure_ids)
        include = "true" if request.include_measurements else "false"
        return (
            f'<e:Envelope xmlns:e="{SOAP_NAMESPACE}" xmlns:h="{REGISTRY_NAMESPACE}" xmlns:r="{self._responder}"'
            f' xmlns:c="{self._domain}"><e:Header><h:LogicalAddress>{escape(logical_address)}'
            f"</h:LogicalAddress></e:Header><e:Body><r:GetQualityIndicators>{ids}"
            f"<r:reportingPeriod>{_period_content(request.reporting_period)}</r:reportingPeriod>"
            f"<r:includeMeasurements>{include}</r:includeMeasurements>"
            "</r:GetQualityIndicators></e:Body></e:Envelope>"
        ).encode()

    # -- answer, written ---------------------------------------------------------------------------------------

    def answer_prefix(self, head: ReportHead) -> bytes:
        """Write an answer up to where its measurements begin."""
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<e:Envelope xmlns:e="{SOAP_NAMESPACE}" xmlns:r="{self._responder}" xmlns:c="{self._domain}">'
            "<e:Body><r:GetQualityIndicatorsResponse><r:AggregatedQualityReport>"
            f"<c:measurementChecksum>{escape(head.measurement_checksum)}</c:measurementChecksum>"
            f"<c:reportingPeriod>{_period_content(head.reporting_period)}</c:reportingPeriod>"
            f"<c:reportingSystem>{_party_content(head.reporting_system)}</c:reportingSystem>"
            f"<c:reportingOrganization>{_party_content(head.reporting_organization)}</c:reportingOrganization>"
        ).encode()

    def answer_suffix(self) -> bytes:
        """Write what follows the last measurement."""
        return b"</r:AggregatedQualityReport></r:GetQualityIndicatorsResponse></e:Body></e:Envelope>"

    def organization_fragment(self, organization: PerformingOrganization) -> str:
        """Write performingOrganization with its chain upwards."""
        return f"<c:performingOrganization>{_organization_content(organization)}</c:performingOrganization>"

    def source_fragment(self, source: SourceSystem) -> str:
        """Write sourceSystem."""
        return (
            f"<c:sourceSystem><c:systemId>{_ii_content(source.system_id)}</c:systemId>"
            f"<c:name>{escape(source.name)}</c:name></c:sourceSystem>"
        )

    def measurement_fragment(self, measurement: Measurement, *, organization: str, source: str) -> bytes:
        """Write one measurement element around finished organisation and source fragments."""
        encounters = _optional_text("firstServiceEncounter", measurement.first_service_encounter)
        encounters += _optional_text("lastServiceEncounter", measurement.last_service_encounter)
        return (
            f"<c:measurement><c:measureId>{_ii_content(measurement.measure_id)}</c:measureId>"
            f"<c:measureIdVersionNumber>{measurement.measure_id_version_number}</c:measureIdVersionNumber>"
            f"<c:measurePeriod>{_period_content(measurement.measure_period)}</c:measurePeriod>"
            f"{encounters}{_measure_fragment(measurement.measure)}{organization}{source}</c:measurement>"
        ).encode()

    # -- answer, read ------------------------------------------------------------------------------------------

    def read_head(self, report: etree._Element) -> ReportHead:
        """Read the elements before the measurements (untrusted). Raises ContractViolation."""
        return RecordReader[ReportHead](_HEAD, self._domain).read(head_of(report, self.tags.measurement))

    def measurement_reader(self, check: LayoutCheck | None = None) -> RecordReader[Measurement]:
        """Make a reader of measurement elements (untrusted); ``check`` may refuse a layout that it meets first."""
        return RecordReader(_MEASUREMENT, self._domain, check)

    def read_measurement(self, element: etree._Element) -> Measurement:
        """Read one measurement element (untrusted). Raises ContractViolation with path and rule."""
        return self._measurements.read(element)


_II = Record(II, (Member("root"), optional("extension")), is_shared=True)
_PERIOD = Record(DatePeriod, (Member("start"), Member("end")), is_shared=True)
_PARTY = Record(ReportingParty, (Member("hsaId"), optional("name")))
_INTERVAL = Record(ConfidenceInterval, (Member("low", DOUBLE), Member("high", DOUBLE)))
_COMMON = (
    optional("confidenceInterval95percent", _INTERVAL),
    optional("standardDeviation", DOUBLE),
    optional("coverage", DOUBLE),
    optional("exclusions", DOUBLE),
)
_PROPORTION = Record(
    ProportionMeasure,
    (
        Member("rate", DOUBLE),
        Member("denominator", DOUBLE),
        Member("numerator", DOUBLE),
        *_COMMON,
        optional("referenceIntervalRate", DOUBLE),
    ),
)
_CONTINUOUS = Record(
    ContinuousVariableMeasure,
    (
        Member("value", DOUBLE),
        optional("measurePopulation", DOUBLE),
        *_COMMON,
        optional("referenceIntervalValue", DOUBLE),
    ),
)
_COHORT = Record(CohortMeasure, (Member("cohort", DOUBLE), *_COMMON, optional("referenceIntervalValue", DOUBLE)))
_MEASURE = Choice(
    {
        "proportionMeasure": _PROPORTION,
        "continuousVariableMeasure": _CONTINUOUS,
        "cohortMeasure": _COHORT,
        "missingMeasure": Record(MissingMeasure, (optional("reasonCode"),)),
    },
    rule="1.1",
)
_ORGANIZATION = Record(
    PerformingOrganization,
    (
        Member("organizationName"),
        Member("organizationType"),
        optional("hsaId"),
        optional("organizationId", _II),
        optional("asOrganizationPartOf", None),
    ),
    is_shared=True,
)
_MEASUREMENT = Record(
    Measurement,
    (
        Member("measureId", _II),
        Member("measureIdVersionNumber", INTEGER),
        Member("measurePeriod", _PERIOD),
        _MEASURE,
        Member("performingOrganization", _ORGANIZATION),
        Member("sourceSystem", Record(SourceSystem, (Member("systemId", _II), Member("name")), is_shared=True)),
        optional("firstServiceEncounter"),
        optional("lastServiceEncounter"),
    ),
)
_HEAD = Record(
    ReportHead,
    (
        Member("measurementChecksum"),
        Member("reportingPeriod", _PERIOD),
        Member("reportingSystem", _PARTY),
        Member("reportingOrganization", _PARTY),
    ),
)


def _ii_content(identifier: II) -> str:
    extension = "" if identifier.extension is None else f"<c:extension>{escape(identifier.extension)}</c:extension>"
    return f"<c:root>{escape(identifier.root)}</c:root>{extension}"


def _period_content(period: DatePeriod) -> str:
    return f"<c:start>{escape(period.start)}</c:start><c:end>{escape(period.end)}</c:end>"


def _party_content(party: ReportingParty) -> str:
    return f"<c:hsaId>{escape(party.hsa_id)}</c:hsaId>{_optional_text('name', party.name)}"


def _optional_text(name: str, text: str | None) -> str:
    return "" if text is None else f"<c:{name}>{escape(text)}</c:{name}>"


def _optional_double(name: str, value: float | None) -> str:
    return "" if value is None else f"<c:{name}>{format_double(value)}</c:{name}>"


def _organization_content(organization: PerformingOrganization) -> str:
    identifier = organization.organization_id
    parent = organization.as_organization_part_of
    return (
        f"{_optional_text('hsaId', organization.hsa_id)}"
        f"<c:organizationName>{escape(organization.organization_name)}</c:organizationName>"
        f"<c:organizationType>{escape(organization.organization_type)}</c:organizationType>"
        + ("" if identifier is None else f"<c:organizationId>{_ii_content(identifier)}</c:organizationId>")
        + (
            ""
            if parent is None
            else f"<c:asOrganizationPartOf>{_organization_content(parent)}</c:asOrganizationPartOf>"
        )
    )


def _measure_fragment(measure: Measure) -> str:
    if isinstance(measure, MissingMeasure):
        return f"<c:missingMeasure>{_optional_text('reasonCode', measure.reason_code)}</c:missingMeasure>"
    if isinstance(measure, ProportionMeasure):
        return (
            f"<c:proportionMeasure><c:rate>{format_double(measure.rate)}</c:rate>"
            f"<c:denominator>{format_double(measure.denominator)}</c:denominator>"
            f"<c:numerator>{format_double(measure.numerator)}</c:numerator>{_common_fields(measure)}"
            f"{_optional_double('referenceIntervalRate', measure.reference_interval_rate)}</c:proportionMeasure>"
        )
    reference = _optional_double("referenceIntervalValue", measure.reference_interval_value)
    if isinstance(measure, CohortMeasure):
        return (
            f"<c:cohortMeasure><c:cohort>{format_double(measure.cohort)}</c:cohort>"
            f"{_common_fields(measure)}{reference}</c:cohortMeasure>"
        )
    return (
        "<c:continuousVariableMeasure>"
        f"{_optional_double('measurePopulation', measure.measure_population)}"
        f"<c:value>{format_double(measure.value)}</c:value>"
        f"{_common_fields(measure)}{reference}</c:continuousVariableMeasure>"
    )


def _common_fields(measure: ProportionMeasure | ContinuousVariableMeasure | CohortMeasure) -> str:
    interval = measure.confidence_interval_95_percent
    text = (
        ""
        if interval is None
        else f"<c:confidenceInterval95percent><c:low>{format_double(interval.low)}</c:low>"
        f"<c:high>{format_double(interval.high)}</c:high></c:confidenceInterval95percent>"
    )
    return (
        f"{text}{_optional_double('standardDeviation', measure.standard_deviation)}"
        f"{_optional_double('coverage', measure.coverage)}{_optional_double('exclusions', measure.exclusions)}"
    )
