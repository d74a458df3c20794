"""Wire checks on faults and on TLS (WS-I R1000, R1001, R1126; RIV-TA Basic Profile 2.1 rule 6)."""

from __future__ import annotations

import re
import socket
import ssl
import warnings
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

from contracts.codes import Bilingual
from contracts.errors import ConnectionFailed
from testsuites.answer import Answer
from testsuites.endpoint import Access, Endpoint
from testsuites.model import CaseSkipped, Check, Judge
from testsuites.question import NO_LOGICAL_ADDRESS, NOT_XML, Variant, http_request
from testsuites.session import Session
from testsuites.suites.wire_answers import content_type_checks, envelope_problems
from testsuites.texts import failed, passed, remark, verdict

_FAULT_MEND = (
    "Send faultcode, faultstring, faultactor, detail in this order, in no namespace.",
    "Skicka faultcode, faultstring, faultactor, detail i denna ordning, utan namnrymd.",
)
_FAULT_PARTS = ("faultcode", "faultstring", "faultactor", "detail")
_LEAK = re.compile(
    r"Traceback|at [\w.$]+\([\w.]+:\d+\)|\.py\", line|\.java:|\.php|Exception in|java\.lang\.|System\.Web|"
    r"SQLSTATE|SELECT .+ FROM|/(?:usr|home|var|opt|srv|app)/\w|[A-Z]:\\\\"
)
_NOT_RECORDED = Bilingual("A recording says nothing of connections.", "En inspelning säger inget om förbindelser.")


def fault_judge(variant: Variant) -> Judge:
    """Make the judge of a wrong request: it gets a SOAP fault in good form."""

    def judge(session: Session) -> Iterator[Check]:
        answer = session.ask_in_form(session.question(ids=session.target.ids[:1], include=False), variant)
        yield from fault_checks(answer, is_client_expected=not session.target.is_through_platform)

    return judge


def judge_not_xml(session: Session) -> Iterator[Check]:
    """A body that is no XML: a fault or status 400."""
    answer = session.ask_in_form(session.question(ids=session.target.ids[:1], include=False), NOT_XML)
    if answer.exchange.status == 400:
        yield passed("fault", "It is refused with HTTP status 400.", "Den avvisas med HTTP-status 400.")
        yield from _leaks(answer)
    else:
        yield from fault_checks(answer, is_client_expected=not session.target.is_through_platform)


def judge_no_logical_address(session: Session) -> Iterator[Check]:
    """No LogicalAddress: refused; tolerated with a remark, since the header is the platform's to check."""
    answer = session.ask_in_form(session.question(ids=session.target.ids[:1], include=False), NO_LOGICAL_ADDRESS)
    if answer.is_report:
        yield remark(
            "logical-address",
            "A request without LogicalAddress is answered.",
            "En fråga utan LogicalAddress besvaras.",
            mend=("Refuse it: the header is required.", "Avvisa den: huvudet är obligatoriskt."),
        )
    else:
        yield from fault_checks(answer, is_client_expected=not session.target.is_through_platform)


def fault_checks(answer: Answer, *, is_client_expected: bool) -> Iterator[Check]:
    """Check that an answer is a SOAP fault in good form."""
    fault = answer.envelope.fault if answer.envelope is not None else None
    status = answer.exchange.status
    if fault is None:
        what = answer.problem or (f"HTTP {status}" + (", a normal answer" if answer.head is not None else ""))
        yield failed(
            "fault",
            f"No SOAP fault came back but: {what}",
            f"Inget SOAP-fel kom tillbaka, utan: {what}",
            mend=(
                "Answer what cannot be read or validated with a SOAP 1.1 fault.",
                "Besvara det som inte kan läsas eller valideras med ett SOAP 1.1-fel.",
            ),
        )
        return
    code = fault.error.remote_fault_code
    yield passed("fault", f"A SOAP fault came back: {fault.said}", f"Ett SOAP-fel kom tillbaka: {fault.said}")
    yield verdict(
        "http",
        status == 500,
        ("The status is 500.", "Status är 500."),
        (f"The status of the fault is {status}.", f"Felets status är {status}."),
        where="HTTP status",
        mend=(
            "Send a fault with status 500; the platform hides it otherwise.",
            "Skicka fel med status 500; annars döljs det av plattformen.",
        ),
    )
    yield from _fault_code(code, is_client_expected=is_client_expected)
    if fault.is_soap_12:
        yield failed(
            "fault-parts",
            "The fault has the parts of SOAP 1.2 (Code, Reason) in an envelope of SOAP 1.1; callers find no text.",
            "Felet har delarna i SOAP 1.2 (Code, Reason) i ett SOAP 1.1-kuvert; anropare hittar ingen text.",
            where="/Envelope/Body/Fault",
            mend=_FAULT_MEND,
        )
        return
    is_right = fault.children == tuple(name for name in _FAULT_PARTS if name in fault.children) and fault.children[
        :2
    ] == ("faultcode", "faultstring")
    yield verdict(
        "fault-parts",
        is_right,
        (
            "Its parts are faultcode, faultstring and what may follow.",
            "Dess delar är faultcode, faultstring och det som får följa.",
        ),
        (f"Its parts are {', '.join(fault.children)}.", f"Dess delar är {', '.join(fault.children)}."),
        where="/Envelope/Body/Fault",
        mend=_FAULT_MEND,
    )
    yield from content_type_checks(answer)
    yield from envelope_problems(answer)
    yield from _leaks(answer)


