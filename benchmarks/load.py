"""Callers by the hundred, in a process of their own so that the main one's work does not slow them."""

from __future__ import annotations

import hashlib
import multiprocessing
import random
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

from benchmarks.servers import Caller, Keys


@dataclass(frozen=True, slots=True)
class Plan:
    """``callers`` connections that together make ``per_second`` calls, at random moments.

    Of the ``messages`` each is asked in proportion to its ``weights``.
    """

    callers: int
    per_second: float
    messages: Sequence[bytes]
    weights: Sequence[float]


@dataclass(slots=True)
class Log:
    """What came of the calls: seconds from the moment a call was due, digests of the answers by message, errors."""

    seconds: list[float] = field(default_factory=list)
    digests: list[set[str]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


@contextmanager
def calling(keys: Keys, port: int, plan: Plan) -> Iterator[list[Log]]:
    """Have a plan carried out while the block runs; its log is in the list afterwards."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_run, args=(there, keys, port, plan))
    process.start()
    logs: list[Log] = []
    try:
        here.recv()
        yield logs
        here.send("stop")
        logs.append(here.recv())
    finally:
        process.join(60)
        if process.is_alive():
            process.terminate()
            process.join()


def _run(main: Connection, keys: Keys, port: int, plan: Plan) -> None:
    log = Log(digests=[set() for _ in plan.messages])
    stopped = threading.Event()
    ready = threading.Barrier(plan.callers + 1)
    threads = [
        threading.Thread(target=_call, args=(keys, port, plan, log, stopped, ready, number))
        for number in range(plan.callers)
    ]
    for thread in threads:
        thread.start()
    ready.wait(120)
    main.send("ready")
    main.recv()
    stopped.set()
    for thread in threads:
        thread.join(60)
    main.send(log)


def _call(
    keys: Keys, port: int, plan: Plan, log: Log, stopped: threading.Event, ready: threading.Barrier, number: int
) -> None:
    chance = random.Random(number)
    caller = Caller(keys, port)
    caller.call(plan.messages[0])
    ready.wait(120)
    due = time.perf_counter()
    while True:
        due += chance.expovariate(plan.per_second / plan.callers)
        if stopped.wait(max(0.0, due - time.perf_counter())):
            return
        which = chance.choices(range(len(plan.messages)), plan.weights)[0]
        try:
            answer = caller.fetch(plan.messages[which])
        except (OSError, RuntimeError) as error:
            log.errors.append(repr(error)[:300])
            continue
        log.seconds.append(time.perf_counter() - due)
        log.digests[which].add(hashlib.sha256(answer).hexdigest())
