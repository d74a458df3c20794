"""Connections that wait: each wait ends at its deadline, and a full house lets the next caller in.

The crowds of the hostile cases (A15-A22, D13) are slow tests; these are their single members."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from server_process import ServerFiles, ServerProcess
from serving_parties import SETTINGS, SMALL

from testsuites.hostile import Outcome, Peer, Variables, judge, run
from testsuites.hostile.sender import read_answer

TIMEOUT_S = 0.6
CONNECTIONS = 20


@pytest.fixture(scope="module")
def server(files: ServerFiles) -> Iterator[ServerProcess]:
    waits = dict.fromkeys(("header_timeout_s", "body_timeout_s", "keep_alive_s"), TIMEOUT_S)
    running = files.start("waiting", **{**SETTINGS, **waits, "max_connections": CONNECTIONS})
    yield running
    assert running.stop() == 0


@pytest.fixture
def peer(peer_of: Callable[[ServerProcess], Peer], server: ServerProcess) -> Peer:
    return peer_of(server)


def begin(peer: Peer, data: bytes) -> tuple[Outcome, float]:
    """Send the beginning of something and wait for what the server makes of it."""
    with peer.connect(SMALL) as sock:
        begun = time.perf_counter()
        sock.sendall(data)
        return read_answer(sock, begun), time.perf_counter() - begun


def test_a_message_that_stops_is_answered_408_and_logged(
    peer: Peer, server: ServerProcess, variables: Variables
) -> None:
    body = SMALL.body(variables)
    head = SMALL.head(variables, len(body))
    chunked = head.replace(b"Content-Length: %d" % len(body), b"Transfer-Encoding: chunked")
    beginnings = {
        "request line": head[:10],
        "header block": head[:-2],
        "body": head + body[:-1],
        "large body": SMALL.head(variables, 100_000) + b" " * 99_000,
        "chunks": chunked + b"%x\r\n" % len(body) + body,
        "large chunks": chunked + b"%x\r\n" % 100_000 + b" " * 100_000,
    }
    before = len(server.lines())
    with ThreadPoolExecutor(len(beginnings)) as pool:
        found = dict(zip(beginnings, pool.map(lambda data: begin(peer, data), beginnings.values()), strict=True))
    assert {name: outcome.status for name, (outcome, _) in found.items()} == dict.fromkeys(beginnings, 408)
    assert all(TIMEOUT_S - 0.1 < seconds < TIMEOUT_S + 3 for _, seconds in found.values()), found
    lines = server.wait_for_lines(before + len(beginnings))[before:]
    assert [(line["outcome"], line["status"]) for line in lines] == [("request-timeout", 408)] * len(beginnings)


def test_an_idle_connection_is_closed_without_a_word(peer: Peer, server: ServerProcess, variables: Variables) -> None:
    before = len(server.lines())
    outcome, seconds = begin(peer, b"")
    assert outcome.kind == "closed"
    assert seconds < TIMEOUT_S + 2
    body = SMALL.body(variables)
    with peer.connect(SMALL) as sock:
        sock.sendall(SMALL.head(variables, len(body)) + body)
        assert read_answer(sock, time.perf_counter()).status == 200
        assert read_answer(sock, time.perf_counter()).kind == "closed"
    assert len(server.wait_for_lines(before + 1)) == before + 1


def test_a_handshake_that_stops_is_ended_and_logged(peer: Peer, server: ServerProcess) -> None:
    before = len(server.lines())
    with socket.create_connection((peer.host, peer.port), timeout=5) as sock:
        sock.sendall(b"\x16\x03\x01\x02\x00\x01")
        assert sock.recv(1) == b""
    (line,) = server.wait_for_lines(before + 1)[before:]
    assert line["outcome"] == "handshake-timeout"


def test_a_connection_that_breaks_in_a_message_is_logged(
    peer: Peer, server: ServerProcess, variables: Variables
) -> None:
    before = len(server.lines())
    with peer.connect(SMALL) as sock:
        sock.sendall(SMALL.head(variables, 1000) + b"<e:Env")
    (line,) = server.wait_for_lines(before + 1)[before:]
    assert line["outcome"] in ("incomplete-request", "connection-broken")
    with socket.create_connection((peer.host, peer.port), timeout=5):
        pass
    assert len(server.lines()) == before + 1


def test_a_full_house_lets_the_next_caller_in(peer: Peer, server: ServerProcess, variables: Variables) -> None:
    with ExitStack() as stack:
        idle = [
            stack.enter_context(socket.create_connection((peer.host, peer.port), timeout=5))
            for _ in range(3 * CONNECTIONS)
        ]
        outcome = run(SMALL, variables, peer)
        assert judge(SMALL, outcome) == ()
        assert outcome.seconds < 1
        assert idle[0].recv(1) == b""


def test_two_requests_sent_at_once_are_both_answered(peer: Peer, variables: Variables) -> None:
    body = SMALL.body(variables)
    request = SMALL.head(variables, len(body)) + body
    with peer.connect(SMALL) as sock:
        sock.sendall(request * 3)
        answers = [read_all(sock) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 200]
    assert len({answer.body for answer in answers}) == 1


def read_all(sock: socket.socket) -> Outcome:
    """Read one of several answers, byte by byte where they meet."""

    class Unbuffered:
        def makefile(self, mode: str) -> object:
            return sock.makefile(mode, buffering=0)

    return read_answer(Unbuffered(), time.perf_counter())  # type: ignore[arg-type]
