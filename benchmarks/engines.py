"""SQLite and PostgreSQL: an answer of 150 000 measurements, its memory on both sides, and the time on either engine."""

from __future__ import annotations

import multiprocessing
import tempfile
from contextlib import ExitStack
from pathlib import Path

from benchmarks import databases, fixtures
from benchmarks.fetching import fetch_and_store
from benchmarks.harness import Missing, Results, in_turns, peak_memory
from benchmarks.servers import Caller, make_keys, serving
from benchmarks.serving import question

_MIB = 2**20
_MEASURES, _PERIODS, _UNITS = 15, 10, 1000
_RUNS = 7


def results(*, is_full: bool) -> Results:
    """Measure both engines, or SQLite alone where there is no PostgreSQL."""
    found = Results()
    with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
        folder = Path(directory)
        keys = make_keys(folder / "certs")
        engines = {"SQLite": stack.enter_context(databases.sqlite(folder))}
        try:
            engines["PostgreSQL"] = stack.enter_context(databases.postgresql())
        except Missing as reason:
            found.skipped.append(f"PostgreSQL: {reason}")
        ids = [fixtures.measure_id(number) for number in range(_MEASURES)]
        all_of_them, poll = question(*ids), question(ids[0], include_measurements=False)
        callers: dict[str, Caller] = {}
        fetches: dict[str, float] = {}
        for name, new_database in engines.items():
            url = fixtures.published_register(
                folder / name, measures=_MEASURES, periods=_PERIODS, units=_UNITS, url=new_database()
            )
            port, pid = stack.enter_context(serving(keys, register_url=url))
            callers[name] = Caller(keys, port)
            callers[name].call(poll)
            with peak_memory(pid) as peak:
                size = callers[name].call(all_of_them)
            growth = peak.growth_bytes / _MIB
            found.add(f"150 000 measurements, growth of the producer, {name}", growth, 32, unit="MiB", MB=size / 1e6)
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                cost = pool.apply(fetch_and_store, (keys, port, new_database(), ids))
            assert cost.measurements == _MEASURES * _PERIODS * _UNITS
            growth = cost.growth_bytes / _MIB
            found.add(f"150 000 measurements, growth of the consumer, {name}", growth, 64, unit="MiB", s=cost.seconds)
            fetches[name] = cost.seconds
        if len(engines) == 2:
            serve = in_turns(_RUNS, *(lambda caller=caller: caller.call(all_of_them) for caller in callers.values()))
            _compare(found, "serve 150 000 measurements", *serve)
            _compare(found, "fetch and store 150 000 measurements", *fetches.values())
    return found


def _compare(found: Results, what: str, sqlite_s: float, postgresql_s: float) -> None:
    ratio = max(sqlite_s, postgresql_s) / min(sqlite_s, postgresql_s)
    found.add(f"{what}, slower / faster engine", ratio, 2, SQLite_s=sqlite_s, PostgreSQL_s=postgresql_s)
