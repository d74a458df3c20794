"""Requests and answers as bytes over real TLS sockets: framing, smuggling, early and cut answers, parties that leave.

Cases of callers are data; producers are scripts on a socket, because no HTTP server misbehaves like that.
"""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import ssl
import threading
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from router_cases import check_fault
from router_lab import ANSWER, DATA, FAULT, PRODUCER_CONTRACT, Lab, large_answer, message

from certs.tls import client_context, server_context
from router.embedded import RunningRouter, running_router

CASES: list[dict[str, Any]] = tomllib.loads((DATA / "wire_cases.toml").read_text(encoding="utf-8"))["case"]
_LIMIT = 100_000
_WHOLE = message().encode()
#: Only a little over the limit, so that all of it is there when the head is judged.
_LARGE = message(filler="x" * _LIMIT).encode()


def chunked(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n0\r\n\r\n" % (len(data), data)


_BODIES = {"whole": _WHOLE, "chunked": chunked(_WHOLE), "large": _LARGE, "large-chunked": chunked(_LARGE)}


@pytest.fixture(scope="module")
def router(lab: Lab) -> RunningRouter:
    return lab.router("strict", max_message_bytes=_LIMIT)


@pytest.fixture(scope="module")
def context(lab: Lab) -> ssl.SSLContext:
    return client_context(lab.tls("consumer"))


def connect(router: RunningRouter, context: ssl.SSLContext) -> ssl.SSLSocket:
    port = int(str(router.https_url).split(":")[2].split("/")[0])
    return context.wrap_socket(socket.create_connection(("127.0.0.1", port), timeout=5), server_hostname="localhost")


def request(case: dict[str, Any], marker: str) -> bytes:
    named: str = case.get("body", "whole")
    body = _BODIES.get(named, named.encode())
    headers = [f"Host: {case.get('host', 'localhost')}", f"x-rivta-case: {marker}", *case.get("headers", ())]
    if case.get("framed", "chunked" not in named):
        headers.append(f"Content-Length: {len(body)}")
    head = "\r\n".join([case.get("line", "POST /vp HTTP/1.1"), *headers]) + "\r\n\r\n"
    return head.replace("@long@", "x" * 70_000).encode() + body


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["title"])
def test_caller(lab: Lab, router: RunningRouter, context: ssl.SSLContext, case: dict[str, Any]) -> None:
    marker, last = lab.new_case(), lab.new_case()
    with connect(router, context) as caller:
        good = request({"headers": ["Connection: close"]}, last)
        caller.sendall(request(case, marker) + good)
        answer = b"".join(iter(lambda: caller.recv(65_536), b""))
    status = [int(found) for found in re.findall(rb"HTTP/1\.[01] (\d{3}) ", answer)]
    assert status == case["status"]
    arrivals = lab.arrivals(marker)
    assert len(arrivals) == case.get("calls", status[:-1].count(200))
    assert all(arrival.body == _WHOLE for arrival in arrivals)
    assert [arrival.body for arrival in lab.arrivals(last)] == [_WHOLE] * (len(status) > 1)
    for name, value in case.get("producer", {}).items():
        assert [arrival.headers[name] for arrival in arrivals] == [value]


def test_offer_of_another_protocol_is_declined_and_answered(router: RunningRouter, context: ssl.SSLContext) -> None:
    """As some clients offer HTTP/2 with every call."""
    offer = ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"]
    with connect(router, context) as caller:
        for _ in range(2):
            caller.sendall(request({"headers": offer}, ""))
            with http.client.HTTPResponse(caller) as answer:
                answer.begin()
                assert (answer.status, answer.read()) == (200, ANSWER)


def test_request_that_is_no_http_is_one_line_in_the_log_without_its_content(
    router: RunningRouter, context: ssl.SSLContext, caplog: pytest.LogCaptureFixture
) -> None:
    with connect(router, context) as caller:
        caller.sendall(request({"headers": ["Content-Length: PATIENT"], "framed": False, "body": "PATIENT"}, ""))
        assert caller.recv(12) == b"HTTP/1.0 400"
        while caller.recv(65_536):
            pass
    assert [(record.name, record.levelname) for record in caplog.records] == [("router.http", "WARNING")]
    assert re.search(r"no-valid-http from 127\.0\.0\.1: \w+$", caplog.text)


def test_caller_that_takes_no_answers_is_let_go_of(lab: Lab) -> None:
    with running_router(lab.settings("strict", answer_deadline_s=0.5)) as router, socket.socket() as caller:
        caller.settimeout(5)
        caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        caller.connect(("127.0.0.1", int(str(router.http_url).split(":")[2].split("/")[0])))
        with pytest.raises(ConnectionError):
            caller.sendall(b"GET /vp HTTP/1.1\r\nHost: localhost\r\n\r\n" * 1_000_000)


