"""A checksum poll of a large register against one of a small register."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks import fixtures
from benchmarks.harness import Figure, in_turns
from benchmarks.servers import Caller, make_keys, serving
from benchmarks.serving import question

_RUNS = 15
_CALLS = 100


def figures() -> list[Figure]:
    """Measure: 1 000 measurements (one indicator of ten periods and 100 units) against 500 000."""
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        keys = make_keys(folder / "certs")
        small = fixtures.published_register(folder / "small", measures=1, periods=10, units=100)
        large = fixtures.published_register(folder / "large", measures=50, periods=10, units=1000)
        poll = question(fixtures.measure_id(0), include_measurements=False)
        with (
            serving(keys, register_url=small) as (small_place, _),
            serving(keys, register_url=large) as (large_place, _),
        ):
            callers = Caller(keys, small_place), Caller(keys, large_place)

            def polls(caller: Caller) -> None:
                for _ in range(_CALLS):
                    caller.call(poll)

            few, many = in_turns(_RUNS, lambda: polls(callers[0]), lambda: polls(callers[1]))
    return [
        Figure(
            "checksum poll, 500 000 / 1 000 measurements",
            many / few,
            1.3,
            "at most",
            detail={"small ms": few / _CALLS * 1000, "large ms": many / _CALLS * 1000},
        )
    ]
