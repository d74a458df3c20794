"""A producer for the tests: a real HTTPS server with mutual TLS on loopback that answers as it is told."""

from __future__ import annotations

import contextlib
import gzip
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from contracts.model import QualityIndicatorsRequest
from contracts.registry import GET_QUALITY_INDICATORS_2
from contracts.safe_xml import parse_message
from contracts.soap import read_request_envelope

Respond = Callable[["Exchange"], None]


@dataclass
class Exchange:
    """One request, and the means to answer it well or badly."""

    handler: BaseHTTPRequestHandler
    body: bytes

    @property
    def question(self) -> QualityIndicatorsRequest:
        return GET_QUALITY_INDICATORS_2.codec.read_request(read_request_envelope(parse_message(self.body)).body)

    @property
    def logical_address(self) -> str:
        return read_request_envelope(parse_message(self.body)).logical_address

    def send(
        self,
        body: bytes,
        *,
        status: int = 200,
        content_type: str | None = "text/xml; charset=UTF-8",
        length: int | None = None,
        **headers: str,
    ) -> None:
        self.handler.send_response(status)
        if content_type is not None:
            self.handler.send_header("Content-Type", content_type)
        self.handler.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in headers.items():
            self.handler.send_header(name.replace("_", "-"), value)
        self.handler.end_headers()
        self.handler.wfile.write(body)
        if length is not None:
            self.handler.close_connection = True

    def send_gzip(self, body: bytes) -> None:
        self.send(gzip.compress(body), Content_Encoding="gzip")

    def send_chunks(self, chunks: Iterator[bytes], *, is_complete: bool = True) -> None:
        self.handler.send_response(200)
        self.handler.send_header("Content-Type", "text/xml")
        self.handler.send_header("Transfer-Encoding", "chunked")
        self.handler.end_headers()
        for chunk in chunks:
            self.handler.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        if is_complete:
            self.handler.wfile.write(b"0\r\n\r\n")
        else:
            self.handler.close_connection = True


class Playback(ThreadingHTTPServer):
    """Answers every request by ``respond`` and keeps the requests' bodies."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.context = context
        self.reset()

    def reset(self) -> None:
        """Forget what was asked, and answer nothing yet."""
        self.respond: Respond = lambda exchange: exchange.send(b"", status=500)
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.connections = 0

    @property
    def endpoint(self) -> str:
        return f"https://localhost:{self.server_address[1]}{GET_QUALITY_INDICATORS_2.path}"

    @property
    def questions(self) -> list[QualityIndicatorsRequest]:
        return [Exchange(None, body).question for body in self.bodies]  # type: ignore[arg-type]

    def get_request(self) -> tuple[Any, Any]:
        connection, address = super().get_request()
        self.connections += 1
        connection.settimeout(20)
        return self.context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A test looks at what the consumer says of a broken connection, not at the server."""

    @contextlib.contextmanager
    def running(self) -> Iterator[Playback]:
        thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.shutdown()
            self.server_close()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Playback
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.bodies.append(body)
        self.server.headers.append(dict(self.headers))
        self.server.respond(Exchange(self, body))

    def do_GET(self) -> None:
        self.server.bodies.append(b"GET")
        Exchange(self, b"").send(b"", status=405)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the consumer is what is tested."""
