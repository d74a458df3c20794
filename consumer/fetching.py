"""From a question to stored observations: one fetch, one transaction, one line in the log (design 3)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO

from consumer.client import Answer, ProducerClient, Warnings
from consumer.question import Question
from consumer.store import Changes, FetchFacts, Store
from consumer.store.rows import rows_of
from contracts.errors import ContractViolation, RemoteError, RulesBroken
from contracts.model import Measurement, ReportHead

Progress = Callable[[int], None]
_PROGRESS_STEP = 500


@dataclass(frozen=True, slots=True)
class Fetched:
    """A fetch that is stored."""

    question: Question
    head: ReportHead
    changes: Changes
    facts: FetchFacts
    warnings: Warnings


def fetch_into(
    store: Store,
    client: ProducerClient,
    question: Question,
    *,
    raw: BinaryIO | None = None,
    progress: Progress | None = None,
) -> Fetched:
    """Ask a question and store its answer whole, or log why not and store nothing.

    ``client`` must be connected to the question's producer. ``raw`` gets the answer's bytes as they are read;
    ``progress`` is told now and then how many more measurements have come. Raises RemoteError or ConfigurationError.
    """
    watch = _Watch()
    answer: Answer | None = None
    try:
        with store.gathering(question) as gathering:
            with client.fetch(question.measure_ids, question.period, raw=raw) as answer:
                gathering.add(rows_of(_counted(answer, progress)))
                head = answer.head
            facts = watch.facts(answer)
            changes = gathering.finish(head, facts)
        return Fetched(question, head, changes, facts, answer.warnings)
    except RemoteError as error:
        outcome = "rejected" if isinstance(error, ContractViolation) else "failed"
        text = "\n".join(error.problems) if isinstance(error, RulesBroken) else error.message
        store.log_failure(question, watch.facts(answer), outcome, error.code, text)
        raise


class _Watch:
    """Measures one fetch."""

    def __init__(self) -> None:
        self._started_at = datetime.now(UTC)
        self._clock = time.monotonic()

    def facts(self, answer: Answer | None) -> FetchFacts:
        duration_ms = round((time.monotonic() - self._clock) * 1000)
        if answer is None:
            return FetchFacts(self._started_at, duration_ms)
        return FetchFacts(
            self._started_at,
            duration_ms,
            answer.measurement_count,
            answer.bytes_received,
            answer.warnings.count,
        )


def _counted(measurements: Iterable[Measurement], progress: Progress | None) -> Iterator[Measurement]:
    if progress is None:
        yield from measurements
        return
    count = 0
    for measurement in measurements:
        yield measurement
        count += 1
        if count == _PROGRESS_STEP:
            progress(count)
            count = 0
    progress(count)
