"""Every hostile case against the running producer over mutual TLS (robustness reference 2, families A-E)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from server_process import ServerProcess
from serving_parties import SETTINGS, SMALL

from testsuites.hostile import HostileCase, Peer, Variables, judge, load_cases, run
from testsuites.hostile.sender import Outcome

CASES = load_cases("producer")
MAX_GROWTH_BYTES = 64 * 1024 * 1024
MAX_DESCRIPTORS = 40


@pytest.fixture(scope="module")
def canary() -> Iterator[tuple[str, list[str]]]:
    """An HTTP server that nobody may visit, and the visits it had."""
    visits: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            visits.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as http_server:
        thread = threading.Thread(target=http_server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{http_server.server_port}", visits
        http_server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def no_leak(server: ServerProcess) -> Iterator[None]:
    """After all cases the workers hold no more memory, descriptors and threads than some good questions need."""
    yield
    deadline = time.monotonic() + 6
    while sum(worker.num_fds() for worker in server.workers()) > MAX_DESCRIPTORS and time.monotonic() < deadline:
        time.sleep(0.1)
    for worker in server.workers():
        assert worker.num_fds() <= MAX_DESCRIPTORS, worker.net_connections()
        assert worker.num_threads() <= SETTINGS["threads"] + 3
        assert worker.memory_info().rss < MAX_GROWTH_BYTES * 3


@pytest.mark.parametrize("case", [case for case in CASES if not case.is_slow], ids=lambda case: case.id)
def test_hostile_case_is_answered_as_it_should(
    case: HostileCase,
    server: ServerProcess,
    peer: Peer,
    variables: Variables,
    canary: tuple[str, list[str]],
    no_leak: None,
) -> None:
    url, visits = canary
    before, rss = len(server.lines()), server.rss_bytes()
    outcome = run(case, replace(variables, canary_url=url), peer)
    assert judge(case, outcome) == (), outcome
    assert not visits
    # A line is written after its answer: all of them are waited for, or a late one is taken for the next case's.
    expected = requests_of(case)
    lines = server.wait_for_lines(before + expected)[before:]
    assert len(lines) == expected, lines
    for line in lines:
        assert line["outcome"]
        check_line(line, case)
    assert judge(SMALL, run(SMALL, variables, peer)) == ()
    assert len(server.wait_for_lines(before + expected + 1)) == before + expected + 1
    assert server.rss_bytes() - rss < MAX_GROWTH_BYTES


def requests_of(case: HostileCase) -> int:
    """Give how many requests a case makes; each has a line, and so has a refused handshake."""
    return 2 + int(case.arguments["parallel"]) if case.script == "same-question" else 1


def check_line(line: dict[str, object], case: HostileCase) -> None:
    """A line holds no payload and no control character."""
    text = repr(line)
    assert "<e:" not in text
    assert "<r:" not in text
    assert all(char.isprintable() for value in line.values() if isinstance(value, str) for char in value)
    assert "measureId" not in text or "/GetQualityIndicators" in text


@pytest.mark.slow
@pytest.mark.parametrize("case", [case for case in CASES if case.is_slow], ids=lambda case: case.id)
def test_slow_hostile_case_leaves_others_unaffected(
    case: HostileCase,
    start_server: Callable[..., ServerProcess],
    peer_of: Callable[[ServerProcess], Peer],
    variables: Variables,
) -> None:
    server = start_server(case.id)
    peer = peer_of(server)
    found: list[Outcome] = []
    thread = threading.Thread(target=lambda: found.append(run(case, variables, peer)))
    thread.start()
    served: list[float] = []
    while thread.is_alive():
        outcome = run(SMALL, variables, peer)
        assert judge(SMALL, outcome) == (), (outcome, server.lines()[-3:])
        served.append(outcome.seconds)
        time.sleep(0.05)
    thread.join()
    assert served
    assert judge(case, found[0]) == (), found[0]
    assert judge(SMALL, run(SMALL, variables, peer)) == ()
    print(f"{case.id}: {found[0].kind} {found[0].status} after {found[0].seconds:.1f} s;", end=" ")
    print(f"{len(served)} good answers meanwhile, slowest {max(served):.2f} s, {server.rss_bytes() >> 20} MiB")
