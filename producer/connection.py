"""One connection to the producer, taken from step to step without a thread of its own.

Implements robustness rows A15, A18-A22 and D13: a peer that is slow costs a file descriptor and a few bytes,
never a thread. HTTP itself stays gunicorn's: here is only decided whether enough has arrived to parse it.
"""

from __future__ import annotations

import os
import socket
import ssl
import time
from enum import Enum, auto
from typing import Any

from gunicorn import http
from gunicorn.http.body import ChunkedReader, LengthReader
from gunicorn.http.errors import LimitRequestHeaders, NoMoreData, ParseException

from contracts.errors import LengthInvalid, RequestTimeout
from producer.settings import BUFFERED_BODY_BYTES, ProducerSettings

_RECEIVE_BYTES = 16 * 1024
_END_OF_HEAD = b"\r\n\r\n"
_END_OF_CHUNKS = b"0\r\n\r\n"
_DISCARD_BYTES = 64 * 1024
#: How much of an unwanted body is taken in before closing, so that the caller can read why it was refused.
_MAX_DISCARDED_BYTES = 64 * 1024 * 1024


class Phase(Enum):
    """What a connection is waiting for."""

    HANDSHAKE = auto()
    HEAD = auto()
    BODY = auto()
    LINGER = auto()


class PeerClosed(Exception):
    """The peer has closed the connection."""


class NotYet(Exception):
    """Nothing more has arrived; wait until the socket is readable (or writable, when ``for_writing``)."""

    def __init__(self, *, for_writing: bool = False) -> None:
        super().__init__()
        self.for_writing = for_writing


class TimedSocket:
    """The socket as gunicorn's parser and response use it: every read before one deadline, every write within
    ``write_timeout_s``. A plain socket timeout would start anew with each byte."""

    def __init__(self, sock: socket.socket, write_timeout_s: float) -> None:
        self._sock = sock
        self._write_timeout_s = write_timeout_s
        self.read_deadline = 0.0

    def recv(self, size: int) -> bytes:
        """Receive before the deadline of the message; raises TimeoutError."""
        self._wait_until(self.read_deadline)
        return self._sock.recv(size)

    def send(self, data: bytes) -> int:
        """Send a little (gunicorn's 100 Continue)."""
        self._sock.settimeout(self._write_timeout_s)
        return self._sock.send(data)

    def sendall(self, data: bytes) -> None:
        """Send one piece within ``write_timeout_s``; raises TimeoutError when the peer does not take it."""
        deadline = time.monotonic() + self._write_timeout_s
        rest = memoryview(data)
        while rest:
            self._wait_until(deadline)
            rest = rest[self._sock.send(rest) :]

    def _wait_until(self, deadline: float) -> None:
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError
        self._sock.settimeout(remaining)


class BodyInput:
    """``wsgi.input`` over gunicorn's body reader; says in the gate's own errors what is wrong with a body."""

    def __init__(self, body: Any) -> None:
        self._body = body

    def read(self, size: int) -> bytes:
        """Read up to ``size`` bytes; raises RequestTimeout or LengthInvalid."""
        try:
            data: bytes = self._body.read(size)
        except TimeoutError:
            raise RequestTimeout("The body did not arrive in time.") from None
        except (ParseException, NoMoreData):
            raise LengthInvalid("The body is not sent as HTTP/1.1 says.") from None
        except OSError as error:
            raise LengthInvalid("The connection broke in the body.", log_detail=type(error).__name__) from None
        return data


