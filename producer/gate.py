"""The gate: the WSGI application in front of Spyne, through which nothing hostile passes.

Implements design 3 (gate) and robustness 1.1 and 2: every check of the message; what goes on is the tree that was
verified, so that two parsers cannot read one message in two ways.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from lxml import etree

from contracts.errors import (
    ActionMismatch,
    BryggaError,
    GatewayFailure,
    MethodNotAllowed,
    NotFound,
    Overloaded,
    RegisterUnavailable,
    TransportRefusal,
    UnknownLogicalAddress,
    UnknownOperation,
)
from contracts.registry import ServiceContract
from contracts.safe_xml import parse_message
from contracts.soap import SOAP_CONTENT_TYPE, read_request_envelope, write_fault
from contracts.validation import schema_of, validate_body
from producer import wsdl
from producer.admission import RETRY_AFTER_S, Places, places_for_large
from producer.http_rules import accepts_gzip, charset_of_request, read_body
from producer.identity import CallerIdentity, ConnectionFacts, facts_of
from producer.recent import Recent
from producer.repository import PublicationRepository
from producer.request_log import LoggedBody, RequestLog, request_logger
from producer.service import Answer, ReportService
from producer.settings import ProducerSettings
from producer.spyne_adapter import Question, SpyneEndpoint

Headers = list[tuple[str, str]]
StartResponse = Callable[[str, Headers], Any]
_TEXT = "text/plain; charset=UTF-8"

#: What is true of a message's bytes stays true of the same bytes: 400 measureIds take 40 KB and milliseconds to verify,
#: and a consumer polls with the same message every time.
_KEPT_MESSAGES = 1024
_KEPT_MESSAGE_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Response:
    """Status, headers without Content-Length, and the body with its length."""

    status: HTTPStatus
    headers: Headers
    body: Iterable[bytes]
    length: int


@dataclass(frozen=True, slots=True)
class _Service:
    """One contract version at its path."""

    contract: ServiceContract
    endpoint: SpyneEndpoint[Answer]
    documents: wsdl.InterfaceDocuments


class Gate:
    """Answers every HTTP request of the producer; safe to share between threads."""

    def __init__(self, settings: ProducerSettings, repository: PublicationRepository) -> None:
        self._settings = settings
        self._repository = repository
        self._logger = request_logger()
        self._identity = CallerIdentity(
            settings.allowed_callers,
            certificate_header=settings.certificate_header if settings.behind_proxy else None,
        )
        self._addresses = {address.casefold(): address for address in settings.served_addresses}
        self._known: Recent[tuple[str, str | None, str, bytes], Question] = Recent(
            most=_KEPT_MESSAGES, most_weight=_KEPT_MESSAGE_BYTES
        )
        self._large_bodies = Places(max(1, settings.threads // 4))
        large_answers = Places(places_for_large(settings.threads))
        self._services = {
            contract.path: self._service(contract, large_answers) for contract in settings.served_contracts
        }

    def _service(self, contract: ServiceContract, large_answers: Places) -> _Service:
        service = ReportService(
            contract,
            self._repository,
            system=self._settings.system,
            organization=self._settings.organization,
            large_answers=large_answers,
        )
        schema_of(contract)  # A schema that does not compile shall stop the start, not the first request.
        return _Service(contract, SpyneEndpoint(contract, service.answer), wsdl.InterfaceDocuments(contract))

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333); the log line is written when the server closes the body."""
        facts = facts_of(environ)
        if facts.is_health:
            return _send(self._health(environ), start_response)
        log = RequestLog(environ, self._logger)
        try:
            response = self._respond(environ, facts, log)
        except BryggaError as error:
            log.refused(error)
            response = _refusal(error, environ, log.incident_id)
        except Exception as error:  # noqa: BLE001 (the last resort: whatever is wrong, the caller gets a fault)
            log.crashed(error)
            failure = GatewayFailure("The service failed. Report the incident id to those who run it.")
            response = _refusal(failure, environ, log.incident_id)
        log.add(status=response.status.value)
        body = _send(response, start_response)
        if environ["REQUEST_METHOD"] == "HEAD":
            return LoggedBody((), 0, log)
        return LoggedBody(body, response.length, log)

    def _respond(self, environ: dict[str, Any], facts: ConnectionFacts, log: RequestLog) -> Response:
        method = environ["REQUEST_METHOD"]
        if method not in ("POST", "GET", "HEAD"):
            raise MethodNotAllowed("Only POST is answered here.")
        service = self._services.get(_path(environ))
        if service is None:
            raise NotFound("There is no service at this path.")
        log.add(contract=service.contract.id)
        if facts.waited_s > self._settings.max_wait_s:
            raise Overloaded("The service is busy. Try again in a few seconds.")
        sender = self._identity.of(environ)
        log.add(sender=sender)
        if method != "POST":
            return self._document(service, environ, log)
        self._identity.check(sender)
        return self._answer(service, environ, log)

    def _document(self, service: _Service, environ: dict[str, Any], log: RequestLog) -> Response:
        url = wsdl.service_url(environ, service.contract.path, self._settings.public_url)
        document = service.documents.for_query(environ.get("QUERY_STRING", ""), url)
        if document is None:
            raise MethodNotAllowed("Only POST is answered here. The WSDL is at ?wsdl.")
        log.add(outcome="wsdl")
        return Response(HTTPStatus.OK, [("Content-Type", wsdl.CONTENT_TYPE)], (document,), len(document))

    def _answer(self, service: _Service, environ: dict[str, Any], log: RequestLog) -> Response:
        question = self._question(service, environ, log)
        allow_gzip = accepts_gzip(environ.get("HTTP_ACCEPT_ENCODING", ""))
        answer = service.endpoint.call(question, allow_gzip=allow_gzip)
        log.add(outcome="ok", measurement_count=answer.measurement_count, gzip=answer.is_gzip)
        headers = [("Content-Type", SOAP_CONTENT_TYPE), ("Vary", "Accept-Encoding")]
        if answer.is_gzip:
            headers.append(("Content-Encoding", "gzip"))
        return Response(HTTPStatus.OK, headers, answer.body, answer.content_length)

    def _question(self, service: _Service, environ: dict[str, Any], log: RequestLog) -> Question:
        """Read the message, which is verified once for as long as its very bytes are remembered."""
        charset = charset_of_request(environ)
        data = read_body(environ, self._settings.max_request_bytes, self._large_bodies)
        action = environ.get("HTTP_SOAPACTION", "")
        message = service.contract.path, charset, action, data
        question = self._known.get(message)
        if question is None:
            log.add(bytes_in=len(data))
            question = self._verified(service.contract, parse_message(data, charset=charset), action, log)
            self._known.keep(message, question, len(data))
        else:
            log.add(bytes_in=len(data), logical_address=question.logical_address)
        return question

    def _verified(self, contract: ServiceContract, root: etree._Element, action: str, log: RequestLog) -> Question:
        """Check the message in every respect, and read it. Raises a CallerError."""
        request = read_request_envelope(root)
        log.add(logical_address=request.logical_address)
        if request.body.tag != contract.request_tag:
            raise UnknownOperation(
                f"The Body is no request of {contract.interaction} {contract.version}, which is served here."
            )
        _check_action(action, contract)
        validate_body(contract, request.body)
        address = self._addresses.get(request.logical_address.casefold())
        if address is None:
            raise UnknownLogicalAddress("The logical address is not served here.")
        return Question(address, request.body.tag, contract.codec.read_request(request.body))

    def _health(self, environ: dict[str, Any]) -> Response:
        """Answer a probe on the loopback listener: live is the process, ready is the register too."""
        path = environ["PATH_INFO"]
        if path not in ("/health/live", "/health/ready"):
            return _text(HTTPStatus.NOT_FOUND, "There is /health/live and /health/ready.", [])
        is_well = True
        if path == "/health/ready":
            try:
                self._repository.check()
            except RegisterUnavailable:
                is_well = False
        body = json.dumps({"status": "ok" if is_well else "register-unavailable"}).encode()
        status = HTTPStatus.OK if is_well else HTTPStatus.SERVICE_UNAVAILABLE
        return Response(status, [("Content-Type", "application/json")], (body,), len(body))


