"""HTTPS of the consumer: mutual TLS, nothing from the environment, no redirects, and failures in plain words.

Implements RIV-TA Basic Profile 2.1 rule 6 and the traps of performance reference E (a public bundle beside the
private authority, proxies, .netrc, time-outs that are none). The work is done by requests and urllib3.
"""

from __future__ import annotations

import re
import socket
import ssl
import time
from collections.abc import Iterator
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.cookies import RequestsCookieJar
from requests.models import PreparedRequest
from urllib3 import PoolManager
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import (
    DecodeError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ReadTimeoutError,
    TimeoutError,
)

from certs.reload import ReloadingClientContext
from certs.tls_errors import explain_tls_error, find_tls_error
from consumer.settings import ProducerConnection
from contracts.errors import (
    AnswerTooLarge,
    ConnectionFailed,
    ProducerBusy,
    RemoteError,
    TimedOut,
    TlsRefused,
    UnexpectedAnswer,
)

PIECE_BYTES = 65_536
#: How long a busy producer may make a caller wait, whatever its Retry-After says.
LONGEST_WAIT_S = 300.0
_READ_CHARSETS = frozenset({"", "utf-8", "utf8", "utf-16"})


class _MutualTlsAdapter(HTTPAdapter):
    """Connects with the consumer's own context only; renewed certificate files are used without a restart."""

    def __init__(self, contexts: ReloadingClientContext) -> None:
        self._contexts = contexts
        super().__init__(pool_connections=4, pool_maxsize=32)

    def build_connection_pool_key_attributes(self, request: PreparedRequest, verify: Any, cert: Any = None) -> Any:
        host, _ = super().build_connection_pool_key_attributes(request, verify, cert)
        return host, {"ssl_context": self._contexts.current(), "cert_reqs": "CERT_REQUIRED"}

    def cert_verify(self, conn: HTTPConnectionPool, url: str, verify: Any, cert: Any) -> None:
        """Leave the pool as it is: requests would load a public bundle into the context beside our authority."""

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> PoolManager:  # noqa: ARG002
        raise UnexpectedAnswer("A proxy is not used: mutual TLS ends at the producer or the platform.")


class HttpsSession:
    """Posts messages to one endpoint; may be shared between threads.

    Raises ConnectionFailed (TimedOut, TlsRefused) or UnexpectedAnswer.
    """

    def __init__(self, connection: ProducerConnection) -> None:
        """Load the certificate files; raises CertificateError for what cannot work."""
        self._connection = connection
        session = requests.Session()
        session.trust_env = False  # True lets REQUESTS_CA_BUNDLE replace our authority and .netrc add a password.
        session.adapters.clear()
        session.mount("https://", _MutualTlsAdapter(ReloadingClientContext(connection.tls)))
        session.cookies = RequestsCookieJar(DefaultCookiePolicy(allowed_domains=[]))
        session.headers.clear()
        session.headers.update({"User-Agent": "Indikatorbryggan", "Accept": "text/xml", "Accept-Encoding": "gzip"})
        session.headers.update(dict(header.split(": ", 1) for header in connection.headers))
        self._session = session

    def post(self, message: bytes, headers: dict[str, str]) -> requests.Response:
        """Send one message and give the answer when its header has come; the body is read with `read_body`."""
        connection = self._connection
        try:
            return self._session.post(
                connection.endpoint,
                data=message,
                headers=headers,
                timeout=(connection.connect_timeout_s, connection.read_timeout_s),
                stream=True,
                allow_redirects=False,
            )
        except (requests.RequestException, HTTPError, OSError) as error:
            raise connection_error(error, connection) from error

    def read_body(self, response: requests.Response, deadline: float) -> Iterator[bytes]:
        """Give the body, decompressed, in pieces of about 64 KiB. ``deadline`` is of the monotonic clock."""
        piece = bytearray()
        try:
            while data := response.raw.read1(PIECE_BYTES, decode_content=True):
                piece += data
                if len(piece) >= PIECE_BYTES:
                    yield bytes(piece)
                    piece.clear()
                if time.monotonic() > deadline:
                    raise TimedOut(
                        f"The answer was not complete within {self._connection.answer_timeout_s:g} s. "
                        "Ask for less at a time, or raise consumer.answer_timeout_s."
                    )
        except (HTTPError, OSError) as error:
            raise connection_error(error, self._connection) from error
        if piece:
            yield bytes(piece)

    def close(self) -> None:
        """Close every connection that is kept."""
        self._session.close()


