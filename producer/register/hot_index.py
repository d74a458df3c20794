"""The slices of one publication in memory, for questions to be answered without a scan (design 3).

An index never changes: another publication gives another index, which shares what is the same.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter

from contracts.model import DatePeriod
from producer.recent import Recent
from producer.repository import Selection, SliceEntry

# Slices of one indicator by version, each in the order of its measure periods.
Versions = Mapping[int, tuple[SliceEntry, ...]]

# About 4 MB of references, and as much of questions.
_KEPT_SLICES = 500_000
_KEPT_QUESTIONS = 256

_period = attrgetter("key.measure_period")


@dataclass(frozen=True, slots=True)
class RenderingIndex:
    """The slices of one rendering, by measureId extension; ``measure_ids`` is sorted."""

    measures: Mapping[str, Versions]
    measure_ids: tuple[str, ...]

    def select(self, measure_ids: Collection[str] | None, period: DatePeriod) -> tuple[SliceEntry, ...]:
        """Give the matching slices in canonical order; None means every indicator."""
        wanted = self.measure_ids if measure_ids is None else sorted(set(measure_ids) & self.measures.keys())
        return tuple(
            entry
            for measure_id in wanted
            for entries in self.measures[measure_id].values()
            for entry in _inside(entries, period)
        )


EMPTY = RenderingIndex({}, ())


Question = tuple[str, frozenset[str] | None, DatePeriod]


def _recent() -> Recent[Question, Selection]:
    return Recent(most=_KEPT_QUESTIONS, most_weight=_KEPT_SLICES)


@dataclass(frozen=True, slots=True)
class HotIndex:
    """The slices of one publication by rendering; a rendering that is not here is not published."""

    publication_id: int
    renderings: Mapping[str, RenderingIndex]
    recent: Recent[Question, Selection] = field(default_factory=_recent, compare=False)

    def select(self, rendering: str, measure_ids: Collection[str] | None, period: DatePeriod) -> Selection:
        """Give the slices of a rendering that is published which match."""
        question = (rendering, None if measure_ids is None else frozenset(measure_ids), period)
        selection = self.recent.get(question)
        if selection is None:
            selection = Selection(self.publication_id, self.renderings[rendering].select(measure_ids, period))
            self.recent.keep(question, selection, len(selection.slices))
        return selection


def changed_index(old: RenderingIndex, gone: Iterable[SliceEntry], come: Iterable[SliceEntry]) -> RenderingIndex:
    """Give ``old`` without the slices ``gone`` and with ``come``; costs by the indicators that they touch."""
    gone_by_measure = _by_measure(gone)
    come_by_measure = _by_measure(come)
    measures = dict(old.measures)
    for measure_id in gone_by_measure.keys() | come_by_measure.keys():
        left = {entry.slice_id for entry in gone_by_measure.get(measure_id, ())}
        entries = [
            entry
            for version in old.measures.get(measure_id, {}).values()
            for entry in version
            if entry.slice_id not in left
        ]
        entries += come_by_measure.get(measure_id, ())
        if entries:
            measures[measure_id] = _versions(entries)
        else:
            measures.pop(measure_id, None)
    return RenderingIndex(measures, tuple(sorted(measures)))


def _inside(entries: tuple[SliceEntry, ...], period: DatePeriod) -> Iterable[SliceEntry]:
    first = bisect_left(entries, DatePeriod(period.start, ""), key=_period)
    beyond = bisect_right(entries, DatePeriod(period.end, "99999999"), lo=first, key=_period)
    return (entry for entry in entries[first:beyond] if entry.key.measure_period.end <= period.end)


def _by_measure(entries: Iterable[SliceEntry]) -> dict[str, list[SliceEntry]]:
    grouped: dict[str, list[SliceEntry]] = {}
    for entry in entries:
        grouped.setdefault(entry.key.measure_id, []).append(entry)
    return grouped


def _versions(entries: Iterable[SliceEntry]) -> Versions:
    versions: dict[int, list[SliceEntry]] = {}
    for entry in sorted(entries, key=attrgetter("key")):
        versions.setdefault(entry.key.version_number, []).append(entry)
    return {number: tuple(slices) for number, slices in versions.items()}
