"""Rules over a whole report (rules 1.3, 1.7, 1.9 and 1.11), fed one measurement at a time.

Kept per organisation and indicator is one integer, a bit for each measure period seen; nothing per measurement.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from contracts.distributed_model import DistributedMeasurement, ReferenceMeasurement
from contracts.model import (
    II,
    DatePeriod,
    MeasureDefinition,
    Measurement,
    PerformingOrganization,
    QualityIndicatorsRequest,
    ReportHead,
)
from contracts.rules.dates import check_period, parse_day, period_length
from contracts.rules.distributed import check_distributed, check_reference
from contracts.rules.finding import Finding
from contracts.rules.measurement import check_measurement

MAX_PERIODS: Final = 4096
"""Different measure periods that are compared; ten years of every frequency are about 200."""


@dataclass(frozen=True, slots=True)
class _Span:
    """A measure period as days, with its length class (rule 1.9 compares equal lengths)."""

    start: date
    end: date
    length: tuple[str, int]

    def collides(self, other: _Span) -> bool:
        return self.length == other.length and self.start <= other.end and other.start <= self.end


class PeriodLedger:
    """Which measure periods each organisation and indicator has had: duplicates and overlaps.

    Of use wherever measurements come one by one. Memory: a few bytes for each organisation and indicator and for
    each of at most `MAX_PERIODS` periods.
    """

    def __init__(self) -> None:
        self._indexes: dict[DatePeriod, int] = {}
        self._periods: list[DatePeriod] = []
        self._spans: list[_Span] = []
        self._collisions: list[int] = []
        self._organizations: dict[tuple[str | None, ...], int] = {}
        self._seen: dict[tuple[str | None, int], int] = {}
        self._is_full_reported = False

    def add(self, measurement: Measurement, where: str) -> Finding | None:
        """Note a measurement; give a finding when it repeats (1.3) or overlaps (1.9) an earlier one.

        A period that does not exist (rule 1.14) is passed over.
        """
        index = self._index(measurement.measure_period)
        if index is None:
            return None
        if index < 0:
            return self._report_full(where)
        organization = _identity(measurement.performing_organization)
        number = self._organizations.setdefault(organization, len(self._organizations))
        key = (measurement.measure_id.extension, number)
        seen = self._seen.get(key, 0)
        self._seen[key] = seen | 1 << index
        if seen >> index & 1:
            return _duplicate(measurement, where)
        if overlapping := seen & self._collisions[index]:
            other = self._periods[(overlapping & -overlapping).bit_length() - 1]
            return _overlap(measurement, other, where)
        return None

    def _index(self, period: DatePeriod) -> int | None:
        """Give the period's bit number, None when it does not exist, -1 when there are too many."""
        index = self._indexes.get(period)
        if index is not None:
            return index
        start, end = parse_day(period.start), parse_day(period.end)
        if start is None or end is None or start > end:
            return None
        if len(self._spans) == MAX_PERIODS:
            return -1
        return self._intern(period, _Span(start, end, period_length(start, end)))

    def _intern(self, period: DatePeriod, span: _Span) -> int:
        index = len(self._spans)
        mask = 0
        for other_index, other in enumerate(self._spans):
            if span.collides(other):
                mask |= 1 << other_index
                self._collisions[other_index] |= 1 << index
        self._indexes[period] = index
        self._periods.append(period)
        self._spans.append(span)
        self._collisions.append(mask)
        return index

    def _report_full(self, where: str) -> Finding | None:
        if self._is_full_reported:
            return None
        self._is_full_reported = True
        message = f"The report has more than {MAX_PERIODS} different measure periods; the rest is not compared."
        return Finding("1.9", "error", f"{where}/measurePeriod", message, "Ask for a shorter period at a time.")


def _identity(organization: PerformingOrganization) -> tuple[str | None, ...]:
    """What makes two organisations the same: hsaId, else organizationId, else their names."""
    if organization.hsa_id:
        return (organization.hsa_id,)
    if organization.organization_id is not None:
        return organization.organization_id.root, organization.organization_id.extension
    return organization.organization_type, organization.organization_name, None


def _named(measurement: Measurement) -> str:
    organization, period = measurement.performing_organization, measurement.measure_period
    return (
        f"indicator {measurement.measure_id.extension!r}, {organization.organization_type} "
        f"{organization.organization_name!r}, period {period.start} to {period.end}"
    )


def _duplicate(measurement: Measurement, where: str) -> Finding:
    message = f"There is already a measurement of {_named(measurement)}."
    mend = "Keep the one that is right; sub-groups such as sexes are indicators of their own."
    return Finding("1.3", "error", f"{where}/performingOrganization", message, mend)


def _overlap(measurement: Measurement, other: DatePeriod, where: str) -> Finding:
    message = f"The measurement of {_named(measurement)} overlaps the one of equal length {other.start} to {other.end}."
    mend = (
        "Report periods that follow each other; for rolling twelve months send the month as measurePeriod and the "
        "twelve months as firstServiceEncounter and lastServiceEncounter."
    )
    return Finding("1.9", "error", f"{where}/measurePeriod", message, mend)