@pytest.mark.parametrize("begun", ["tcp", "tls", "head"])
def test_caller_that_begins_and_does_not_go_on(lab: Lab, context: ssl.SSLContext, begun: str) -> None:
    """In the handshake, before the head, or in it: each wait has its end."""
    router = lab.router("strict", keep_alive_s=0.3, handshake_timeout_s=0.3)
    port = int(str(router.https_url).split(":")[2].split("/")[0])
    tcp = socket.create_connection(("127.0.0.1", port), timeout=5)
    with tcp if begun == "tcp" else context.wrap_socket(tcp, server_hostname="localhost") as caller:
        if begun == "head":
            caller.sendall(b"POST /vp HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
        assert caller.recv(1) == b""


# -- producers ---------------------------------------------------------------------------------

Script = Callable[[ssl.SSLSocket], None]
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n"
_LARGE_ANSWER = large_answer(300_000)


def with_length(body: bytes, head: bytes = _HEAD) -> bytes:
    return head + b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


def read_head(connection: ssl.SSLSocket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65_536)
        if not piece:
            raise ConnectionError
        data += piece
    return data


def read_request(connection: ssl.SSLSocket) -> None:
    head, _, body = read_head(connection).partition(b"\r\n\r\n")
    left = int(re.findall(rb"(?i)content-length: (\d+)", head)[0]) - len(body)
    while left > 0:
        left -= len(connection.recv(65_536))


@contextmanager
def scripted(lab: Lab, mode: str, script: Script) -> Iterator[RunningRouter]:
    """Run a router whose only producer does on each connection what ``script`` says, and then closes it."""
    tls = server_context(lab.tls("producer"))

    def play(raw: socket.socket) -> None:
        try:
            with tls.wrap_socket(raw, server_side=True) as connection:
                script(connection)
        except OSError:
            raw.close()

    def accept() -> None:
        while True:
            try:
                raw, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=play, args=(raw,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=accept, daemon=True).start()
        address = f"https://localhost:{listening.getsockname()[1]}/scripted"
        settings = lab.settings("compat" if mode == "compat" else "strict", producer_timeout_s=3.0)
        route = f'[[routes]]\nreceiver = "SE9990001112-SCRIPTED"\ncontract = "{PRODUCER_CONTRACT}"\n'
        settings.catalogue.write_text(f'{lab.catalogue_text()}{route}address = "{address}"\n', encoding="utf-8")
        with running_router(settings) as router:
            yield router
        listening.shutdown(socket.SHUT_RDWR)


def question(filler: str = "") -> str:
    return message("SE9990001112-SCRIPTED", contract=PRODUCER_CONTRACT, filler=filler)


def test_what_a_producer_says_unasked_answers_no_call(lab: Lab) -> None:
    said = threading.Event()

    def script(connection: ssl.SSLSocket) -> None:
        read_request(connection)
        connection.sendall(with_length(ANSWER))
        time.sleep(0.05)
        connection.sendall(with_length(ANSWER.replace(b"<text>", b"<text>of another call")))
        said.set()
        read_request(connection)

    with scripted(lab, "strict", script) as router:
        for _ in range(2):
            said.clear()
            assert lab.call(router.https_url, question()).body == ANSWER
            assert said.wait(3)
            time.sleep(0.05)


@pytest.mark.parametrize("mode", ["strict", "compat"])
@pytest.mark.parametrize("whole", [ANSWER, _LARGE_ANSWER], ids=["small", "large"])
def test_answer_without_length_that_is_cut(lab: Lab, mode: str, whole: bytes) -> None:
    answers = [whole, whole[: len(whole) // 2]]

    def script(connection: ssl.SSLSocket) -> None:
        read_request(connection)
        connection.sendall(_HEAD + b"\r\n" + answers.pop(0))

    with scripted(lab, mode, script) as router:
        assert lab.call(router.https_url, question()).body == whole
        if mode == "compat":  # nothing tells the platform that there should be more
            assert lab.call(router.https_url, question()).body == whole[: len(whole) // 2]
        elif whole is ANSWER:
            expected = {"fault": "VP009", "code": "Server", "detail": ["breaks off before its end"]}
            check_fault(lab.call(router.https_url, question()), expected)
        else:
            with pytest.raises(http.client.IncompleteRead):
                lab.call(router.https_url, question())


@pytest.mark.parametrize(
    "frame",
    [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(ANSWER),
        b"Content-Length: 5\r\n" + with_length(ANSWER, b""),
    ],
    ids=["length and chunks", "two lengths"],
)
def test_answer_framed_in_two_ways(lab: Lab, frame: bytes) -> None:
    def script(connection: ssl.SSLSocket) -> None:
        read_request(connection)
        connection.sendall(_HEAD + frame)

    with scripted(lab, "strict", script) as router:
        expected = {"fault": "VP009", "code": "Server", "detail": ["no valid HTTP"]}
        check_fault(lab.call(router.https_url, question()), expected)


def test_producer_that_answers_while_the_request_is_still_on_its_way(lab: Lab) -> None:
    """It gets its fault through, and a connection that it does not read is not left to it."""
    ended = threading.Event()

    def script(connection: ssl.SSLSocket) -> None:
        read_head(connection)
        connection.sendall(with_length(FAULT, b"HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/xml\r\n"))
        time.sleep(1.5)
        with contextlib.suppress(OSError):
            while connection.recv(65_536):
                pass
        ended.set()

    with scripted(lab, "strict", script) as router:
        reply = lab.call(router.https_url, question("x" * 10_000_000))
        assert (reply.status, reply.body) == (500, FAULT)
        assert ended.wait(4)


def test_caller_that_leaves_in_mid_answer_frees_the_producer(lab: Lab, context: ssl.SSLContext) -> None:
    freed = threading.Event()

    def script(connection: ssl.SSLSocket) -> None:
        read_request(connection)
        connection.sendall(_HEAD + b"Content-Length: 15000000\r\n\r\n" + _LARGE_ANSWER)
        try:
            while True:
                connection.sendall(bytes(65_536))
        except OSError:
            freed.set()

    with scripted(lab, "strict", script) as router, connect(router, context) as caller:
        text = question().encode()
        caller.sendall(b"POST /vp HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text))
        assert caller.recv(65_536)
        caller.close()
        assert freed.wait(3)
        assert router.calls()[-1].outcome == "caller-left"
