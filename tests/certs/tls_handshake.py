"""Real TLS handshakes on loopback between two contexts, contexts that check less than ours, a good certificate."""

from __future__ import annotations

import socket
import ssl
import threading
from dataclasses import dataclass
from pathlib import Path

from certs import Authority, CertificateFiles

HSA_ID = "SE9990001112-CERTS"
DNS_NAME = "producer.certs.example"
VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
TIMEOUT_S = 5


def issue_good(authority: Authority, directory: Path, name: str = "good") -> CertificateFiles:
    issued = authority.issue(
        HSA_ID,
        DNS_NAME,
        organization="Testregionen Åäö",
        locality="Teststad",
        ip_addresses=["127.0.0.1"],
        key_size=2048,
    )
    return issued.write(directory, name)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What both sides saw: None where the connection worked, else the error."""

    server: OSError | None
    client: OSError | None
    peer: bytes | None
    version: str | None

    @property
    def is_accepted(self) -> bool:
        return self.server is None and self.client is None


def handshake(server: ssl.SSLContext, client: ssl.SSLContext, *, server_name: str | None = DNS_NAME) -> Outcome:
    """Connect once and send a byte each way: under TLS 1.3 the client sees a refusal at its first read."""
    server_error: list[OSError] = []
    peer: list[bytes | None] = []

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        connection.settimeout(TIMEOUT_S)
        try:
            with server.wrap_socket(connection, server_side=True) as wrapped:
                peer.append(wrapped.getpeercert(binary_form=True))
                wrapped.recv(1)
                wrapped.sendall(b"s")
        except OSError as error:
            server_error.append(error)
            connection.close()

    client_error: OSError | None = None
    version = None
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        try:
            with (
                socket.create_connection(listener.getsockname(), timeout=TIMEOUT_S) as plain,
                client.wrap_socket(plain, server_hostname=server_name) as wrapped,
            ):
                wrapped.sendall(b"c")
                answer = wrapped.recv(1)
                version = wrapped.version()
            if answer != b"s":
                client_error = ConnectionResetError("closed without an answer")
        except OSError as error:
            client_error = error
        thread.join()
    return Outcome(server_error[0] if server_error else None, client_error, peer[0] if peer else None, version)


def only(context: ssl.SSLContext, version: ssl.TLSVersion) -> ssl.SSLContext:
    """Restrict ``context`` to one version and return it."""
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.maximum_version = version
    context.minimum_version = version
    return context


def careless_client(
    ca: Path, certificate: Path | None = None, key: Path | None = None, level: int = 2
) -> ssl.SSLContext:
    """A client that shows anything, at OpenSSL security ``level``, and checks only the server's chain."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_ciphers(f"DEFAULT:@SECLEVEL={level}")
    context.load_verify_locations(ca)
    if certificate is not None:
        context.load_cert_chain(certificate, key)
    return context


def careless_server(certificate: Path, key: Path, level: int = 2) -> ssl.SSLContext:
    """A server that shows anything, at OpenSSL security ``level``, and asks for no client certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers(f"DEFAULT:@SECLEVEL={level}")
    context.load_cert_chain(certificate, key)
    return context
