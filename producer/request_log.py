"""One canonical log line per request: who asked what, how it ended, how long it took; never payloads.

Implements style 7 and robustness rows E03 and E06: values of the caller are escaped and cut, and an incident id
in the line is the one in the fault.
"""

from __future__ import annotations

import time
import traceback
import uuid
from collections.abc import Iterable, Iterator
from typing import Any

import structlog

from contracts.errors import BryggaError
from producer.identity import facts_of
from producer.settings import PLATFORM_LIMIT_BYTES

_MAX_VALUE_CHARS = 128
_MAX_FRAMES = 12


def printable(text: str, limit: int = _MAX_VALUE_CHARS) -> str:
    r"""Give an untrusted text cut and with control, format and lone surrogate characters as ``\uXXXX``."""
    cut = text if len(text) <= limit else f"{text[:limit]}..."
    if cut.isprintable():
        return cut
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in cut)


def places_of(error: Exception) -> list[str]:
    """Give where an error happened, innermost last, without its text, which may hold values of a caller."""
    frames = traceback.extract_tb(error.__traceback__)[-_MAX_FRAMES:]
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]


def request_logger() -> Any:
    """Give the logger of requests as logging is configured now; finding it for each line would cost half the line."""
    return structlog.get_logger("producer.request").bind()


class RequestLog:
    """Collects what is known of one request and writes the line once, to ``logger``."""

    def __init__(self, environ: dict[str, Any], logger: Any) -> None:
        self._logger = logger
        facts = facts_of(environ)
        self.incident_id = str(uuid.uuid4())
        self._started = time.perf_counter() - facts.waited_s
        self._is_written = False
        self._fields: dict[str, Any] = {
            "correlation_id": printable(environ.get("HTTP_X_SKLTP_CORRELATION_ID", "")) or self.incident_id,
            "peer": environ.get("REMOTE_ADDR", ""),
            "tls": facts.tls_version,
            "method": printable(environ.get("REQUEST_METHOD", ""), 16),
        }
        original = environ.get("HTTP_X_RIVTA_ORIGINAL_SERVICECONSUMER_HSAID")
        if original:
            self._fields["original_sender"] = printable(original)

    def add(self, **fields: Any) -> None:
        """Add what has become known; texts of the caller are escaped here."""
        for name, value in fields.items():
            self._fields[name] = printable(value) if isinstance(value, str) else value

    def refused(self, error: BryggaError) -> None:
        """Note the error that ends the request; ``log_detail`` goes here and nowhere else."""
        self.add(outcome=error.code, fault_code=error.fault_code, incident_id=self.incident_id)
        if error.log_detail:
            self.add(detail=error.log_detail)

    def crashed(self, error: Exception) -> None:
        """Note a defect: its type and where it happened."""
        self.add(outcome="internal-error", fault_code="Server", incident_id=self.incident_id)
        self._fields["error"] = type(error).__name__
        self._fields["where"] = places_of(error)

    def write(self) -> None:
        """Write the line; later calls do nothing."""
        if self._is_written:
            return
        self._is_written = True
        milliseconds = round((time.perf_counter() - self._started) * 1000, 1)
        if "error" in self._fields:
            self._logger.error("request", **self._fields, ms=milliseconds)
        elif self._fields.get("bytes_out", 0) > PLATFORM_LIMIT_BYTES:
            self._logger.warning("request", **self._fields, ms=milliseconds, warning="answer-over-platform-limit")
        else:
            self._logger.info("request", **self._fields, ms=milliseconds)


class LoggedBody:
    """A response body that counts what is taken and writes the log line when the server is done with it."""

    def __init__(self, body: Iterable[bytes], length: int, log: RequestLog) -> None:
        self._body = body
        self._length = length
        self._log = log
        self._given = 0

    def __iter__(self) -> Iterator[bytes]:
        try:
            for piece in self._body:
                yield piece
                self._given += len(piece)
        except BryggaError as error:
            self._log.refused(error)
            raise
        except Exception as error:
            self._log.crashed(error)
            raise

    def close(self) -> None:
        """Release the body and write the line; an answer that was not taken whole is ``aborted``."""
        close = getattr(self._body, "close", None)
        try:
            if close is not None:
                close()
        finally:
            self._log.add(bytes_out=self._given)
            if self._given < self._length:
                self._log.add(aborted=True)
            self._log.write()
