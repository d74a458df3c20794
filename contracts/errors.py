"""The whole error tree. Callers catch a branch; the gate, the router and the CLI read the class attributes.

BryggaError
├── CallerError                 the caller's message or request is wrong      (fault Client, HTTP 500)
│   ├── MalformedMessage        not readable, not well formed or over a limit of the XML reader
│   ├── InvalidEnvelope         SOAP envelope broken: Header, Body, LogicalAddress
│   ├── VersionMismatch         another SOAP version                          (fault VersionMismatch)
│   ├── MustUnderstand          a mandatory header block that is not known    (fault MustUnderstand)
│   ├── SchemaViolation         the body does not validate against the contract
│   ├── UnknownOperation        the body is no operation of this endpoint
│   ├── ActionMismatch          SOAPAction names another operation than the body
│   ├── UnknownLogicalAddress   the logical address is not served here
│   ├── AccessDenied            the caller's HSA-id is not allowed
│   └── TransportRefusal        refused by plain HTTP status, before SOAP
│       ├── CertificateRefused 403 · NotFound 404 · MethodNotAllowed 405 · LengthInvalid 400 · RequestTimeout 408
│       └── MessageTooLarge 413 · UnsupportedMediaType 415
├── GatewayFailure              our side failed                               (fault Server, HTTP 500)
│   ├── RegisterUnavailable     register database missing, locked or broken   (503, retryable)
│   │   └── RegisterDamaged     what is stored is not what was published      (500)
│   ├── NotPublished            the register's publication does not hold this contract version
│   └── Overloaded              more work than the machine can do             (503, retryable)
├── UsageError                  wrong command line or argument                (exit 2)
├── ConfigurationError          settings, files, ports, schema versions       (exit 3)
├── CertificateError            certificate, key, chain or revocation list    (exit 3)
├── DataError                   the register team's data is wrong             (exit 4)
│   └── ImportRejected          an import with findings; nothing was changed
└── RemoteError                 the other side failed                         (exit 5)
    ├── ConnectionFailed        refused, reset, closed                        (retryable)
    │   ├── TimedOut            no connection, or no answer, within the time  (retryable)
    │   └── TlsRefused          one side does not accept the other's certificate or settings
    ├── FaultReceived           a SOAP fault
    │   └── PlatformFault       VPnnn of the national platform (VP008 and VP009 retryable)
    ├── UnexpectedAnswer        HTTP status, content type, redirect, form
    │   ├── AnswerTooLarge      larger than what is read
    │   └── ProducerBusy        503 with Retry-After                          (retryable)
    └── ContractViolation       the answer breaks the schema, a rule or the question (path, rule)
        └── RulesBroken         it breaks business rules (problems)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

FaultCode = Literal["Client", "Server", "VersionMismatch", "MustUnderstand"]

EXIT_OK = 0
EXIT_FINDINGS = 1
EXIT_USAGE = 2
EXIT_ENVIRONMENT = 3
EXIT_DATA = 4
EXIT_REMOTE = 5

_SHOWN_DETAIL_CHARS = 300


class BryggaError(Exception):
    """Base of every error the project raises on purpose.

    ``message`` says what happened, where and what to do next. For `CallerError` and `GatewayFailure` it
    is sent to the caller, so it never holds a value of the caller's or a detail of the inside; ``log_detail``
    goes to the log only.
    """

    code: ClassVar[str] = "internal-error"
    fault_code: ClassVar[FaultCode] = "Server"
    http_status: ClassVar[int] = 500
    exit_code: ClassVar[int] = EXIT_ENVIRONMENT
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, log_detail: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.log_detail = log_detail


class CallerError(BryggaError):
    """The caller's message is wrong; answered with fault Client."""

    code = "caller-error"
    fault_code: ClassVar[FaultCode] = "Client"
    exit_code = EXIT_REMOTE


class MalformedMessage(CallerError):
    """The bytes are not a well-formed XML message within the limits of the reader."""

    code = "malformed-message"


class InvalidEnvelope(CallerError):
    """The SOAP envelope does not have one Header with one LogicalAddress and one Body with one child."""

    code = "invalid-envelope"


class VersionMismatch(CallerError):
    """The envelope is of another SOAP version than 1.1."""

    code = "soap-version"
    fault_code = "VersionMismatch"


class MustUnderstand(CallerError):
    """A header block marked mustUnderstand is not known here."""

    code = "must-understand"
    fault_code = "MustUnderstand"


class SchemaViolation(CallerError):
    """The body does not validate against the schema of its contract; ``place`` is the path, "" if not known."""

    code = "schema-violation"

    def __init__(self, message: str, *, place: str = "", log_detail: str = "") -> None:
        super().__init__(message, log_detail=log_detail)
        self.place = place


class UnknownOperation(CallerError):
    """The body is no operation of this endpoint."""

    code = "unknown-operation"


class ActionMismatch(CallerError):
    """SOAPAction names another operation than the body."""

    code = "action-mismatch"


class UnknownLogicalAddress(CallerError):
    """The logical address is not served here."""

    code = "unknown-logical-address"


class AccessDenied(CallerError):
    """The caller's HSA-id is not among the allowed ones."""

    code = "access-denied"


class TransportRefusal(CallerError):
    """Refused by a plain HTTP status before SOAP is involved."""

    code = "transport-refusal"
    http_status = 400


