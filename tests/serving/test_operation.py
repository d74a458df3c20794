"""The producer in operation: start, drain, restart, overload, health, a register that is gone and comes back."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import signal
import socket
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from server_process import ServerFiles, ServerProcess
from serving_parties import GOOD, SETTINGS, SMALL, Pki

from gateway.demo_data import DemoFile
from testsuites.hostile import Outcome, Peer, Variables, judge, run
from testsuites.hostile.judge import fault_code
from testsuites.hostile.sender import read_answer

Start = Callable[..., ServerProcess]
PeerOf = Callable[[ServerProcess], Peer]


@pytest.fixture
def large_question(variables: Variables, demo: DemoFile) -> bytes:
    """A question for everything, with its header block; the answer of 3 MB is larger than the socket buffers."""
    measures = "".join(
        f"<r:measureId><c:root>${{measure_root}}</c:root><c:extension>{one.measure_id}</c:extension></r:measureId>"
        for one in demo.measures
    )
    case = dataclasses.replace(GOOD, parts={"include": "", "measures": measures})
    body = case.body(variables)
    return case.head(variables, len(body)) + body


def slow_reader(peer: Peer, question: bytes) -> socket.socket:
    """Ask and read nothing yet; the small receive buffer makes the server wait."""
    plain = socket.socket()
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    plain.settimeout(20)
    plain.connect((peer.host, peer.port))
    context = peer.context_for("good", {})
    assert isinstance(context, ssl.SSLContext)
    sock = context.wrap_socket(plain, server_hostname=peer.host)
    sock.sendall(question)
    return sock


def get(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_sigterm_finishes_the_answer_in_flight_and_exits_0(
    start_server: Start, peer_of: PeerOf, large_question: bytes, variables: Variables
) -> None:
    server = start_server("drain", write_timeout_s=20.0)
    peer = peer_of(server)
    with slow_reader(peer, large_question) as sock:
        time.sleep(0.3)
        codes: list[int] = []
        stopping = threading.Thread(target=lambda: codes.append(server.stop()))
        stopping.start()
        time.sleep(0.5)
        assert run(SMALL, variables, peer).kind != "answer"
        assert server.process.poll() is None
        outcome = read_answer(sock, time.perf_counter())
    stopping.join()
    assert outcome.status == 200
    assert len(outcome.body) == int(outcome.headers["content-length"]) > 2_000_000
    assert codes == [0]
    assert server.lines()[-1]["outcome"] == "ok"


@pytest.mark.slow
def test_sigint_stops_at_once(start_server: Start, peer_of: PeerOf, large_question: bytes) -> None:
    server = start_server("interrupt", write_timeout_s=60.0)
    with slow_reader(peer_of(server), large_question) as sock:
        time.sleep(0.3)
        begun = time.perf_counter()
        assert server.stop(signal.SIGINT) == 0
        assert time.perf_counter() - begun < 5
        assert read_answer(sock, begun).kind != "answer"


@pytest.mark.slow
def test_a_killed_worker_is_replaced(start_server: Start, peer_of: PeerOf, variables: Variables) -> None:
    server = start_server("killed")
    peer = peer_of(server)
    assert run(SMALL, variables, peer).status == 200
    (worker,) = server.workers()
    os.kill(worker.pid, signal.SIGKILL)
    begun = time.perf_counter()
    while run(SMALL, variables, peer).status != 200:
        assert time.perf_counter() - begun < 5
    assert server.stop() == 0


def test_too_many_large_answers_are_refused_while_small_ones_and_health_go_on(
    start_server: Start, peer_of: PeerOf, large_question: bytes, variables: Variables
) -> None:
    server = start_server("overload", threads=4, write_timeout_s=20.0)
    peer = peer_of(server)
    readers = [slow_reader(peer, large_question) for _ in range(3)]
    try:
        time.sleep(0.5)
        with slow_reader(peer, large_question) as sock:
            refused = read_answer(sock, time.perf_counter())
        assert refused.status == 503
        assert refused.headers["retry-after"] == "5"
        assert fault_code(refused) == "Server"
        for _ in range(5):
            outcome = run(SMALL, variables, peer)
            assert judge(SMALL, outcome) == ()
            assert outcome.seconds < 1
        assert get(server.health_port, "/health/ready")[0] == 200
        assert [read_answer(sock, time.perf_counter()).status for sock in readers] == [200, 200, 200]
    finally:
        for sock in readers:
            sock.close()
    with slow_reader(peer, large_question) as sock:
        assert read_answer(sock, time.perf_counter()).status == 200


@pytest.mark.slow
def test_a_caller_that_does_not_read_is_cut_off_and_logged(
    start_server: Start, peer_of: PeerOf, large_question: bytes
) -> None:
    server = start_server("unread", write_timeout_s=0.5)
    with slow_reader(peer_of(server), large_question) as sock:
        (line,) = server.wait_for_lines(1, timeout_s=10)
        assert line["aborted"] is True
        assert line["bytes_out"] < 3_000_000
        outcome = read_answer(sock, time.perf_counter())
    assert outcome.kind != "answer"


def test_health_tells_live_and_ready_on_loopback_only(server: ServerProcess) -> None:
    assert get(server.health_port, "/health/live") == (200, '{"status": "ok"}')
    assert get(server.health_port, "/health/ready") == (200, '{"status": "ok"}')
    assert get(server.health_port, "/")[0] == 404
    before = len(server.lines())
    get(server.health_port, "/health/ready")
    assert len(server.lines()) == before


def test_a_register_that_is_gone_gives_503_one_that_is_damaged_500_and_both_recover(
    files: ServerFiles, tmp_path: Path, start_server: Start, pki: Pki, variables: Variables
) -> None:
    original = Path(files.register_url.removeprefix("sqlite:///"))
    register = tmp_path / "register.db"
    shutil.copy(original, register)
    server = dataclasses.replace(files, folder=tmp_path, register_url=f"sqlite:///{register}").start(**SETTINGS)
    try:
        peer = Peer("127.0.0.1", server.port, pki.context)
        assert run(GOOD, variables, peer).status == 200
        for content, status, outcome in (
            (b"", 503, "register-unavailable"),
            (b"this is no database, whatever its name says" * 1000, 500, "register-damaged"),
        ):
            register.write_bytes(content)
            refused = wait_for_status(peer, variables, status)
            assert fault_code(refused) == "Server"
            assert str(tmp_path).encode() not in refused.body
            assert get(server.health_port, "/health/ready") == (503, '{"status": "register-unavailable"}')
            assert get(server.health_port, "/health/live")[0] == 200
            incident = re.search(rb"<f:incidentId>(.+?)</f:incidentId>", refused.body)
            assert incident is not None
            assert server.line_of(incident[1].decode())["outcome"] == outcome
            shutil.copy(original, register)
            assert wait_for_status(peer, variables, 200).status == 200
    finally:
        server.stop()


def wait_for_status(peer: Peer, variables: Variables, status: int) -> Outcome:
    deadline = time.monotonic() + 10
    while True:
        outcome = run(GOOD, variables, peer)
        if outcome.status == status or time.monotonic() > deadline:
            assert outcome.status == status, outcome
            return outcome
        time.sleep(0.2)
