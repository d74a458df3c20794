"""Messages of GetQualityIndicators 1.0 (contract reference 3, "Version 1 differs").

The model is that of version 2; what version 1 says otherwise, and what it cannot say, is in
docs/contract-versions.md and in the registry entry's ``losses``.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any, Final, NamedTuple
from uuid import NAMESPACE_OID, uuid5

from contracts.codes import OID_MEASURE
from contracts.errors import ContractViolation
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
    party_content,
    period_content,
    proportion_fragment,
)
from contracts.messages.records import DOUBLE, INTEGER, Choice, Member, Record, optional
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
    ReportingParty,
    SourceSystem,
)

#: UCUM's "one" with a remark: nothing is known of the unit. A count has the unit "one" itself.
UNKNOWN_UNIT: Final = "{unknown}"
COUNT_UNIT: Final = "1"
#: What a value is called when the catalogue's method is not known; the schema has no code for that.
DEFAULT_METHOD: Final = "AVERAGE"
COUNT: Final = "COUNT"
_REGION = "Sjukvardsregion"
_REASON_CODES: Final = {"INV": "UNK", "NI": "UNK"}
_VERSIONS = uuid5(NAMESPACE_OID, OID_MEASURE)


class _Quantity(NamedTuple):
    value: float
    unit: str


@lru_cache(maxsize=4096)
def version_dependent_id(measure_id: II, version_number: int) -> II:
    """Give the id of a definition's version where the catalogue's own is not known.

    A name-based UUID (version 5) in the root: the same indicator and version give the same one everywhere.
    """
    return II(str(uuid5(_VERSIONS, f"{measure_id.extension or ''}:{version_number}")))


def _continuous_or_cohort(
    quantity: _Quantity,
    method: str,
    population: float | None,
    interval: ConfidenceInterval | None,
    deviation: float | None,
    coverage: float | None,
    exclusions: float | None,
    reference: _Quantity | None,
) -> ContinuousVariableMeasure | CohortMeasure:
    """Read a continuous value; a COUNT that is of nothing is the count that version 2 calls cohortMeasure."""
    if reference is not None and reference.unit != quantity.unit:
        path = "measurement/continuousVariableMeasure/referenceIntervalValue/unit"
        raise ContractViolation("The reference has another unit than the value.", path=path)
    target = None if reference is None else reference.value
    if method == COUNT and population is None:
        return CohortMeasure(quantity.value, interval, deviation, coverage, exclusions, target)
    unit = None if quantity.unit == UNKNOWN_UNIT else quantity.unit
    return ContinuousVariableMeasure(
        quantity.value, population, interval, deviation, coverage, exclusions, target, unit, method
    )


def _measurement(
    measure_id: II, version_number: int, version_id: II, period: DatePeriod, measure: Measure, *rest: Any
) -> Measurement:
    organization, first, last = rest
    known_id = None if version_id == version_dependent_id(measure_id, version_number) else version_id
    return Measurement(measure_id, version_number, period, measure, organization, None, first, last, known_id)


def _organization(name: str | None, *rest: Any) -> PerformingOrganization:
    return PerformingOrganization(name or "", *rest)


_QUANTITY = Record(_Quantity, (Member("value", DOUBLE), Member("unit")))
_CONTINUOUS = Record(
    _continuous_or_cohort,
    (
        Member("value", _QUANTITY),
        Member("method"),
        optional("measurePopulation", DOUBLE),
        *COMMON_MEMBERS,
        optional("referenceIntervalValue", _QUANTITY),
    ),
)
_ORGANIZATION = Record(
    _organization,
    (
        optional("organizationName"),
        Member("organizationType"),
        optional("hsaId"),
        optional("organizationId", II_RECORD),
        optional("asOrganizationPartOf", None),
    ),
    is_shared=True,
)
_MEASUREMENT = Record(
    _measurement,
    (
        Member("measureIdVersionIndependent", II_RECORD),
        Member("measureIdVersionNumber", INTEGER),
        Member("measureIdVersionDependent", II_RECORD),
        Member("measurePeriod", PERIOD_RECORD),
        Choice(
            {
                "proportionMeasure": PROPORTION_RECORD,
                "continuousVariableMeasure": _CONTINUOUS,
                "missingMeasure": MISSING_RECORD,
            },
            rule="1.1",
        ),
        Member("performingOrganization", _ORGANIZATION),
        optional("firstServiceEncounter"),
        optional("lastServiceEncounter"),
    ),
)


class QualityIndicators1(QualityIndicators):
    """Codec of version 1. See `MessageCodec`."""

    measure_id_element = "measureIdVersionIndependent"
    allows_every_indicator = True
    requires_organization_name = False
    uses_catalogue = True
    measurement_record = _MEASUREMENT

    def expresses(self, organization: PerformingOrganization) -> bool:
        """Version 1 has no Sjukvardsregion."""
        return organization.organization_type != _REGION

    def source_fragment(self, source: SourceSystem | None) -> str:  # noqa: ARG002
        """Write nothing: version 1 has no sourceSystem."""
        return ""

    def measurement_fragment(self, measurement: Measurement, *, organization: str, source: str) -> bytes:
        """Write one measurement element around finished organisation and source fragments."""
        measure_id, version_number = measurement.measure_id, measurement.measure_id_version_number
        version_id = measurement.measure_id_version_dependent or version_dependent_id(measure_id, version_number)
        return (
            "<c:measurement>"
            f"<c:measureIdVersionIndependent>{ii_content(measure_id)}</c:measureIdVersionIndependent>"
            f"<c:measureIdVersionNumber>{version_number}</c:measureIdVersionNumber>"
            f"<c:measureIdVersionDependent>{ii_content(version_id)}</c:measureIdVersionDependent>"
            f"<c:measurePeriod>{period_content(measurement.measure_period)}</c:measurePeriod>"
            f"{encounters_fragment(measurement)}{_measure_fragment(measurement.measure)}{organization}{source}"
            "</c:measurement>"
        ).encode()

    def _reporting_organization_content(self, party: ReportingParty) -> str:
        return party_content(ReportingParty(party.hsa_id))

    def _organization_content(self, organization: PerformingOrganization) -> str:
        if not self.expresses(organization):
            raise ValueError("version 1 cannot name a Sjukvardsregion")
        return super()._organization_content(_without_region_above(organization))


def _without_region_above(organization: PerformingOrganization) -> PerformingOrganization:
    """Let the organisation be part of what stands above the Sjukvardsregion that it is part of."""
    parent = organization.as_organization_part_of
    while parent is not None and parent.organization_type == _REGION:
        parent = parent.as_organization_part_of
    if parent is organization.as_organization_part_of:
        return organization
    return replace(organization, as_organization_part_of=parent)


def _measure_fragment(measure: Measure) -> str:
    if isinstance(measure, MissingMeasure):
        code = measure.reason_code
        return missing_fragment(None if code is None else _REASON_CODES.get(code, code))
    if isinstance(measure, ProportionMeasure):
        return proportion_fragment(measure)
    if isinstance(measure, CohortMeasure):
        return _continuous_fragment(measure, measure.cohort, COUNT_UNIT, COUNT)
    return _continuous_fragment(measure, measure.value, measure.unit or UNKNOWN_UNIT, measure.method or DEFAULT_METHOD)


def _continuous_fragment(
    measure: CohortMeasure | ContinuousVariableMeasure, value: float, unit: str, method: str
) -> str:
    population = measure.measure_population if isinstance(measure, ContinuousVariableMeasure) else None
    reference = measure.reference_interval_value
    return (
        f"<c:continuousVariableMeasure>{optional_double('measurePopulation', population)}"
        f"<c:value>{_quantity_content(value, unit)}</c:value><c:method>{escape(method)}</c:method>"
        f"{common_fields(measure)}"
        + (
            ""
            if reference is None
            else f"<c:referenceIntervalValue>{_quantity_content(reference, unit)}</c:referenceIntervalValue>"
        )
        + "</c:continuousVariableMeasure>"
    )


def _quantity_content(value: float, unit: str) -> str:
    return f"<c:value>{format_double(value)}</c:value><c:unit>{escape(unit)}</c:unit>"
