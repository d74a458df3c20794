"""Servers under measurement, each in a process of its own on a port that the system chooses, all over mutual TLS.

The peers run under the same server program (`producer.server`) as the product, so that only the application differs.
"""

from __future__ import annotations

import importlib
import logging
import multiprocessing
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from certs import Authority
from certs.tls import TlsFiles, client_context
from contracts.model import ReportingParty
from contracts.registry import GET_QUALITY_INDICATORS_2 as CONTRACT
from gateway.logs import configure_logs
from producer import server
from producer.register.repository import DatabaseRepository
from producer.server import Listening
from producer.settings import ProducerSettings

SYSTEM = ReportingParty("SE9990001112-BENCH", "Benchmarkproducenten (påhittad)")
_CALLER = "SE9990001112-BENCHCALLER"
_LOOPBACK = ("127.0.0.1",)
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
Application = Callable[[dict[str, Any], Callable[..., Any]], Any]


@dataclass(frozen=True, slots=True)
class Keys:
    """Certificates of both sides."""

    server: TlsFiles
    client: TlsFiles


def make_keys(directory: Path) -> Keys:
    """Make an authority and a certificate for each side (RSA 2048, as the handshake is not what is measured)."""
    authority = Authority.create(directory / "authority", key_size=2048)
    sides = []
    for hsa_id, name in ((SYSTEM.hsa_id, "server"), (_CALLER, "client")):
        issued = authority.issue(
            hsa_id,
            f"{name}.brygga.test",
            organization="Benchmark",
            locality="Test",
            extra_dns=("localhost",),
            ip_addresses=_LOOPBACK,
            key_size=2048,
        )
        files = issued.write(directory, name)
        sides.append(TlsFiles(files.certificate, files.private_key, authority.trust_anchor_path))
    return Keys(*sides)


@contextmanager
def serving(
    keys: Keys, *, register_url: str = "", application: str = "", workers: int = 1, contracts: tuple[str, ...] = ()
) -> Iterator[tuple[int, int]]:
    """Run the producer on ``register_url``, or a peer (``module:name`` of a WSGI application) under the same server.

    Gives its port and its process id.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there, keys, register_url, application, workers, contracts))
    process.start()
    try:
        if not here.poll(60):
            raise RuntimeError("the server did not start")
        listening: Listening = here.recv()
        yield listening.port, int(process.pid or 0)
    finally:
        process.terminate()
        process.join(40)


def _serve(
    ready: Connection, keys: Keys, register_url: str, application: str, workers: int, contracts: tuple[str, ...]
) -> None:
    configure_logs()
    logging.disable(logging.CRITICAL)
    if application:
        module, name = application.split(":")
        found = getattr(importlib.import_module(module), name)
        server.Gate = lambda *_: _closable(found)  # type: ignore[assignment,misc]
    settings = ProducerSettings(
        system=SYSTEM,
        organization=SYSTEM,
        tls=keys.server,
        port=0,
        workers=workers,
        allowed_callers=(_CALLER,),
        contracts=contracts or (CONTRACT.id,),
        allow_reconstructions=True,
    )
    server.serve(settings, lambda: _repository(register_url), on_ready=ready.send)


def _closable(application: Application) -> Application:
    """Give an application whose answers have ``close``, which the product's worker relies on."""

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterator[bytes]:
        yield from application(environ, start_response)

    return answer


class _NoRegister:
    """Stands in for a register where a peer needs none."""

    def check(self) -> None:
        """Be there."""

    def close(self) -> None:
        """Hold nothing."""


def _repository(url: str) -> Any:
    return DatabaseRepository(url) if url else _NoRegister()


class Caller:
    """A caller over one kept-alive connection, as light as Python allows: what it does is part of every figure."""

    def __init__(self, keys: Keys, port: int, path: str = CONTRACT.path) -> None:
        self._context: ssl.SSLContext = client_context(keys.client)
        self._port = port
        self._path = path
        self._sock: ssl.SSLSocket | None = None
        self._buffer = bytearray(1 << 18)
        self._view = memoryview(self._buffer)

    def call(self, message: bytes, **headers: str) -> int:
        """Send a message, take the answer and forget it; give its length. Raises RuntimeError for a status not 200."""
        head, rest = self._sent(message, headers)
        if (announced := _LENGTH.search(head)) is None:
            return self._to_last_chunk(rest)
        length = int(announced[1])
        count = len(rest)
        assert self._sock is not None
        while count < length:
            count += self._received()
        return count

    def fetch(self, message: bytes, **headers: str) -> bytes:
        """Send a message and give the body as it was sent, without decoding of chunks."""
        head, body = self._sent(message, headers)
        announced = _LENGTH.search(head)
        if announced is None:
            raise RuntimeError("the answer comes in chunks")
        pieces = [body]
        count = len(body)
        while count < int(announced[1]):
            size = self._received()
            pieces.append(bytes(self._view[:size]))
            count += size
        return b"".join(pieces)

    def close(self) -> None:
        """Close the connection."""
        if self._sock is not None:
            self._sock.close()
            self._sock = None

    def _sent(self, message: bytes, headers: dict[str, str]) -> tuple[bytes, bytes]:
        lines = {
            "Host": f"127.0.0.1:{self._port}",
            "Content-Type": "text/xml; charset=UTF-8",
            "SOAPAction": f'"{CONTRACT.soap_action}"',
            "Content-Length": str(len(message)),
            **headers,
        }
        text = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        request = f"POST {self._path} HTTP/1.1\r\n{text}\r\n".encode() + message
        try:
            return self._exchanged(request)
        except (ConnectionError, ssl.SSLError):
            self.close()  # It stood idle for longer than the server keeps it.
            return self._exchanged(request)

    def _exchanged(self, request: bytes) -> tuple[bytes, bytes]:
        if self._sock is None:
            plain = socket.create_connection(("127.0.0.1", self._port), timeout=300)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sock = self._context.wrap_socket(plain, server_hostname="127.0.0.1")
        self._sock.sendall(request)
        data = b""
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self._view[: self._received()]
        if not data.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"the answer is {data[:1500]!r}")
        return data[: end + 4], data[end + 4 :]

    def _received(self) -> int:
        assert self._sock is not None
        size = self._sock.recv_into(self._buffer)
        if not size:
            raise ConnectionResetError("the server closed the connection")
        return size

    def _to_last_chunk(self, data: bytes) -> int:
        count, tail = len(data), data[-5:]
        while tail != b"0\r\n\r\n":
            size = self._received()
            count += size
            tail = (tail + bytes(self._view[max(0, size - 5) : size]))[-5:]
        return count
