"""What a consumer asks a producer for, again and again: the unit of polling and of one transaction (design 3)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date
from typing import Self

from contracts.errors import UsageError
from contracts.model import DatePeriod
from contracts.registry import CONTRACTS, GET_QUALITY_INDICATORS_2


@dataclass(frozen=True, slots=True)
class Question:
    """Indicators and the period that holds their measure periods wholly, asked of one producer.

    ``producer`` is its logical address; ``measure_ids`` are catalogue ids in order, each once, none for every
    indicator (contract version 1 only).
    """

    producer: str
    measure_ids: tuple[str, ...]
    period: DatePeriod
    contract: str = GET_QUALITY_INDICATORS_2.id

    @classmethod
    def of(
        cls,
        producer: str,
        measure_ids: Collection[str],
        start: str,
        end: str,
        contract: str = GET_QUALITY_INDICATORS_2.id,
    ) -> Self:
        """Make a question of days as people write them (YYYY-MM-DD or YYYYMMDD). Raises UsageError."""
        if not measure_ids and not CONTRACTS[contract].codec.allows_every_indicator:
            raise UsageError("Name at least one indicator (measureId). Only version 1 can ask for every one.")
        period = DatePeriod(parse_day(start), parse_day(end))
        if period.start > period.end:
            raise UsageError(f"The period ends {end}, before it starts {start}. Exchange the two days.")
        return cls(producer, tuple(sorted(set(measure_ids))), period, contract)

    @property
    def digest(self) -> str:
        """SHA-256 (hex) that names the question in the store."""
        content = [self.contract, self.producer, list(self.measure_ids), self.period.start, self.period.end]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()

    def overlaps(self, other: Question) -> bool:
        """Whether one measurement could belong to the answers of both."""
        return (
            self.producer == other.producer
            and self.period.start <= other.period.end
            and other.period.start <= self.period.end
            and not (self.measure_ids and other.measure_ids and set(self.measure_ids).isdisjoint(other.measure_ids))
        )

    def parts(self, span: DatePeriod) -> tuple[Question, ...]:
        """Split into two smaller questions: by indicators, else at a turn of the year; () when neither can be.

        ``span`` is the reportingPeriod of the answer, so that both parts hold something. Months, quarters and years
        never lie across a turn of the year; a longer measure period that does belongs to no part, because the
        contract returns only periods wholly inside the one asked for.
        """
        if len(self.measure_ids) > 1:
            middle = len(self.measure_ids) // 2
            ids = self.measure_ids[:middle], self.measure_ids[middle:]
            return tuple(replace(self, measure_ids=half) for half in ids)
        first = int(max(self.period.start, span.start)[:4])
        last = int(min(self.period.end, span.end)[:4])
        if first >= last:
            return ()
        middle = (first + last) // 2
        return (
            replace(self, period=DatePeriod(self.period.start, f"{middle}1231")),
            replace(self, period=DatePeriod(f"{middle + 1}0101", self.period.end)),
        )


def parse_day(text: str) -> str:
    """Give the contract's ``YYYYMMDD`` of a day written so or as ``YYYY-MM-DD``. Raises UsageError."""
    try:
        day = date.fromisoformat(text.strip())
    except ValueError:
        day = None
    if day is None or "W" in text or not 1900 <= day.year <= 2099:
        raise UsageError(f"{text!r} is not a day from 1900 to 2099. Write YYYY-MM-DD.")
    return f"{day:%Y%m%d}"


def iso_day(day: str) -> str:
    """Give ``YYYY-MM-DD`` of a contract date."""
    return f"{day[:4]}-{day[4:6]}-{day[6:]}"
