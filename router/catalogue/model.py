"""What a routing catalogue holds: routes, call permissions, the HSA tree and faults on demand.

Implements the rows of platform reference 3.1 and 3.5; comparison and search are in `router.catalogue.table`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Literal, get_args

from router.faults import VP_FAULTS

#: Receiver of a route or permission that holds for everyone else.
DEFAULT_RECEIVER = "*"
#: Root of the HSA tree.
ROOT = "SE"
#: A time without zone is compared with ours only when they are this far apart; nearer counts as valid.
UNZONED_MARGIN = timedelta(hours=14)

FaultAction = Literal["delay", "refuse", "reset", "truncate", "wrong-certificate", "vp", "internal-error"]
FAULT_ACTIONS: tuple[str, ...] = get_args(FaultAction)
MAX_DELAY_S = 600


@dataclass(frozen=True, slots=True)
class CatalogueTime:
    """A time as the catalogue gives it: aware, or naive when no zone was written, or a whole date."""

    value: datetime
    is_date: bool = False

    @classmethod
    def of(cls, value: datetime | date) -> CatalogueTime:
        """Take over a date or a date with time."""
        if isinstance(value, datetime):
            return cls(value)
        return cls(datetime.combine(value, time.min), is_date=True)

    def __str__(self) -> str:
        return self.value.date().isoformat() if self.is_date else self.value.isoformat()

    def native(self) -> datetime | date:
        """Give the date or date with time that it was made of."""
        return self.value.date() if self.is_date else self.value


@dataclass(frozen=True, slots=True)
class Validity:
    """From when to when a row holds, both inclusive; None is open."""

    valid_from: CatalogueTime | None = None
    valid_to: CatalogueTime | None = None

    def window(self, zone: tzinfo | None) -> tuple[float, float]:
        """Give first and last second (Unix time) of the row.

        ``zone`` is that of times written without one, a last date then being the whole day. None compares
        as the platform does: such a time stretches the row by 14 hours, and a date is its midnight.
        """
        start, end = self.valid_from, self.valid_to
        first = float("-inf") if start is None else _moment(start.value, zone, -UNZONED_MARGIN)
        if end is None:
            return first, float("inf")
        value = end.value
        if end.is_date and zone is not None:
            value = datetime.combine(value.date(), time.max)
        return first, _moment(value, zone, UNZONED_MARGIN)

    def __str__(self) -> str:
        return f"{self.valid_from or '...'} to {self.valid_to or '...'}"


def _moment(value: datetime, zone: tzinfo | None, margin: timedelta) -> float:
    if value.tzinfo is not None:
        return value.timestamp()
    if zone is not None:
        return value.replace(tzinfo=zone).timestamp()
    return value.replace(tzinfo=UTC).timestamp() + margin.total_seconds()


ALWAYS = Validity()


@dataclass(frozen=True, slots=True)
class Route:
    """A route (vägval): where calls to a receiver by a contract go."""

    receiver: str
    contract: str
    profile: str
    address: str
    validity: Validity = ALWAYS


@dataclass(frozen=True, slots=True)
class Permission:
    """A call permission (anropsbehörighet): a sender may call a receiver by a contract."""

    sender: str
    receiver: str
    contract: str
    validity: Validity = ALWAYS


@dataclass(frozen=True, slots=True)
class HsaUnit:
    """A unit of the HSA tree; ``parent`` is an HSA-id, None for one right below the root."""

    hsa_id: str
    name: str = ""
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class FaultRule:
    """A fault that testers want: what is done to calls that match; a part that is None matches all."""

    action: FaultAction
    sender: str | None = None
    receiver: str | None = None
    contract: str | None = None
    delay_s: float = 0.0
    after_bytes: int = 0
    code: str = ""

    def problems(self) -> list[str]:
        """Say what is wrong with the rule."""
        if self.action not in FAULT_ACTIONS:
            return [f"action must be one of {', '.join(FAULT_ACTIONS)}"]
        if self.action == "vp" and self.code not in VP_FAULTS:
            return ["action vp needs a code from VP001 to VP015"]
        if self.action == "delay" and not 0 < self.delay_s <= MAX_DELAY_S:
            return [f"action delay needs delay_s, more than 0 and at most {MAX_DELAY_S} seconds"]
        return []

    def matches(self, sender: str, receiver: str, contract: str) -> bool:
        """Whether the rule is about this call; letter case is ignored as in all lookups."""
        pairs = ((self.sender, sender), (self.receiver, receiver), (self.contract, contract))
        return all(wanted is None or wanted.lower() == found.lower() for wanted, found in pairs)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """One reading of the catalogue. Platforms take it as loaded only with routes and permissions in it."""

    routes: tuple[Route, ...] = ()
    permissions: tuple[Permission, ...] = ()
    units: tuple[HsaUnit, ...] = ()
    faults: tuple[FaultRule, ...] = field(default=())
