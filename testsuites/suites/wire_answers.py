"""Wire checks on a good answer, and requests in unusual but lawful forms (platform reference 8.5, contract 10)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.message import Message

from contracts import soap
from contracts.codes import Bilingual
from testsuites.answer import Answer
from testsuites.model import CaseSkipped, Check, Judge
from testsuites.question import PLATFORM_STYLE, Question, Variant
from testsuites.session import Session
from testsuites.suites.common import is_usable, report_checks
from testsuites.texts import failed, passed, remark, verdict

_CHARSETS = {"UTF-8", "UTF8", "UTF-16", "UTF-16LE", "UTF-16BE"}
_ENVELOPE = "/Envelope"
_PLATFORM_DOES_IT = Bilingual(
    "The platform itself sends the request in this form; a consumer may not send its headers.",
    "Plattformen skickar själv frågan i denna form; en konsument får inte skicka dess huvuden.",
)
_FOR_COMPARISON = Bilingual("The same in plain form", "Samma i vanlig form")


def judge_status(session: Session) -> Iterator[Check]:
    """Status, HTTP version, content, no redirection."""
    answer = session.ask(session.question())
    exchange = answer.exchange
    if exchange.status is None:
        yield failed("http", f"No answer. {exchange.problem}", f"Inget svar. {exchange.problem}")
        return
    is_right = exchange.status == 200 and not answer.is_fault
    yield verdict(
        "http",
        is_right,
        ("The status is 200.", "Status är 200."),
        (
            f"The status is {exchange.status}{' with a fault' if answer.is_fault else ''}.",
            f"Status är {exchange.status}{' med ett fel' if answer.is_fault else ''}.",
        ),
        where="HTTP status",
        mend=("Send a report with 200 and a fault with 500.", "Skicka en rapport med 200 och ett fel med 500."),
    )
    if 300 <= exchange.status < 400:
        yield failed(
            "http", "The endpoint redirects; callers do not follow.", "Tjänsten omdirigerar; anropare följer inte med."
        )
    yield verdict(
        "http",
        bool(exchange.body.size),
        (f"The answer has {exchange.body.size} bytes.", f"Svaret har {exchange.body.size} byte."),
        ("The answer is empty.", "Svaret är tomt."),
        where="HTTP body",
        mend=("The platform turns an empty answer into VP009.", "Plattformen gör VP009 av ett tomt svar."),
    )
    if exchange.http_version and exchange.http_version != "HTTP/1.1":
        yield remark(
            "http",
            f"The answer is {exchange.http_version}; HTTP/1.1 is the norm.",
            f"Svaret är {exchange.http_version}; HTTP/1.1 är normen.",
        )
    if exchange.problem:
        yield failed("http", exchange.problem, exchange.problem)


def judge_content_type(session: Session) -> Iterator[Check]:
    """Content-Type, its charset and the XML declaration."""
    answer = session.ask(session.question())
    yield from content_type_checks(answer)


def content_type_checks(answer: Answer) -> Iterator[Check]:
    """Check the media type of an answer and that its charset is one and the same."""
    header = answer.exchange.header("Content-Type")
    media_type, charset = _media_type(header)
    yield verdict(
        "content-type",
        media_type == "text/xml",
        (f"The content type is {header}.", f"Innehållstypen är {header}."),
        (f"The content type is {header!r}.", f"Innehållstypen är {header!r}."),
        where="Content-Type",
        mend=(
            "Send text/xml; charset=UTF-8, which SOAP 1.1 demands.",
            "Skicka text/xml; charset=UTF-8, som SOAP 1.1 kräver.",
        ),
    )
    if media_type == "text/xml" and not charset:
        yield remark(
            "charset",
            "The content type names no charset; without it text/xml is US-ASCII.",
            "Innehållstypen anger ingen teckenkodning; utan den är text/xml US-ASCII.",
            where="Content-Type",
            mend=("Add charset=UTF-8.", "Lägg till charset=UTF-8."),
        )
    elif charset and charset not in _CHARSETS:
        yield failed(
            "charset",
            f"The charset is {charset}.",
            f"Teckenkodningen är {charset}.",
            where="Content-Type",
            mend=("Send UTF-8.", "Skicka UTF-8."),
        )
    encoding = answer.envelope.encoding if answer.envelope is not None else ""
    if encoding and encoding not in _CHARSETS:
        yield failed(
            "charset",
            f"The XML is encoded in {encoding}.",
            f"XML-dokumentet är kodat i {encoding}.",
            where="<?xml encoding?>",
            mend=("Send UTF-8.", "Skicka UTF-8."),
        )
    elif encoding and charset and _family(encoding) != _family(charset):
        yield failed(
            "charset",
            f"Content-Type says {charset}, the XML {encoding}.",
            f"Content-Type anger {charset}, XML-dokumentet {encoding}.",
            where="Content-Type",
        )


def judge_envelope(session: Session) -> Iterator[Check]:
    """Shape of the envelope."""
    answer = session.ask(session.question())
    if answer.envelope is None:
        yield failed(
            "envelope",
            f"There is no envelope to judge. {answer.problem}",
            f"Det finns inget kuvert att bedöma. {answer.problem}",
            where=_ENVELOPE,
        )
        return
    problems = list(envelope_problems(answer))
    yield from problems
    if not problems:
        yield passed("envelope", "The envelope is in order.", "Kuvertet är i sin ordning.")


def envelope_problems(answer: Answer) -> Iterator[Check]:
    """Yield what breaks WS-I Basic Profile 1.1 in the envelope of an answer."""
    facts = answer.envelope
    assert facts is not None
    if facts.root != soap.ENVELOPE:
        yield failed(
            "envelope",
            f"The root is {facts.root}, which is no SOAP 1.1 envelope.",
            f"Roten är {facts.root}, som inte är ett SOAP 1.1-kuvert.",
            where=_ENVELOPE,
        )
        return
    parts = [part for part in facts.parts if part != soap.HEADER]
    if parts != [soap.BODY] or facts.parts[-1] != soap.BODY:
        yield failed(
            "envelope",
            "The envelope must hold an optional Header, one Body, and nothing after it.",
            "Kuvertet ska ha en frivillig Header, en Body, och inget därefter.",
            where=_ENVELOPE,
        )
    if len(facts.body_children) != 1:
        yield failed(
            "envelope",
            f"Body has {len(facts.body_children)} children; exactly one is allowed.",
            f"Body har {len(facts.body_children)} underelement; exakt ett är tillåtet.",
            where=f"{_ENVELOPE}/Body",
        )
    if any(not child.startswith("{") for child in facts.body_children):
        yield failed(
            "envelope",
            "The child of Body is in no namespace.",
            "Underelementet i Body saknar namnrymd.",
            where=f"{_ENVELOPE}/Body",
        )
    if facts.has_stray_text:
        yield failed(
            "envelope",
            "There is text beside the elements of the envelope.",
            "Det finns text vid sidan av kuvertets element.",
            where=_ENVELOPE,
        )
    if facts.has_encoding_style:
        yield failed(
            "envelope",
            "soap:encodingStyle does not belong in document/literal.",
            "soap:encodingStyle hör inte hemma i document/literal.",
            where=_ENVELOPE,
        )
    if facts.has_instruction:
        yield failed(
            "envelope", "There is a processing instruction.", "Det finns en bearbetningsinstruktion.", where=_ENVELOPE
        )


def form_judge(variant: Variant, *, with_measurements: bool = False) -> Judge:
    """Make the judge of a request form: it must be answered exactly as the plain form."""

    def judge(session: Session) -> Iterator[Check]:
        if variant is PLATFORM_STYLE and session.target.is_through_platform:
            raise CaseSkipped(_PLATFORM_DOES_IT)
        plain = session.question(ids=session.target.ids[:1], include=with_measurements)
        yield from same_as_plain(session, plain, variant)

    return judge


def same_as_plain(session: Session, question: Question, variant: Variant) -> Iterator[Check]:
    """Check that a question in another form is answered as in the plain form."""
    answer = session.ask_in_form(question, variant)
    checks = [check for check in report_checks(answer) if not check.rule.startswith("schema")]
    yield from checks
    if not is_usable(checks):
        return
    plain = session.ask(question, _FOR_COMPARISON)
    if not plain.is_report:
        return
    assert answer.head is not None
    assert plain.head is not None
    is_same = answer.digest == plain.digest and answer.head == plain.head
    yield verdict(
        "same-answer",
        is_same,
        ("It is answered as the plain form.", "Den besvaras som den vanliga formen."),
        (
            f"It is answered otherwise than the plain form: {answer.measurement_count} measurements instead of "
            f"{plain.measurement_count}, or another head.",
            f"Den besvaras annorlunda än den vanliga formen: {answer.measurement_count} mätvärden i stället för "
            f"{plain.measurement_count}, eller ett annat huvud.",
        ),
        where=answer.report,
    )


def _media_type(header: str) -> tuple[str, str]:
    message = Message()
    message["Content-Type"] = header or "application/octet-stream"
    charset = message.get_param("charset", "")
    return message.get_content_type(), str(charset).strip("\"' ").upper()


def _family(charset: str) -> str:
    return re.sub(r"(LE|BE)$", "", charset.replace("-", ""))
