"""What a completeness check finds: frozen data for terminal, HTML and JSON alike."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Final

SUSPICIONS: Final = MappingProxyType(
    {
        "SUS-01": "The value jumps",
        "SUS-02": "The number behind the value jumps",
        "SUS-03": "Numerator and denominator seem to be exchanged",
        "SUS-04": "A value seems to be in per cent",
        "SUS-05": "Many values are masked or missing",
    }
)


@dataclass(frozen=True, slots=True)
class Missing:
    """A value that is expected and not there. ``reason``: why it is expected."""

    measure_id: str
    organization: str
    organization_name: str
    start: date
    end: date
    reason: str


@dataclass(frozen=True, slots=True)
class Suspicion:
    """A value, or an indicator, that somebody should look at; ``rule`` is one of `SUSPICIONS`."""

    rule: str
    measure_id: str
    organization: str | None
    organization_name: str
    start: date | None
    end: date | None
    what: str
    mend: str


@dataclass(frozen=True, slots=True)
class MeasureState:
    """Counts of an indicator's values. ``frequency_months`` is the length of its shortest period."""

    measure_id: str
    title: str
    expected: int
    values: int
    masked: int
    without_basis: int
    unreported: int
    missing: int
    frequency_months: int
    is_in_catalogue: bool
    is_in_register: bool

    @property
    def share(self) -> float:
        """Share of what is expected that is there, masked and not reported values included."""
        return 1.0 if not self.expected else 1 - self.missing / self.expected
