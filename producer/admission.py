"""Places for what is expensive: large bodies and large answers never take every thread.

Implements admission control: more than the machine can do is refused at once (503, Retry-After), so that
small questions and health stay answered.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from contracts.errors import Overloaded

#: What a refused caller is told to wait.
RETRY_AFTER_S = 5


class Places:
    """A number of places in this process; who finds none free is refused, never queued."""

    def __init__(self, count: int) -> None:
        self._free = threading.BoundedSemaphore(count)

    def enter(self) -> None:
        """Take a place or raise Overloaded; `leave` gives it back."""
        if not self._free.acquire(blocking=False):
            raise Overloaded("The service is busy with other large messages. Try again in a few seconds.")

    def leave(self) -> None:
        """Give a place back."""
        self._free.release()

    @contextmanager
    def take(self) -> Iterator[None]:
        """Hold a place while the block runs."""
        self.enter()
        try:
            yield
        finally:
            self.leave()


def places_for_large(threads: int) -> int:
    """Give how many of ``threads`` may be busy with large answers: three quarters, at least one left free."""
    return max(1, min(threads - 1, threads * 3 // 4))
