"""Checksum polls: of a small and a large register, against the smallest answer there is, and with many indicators."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date, timedelta
from itertools import count
from pathlib import Path

from benchmarks import fixtures
from benchmarks.harness import Picture, Results, call_by_call, grouped
from benchmarks.servers import Caller, Keys, make_keys, serving
from benchmarks.serving import question
from contracts.model import DatePeriod

_RUNS = 21
_CALLS = 60
_IDS = 400
# Measurements of the register: indicators x periods x units; each question is for one indicator of ten periods.
_SIZES = {1_000: (1, 10, 100), 500_000: (50, 10, 1000), 5_000_000: (500, 10, 1000)}


def results(*, is_full: bool) -> Results:
    """Measure; the full set has a register of 5 000 000 measurements too."""
    found = Results()
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        keys = make_keys(folder / "certs")
        sizes = {rows: size for rows, size in _SIZES.items() if is_full or rows < 5_000_000}
        _flatness(found, keys, folder, sizes)
        _many_indicators(found, keys, folder)
    if not is_full:
        found.skipped.append("checksum poll of 5 000 000 measurements (make bench-all)")
    return found


def _flatness(found: Results, keys: Keys, folder: Path, sizes: dict[int, tuple[int, int, int]]) -> None:
    poll = question(fixtures.measure_id(0), include_measurements=False)
    with ExitStack() as stack:
        callers = {}
        for rows, (measures, periods, units) in sizes.items():
            place = folder / f"{rows}"
            url = fixtures.published_register(place, measures=measures, periods=periods, units=units)
            port, _ = stack.enter_context(serving(keys, register_url=url))
            callers[f"{grouped(rows)} measurements"] = Caller(keys, port)
        port, _ = stack.enter_context(serving(keys, application="benchmarks.peers.smallest:application"))
        callers["smallest SOAP answer"] = Caller(keys, port)
        product = next(iter(callers.values()))
        nothing = question("matches-nothing", include_measurements=False)
        actions = [lambda caller=caller: caller.call(poll) for caller in callers.values()]
        *times, empty_s = call_by_call(_RUNS, _CALLS, *actions, lambda: product.call(nothing))
    milliseconds = {name: time * 1000 for name, time in zip(callers, times, strict=True)}
    (small, least), *larger, (_, floor) = milliseconds.items()
    found.add(
        "checksum poll, throughput / the producer's own answer when nothing matches",
        empty_s * 1000 / least,
        None,
        poll_ms=least,
        nothing_ms=empty_s * 1000,
    )
    for name, time in larger:
        found.add(f"checksum poll, {name} / {small}", time / least, 1.2, small_ms=least, large_ms=time)
    found.add(
        "checksum poll, throughput / the same server's smallest SOAP answer",
        floor / least,
        0.5,
        "at least",
        poll_ms=least,
        smallest_ms=floor,
    )
    bars = {name: [time] for name, time in milliseconds.items()}
    found.pictures.append(Picture("polls", "A checksum poll over mutual TLS", "ms", "bars", bars))


def _many_indicators(found: Results, keys: Keys, folder: Path) -> None:
    """Ask for one and for 400 indicators: with the same message again, as consumers poll, and with one never seen."""
    url = fixtures.published_register(folder / "many", measures=_IDS, periods=1, units=20)
    every = [fixtures.measure_id(number) for number in range(_IDS)]
    one, many = question(every[0], include_measurements=False), question(*every, include_measurements=False)
    new_one, new_many = _never_seen(every[:1]), _never_seen(every)
    with serving(keys, register_url=url) as (port, _):
        call = Caller(keys, port).call
        actions = (lambda: call(one), lambda: call(many), lambda: call(next(new_one)), lambda: call(next(new_many)))
        few, more, few_new, more_new = call_by_call(_RUNS, _CALLS // 4, *actions)
    for name, least, most, goal in (("", few, more, 3), (", each question a new one", few_new, more_new, None)):
        figure = f"checksum poll, {_IDS} measureIds / one{name}"
        found.add(figure, most / least, goal, one_ms=least * 1000, many_ms=most * 1000)


def _never_seen(measure_ids: list[str]) -> Iterator[bytes]:
    """Give questions that differ in their first day."""
    for day in count():
        period = DatePeriod(f"{date(1900, 1, 1) + timedelta(day):%Y%m%d}", "20991231")
        yield question(*measure_ids, include_measurements=False, period=period)
