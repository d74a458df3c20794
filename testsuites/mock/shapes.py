"""The thirteen shapes of answer that the mock knows: organisation hierarchies, kinds of measure, checksum alone.

Names follow the published mock. Organisations but for counties and the municipality are invented.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import sqrt
from typing import Protocol

from contracts.codes import (
    COUNTRY_CODE,
    COUNTRY_NAME,
    KOMMUN,
    LAN,
    OID_HOSPITAL,
    OID_HSA_ID,
    OID_KOMMUN,
    OID_LAN,
    OID_LAND,
    OID_MEASURE,
    SJUKVARDSREGION,
)
from contracts.model import (
    II,
    CohortMeasure,
    ConfidenceInterval,
    ContinuousVariableMeasure,
    DatePeriod,
    Measure,
    MeasureDefinition,
    MeasureKind,
    Measurement,
    MissingMeasure,
    PerformingOrganization,
    ProportionMeasure,
    SourceSystem,
)

LAND = PerformingOrganization(COUNTRY_NAME, "Land", None, II(OID_LAND, COUNTRY_CODE))
LAN_OF_UNITS = PerformingOrganization(LAN["13"].name, "Lan", None, II(OID_LAN, "13"), LAND)
_REGION = PerformingOrganization(SJUKVARDSREGION["5"].name, "Sjukvardsregion", None, II("1.2.752.129.2.2.1", "5"), LAND)
_KOMMUN = PerformingOrganization(KOMMUN["1380"].name, "Kommun", None, II(OID_KOMMUN, "1380"), LAN_OF_UNITS)
_HOSPITAL_BY_CODE = PerformingOrganization("Exempelsjukhuset", "Sjukhus", None, II(OID_HOSPITAL, "99001"), LAN_OF_UNITS)
_HOSPITAL = PerformingOrganization("Exempelsjukhuset Norr", "Sjukhus", "SE9990001112-S001", None, LAN_OF_UNITS)


def unit(name: str, number: int, parent: PerformingOrganization) -> PerformingOrganization:
    """Make an invented care unit."""
    return PerformingOrganization(name, "Vardenhet", f"SE9990001112-E{number:03d}", None, parent)


SOURCE = SourceSystem(II(OID_HSA_ID, "SE9990001112-MOCK"), "Provregistret")
THRESHOLD = 15.0


def _proportion(number: int) -> Measure:
    denominator = 40 + number * 7 % 61
    numerator = denominator * 3 // 4 - number % 5
    rate = numerator / denominator
    margin = 1.96 * sqrt(rate * (1 - rate) / denominator)
    interval = ConfidenceInterval(round(rate - margin, 4), round(min(rate + margin, 1.0), 4))
    return ProportionMeasure(round(rate, 4), denominator, numerator, interval, coverage=0.9, exclusions=2)


def _continuous(number: int) -> Measure:
    value = 30 + number * 1.25
    interval = ConfidenceInterval(value - 2, value + 2)
    return ContinuousVariableMeasure(value, 120 + number, interval, 11.5, unit="d", method="AVERAGE")


def _cohort(number: int) -> Measure:
    return CohortMeasure(1000 + number * 3, coverage=0.5)


def _missing(number: int) -> Measure:
    return MissingMeasure(("MSK", "INV", "UNK")[number % 3])


class AnyShape(Protocol):
    """What the mock answers with: the values of each calendar month.

    ``is_checksum_only``: its measurements count but are never sent.
    """

    @property
    def name(self) -> str:
        """What it is asked for by."""

    @property
    def kind(self) -> MeasureKind:
        """Kind of its measures."""

    @property
    def is_checksum_only(self) -> bool:
        """Whether its measurements are never sent."""

    def measurements(self, measure_id: II, period: DatePeriod) -> tuple[Measurement, ...]:
        """Make the measurements of one calendar month."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A shape of one organisation: whose value it is, and of which kind."""

    name: str
    organization: PerformingOrganization
    kind: MeasureKind
    measure: Callable[[int], Measure]
    is_checksum_only: bool = False

    def measurements(self, measure_id: II, period: DatePeriod) -> tuple[Measurement, ...]:
        """Make the measurement of one calendar month."""
        month = period.start[:6]
        number = int(month[3]) * 12 + int(month[4:])
        measure = self.measure(number)
        return (Measurement(measure_id, 1, period, measure, self.organization, SOURCE, f"{month}03", f"{month}27"),)


SHAPES = (
    Shape("Land", LAND, "proportion", _proportion),
    Shape("Sjukvardsregion-Land", _REGION, "proportion", _proportion),
    Shape("Lan-Land", LAN_OF_UNITS, "proportion", _proportion),
    Shape("Kommun-Lan-Land", _KOMMUN, "proportion", _proportion),
    Shape("SJH-Lan-Land", _HOSPITAL_BY_CODE, "proportion", _proportion),
    Shape("VE-Lan-Land", unit("Exempelmottagningen", 1, LAN_OF_UNITS), "proportion", _proportion),
    Shape("VE-Kommun-Lan-Land", unit("Exempelvårdcentralen", 2, _KOMMUN), "proportion", _proportion),
    Shape("VE-SJH-Lan-Land", unit("Exempelkliniken", 3, _HOSPITAL), "proportion", _proportion),
    Shape("ProportionMeasure-Land", LAND, "proportion", _proportion),
    Shape("ContinuousVariableMeasure-Land", LAND, "continuous", _continuous),
    Shape("CohortMeasure-Land", LAND, "cohort", _cohort),
    Shape("MissingMeasure-Land", LAND, "proportion", _missing),
    Shape("CHECKSUM-ONLY", LAND, "proportion", _proportion, is_checksum_only=True),
)


def find_shape(name: str, shapes: Iterable[AnyShape] = SHAPES) -> AnyShape | None:
    """Find a shape by a measureId extension or header value: upper and lower case alike, ``Response-`` may lead."""
    wanted = name.strip().removesuffix(".xml").lower().removeprefix("response-")
    return next((shape for shape in shapes if shape.name.lower() == wanted), None)


def measure_id_of(shape: AnyShape) -> str:
    """Give the measureId extension that asks for a shape."""
    return f"Response-{shape.name}"


def catalogue(shapes: Iterable[AnyShape] = SHAPES) -> dict[str, MeasureDefinition]:
    """Give the definitions of the mock's indicators, for rules that need them."""
    return {
        measure_id_of(shape): MeasureDefinition(measure_id_of(shape), 1, shape.kind, shape.name, THRESHOLD)
        for shape in shapes
    }


def identifier(shape: AnyShape) -> II:
    """Give a shape's whole measureId."""
    return II(OID_MEASURE, measure_id_of(shape))
