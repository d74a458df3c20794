"""Behaviours of a connection that one request cannot show: slow, silent, half finished, many at once.

Implements robustness rows A14-A22, C39, D10-D16 and E11. Each script gives the outcome that stands for all its
connections: the one that is furthest from what the case expects, or took longest.
"""

from __future__ import annotations

import selectors
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import replace
from types import MappingProxyType
from typing import Final
from urllib.parse import quote

from testsuites.hostile.cases import HostileCase, Variables
from testsuites.hostile.sender import Outcome, Peer, read_answer, send

Script = Callable[[HostileCase, Variables, Peer], Outcome]
_STEP_S = 0.05


def run(case: HostileCase, variables: Variables, peer: Peer) -> Outcome:
    """Send a case, by its script if it has one, and give what came back."""
    if case.script:
        return SCRIPTS[case.script](case, variables, peer)
    return send(case, variables, peer)


# -- one odd request ---------------------------------------------------------------------------------------------


def _exchange(case: HostileCase, peer: Peer, data: bytes) -> Outcome:
    begun = time.perf_counter()
    try:
        with peer.connect(case) as sock:
            with suppress(BrokenPipeError, ConnectionResetError):
                sock.sendall(data)
            return read_answer(sock, begun, case.method)
    except OSError as error:
        return Outcome("closed", time.perf_counter() - begun, detail=type(error).__name__)


def _garbage(case: HostileCase, _variables: Variables, peer: Peer) -> Outcome:
    """These bytes instead of HTTP."""
    return _exchange(case, peer, str(case.arguments["text"]).encode("latin-1"))


def _many_headers(case: HostileCase, variables: Variables, peer: Peer) -> Outcome:
    """Many or long headers, or a block that does not end."""
    body = case.body(variables)
    value = "a" * int(case.arguments["value_bytes"])
    lines = "".join(f"X-Filler-{number}: {value}\r\n" for number in range(int(case.arguments["count"])))
    head = case.head(variables, len(body))[:-2] + lines.encode()
    return _exchange(case, peer, head if case.arguments.get("unfinished") else head + b"\r\n" + body)


def _long_path(case: HostileCase, variables: Variables, peer: Peer) -> Outcome:
    longer = replace(case, script="", path=case.path + "?" + "a" * int(case.arguments["path_bytes"]))
    return send(longer, variables, peer)


def _swapped_case_address(case: HostileCase, variables: Variables, peer: Peer) -> Outcome:
    return send(case, replace(variables, logical_address=variables.logical_address.swapcase()), peer)


def _wildcards_for_id(case: HostileCase, variables: Variables, peer: Peer) -> Outcome:
    return send(case, replace(variables, measure_id="_" * len(variables.measure_id)), peer)


def _expect_continue(case: HostileCase, variables: Variables, peer: Peer) -> Outcome:
    """Send the head, wait for 100 Continue, send the body."""
    body = case.body(variables)
    head = case.head(variables, len(body))[:-2] + b"Expect: 100-continue\r\n\r\n"
    begun = time.perf_counter()
    with peer.connect(case) as sock:
        sock.sendall(head)
        interim = sock.recv(len(b"HTTP/1.1 100 Continue\r\n\r\n"))
        if not interim.startswith(b"HTTP/1.1 100"):
            return Outcome("closed", time.perf_counter() - begun, detail="no 100 Continue")
        sock.sendall(body)
        return read_answer(sock, begun)


def _plain_http(case: HostileCase, variables: Variables, peer: Peer) -> Outcome:
    """The good request without TLS."""
    body = case.body(variables)
    return _exchange(case, replace(peer, context_for=lambda _name, _tls: None), case.head(variables, len(body)) + body)


def _forwarded_certificate(case: HostileCase, variables: Variables, peer: Peer) -> Outcome:
    """The certificate of the listed caller in the headers that proxies use."""
    pem = peer.certificate_pem
    headers = {
        "X-Client-Cert": quote(pem, safe=""),
        "X-Forwarded-Client-Cert": f'Cert="{quote(pem, safe="")}"',
        "x-vp-auth-cert": quote(pem, safe=""),
    }
    return send(replace(case, script="", headers={**case.headers, **headers}), variables, peer)


