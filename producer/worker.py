"""A gunicorn thread worker in which waiting connections hold no thread: slow peers cannot stop the others.

Implements robustness rows A15, A18-A22, D13 and G19. Gunicorn 27's `ThreadWorker` gives a new connection to a
thread at once, where it waits 5 s for the first byte, does a blocking handshake and blocking reads, and closes
lingering sockets in its main loop: sixteen idle peers stop it. Here the main loop waits, and a thread only ever
works on bytes that have arrived.

Relied upon in gunicorn 27: `run` calls `accept` per readable listener, `murder_keepalived` and `murder_pending`
every turn and `_cap_keepalive` at shutdown, leaves when `nr_conns` is 0 or after graceful_timeout;
`method_queue.defer` wakes the poller; `http.get_parser`, `http.wsgi.create`, `unreader.buf`, `body.reader`.
"""

from __future__ import annotations

import errno
import resource
import selectors
import signal
import socket
import ssl
import time
from concurrent.futures import Future
from contextlib import suppress
from enum import Enum, auto
from functools import partial
from http import HTTPStatus
from queue import SimpleQueue
from typing import Any, ClassVar

import structlog
from gunicorn.http import wsgi
from gunicorn.http.errors import NoMoreData, ParseException
from gunicorn.workers.gthread import ThreadWorker

from certs.tls_errors import explain_tls_error
from contracts.errors import BryggaError
from producer import plain_http
from producer.connection import BodyInput, Connection, NotYet, PeerClosed, Phase
from producer.identity import CONNECTION_KEY, ConnectionFacts
from producer.request_log import places_of
from producer.settings import ProducerSettings

_log = structlog.get_logger("producer.connection")
_ACCEPTED_AT_ONCE = 64
_SWEEP_INTERVAL_S = 0.25
_LINGER_S = 2.0
#: A kept connection ends then, so that a certificate revoked meanwhile is seen at the next handshake.
_MAX_AGE_S = 3600.0
_OUT_OF_DESCRIPTORS = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))
#: accept(2) also passes on errors of the connection that was about to be taken in.
_PASSING_ERRORS = _OUT_OF_DESCRIPTORS | {
    errno.EPROTO,
    errno.EPERM,
    errno.ENETDOWN,
    errno.ENETUNREACH,
    errno.EHOSTDOWN,
    errno.EHOSTUNREACH,
    errno.EOPNOTSUPP,
}
#: Descriptors left for the register, logs, listeners and gunicorn itself.
_RESERVED_DESCRIPTORS = 128


class _Next(Enum):
    """What happens to a connection after its step."""

    WAIT = auto()
    KEEP = auto()
    LINGER = auto()
    DROP = auto()


def note_early_signals(arbiter: Any, worker: PatientWorker) -> None:
    """Give a new process's worker what its arbiter's handlers, which it has until `init_signals`, take in.

    For gunicorn's ``post_fork``.
    """
    worker.early_signals = arbiter.SIG_QUEUE