class ReportChecker:
    """Checks a report as it is read: `add` each measurement, then `finish` with the head.

    ``catalogue``: definitions by measureId, None when there is no catalogue to check against. ``requested``: the
    question, None for a report that is no answer. ``is_name_required`` as in `check_measurement`; ``report`` names the
    report in places. Not for use by several threads.
    """

    def __init__(
        self,
        catalogue: Mapping[str, MeasureDefinition] | None = None,
        requested: QualityIndicatorsRequest | None = None,
        *,
        is_name_required: bool = True,
        report: str = "AggregatedQualityReport",
    ) -> None:
        self._catalogue = catalogue
        self._report = report
        self._requested = requested
        self._is_name_required = is_name_required
        self._asked: frozenset[II] = frozenset(requested.measure_ids) if requested else frozenset()
        self._ledger = PeriodLedger()
        self._count = 0
        self._start = self._end = ""

    def add(self, measurement: Measurement, where: str) -> list[Finding]:
        """Check one measurement (untrusted) by itself and against those added before."""
        extension = measurement.measure_id.extension or ""
        definition = None if self._catalogue is None else self._catalogue.get(extension)
        findings = check_measurement(
            measurement, where=where, definition=definition, is_name_required=self._is_name_required
        )
        if isinstance(measurement, DistributedMeasurement):
            check_distributed(measurement, where, findings)
        if self._catalogue is not None and definition is None and extension.strip():
            message = f"Indicator {extension!r} is not in the catalogue."
            mend = "Correct the id or import the catalogue anew."
            findings.append(Finding("1.7", "error", f"{where}/measureId/extension", message, mend))
        if self._requested is not None:
            self._check_question(measurement, self._requested.reporting_period, where, findings)
        if finding := self._ledger.add(measurement, where):
            findings.append(finding)
        self._note_period(measurement.measure_period)
        return findings

    def add_reference(self, reference: ReferenceMeasurement, where: str) -> list[Finding]:
        """Check one reference value (untrusted); the report's span holds its period as well."""
        findings = check_reference(reference, where)
        if self._requested is not None:
            self._check_question(reference, self._requested.reporting_period, where, findings)
        self._note_period(reference.measure_period)
        return findings

    def _note_period(self, period: DatePeriod) -> None:
        self._start = min(self._start, period.start) if self._count else period.start
        self._end = max(self._end, period.end)
        self._count += 1

    def finish(self, head: ReportHead) -> list[Finding]:
        """Check the head of the report against what was added (rules 1.11 and 1.14)."""
        findings: list[Finding] = []
        where = f"{self._report}/reportingPeriod"
        if not check_period(head.reporting_period, self._report, "reportingPeriod", findings):
            return findings
        if self._count:
            self._check_span(head.reporting_period, where, findings)
        elif self._requested is not None:
            _check_empty(head.reporting_period, self._requested, where, findings)
        if self._count and self._requested is not None and not self._requested.include_measurements:
            message = f"The answer has {self._count} measurements, though includeMeasurements is false."
            findings.append(Finding("1.11", "error", self._report, message, "Send the report without measurements."))
        return findings

    def _check_question(
        self, measurement: Measurement | ReferenceMeasurement, asked: DatePeriod, where: str, findings: list[Finding]
    ) -> None:
        period = measurement.measure_period
        if period.start < asked.start or period.end > asked.end:
            message = f"The period {period.start} to {period.end} is not inside {asked.start} to {asked.end}, as asked."
            mend = "Return only measure periods that lie wholly inside the requested period."
            findings.append(Finding("1.11", "error", f"{where}/measurePeriod", message, mend))
        if self._asked and measurement.measure_id not in self._asked:
            message = f"Indicator {measurement.measure_id.extension!r} was not asked for."
            mend = "Return only measurements of the requested indicators."
            findings.append(Finding("1.11", "error", f"{where}/measureId", message, mend))

    def _check_span(self, reported: DatePeriod, where: str, findings: list[Finding]) -> None:
        if (reported.start, reported.end) == (self._start, self._end):
            return
        message = (
            f"reportingPeriod is {reported.start} to {reported.end}; the measure periods run from {self._start} "
            f"to {self._end}."
        )
        mend = "Send the smallest start and the largest end of the measure periods in the answer."
        findings.append(Finding("1.11", "error", where, message, mend))


def _check_empty(
    reported: DatePeriod, requested: QualityIndicatorsRequest, where: str, findings: list[Finding]
) -> None:
    """Check the period of a report without measurements: the one asked for, or inside it when only polled."""
    asked = requested.reporting_period
    if requested.include_measurements:
        is_right = reported == asked
        mend = "Send the requested period when nothing matches."
    else:
        is_right = asked.start <= reported.start and reported.end <= asked.end
        mend = "Send the span of the measure periods that match, all inside the requested period."
    if not is_right:
        message = f"reportingPeriod is {reported.start} to {reported.end}; asked was {asked.start} to {asked.end}."
        findings.append(Finding("1.11", "error", where, message, mend))
