"""A question in another version than the endpoint's never gets this version's answer (issue of versions side by side).

The platform routes by the namespace of the contract: what it has no route for is VP004 (platform reference 4.1).
"""

from __future__ import annotations

from collections.abc import Iterator

from contracts.codes import Bilingual
from contracts.errors import PlatformFault
from contracts.model import QualityIndicatorsRequest
from contracts.registry import CONTRACTS, ServiceContract
from testsuites.answer import Answer
from testsuites.model import Check
from testsuites.question import Variant
from testsuites.session import Session
from testsuites.suites.wire_faults import fault_checks
from testsuites.texts import failed, passed, remark

_NO_SUCH_MAJOR = 99
_ROUTING_CODES = ("VP004", "VP007")


def judge_version(session: Session) -> Iterator[Check]:
    """A version that does not exist, and, at a producer's own address, the others that do."""
    target = session.target
    plain = session.question(ids=target.ids[:1], include=False)
    answer = session.ask(plain.in_form(_unknown_version(target.contract)))
    yield from _refused(answer, f"{target.contract.interaction} {_NO_SUCH_MAJOR}")
    if answer.is_fault and target.is_through_platform:
        yield _platform_code(answer)
    if target.is_through_platform:
        return
    for other in CONTRACTS.values():
        if other.id != target.contract.id:
            yield _other(session.ask(plain.in_form(_version(session, other))), other)


def _unknown_version(contract: ServiceContract) -> Variant:
    """Give the question in the namespaces of a major version that does not exist."""
    new = contract.responder_namespace.removesuffix(str(contract.major)) + str(_NO_SUCH_MAJOR)

    def edit(body: bytes) -> bytes:
        return body.replace(contract.responder_namespace.encode(), new.encode())

    action = f'"{new}:{contract.interaction}"'
    return Variant("unknown-version", edit, (("SOAPAction", action),))


def _version(session: Session, other: ServiceContract) -> Variant:
    """Give the question as another contract version writes it."""
    target = session.target
    content = QualityIndicatorsRequest(target.ids[:1], target.period, include_measurements=False)
    body = other.codec.write_request(target.logical_address, content)
    return Variant(f"version-{other.id}", lambda _body: body, (("SOAPAction", f'"{other.soap_action}"'),))


def _refused(answer: Answer, name: str) -> Iterator[Check]:
    if answer.head is not None:
        yield _fallen_back(answer, name)
    else:
        yield from fault_checks(answer, is_client_expected=False)


def _other(answer: Answer, other: ServiceContract) -> Check:
    name = f"{other.interaction} {other.version}"
    if answer.head is not None:
        return _fallen_back(answer, name)
    if answer.is_fault:
        return passed("version", f"A question in {name} gets a fault.", f"En fråga i {name} ger ett SOAP-fel.")
    if answer.envelope is not None and other.response_tag in answer.envelope.body_children:
        return passed(
            "version",
            f"A question in {name} is answered in {name}: both are served at this address.",
            f"En fråga i {name} besvaras i {name}: båda finns på denna adress.",
        )
    what = answer.problem or f"HTTP {answer.exchange.status}"
    return remark(
        "version",
        f"A question in {name} gets neither an answer in it nor a SOAP fault, but: {what}",
        f"En fråga i {name} ger varken ett svar i den eller ett SOAP-fel, utan: {what}",
    )


def _fallen_back(answer: Answer, name: str) -> Check:
    return failed(
        "version",
        f"A question in {name} is answered as if it were in the version of this contract.",
        f"En fråga i {name} besvaras som om den vore i detta kontrakts version.",
        where=answer.report,
        mend=(
            "Refuse a request element of another namespace with a SOAP fault.",
            "Avvisa ett frågeelement i en annan namnrymd med ett SOAP-fel.",
        ),
    )


def _platform_code(answer: Answer) -> Check:
    assert answer.envelope is not None
    assert answer.envelope.fault is not None
    error = answer.envelope.fault.error
    code = error.vp_code if isinstance(error, PlatformFault) else ""
    if code in _ROUTING_CODES:
        return passed("version", f"The platform does not route it: {code}.", f"Plattformen dirigerar den inte: {code}.")
    said = Bilingual(code or "no platform code", code or "ingen plattformskod")
    return remark(
        "version",
        f"The platform answers with {said.en}; VP004 is expected where there is no route.",
        f"Plattformen svarar med {said.sv}; VP004 väntas där vägval saknas.",
    )
