"""Writes sub-groups, distributions and reference values of GetDistributedQualityReport (domain reference 4.3)."""

from __future__ import annotations

from contracts.distributed_model import (
    Dimension,
    Distribution,
    OrganizationFilter,
    Percentile,
    ReferenceMeasurement,
    Subgroup,
    ValueClass,
)
from contracts.messages.lexical import escape, format_double
from contracts.messages.quality_indicators import ii_content, optional_double, optional_text, period_content
from contracts.messages.quality_indicators_2 import measure_fragment


def subgroup_fragment(subgroup: Subgroup) -> str:
    """Write subgroup."""
    dimensions = "".join(map(_dimension_fragment, subgroup.dimensions))
    return (
        f"<c:subgroup>{dimensions}{measure_fragment(subgroup.measure)}"
        f"{distribution_fragment(subgroup.distribution)}</c:subgroup>"
    )


def distribution_fragment(distribution: Distribution | None) -> str:
    """Write distribution, nothing when there is none."""
    if distribution is None:
        return ""
    return (
        f"<c:distribution><c:population>{format_double(distribution.population)}</c:population>"
        f"{optional_double('missingValueCount', distribution.missing_value_count)}"
        f"{''.join(map(_class_fragment, distribution.value_classes))}"
        f"{''.join(map(_percentile_fragment, distribution.percentiles))}"
        f"{optional_double('mean', distribution.mean)}{optional_double('median', distribution.median)}"
        f"{optional_double('standardDeviation', distribution.standard_deviation)}"
        f"{optional_double('minimum', distribution.minimum)}{optional_double('maximum', distribution.maximum)}"
        "</c:distribution>"
    )


def reference_content(reference: ReferenceMeasurement, organization: str) -> str:
    """Write the content of referenceMeasurement around the finished content of its organisation."""
    return (
        f"<c:measureId>{ii_content(reference.measure_id)}</c:measureId>"
        f"<c:measureIdVersionNumber>{reference.measure_id_version_number}</c:measureIdVersionNumber>"
        f"<c:measurePeriod>{period_content(reference.measure_period)}</c:measurePeriod>"
        f"<c:referenceOrganization>{organization}</c:referenceOrganization>"
        f"<c:comparisonLevel>{escape(reference.comparison_level)}</c:comparisonLevel>"
        f"<c:unitCount>{reference.unit_count}</c:unitCount>"
        f"{optional_double('population', reference.population)}"
        f"{optional_double('weightedValue', reference.weighted_value)}"
        f"{optional_double('unweightedMean', reference.unweighted_mean)}"
        f"{optional_double('standardDeviation', reference.standard_deviation)}"
        f"{''.join(map(_percentile_fragment, reference.percentiles))}"
        f"{''.join(map(_class_fragment, reference.value_classes))}"
        f"{''.join(map(subgroup_fragment, reference.subgroups))}"
        f"<c:calculatedAt>{escape(reference.calculated_at)}</c:calculatedAt>"
    )


def organization_filter_content(wanted: OrganizationFilter) -> str:
    """Write the content of a request's performingOrganization."""
    identifier = wanted.organization_id
    id_ = "" if identifier is None else f"<c:organizationId>{ii_content(identifier)}</c:organizationId>"
    return optional_text("hsaId", wanted.hsa_id) + id_


def _dimension_fragment(dimension: Dimension) -> str:
    ages = (("ageLow", dimension.age_low), ("ageHigh", dimension.age_high))
    return (
        f"<c:dimension><c:type>{escape(dimension.type)}</c:type><c:code>{ii_content(dimension.code)}</c:code>"
        f"{''.join(f'<c:{name}>{age}</c:{name}>' for name, age in ages if age is not None)}</c:dimension>"
    )


def _class_fragment(one: ValueClass) -> str:
    limits = (
        f"{optional_double('low', one.low)}{optional_double('high', one.high)}"
        f"{'' if one.low_inclusive else '<c:lowInclusive>false</c:lowInclusive>'}"
        f"{'<c:highInclusive>true</c:highInclusive>' if one.high_inclusive else ''}"
    )
    return (
        f"<c:valueClass><c:classId>{escape(one.class_id)}</c:classId>{optional_text('label', one.label)}{limits}"
        f"{optional_double('count', one.count)}{optional_double('share', one.share)}"
        f"{optional_text('reasonCode', one.reason_code)}</c:valueClass>"
    )


def _percentile_fragment(one: Percentile) -> str:
    return (
        f"<c:percentile><c:level>{format_double(one.level)}</c:level><c:value>{format_double(one.value)}</c:value>"
        "</c:percentile>"
    )