class CertificateRefused(TransportRefusal):
    """The TLS layer accepted the caller's certificate, but it names no HSA-id or is not made for calling."""

    code = "certificate-refused"
    http_status = 403


class NotFound(TransportRefusal):
    """No service at this path."""

    code = "not-found"
    http_status = 404


class MethodNotAllowed(TransportRefusal):
    """Another method than POST on a service path."""

    code = "method-not-allowed"
    http_status = 405


class LengthInvalid(TransportRefusal):
    """Content-Length is not a number, negative or contradictory."""

    code = "length-invalid"
    http_status = 400


class RequestTimeout(TransportRefusal):
    """The body did not arrive in time."""

    code = "request-timeout"
    http_status = 408


class MessageTooLarge(TransportRefusal):
    """The body is larger than the limit."""

    code = "message-too-large"
    http_status = 413


class UnsupportedMediaType(TransportRefusal):
    """Content-Type, charset or Content-Encoding is not one that is read here."""

    code = "unsupported-media-type"
    http_status = 415


class GatewayFailure(BryggaError):
    """Our side failed; answered with fault Server."""

    code = "gateway-failure"


class RegisterUnavailable(GatewayFailure):
    """The register database cannot be read now."""

    code = "register-unavailable"
    http_status = 503
    retryable = True


class RegisterDamaged(RegisterUnavailable):
    """What is stored is not what was published; nothing of it is sent, and trying again changes nothing."""

    code = "register-damaged"
    http_status = 500
    retryable = False


class NotPublished(GatewayFailure):
    """The contract version is served, but the current publication was made without it."""

    code = "not-published"


class Overloaded(GatewayFailure):
    """More work than the machine can do; come back later."""

    code = "overloaded"
    http_status = 503
    retryable = True


class UsageError(BryggaError):
    """Wrong argument or combination of arguments."""

    code = "usage"
    exit_code = EXIT_USAGE


class ConfigurationError(BryggaError):
    """Settings, files, ports or versions do not fit; ``problems`` lists every one found."""

    code = "configuration"

    def __init__(self, message: str, *, problems: Sequence[str] = (), log_detail: str = "") -> None:
        super().__init__(message, log_detail=log_detail)
        self.problems = tuple(problems)


class CertificateError(BryggaError):
    """A certificate, key, chain or revocation list cannot be used."""

    code = "certificate"


class DataError(BryggaError):
    """The register team's data cannot be used."""

    code = "data"
    exit_code = EXIT_DATA


class ImportRejected(DataError):
    """The file has findings of severity error; the register was not changed."""

    code = "import-rejected"


class RemoteError(BryggaError):
    """The other side failed."""

    code = "remote"
    exit_code = EXIT_REMOTE


class ConnectionFailed(RemoteError):
    """No connection, or one that broke before the answer was whole."""

    code = "connection-failed"
    retryable = True


class TimedOut(ConnectionFailed):
    """The connection or the answer did not come within its time."""

    code = "timed-out"


class TlsRefused(ConnectionFailed):
    """One side does not accept the other's certificate or TLS settings; trying again changes nothing."""

    code = "tls-refused"
    retryable = False


class FaultReceived(RemoteError):
    """The other side answered with a SOAP fault. Texts are cut at 1 KB (untrusted)."""

    code = "fault-received"

    def __init__(self, fault_code: str, fault_string: str, detail: str = "") -> None:
        more = f" ({detail[:_SHOWN_DETAIL_CHARS]})" if detail else ""
        super().__init__(f"The producer answered with a SOAP fault {fault_code}: {fault_string}{more}")
        self.remote_fault_code = fault_code
        self.fault_string = fault_string
        self.detail = detail


class PlatformFault(FaultReceived):
    """A fault made by the national platform; ``vp_code`` is VP001-VP015."""

    code = "platform-fault"

    def __init__(self, vp_code: str, fault_code: str, fault_string: str, detail: str = "") -> None:
        super().__init__(fault_code, fault_string, detail)
        self.vp_code = vp_code

    @property
    def is_retryable(self) -> bool:
        """Whether the platform's own rules let a consumer try again (routing data missing, producer down)."""
        return self.vp_code in ("VP008", "VP009")


class UnexpectedAnswer(RemoteError):
    """The answer is no SOAP answer: status, content type, redirect or form."""

    code = "unexpected-answer"


class AnswerTooLarge(UnexpectedAnswer):
    """The answer, or one element of it, is larger than the limit."""

    code = "answer-too-large"


class ProducerBusy(UnexpectedAnswer):
    """The other side has too much to do now; ``retry_after_s`` is when it wants to be asked again."""

    code = "producer-busy"
    retryable = True

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class ContractViolation(RemoteError):
    """A message that breaks the contract; ``path`` says where, ``rule`` is a rule id or ``schema``."""

    code = "contract-violation"

    def __init__(self, message: str, *, path: str, rule: str = "schema") -> None:
        super().__init__(message)
        self.path = path
        self.rule = rule


class RulesBroken(ContractViolation):
    """An answer that breaks business rules; ``problems`` lists them, ``path`` and ``rule`` are the first's."""

    code = "rules-broken"

    def __init__(self, message: str, *, path: str, rule: str, problems: Sequence[str]) -> None:
        super().__init__(message, path=path, rule=rule)
        self.problems = tuple(problems)
