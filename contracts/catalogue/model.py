"""What the catalogue says of an indicator: frozen data, and the words that the catalogue uses (domain reference 2.3).

A version of an indicator is an entry of its own; sexes are indicators of their own with the parent's version.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Final, Literal

from contracts.model import MeasureDefinition, MeasureKind

Frequency = Literal["year", "half-year", "quarter", "month"]
UnitType = Literal["Andel", "Kvot", "Medelvärde", "Median", "Dagar", "Antal"]
SoughtValue = Literal["high", "low", "unknown"]

FREQUENCIES: Final[Mapping[str, Frequency]] = MappingProxyType(
    {"År": "year", "Halvår": "half-year", "Kvartal": "quarter", "Månad": "month"}
)
MONTHS: Final[Mapping[Frequency, int]] = MappingProxyType({"year": 12, "half-year": 6, "quarter": 3, "month": 1})

LEVELS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Riksnivå": "Land",
        "Hälso-och sjukvårdsregion": "Sjukvardsregion",
        "Länsnivå": "Lan",
        "Region": "Lan",
        "Kommunnivå": "Kommun",
        "Sjukhusnivå": "Sjukhus",
        "Mottagningsnivå": "Vardenhet",
        "Vårdenhet": "Vardenhet",
    }
)
"""The catalogue's names of levels; Kommunnivå and Sjukhusnivå are supposed (not seen in the recorded answers)."""

KINDS: Final[Mapping[UnitType, MeasureKind]] = MappingProxyType(
    {
        "Andel": "proportion",
        "Kvot": "continuous",
        "Medelvärde": "continuous",
        "Median": "continuous",
        "Dagar": "continuous",
        "Antal": "cohort",
    }
)
METHODS: Final[Mapping[UnitType, str]] = MappingProxyType(
    {"Medelvärde": "AVERAGE", "Median": "MEDIAN", "Dagar": "MEDIAN", "Antal": "COUNT"}
)
UNITS: Final[Mapping[UnitType, str]] = MappingProxyType({"Dagar": "d"})
"""UCUM codes of the unit types that are units themselves; the catalogue's answers hold no other unit."""
SOUGHT: Final[Mapping[str, SoughtValue]] = MappingProxyType({"högt": "high", "lågt": "low"})
TEXTS: Final = MappingProxyType(
    {
        "definition": "Definition",
        "description": "Description",
        "numerator_definition": "Numerator",
        "denominator_definition": "Denominator",
        "measure_population_definition": "Population",
        "interpretation": "Interpretation, for staff",
        "sources_of_error": "Sources of error",
        "coverage_calculation": "How coverage is calculated",
        "regional_affinity": "Region by",
        "references": "References",
    }
)
PUBLISHED: Final = "PUBLISHED"


@dataclass(frozen=True, slots=True)
class CatalogueMeasure:
    """One version of an indicator.

    ``levels`` are organisation types of the contract. ``display_threshold`` is the smallest basis that may be shown
    (None: the catalogue gives none), ``audience_thresholds`` other ones by audience. ``per`` is the factor of a Kvot
    (1000: per thousand), ``unit`` the UCUM code of the value's unit. ``parent_id`` and ``sex`` (1 men, 2 women) are
    those of a submeasure. ``is_rolling_year``: each period reports the twelve months that end with it.
    """

    measure_id: str
    version_number: int
    title: str
    unit_type: UnitType
    status: str = PUBLISHED
    frequencies: tuple[Frequency, ...] = ("year",)
    levels: tuple[str, ...] = ("Land", "Lan", "Vardenhet")
    display_threshold: float | None = None
    audience_thresholds: Mapping[str, float] = field(default_factory=dict)
    sought_value: SoughtValue = "unknown"
    target_value: float | None = None
    is_open_data: bool = False
    is_standardised: bool = False
    is_rolling_year: bool = False
    per: float = 1.0
    unit: str | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    parent_id: str | None = None
    sex: str | None = None
    version_id: str | None = None
    contract_version: int | None = None
    keywords: tuple[str, ...] = ()
    owner: str = ""
    reporting_system: str = ""
    texts: Mapping[str, str] = field(default_factory=dict)

    @property
    def kind(self) -> MeasureKind:
        """The measure element of the contract that carries it."""
        return KINDS[self.unit_type]

    @property
    def is_published(self) -> bool:
        """Whether it may be reported (the catalogue marks drafts and withdrawn ones UNPUBLISHED)."""
        return self.status.upper() != "UNPUBLISHED"

    def threshold(self, audience: str | None = None, default: float | None = None) -> float | None:
        """Give the threshold of an audience, or with None the strictest of all.

        A producer answers everybody alike, so what it publishes must hold for the strictest audience.
        """
        own = self.display_threshold if self.display_threshold is not None else default
        if audience is not None:
            return self.audience_thresholds.get(audience, own)
        return max((value for value in (own, *self.audience_thresholds.values()) if value is not None), default=None)

    def definition(self) -> MeasureDefinition:
        """Give what the contract's rules need of it."""
        return MeasureDefinition(
            measure_id=self.measure_id,
            version_number=self.version_number,
            kind=self.kind,
            title=self.title,
            display_threshold=self.threshold(),
            is_standardised=self.is_standardised,
            unit=self.unit or UNITS.get(self.unit_type),
            method=METHODS.get(self.unit_type),
            version_id=self.version_id,
        )


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Every known version of every indicator, in order of id and version. ``source`` says where it was read."""

    measures: tuple[CatalogueMeasure, ...] = ()

    @classmethod
    def of(cls, measures: Iterable[CatalogueMeasure]) -> Catalogue:
        """Make a catalogue; of entries with the same id and version the last one holds."""
        by_key = {(one.measure_id, one.version_number): one for one in measures}
        return cls(tuple(by_key[key] for key in sorted(by_key)))

    def merged(self, other: Catalogue) -> Catalogue:
        """Give both; where both know a version, ``other`` holds."""
        return Catalogue.of((*self.measures, *other.measures))

    def latest(self) -> dict[str, CatalogueMeasure]:
        """Give the newest version of each indicator by its id, a published one before others."""
        newest: dict[str, CatalogueMeasure] = {}
        for one in self.measures:
            known = newest.get(one.measure_id)
            if known is None or one.is_published or not known.is_published:
                newest[one.measure_id] = one
        return newest

    def versions(self, measure_id: str) -> tuple[CatalogueMeasure, ...]:
        """Give every version of an indicator, oldest first."""
        return tuple(one for one in self.measures if one.measure_id == measure_id)

    def submeasures(self, measure_id: str) -> dict[str, CatalogueMeasure]:
        """Give the submeasures of an indicator by sex."""
        return {one.sex: one for one in self.latest().values() if one.parent_id == measure_id and one.sex is not None}

    def definitions(self) -> dict[str, MeasureDefinition]:
        """Give what the contract's rules need, by indicator."""
        return {name: one.definition() for name, one in self.latest().items()}
