"""The platform's message log: one JSON line per log point, in the field groups of its ECS style (reference 7.1).

Never holds a payload, nor a certificate. Written only where the settings name a file.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Literal

from contracts.errors import ConfigurationError
from router.exchange import Exchange
from router.faults import PlatformRefusal
from router.headers import ACTING_ON_BEHALF_OF, FORWARDED_FOR, ORIGINAL_CONSUMER

Point = Literal["req-in", "req-out", "resp-in", "resp-out", "error"]
_TYPES: Mapping[Point, tuple[str, str]] = {
    "req-in": ("access", "start"),
    "req-out": ("access", "start"),
    "resp-in": ("access", "end"),
    "resp-out": ("access", "end"),
    "error": ("access", "end"),
}
_LOGGER = "se.skl.tp.vp.logging."
_FILTERED = "<filtered>"


class MessageLog:
    """Writes log points to a file; several processes may append to one."""

    def __init__(self, path: Path) -> None:
        """Open ``path`` for appending. Raises ConfigurationError."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file: IO[str] = path.open("a", encoding="utf-8", buffering=1)
        except OSError as error:
            raise ConfigurationError(f"The message log {path} cannot be written: {error.strerror}.") from None

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def write(self, point: Point, exchange: Exchange, *, status: int | None = None, error: str = "") -> None:
        """Write one log point of a call; ``status`` and ``error`` are known on the way back only."""
        entry: dict[str, Any] = {
            "@timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "log.logger": _LOGGER + point.replace("-", "."),
            "message": f"{point} {exchange.sender_id} -> {exchange.receiver}",
            "event": self._event(point, exchange),
            "trace": {"id": exchange.correlation_id},
            "http": self._http(exchange, point, status),
            "url": {"full": exchange.url, "original": exchange.route.address if exchange.route else ""},
            "source": {"ip": _source(exchange)},
            "labels": self._labels(exchange),
        }
        if error:
            entry["error"] = {"message": error}
        self._file.write(json.dumps(entry, ensure_ascii=True) + "\n")

    def write_error(self, exchange: Exchange, error: BaseException, *, status: int) -> None:
        """Write the log point ERROR of a call that the router answers itself."""
        is_refusal = isinstance(error, PlatformRefusal)
        detail = error.detail if isinstance(error, PlatformRefusal) else type(error).__name__
        vp_code = error.vp_code if isinstance(error, PlatformRefusal) else "VP009"
        self.write("error", exchange, status=status, error=f"{vp_code} {detail}" if is_refusal else vp_code)

    def _event(self, point: Point, exchange: Exchange) -> dict[str, Any]:
        elapsed = time.perf_counter() - exchange.started
        nanoseconds = exchange.producer_ms * 1_000_000 if point == "resp-in" else round(elapsed * 1e9)
        return {
            "id": str(uuid.uuid4()),
            "kind": "event",
            "category": ["web"],
            "type": list(_TYPES[point]),
            "action": point,
            "module": "skltp-messages",
            "duration": str(nanoseconds),
        }

    def _http(self, exchange: Exchange, point: Point, status: int | None) -> dict[str, Any]:
        sent = point == "req-out"
        headers = exchange.out_headers if sent else exchange.headers
        body = exchange.out_body if sent else exchange.body
        http: dict[str, Any] = {
            "request": {
                "method": exchange.method,
                "headers": json.dumps(dict(self._shown(exchange, headers.items()))),
                "body": {"bytes": len(body)},
            }
        }
        if status is not None:
            http["response"] = {"status_code": status}
        return http

    def _shown(self, exchange: Exchange, headers: Iterable[tuple[str, str]]) -> Iterable[tuple[str, str]]:
        certificate_header = exchange.context.settings.certificate_header.lower()
        secret = (certificate_header, "authorization", "cookie", "x-forwarded-tls-client-cert")
        for name, value in headers:
            yield name, _FILTERED if name.lower() in secret else value

    def _labels(self, exchange: Exchange) -> dict[str, str]:
        head = exchange.head
        profile = (exchange.route.profile if exchange.route else None) or (head.profile if head else None) or ""
        labels = {
            "senderid": exchange.sender_id,
            "receiverid": exchange.receiver,
            "originalServiceconsumerHsaid": exchange.original_consumer,
            "originalServiceconsumerHsaid_in": exchange.headers.get(ORIGINAL_CONSUMER, ""),
            "actingOnBehalfOfHsaid": exchange.headers.get(ACTING_ON_BEHALF_OF, ""),
            "servicecontract_namespace": exchange.contract,
            "rivversion": profile,
            "wsdl_namespace": f"{exchange.contract.replace('Responder', '')}:{profile}" if exchange.contract else "",
            "routerVagvalTrace": exchange.route_trace,
            "routerBehorighetTrace": exchange.permission_trace,
            "route": exchange.entry,
            **exchange.forwarded,
        }
        return {name: value for name, value in labels.items() if value}


def _source(exchange: Exchange) -> str:
    """Give the caller's address: on the HTTP entry the one that the trusted proxy names (1.4)."""
    is_forwarded = exchange.entry == "http"
    return exchange.headers.get(FORWARDED_FOR, exchange.peer_ip) if is_forwarded else exchange.peer_ip
