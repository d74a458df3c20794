"""Between the model and the register's rows, both ways (domain reference 4.3)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table, delete, insert, select

from contracts.codes import OID_SEX
from contracts.distributed_model import (
    Dimension,
    DistributedMeasurement,
    Distribution,
    Percentile,
    Subgroup,
    ValueClass,
)
from contracts.model import II, CohortMeasure, ContinuousVariableMeasure, Measure, MissingMeasure, ProportionMeasure
from producer.register.distributed.tables import (
    ALL,
    REFERENCE,
    TOTAL,
    UNIT,
    distributed_class,
    distributed_percentile,
    distributed_value,
    reference_value,
)
from producer.register.rendering import MEASURES

OID_AGE_BAND = "1.2.752.129.2.1.2.1"
"""Root of an age band's code: no code system has bands, so the code is one of the sender's own."""

_CLASS_FIELDS = tuple(ValueClass.__dataclass_fields__)
_DISTRIBUTION = ("population", "missing_value_count", "mean", "median", "value_deviation", "minimum", "maximum")
_MEASURE = (
    "value",
    "numerator",
    "denominator",
    "interval_low",
    "interval_high",
    "standard_deviation",
    "coverage",
    "exclusions",
    "reference_value",
    "reason_code",
)
Row = dict[str, Any]


@dataclass(frozen=True, slots=True, order=True)
class Stratum:
    """A sub-group's place: a sex (1 or 2), an age band in whole years, or both; neither is the total."""

    sex: str | None = None
    age_low: int | None = None
    age_high: int | None = None

    @property
    def band(self) -> str:
        """The age band as its code says it, such as ``18-44``, ``-17`` or ``85-``; empty without ages."""
        if self.age_low is None and self.age_high is None:
            return ""
        return f"{'' if self.age_low is None else self.age_low}-{'' if self.age_high is None else self.age_high}"

    @property
    def key(self) -> str:
        """The stratum as the tables name it; empty for the total."""
        return " ".join(part for part in (self.sex, self.band) if part)

    @property
    def dimensions(self) -> tuple[Dimension, ...]:
        """The stratum as the message says it."""
        sex = () if self.sex is None else (Dimension("SEX", II(OID_SEX, self.sex)),)
        ages = (Dimension("AGE", II(OID_AGE_BAND, self.band), self.age_low, self.age_high),) if self.band else ()
        return sex + ages

    @classmethod
    def of(cls, subgroup: Subgroup) -> Stratum:
        """Give the stratum of a sub-group."""
        sex = next((one.code.extension for one in subgroup.dimensions if one.type == "SEX"), None)
        low, high = next(
            ((one.age_low, one.age_high) for one in subgroup.dimensions if one.type == "AGE"), (None, None)
        )
        return cls(sex, low, high)

    @property
    def order(self) -> tuple[Any, ...]:
        """What sub-groups of a message are ordered by: by sex, by age, by both."""
        return (bool(self.band), self.sex is not None, self.sex or "", self.age_low or 0, self.age_high or 0)


def replace_group(connection: Connection, group_id: int, rows: Mapping[Table, Sequence[Row]]) -> None:
    """Put rows (of the tables `ALL`) in the place of what the register holds of a group."""
    remove_group(connection, group_id)
    for table, content in rows.items():
        if content:
            connection.execute(insert(table), [{"group_id": group_id, **row} for row in content])


def remove_group(connection: Connection, group_id: int) -> None:
    """Remove the content of a group."""
    for table in ALL:
        connection.execute(delete(table).where(table.c.group_id == group_id))


def rows_of(organization_id: int, measurement: DistributedMeasurement) -> Iterator[tuple[Table, Row]]:
    """Give the rows of one organisation's results."""
    strata = [(Stratum(), measurement.measure, measurement.distribution)]
    strata += [(Stratum.of(one), one.measure, one.distribution) for one in measurement.subgroups]
    for stratum, measure, distribution in strata:
        place = {"organization_id": organization_id, "stratum": stratum.key}
        ages = {"sex": stratum.sex, "age_low": stratum.age_low, "age_high": stratum.age_high}
        yield distributed_value, place | ages | measure_row(measure) | _distribution_row(distribution)
        if distribution is not None:
            yield from part_rows(place | {"scope": UNIT}, distribution.value_classes, distribution.percentiles)


def part_rows(
    place: Row, classes: Iterable[ValueClass], percentiles: Iterable[Percentile]
) -> Iterator[tuple[Table, Row]]:
    """Give the rows of classes and percentiles; ``place`` says whose they are."""
    for position, one in enumerate(classes):
        fields = {name: getattr(one, name) for name in _CLASS_FIELDS}
        yield distributed_class, place | {"position": position} | fields
    for percentile in percentiles:
        yield distributed_percentile, place | {"level": percentile.level, "value": percentile.value}


