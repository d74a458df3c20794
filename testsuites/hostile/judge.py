"""Compares what came back with what a case expects, and looks for leaks in it (robustness reference 2, E07).

Expectations, any of which is right:
``fault:CODE``        HTTP 500 with a SOAP 1.1 fault CODE (Client, Server, VersionMismatch, MustUnderstand)
``status:NNN``        this HTTP status
``answer``            a normal answer; ``answer:some`` with measurements, ``answer:empty`` for the empty question
``tls``               refused in the handshake or at the first read; ``closed`` closed without an answer
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from lxml import etree

from contracts.checksum import EMPTY_CHECKSUM
from contracts.errors import MalformedMessage
from contracts.registry import GET_QUALITY_INDICATORS_2, ServiceContract
from contracts.safe_xml import parse_message
from contracts.soap import BODY, FAULT
from testsuites.hostile.cases import HostileCase
from testsuites.hostile.sender import Outcome

#: What no answer may hold: paths, SQL, class names, products and their versions, a value that is not there.
LEAKS = (
    re.compile(rb"(?:/usr/|/home/|/tmp/|/var/|/opt/|/root/|/etc/|[A-Z]:\\\\)"),
    re.compile(rb"\.(?:py|xsd|db|sqlite)\b", re.IGNORECASE),
    re.compile(rb"Traceback|\b\w+(?:Error|Exception)\b"),
    re.compile(
        rb"\b(?:SELECT|INSERT|sqlite|psycopg|sqlalchemy|lxml|libxml|spyne|gunicorn|python|openssl)\b", re.IGNORECASE
    ),
    re.compile(rb"\bNone\b|object at 0x"),
)
#: The TLS refusals of a client's own library: nothing was seen of the endpoint.
_REFUSED = ("tls", "closed")


def judge(case: HostileCase, outcome: Outcome, contract: ServiceContract = GET_QUALITY_INDICATORS_2) -> tuple[str, ...]:
    """Give what is wrong with an outcome, in words; nothing: it is as expected."""
    wrong = [_mismatch(expected, outcome, contract) for expected in case.expect]
    problems = [] if "" in wrong else [f"expected {' or '.join(case.expect)}: {'; '.join(dict.fromkeys(wrong))}"]
    if outcome.seconds > case.within_s:
        problems.append(f"took {outcome.seconds:.1f} s, more than {case.within_s:g} s")
    for name, value in case.answer_headers.items():
        if outcome.headers.get(name.lower()) != value:
            problems.append(f"the header {name} is {outcome.headers.get(name.lower())!r}, not {value!r}")
    problems += leaks(outcome, case.secret)
    return tuple(problems)


def leaks(outcome: Outcome, secret: Iterable[str] = ()) -> list[str]:
    """Give what an answer tells that it should not: of the inside, or a value of the input."""
    is_good = outcome.kind == "answer" and outcome.status == 200
    everything = outcome.body + b"\n".join(f"{k}: {v}".encode() for k, v in outcome.headers.items())
    found = []
    for pattern in () if is_good else LEAKS:
        match = pattern.search(everything)
        if match:
            found.append(f"the answer tells {match[0].decode(errors='replace')!r}")
    found += [f"the answer repeats {value!r}" for value in secret if value.encode() in everything]
    return found


def _mismatch(expected: str, outcome: Outcome, contract: ServiceContract) -> str:
    """Give why an outcome is not the expected one, empty when it is."""
    kind, _, value = expected.partition(":")
    seen = _seen(outcome)
    match kind:
        case "tls":
            return "" if outcome.kind in _REFUSED else seen
        case "closed":
            return "" if outcome.kind == "closed" else seen
        case "status":
            return "" if outcome.kind == "answer" and outcome.status == int(value) else seen
        case "fault":
            is_right = outcome.kind == "answer" and outcome.status == 500 and fault_code(outcome) == value
            return "" if is_right else seen
    if outcome.kind != "answer" or outcome.status != 200:
        return seen
    return _report_mismatch(value, outcome, contract)


def _seen(outcome: Outcome) -> str:
    if outcome.kind != "answer":
        return f"was {outcome.kind} ({outcome.detail})" if outcome.detail else f"was {outcome.kind}"
    code = fault_code(outcome)
    return f"was status {outcome.status}" + (f" with fault {code}" if code else "")


def fault_code(outcome: Outcome) -> str:
    """Give the local name of the faultcode, empty when the answer is no SOAP 1.1 fault."""
    root = _parse(outcome.body)
    fault = None if root is None else root.find(f"{BODY}/{FAULT}")
    return "" if fault is None else (fault.findtext("faultcode") or "").rpartition(":")[2]


def _report_mismatch(wanted: str, outcome: Outcome, contract: ServiceContract) -> str:
    tags = contract.codec.tags
    root = _parse(outcome.body)
    report = None if root is None else root.find(f"{BODY}/{tags.response}/{tags.report}")
    if report is None:
        return "was status 200 without a report"
    is_empty = report.findtext(f"{{{contract.domain_namespace}}}measurementChecksum") == EMPTY_CHECKSUM
    if wanted == "empty" and not is_empty:
        return "was a report about something"
    if wanted == "some" and report.find(tags.measurement) is None:
        return "was a report without measurements"
    return ""


def _parse(body: bytes) -> etree._Element | None:
    try:
        return parse_message(body)
    except MalformedMessage:
        return None