def _path(environ: dict[str, Any]) -> str:
    """Give the path, empty when it is written with escapes: the paths served have none, and an escaped slash
    is not a slash."""
    is_escaped = "%" in environ.get("RAW_URI", "").partition("?")[0]
    return "" if is_escaped else environ.get("PATH_INFO", "")


def _check_action(header: str, contract: ServiceContract) -> None:
    """Compare SOAPAction, which only informs, with the Body, which decides; empty and absent are accepted."""
    if header.strip().strip('"') not in ("", contract.soap_action):
        raise ActionMismatch("SOAPAction names another operation than the Body.")


def _refusal(error: BryggaError, environ: dict[str, Any], incident_id: str) -> Response:
    """Write an error as a SOAP fault; a method that cannot carry SOAP gets the text alone."""
    headers: Headers = []
    if isinstance(error, MethodNotAllowed):
        headers.append(("Allow", "POST"))
    if error.retryable:
        headers.append(("Retry-After", str(RETRY_AFTER_S)))
    status = HTTPStatus(error.http_status)
    if isinstance(error, TransportRefusal) and environ["REQUEST_METHOD"] != "POST":
        return _text(status, error.message, headers)
    body = write_fault(error, incident_id=incident_id)
    return Response(status, [("Content-Type", SOAP_CONTENT_TYPE), *headers], (body,), len(body))


def _text(status: HTTPStatus, text: str, headers: Headers) -> Response:
    body = f"{text}\n".encode()
    return Response(status, [("Content-Type", _TEXT), *headers], (body,), len(body))


def _send(response: Response, start_response: StartResponse) -> Iterable[bytes]:
    status = f"{response.status.value} {response.status.phrase}"
    start_response(status, [*response.headers, ("Content-Length", str(response.length))])
    return response.body