def _resume_without_certificate(case: HostileCase, variables: Variables, peer: Peer) -> Outcome:
    """Take the TLS session of a good connection to one that has no certificate to show."""
    with peer.connect(case) as sock:
        session = sock.session if isinstance(sock, ssl.SSLSocket) else None
    context = peer.context_for("none", case.tls)
    begun = time.perf_counter()
    assert context is not None
    try:
        with (
            socket.create_connection((peer.host, peer.port), timeout=10) as plain,
            context.wrap_socket(plain, server_hostname=peer.host, do_handshake_on_connect=False) as sock,
        ):
            with suppress(ValueError):  # the ssl module itself refuses a session of another context
                sock.session = session
            sock.do_handshake()
            body = case.body(variables)
            sock.sendall(case.head(variables, len(body)) + body)
            return read_answer(sock, begun)
    except OSError as error:
        return Outcome("tls", time.perf_counter() - begun, detail=str(error))


# -- the same question -------------------------------------------------------------------------------------------


def _same_question(case: HostileCase, variables: Variables, peer: Peer) -> Outcome:
    """Ask twice in a row and some times in parallel; every answer must be the same, byte for byte."""
    first = send(case, variables, peer)
    outcomes = [send(case, variables, peer)]
    threads = [
        threading.Thread(target=lambda: outcomes.append(send(case, variables, peer)))
        for _ in range(int(case.arguments["parallel"]))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    different = [one for one in outcomes if one.body != first.body]
    if different:
        return replace(different[0], kind="answer", status=200, body=b"", detail="the answers differ")
    return max(outcomes, key=lambda one: one.seconds)


def _markers(case: HostileCase, variables: Variables, peer: Peer) -> Outcome:
    """Every thread puts a marker of its own into an invalid field; no fault may hold any marker or ``None``."""
    found: list[Outcome] = []
    threads = [
        threading.Thread(target=_ask_with_marker, args=(case, variables, peer, f"marker{number:02}x", found))
        for number in range(int(case.arguments["threads"]))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return max(found, key=lambda one: (one.kind != "answer" or one.status != 500 or b"marker" in one.body, one.seconds))


def _ask_with_marker(case: HostileCase, variables: Variables, peer: Peer, marker: str, found: list[Outcome]) -> None:
    marked = replace(case, parts={"period": f"<c:start>{marker}</c:start><c:end>{variables.end}</c:end>"})
    body = marked.body(variables)
    request = marked.head(variables, len(body)) + body
    worst: Outcome | None = None
    with peer.connect(case) as sock:
        for _ in range(int(case.arguments["calls"])):
            begun = time.perf_counter()
            sock.sendall(request)
            outcome = read_answer(sock, begun)
            is_bad = outcome.kind != "answer" or outcome.status != 500 or b"marker" in outcome.body
            if worst is None or is_bad or outcome.seconds > worst.seconds:
                worst = outcome
            if is_bad:
                break
    assert worst is not None
    found.append(worst)


# -- many slow connections ---------------------------------------------------------------------------------------


class _Crowd:
    """Many connections that send little or nothing, until each is closed or answered."""

    def __init__(self, sockets: list[socket.socket], begun: float) -> None:
        self._begun = begun
        self._open = dict.fromkeys(sockets)
        self._selector = selectors.DefaultSelector()
        self._last = Outcome("timeout", 0.0, detail="none was closed")
        for sock in sockets:
            sock.setblocking(False)
            self._selector.register(sock, selectors.EVENT_READ)

    def run(self, limit_s: float, *, drip: bytes = b"", interval_s: float = 1.0) -> Outcome:
        """Send ``drip`` on each connection every ``interval_s`` and wait for the end of all, ``limit_s`` at most."""
        next_drip = time.perf_counter() + interval_s
        while self._open:
            if time.perf_counter() - self._begun > limit_s:
                still = f"{len(self._open)} connections are still open"
                return Outcome("timeout", time.perf_counter() - self._begun, detail=still)
            for key, _ in self._selector.select(_STEP_S):
                self._read(key.fileobj)
            if drip and time.perf_counter() >= next_drip:
                next_drip += interval_s
                for sock in list(self._open):
                    with suppress(OSError):
                        sock.send(drip)
        return self._last

    def _read(self, sock: object) -> None:
        assert isinstance(sock, socket.socket)
        try:
            data = sock.recv(65536)
        except (ssl.SSLWantReadError, BlockingIOError):
            return
        except OSError:
            data = b""
        seconds = time.perf_counter() - self._begun
        if data.startswith(b"HTTP/1.1 "):
            self._last = Outcome("answer", seconds, status=int(data[9:12]))
        elif not data and self._last.kind != "answer":
            self._last = Outcome("closed", seconds)
        self._selector.unregister(sock)
        del self._open[sock]


def _crowd(case: HostileCase, peer: Peer, first: bytes, *, drip: bytes = b"", is_tls: bool = True) -> Outcome:
    """Open the connections, send ``first`` on each and ``drip`` from time to time."""
    with ExitStack() as stack:
        sockets = []
        begun = time.perf_counter()
        for _ in range(int(case.arguments.get("connections", 1))):
            sock = peer.connect(case) if is_tls else socket.create_connection((peer.host, peer.port), timeout=10)
            stack.callback(sock.close)
            if first:
                sock.sendall(first)
            sockets.append(sock)
        crowd = _Crowd(sockets, begun)
        return crowd.run(case.within_s, drip=drip, interval_s=float(case.arguments.get("interval_s", 1.0)))


def _slow_head(case: HostileCase, variables: Variables, peer: Peer) -> Outcome:
    head = case.head(variables, 100)
    return _crowd(case, peer, head[:20], drip=b"a")


def _slow_body(case: HostileCase, variables: Variables, peer: Peer) -> Outcome:
    body = case.body(variables)
    return _crowd(case, peer, case.head(variables, len(body)), drip=b" ")


def _slow_chunks(case: HostileCase, variables: Variables, peer: Peer) -> Outcome:
    head = replace(case, framing="chunked").head(variables, 0)
    return _crowd(case, peer, head + b"1\r\n<\r\n", drip=b"1\r\n \r\n")


def _short_body(case: HostileCase, variables: Variables, peer: Peer) -> Outcome:
    body = case.body(variables)
    return _crowd(case, peer, case.head(variables, len(body) + 100) + body)


def _idle(case: HostileCase, _variables: Variables, peer: Peer) -> Outcome:
    return _crowd(case, peer, b"", is_tls=False)


def _half_handshake(case: HostileCase, _variables: Variables, peer: Peer) -> Outcome:
    """The first part of a TLS record, and nothing more."""
    return _crowd(case, peer, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", is_tls=False)


def _never_read(case: HostileCase, variables: Variables, peer: Peer) -> Outcome:
    """Ask on and on without reading, until the endpoint stops taking questions and closes."""
    body = case.body(variables)
    request = case.head(variables, len(body)) + body
    begun = time.perf_counter()
    with ExitStack() as stack:
        waiting: dict[socket.socket, bytes] = {}
        for _ in range(int(case.arguments["connections"])):
            sock = peer.connect(case)
            stack.callback(sock.close)
            sock.setblocking(False)
            waiting[sock] = request
        while waiting:
            if time.perf_counter() - begun > case.within_s:
                return Outcome("timeout", time.perf_counter() - begun, detail=f"{len(waiting)} are still open")
            for sock in list(waiting):
                try:
                    sent = sock.send(waiting[sock])
                    waiting[sock] = waiting[sock][sent:] or request
                except (ssl.SSLWantWriteError, ssl.SSLWantReadError, BlockingIOError):
                    continue
                except OSError:
                    del waiting[sock]
            time.sleep(_STEP_S)
    return Outcome("closed", time.perf_counter() - begun)


SCRIPTS: Final[Mapping[str, Script]] = MappingProxyType(
    {
        "garbage": _garbage,
        "many-headers": _many_headers,
        "long-path": _long_path,
        "swapped-case-address": _swapped_case_address,
        "wildcards-for-id": _wildcards_for_id,
        "expect-continue": _expect_continue,
        "plain-http": _plain_http,
        "forwarded-certificate": _forwarded_certificate,
        "resume-without-certificate": _resume_without_certificate,
        "same-question": _same_question,
        "markers": _markers,
        "slow-head": _slow_head,
        "slow-body": _slow_body,
        "slow-chunks": _slow_chunks,
        "short-body": _short_body,
        "idle": _idle,
        "half-handshake": _half_handshake,
        "never-read": _never_read,
    }
)
