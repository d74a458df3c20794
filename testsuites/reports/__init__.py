"""Report writers: each reads the stream of events; those that write files do so when the run is finished.

A file appears whole or not at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from contracts.errors import ConfigurationError
from testsuites.model import (
    Case,
    CaseFinished,
    Check,
    Event,
    Outcome,
    RunFinished,
    RunInfo,
    RunStarted,
    Status,
    Suite,
    Totals,
)

_CONSEQUENCES = ("soap", "same-answer")
_INDEX = re.compile(r"\[\d+\]")


class ReportWriter(Protocol):
    """Whatever reads events."""

    def on_event(self, event: Event) -> None:
        """Take the next event."""


@dataclass(frozen=True, slots=True)
class Mending:
    """Something to mend: the check that tells most of it, and the cases that fail by it."""

    check: Check
    cases: tuple[Case, ...]


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """A whole run, as file reports need it."""

    info: RunInfo
    suites: tuple[Suite, ...]
    outcomes: tuple[Outcome, ...]
    totals: Totals
    started_at: datetime
    seconds: float
    answer_times_s: tuple[float, ...] = ()

    def of_suite(self, suite: Suite) -> tuple[Outcome, ...]:
        """Give the outcomes of a suite's cases."""
        return tuple(outcome for outcome in self.outcomes if outcome.case.suite_id == suite.id)

    def to_mend(self) -> tuple[Mending, ...]:
        """Give every failed check once, gathered over the cases that found it; what only follows from others last."""
        found: dict[tuple[str, str], list[tuple[Check, Outcome]]] = {}
        for outcome in self.of_status(Status.FAILED):
            for check in outcome.of_status(Status.FAILED):
                found.setdefault((check.rule, _INDEX.sub("", check.where)), []).append((check, outcome))
        mendings = [
            Mending(max((check for check, _ in group), key=_telling), tuple(dict.fromkeys(o.case for _, o in group)))
            for group in found.values()
        ]
        return tuple(sorted(mendings, key=lambda mending: mending.check.rule in _CONSEQUENCES))

    def of_status(self, *statuses: Status) -> tuple[Outcome, ...]:
        """Give the outcomes that have one of ``statuses``."""
        return tuple(outcome for outcome in self.outcomes if outcome.status in statuses)


class FileReport:
    """Writes one file at the end of a run; ``render`` makes its content."""

    def __init__(self, path: Path, render: Callable[[FinishedRun], bytes]) -> None:
        self._path = path
        self._render = render
        self._started: RunStarted | None = None
        self._outcomes: list[Outcome] = []

    def on_event(self, event: Event) -> None:
        """Collect outcomes; write when the run is finished. Raises ConfigurationError."""
        if isinstance(event, RunStarted):
            self._started = event
        elif isinstance(event, CaseFinished):
            self._outcomes.append(event.outcome)
        elif isinstance(event, RunFinished):
            assert self._started is not None
            write_whole(self._path, self._render(finished_run(self._started, self._outcomes, event)))


def _telling(check: Check) -> tuple[bool, int, bool]:
    """Order checks of one thing by how much they help a reader."""
    return check.mend is not None, check.count, bool(check.snippet)


def finished_run(started: RunStarted, outcomes: Iterable[Outcome], finished: RunFinished) -> FinishedRun:
    """Put a run together from its events."""
    return FinishedRun(
        started.info,
        started.suites,
        tuple(outcomes),
        finished.totals,
        started.at,
        finished.seconds,
        finished.answer_times_s,
    )


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that it is whole or not there. Raises ConfigurationError."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_bytes(content)
        unfinished.replace(path)
    except OSError as error:
        raise ConfigurationError(f"The report {path} cannot be written: {error.strerror}.") from None