def measure_row(measure: Measure) -> Row:
    """Give the columns of a measure."""
    row: Row = dict.fromkeys(_MEASURE)
    if isinstance(measure, MissingMeasure):
        return row | {"kind": "missing", "reason_code": measure.reason_code}
    interval = measure.confidence_interval_95_percent
    row |= {
        "interval_low": interval and interval.low,
        "interval_high": interval and interval.high,
        "standard_deviation": measure.standard_deviation,
        "coverage": measure.coverage,
        "exclusions": measure.exclusions,
    }
    if isinstance(measure, ProportionMeasure):
        counts = {"value": measure.rate, "numerator": measure.numerator, "denominator": measure.denominator}
        return row | counts | {"kind": "proportion", "reference_value": measure.reference_interval_rate}
    row["reference_value"] = measure.reference_interval_value
    if isinstance(measure, CohortMeasure):
        return row | {"kind": "cohort", "value": measure.cohort}
    return row | {"kind": "continuous", "value": measure.value, "denominator": measure.measure_population}


def _distribution_row(one: Distribution | None) -> Row:
    if one is None:
        return dict.fromkeys(_DISTRIBUTION)
    values = (
        one.population,
        one.missing_value_count,
        one.mean,
        one.median,
        one.standard_deviation,
        one.minimum,
        one.maximum,
    )
    return dict(zip(_DISTRIBUTION, values, strict=True))


class GroupContent:
    """What the register holds of one group, read whole: bounded by the organisations that have results in it."""

    def __init__(self, connection: Connection, group_id: int) -> None:
        self.values = self._rows(connection, distributed_value, group_id)
        self.references = self._rows(connection, reference_value, group_id)
        self._classes: dict[tuple[str, int, str], list[ValueClass]] = defaultdict(list)
        for row in self._rows(connection, distributed_class, group_id, distributed_class.c.position):
            fields = {name: row[name] for name in _CLASS_FIELDS}
            self._classes[row["scope"], row["organization_id"], row["stratum"]].append(ValueClass(**fields))
        self._percentiles: dict[tuple[str, int, str], list[Percentile]] = defaultdict(list)
        for row in self._rows(connection, distributed_percentile, group_id, distributed_percentile.c.level):
            percentile = Percentile(row["level"], row["value"])
            self._percentiles[row["scope"], row["organization_id"], row["stratum"]].append(percentile)

    def _rows(self, connection: Connection, table: Table, group_id: int, *order: Any) -> list[Row]:
        query = select(table).where(table.c.group_id == group_id).order_by(*order)
        return [dict(row) for row in connection.execute(query).mappings()]

    def results(self) -> dict[int, tuple[Measure, tuple[Subgroup, ...], Distribution | None]]:
        """Give total, sub-groups and distribution of each organisation by its number."""
        subgroups: dict[int, list[tuple[Stratum, Subgroup]]] = defaultdict(list)
        totals: dict[int, tuple[Measure, Distribution | None]] = {}
        for row in self.values:
            measure = MEASURES[row["kind"]]([row[name] for name in _MEASURE])
            if row["stratum"] == TOTAL:
                totals[row["organization_id"]] = measure, self._distribution(row)
                continue
            stratum = Stratum(row["sex"], row["age_low"], row["age_high"])
            subgroup = Subgroup(stratum.dimensions, measure, self._distribution(row))
            subgroups[row["organization_id"]].append((stratum, subgroup))
        return {
            key: (measure, in_order(subgroups[key]), distribution) for key, (measure, distribution) in totals.items()
        }

    def parts_of_reference(self, row: Row) -> tuple[tuple[Percentile, ...], tuple[ValueClass, ...]]:
        """Give percentiles and classes of a reference value."""
        key = REFERENCE, row["organization_id"], row["stratum"]
        return tuple(self._percentiles[key]), tuple(self._classes[key])

    def _distribution(self, row: Row) -> Distribution | None:
        if row["population"] is None:
            return None
        key = UNIT, row["organization_id"], row["stratum"]
        population, missing, *statistics = (row[name] for name in _DISTRIBUTION)
        return Distribution(population, missing, tuple(self._classes[key]), tuple(self._percentiles[key]), *statistics)


def in_order(subgroups: Iterable[tuple[Stratum, Subgroup]]) -> tuple[Subgroup, ...]:
    """Give sub-groups in the order of the message."""
    return tuple(subgroup for _, subgroup in sorted(subgroups, key=lambda one: one[0].order))


def continuous_or_proportion(row: Row) -> Measure:
    """Give the pooled measure of a reference value's sub-group."""
    if row["kind"] == "proportion":
        return ProportionMeasure(row["weighted_value"], row["population"], row["numerator"])
    return ContinuousVariableMeasure(row["weighted_value"], row["population"])
