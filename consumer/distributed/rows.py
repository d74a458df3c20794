"""From distributed measurements and reference values to tidy rows (`consumer.distributed.tables`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from consumer.question import iso_day
from contracts.distributed_model import (
    DistributedMeasurement,
    Distribution,
    Percentile,
    ReferenceMeasurement,
    Subgroup,
    ValueClass,
)
from contracts.model import (
    CohortMeasure,
    ContinuousVariableMeasure,
    Measure,
    MissingMeasure,
    PerformingOrganization,
    ProportionMeasure,
)

Row = dict[str, Any]
_CLASS_FIELDS = ("class_id", "label", "low", "high", "low_inclusive", "high_inclusive", "count", "share", "reason_code")


def measurement_rows(measurement: DistributedMeasurement) -> Iterator[Row]:
    """Give the rows of one unit's results: its total, its sub-groups, and the parts of their distributions."""
    place = _key(measurement) | _organization(measurement.performing_organization) | {"scope": "unit"}
    yield from _stratum(place, measurement.measure, measurement.distribution)
    yield from _subgroups(place, measurement.subgroups)


def reference_rows(reference: ReferenceMeasurement) -> Iterator[Row]:
    """Give the rows of one reference value, its parts and its sub-groups."""
    place = _key(reference) | _organization(reference.reference_organization) | {"scope": "reference"}
    facts = {
        "comparison_level": reference.comparison_level,
        "unit_count": reference.unit_count,
        "calculated_at": reference.calculated_at,
        "population": reference.population,
        "weighted_value": reference.weighted_value,
        "unweighted_mean": reference.unweighted_mean,
        "sd": reference.standard_deviation,
    }
    yield place | {"part": "value"} | facts
    yield from _parts(place, reference.value_classes, reference.percentiles)
    yield from _subgroups(place, reference.subgroups)


def _subgroups(place: Row, subgroups: Iterable[Subgroup]) -> Iterator[Row]:
    for subgroup in subgroups:
        codes = {one.type: one.code.extension for one in subgroup.dimensions}
        stratum = {"sex": codes.get("SEX"), "age_band": codes.get("AGE")}
        yield from _stratum(place | stratum, subgroup.measure, subgroup.distribution)


def _stratum(place: Row, measure: Measure, distribution: Distribution | None) -> Iterator[Row]:
    row = place | {"part": "value"} | _measure(measure)
    if distribution is None:
        yield row
        return
    yield row | {
        "population": distribution.population,
        "missing_count": distribution.missing_value_count,
        "mean": distribution.mean,
        "median": distribution.median,
        "deviation": distribution.standard_deviation,
        "minimum": distribution.minimum,
        "maximum": distribution.maximum,
    }
    yield from _parts(place, distribution.value_classes, distribution.percentiles)


def _parts(place: Row, classes: Iterable[ValueClass], percentiles: Iterable[Percentile]) -> Iterator[Row]:
    for one in classes:
        yield place | {"part": "class"} | {name: getattr(one, name) for name in _CLASS_FIELDS}
    for percentile in percentiles:
        yield place | {"part": "percentile", "level": percentile.level, "value": percentile.value}


def _measure(measure: Measure) -> Row:
    if isinstance(measure, MissingMeasure):
        return {"kind": "missing", "reason_code": measure.reason_code}
    interval = measure.confidence_interval_95_percent
    common = {
        "ci_low": None if interval is None else interval.low,
        "ci_high": None if interval is None else interval.high,
        "sd": measure.standard_deviation,
        "coverage": measure.coverage,
        "exclusions": measure.exclusions,
    }
    if isinstance(measure, ProportionMeasure):
        counts = {"value": measure.rate, "numerator": measure.numerator, "denominator": measure.denominator}
        return common | counts | {"kind": "proportion", "target": measure.reference_interval_rate}
    common["target"] = measure.reference_interval_value
    if isinstance(measure, CohortMeasure):
        return common | {"kind": "cohort", "value": measure.cohort}
    assert isinstance(measure, ContinuousVariableMeasure)
    return common | {"kind": "continuous", "value": measure.value, "denominator": measure.measure_population}


def _key(one: DistributedMeasurement | ReferenceMeasurement) -> Row:
    return {
        "measure_id": one.measure_id.extension,
        "measure_version": one.measure_id_version_number,
        "period_start": iso_day(one.measure_period.start),
        "period_end": iso_day(one.measure_period.end),
    }


def _organization(organization: PerformingOrganization) -> Row:
    codes: dict[str, str | None] = {}
    node: PerformingOrganization | None = organization
    while node is not None:
        identifier = node.organization_id
        codes.setdefault(node.organization_type, node.hsa_id or (identifier.extension if identifier else None))
        node = node.as_organization_part_of
    return {
        "org_level": organization.organization_type,
        "org_id": codes[organization.organization_type],
        "org_name": organization.organization_name,
        "region_code": codes.get("Lan"),
        "municipality_code": codes.get("Kommun"),
    }
