"""The mock as a server: HTTP/1.1 on the standard library, over mutual TLS when certificates are given.

Answers by the header x-mock-response, else by measureId (contract reference 8); x-mock-fault or --fault breaks it.
"""

from __future__ import annotations

import socket
import socketserver
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from http.server import BaseHTTPRequestHandler
from typing import Any

from certs.tls import TlsFiles, server_context
from contracts.errors import BryggaError, CallerError, ConfigurationError, GatewayFailure, UsageError
from contracts.registry import GET_QUALITY_INDICATORS_2, ServiceContract
from contracts.soap import SOAP_CONTENT_TYPE, SOAP_NAMESPACE, write_fault
from testsuites.mock.answers import AnswerWriter
from testsuites.mock.faults import MockFault, apply_edits, find_fault

SHAPE_HEADER = "x-mock-response"
FAULT_HEADER = "x-mock-fault"
_GOOD = MockFault("", "")
_MAX_REQUEST_BYTES = 16 * 1024**2
_READ_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Served:
    """What the mock did with a request, for its log."""

    path: str
    status: int | None
    fault: str
    answer_bytes: int


class MockServer(socketserver.ThreadingTCPServer):
    """Serves until `shutdown`. ``log`` is called with each request that was answered."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64

    def __init__(
        self,
        address: tuple[str, int],
        *,
        tls: TlsFiles | None = None,
        fault: MockFault = _GOOD,
        contract: ServiceContract = GET_QUALITY_INDICATORS_2,
        log: Callable[[Served], None] | None = None,
    ) -> None:
        self.contract = contract
        self.fault = fault
        self.log = log
        self.calls = 0
        self._lock = threading.Lock()
        self._context = server_context(tls) if tls is not None else None
        self._writers: dict[str, AnswerWriter] = {}
        try:
            super().__init__(address, _Handler)
        except OSError as error:
            raise ConfigurationError(
                f"The mock cannot listen on {address[0]}:{address[1]}: {error.strerror}. Choose another --port."
            ) from None

    @property
    def url(self) -> str:
        """Address of the service."""
        host, port = self.server_address[:2]
        scheme = "http" if self._context is None else "https"
        return f"{scheme}://{host if isinstance(host, str) else host.decode()}:{port}{self.contract.path}"

    def get_request(self) -> tuple[Any, Any]:
        """Accept a connection; its TLS handshake is left to the thread that serves it."""
        connection, address = super().get_request()
        connection.settimeout(_READ_TIMEOUT_S)
        if self._context is not None:
            connection = self._context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Take it calmly when a caller's handshake fails or it hangs up: the mock is there for that."""

    def answer(self, body: bytes, *, charset: str | None, shape_name: str, fault: MockFault) -> bytes:
        """Answer a request. Raises CallerError."""
        with self._lock:
            self.calls += 1
            writer = self._writers.get(fault.id)
            if writer is None:
                writer = self._writers[fault.id] = AnswerWriter(self.contract, fault.behaviour)
            return apply_edits(fault, writer.answer(body, charset=charset, shape_name=shape_name), self.contract)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    server_version = "mock"
    sys_version = ""
    server: MockServer

    def setup(self) -> None:
        if isinstance(self.request, ssl.SSLSocket):
            self.request.do_handshake()
        super().setup()

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the library's own log quiet; `Served` has it all."""

    def handle_expect_100(self) -> bool:
        """Send 100 Continue at once, past the write buffer."""
        is_going_on = super().handle_expect_100()
        self.wfile.flush()
        return is_going_on

    def do_GET(self) -> None:
        """Tell that this is a service."""
        self._send(405, "text/plain; charset=utf-8", b"Send a SOAP request by POST.\n", allow=True)

    def do_POST(self) -> None:
        """Answer one request."""
        try:
            fault = find_fault(named) if (named := self.headers.get(FAULT_HEADER, "")) else self.server.fault
        except UsageError as error:
            self._send(400, "text/plain; charset=utf-8", error.message.encode())
            return
        body = self._read_body()
        if body is None:
            return
        time.sleep(fault.http.delay_s)
        status, content_type, content = self._answer(body, fault)
        self._send_broken(fault, status, content_type, content)

    def _read_body(self) -> bytes | None:
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > _MAX_REQUEST_BYTES:
            self.close_connection = True
            self._send(
                411 if not length else 413, "text/plain; charset=utf-8", b"Send Content-Length, 16 MB at most.\n"
            )
            return None
        return self.rfile.read(int(length))

    def _answer(self, body: bytes, fault: MockFault) -> tuple[int, str, bytes]:
        if fault.http.vp_code:
            return 500, SOAP_CONTENT_TYPE, _platform_fault(fault.http.vp_code)
        charset = _charset(self.headers.get("Content-Type", ""))
        try:
            shape_name = self.headers.get(SHAPE_HEADER, "")
            content = self.server.answer(body, charset=charset, shape_name=shape_name, fault=fault)
        except CallerError as error:
            return _fault_answer(error, fault)
        status = fault.http.status or 200
        return status, fault.http.content_type or SOAP_CONTENT_TYPE, _with_prefix(content, fault.http.prefix)

    def _send_broken(self, fault: MockFault, status: int, content_type: str, content: bytes) -> None:
        if fault.http.reset:
            self.close_connection = True
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self._log(None, fault, 0)
            return
        if fault.http.empty:
            content = b""
        self._send(status, content_type, content, sent=fault.http.truncate)
        self._log(status, fault, len(content))

    def _send(
        self, status: int, content_type: str, content: bytes, *, sent: int | None = None, allow: bool = False
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(content)))
        if allow:
            self.send_header("Allow", "POST")
        self.end_headers()
        self.wfile.write(content if sent is None else content[:sent])
        if sent is not None:
            self.close_connection = True

    def _log(self, status: int | None, fault: MockFault, size: int) -> None:
        if self.server.log is not None:
            self.server.log(Served(self.path, status, fault.id, size))


def _fault_answer(error: CallerError, fault: MockFault) -> tuple[int, str, bytes]:
    if fault.http.fault_as_html:
        return 500, "text/html", b"<html><body><h1>Internal Server Error</h1></body></html>"
    told: BryggaError = GatewayFailure(fault.http.fault_text) if fault.http.fault_text else error
    status = error.http_status if error.http_status != 500 else fault.http.fault_status
    return status, SOAP_CONTENT_TYPE, write_fault(told, incident_id="mock")


def _platform_fault(code: str) -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<e:Envelope xmlns:e="{SOAP_NAMESPACE}"><e:Body><e:Fault>'
        f"<faultcode>e:Server</faultcode><faultstring>{code} made by the mock</faultstring>"
        "</e:Fault></e:Body></e:Envelope>"
    ).encode()


def _with_prefix(content: bytes, prefix: str) -> bytes:
    declaration, _, rest = content.partition(b"?>")
    return declaration + b"?>" + prefix.encode() + rest if prefix else content


def _charset(content_type: str) -> str | None:
    message = Message()
    message["Content-Type"] = content_type or "text/xml"
    charset = message.get_param("charset")
    return str(charset) if charset else None


@contextmanager
def running_mock(**options: Any) -> Iterator[MockServer]:
    """Serve in a thread on a port of the system's choice while the block runs."""
    with MockServer(("127.0.0.1", 0), **options) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