class Connection:
    """State of one connection. The main thread owns it while it waits, one pool thread while it takes a step."""

    def __init__(
        self,
        sock: socket.socket,
        client: Any,
        server: Any,
        *,
        settings: ProducerSettings,
        cfg: Any,
        is_tls: bool,
        is_health: bool,
    ) -> None:
        sock.setblocking(False)
        self.sock = sock
        self.client = client
        self.server = server
        self.is_tls = is_tls
        self.is_health = is_health
        self.opened_at = time.monotonic()
        self.queued_at = 0.0
        self.wants_write = False
        self.discarded_bytes = 0
        self.served = 0
        self.request: Any = None
        self.parser: Any = None
        self.timed: TimedSocket | None = None
        self._settings = settings
        self._cfg = cfg
        if is_tls:
            self.begin(Phase.HANDSHAKE, settings.handshake_timeout_s)
        else:
            self._begin_http()

    def begin(self, phase: Phase, timeout_s: float) -> None:
        """Start waiting for ``phase``, at most ``timeout_s`` from now."""
        self.phase = phase
        self.deadline = time.monotonic() + timeout_s

    # -- steps, in a pool thread; each raises NotYet, PeerClosed, ssl.SSLError or OSError ---------------------

    def advance(self) -> None:
        """Go as far as the bytes that have arrived allow; returns when a request is ready to be served.

        Raises NotYet to wait for more, PeerClosed, ParseException for HTTP that is none, ssl.SSLError, OSError.
        """
        try:
            if self.phase is Phase.HANDSHAKE:
                self._shake_hands()
            if self.phase is Phase.HEAD:
                self._read_head()
            self._read_body()
        except (ssl.SSLWantReadError, BlockingIOError):
            raise NotYet from None
        except ssl.SSLWantWriteError:
            raise NotYet(for_writing=True) from None

    def _shake_hands(self) -> None:
        if not isinstance(self.sock, ssl.SSLSocket):
            if not self.sock.recv(1, socket.MSG_PEEK):
                raise PeerClosed  # A probe of the port, which needs no line in the log.
            context: ssl.SSLContext = self._cfg.ssl_context(self._cfg, None)
            self.sock = context.wrap_socket(self.sock, server_side=True, do_handshake_on_connect=False)
        assert isinstance(self.sock, ssl.SSLSocket)
        self.sock.do_handshake()
        self._begin_http()

    def _begin_http(self) -> None:
        self.timed = TimedSocket(self.sock, self._settings.write_timeout_s)
        self.parser = http.get_parser(self._cfg, self.timed, self.client)
        self.begin(Phase.HEAD, self._settings.header_timeout_s)

    def _read_head(self) -> None:
        """Collect a header block and have gunicorn parse it. A block over the limit is refused with 431."""
        limit = self._settings.max_header_bytes
        while not _has_head(data := self._buffered()):
            if len(data) > limit:
                break
            self._receive()
        is_over = _END_OF_HEAD not in data[: limit + len(_END_OF_HEAD)] and len(data) > limit
        if is_over and b"\r\n" in data[: self._cfg.limit_request_line]:
            raise LimitRequestHeaders("header block")  # A request line too long is left to gunicorn: 414.
        self.timed_socket.read_deadline = self.deadline
        self.request = next(self.parser)
        self.begin(Phase.BODY, self._settings.body_timeout_s)
        self.timed_socket.read_deadline = self.deadline
        if self.request._expected_100_continue and not self._is_too_large():
            self.timed_socket.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.sock.setblocking(False)
        self.request._expected_100_continue = False

    def _read_body(self) -> None:
        """Collect a body of usual size; what is larger is read by the thread that serves the request."""
        reader = self.request.body.reader
        if isinstance(reader, LengthReader):
            wanted = 0 if self._is_too_large() else min(reader.length, BUFFERED_BODY_BYTES)
            while len(self._buffered()) < wanted:
                self._receive()
        elif isinstance(reader, ChunkedReader):
            data = self._buffered()
            while not data.endswith(_END_OF_CHUNKS) and len(data) < BUFFERED_BODY_BYTES:
                self._receive()
                data = self._buffered()

    def discard(self) -> bool:
        """Take in and forget what a peer still sends before a close; whether it is done. Main thread."""
        try:
            data = self.sock.recv(_DISCARD_BYTES)
        except (ssl.SSLWantReadError, BlockingIOError):
            return False
        except (OSError, ValueError):
            return True
        self.discarded_bytes += len(data)
        return not data or self.discarded_bytes > _MAX_DISCARDED_BYTES

    # -- what is known of it -----------------------------------------------------------------------------------

    @property
    def timed_socket(self) -> TimedSocket:
        """The socket under deadlines; there is one as soon as HTTP has begun."""
        assert self.timed is not None
        return self.timed

    @property
    def has_begun(self) -> bool:
        """Whether a message has begun to arrive; between messages a connection is closed without a word."""
        return self.phase is Phase.BODY or (self.parser is not None and bool(self._buffered()))

    @property
    def has_more(self) -> bool:
        """Whether bytes of a next request have been received already, which no poller would tell."""
        return bool(self._buffered()) or (isinstance(self.sock, ssl.SSLSocket) and self.sock.pending() > 0)

    def settle_body(self) -> bool:
        """Skip a body that nobody read if all of it has arrived; whether another request can follow this one."""
        body = self.request.body
        reader = body.reader
        if isinstance(reader, LengthReader):
            if 0 < reader.length <= len(self._buffered()):
                body.read(reader.length)
            return not body.failed and reader.length == 0
        if reader.parser is not None and self._buffered().endswith(_END_OF_CHUNKS):
            body.read(BUFFERED_BODY_BYTES)
        return not body.failed and reader.parser is None

    def peer_certificate(self) -> bytes | None:
        """Give the caller's certificate (DER), whose chain the handshake has verified."""
        return self.sock.getpeercert(binary_form=True) if isinstance(self.sock, ssl.SSLSocket) else None

    def tls_version(self) -> str | None:
        """Give the TLS version, None without TLS."""
        return self.sock.version() if isinstance(self.sock, ssl.SSLSocket) else None

    def _is_too_large(self) -> bool:
        reader = self.request.body.reader
        return isinstance(reader, LengthReader) and int(reader.length) > self._settings.max_request_bytes

    def _buffered(self) -> bytes:
        data: bytes = self.parser.unreader.buf.getvalue()
        return data

    def _receive(self) -> None:
        """Append what has arrived to gunicorn's read-ahead buffer, where its parser looks first."""
        data = self.sock.recv(_RECEIVE_BYTES)
        if not data:
            raise PeerClosed
        buffer = self.parser.unreader.buf
        buffer.seek(0, os.SEEK_END)
        buffer.write(data)


def _has_head(data: bytes) -> bool:
    """Whether a header block is complete, or has a bare line feed, which gunicorn refuses at once."""
    return _END_OF_HEAD in data or data.count(b"\n") != data.count(b"\r\n")
