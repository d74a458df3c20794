"""Version 2.0 with one contract version published and served, and with every one: no version costs another anything."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from benchmarks import fixtures
from benchmarks.harness import Figure, in_turns
from benchmarks.servers import Caller, make_keys, serving
from benchmarks.serving import question
from contracts.registry import CONTRACTS
from producer.register.publication import publish
from producer.register.register import open_register

_RUNS = 31
# Many short turns: a busy machine then slows both alike.
_POLL_RUNS = 201
_POLLS = 10
_GOAL = 1.1


def figures() -> list[Figure]:
    """Measure an answer of 10 000 measurements and a checksum poll, in turns on the two producers."""
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        keys = make_keys(folder / "certs")
        one = fixtures.published_register(folder, measures=10, periods=10, units=1000)
        every = f"sqlite:///{shutil.copy(folder / 'bench.db', folder / 'every.db')}"
        with open_register(every) as register:
            published = publish(register, CONTRACTS.values()).publication.contracts
        answer = question(fixtures.measure_id(0))
        poll = question(fixtures.measure_id(0), include_measurements=False)
        with (
            serving(keys, register_url=one) as (port, _),
            serving(keys, register_url=every, contracts=tuple(CONTRACTS)) as (port_of_every, _),
        ):
            alone, beside = Caller(keys, port), Caller(keys, port_of_every)
            if alone.fetch(answer) != beside.fetch(answer):
                raise RuntimeError("version 2.0 does not answer the same with other versions beside it")
            answers = in_turns(_RUNS, lambda: alone.call(answer), lambda: beside.call(answer))
            polls = in_turns(_POLL_RUNS, lambda: _calls(alone, poll), lambda: _calls(beside, poll))
    versions = f"{len(CONTRACTS)} versions, {len(published)} renderings"
    return [
        _figure(f"10 000 measurements of 2.0, {versions} / 1 version", answers),
        _figure(f"checksum poll of 2.0, {versions} / 1 version", [taken / _POLLS for taken in polls]),
    ]


def _calls(caller: Caller, message: bytes) -> None:
    for _ in range(_POLLS):
        caller.call(message)


def _figure(name: str, taken: list[float]) -> Figure:
    one, every = taken
    return Figure(name, every / one, _GOAL, "at most", detail={"one ms": one * 1000, "every ms": every * 1000})
