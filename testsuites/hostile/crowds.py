"""Crowds of connections that are slow or silent: bytes in drips, handshakes and bodies that stop, answers not read.

Implements robustness rows A15, A18-A22 and D13. The outcome is the last one's: closed, or answered with a status.
"""

from __future__ import annotations

import selectors
import socket
import ssl
import time
from contextlib import ExitStack, suppress
from dataclasses import replace

from testsuites.hostile.cases import HostileCase, Variables
from testsuites.hostile.sender import Outcome, Peer

_STEP_S = 0.05


class _Crowd:
    """Many connections that send little or nothing, until each is closed or answered."""

    def __init__(self, sockets: list[socket.socket], begun: float) -> None:
        self._begun = begun
        self._open = dict.fromkeys(sockets)
        self._last = Outcome("timeout", 0.0, detail="none was closed")
        for sock in sockets:
            sock.setblocking(False)

    def run(self, limit_s: float, *, drip: bytes = b"", interval_s: float = 1.0) -> Outcome:
        """Send ``drip`` on each connection every ``interval_s`` and wait for the end of all, ``limit_s`` at most."""
        next_drip = time.perf_counter() + interval_s
        with selectors.DefaultSelector() as selector:
            for sock in self._open:
                selector.register(sock, selectors.EVENT_READ)
            while self._open:
                if time.perf_counter() - self._begun > limit_s:
                    still = f"{len(self._open)} connections are still open"
                    return Outcome("timeout", time.perf_counter() - self._begun, detail=still)
                for key, _ in selector.select(_STEP_S):
                    assert isinstance(key.fileobj, socket.socket)
                    if self._is_over(key.fileobj):
                        selector.unregister(key.fileobj)
                        del self._open[key.fileobj]
                if drip and time.perf_counter() >= next_drip:
                    next_drip += interval_s
                    self._send(drip)
        return self._last

    def _send(self, drip: bytes) -> None:
        for sock in self._open:
            with suppress(OSError):
                sock.send(drip)

    def _is_over(self, sock: socket.socket) -> bool:
        try:
            data = sock.recv(65536)
        except (ssl.SSLWantReadError, BlockingIOError):
            return False
        except OSError:
            data = b""
        seconds = time.perf_counter() - self._begun
        if data.startswith(b"HTTP/1.1 "):
            self._last = Outcome("answer", seconds, status=int(data[9:12]))
        elif not data and self._last.kind != "answer":
            self._last = Outcome("closed", seconds)
        return True


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


def slow_head(case: HostileCase, variables: Variables, peer: Peer) -> Outcome:
    head = case.head(variables, 100)
    return _crowd(case, peer, head[:20], drip=b"a")


def slow_body(case: HostileCase, variables: Variables, peer: Peer) -> Outcome:
    body = case.body(variables)
    return _crowd(case, peer, case.head(variables, len(body)), drip=b" ")


def slow_chunks(case: HostileCase, variables: Variables, peer: Peer) -> Outcome:
    head = replace(case, framing="chunked").head(variables, 0)
    return _crowd(case, peer, head + b"1\r\n<\r\n", drip=b"1\r\n \r\n")


def short_body(case: HostileCase, variables: Variables, peer: Peer) -> Outcome:
    body = case.body(variables)
    return _crowd(case, peer, case.head(variables, len(body) + 100) + body)


def idle(case: HostileCase, _variables: Variables, peer: Peer) -> Outcome:
    return _crowd(case, peer, b"", is_tls=False)


def half_handshake(case: HostileCase, _variables: Variables, peer: Peer) -> Outcome:
    """The first part of a TLS record, and nothing more."""
    return _crowd(case, peer, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", is_tls=False)


def never_read(case: HostileCase, variables: Variables, peer: Peer) -> Outcome:
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
