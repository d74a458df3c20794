"""Reports for programs: JSON with everything in both languages, and JUnit XML with stable names."""

from __future__ import annotations

import json
import re
from typing import Any

from lxml import etree
from lxml.builder import E

from contracts.codes import Bilingual
from testsuites.model import Check, ExchangeView, Language, Outcome, Status
from testsuites.reports import FinishedRun
from testsuites.reports.words import pick, verdict_of

FORMAT = "indikatorbryggan-suite/1"
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render_json(run: FinishedRun) -> bytes:
    """Write the run as one JSON document."""
    return (json.dumps(to_dict(run), ensure_ascii=False, indent=2) + "\n").encode()


def to_dict(run: FinishedRun) -> dict[str, Any]:
    """Give the run as plain values; names of the format do not change within a major ``format``."""
    info, totals = run.info, run.totals
    return {
        "format": FORMAT,
        "verdict": verdict_of(totals)[0],
        "exitCode": totals.exit_code,
        "contract": info.contract,
        "endpoint": info.target,
        "logicalAddress": info.logical_address,
        "sender": info.sender,
        "program": info.program,
        "isRecorded": info.is_recorded,
        "startedAt": run.started_at.isoformat(),
        "seconds": round(run.seconds, 3),
        "data": [{"name": _both(name), "value": value} for name, value in info.data],
        "notes": [_both(note) for note in info.notes],
        "totals": {status.value: getattr(totals, status.value) for status in Status},
        "cases": [_case(outcome) for outcome in run.outcomes],
    }


def _case(outcome: Outcome) -> dict[str, Any]:
    case = outcome.case
    return {
        "id": case.id,
        "suite": case.suite_id,
        "title": _both(case.title),
        "expectation": _both(case.expectation),
        "reference": case.reference,
        "status": outcome.status.value,
        "summary": _both(outcome.summary),
        "startedAt": outcome.started_at.isoformat(),
        "seconds": round(outcome.seconds, 3),
        "checks": [_check(check) for check in outcome.checks],
        "exchanges": [_exchange(view) for view in outcome.exchanges],
    }


def _check(check: Check) -> dict[str, Any]:
    return {
        "rule": check.rule,
        "status": check.status.value,
        "text": _both(check.text),
        "where": check.where,
        "mend": None if check.mend is None else _both(check.mend),
        "count": check.count,
        "snippet": check.snippet,
    }


def _exchange(view: ExchangeView) -> dict[str, Any]:
    return {
        "url": view.url,
        "requestFile": view.request_file,
        "httpStatus": view.http_status,
        "answerBytes": view.answer_bytes,
        "seconds": round(view.seconds, 4),
        "problem": view.problem,
        "command": view.command,
    }


def _both(text: Bilingual) -> dict[str, str]:
    return {"en": text.en, "sv": text.sv}


def render_junit(run: FinishedRun, language: Language) -> bytes:
    """Write the run as JUnit XML: a testsuite per suite, a testcase named by the case's id."""
    root = E.testsuites(
        *[_junit_suite(run, index, language) for index in range(len(run.suites))],
        name=run.info.contract,
        time=f"{run.seconds:.3f}",
        **_counts(run.outcomes),
    )
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True)


def _junit_suite(run: FinishedRun, index: int, language: Language) -> etree._Element:
    suite = run.suites[index]
    outcomes = run.of_suite(suite)
    return E.testsuite(
        E.properties(
            E.property(name="endpoint", value=_clean(run.info.target)),
            E.property(name="logicalAddress", value=_clean(run.info.logical_address)),
        ),
        *[_junit_case(run, outcome, language) for outcome in outcomes],
        name=suite.id,
        id=str(index),
        timestamp=run.started_at.strftime("%Y-%m-%dT%H:%M:%S"),
        time=f"{sum(outcome.seconds for outcome in outcomes):.3f}",
        **_counts(outcomes),
    )


def _counts(outcomes: tuple[Outcome, ...]) -> dict[str, str]:
    statuses = [outcome.status for outcome in outcomes]
    return {
        "tests": str(len(statuses)),
        "failures": str(statuses.count(Status.FAILED)),
        "errors": str(statuses.count(Status.ERROR)),
        "skipped": str(statuses.count(Status.SKIPPED)),
    }


def _junit_case(run: FinishedRun, outcome: Outcome, language: Language) -> etree._Element:
    element = E.testcase(
        name=outcome.case.id,
        classname=f"{run.info.contract.replace(' ', '_').replace('.', '_')}.{outcome.case.suite_id}",
        time=f"{outcome.seconds:.3f}",
    )
    message = _clean(pick(outcome.summary, language))
    if outcome.status is Status.FAILED:
        element.append(E.failure(_clean(_details(outcome, language)), message=message, type="finding"))
    elif outcome.status is Status.ERROR:
        element.append(E.error(message, message=message, type="not-run"))
    elif outcome.status is Status.SKIPPED:
        element.append(E.skipped(message=message))
    output = [pick(outcome.case.title, language), *(view.command for view in outcome.exchanges if view.command)]
    element.append(E("system-out", _clean("\n\n".join(output))))
    return element


def _details(outcome: Outcome, language: Language) -> str:
    lines = []
    for check in outcome.of_status(Status.FAILED):
        lines.append(f"[{check.rule}] {pick(check.text, language)}")
        if check.where:
            lines.append(f"  {check.where}" + (f" ({check.count})" if check.count > 1 else ""))
        if check.mend is not None:
            lines.append(f"  -> {pick(check.mend, language)}")
    return "\n".join(lines)


def _clean(text: str) -> str:
    """Replace what XML cannot carry; texts may come from a broken answer."""
    return _NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", text)
