"""The worker's main loop: what can happen to a connection within one turn of it."""

from __future__ import annotations

import selectors
import signal
import socket
from collections.abc import Iterator
from queue import SimpleQueue
from types import SimpleNamespace

import pytest
from gunicorn.workers.gthread import ThreadWorker
from producer_messages import settings

from producer.connection import Connection
from producer.worker import PatientWorker, note_early_signals


@pytest.fixture
def worker() -> Iterator[PatientWorker]:
    """A worker with a poller but without process, threads and listeners."""
    made = object.__new__(PatientWorker)
    made.settings = settings()
    made._waiting = {}
    made._stop_by = float("inf")
    made._swept_at = 0.0
    made.nr_conns = 0
    made.poller = selectors.DefaultSelector()
    yield made
    made.murder_keepalived(force=True)
    made.poller.close()


@pytest.fixture
def pairs() -> Iterator[list[tuple[socket.socket, socket.socket]]]:
    made = [socket.socketpair() for _ in range(2)]
    yield made
    for pair in made:
        for sock in pair:
            sock.close()


def waiting(worker: PatientWorker, sock: socket.socket) -> Connection:
    conn = Connection(
        sock, ("127.0.0.1", 1), None, settings=worker.settings, cfg=SimpleNamespace(), is_tls=True, is_health=False
    )
    worker.nr_conns += 1
    worker._wait(conn)
    return conn


def test_a_connection_evicted_in_the_turn_in_which_it_became_readable_is_let_go(
    worker: PatientWorker, pairs: list[tuple[socket.socket, socket.socket]]
) -> None:
    """Otherwise the loop would fail, and with it the worker."""
    conn = waiting(worker, pairs[0][0])
    pairs[0][1].send(b"x")
    ((key, _),) = worker.poller.select(1)
    assert worker._evict()
    key.data(key.fileobj)
    assert worker.nr_conns == 0
    assert conn.sock.fileno() == -1


def test_the_longest_waiting_connection_makes_room(
    worker: PatientWorker, pairs: list[tuple[socket.socket, socket.socket]]
) -> None:
    first, second = waiting(worker, pairs[0][0]), waiting(worker, pairs[1][0])
    assert worker._evict()
    assert first.sock.fileno() == -1
    assert second.sock.fileno() != -1
    assert worker._evict()
    assert not worker._evict()


def test_only_waits_that_are_over_end(worker: PatientWorker, pairs: list[tuple[socket.socket, socket.socket]]) -> None:
    over, not_over = waiting(worker, pairs[0][0]), waiting(worker, pairs[1][0])
    over.deadline = 0.0
    worker.murder_keepalived()
    assert over.sock.fileno() == -1
    assert not_over.sock.fileno() != -1
    assert worker.nr_conns == 1


@pytest.mark.parametrize(
    ("early", "is_alive"), [([], True), ([signal.SIGCHLD], True), ([signal.SIGCHLD, signal.SIGTERM], False)]
)
def test_a_stop_that_came_before_the_process_had_its_own_handlers_is_heeded(
    worker: PatientWorker, monkeypatch: pytest.MonkeyPatch, early: list[int], is_alive: bool
) -> None:
    monkeypatch.setattr(ThreadWorker, "init_signals", lambda _self: None)
    arbiter = SimpleNamespace(SIG_QUEUE=SimpleQueue())
    note_early_signals(arbiter, worker)
    for number in early:
        arbiter.SIG_QUEUE.put(number)
    worker.alive = True
    worker.init_signals()
    assert worker.alive is is_alive
