"""Shapes of GetDistributedQualityReport: care units with sub-groups, distributions and reference values over them.

Every part that the contract has is in them, masked ones too, and every rule D.1 to D.10 is kept (domain reference 4.3).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from statistics import fmean, stdev

from contracts.codes import OID_LOCAL_ID, OID_SEX
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
from contracts.messages.distributed_report_3 import DistributedReport3
from contracts.model import (
    II,
    ConfidenceInterval,
    ContinuousVariableMeasure,
    DatePeriod,
    Measure,
    MeasureKind,
    MissingMeasure,
    PerformingOrganization,
    ProportionMeasure,
)
from contracts.registry import ServiceContract
from testsuites.mock.shapes import LAN_OF_UNITS, LAND, SHAPES, SOURCE, AnyShape, unit

_SEXES = tuple(Dimension("SEX", II(OID_SEX, code)) for code in ("1", "2"))
_BANDS = (
    Dimension("AGE", II(OID_LOCAL_ID, "18-64"), 18, 64),
    Dimension("AGE", II(OID_LOCAL_ID, "65-"), 65),
)
_WITHOUT_VALUE = 3
_MASKED = MissingMeasure("MSK")


@dataclass(frozen=True, slots=True)
class DistributedShape:
    """Values of some care units, the last of them masked; reference values when five or more are shown.

    ``limits`` divide the values into classes; ``middle`` and ``spread`` are about what the values are.
    """

    name: str
    kind: MeasureKind
    units: int
    limits: tuple[float, float]
    middle: float
    spread: float
    is_checksum_only: bool = False

    @property
    def hsa_ids(self) -> tuple[str, ...]:
        """The units."""
        return tuple(_unit(number).hsa_id or "" for number in range(1, self.units + 1))

    def measurements(self, measure_id: II, period: DatePeriod) -> tuple[DistributedMeasurement, ...]:
        """Make the measurements of one calendar month."""
        month = int(period.start[4:6])
        return tuple(self._measurement(measure_id, period, number, month) for number in range(1, self.units + 1))

    def references(self, measure_id: II, period: DatePeriod) -> tuple[ReferenceMeasurement, ...]:
        """Make the reference values of one calendar month: one, or none when too few units are shown."""
        month = int(period.start[4:6])
        shown = range(1, self.units)
        if len(shown) < FEWEST_UNITS:
            return ()
        counts = [_population(number, month) for number in shown]
        values = [self._value(number, count) for number, count in zip(shown, counts, strict=True)]
        patients = sum(counts)
        pooled = sum(value * count for value, count in zip(values, counts, strict=True)) / patients
        return (
            ReferenceMeasurement(
                measure_id,
                1,
                period,
                LAND,
                "Vardenhet",
                len(shown),
                f"{period.end}120000",
                float(patients),
                round(pooled, 4),
                round(fmean(values), 4),
                round(stdev(values), 4),
                (Percentile(25.0, min(values)), Percentile(75.0, max(values))),
                self._classes(patients, is_masked=False),
                tuple(self._subgroup((sex,), count) for sex, count in zip(_SEXES, _halves(patients), strict=True)),
            ),
        )

    def _measurement(self, measure_id: II, period: DatePeriod, number: int, month: int) -> DistributedMeasurement:
        count = _population(number, month)
        is_shown = number < self.units
        return DistributedMeasurement(
            measure_id,
            1,
            period,
            self._measure(number, count) if is_shown else _MASKED,
            _unit(number),
            SOURCE,
            f"{period.start[:6]}02",
            f"{period.start[:6]}26",
            subgroups=self._subgroups(count) if is_shown else (),
            distribution=self._distribution(count) if is_shown else None,
        )

    def _subgroups(self, count: int) -> tuple[Subgroup, ...]:
        """Divide by sex and by age; by both only the young are shown, for the old are few."""
        sexes, (young, old) = _halves(count), (count * 2 // 3, count - count * 2 // 3)
        by_sex = [
            self._subgroup((sex,), share, has_distribution=True, is_masked=sex is _SEXES[1])
            for sex, share in zip(_SEXES, sexes, strict=True)
        ]
        by_age = [self._subgroup((band,), share) for band, share in zip(_BANDS, (young, old), strict=True)]
        both = [self._subgroup((sex, _BANDS[0]), share) for sex, share in zip(_SEXES, _halves(young), strict=True)]
        return *by_sex, *by_age, *both, *(Subgroup((sex, _BANDS[1]), _MASKED) for sex in _SEXES)

    def _subgroup(
        self, dimensions: tuple[Dimension, ...], count: int, *, has_distribution: bool = False, is_masked: bool = False
    ) -> Subgroup:
        distribution = self._distribution(count, is_masked=is_masked) if has_distribution else None
        return Subgroup(dimensions, self._measure(1, count), distribution)

    def _distribution(self, count: int, *, is_masked: bool = False) -> Distribution:
        levels = ((10.0, -1.2), (25.0, -0.7), (50.0, 0.0), (75.0, 0.8), (90.0, 1.4))
        return Distribution(
            float(count + _WITHOUT_VALUE),
            float(_WITHOUT_VALUE),
            self._classes(count, is_masked=is_masked),
            tuple(Percentile(level, round(self.middle + part * self.spread, 1)) for level, part in levels),
            self.middle,
            self.middle,
            self.spread,
        )

    def _classes(self, count: int, *, is_masked: bool) -> tuple[ValueClass, ...]:
        """Divide ``count`` individuals over three classes; the two upper ones may be masked."""
        low, high = self.limits
        counts = (count // 2, count // 3, count - count // 2 - count // 3)
        bounds = ((None, low), (low, high), (high, None))
        return tuple(
            ValueClass(f"class-{number}", None, *bound, reason_code="MSK")
            if is_masked and number > 1
            else ValueClass(f"class-{number}", None, *bound, count=float(share), share=round(share / count, 4))
            for number, (share, bound) in enumerate(zip(counts, bounds, strict=True), start=1)
        )

    def _measure(self, number: int, count: int) -> Measure:
        value = self._value(number, count)
        if self.kind == "proportion":
            margin = 1.96 * sqrt(value * (1 - value) / count)
            interval = ConfidenceInterval(round(value - margin, 4), round(min(value + margin, 1.0), 4))
            return ProportionMeasure(round(value, 4), count, count // 2, interval)
        return ContinuousVariableMeasure(value, count, ConfidenceInterval(value - 2, value + 2), self.spread)

    def _value(self, number: int, count: int) -> float:
        return count // 2 / count if self.kind == "proportion" else self.middle + number


def _unit(number: int) -> PerformingOrganization:
    return unit(f"Exempelvårdcentralen {number}", 100 + number, LAN_OF_UNITS)


def _population(number: int, month: int) -> int:
    return 60 + 10 * number + month


def _halves(count: int) -> tuple[int, int]:
    return count // 2, count - count // 2


DISTRIBUTED_SHAPES = (
    DistributedShape("HbA1c-VE", "continuous", 6, (52.0, 70.0), 55.0, 11.0),
    DistributedShape("BloodPressure-VE", "proportion", 6, (140.0, 150.0), 137.0, 14.0),
    DistributedShape("Few-VE", "continuous", 4, (52.0, 70.0), 55.0, 11.0),
)


def shapes_of(contract: ServiceContract) -> tuple[AnyShape, ...]:
    """Give every shape that the mock knows of a contract."""
    return (*SHAPES, *DISTRIBUTED_SHAPES) if isinstance(contract.codec, DistributedReport3) else SHAPES