class PatientWorker(ThreadWorker):  # type: ignore[misc]
    """Serves the producer's gate; the settings come from `producer.server`."""

    settings: ClassVar[ProducerSettings]
    #: Addresses of listeners that speak plain HTTP for health.
    health_addresses: ClassVar[frozenset[Any]] = frozenset()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.early_signals: SimpleQueue[int] = SimpleQueue()
        self._waiting: dict[Connection, None] = {}
        self._serving: set[Connection] = set()
        self._swept_at = 0.0
        self._stop_by = float("inf")

    def init_process(self) -> None:
        """Start the process with as many connections as it may have descriptors."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft != hard:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.worker_connections = max(16, min(self.settings.max_connections, hard - _RESERVED_DESCRIPTORS))
        super().init_process()

    def init_signals(self) -> None:
        """Take over the signals of the process, and heed a SIGTERM that came before: gunicorn sends it only once."""
        super().init_signals()
        while not self.early_signals.empty():
            self.alive &= self.early_signals.get() != signal.SIGTERM

    # -- main thread: accepting and waiting --------------------------------------------------------------------

    def accept(self, listener: Any) -> None:
        """Take in what stands in line; when all places are taken, the longest waiting peer makes room."""
        for _ in range(_ACCEPTED_AT_ONCE):
            if self.nr_conns >= self.worker_connections - 1 and not self._evict():
                return
            try:
                sock, client = listener.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in _PASSING_ERRORS:
                    raise
                if error.errno not in _OUT_OF_DESCRIPTORS or not self._evict():
                    return
                continue
            self.nr_conns += 1
            self._wait(self._connection(sock, client, listener.getsockname()))

    def set_accept_enabled(self, enabled: bool) -> None:
        """Accept or stop accepting; a stopping worker closes its listeners, so that new callers are refused at
        once and go elsewhere instead of waiting in line for nobody."""
        super().set_accept_enabled(enabled)
        if not self.alive:
            for listener in self.sockets:
                listener.close()

    def _connection(self, sock: socket.socket, client: Any, server: Any) -> Connection:
        is_health = server in self.health_addresses
        return Connection(
            sock,
            client,
            server,
            settings=self.settings,
            cfg=self.cfg,
            is_tls=bool(self.cfg.is_ssl) and not is_health,
            is_health=is_health,
        )

    def _wait(self, conn: Connection) -> None:
        events = selectors.EVENT_WRITE if conn.wants_write else selectors.EVENT_READ
        self._waiting[conn] = None
        self.poller.register(conn.sock, events, partial(self._on_ready, conn))

    def _stop_waiting(self, conn: Connection) -> None:
        del self._waiting[conn]
        self.poller.unregister(conn.sock)

    def _on_ready(self, conn: Connection, _sock: Any) -> None:
        if conn not in self._waiting:
            return  # It made room for a new one a moment ago, in the same turn of the loop.
        if conn.phase is Phase.LINGER:
            if conn.discard():
                self._stop_waiting(conn)
                self._drop(conn)
            return
        self._stop_waiting(conn)
        self.enqueue_req(conn)

    def enqueue_req(self, conn: Connection) -> None:
        """Have a pool thread take the connection a step further."""
        conn.queued_at = time.monotonic()
        future = self.tpool.submit(self.handle, conn)
        future.add_done_callback(lambda done: self.method_queue.defer(self.finish_request, conn, done))

    def finish_request(self, conn: Connection, done: Future[_Next]) -> None:
        """Do what the step decided; main thread."""
        what = _Next.DROP if done.cancelled() or done.exception() else done.result()
        if what is _Next.KEEP:
            conn.begin(Phase.HEAD, self.settings.keep_alive_s)
            if conn.has_more:
                conn.begin(Phase.HEAD, self.settings.header_timeout_s)
                self.enqueue_req(conn)
                return
        conn.deadline = min(conn.deadline, self._stop_by) if conn.phase is Phase.HEAD else conn.deadline
        try:
            if what is _Next.DROP:
                self._drop(conn)
            elif what is _Next.LINGER:
                self._linger(conn)
            else:
                conn.sock.setblocking(False)
                self._wait(conn)
        except (OSError, ValueError, KeyError):
            self._waiting.pop(conn, None)
            self._drop(conn)

    def _linger(self, conn: Connection) -> None:
        """Say that nothing more comes and let the peer read the answer: a plain close with unread input would
        reset the connection and lose it."""
        socket.socket.setblocking(conn.sock, False)
        conn.sock.shutdown(socket.SHUT_WR)
        conn.begin(Phase.LINGER, _LINGER_S)
        conn.wants_write = False
        self._wait(conn)

    def _drop(self, conn: Connection) -> None:
        self.nr_conns -= 1
        with suppress(OSError):
            conn.sock.close()

    def _evict(self) -> bool:
        """Close the connection that has waited longest without a message; whether there was one."""
        for conn in self._waiting:
            if not conn.has_begun:
                self._stop_waiting(conn)
                self._drop(conn)
                return True
        return False

    def murder_keepalived(self, force: bool = False) -> None:
        """End every wait that is over (all waits with ``force``)."""
        now = time.monotonic()
        if now - self._swept_at < _SWEEP_INTERVAL_S and not force:
            return
        self._swept_at = now
        for conn in [conn for conn in self._waiting if force or conn.deadline <= now]:
            self._stop_waiting(conn)
            self._expire(conn)

    def murder_pending(self) -> None:
        """Nothing: all waits are in one place."""

    def _expire(self, conn: Connection) -> None:
        if conn.phase is Phase.HANDSHAKE:
            self._report(conn, "handshake-timeout")
        elif conn.phase is not Phase.LINGER and conn.has_begun:
            self._report(conn, "request-timeout", status=408)
            with suppress(OSError):
                conn.sock.send(plain_http.answer(HTTPStatus.REQUEST_TIMEOUT))
                self._linger(conn)
                return
        self._drop(conn)

    def _cap_keepalive(self, deadline: float) -> None:
        """At shutdown: a connection between two messages stays only as long as gunicorn gives it."""
        self._stop_by = deadline
        for conn in self._waiting:
            if not conn.has_begun:
                conn.deadline = min(conn.deadline, deadline)

    def handle_quit(self, sig: Any, frame: Any) -> None:
        """Stop at once: answers in flight are cut, so that no thread holds up the exit."""
        for conn in list(self._serving):
            with suppress(OSError):
                socket.socket.shutdown(conn.sock, socket.SHUT_RDWR)
        super().handle_quit(sig, frame)

    # -- pool thread: one step ---------------------------------------------------------------------------------

    def handle(self, conn: Connection) -> _Next:
        """Take a connection as far as the bytes that have arrived allow, and serve a request that is complete."""
        try:
            conn.advance()
            return self._serve(conn)
        except NotYet as wait:
            conn.wants_write = wait.for_writing
            return _Next.WAIT
        except ParseException as error:
            return self._refuse(conn, error)
        except (PeerClosed, NoMoreData, StopIteration):
            if conn.has_begun:
                self._report(conn, "incomplete-request")
        except ssl.SSLError as error:
            self._report_tls(conn, error)
        except OSError as error:
            if conn.phase is Phase.HANDSHAKE or conn.has_begun:
                self._report(conn, "connection-broken", detail=type(error).__name__)
        except Exception as error:
            self._report(conn, "internal-error", error=type(error).__name__, where=places_of(error))
            raise
        return _Next.DROP

    def _serve(self, conn: Connection) -> _Next:
        self._serving.add(conn)
        try:
            is_kept = self.handle_request(conn.request, conn)
        finally:
            self._serving.discard(conn)
        conn.served += 1
        return _Next.KEEP if is_kept else _Next.LINGER

    def handle_request(self, req: Any, conn: Connection) -> bool:
        """Run the application for one request; whether the connection can be used again.

        A peer that does not take the answer, and an answer that breaks off (which the application has logged),
        end the connection, so that a cut answer is seen as cut.
        """
        resp, environ = wsgi.create(req, conn.timed_socket, conn.client, conn.server, self.cfg)
        resp.version = "indikatorbryggan"
        environ["wsgi.multithread"] = True
        environ["wsgi.input"] = BodyInput(req.body)
        environ[CONNECTION_KEY] = ConnectionFacts(
            peer_certificate=conn.peer_certificate(),
            tls_version=conn.tls_version(),
            waited_s=time.monotonic() - conn.queued_at,
            is_health=conn.is_health,
        )
        if not self.alive or not self.settings.keep_alive_s or time.monotonic() - conn.opened_at > _MAX_AGE_S:
            resp.force_close()

        def start_response(*arguments: Any) -> Any:
            if not conn.settle_body():
                resp.force_close()
            return resp.start_response(*arguments)

        answer = self.wsgi(environ, start_response)
        try:
            for piece in answer:
                resp.write(piece)
            resp.close()
        except (OSError, BryggaError):
            return False
        finally:
            close = getattr(answer, "close", None)
            if close is not None:
                close()
        return not resp.should_close()

    def _refuse(self, conn: Connection, error: ParseException) -> _Next:
        """Answer what gunicorn's parser refuses, in words that hold nothing of the peer's."""
        status = plain_http.status_of(error)
        self._report(conn, "http-refused", status=status, detail=type(error).__name__)
        conn.timed_socket.sendall(plain_http.answer(status))
        return _Next.LINGER

    # -- log ---------------------------------------------------------------------------------------------------

    def _report(self, conn: Connection, outcome: str, **fields: Any) -> None:
        """Write the line of a connection that ends without a request for the application."""
        peer = conn.client[0] if isinstance(conn.client, tuple) else "local"
        _log.info("connection", outcome=outcome, peer=peer, tls=conn.tls_version(), **fields)

    def _report_tls(self, conn: Connection, error: ssl.SSLError) -> None:
        if conn.phase is Phase.HANDSHAKE:
            reason = explain_tls_error(error) or error.reason or type(error).__name__
            self._report(conn, "tls-refused", detail=reason)
        elif conn.has_begun:
            self._report(conn, "connection-broken", detail=error.reason)
