"""What goes into the store beside observations, and what comes out of it, as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from consumer.question import Question
from consumer.store.staging import Changes


@dataclass(frozen=True, slots=True)
class FetchFacts:
    """What the log keeps of a fetch, whatever came of it. ``started_at`` is aware UTC."""

    started_at: datetime
    duration_ms: int
    measurements: int = 0
    bytes_received: int = 0
    warnings: int = 0


@dataclass(frozen=True, slots=True)
class KnownQuestion:
    """A question in the store. ``checksum`` None: what is stored of it is not, or no longer, its full answer.

    ``is_split``: its answer is fetched in parts; ``is_part``: it is such a part itself.
    """

    question: Question
    checksum: str | None = None
    polled_at: datetime | None = None
    is_split: bool = False
    is_part: bool = False


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One line of the fetch log; ``outcome`` is stored, rejected (broke the contract) or failed."""

    question: Question
    outcome: str
    facts: FetchFacts
    changes: Changes
    checksum: str | None
    reporting_organization: str | None
    error_code: str | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Selection:
    """Which observations: every part that is given must hold. The days hold the measure period, inclusive."""

    producers: tuple[str, ...] = ()
    measure_ids: tuple[str, ...] = ()
    start: date | None = None
    end: date | None = None
    org_levels: tuple[str, ...] = ()
    org_ids: tuple[str, ...] = ()
    region_codes: tuple[str, ...] = ()
    period_types: tuple[str, ...] = ()
    limit: int | None = None
