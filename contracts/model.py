"""The contract's data as frozen dataclasses, named after its elements (contract versions 1-3).

Numbers are floats as the schema's ``xs:double``. Dates are the contract's own text ``YYYYMMDD``: text order is
date order, and a date that does not exist in the calendar (rule 1.14) can be carried to be reported.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

OrganizationType = Literal["Land", "Sjukvardsregion", "Lan", "Kommun", "Sjukhus", "Vardenhet"]
ReasonCode = Literal["MSK", "INV", "UNK", "NI"]
MeasureKind = Literal["proportion", "continuous", "cohort"]


@dataclass(frozen=True, slots=True)
class II:
    """Instance identifier (IIType): ``root`` is an OID, ``extension`` the id within it."""

    root: str
    extension: str | None = None


@dataclass(frozen=True, slots=True, order=True)
class DatePeriod:
    """Closed period of two ``YYYYMMDD`` dates (DatePeriodType)."""

    start: str
    end: str


@dataclass(frozen=True, slots=True)
class ConfidenceInterval:
    """confidenceInterval95percent, in the unit of the value it belongs to."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ProportionMeasure:
    """A share: ``rate`` 0..1 is ``numerator / denominator``; ``coverage`` 0..1; ``exclusions`` is a count."""

    rate: float
    denominator: float
    numerator: float
    confidence_interval_95_percent: ConfidenceInterval | None = None
    standard_deviation: float | None = None
    coverage: float | None = None
    exclusions: float | None = None
    reference_interval_rate: float | None = None


@dataclass(frozen=True, slots=True)
class ContinuousVariableMeasure:
    """A mean, median or other value; ``measure_population`` is the number of observations behind it.

    Only version 1 carries ``unit`` (UCUM, of the value and the reference) and ``method`` (AVERAGE, COUNT, MAX,
    MEDIAN, MIN, MODE, SUM); later versions leave both to the catalogue.
    """

    value: float
    measure_population: float | None = None
    confidence_interval_95_percent: ConfidenceInterval | None = None
    standard_deviation: float | None = None
    coverage: float | None = None
    exclusions: float | None = None
    reference_interval_value: float | None = None
    unit: str | None = None
    method: str | None = None


@dataclass(frozen=True, slots=True)
class CohortMeasure:
    """A count of individuals or events."""

    cohort: float
    confidence_interval_95_percent: ConfidenceInterval | None = None
    standard_deviation: float | None = None
    coverage: float | None = None
    exclusions: float | None = None
    reference_interval_value: float | None = None


@dataclass(frozen=True, slots=True)
class MissingMeasure:
    """No value, and why: MSK masked, INV basis is zero, UNK not reported, NI not known (rule 1.13: required)."""

    reason_code: str | None = None


Measure: TypeAlias = ProportionMeasure | ContinuousVariableMeasure | CohortMeasure | MissingMeasure


@dataclass(frozen=True, slots=True)
class PerformingOrganization:
    """The organisation a value is about, with its chain upwards to Land."""

    organization_name: str
    organization_type: str
    hsa_id: str | None = None
    organization_id: II | None = None
    as_organization_part_of: PerformingOrganization | None = None


@dataclass(frozen=True, slots=True)
class SourceSystem:
    """The system that holds the observations (sourceSystem)."""

    system_id: II
    name: str


@dataclass(frozen=True, slots=True)
class Measurement:
    """One value of one indicator for one organisation and one period.

    ``source_system`` is None only where version 1 was read, which has none; ``measure_id_version_dependent`` (root:
    the UUID of the definition's version) is version 1's alone.
    """

    measure_id: II
    measure_id_version_number: int
    measure_period: DatePeriod
    measure: Measure
    performing_organization: PerformingOrganization
    source_system: SourceSystem | None
    first_service_encounter: str | None = None
    last_service_encounter: str | None = None
    measure_id_version_dependent: II | None = None


@dataclass(frozen=True, slots=True)
class ReportingParty:
    """reportingSystem or reportingOrganization: HSA-id and name."""

    hsa_id: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class ReportHead:
    """AggregatedQualityReport without its measurements."""

    measurement_checksum: str
    reporting_period: DatePeriod
    reporting_system: ReportingParty
    reporting_organization: ReportingParty


@dataclass(frozen=True, slots=True)
class QualityIndicatorsRequest:
    """A question. ``measure_ids`` empty means every indicator (contract version 1 only)."""

    measure_ids: tuple[II, ...]
    reporting_period: DatePeriod
    include_measurements: bool = True


@dataclass(frozen=True, slots=True)
class MeasureDefinition:
    """What the catalogue says of an indicator, as far as rules need it.

    ``display_threshold`` is the smallest denominator or population that may be shown (None: no threshold).
    ``is_standardised``: the rate is case-mix adjusted and need not equal numerator / denominator. ``unit`` (UCUM),
    ``method`` and ``version_id`` (UUID of this version of the definition) are what contract version 1 sends.
    """

    measure_id: str
    version_number: int
    kind: MeasureKind
    title: str = ""
    display_threshold: float | None = None
    is_standardised: bool = False
    unit: str | None = None
    method: str | None = None
    version_id: str | None = None
