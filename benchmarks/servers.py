"""Servers under measurement, each in a process of its own on a port that the system chooses, all over mutual TLS.

The peers run under the same server program (`producer.server`) as the product, so that only the application differs.
"""

from __future__ import annotations

import http.client
import importlib
import logging
import multiprocessing
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


def _repository(url: str) -> Any:
    return DatabaseRepository(url) if url else _NoRegister()


class Caller:
    """A caller over one kept-alive connection, as light as the standard library allows."""

    def __init__(self, keys: Keys, port: int, path: str = CONTRACT.path) -> None:
        context: ssl.SSLContext = client_context(keys.client)
        self._connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=300)
        self._path = path
        self._buffer = bytearray(1 << 18)

    def call(self, message: bytes, **headers: str) -> int:
        """Send a message and read the answer; give its length. Raises RuntimeError for another status than 200."""
        answer = self._send(message, headers)
        length = 0
        while count := answer.readinto(self._buffer):
            length += count
        return length

    def fetch(self, message: bytes, **headers: str) -> bytes:
        """Send a message and give the answer."""
        return self._send(message, headers).read()

    def _send(self, message: bytes, headers: dict[str, str]) -> http.client.HTTPResponse:
        sent = {"Content-Type": "text/xml; charset=UTF-8", "SOAPAction": f'"{CONTRACT.soap_action}"', **headers}
        try:
            self._connection.request("POST", self._path, message, sent)
            answer = self._connection.getresponse()
        except (ConnectionError, ssl.SSLError):
            self._connection.close()  # It stood idle for longer than the server keeps it.
            self._connection.request("POST", self._path, message, sent)
            answer = self._connection.getresponse()
        if answer.status != 200:
            raise RuntimeError(f"status {answer.status}: {answer.read(1500)!r}")
        return answer

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
