"""More processes, many callers while the register changes, and the contract's answer times under mixed load."""

from __future__ import annotations

import multiprocessing
import os
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks import fixtures
from benchmarks.harness import Picture, Results, percentile
from benchmarks.load import Log, Plan, calling
from benchmarks.servers import Caller, Keys, make_keys, serving
from benchmarks.serving import question
from contracts.model import DatePeriod
from producer.register.importer import import_vis
from producer.register.publication import publish
from producer.register.register import open_register

_SIZE = {"measures": 40, "periods": 10, "units": 1000}
_POLLED, _QUESTIONS = 400, 1_200
_DECEMBER = DatePeriod("20241201", "20241231")
_YEAR = DatePeriod("20000101", "20991231")
# The SLA of the contract: one call a second, 95 % answered within ten seconds.
_SLA_S, _SLA_SHARE, _SLA_RATE = 10.0, 0.95, 20.0
_HOUR_CALLS = 3600


def results(*, is_full: bool) -> Results:
    """Measure on one register of 400 000 measurements."""
    found = Results()
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        keys = make_keys(folder / "certs")
        url = fixtures.published_register(folder, **_SIZE)
        _processes(found, keys, url, rounds=5 if is_full else 3)
        _sla(found, keys, url, seconds=_HOUR_CALLS / _SLA_RATE if is_full else 30)
        _changes(found, keys, folder, url)
    return found


def _processes(found: Results, keys: Keys, url: str, rounds: int) -> None:
    """Questions that cost the server much and the client little: 400 indicators, the checksum alone, and so many
    questions that the server cannot remember them."""
    periods = (DatePeriod(f"{1900 + number // 12}{number % 12 + 1:02}01", "20991231") for number in range(_QUESTIONS))
    polled = [fixtures.measure_id(number) for number in range(_POLLED)]
    many = [question(*polled, include_measurements=False, period=period) for period in periods]
    plan = Plan(8, 100_000, many, [1] * _QUESTIONS)
    rates: dict[int, list[float]] = {1: [], 2: []}
    with serving(keys, register_url=url, workers=1) as (one, _), serving(keys, register_url=url, workers=2) as (two, _):
        for _ in range(rounds):
            for workers, port in ((1, one), (2, two)):
                with calling(keys, port, plan) as logs:
                    begun = time.perf_counter()
                    time.sleep(3)
                    lasted = time.perf_counter() - begun
                rates[workers].append(len(logs[0].seconds) / lasted)
    single, double = (statistics.median(rates[workers]) for workers in (1, 2))
    found.add("throughput of two processes / one", double / single, 1.6, "at least", one_per_s=single, two_per_s=double)


def _sla(found: Results, keys: Keys, url: str, seconds: float) -> None:
    """Polls, and answers of 1 000, 10 000 and 30 000 measurements (the last is about the platform's cap)."""
    messages = (
        question(fixtures.measure_id(0), include_measurements=False),
        question(fixtures.measure_id(1), period=_DECEMBER),
        question(fixtures.measure_id(2)),
        question(*map(fixtures.measure_id, range(3, 6))),
    )
    plan = Plan(60, _SLA_RATE, messages, (80, 15, 4, 1))
    with serving(keys, register_url=url, workers=2) as (port, _), calling(keys, port, plan) as logs:
        time.sleep(seconds)
    log = logs[0]
    _no_errors(found, "mixed load at 20 times the SLA's rate, failed calls", log)
    found.add(
        "mixed load at 20 times the SLA's rate, 95 % answered within",
        percentile(log.seconds, _SLA_SHARE),
        _SLA_S,
        unit="s",
        calls=len(log.seconds),
        median_s=percentile(log.seconds, 0.5),
        slowest_s=max(log.seconds),
    )
    title = f"Answer times of {len(log.seconds)} calls, 20 a second"
    found.pictures.append(Picture("sla", title, "s", "distribution", {"mixed load": log.seconds}, limit=_SLA_S))


def _changes(found: Results, keys: Keys, folder: Path, url: str) -> None:
    """100 callers, first while nothing happens, then while every measurement is imported anew and published."""
    changed = folder / "changed.csv"
    fixtures.write_vis_file(changed, **_SIZE, shift=1)
    messages = (
        question(fixtures.measure_id(0), include_measurements=False),
        question(fixtures.measure_id(0), period=_DECEMBER),
    )
    plan = Plan(100, 100, messages, (9, 1))
    with serving(keys, register_url=url, workers=2) as (port, _):
        old = _digests(keys, port, messages)
        with calling(keys, port, plan) as idle:
            time.sleep(10)
        with calling(keys, port, plan) as busy:
            process = multiprocessing.get_context("spawn").Process(target=import_and_publish, args=(url, changed))
            process.start()
            process.join()
            time.sleep(1)
        assert process.exitcode == 0
        new = _digests(keys, port, messages)
    _no_errors(found, "100 callers during import and publish, failed calls", busy[0])
    foreign = sum(len(seen - {old[at], new[at]}) for at, seen in enumerate(busy[0].digests))
    found.add("100 callers during import and publish, answers neither old nor new", foreign, 0, unit="")
    assert all(before != after for before, after in zip(old, new, strict=True))
    slow, usual = percentile(busy[0].seconds, 0.9), percentile(idle[0].seconds, 0.9)
    found.add(
        "100 callers during import and publish (at nice 10), slowest decile / idle",
        slow / usual,
        3,
        idle_ms=usual * 1000,
        during_ms=slow * 1000,
        calls=len(busy[0].seconds),
    )
    data = {"idle": idle[0].seconds, "during import and publish": busy[0].seconds}
    found.pictures.append(Picture("changes", "Answer times of 100 callers", "s", "distribution", data))


def import_and_publish(url: str, file: Path) -> None:
    """Import a file and publish; in a process of its own that yields to the serving ones, as is advised."""
    os.nice(10)
    with open_register(url) as register:
        import_vis(register, file)
        publish(register)


def _digests(keys: Keys, port: int, messages: tuple[bytes, ...]) -> list[str]:
    import hashlib

    caller = Caller(keys, port)
    return [hashlib.sha256(caller.fetch(message)).hexdigest() for message in messages]


def _no_errors(found: Results, name: str, log: Log) -> None:
    detail = {"first": log.errors[0]} if log.errors else {}
    found.add(name, len(log.errors), 0, unit="", **detail)
