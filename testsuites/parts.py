"""What a distributed report holds below its totals, noted as it passes by (domain reference 4.3).

Facts for the cases about filters; memory grows with units and indicators, not with measurements.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from contracts.distributed_model import DistributedMeasurement, ReferenceMeasurement, Subgroup
from contracts.model import CohortMeasure, DatePeriod, Measurement, MissingMeasure

_UNIT = "Vardenhet"


@dataclass(frozen=True, slots=True)
class Seen:
    """How often something occurs in an answer, and the place of the first."""

    count: int = 0
    where: str = ""


NOT_SEEN = Seen()


@dataclass(frozen=True, slots=True)
class Parts:
    """What an answer holds: ``units`` by HSA-id (empty for organisations without one), ``subgroups`` by what they
    are divided by, of measurements and reference values. ``most_compared`` is the largest number of care units with
    a mean or share of one indicator and period, which reference values are made over.
    """

    units: Mapping[str, Seen] = field(default_factory=dict)
    subgroups: Mapping[str, Seen] = field(default_factory=dict)
    distributions: Seen = NOT_SEEN
    references: Seen = NOT_SEEN
    most_compared: int = 0

    def subgroups_by(self, stratification: str) -> Seen:
        """Give the sub-groups of one stratification: SEX, AGE or SEX_AGE."""
        return self.subgroups.get(stratification, NOT_SEEN)


class PartsLog:
    """Notes the parts of one answer."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], Seen] = {}
        self._compared: Counter[tuple[str | None, DatePeriod]] = Counter()

    def add(self, measurement: Measurement, where: str) -> None:
        """Note a measurement that stands at ``where``."""
        organization = measurement.performing_organization
        self._note("unit", organization.hsa_id or "", where)
        if organization.organization_type == _UNIT and not isinstance(
            measurement.measure, MissingMeasure | CohortMeasure
        ):
            self._compared[measurement.measure_id.extension, measurement.measure_period] += 1
        if isinstance(measurement, DistributedMeasurement):
            self._note_distribution(measurement.distribution, where)
            self._note_subgroups(measurement.subgroups, where)

    def add_reference(self, reference: ReferenceMeasurement, where: str) -> None:
        """Note a reference value that stands at ``where``."""
        self._note("reference", "", where)
        self._note_subgroups(reference.subgroups, where)

    def parts(self) -> Parts:
        """Give what was noted."""
        return Parts(
            self._of("unit"),
            self._of("subgroup"),
            self._seen.get(("distribution", ""), NOT_SEEN),
            self._seen.get(("reference", ""), NOT_SEEN),
            max(self._compared.values(), default=0),
        )

    def _of(self, kind: str) -> dict[str, Seen]:
        return {name: seen for (of, name), seen in self._seen.items() if of == kind}

    def _note_subgroups(self, subgroups: Iterable[Subgroup], where: str) -> None:
        for number, subgroup in enumerate(subgroups, start=1):
            place = f"{where}/subgroup[{number}]"
            self._note("subgroup", subgroup.stratification, place)
            self._note_distribution(subgroup.distribution, place)

    def _note_distribution(self, distribution: object | None, where: str) -> None:
        if distribution is not None:
            self._note("distribution", "", f"{where}/distribution")

    def _note(self, kind: str, name: str, where: str) -> None:
        seen = self._seen.get((kind, name))
        self._seen[kind, name] = Seen(1, where) if seen is None else Seen(seen.count + 1, seen.where)
