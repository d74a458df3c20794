"""The data of GetDistributedQualityReport as frozen dataclasses (domain reference 4.3, a reconstruction).

Everything reuses the contract's model: a distributed measurement is a measurement (the total of its unit) with
sub-groups and a distribution, and a question is a question with filters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from contracts.model import (
    II,
    DatePeriod,
    Measure,
    Measurement,
    PerformingOrganization,
    QualityIndicatorsRequest,
)

DimensionType = Literal["SEX", "AGE", "OTHER"]
Stratification = Literal["SEX", "AGE", "SEX_AGE"]

FEWEST_UNITS: Final = 5
"""Reference values are only made over so many units or more (domain reference 4.3)."""


@dataclass(frozen=True, slots=True)
class Dimension:
    """What a sub-group is divided by: a sex (1 man, 2 woman) or an age band such as ``18-44``, in whole years."""

    type: str
    code: II
    age_low: int | None = None
    age_high: int | None = None


@dataclass(frozen=True, slots=True)
class ValueClass:
    """A class of values and how many are in it: ``count`` or, when that is not shown, ``reason_code``.

    No ``low`` or ``high``: open in that direction. A class without limits and values has only a name.
    """

    class_id: str
    label: str | None = None
    low: float | None = None
    high: float | None = None
    low_inclusive: bool = True
    high_inclusive: bool = False
    count: float | None = None
    share: float | None = None
    reason_code: str | None = None


@dataclass(frozen=True, slots=True)
class Percentile:
    """The value below which ``level`` per cent (0-100) of the values lie."""

    level: float
    value: float


@dataclass(frozen=True, slots=True)
class Distribution:
    """How the values of ``population`` individuals are spread; ``missing_value_count`` of them have none."""

    population: float
    missing_value_count: float | None = None
    value_classes: tuple[ValueClass, ...] = ()
    percentiles: tuple[Percentile, ...] = ()
    mean: float | None = None
    median: float | None = None
    standard_deviation: float | None = None
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True, slots=True)
class Subgroup:
    """The part of a total that its dimensions name."""

    dimensions: tuple[Dimension, ...]
    measure: Measure
    distribution: Distribution | None = None

    @property
    def stratification(self) -> str:
        """What it is divided by, as a question names it: SEX, AGE or SEX_AGE; else the types as they are."""
        types = {dimension.type for dimension in self.dimensions}
        return "SEX_AGE" if types == {"SEX", "AGE"} else "_".join(sorted(types))


@dataclass(frozen=True, slots=True)
class DistributedMeasurement(Measurement):
    """A unit's total (`Measurement.measure`), its parts by sex and age, and the distribution of its values."""

    subgroups: tuple[Subgroup, ...] = ()
    distribution: Distribution | None = None


@dataclass(frozen=True, slots=True)
class ReferenceMeasurement:
    """What the units of an organisation have together, for a unit to compare itself with.

    ``weighted_value`` is that of all patients together, ``unweighted_mean`` the mean of the units; standard deviation,
    percentiles and classes are over units. ``comparison_level`` is the units' organisation type; ``calculated_at`` is
    ``YYYYMMDDhhmmss``.
    """

    measure_id: II
    measure_id_version_number: int
    measure_period: DatePeriod
    reference_organization: PerformingOrganization
    comparison_level: str
    unit_count: int
    calculated_at: str
    population: float | None = None
    weighted_value: float | None = None
    unweighted_mean: float | None = None
    standard_deviation: float | None = None
    percentiles: tuple[Percentile, ...] = ()
    value_classes: tuple[ValueClass, ...] = ()
    subgroups: tuple[Subgroup, ...] = ()


@dataclass(frozen=True, slots=True)
class OrganizationFilter:
    """An organisation to report of, by HSA-id or by another identifier."""

    hsa_id: str | None = None
    organization_id: II | None = None


@dataclass(frozen=True, slots=True)
class DistributedReportRequest(QualityIndicatorsRequest):
    """A question with filters. No ``performing_organizations``: every one; no ``stratifications``: no sub-groups."""

    performing_organizations: tuple[OrganizationFilter, ...] = ()
    stratifications: tuple[str, ...] = ()
    include_distribution: bool = True
    include_reference_values: bool = False
