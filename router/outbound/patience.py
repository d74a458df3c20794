"""How long the router waits in each part of a call; one timer for all of them (platform reference 5).

The HTTP library's own limit between reads is not used: after a large answer its timer goes off in the kept
connection and fails the next call (aiohttp 3.14).
"""

from __future__ import annotations

import asyncio


class Patience:
    """The limit of one call: for connecting, for each silence of the producer, and for all of it together."""

    def __init__(self, limit: asyncio.Timeout, *, silence_s: float, whole_s: float) -> None:
        """``limit`` is entered by the task that passes the call on, and ends it."""
        self._limit = limit
        self._silence_s = silence_s
        self._now = asyncio.get_running_loop().time
        self._end = self._now() + whole_s

    def connect(self, seconds: float) -> None:
        """Begin to connect, or to wait for another attempt, for ``seconds``; then the producer's time begins."""
        self._set(seconds + self._silence_s)

    def wait(self) -> None:
        """Begin to wait for the producer."""
        self._set(self._silence_s)

    def pass_on(self) -> None:
        """Begin to write to the caller, who may be slow until the whole call's time is over."""
        self._limit.reschedule(self._end)

    @property
    def cause(self) -> str:
        """Say whose time was over, once the limit has ended the call."""
        if self._now() >= self._end:
            return "The answer took too long."
        return "Timeout waiting for the producer's answer."

    def _set(self, seconds: float) -> None:
        self._limit.reschedule(min(self._now() + seconds, self._end))
