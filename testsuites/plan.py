"""Chooses which cases a run has, by suite, case id or pattern (``protocol``, ``protocol.2``, ``wire.fault*``)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from contracts.errors import UsageError
from testsuites.model import Case, Suite


@dataclass(frozen=True, slots=True)
class Plan:
    """The suites of a run with the cases that were chosen; no suite is empty."""

    suites: tuple[Suite, ...]

    @property
    def cases(self) -> tuple[Case, ...]:
        """Every case in the order of the run."""
        return tuple(case for suite in self.suites for case in suite.cases)


def make_plan(suites: Iterable[Suite], only: Sequence[str] = (), skip: Sequence[str] = ()) -> Plan:
    """Choose the cases that match ``only`` (all when empty) and not ``skip``; gates always stay.

    Raises UsageError when a pattern matches nothing or nothing remains: a run without cases would look green.
    """
    everything = tuple(suites)
    ids = [case.id for suite in everything for case in suite.cases]
    for pattern in (*only, *skip):
        if not any(_matches(case_id, pattern) for case_id in ids):
            raise UsageError(
                f"No suite or case of this contract is named {pattern!r}. `brygga suite list` shows them all."
            )
    chosen = []
    for suite in everything:
        cases = tuple(case for case in suite.cases if case.is_gate or _is_chosen(case.id, only, skip))
        if cases:
            chosen.append(replace(suite, cases=cases))
    if all(case.is_gate for suite in chosen for case in suite.cases):
        raise UsageError("--only and --skip leave no case to run.")
    return Plan(tuple(chosen))


def _is_chosen(case_id: str, only: Sequence[str], skip: Sequence[str]) -> bool:
    is_wanted = not only or any(_matches(case_id, pattern) for pattern in only)
    return is_wanted and not any(_matches(case_id, pattern) for pattern in skip)


def _matches(case_id: str, pattern: str) -> bool:
    return case_id == pattern or case_id.startswith(f"{pattern}.") or fnmatchcase(case_id, pattern)
