"""Why a producer could not be called, in one line, and whether the platform would try again (reference 4.3, 5).

Only failures of the socket are tried again: refused, reset, no connection in time.
"""

from __future__ import annotations

from dataclasses import dataclass

import aiohttp

from certs.tls_errors import explain_tls_error
from router.faults import PlatformRefusal


@dataclass(frozen=True, slots=True)
class Failure:
    """What happened, for the fault's detail, and whether another attempt is made."""

    cause: str
    is_retried: bool = False


def failure_of(error: BaseException, *, is_tls: bool = False) -> Failure:
    """Say what an exception of the HTTP client means; ``is_tls``: the producer was called over TLS."""
    tls = explain_tls_error(_inner(error))
    if tls is not None:
        return Failure(tls)
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return Failure("The host name of the address is not known.")
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return Failure("No connection within the time limit.", is_retried=True)
    if isinstance(error, TimeoutError):
        return Failure("Timeout waiting for the producer's answer.")
    if isinstance(error, aiohttp.ClientConnectorError):
        return Failure(_os_error(error.os_error), is_retried=True)
    if isinstance(error, (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, ConnectionError)):
        hint = " Over TLS this is often how it refuses the router's certificate." if is_tls else ""
        text = f"Connection reset: the producer closed the connection without an answer.{hint}"
        return Failure(text, is_retried=True)
    if isinstance(error, aiohttp.ClientPayloadError):
        return Failure("The producer's answer breaks off before its end.")
    return Failure("The producer's answer is no valid HTTP.")


def unreachable(address: str, cause: str) -> PlatformRefusal:
    """Make the fault VP009 for a producer's address and a cause."""
    return PlatformRefusal("VP009", f"Error connecting to service producer at address {address}. {cause}")


def _inner(error: BaseException) -> BaseException:
    """Give what the library wraps: its own classes are errors of the ssl module too, but without their fields."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return error.certificate_error
    return error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error


def _os_error(error: OSError) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "Connection refused: nobody listens there."
    return f"The connection could not be made ({type(error).__name__})."
