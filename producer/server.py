"""Runs the gate under gunicorn: prefork, threads, mutual TLS by this process or a proxy in front.

Implements design 3 (producer), robustness rows D01-D11 and G19; the certificate and the revocation list are
followed while it runs.
"""

from __future__ import annotations

import errno
import gc
import socket
import ssl
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import structlog
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger

from certs.reload import ReloadingServerContext
from contracts.errors import ConfigurationError
from producer.gate import Gate
from producer.repository import PublicationRepository
from producer.settings import DRAIN_S, ProducerSettings
from producer.worker import PatientWorker, note_early_signals

_log = structlog.get_logger("producer.server")
_BACKLOG = 2048
_HEALTH_HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Listening:
    """Where the service listens; the ports are those the system chose when the settings say 0."""

    url: str
    host: str
    port: int
    health_port: int | None


def serve(
    settings: ProducerSettings,
    open_repository: Callable[[], PublicationRepository],
    *,
    on_ready: Callable[[Listening], None] | None = None,
) -> NoReturn:
    """Serve until SIGTERM (answers in flight are finished, up to `DRAIN_S`) or SIGINT; leaves with SystemExit.

    ``open_repository`` is called once in each process, after the fork, because database connections must not
    be shared. ``on_ready`` is told the address when connections are taken.
    Raises ConfigurationError, CertificateError or RegisterUnavailable before anything is served.
    """
    tls = None if settings.tls is None else ReloadingServerContext(settings.tls)
    with closing(open_repository()) as repository:
        repository.check()
    with ExitStack() as sockets:
        listeners = [sockets.enter_context(sock) for sock in _bind(settings)]
        listening = _listening(settings, listeners)
        PatientWorker.settings = settings
        if settings.health_port is not None:
            PatientWorker.health_addresses = frozenset({listeners[-1].getsockname()})

        def tell(_arbiter: Arbiter) -> None:
            if on_ready is not None:
                on_ready(listening)

        options = _options(settings, listeners, tls) | {"when_ready": tell}
        sockets.pop_all()  # gunicorn owns the descriptors from here
        gc.collect()
        gc.freeze()  # What is loaded now is shared by the processes and never looked at again.
        Arbiter(_Application(settings, open_repository, options)).run()
    raise SystemExit(0)


class _Application(BaseApplication):  # type: ignore[misc]
    """Tells gunicorn its options and makes the gate in each process."""

    def __init__(
        self,
        settings: ProducerSettings,
        open_repository: Callable[[], PublicationRepository],
        options: dict[str, Any],
    ) -> None:
        self._settings = settings
        self._open_repository = open_repository
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Gate:
        return Gate(self._settings, self._open_repository())


class _Log(Logger):  # type: ignore[misc]
    """Sends what gunicorn has to say the way of all other log lines; its access log is off."""

    def setup(self, cfg: Any) -> None:
        self.cfg = cfg
        self._access_log_enabled = False
        self.error_log.propagate = True


def _options(
    settings: ProducerSettings, listeners: list[socket.socket], tls: ReloadingServerContext | None
) -> dict[str, Any]:
    """Give gunicorn's options.

    Workers are not recycled (max_requests): their memory does not grow, and recycling the only worker of a small
    installation would stop the service while a long answer drains. ``preload_app`` is off because the register
    is opened per process; the modules are loaded before the fork all the same.
    """
    options: dict[str, Any] = {
        "bind": [f"fd://{listener.detach()}" for listener in listeners],
        "workers": settings.workers,
        "worker_class": PatientWorker,
        "threads": settings.threads,
        "worker_connections": settings.max_connections,
        "keepalive": max(1, int(settings.keep_alive_s)),
        "graceful_timeout": DRAIN_S,
        "timeout": 60,
        "backlog": _BACKLOG,
        "logger_class": _Log,
        "post_fork": note_early_signals,
        "limit_request_line": 4094,
        "limit_request_fields": 100,
        "limit_request_field_size": 8190,
        # Nothing a peer sends may change the path or the scheme, also not from this machine.
        "forwarder_headers": "",
        "secure_scheme_headers": {},
        "forwarded_allow_ips": "",
        "http_parser": "python",
        "control_socket_disable": True,
        "proc_name": "brygga-producer",
    }
    if tls is not None and settings.tls is not None:
        options["certfile"] = str(settings.tls.certificate)
        options["keyfile"] = str(settings.tls.private_key)
        options["ssl_context"] = _context_per_connection(tls)
    return options


def _context_per_connection(tls: ReloadingServerContext) -> Callable[[Any, Any], ssl.SSLContext]:
    def current(_cfg: Any, _default: Any) -> ssl.SSLContext:
        return tls.current()

    return current


def _bind(settings: ProducerSettings) -> list[socket.socket]:
    """Bind the listeners, health last; raises ConfigurationError naming the address that cannot be had."""
    if settings.host.startswith("unix:"):
        sockets = [_bind_unix(Path(settings.host.removeprefix("unix:")))]
    else:
        sockets = [_bind_tcp(settings.host, settings.port)]
    if settings.health_port is not None:
        sockets.append(_bind_tcp(_HEALTH_HOST, settings.health_port))
    return sockets


def _bind_tcp(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        advice = {
            errno.EADDRINUSE: "another program listens there; stop it or choose another port",
            errno.EACCES: "ports below 1024 need privileges; choose another port",
            errno.EADDRNOTAVAIL: "this machine has no such address",
        }.get(error.errno or 0, str(error.strerror or error))
        raise ConfigurationError(f"The service cannot listen on {host}:{port}: {advice}.") from error


def _bind_unix(path: Path) -> socket.socket:
    """Bind a unix socket that this user and group may use; a socket nobody listens on is replaced."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if path.is_socket():
            if sock.connect_ex(str(path)) == 0:
                raise ConfigurationError(f"Another program listens on {path}; stop it or choose another path.")
            path.unlink()
            sock.close()
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.bind(str(path))
        path.chmod(0o660)
        sock.listen(_BACKLOG)
    except OSError as error:
        sock.close()
        raise ConfigurationError(f"The service cannot listen on {path}: {error.strerror}.") from error
    except ConfigurationError:
        sock.close()
        raise
    return sock


def _listening(settings: ProducerSettings, listeners: list[socket.socket]) -> Listening:
    health_port = listeners[-1].getsockname()[1] if settings.health_port is not None else None
    if settings.host.startswith("unix:"):
        return Listening(settings.host, settings.host, 0, health_port)
    port = listeners[0].getsockname()[1]
    scheme = "http" if settings.behind_proxy else "https"
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return Listening(f"{scheme}://{host}:{port}", settings.host, port, health_port)
