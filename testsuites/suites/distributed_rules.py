"""Rules D.1 to D.10 of GetDistributedQualityReport on every answer of its suite (domain reference 4.3)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from contracts.codes import Bilingual
from contracts.rules import RULES
from testsuites.answer import Answer
from testsuites.model import CaseSkipped, Check, Judge
from testsuites.parts import Parts
from testsuites.question import Question
from testsuites.session import Session
from testsuites.suites.common import is_usable, report_checks
from testsuites.suites.distributed import questions
from testsuites.texts import passed

_INDEX = re.compile(r"\[\d+\]")
_NOTHING_TO_JUDGE = Bilingual("No answer holds what the rule is about.", "Inget svar innehåller det som regeln gäller.")


def _subgroups(parts: Parts) -> int:
    return sum(seen.count for seen in parts.subgroups.values())


def _distributions(parts: Parts) -> int:
    return parts.distributions.count


def _spreads(parts: Parts) -> int:
    return parts.distributions.count + parts.references.count


def _references(parts: Parts) -> int:
    return parts.references.count


def _units(parts: Parts) -> int:
    return sum(seen.count for seen in parts.units.values())


_ABOUT: Mapping[str, Callable[[Parts], int]] = MappingProxyType(
    {
        "D.1": _subgroups,
        "D.2": _distributions,
        "D.3": lambda parts: _subgroups(parts) + _spreads(parts),
        "D.4": _units,
        "D.5": _spreads,
        "D.6": _spreads,
        "D.7": _spreads,
        "D.8": _references,
        "D.9": _distributions,
        "D.10": _subgroups,
    }
)
"""How many things in an answer a rule is about; without any, nothing is judged."""

DISTRIBUTED_RULES = tuple(_ABOUT)


def distributed_rule_judge(rule: str) -> Judge:
    """Make the judge of a rule: over the answers with every part, and with each filter."""

    def judge(session: Session) -> Iterator[Check]:
        complete = session.ask(session.question())
        checks = [check for check in report_checks(complete) if not check.rule.startswith("schema")]
        if not is_usable(checks):
            yield from checks
            return
        told: set[tuple[str, str]] = set()
        judged = 0
        for question, answer in _answers(session):
            judged += _ABOUT[rule](answer.parts)
            new = [check for check in answer.findings if check.rule == rule and _key(check) not in told]
            told.update(map(_key, new))
            if new and answer is not complete:
                session.ask(question, Bilingual("The answer that breaks the rule", "Svaret som bryter mot regeln"))
            yield from new
        if not told:
            yield _holds(rule, judged)

    return judge


def _answers(session: Session) -> Iterator[tuple[Question, Answer]]:
    """Give every question of the suite with its answer; a recording need not have them all."""
    for question in questions(session):
        try:
            answer = session.ask(question, is_shown=False)
        except CaseSkipped:
            continue
        yield question, answer


def _key(check: Check) -> tuple[str, str]:
    return _INDEX.sub("", check.where), check.status.value


def _holds(rule: str, judged: int) -> Check:
    if not judged:
        raise CaseSkipped(_NOTHING_TO_JUDGE)
    title = RULES[rule].title
    return passed(
        rule,
        f"{title.en}: holds at all {judged} places of the answers of this suite.",
        f"{title.sv}: uppfyllt på samtliga {judged} ställen i svaren i denna svit.",
    )
