"""The endpoint under test over HTTP and mutual TLS: sends requests as given, keeps answers as they come.

No redirects, no proxies or settings of the environment, every wait bounded (robustness reference 1 and 2, family F).
"""

from __future__ import annotations

import ssl
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self
from urllib.parse import urlsplit

import httpx

from certs.tls import TlsFiles, client_context
from contracts.errors import ConfigurationError, ConnectionFailed, UsageError
from testsuites.exchange import Body, Exchange, HttpRequest


class Transport(Protocol):
    """Whatever answers a request: an endpoint, or a recording of one."""

    @property
    def is_recorded(self) -> bool:
        """Whether the answers are of another time."""

    def send(self, request: HttpRequest) -> Exchange:
        """Give the exchange. Raises ConnectionFailed when there is no connection at all."""

    def close(self) -> None:
        """Give everything back."""


@dataclass(frozen=True, slots=True)
class Access:
    """How the endpoint is reached. ``tls`` None: no client certificate; then ``ca`` alone may say whom to trust.

    ``read_timeout_s`` bounds the wait for each next byte, ``total_timeout_s`` a whole answer, ``max_bytes`` its
    size: without them a producer could hold the run for ever or fill the disk.
    """

    url: str
    tls: TlsFiles | None = None
    ca: Path | None = None
    connect_timeout_s: float = 10.0
    read_timeout_s: float = 60.0
    total_timeout_s: float = 900.0
    max_bytes: int = 4 * 1024**3

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError(
                f"{self.url!r} is no endpoint. Give its whole address, beginning with https:// or http://."
            )

    @property
    def is_https(self) -> bool:
        """Whether the connection is encrypted."""
        return urlsplit(self.url).scheme == "https"

    def context(self) -> ssl.SSLContext | None:
        """Make the TLS context, None for plain HTTP. Raises CertificateError or ConfigurationError."""
        if not self.is_https:
            return None
        if self.tls is not None:
            return client_context(self.tls)
        try:
            return ssl.create_default_context(cafile=self.ca)
        except OSError as error:
            raise ConfigurationError(f"The file of trusted authorities {self.ca} cannot be read: {error}.") from None


class Endpoint:
    """Sends over kept connections. Not for use by several threads."""

    is_recorded = False

    def __init__(self, access: Access) -> None:
        self._access = access
        context = access.context()
        unused = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # for plain HTTP; spares loading a bundle of authorities
        self._client = httpx.Client(verify=context or unused, trust_env=False)
        self._timeout = httpx.Timeout(access.read_timeout_s, connect=access.connect_timeout_s).as_dict()

    def send(self, request: HttpRequest) -> Exchange:
        """Send once. Raises ConnectionFailed when no connection can be made or TLS is refused."""
        begun = time.perf_counter()
        outgoing = httpx.Request(
            request.method,
            request.url,
            headers=list(request.headers),
            content=request.body,
            extensions={"timeout": self._timeout},
        )
        try:
            response = self._client.send(outgoing, stream=True, follow_redirects=False)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol) as error:
            raise ConnectionFailed(_no_connection(request.url, error)) from None
        except httpx.TransportError as error:
            if refusal := _tls_refusal(error):
                raise ConnectionFailed(refusal) from None
            return Exchange(request, None, seconds=time.perf_counter() - begun, problem=_no_answer(error))
        try:
            return self._receive(request, response, begun)
        finally:
            response.close()

    def _receive(self, request: HttpRequest, response: httpx.Response, begun: float) -> Exchange:
        first_byte_s = time.perf_counter() - begun
        body = Body()
        problem = ""
        try:
            for data in response.iter_raw():
                body.write(data)
                if body.size > self._access.max_bytes:
                    problem = f"The answer is larger than {self._access.max_bytes} bytes; the rest was not read."
                elif time.perf_counter() - begun > self._access.total_timeout_s:
                    problem = f"The answer was not complete after {self._access.total_timeout_s:g} s."
                if problem:
                    break
        except httpx.TransportError as error:
            problem = f"The answer broke off after {body.size} bytes: {_words_of(error)}."
        stream = response.extensions.get("network_stream")
        tls = stream.get_extra_info("ssl_object") if stream is not None else None
        return Exchange(
            request,
            response.status_code,
            tuple(response.headers.multi_items()),
            body,
            response.http_version,
            (tls.version() or "") if tls is not None else "",
            first_byte_s,
            time.perf_counter() - begun,
            problem,
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _no_connection(url: str, error: Exception) -> str:
    parts = urlsplit(url)
    place = f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"
    if refusal := _tls_refusal(error):
        return refusal
    if isinstance(error, httpx.ConnectTimeout):
        return f"{place} does not answer. Check address, port and firewall."
    return f"No connection to {place}: {error}. Check that the endpoint runs and that the address is right."


def _tls_refusal(error: BaseException) -> str:
    """Explain a TLS failure anywhere among the causes, empty when there is none."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return (
                f"The endpoint's certificate is not accepted: {cause.verify_message}. Check --ca and the host name "
                "in the address; `brygga certs inspect` explains a certificate."
            )
        if isinstance(cause, ssl.SSLError) and "ALERT" in str(cause.reason):
            return (
                f"The endpoint refused our certificate or the TLS version ({cause.reason}). Check that --certificate "
                "is issued by an authority that it trusts, and is valid; `brygga certs inspect` explains it."
            )
        cause = cause.__cause__ or cause.__context__
    return ""


def _no_answer(error: Exception) -> str:
    if isinstance(error, httpx.ReadTimeout):
        return "No answer came in time."
    return f"The connection was closed without an answer: {_words_of(error)}."


def _words_of(error: Exception) -> str:
    return str(error).rstrip(". ") or type(error).__name__
