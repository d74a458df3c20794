"""What is made of which indicators: the periods, levels and sexes that catalogue and counts allow (domain 1.4).

Indicators that are alike in all of it share a plan, so that they are summed together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

import polars as pl

from contracts.catalogue.model import MONTHS, CatalogueMeasure, Frequency, UnitType
from producer.calculation.counts import Counts
from producer.calculation.periods import ended_periods, last_day, month_of, period_label
from producer.calculation.tree import LEVELS
from producer.register.vis.findings import Findings, ImportFinding

_NO_REGIONS: Final = (
    "The catalogue asks for values per sjukvårdsregion (Hälso-och sjukvårdsregion), and they are left out: the VIS "
    "file has no column for them, no id of a sjukvårdsregion is published, and Halland lies in two"
)
_REGIONS_MEND: Final = "Nothing: the other levels are made. Agree with the receiver on another way, if it needs them."
_WAIT: Final = "Nothing, if its time has not come. Else deliver the months that are missing and calculate again."
_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Plan:
    """``measures`` (positions in `Counts.measures`) and what is made of each of them.

    ``periods``: the numbers of the periods of each length in months, the shortest length first.
    """

    measures: tuple[int, ...]
    periods: tuple[tuple[int, range], ...]
    levels: tuple[str, ...]
    unit_type: UnitType
    is_rolling: bool
    by_sex: bool

    @property
    def months(self) -> int:
        """Length of the shortest periods, which the others are sums of."""
        return self.periods[0][0]

    @property
    def longest(self) -> int:
        """Length of the longest periods that are summed, in months."""
        return 12 if self.is_rolling else self.periods[-1][0]

    @property
    def counted(self) -> range:
        """The shortest periods that are part of any that is made."""
        spans = [
            ((periods.start - (12 // months - 1 if self.is_rolling else 0)) * months, periods.stop * months)
            for months, periods in self.periods
        ]
        return range(min(one[0] for one in spans) // self.months, max(one[1] for one in spans) // self.months)

    @property
    def counted_months(self) -> range:
        """The months of ``counted``."""
        return range(self.counted.start * self.months, self.counted.stop * self.months)

    def batches(self, size: int) -> Iterator[Plan]:
        """Give the plan in parts of at most ``size`` indicators."""
        for first in range(0, len(self.measures), size):
            yield replace(self, measures=self.measures[first : first + size])


def plans(counts: Counts, today: date) -> list[Plan]:
    """Decide what can be made of which indicators; what the catalogue asks for but cannot be is warned of (CNT-12)."""
    with_sexes = {one.parent_id for one in counts.measures if one.sex is not None}
    alike: dict[Plan, list[int]] = {}
    left_out: dict[str, list[str]] = {}
    for span in _spans(counts.rows).to_dicts():
        measure = counts.measures[span["measure"]]
        periods = _periods(measure, span, counts.findings, today, left_out)
        if "Sjukvardsregion" in measure.levels:
            warn(counts.findings, measure, _NO_REGIONS, _REGIONS_MEND)
        levels = tuple(level for level in LEVELS if level in measure.levels)
        if periods and levels:
            by_sex = measure.measure_id in with_sexes
            plan = Plan((), periods, levels, measure.unit_type, measure.is_rolling_year, by_sex)
            alike.setdefault(plan, []).append(span["measure"])
    for what, titles in left_out.items():
        more = f" and {len(titles) - _SHOWN} more" if len(titles) > _SHOWN else ""
        finding = f"{', '.join(titles[:_SHOWN])}{more}: {what}."
        counts.findings.add(ImportFinding("CNT-12", "warning", None, "period_end", finding, _WAIT))
    return [replace(plan, measures=tuple(measures)) for plan, measures in alike.items()]


def warn(findings: Findings, measure: CatalogueMeasure, what: str, mend: str | None = None) -> None:
    """Add a warning that something the catalogue asks for is not made."""
    mend = mend or "Deliver counts of shorter periods, or nothing: what can be made is made."
    findings.add(ImportFinding("CNT-12", "warning", None, "measure_id", f"{measure.title}: {what}.", mend))


def _spans(rows: pl.DataFrame) -> pl.DataFrame:
    """Give for each indicator its first and last month and the longest period that a row is about, in months."""
    first, last = pl.col("first"), pl.col("last")
    fits = pl.lit(99, pl.Int32)
    for months in sorted(MONTHS.values(), reverse=True):
        fits = pl.when(first // months == last // months).then(pl.lit(months, pl.Int32)).otherwise(fits)
    return rows.group_by("measure").agg(first.min(), last.max(), fits=fits.max()).sort("measure")


def _periods(
    measure: CatalogueMeasure, span: dict[str, Any], findings: Findings, today: date, left_out: dict[str, list[str]]
) -> tuple[tuple[int, range], ...]:
    found = []
    for frequency in measure.frequencies:
        months = MONTHS[frequency]
        if span["fits"] > months:
            what = f"The catalogue asks for {frequency} values, but some counts are of longer periods"
            warn(findings, measure, what)
            continue
        periods = _of_frequency(measure, frequency, span["first"], span["last"], today)
        partial = list(_partial(months, periods, span, today, is_rolling=measure.is_rolling_year))
        for what in partial:
            left_out.setdefault(what, []).append(measure.title)
        if periods:
            found.append((months, periods))
        elif not partial:
            whole = "twelve months in a row that have" if measure.is_rolling_year else f"whole {frequency} that has"
            warn(findings, measure, f"The counts hold no {whole} ended and for which the indicator is valid")
    return tuple(sorted(found, key=lambda one: one[0]))


def _partial(months: int, periods: range, span: dict[str, Any], today: date, *, is_rolling: bool) -> Iterator[str]:
    """Tell of the periods before and after those that are made, of which there are some counts."""
    first, last = span["first"], span["last"]
    if first // months < periods.start and not is_rolling:
        name = period_label(first // months, months)
        yield f"No value of {name}, because the counts, or the indicator's validity, begin during it"
    if last // months >= periods.stop:
        name = period_label(last // months, months)
        if last_day((last // months + 1) * months - 1) > today:
            yield f"No value of {name}, which has not ended"
        else:
            yield f"No value of {name}: it has ended, but the counts end with {period_label(last, 1)}"


def _of_frequency(measure: CatalogueMeasure, frequency: Frequency, first: int, last: int, today: date) -> range:
    months = MONTHS[frequency]
    if measure.valid_from is not None:
        valid = month_of(measure.valid_from)
        first = max(first, valid if measure.valid_from.day == 1 else valid + 1)
    periods = ended_periods(months, first, last, today)
    if measure.is_rolling_year:
        return range(periods.start + 12 // months - 1, max(periods.stop, periods.start + 12 // months - 1))
    return periods
