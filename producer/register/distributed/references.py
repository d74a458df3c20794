"""Reference values over the units of an indicator and period (domain reference 4.3).

Made only over five units or more whose value is shown; so few that one could be told from the rest get none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, stdev
from typing import Any, Final

from sqlalchemy import Table

from contracts.distributed_model import (
    FEWEST_UNITS,
    DistributedMeasurement,
    Distribution,
    Percentile,
    ValueClass,
)
from contracts.model import ContinuousVariableMeasure, Measure, ProportionMeasure
from producer.register.distributed.storing import Row, Stratum, part_rows
from producer.register.distributed.tables import REFERENCE, reference_value

LEVELS: Final = (10.0, 25.0, 50.0, 75.0, 90.0)
"""Percentiles that are made over units."""

COMPARISON_LEVEL: Final = "Vardenhet"


@dataclass(frozen=True, slots=True)
class _Result:
    """A unit's value in a stratum, the individuals behind it, and the distribution of their values."""

    value: float
    population: float | None
    numerator: float | None
    distribution: Distribution | None


def reference_rows(units: Iterable[DistributedMeasurement]) -> Iterator[tuple[Table, Row]]:
    """Give the rows of reference values over the units of a group, without the number of their organisation.

    Sub-groups have theirs as well, where a total has and enough units show them.
    """
    by_stratum: dict[Stratum, list[_Result]] = defaultdict(list)
    for unit in units:
        if unit.performing_organization.organization_type == COMPARISON_LEVEL:
            _note(by_stratum[Stratum()], unit.measure, unit.distribution)
            for subgroup in unit.subgroups:
                _note(by_stratum[Stratum.of(subgroup)], subgroup.measure, subgroup.distribution)
    if len(by_stratum[Stratum()]) < FEWEST_UNITS:
        return
    for stratum, results in by_stratum.items():
        has_weights = all(result.population for result in results)
        if len(results) >= FEWEST_UNITS and (has_weights or stratum == Stratum()):
            yield from _rows(stratum, results, has_weights=has_weights)


def _note(results: list[_Result], measure: Measure, distribution: Distribution | None) -> None:
    """Note a result that can be compared; a count cannot, for units differ in size."""
    if isinstance(measure, ProportionMeasure):
        results.append(_Result(measure.rate, measure.denominator, measure.numerator, distribution))
    elif isinstance(measure, ContinuousVariableMeasure):
        results.append(_Result(measure.value, measure.measure_population, None, distribution))


def _rows(stratum: Stratum, results: Sequence[_Result], *, has_weights: bool) -> Iterator[tuple[Table, Row]]:
    values = [result.value for result in results]
    population = sum(result.population or 0.0 for result in results) if has_weights else None
    is_proportion = results[0].numerator is not None
    numerator = sum(result.numerator or 0.0 for result in results) if is_proportion else None
    place: Row = {"stratum": stratum.key}
    yield (
        reference_value,
        place
        | {
            "sex": stratum.sex,
            "age_low": stratum.age_low,
            "age_high": stratum.age_high,
            "kind": "proportion" if is_proportion else "continuous",
            "comparison_level": COMPARISON_LEVEL,
            "unit_count": len(results),
            "population": population,
            "numerator": numerator,
            "weighted_value": _weighted(results, population, numerator),
            "unweighted_mean": fmean(values),
            "standard_deviation": stdev(values),
        },
    )
    if stratum == Stratum():
        percentiles = [Percentile(level, _percentile(sorted(values), level)) for level in LEVELS]
        yield from part_rows(place | {"scope": REFERENCE}, _pooled_classes(results), percentiles)


def _weighted(results: Sequence[_Result], population: float | None, numerator: float | None) -> float | None:
    """Give the value of all individuals together; a median has none, but its weighted mean comes near."""
    if not population:
        return None
    if numerator is not None:
        return numerator / population
    return sum(result.value * (result.population or 0.0) for result in results) / population


def _percentile(ordered: Sequence[float], level: float) -> float:
    """Interpolate linearly between the two nearest of at least one ordered value."""
    place = (len(ordered) - 1) * level / 100
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def _pooled_classes(results: Sequence[_Result]) -> list[ValueClass]:
    """Add the classes of the units that show all of theirs, if those are enough and have the same classes."""
    shown = [
        result.distribution.value_classes
        for result in results
        if result.distribution is not None
        and result.distribution.value_classes
        and all(one.reason_code is None for one in result.distribution.value_classes)
    ]
    if len(shown) < FEWEST_UNITS or len({tuple(map(_limits, classes)) for classes in shown}) > 1:
        return []
    counts = [sum(one.count or 0.0 for one in same) for same in zip(*shown, strict=True)]
    total = sum(counts)
    return [
        replace(one, count=count, share=count / total if total else None)
        for one, count in zip(shown[0], counts, strict=True)
    ]


def _limits(one: ValueClass) -> tuple[Any, ...]:
    return one.class_id, one.low, one.high, one.low_inclusive, one.high_inclusive