def check_answer(response: requests.Response, max_bytes: int) -> None:
    """Refuse what cannot be a SOAP answer by its status and headers (untrusted): 200, or 500 with a fault.

    Raises ProducerBusy, AnswerTooLarge or UnexpectedAnswer.
    """
    status, headers = response.status_code, response.headers
    if status in (429, 503) and "retry-after" in headers:
        wait_s = _seconds(headers["retry-after"])
        raise ProducerBusy(f"The other side is busy ({status}); ask again in {wait_s:g} s.", retry_after_s=wait_s)
    if 300 <= status < 400:
        raise UnexpectedAnswer(
            f"The other side answered {status} and points to another address, which is not followed. "
            "Correct the endpoint."
        )
    media_type, _, parameters = headers.get("content-type", "").partition(";")
    if status not in (200, 500) or media_type.strip().lower() != "text/xml":
        raise UnexpectedAnswer(
            f"The answer is no SOAP answer: status {status}, content type {_shown(media_type) or 'none'}. "
            "Check the endpoint's path and that the service runs."
        )
    charset = re.search(r"charset=[\"']?([^\"';\s]*)", parameters, re.IGNORECASE)
    if charset and charset[1].lower() not in _READ_CHARSETS:
        raise UnexpectedAnswer(f"The answer's charset {_shown(charset[1])} is not read here; UTF-8 is the rule.")
    if headers.get("content-encoding", "identity").strip().lower() not in ("identity", "gzip", ""):
        raise UnexpectedAnswer("The answer is compressed in a way that was not asked for.")
    length = headers.get("content-length", "")
    if length.isdecimal() and int(length) > max_bytes:
        raise AnswerTooLarge(f"The answer has {length} bytes; the limit is {max_bytes}.")


def connection_error(error: BaseException, connection: ProducerConnection) -> RemoteError:
    """Say in plain words why there is no (whole) answer: which check failed, whose side, what to do."""
    chain = list(_chain(error))
    if tls := explain_tls_error(error):
        # A bare end may also be a restart of the other side, so it may be tried again.
        is_end = isinstance(find_tls_error(error), ssl.SSLEOFError | ssl.SSLZeroReturnError)
        kind = ConnectionFailed if is_end else TlsRefused
        return kind(f"No TLS connection to {connection.endpoint}. {tls}", log_detail=repr(error))
    if any(isinstance(cause, DecodeError) for cause in chain):
        return UnexpectedAnswer("The answer says that it is compressed (gzip), but cannot be decompressed.")
    if any(isinstance(cause, NameResolutionError | socket.gaierror) for cause in chain):
        reason = "its host name is not known. Check the endpoint and the name service"
    elif any(isinstance(cause, ConnectionRefusedError) for cause in chain):
        reason = "nothing listens there. Check that the service runs, and host and port"
    elif any(isinstance(cause, ReadTimeoutError) for cause in chain):
        return TimedOut(f"No answer from {connection.endpoint} within {connection.read_timeout_s:g} s.")
    elif any(isinstance(cause, TimeoutError) for cause in chain):
        return TimedOut(f"No connection to {connection.endpoint} within {connection.connect_timeout_s:g} s.")
    elif any(isinstance(cause, NewConnectionError) for cause in chain):
        reason = "no connection could be made. Check the network"
    else:
        reason = (
            "the connection was closed before the answer was whole. If that happens at once and every time, the "
            "client certificate is most often not accepted there"
        )
    return ConnectionFailed(f"No answer from {connection.endpoint}: {reason}.", log_detail=repr(error))


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Give the error and what it wraps; HTTP libraries put it in the cause, the context, ``reason`` or arguments."""
    waiting: list[object] = [error]
    seen: set[int] = set()
    while waiting:
        candidate = waiting.pop(0)
        if isinstance(candidate, BaseException) and id(candidate) not in seen:
            seen.add(id(candidate))
            yield candidate
            waiting += [candidate.__cause__, getattr(candidate, "reason", None), *candidate.args, candidate.__context__]


def _seconds(retry_after: str) -> float:
    return min(float(retry_after), LONGEST_WAIT_S) if retry_after.isdecimal() else 5.0


def _shown(text: str) -> str:
    """Give untrusted text of a header as it can be printed."""
    return "".join(char for char in text[:60] if char.isprintable()).strip()
