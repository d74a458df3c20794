"""What was worked out for the last questions, kept because consumers ask the same again and again (design 3)."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Recent(Generic[K, V]):
    """The last values by key, bounded in number and in weight, in whatever unit ``keep`` is told. Safe to share.

    Keys may be untrusted: two are the same only when they are equal in full, and nobody fills more than the bounds.
    """

    def __init__(self, *, most: int, most_weight: int) -> None:
        self._most = most
        self._most_weight = most_weight
        self._kept: dict[K, tuple[V, int]] = {}
        self._weight = 0
        self._lock = threading.Lock()

    def get(self, key: K) -> V | None:
        """Give the value, None when it is not known any more."""
        kept = self._kept.get(key)
        return None if kept is None else kept[0]

    def keep(self, key: K, value: V, weight: int) -> None:
        """Keep a value, and let the oldest go when there are too many or they weigh too much."""
        with self._lock:
            if key in self._kept:
                return
            self._kept[key] = value, weight
            self._weight += weight
            while len(self._kept) > self._most or self._weight > self._most_weight:
                oldest = next(iter(self._kept))
                self._weight -= self._kept.pop(oldest)[1]
