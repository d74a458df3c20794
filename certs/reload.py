"""TLS contexts that follow their files: a renewed certificate or revocation list is used without a restart.

Implements the hot reload that short-lived revocation lists need; a broken new file never replaces a good one.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import structlog

from certs.tls import TlsFiles, alarms, client_context, server_context
from contracts.errors import CertificateError

#: How often the files are looked at, at most; a look is one stat per file.
CHECK_INTERVAL_S = 1.0
#: How often an alarm is repeated in the log.
ALARM_INTERVAL_S = 3600.0

_log = structlog.get_logger("certs.reload")

FileState = tuple[int, int, int] | None


class ReloadingContext:
    """Gives the context of the newest readable files; safe to share between threads.

    When new files cannot be used, the error is logged once and kept in `last_error`, and the last good
    context stays; its revocation list still runs out at its own time, so this never fails open.
    """

    def __init__(
        self,
        make: Callable[[TlsFiles], ssl.SSLContext],
        tls_files: TlsFiles,
        *,
        check_interval_s: float = CHECK_INTERVAL_S,
    ) -> None:
        """Load the files now; raises `CertificateError` as ``make`` (`server_context`, `client_context`)."""
        self.tls_files = tls_files
        self.last_error: CertificateError | None = None
        self._make = make
        self._check_interval_s = check_interval_s
        self._lock = threading.Lock()
        self._state = self._file_state()
        self._current = make(tls_files)
        self._checked_at = time.monotonic()
        self._alarmed_at = self._checked_at
        self._report_alarms()

    def current(self) -> ssl.SSLContext:
        """Return the context for a new connection; never raises and seldom waits."""
        if time.monotonic() - self._checked_at >= self._check_interval_s and self._lock.acquire(blocking=False):
            try:
                self._check()
            finally:
                self._lock.release()
        return self._current

    def _check(self) -> None:
        self._checked_at = time.monotonic()
        state = self._file_state()
        if state != self._state:
            self._state = state
            try:
                self._current = self._make(self.tls_files)
            except CertificateError as error:
                self.last_error = error
                _log.error("tls-reload-refused", reason=error.message)
            else:
                self.last_error = None
                _log.info("tls-reloaded", certificate=str(self.tls_files.certificate))
        elif self._checked_at - self._alarmed_at < ALARM_INTERVAL_S:
            return
        self._alarmed_at = self._checked_at
        self._report_alarms()

    def _report_alarms(self) -> None:
        try:
            for alarm in alarms(self.tls_files, datetime.now(UTC)):
                _log.warning("tls-alarm", reason=alarm)
        except CertificateError as error:
            _log.error("tls-alarm", reason=error.message)

    def _file_state(self) -> tuple[FileState, ...]:
        files = self.tls_files
        paths = (files.certificate, files.private_key, files.ca, files.crl, files.private_key_password)
        return tuple(_state_of(path) for path in paths if path is not None)


class ReloadingServerContext(ReloadingContext):
    """A server's context that follows its files.

    A server that asks for a context per connection calls `current`. One that keeps a single context for its
    listening socket is given `context`, which hands every handshake over to the current one.
    """

    def __init__(self, tls_files: TlsFiles, *, check_interval_s: float = CHECK_INTERVAL_S) -> None:
        """Load the files now; raises `CertificateError` as `certs.tls.server_context`."""
        super().__init__(server_context, tls_files, check_interval_s=check_interval_s)
        self.context = self._current
        self.context.sni_callback = self._hand_over

    def _hand_over(self, connection: ssl.SSLSocket | ssl.SSLObject, _name: str | None, _: ssl.SSLContext) -> None:
        connection.context = self.current()


class ReloadingClientContext(ReloadingContext):
    """A client's context that follows its files: call `current` for each new connection."""

    def __init__(self, tls_files: TlsFiles, *, check_interval_s: float = CHECK_INTERVAL_S) -> None:
        """Load the files now; raises `CertificateError` as `certs.tls.client_context`."""
        super().__init__(client_context, tls_files, check_interval_s=check_interval_s)


def _state_of(path: Path) -> FileState:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
