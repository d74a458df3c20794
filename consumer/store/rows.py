"""From measurements to flat rows of the store, in the order of `consumer.store.tables.VALUE_NAMES`."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from consumer.question import iso_day
from contracts.codes import OID_HSA_ID
from contracts.model import (
    CohortMeasure,
    ContinuousVariableMeasure,
    DatePeriod,
    Measure,
    Measurement,
    PerformingOrganization,
    ProportionMeasure,
)

Row = tuple[Any, ...]
_KEPT_ORGANIZATIONS = 10_000
_NO_NUMBERS: Row = (None,) * 10
_PERIOD_TYPES = {1: "month", 3: "quarter", 6: "half-year", 12: "year"}


def rows_of(measurements: Iterable[Measurement]) -> Iterator[Row]:
    """Make the row of each measurement; they have passed the rules, so ids and dates are there and real."""
    organizations: dict[int, tuple[PerformingOrganization, Row]] = {}
    for measurement in measurements:
        organization = measurement.performing_organization
        # The reader gives equal organisations as one object, which is told apart faster than it is compared.
        known = organizations.get(id(organization))
        if known is None or known[0] is not organization:
            if len(organizations) == _KEPT_ORGANIZATIONS:
                organizations.clear()
            known = organizations[id(organization)] = organization, _organization(organization)
        source, version = measurement.source_system, measurement.measure_id_version_dependent
        yield (
            measurement.measure_id.extension,
            measurement.measure_id_version_number,
            None if version is None else version.root,
            *_period(measurement.measure_period),
            _day(measurement.first_service_encounter),
            _day(measurement.last_service_encounter),
            *known[1],
            *_measure(measurement.measure),
            *((None, None) if source is None else (source.system_id.extension, source.name)),
        )


def _measure(measure: Measure) -> Row:
    """Give kind, the ten numbers, the reason code, unit and method."""
    numbers: Row
    unit: Row = (None, None)
    if isinstance(measure, ProportionMeasure):
        kind, numbers = "proportion", (measure.rate, measure.numerator, measure.denominator, None)
        target = measure.reference_interval_rate
    elif isinstance(measure, ContinuousVariableMeasure):
        kind, numbers = "continuous", (measure.value, None, None, measure.measure_population)
        target = measure.reference_interval_value
        unit = measure.unit, measure.method
    elif isinstance(measure, CohortMeasure):
        kind, numbers = "cohort", (measure.cohort, None, None, None)
        target = measure.reference_interval_value
    else:
        return "missing", *_NO_NUMBERS, measure.reason_code, None, None
    interval = measure.confidence_interval_95_percent
    low, high = (None, None) if interval is None else (interval.low, interval.high)
    return (
        kind,
        *numbers,
        low,
        high,
        measure.standard_deviation,
        measure.coverage,
        measure.exclusions,
        target,
        None,
        *unit,
    )


def _organization(organization: PerformingOrganization) -> Row:
    """Give level, id system, id and name, then the hospital, municipality and county that it is or lies in."""
    codes: dict[str, str | None] = {}
    node: PerformingOrganization | None = organization
    while node is not None:
        codes.setdefault(node.organization_type, _identity(node)[1])
        node = node.as_organization_part_of
    return (
        organization.organization_type,
        *_identity(organization),
        organization.organization_name,
        codes.get("Sjukhus"),
        codes.get("Kommun"),
        codes.get("Lan"),
    )


def _identity(organization: PerformingOrganization) -> tuple[str | None, str | None]:
    if organization.hsa_id is not None:
        return OID_HSA_ID, organization.hsa_id
    identifier = organization.organization_id
    return (None, None) if identifier is None else (identifier.root, identifier.extension)


@lru_cache(maxsize=4096)
def _period(period: DatePeriod) -> tuple[str, str, str]:
    return period_type(period), iso_day(period.start), iso_day(period.end)


def period_type(period: DatePeriod) -> str:
    """Name a calendar period: year, half-year, quarter or month; anything else is ``other``."""
    start, end = period.start, period.end
    months = (int(end[:4]) - int(start[:4])) * 12 + int(end[4:6]) - int(start[4:6]) + 1
    is_whole = start[6:] == "01" and end == _last_day(end)
    if not is_whole or months not in _PERIOD_TYPES or (int(start[4:6]) - 1) % months:
        return "other"
    return _PERIOD_TYPES[months]


def _last_day(day: str) -> str:
    return f"{day[:6]}{monthrange(int(day[:4]), int(day[4:6]))[1]}"


def _day(day: str | None) -> str | None:
    return None if day is None else iso_day(day)
