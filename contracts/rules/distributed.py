"""What sub-groups, distributions and reference values must keep (rules D.1 to D.10; domain reference 4.3)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import pairwise
from math import inf
from typing import Final

from contracts.codes import OID_SEX
from contracts.distributed_model import (
    FEWEST_UNITS,
    Dimension,
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
    ProportionMeasure,
)
from contracts.rules.dates import check_period
from contracts.rules.finding import Finding
from contracts.rules.measurement import check_measure
from contracts.rules.organizations import check_organization

_SLACK: Final = 1e-6
"""Sums of counts are compared as whole numbers would be; more is no rounding of a double."""

_Add = Callable[[str, str, str, str], None]


def check_distributed(measurement: DistributedMeasurement, where: str, findings: list[Finding]) -> None:
    """Check sub-groups and distribution (untrusted) of one measurement; its total is checked as any measurement."""
    add = partial(_add, findings)
    if isinstance(measurement.measure, MissingMeasure):
        if measurement.subgroups or measurement.distribution is not None:
            message = "The total has no value, but there are sub-groups or a distribution of it."
            add("D.4", where, message, "Leave out the sub-groups and the distribution.")
    elif measurement.distribution is not None:
        _check_distribution(measurement.distribution, f"{where}/distribution", add)
    _check_subgroups(measurement.subgroups, population_of(measurement.measure), where, findings)


def check_reference(reference: ReferenceMeasurement, where: str) -> list[Finding]:
    """Check one reference value (untrusted)."""
    findings: list[Finding] = []
    add = partial(_add, findings)
    check_period(reference.measure_period, where, "measurePeriod", findings)
    check_organization(reference.reference_organization, where, findings)
    if reference.unit_count < FEWEST_UNITS:
        message = f"The reference value is over {reference.unit_count} unit(s)."
        add("D.8", f"{where}/unitCount", message, f"Leave it out until there are {FEWEST_UNITS} units.")
    if reference.weighted_value is None and reference.unweighted_mean is None:
        add("D.8", where, "There is neither weightedValue nor unweightedMean.", "Give at least one of them.")
    _check_classes(reference.value_classes, where, add)
    _check_percentiles(reference.percentiles, where, add)
    _check_subgroups(reference.subgroups, reference.population, where, findings)
    return findings


def population_of(measure: Measure) -> float | None:
    """Give the number of individuals behind a measure, None when it does not say so."""
    if isinstance(measure, ProportionMeasure):
        return measure.denominator
    if isinstance(measure, ContinuousVariableMeasure):
        return measure.measure_population
    return measure.cohort if isinstance(measure, CohortMeasure) else None


def _add(findings: list[Finding], rule: str, where: str, message: str, mend: str) -> None:
    findings.append(Finding(rule, "warning" if rule == "D.9" else "error", where, message, mend))


def _check_subgroups(subgroups: Sequence[Subgroup], total: float | None, where: str, findings: list[Finding]) -> None:
    add = partial(_add, findings)
    seen: set[tuple[Dimension, ...]] = set()
    sums: Counter[str] = Counter()
    masked: Counter[str] = Counter()
    for number, subgroup in enumerate(subgroups, start=1):
        place = f"{where}/subgroup[{number}]"
        dimensions = tuple(sorted(subgroup.dimensions, key=lambda one: (one.type, one.code.extension or "")))
        if dimensions in seen:
            add("D.10", place, "There is already a sub-group of the same dimensions.", "Keep the one that is right.")
        seen.add(dimensions)
        _check_dimensions(subgroup.dimensions, place, add)
        check_measure(subgroup.measure, None, place, findings)
        sums[subgroup.stratification] += population_of(subgroup.measure) or 0.0  # type: ignore[assignment]
        if isinstance(subgroup.measure, MissingMeasure):
            masked[subgroup.stratification] += subgroup.measure.reason_code == "MSK"
            if subgroup.distribution is not None:
                message = "The sub-group has no value, but there is a distribution of it."
                add("D.4", place, message, "Leave out the distribution.")
        elif subgroup.distribution is not None:
            _check_distribution(subgroup.distribution, f"{place}/distribution", add)
    for kind, count in sums.items():
        if total is not None and count > total + _SLACK:
            message = f"The sub-groups by {kind} have {count:g} individuals together, the total {total:g}."
            add("D.1", f"{where}/subgroup", message, "Count every individual in one sub-group at most.")
        if masked[kind] == 1:
            message = f"One sub-group by {kind} is masked alone, so that the rest tells its value."
            add("D.3", f"{where}/subgroup", message, "Mask one more sub-group, best the next smallest.")


def _check_dimensions(dimensions: Sequence[Dimension], where: str, add: _Add) -> None:
    if len({one.type for one in dimensions}) < len(dimensions):
        add("D.10", f"{where}/dimension", "A ground of division occurs twice.", "Give each at most once.")
    for one in dimensions:
        if one.type == "SEX" and (one.code.root != OID_SEX or one.code.extension not in ("1", "2")):
            message = f"The sex is {one.code.extension!r} of root {one.code.root!r}."
            add("D.10", f"{where}/dimension/code", message, f"Give root {OID_SEX} and 1 (man) or 2 (woman).")
        low, high = one.age_low, one.age_high
        if low is not None and high is not None and high < low:
            message = f"The age band ends at {high}, before it begins at {low}."
            add("D.10", f"{where}/dimension", message, "Exchange the two ages.")


def _check_distribution(distribution: Distribution, where: str, add: _Add) -> None:
    classes = distribution.value_classes
    _check_classes(classes, where, add)
    _check_percentiles(distribution.percentiles, where, add)
    if classes:
        counted = sum(one.count or 0.0 for one in classes) + (distribution.missing_value_count or 0.0)
        is_open = any(one.reason_code is not None for one in classes)
        over = counted - distribution.population
        if over > _SLACK or (over < -_SLACK and not is_open):
            population = distribution.population
            message = f"Classes and missing values are {counted:g} together, the population is {population:g}."
            add("D.2", where, message, "Count every individual in one class or as missingValueCount.")
    if distribution.minimum is not None or distribution.maximum is not None:
        message = "The smallest or largest value is given, which is that of an individual."
        add("D.9", where, message, "Leave it out, or give percentiles such as 5 and 95.")


def _check_classes(classes: Sequence[ValueClass], where: str, add: _Add) -> None:
    for number, one in enumerate(classes, start=1):
        _check_class(one, f"{where}/valueClass[{number}]", add)
    for id_, count in Counter(one.class_id for one in classes).items():
        if count > 1:
            add("D.5", f"{where}/valueClass", f"The class {id_!r} occurs {count} times.", "Give each class once.")
    limited = [one for one in classes if one.low is not None or one.high is not None]
    for one, following in pairwise(limited):
        if not _is_before(one, following):
            message = f"The class {following.class_id!r} does not lie above {one.class_id!r}, which stands before it."
            add("D.5", f"{where}/valueClass", message, "Order the classes by their limits; a limit is in one of them.")
    if sum(one.reason_code is not None for one in classes) == 1:
        message = "One class is masked alone, so that the rest tells its count."
        add("D.3", f"{where}/valueClass", message, "Mask one more class, best the next smallest.")


def _check_class(one: ValueClass, where: str, add: _Add) -> None:
    if one.low is not None and one.high is not None and one.low > one.high:
        message = f"The class ends at {one.high:g}, before it begins at {one.low:g}."
        add("D.5", where, message, "Exchange the two limits.")
    if (one.count is None) == (one.reason_code is None) or (one.reason_code is not None and one.share is not None):
        message = "The class has both a count and a reason for none, or neither."
        add("D.6", where, message, "Give count, or reasonCode without count and share.")
    if (one.count is not None and one.count < 0) or (one.share is not None and not 0 <= one.share <= 1):
        add("D.6", where, "count is negative, or share is not 0 to 1.", "Give a share, not per cent.")


def _is_before(one: ValueClass, following: ValueClass) -> bool:
    high = inf if one.high is None else one.high
    low = -inf if following.low is None else following.low
    return high < low or (high == low and not (one.high_inclusive and following.low_inclusive))


def _check_percentiles(percentiles: Iterable[Percentile], where: str, add: _Add) -> None:
    known = list(percentiles)
    for one in known:
        if not 0 <= one.level <= 100:
            add("D.7", f"{where}/percentile", f"The level is {one.level:g}.", "Levels are 0 to 100 per cent.")
    for one, following in pairwise(known):
        if following.level <= one.level or following.value < one.value:
            message = f"Percentile {following.level:g} ({following.value:g}) follows {one.level:g} ({one.value:g})."
            add("D.7", f"{where}/percentile", message, "Give levels in ascending order; values cannot descend.")
