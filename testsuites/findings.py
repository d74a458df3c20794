"""Collects what is wrong with an answer, grouped so that a fault in every measurement is told once.

Bounded: a group per rule and element, with its first place; memory does not grow with the answer.
"""

from __future__ import annotations

import copy
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace

from lxml import etree

from contracts.codes import Bilingual
from contracts.rules import RULES, Finding
from testsuites.model import Check, Status

_INDEX = re.compile(r"\[\d+\]")
_MAX_GROUPS = 200
_SNIPPET_CHARS = 6_000


class ProblemLog:
    """Problems of one answer by rule, status and element."""

    def __init__(self) -> None:
        self._groups: dict[tuple[str, Status, str], Check] = {}
        self._counts: dict[tuple[str, Status, str], int] = {}

    def add(self, check: Check, snippet: Callable[[], str]) -> None:
        """Note a problem; ``snippet`` is called only for the first of its kind."""
        key = (check.rule, check.status, _INDEX.sub("", check.where))
        self._counts[key] = self._counts.get(key, 0) + 1
        if key not in self._groups and len(self._groups) < _MAX_GROUPS:
            self._groups[key] = Check(check.rule, check.status, check.text, check.where, check.mend, 1, snippet())

    def checks(self) -> tuple[Check, ...]:
        """Give one check per group with its count, gravest first."""
        found = [
            Check(check.rule, check.status, check.text, check.where, check.mend, self._counts[key], check.snippet)
            for key, check in self._groups.items()
        ]
        return tuple(sorted(found, key=lambda check: (check.status is not Status.FAILED, _by_number(check.rule))))


def of_finding(finding: Finding) -> Check:
    """Turn a business rule's finding into a check.

    Findings are English; in Swedish the rule's title stands before and its explanation is what to do.
    """
    status = Status.FAILED if finding.severity == "error" else Status.REMARK
    rule = RULES[finding.rule]
    text = Bilingual(finding.message, f"{rule.title.sv}: {finding.message}")
    return Check(finding.rule, status, text, finding.where, Bilingual(finding.mend, rule.explanation.sv))


def in_swedish(checks: Iterable[Check], others: Iterable[Check]) -> tuple[Check, ...]:
    """Give ``checks`` with the Swedish words that ``others`` have for the same rule and element.

    A check for which they have none, or several, keeps its own words.
    """
    words: dict[tuple[str, str], set[str]] = defaultdict(set)
    for other in others:
        words[other.rule, _INDEX.sub("", other.where)].add(other.text.sv)

    def translated(check: Check) -> Check:
        found = words[check.rule, _INDEX.sub("", check.where)]
        return replace(check, text=Bilingual(check.text.en, *found)) if len(found) == 1 else check

    return tuple(map(translated, checks))


def indented(element: etree._Element, limit: int = _SNIPPET_CHARS) -> str:
    """Write an element for people: indented, without its tail, at most ``limit`` characters."""
    shown = copy.deepcopy(element)
    shown.tail = None
    etree.indent(shown)
    text = etree.tostring(shown, encoding="unicode")
    return text if len(text) <= limit else f"{text[:limit]}\n..."


def _by_number(rule: str) -> tuple[tuple[int, str], ...]:
    """Sort 1.2 before 1.10."""
    return tuple((int(part), "") if part.isdigit() else (10**6, part) for part in rule.split("."))
