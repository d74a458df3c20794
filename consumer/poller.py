"""Polling many producers: the checksum first, a fetch only when it differs, limits per producer (design 3).

What is done is in the store, question by question, so a poller that was killed goes on where it was: the next poll
finds the stored checksums, and a fetch that was under way left nothing.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Literal

from consumer.client import ProducerClient
from consumer.fetching import Fetched, Progress, fetch_into
from consumer.question import Question
from consumer.retry import Retries, is_a_whole_answer_too_much, may_retry
from consumer.store import Changes, Store
from contracts.errors import ConnectionFailed, ContractViolation, PlatformFault, RemoteError
from contracts.model import ReportHead

Outcome = Literal["unchanged", "stored", "rejected", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class PollTarget:
    """A producer to poll: its client, its questions, and how many calls to make to it at the same time."""

    label: str
    client: ProducerClient
    questions: Sequence[Question]
    parallel: int = 2


@dataclass(frozen=True, slots=True)
class Polled:
    """What came of one question. ``fetched`` has one entry per stored answer: more than one when it was split.

    ``checksum`` is what the producer answered, None when it did not.
    """

    target: PollTarget
    question: Question
    outcome: Outcome
    duration_ms: int = 0
    checksum: str | None = None
    fetched: tuple[Fetched, ...] = ()
    error: RemoteError | None = None

    @property
    def changes(self) -> Changes:
        """The changes of all its fetches together."""
        found = [fetched.changes for fetched in self.fetched]
        return Changes(
            sum(changes.added for changes in found),
            sum(changes.changed for changes in found),
            sum(changes.removed for changes in found),
            sum(changes.unchanged for changes in found),
        )


@dataclass
class _Producer:
    """State of one target during a poll."""

    target: PollTarget
    retries: Retries
    waiting: deque[Question]
    running: int = 0
    given_up: RemoteError | None = None


@dataclass
class Poller:
    """Polls targets with at most ``parallel`` calls at a time over all of them.

    ``attempts`` and ``retry_budget`` are those of `Retries`, the budget per producer and poll.
    """

    store: Store
    parallel: int = 8
    attempts: int = 4
    retry_budget: int = 20
    first_wait_s: float = 1.0
    progress: Progress | None = None
    _stopped: threading.Event = field(default_factory=threading.Event, repr=False)

    def poll(self, targets: Sequence[PollTarget]) -> Iterator[Polled]:
        """Ask every question of every target once and give each outcome as it is there.

        Failures of producers are outcomes; a store that fails is raised. Leaving the iteration early starts no more
        calls and drops the answers under way.
        """
        self._stopped.clear()
        producers = [_Producer(target, self._retries(), deque(target.questions)) for target in targets]
        running: dict[Future[Polled], _Producer] = {}
        with ThreadPoolExecutor(self.parallel, "poll") as executor:
            try:
                while True:
                    self._start(executor, producers, running)
                    if not running:
                        return
                    done, _ = wait(running, return_when=FIRST_COMPLETED)
                    for future in done:
                        running.pop(future).running -= 1
                        yield future.result()
            finally:
                self._stopped.set()

    def _retries(self) -> Retries:
        return Retries(self.attempts, self.retry_budget, self.first_wait_s, stopped=self._stopped)

    def _start(
        self, executor: ThreadPoolExecutor, producers: list[_Producer], running: dict[Future[Polled], _Producer]
    ) -> None:
        """Start what the limits allow, one question of each producer after the other."""
        is_any = True
        while is_any and len(running) < self.parallel:
            is_any = False
            for producer in producers:
                if producer.waiting and producer.running < producer.target.parallel and len(running) < self.parallel:
                    future = executor.submit(self._poll, producer, producer.waiting.popleft())
                    producer.running += 1
                    running[future] = producer
                    is_any = True

    def _poll(self, producer: _Producer, question: Question) -> Polled:
        if producer.given_up is not None:
            return Polled(producer.target, question, "skipped", error=producer.given_up)
        started_at = time.monotonic()
        fetched: list[Fetched] = []
        outcome: Outcome = "unchanged"
        checksum: str | None = None
        problem: RemoteError | None = None
        try:
            checksum = self._update(producer, question, fetched)
            if fetched:
                outcome = "stored"
        except RemoteError as error:
            problem = error
            outcome = "rejected" if isinstance(error, ContractViolation) else "failed"
            if isinstance(error, ConnectionFailed | PlatformFault):
                self._judge(producer, error)
        duration_ms = round((time.monotonic() - started_at) * 1000)
        return Polled(producer.target, question, outcome, duration_ms, checksum, tuple(fetched), problem)

    def _judge(self, producer: _Producer, error: RemoteError) -> None:
        """Give a producer up when a failure concerns every question to it and trying again is over."""
        if not may_retry(error) or producer.retries.is_used_up:
            producer.given_up = error

    def _update(self, producer: _Producer, question: Question, fetched: list[Fetched]) -> str:
        """Bring what is stored for a question up to date and give its checksum; ``fetched`` gets what was fetched."""
        head = self._checksum(producer, question)
        known = self.store.known(question)
        if known.checksum == head.measurement_checksum:
            self.store.note_unchanged(question)
            return head.measurement_checksum
        parts = question.parts(head.reporting_period) if known.is_split else ()
        if not parts:
            try:
                fetched.append(producer.retries.run(lambda: self._fetch(producer, question)))
                return fetched[-1].head.measurement_checksum
            except RemoteError as error:
                parts = question.parts(head.reporting_period) if is_a_whole_answer_too_much(error) else ()
                if not parts:
                    raise
        self._update_parts(producer, question, parts, head, fetched)
        return head.measurement_checksum

    def _update_parts(
        self,
        producer: _Producer,
        question: Question,
        parts: tuple[Question, ...],
        head: ReportHead,
        fetched: list[Fetched],
    ) -> None:
        self.store.note_split(question, parts)
        for part in parts:
            self._update(producer, part, fetched)
        after = self._checksum(producer, question)
        if after.measurement_checksum == head.measurement_checksum:
            # Else something changed meanwhile: without a checksum the next poll looks at the parts again.
            self.store.note_parts(question, head.measurement_checksum)

    def _checksum(self, producer: _Producer, question: Question) -> ReportHead:
        client = producer.target.client
        return producer.retries.run(lambda: client.checksum(question.measure_ids, question.period))

    def _fetch(self, producer: _Producer, question: Question) -> Fetched:
        return fetch_into(self.store, producer.target.client, question, progress=self._tell)

    def _tell(self, count: int) -> None:
        if self._stopped.is_set():
            raise CancelledError
        if self.progress is not None:
            self.progress(count)
