"""Messages of GetQualityIndicators 2.0, and of 3.0 as it is reconstructed (contract reference 3)."""

from __future__ import annotations

from contracts.messages.lexical import escape, format_double
from contracts.messages.quality_indicators import (
    COMMON_MEMBERS,
    II_RECORD,
    MISSING_RECORD,
    PERIOD_RECORD,
    PROPORTION_RECORD,
    QualityIndicators,
    common_fields,
    encounters_fragment,
    ii_content,
    missing_fragment,
    optional_double,
    period_content,
    proportion_fragment,
)
from contracts.messages.records import DOUBLE, INTEGER, Choice, Member, Record, optional
from contracts.model import (
    CohortMeasure,
    ContinuousVariableMeasure,
    Measure,
    Measurement,
    MissingMeasure,
    PerformingOrganization,
    ProportionMeasure,
    SourceSystem,
)

_CONTINUOUS = Record(
    ContinuousVariableMeasure,
    (
        Member("value", DOUBLE),
        optional("measurePopulation", DOUBLE),
        *COMMON_MEMBERS,
        optional("referenceIntervalValue", DOUBLE),
    ),
)
_COHORT = Record(CohortMeasure, (Member("cohort", DOUBLE), *COMMON_MEMBERS, optional("referenceIntervalValue", DOUBLE)))
ORGANIZATION_RECORD = Record(
    PerformingOrganization,
    (
        Member("organizationName"),
        Member("organizationType"),
        optional("hsaId"),
        optional("organizationId", II_RECORD),
        optional("asOrganizationPartOf", None),
    ),
    is_shared=True,
)
SOURCE_RECORD = Record(SourceSystem, (Member("systemId", II_RECORD), Member("name")), is_shared=True)
MEASURES = Choice(
    {
        "proportionMeasure": PROPORTION_RECORD,
        "continuousVariableMeasure": _CONTINUOUS,
        "cohortMeasure": _COHORT,
        "missingMeasure": MISSING_RECORD,
    },
    rule="1.1",
)
_MEASUREMENT = Record(
    Measurement,
    (
        Member("measureId", II_RECORD),
        Member("measureIdVersionNumber", INTEGER),
        Member("measurePeriod", PERIOD_RECORD),
        MEASURES,
        Member("performingOrganization", ORGANIZATION_RECORD),
        Member("sourceSystem", SOURCE_RECORD),
        optional("firstServiceEncounter"),
        optional("lastServiceEncounter"),
    ),
)


class QualityIndicators2(QualityIndicators):
    """Codec of version 2. See `MessageCodec`."""

    measure_id_element = "measureId"
    allows_every_indicator = False
    requires_organization_name = True
    uses_catalogue = False
    measurement_record = _MEASUREMENT

    def expresses(self, organization: PerformingOrganization) -> bool:  # noqa: ARG002
        """Every organisation of the model can be named."""
        return True

    def source_fragment(self, source: SourceSystem | None) -> str:
        """Write sourceSystem. Raises ValueError when there is none."""
        if source is None:
            raise ValueError("a measurement of this version needs a source system")
        return (
            f"<c:sourceSystem><c:systemId>{ii_content(source.system_id)}</c:systemId>"
            f"<c:name>{escape(source.name)}</c:name></c:sourceSystem>"
        )

    def measurement_fragment(self, measurement: Measurement, *, organization: str, source: str) -> bytes:
        """Write one measurement element around finished organisation and source fragments."""
        return (
            f"<c:measurement><c:measureId>{ii_content(measurement.measure_id)}</c:measureId>"
            f"<c:measureIdVersionNumber>{measurement.measure_id_version_number}</c:measureIdVersionNumber>"
            f"<c:measurePeriod>{period_content(measurement.measure_period)}</c:measurePeriod>"
            f"{encounters_fragment(measurement)}{measure_fragment(measurement.measure)}{organization}{source}"
            "</c:measurement>"
        ).encode()


def measure_fragment(measure: Measure) -> str:
    """Write the element of a measure."""
    if isinstance(measure, MissingMeasure):
        return missing_fragment(measure.reason_code)
    if isinstance(measure, ProportionMeasure):
        return proportion_fragment(measure)
    reference = optional_double("referenceIntervalValue", measure.reference_interval_value)
    if isinstance(measure, CohortMeasure):
        return (
            f"<c:cohortMeasure><c:cohort>{format_double(measure.cohort)}</c:cohort>"
            f"{common_fields(measure)}{reference}</c:cohortMeasure>"
        )
    return (
        "<c:continuousVariableMeasure>"
        f"{optional_double('measurePopulation', measure.measure_population)}"
        f"<c:value>{format_double(measure.value)}</c:value>"
        f"{common_fields(measure)}{reference}</c:continuousVariableMeasure>"
    )
