"""Runs of the suites for tests: a target with usual data, the run, and short ways into what came out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from contracts.codes import Bilingual
from contracts.model import DatePeriod
from testsuites.endpoint import Access, Endpoint, Transport
from testsuites.mock.shapes import SHAPES, measure_id_of
from testsuites.model import CaseFinished, Outcome, RunFinished, RunInfo, RunStarted, Status
from testsuites.plan import make_plan
from testsuites.reports import FinishedRun, finished_run
from testsuites.runner import run
from testsuites.session import Session
from testsuites.suites import all_suites
from testsuites.target import Target

SYSTEM = "SE9990001112-PROD"
#: Wider than the months that the mock has values for, so that reportingPeriod differs from what is asked.
PERIOD = DatePeriod("20231215", "20240320")
ALL_IDS = tuple(measure_id_of(shape) for shape in SHAPES if not shape.is_checksum_only)


@dataclass(frozen=True, slots=True)
class Ran:
    """A finished run with short ways to what tests ask."""

    finished: FinishedRun

    @property
    def totals(self) -> Any:
        return self.finished.totals

    def outcome(self, case_id: str) -> Outcome:
        return next(outcome for outcome in self.finished.outcomes if outcome.case.id == case_id)

    def status(self, case_id: str) -> Status:
        return self.outcome(case_id).status

    def failed_checks(self) -> list[tuple[str, str]]:
        return [
            (check.rule, check.where)
            for outcome in self.finished.of_status(Status.FAILED)
            for check in outcome.of_status(Status.FAILED)
        ]


def make_info(target: Target) -> RunInfo:
    return RunInfo(
        f"{target.contract.interaction} {target.contract.version}",
        target.access.url,
        target.logical_address,
        target.sender,
        ((Bilingual("Indicators", "Indikatorer"), ", ".join(target.measure_ids)),),
        "test",
        is_recorded=False,
    )


def run_target(
    target: Target,
    *,
    only: tuple[str, ...] = (),
    skip: tuple[str, ...] = ("hostile", "sla.answer-time"),
    transport: Transport | None = None,
    requests: Path | None = None,
) -> Ran:
    """Run the suites against a target and give what came out."""
    endpoint = transport or Endpoint(target.access)
    session = Session(target, endpoint, requests)
    outcomes: list[Outcome] = []
    started: RunStarted | None = None
    try:
        for event in run(
            make_plan(all_suites(target.contract), only, () if only else skip), session, make_info(target)
        ):
            if isinstance(event, RunStarted):
                started = event
            elif isinstance(event, CaseFinished):
                outcomes.append(event.outcome)
            elif isinstance(event, RunFinished):
                assert started is not None
                return Ran(finished_run(started, outcomes, event))
    finally:
        session.close()
        endpoint.close()
    raise AssertionError("the run did not finish")


def target_of(url: str, ids: tuple[str, ...] = ALL_IDS, **options: Any) -> Target:
    """Make a target with the tests' usual data."""
    return replace(Target(Access(url), SYSTEM, ids, PERIOD, sla_calls=3), **options)
