"""Test protocol 1.1-1.7 and the further rules 1.8-1.14, on a complete report (contract reference 5)."""

from __future__ import annotations

from collections.abc import Iterator

from contracts.codes import Bilingual
from contracts.rules import RULES
from testsuites.answer import Answer
from testsuites.findings import in_swedish
from testsuites.model import CaseSkipped, Check, Judge
from testsuites.session import Session
from testsuites.suites.common import is_usable, report_checks
from testsuites.texts import passed, remark

_NEEDS_CATALOGUE = {
    "1.6": (
        "Only empty groups could be checked: without the catalogue's definitions the display threshold is not known.",
        "Endast tomma grupper kunde kontrolleras: utan katalogens definitioner är tröskelvärdet inte känt.",
    ),
    "1.7": (
        "Only the form of the ids could be checked: without the catalogue it is not known which indicators exist.",
        "Endast formen på id kunde kontrolleras: utan katalogen är det inte känt vilka indikatorer som finns.",
    ),
}
_CATALOGUE_MEND = (
    "Give the definitions with --catalogue FILE.",
    "Ange definitionerna med --catalogue FIL.",
)

_NOT_IN_VERSION = Bilingual(
    "This version of the contract does not have what the rule is about.",
    "Denna version av kontraktet har inte det som regeln gäller.",
)


def rule_judge(rule: str) -> Judge:
    """Make the judge of a rule and its parts (1.2 with 1.2.1-1.2.6)."""

    def judge(session: Session) -> Iterator[Check]:
        if rule in session.target.contract.without_rules:
            raise CaseSkipped(_NOT_IN_VERSION)
        answer = complete_report(session)
        checks = [check for check in report_checks(answer) if not check.rule.startswith("schema")]
        if not is_usable(checks):
            yield from checks
            return
        found = [check for check in answer.findings if _is_of(check.rule, rule)]
        if not (found or answer.measurement_count):
            raise CaseSkipped(
                Bilingual("The report holds no measurement to judge.", "Rapporten har inget mätvärde att bedöma.")
            )
        if found:
            yield from in_swedish(found, session.schematron(answer, session.target.contract.schematron))
        else:
            yield _holds(rule, answer)
        if rule in _NEEDS_CATALOGUE and session.target.catalogue is None:
            yield remark(rule, *_NEEDS_CATALOGUE[rule], mend=_CATALOGUE_MEND)

    return judge


def _is_of(found: str, rule: str) -> bool:
    """Whether a finding belongs to a rule's case; what could not be read at all belongs to the first."""
    return found == rule or found.startswith(f"{rule}.") or (rule == "1.1" and found == "schema")


def complete_report(session: Session) -> Answer:
    """Ask for every indicator of the test data, over the whole period."""
    return session.ask(session.question())


def _holds(rule: str, answer: Answer) -> Check:
    title = RULES[rule].title
    readable = answer.measurement_count - answer.unreadable_count
    if answer.unreadable_count:
        return remark(
            rule,
            f"{title.en}: holds in the {readable} measurements that can be read; {answer.unreadable_count} cannot.",
            f"{title.sv}: uppfyllt i de {readable} mätvärden som kan läsas; {answer.unreadable_count} kan inte läsas.",
        )
    return passed(
        rule,
        f"{title.en}: holds in all {readable} measurements.",
        f"{title.sv}: uppfyllt i samtliga {readable} mätvärden.",
    )
