"""Sends one hostile request over a connection of its own, byte for byte as the case says.

No HTTP library would send such requests, so the request is written by hand; the answer is read by the standard
library. Under TLS 1.3 a refused certificate shows only at the first read (robustness reference 1).
"""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from testsuites.hostile.cases import HostileCase, Variables

#: How long a refusal or an answer is waited for; cases about deadlines say more.
DEFAULT_WAIT_S = 10.0
_CHUNK_BYTES = 64 * 1024
_MAX_ANSWER_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Peer:
    """How to reach the endpoint. ``context_for(certificate, tls)`` gives the client's TLS context for the name of a
    certificate (``good``, ``none``, or one of the bad set) and the case's TLS settings; None is plain HTTP.
    ``certificate_pem`` is the listed caller's certificate, for the cases that misuse it."""

    host: str
    port: int
    context_for: Callable[[str, Mapping[str, str]], ssl.SSLContext | None]
    certificate_pem: str = ""

    def connect(self, case: HostileCase, timeout_s: float = DEFAULT_WAIT_S) -> socket.socket:
        """Connect and do the handshake. Raises OSError (ssl.SSLError among them)."""
        plain = socket.create_connection((self.host, self.port), timeout=timeout_s)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        context = self.context_for(case.certificate, case.tls)
        if context is None:
            return plain
        try:
            return context.wrap_socket(plain, server_hostname=self.host)
        except OSError:
            plain.close()
            raise


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came back. ``kind``: answer, tls (refused in TLS), closed (no answer), timeout."""

    kind: str
    seconds: float
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    body: bytes = b""
    detail: str = ""


def send(case: HostileCase, variables: Variables, peer: Peer, *, wait_s: float = DEFAULT_WAIT_S) -> Outcome:
    """Send a case without a script and give what came back."""
    body = case.body(variables)
    request = case.head(variables, len(body)) + (_chunked(body) if case.framing == "chunked" else body)
    begun = time.perf_counter()
    try:
        sock = peer.connect(case, wait_s)
    except OSError as error:
        return Outcome("tls", time.perf_counter() - begun, detail=str(error))
    with sock:
        try:
            _send_all(sock, request)
            return read_answer(sock, begun, case.method)
        except OSError as error:
            kind = "tls" if isinstance(error, ssl.SSLError) else "closed"
            return Outcome(kind, time.perf_counter() - begun, detail=str(error))


def read_answer(sock: socket.socket, begun: float, method: str = "POST") -> Outcome:
    """Read one answer; ``begun`` is when the request was begun (perf_counter)."""
    response = http.client.HTTPResponse(sock, method=method)
    try:
        response.begin()
        body = response.read(_MAX_ANSWER_BYTES)
        if response.length:
            return Outcome("closed", time.perf_counter() - begun, detail=f"{response.length} bytes are missing")
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Outcome("answer", time.perf_counter() - begun, response.status, headers, body)
    except TimeoutError:
        return Outcome("timeout", time.perf_counter() - begun)
    except ssl.SSLError as error:
        return Outcome("tls", time.perf_counter() - begun, detail=str(error))
    except (OSError, http.client.HTTPException) as error:
        return Outcome("closed", time.perf_counter() - begun, detail=type(error).__name__)
    finally:
        response.close()


def _send_all(sock: socket.socket, data: bytes) -> None:
    """Send everything; an endpoint that answers and closes before it has read all is asked for its answer."""
    try:
        sock.sendall(data)
    except (BrokenPipeError, ConnectionResetError):
        return


def _chunked(body: bytes) -> bytes:
    pieces = [body[start : start + _CHUNK_BYTES] for start in range(0, len(body), _CHUNK_BYTES)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