def _fault_code(code: str, *, is_client_expected: bool) -> Iterator[Check]:
    if not is_client_expected:
        return
    if code.startswith("Client."):
        yield remark(
            "fault-code",
            f"The code {code} is refined with a point, which WS-I discourages.",
            f"Koden {code} är preciserad med punkt, vilket WS-I avråder från.",
            where="/Envelope/Body/Fault/faultcode",
        )
    elif code != "Client":
        yield remark(
            "fault-code",
            f"The code is {code}; the caller's fault is Client.",
            f"Koden är {code}; anroparens fel är Client.",
            where="/Envelope/Body/Fault/faultcode",
        )


def _leaks(answer: Answer) -> Iterator[Check]:
    if found := _LEAK.search(answer.excerpt):
        yield failed(
            "leak",
            f"The answer tells of the producer's inside: {found[0]!r}.",
            f"Svaret röjer producentens insida: {found[0]!r}.",
            mend=(
                "Send a text of your own and an id that finds the details in the log.",
                "Skicka en egen text och ett id som återfinner detaljerna i loggen.",
            ),
        )


# -- TLS -------------------------------------------------------------------------------------------------------


def judge_mutual_tls(session: Session) -> Iterator[Check]:
    """Without a client certificate nothing is answered."""
    access = _network(session)
    request = http_request(session.target.contract, session.question(include=False), url=access.url, sender="")
    session.show_command(_openssl(access, "-brief"))
    anonymous = replace(access, tls=None, ca=access.tls.ca if access.tls is not None else access.ca)
    with Endpoint(anonymous) as endpoint:
        try:
            exchange = endpoint.send(request)
        except ConnectionFailed:
            status = None
        else:
            status = exchange.status
            exchange.body.close()
    if status is None:
        yield passed("tls", "The connection is refused.", "Förbindelsen avvisas.")
    elif status in (400, 401, 403, 495, 496):
        yield remark(
            "tls",
            f"The refusal comes as HTTP status {status}, not in the handshake.",
            f"Avvisningen kommer som HTTP-status {status}, inte i handskakningen.",
        )
    else:
        yield failed(
            "tls",
            f"A caller without certificate gets HTTP status {status}.",
            f"En anropare utan certifikat får HTTP-status {status}.",
            mend=("Require a client certificate of the SITHS authority.", "Kräv ett klientcertifikat från SITHS."),
        )


def judge_tls_version(session: Session) -> Iterator[Check]:
    """TLS 1.0 and 1.1 are refused."""
    access = _network(session)
    parts = urlsplit(access.url)
    context = _old_context(access)
    session.show_command(_openssl(access, "-tls1_1 -cipher DEFAULT:@SECLEVEL=0"))
    try:
        with (
            socket.create_connection((parts.hostname or "", parts.port or 443), access.connect_timeout_s) as plain,
            context.wrap_socket(plain, server_hostname=parts.hostname) as secured,
        ):
            version = secured.version()
    except (ssl.SSLError, OSError):
        yield passed("tls", "TLS 1.0 and 1.1 are refused.", "TLS 1.0 och 1.1 avvisas.")
        return
    yield failed(
        "tls",
        f"A connection with {version} is accepted.",
        f"En förbindelse med {version} godtas.",
        mend=("Allow TLS 1.2 and 1.3 only.", "Tillåt endast TLS 1.2 och 1.3."),
    )


def _openssl(access: Access, options: str) -> str:
    """Write the shell line that tries such a connection."""
    parts = urlsplit(access.url)
    return f"openssl s_client -connect {parts.hostname}:{parts.port or 443} {options} < /dev/null"


def _old_context(access: Access) -> ssl.SSLContext:
    """Make a context that speaks only what must be refused; whom it trusts does not matter."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    if access.tls is not None:
        context.load_cert_chain(access.tls.certificate, access.tls.private_key)
    return context


def _network(session: Session) -> Access:
    access = session.target.access
    if session.is_recorded:
        raise CaseSkipped(_NOT_RECORDED)
    if not access.is_https:
        raise CaseSkipped(
            Bilingual(
                "The address is plain HTTP. In production it must be https with client certificates.",
                "Adressen är oskyddad HTTP. I produktion ska den vara https med klientcertifikat.",
            )
        )
    return access
