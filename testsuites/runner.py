"""Runs a plan as a stream of events that report writers read; knows nothing of reports (style reference 1).

A run in which nothing could be judged ends with totals that are not green.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

from contracts.codes import Bilingual
from contracts.errors import BryggaError, ConnectionFailed
from testsuites.model import (
    Case,
    CaseFinished,
    CaseSkipped,
    CaseStarted,
    Check,
    Event,
    Outcome,
    RunFinished,
    RunInfo,
    RunStarted,
    Status,
    gravest,
    total,
)
from testsuites.plan import Plan
from testsuites.session import Session

_LOST_AFTER = 3
_SUMMED_UP = 4
_FOR_GRANTED = ("soap", "http", "schema")
_UNREACHED = Bilingual("Not run: the endpoint could not be reached.", "Ej körd: tjänsten kunde inte nås.")


def run(plan: Plan, session: Session, info: RunInfo) -> Iterator[Event]:
    """Run every case and give the events as they happen; the last one holds the totals.

    A case that cannot reach the endpoint ends as an error; when the gate or several cases in a row do, the rest is
    passed over. Raises nothing of what an endpoint does.
    """
    begun = time.monotonic()
    yield RunStarted(info, plan.suites, datetime.now(UTC))
    outcomes: list[Outcome] = []
    lost = 0
    for number, case in enumerate(plan.cases, start=1):
        yield CaseStarted(case, number, len(plan.cases))
        outcome = _skipped(case, _UNREACHED) if lost >= _LOST_AFTER else run_case(case, session)
        if outcome.status is Status.ERROR:
            lost += _LOST_AFTER if case.is_gate else 1
        elif outcome.status is not Status.SKIPPED:
            lost = 0
        outcomes.append(outcome)
        yield CaseFinished(outcome)
    yield RunFinished(total(outcomes), datetime.now(UTC), time.monotonic() - begun, session.answer_times())


def run_case(case: Case, session: Session) -> Outcome:
    """Run one case; whatever goes wrong outside of the answers makes its outcome an error."""
    started_at, begun = datetime.now(UTC), time.monotonic()
    session.begin_case()
    checks: list[Check] = []
    status: Status | None = None
    reason: Bilingual | None = None
    try:
        checks.extend(case.judge(session))
    except CaseSkipped as skipped:
        status, reason = Status.SKIPPED, skipped.reason
    except ConnectionFailed as error:
        status, reason = Status.ERROR, Bilingual(error.message, f"Ingen förbindelse. {error.message}")
    except BryggaError as error:
        status, reason = Status.ERROR, Bilingual(error.message, error.message)
    status = status or gravest(checks)
    summary = reason or _sum_up(checks, status)
    seconds = time.monotonic() - begun
    return Outcome(case, status, tuple(checks), session.views(), started_at, seconds, summary, reason)


def _skipped(case: Case, reason: Bilingual) -> Outcome:
    return Outcome(case, Status.SKIPPED, (), (), datetime.now(UTC), 0.0, reason, reason)


def _sum_up(checks: list[Check], status: Status) -> Bilingual:
    """Say in a few sentences what came out: the checks of the gravest status."""
    telling = [check for check in checks if check.status is status]
    if status is Status.PASSED:
        telling.sort(key=lambda check: check.rule in _FOR_GRANTED)
    shown = telling[:_SUMMED_UP]
    more = 0 if status is Status.PASSED else len(telling) - len(shown)
    return Bilingual(
        " ".join(check.text.en for check in shown) + (f" And {more} more." if more else ""),
        " ".join(check.text.sv for check in shown) + (f" Samt {more} till." if more else ""),
    )
