"""The traffic view: one record per call, the last ones in memory and, where wanted, in files of bounded size.

One canonical line per call (style 7) with sender, receiver, contract, outcome and time; never a payload.
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import structlog

from contracts.errors import ConfigurationError
from router.exchange import Exchange

#: Records kept in memory for the status page.
KEPT_RECORDS = 1000
_SUFFIX = ".jsonl"
_log = structlog.get_logger("router.calls")


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call as testers want to see it; the caller's parts are untrusted text."""

    at: str
    correlation_id: str
    entry: str
    sender: str
    original_consumer: str
    receiver: str
    contract: str
    address: str
    outcome: str
    """``ok``, ``producer-fault``, VPnnn, or what ended the call otherwise."""
    status: int
    ms: int
    producer_ms: int
    bytes_in: int
    bytes_out: int
    tls: str
    detail: str = ""

    @classmethod
    def of(cls, exchange: Exchange, outcome: str, *, status: int, bytes_out: int, detail: str = "") -> CallRecord:
        """Make the record of a finished call."""
        return cls(
            at=datetime.fromtimestamp(exchange.started_at, UTC).isoformat(timespec="milliseconds"),
            correlation_id=exchange.correlation_id,
            entry=exchange.entry,
            sender=exchange.sender_id,
            original_consumer=exchange.original_consumer,
            receiver=exchange.receiver,
            contract=exchange.contract,
            address=exchange.route.address if exchange.route else "",
            outcome=outcome,
            status=status,
            ms=round((time.perf_counter() - exchange.started) * 1000),
            producer_ms=exchange.producer_ms,
            bytes_in=len(exchange.body),
            bytes_out=bytes_out,
            tls=exchange.tls_version,
            detail=detail,
        )

    def as_dict(self) -> dict[str, str | int]:
        """Give the record as plain values."""
        return {name: getattr(self, name) for name in _FIELDS}


_ENCODER = json.JSONEncoder(ensure_ascii=True)
_FIELDS = tuple(field.name for field in fields(CallRecord))


class CallLog:
    """Takes the records of one process; its file is set aside when it is full, and the older one thrown away."""

    def __init__(self, folder: Path | None, *, max_bytes: int, worker: int = 0, is_shown: bool = False) -> None:
        """``folder`` None keeps records in memory only; ``is_shown``: log each as well. Raises ConfigurationError."""
        self.records: deque[CallRecord] = deque(maxlen=KEPT_RECORDS)
        self._max_bytes = max_bytes
        self._is_shown = is_shown
        self._path = folder / f"calls-{worker}{_SUFFIX}" if folder else None
        self._file: IO[str] | None = None
        self._size = 0
        self._open()

    def add(self, record: CallRecord) -> None:
        """Keep a record and append it to the file."""
        self.records.append(record)
        if self._is_shown:
            _log.info("call", **record.as_dict())
        if self._file is None:
            return
        line = _ENCODER.encode(record.as_dict()) + "\n"  # ASCII: a character is a byte
        self._file.write(line)
        self._size += len(line)
        if self._size > self._max_bytes and self._path is not None:
            self._file.close()
            self._path.replace(self._path.with_name(f"{self._path.stem}.old{_SUFFIX}"))
            self._open()

    def flush(self) -> None:
        """Write out what has been added; to be called now and then."""
        if self._file is not None:
            self._file.flush()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self) -> None:
        if self._path is None:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("a", encoding="utf-8")
            self._size = self._file.tell()
        except OSError as error:
            raise ConfigurationError(f"The traffic log {self._path} cannot be written: {error.strerror}.") from None


def read_calls(folder: Path, count: int) -> list[CallRecord]:
    """Give the last ``count`` records of all processes' files, oldest first. Raises ConfigurationError."""
    if not folder.is_dir():
        raise ConfigurationError(
            f"There is no traffic log in {folder}. Set router.call_log and let the router take a call first."
        )
    records = [record for path in sorted(folder.glob(f"*{_SUFFIX}")) for record in _read_file(path)]
    records.sort(key=lambda record: record.at)
    return records[-count:]


def _read_file(path: Path) -> Iterator[CallRecord]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.endswith("\n"):  # the last one may still be in the making
                yield CallRecord(**json.loads(line))
