"""Trying again: only what may pass, with growing random waits, and no more than a budget (robustness F18)."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from contracts.errors import FaultReceived, PlatformFault, ProducerBusy, RemoteError

T = TypeVar("T")


def may_retry(error: RemoteError) -> bool:
    """Whether a failure may pass by itself: VP008, VP009, a busy producer, no connection; not a TLS refusal."""
    return error.is_retryable if isinstance(error, PlatformFault) else error.retryable


def is_a_whole_answer_too_much(error: RemoteError) -> bool:
    """Whether a fetch that followed a good checksum call may have failed for its size: then smaller ones may work.

    The platform answers one over its cap with a Server fault of no code, and one that comes too late with VP009.
    """
    if isinstance(error, PlatformFault):
        return error.vp_code == "VP009"
    if isinstance(error, FaultReceived):
        return error.remote_fault_code == "Server"
    return error.code in ("answer-too-large", "timed-out")


@dataclass(slots=True)
class Retries:
    """Tries calls again within a budget that all calls to one producer share; may be shared between threads.

    ``attempts`` counts the first one. Before the n-th repetition it waits between half and all of
    ``first_wait_s`` * 2**(n-1), at most ``longest_wait_s``; a busy producer's own wish when that is longer.
    ``stopped`` ends the waiting.
    """

    attempts: int = 4
    budget: int = 20
    first_wait_s: float = 1.0
    longest_wait_s: float = 30.0
    stopped: threading.Event = field(default_factory=threading.Event)
    used: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def run(self, call: Callable[[], T]) -> T:
        """Give what ``call`` gives, or raise the RemoteError of its last attempt."""
        attempt = 1
        while True:
            try:
                return call()
            except RemoteError as error:
                if attempt == self.attempts or not may_retry(error) or not self._take():
                    raise
                if self.stopped.wait(self._wait_s(attempt, error)):
                    raise
            attempt += 1

    @property
    def is_used_up(self) -> bool:
        """Whether nothing is tried again any more."""
        return self.used >= self.budget

    def _take(self) -> bool:
        with self._lock:
            if self.is_used_up or self.stopped.is_set():
                return False
            self.used += 1
            return True

    def _wait_s(self, attempt: int, error: RemoteError) -> float:
        longest = min(self.first_wait_s * 2 ** (attempt - 1), self.longest_wait_s)
        wait_s = random.uniform(longest / 2, longest)  # noqa: S311 (spreads calls, hides nothing)
        return max(wait_s, error.retry_after_s) if isinstance(error, ProducerBusy) else wait_s
