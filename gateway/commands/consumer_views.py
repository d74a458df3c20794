"""What ``brygga consumer`` prints: the same facts as JSON data and for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from itertools import groupby
from operator import itemgetter
from typing import Any

import rich.console
from rich.filesize import decimal
from rich.markup import escape
from rich.table import Column, Table

from consumer.fetching import Fetched
from consumer.poller import Polled
from consumer.question import Question, iso_day
from consumer.store import Changes, LogEntry

_STYLES = {"stored": "ok", "unchanged": "dim", "rejected": "bad", "failed": "bad", "skipped": "warn"}


def named(question: Question) -> str:
    """Name a question in a few words."""
    first, *others = question.measure_ids or ("every indicator",)
    more = f" and {len(others)} more" if others else ""
    return f"{first}{more}, {iso_day(question.period.start)} to {iso_day(question.period.end)}"


def fetched_data(fetched: Fetched) -> dict[str, Any]:
    """Give a stored fetch as data."""
    head, facts = fetched.head, fetched.facts
    return {
        **_question_data(fetched.question),
        "checksum": head.measurement_checksum,
        "reporting_period": {
            "start": iso_day(head.reporting_period.start),
            "end": iso_day(head.reporting_period.end),
        },
        "reporting_system": asdict(head.reporting_system),
        "reporting_organization": asdict(head.reporting_organization),
        "measurement_count": facts.measurements,
        **asdict(fetched.changes),
        "bytes_received": facts.bytes_received,
        "duration_ms": facts.duration_ms,
        "warning_count": fetched.warnings.count,
        "warnings": [asdict(finding) for finding in fetched.warnings.first],
    }


def render_fetched(out: rich.console.Console, fetched: Fetched) -> None:
    """Tell of a stored fetch."""
    facts, head = fetched.facts, fetched.head
    sender = head.reporting_system.name or head.reporting_system.hsa_id
    out.print(
        f"[ok]Stored[/ok] {facts.measurements} measurements of {escape(sender)} "
        f"({decimal(facts.bytes_received)} received in {facts.duration_ms / 1000:.1f} s)."
    )
    out.print(f"  {_changes_text(fetched.changes)}")
    period = head.reporting_period
    out.print(f"  Measure periods {iso_day(period.start)} to {iso_day(period.end)}")
    out.print(f"  Checksum {escape(head.measurement_checksum)}")
    if fetched.warnings.count:
        out.print(f"  [warn]{fetched.warnings.count} remark(s)[/warn] by the contract's rules")


def polled_data(polled: Sequence[Polled]) -> dict[str, Any]:
    """Give the outcomes of a poll as data; ``changed`` counts the questions that were fetched."""
    counts = {
        name: sum(one.outcome == name for one in polled)
        for name in ("unchanged", "stored", "rejected", "failed", "skipped")
    }
    return {
        "questions": len(polled),
        "changed": counts["stored"],
        **counts,
        "results": [_one_polled(one) for one in polled],
    }


def _one_polled(one: Polled) -> dict[str, Any]:
    error = None if one.error is None else {"code": one.error.code, "message": one.error.message}
    return {
        "name": one.target.label,
        **_question_data(one.question),
        "outcome": one.outcome,
        "checksum": one.checksum,
        "measurement_count": sum(fetched.facts.measurements for fetched in one.fetched),
        **asdict(one.changes),
        "fetches": len(one.fetched),
        "bytes_received": sum(fetched.facts.bytes_received for fetched in one.fetched),
        "duration_ms": one.duration_ms,
        "error": error,
    }


def render_polled(out: rich.console.Console, polled: Sequence[Polled]) -> None:
    """Draw a poll: one line per producer."""
    table = Table(Column("Producer", overflow="fold", min_width=17), box=None, header_style="head")
    for heading in ("asked", "same", "fetched", "failed", "added", "changed", "removed", "received"):
        table.add_column(heading, justify="right", no_wrap=True)
    for label in dict.fromkeys(one.target.label for one in polled):
        of_one = [one for one in polled if one.target.label == label]
        outcomes = [one.outcome for one in of_one]
        changes = [one.changes for one in of_one]
        received = sum(fetched.facts.bytes_received for one in of_one for fetched in one.fetched)
        failed = len(outcomes) - outcomes.count("stored") - outcomes.count("unchanged")
        table.add_row(
            escape(label),
            str(len(outcomes)),
            str(outcomes.count("unchanged")),
            str(outcomes.count("stored")),
            f"[bad]{failed}[/bad]" if failed else "0",
            str(sum(each.added for each in changes)),
            str(sum(each.changed for each in changes)),
            str(sum(each.removed for each in changes)),
            decimal(received),
        )
    out.print(table)
    if all(one.outcome == "unchanged" for one in polled):
        out.print("Nothing has changed.")


def render_observations(out: rich.console.Console, rows: Sequence[dict[str, Any]], total: int) -> None:
    """Draw observations as a table."""
    if not rows:
        out.print("No observations match.")
        return
    for measure_id, of_one in groupby(rows, key=itemgetter("measure_id")):
        out.print(f"[head]{escape(measure_id)}[/head]")
        out.print(_observation_table(of_one))
    if total > len(rows):
        out.print(f"{len(rows)} of {total}; narrow the choice, raise --limit, or write all with --csv FILE.")


def _observation_table(rows: Iterable[dict[str, Any]]) -> Table:
    table = Table("Period", "Level", Column("Organisation", overflow="fold"), box=None, header_style="head")
    for heading in ("Value", "Basis", "95 %"):
        table.add_column(heading, justify="right")
    for row in rows:
        value = row["reason_code"] if row["kind"] == "missing" else _number(row["value"])
        basis = row["denominator"] if row["kind"] == "proportion" else row["population"]
        interval = "" if row["ci_low"] is None else f"{_number(row['ci_low'])}-{_number(row['ci_high'])}"
        organization = row["org_name"], value, _number(basis), interval
        table.add_row(_period_text(row), row["org_level"], *map(escape, organization))
    return table


def log_data(entry: LogEntry) -> dict[str, Any]:
    """Give a line of the fetch log as data."""
    return {
        **_question_data(entry.question),
        "started_at": entry.facts.started_at.isoformat(timespec="seconds"),
        "outcome": entry.outcome,
        "checksum": entry.checksum,
        "reporting_organization": entry.reporting_organization,
        "measurement_count": entry.facts.measurements,
        **asdict(entry.changes),
        "bytes_received": entry.facts.bytes_received,
        "duration_ms": entry.facts.duration_ms,
        "warning_count": entry.facts.warnings,
        "error_code": entry.error_code,
        "error": entry.error,
    }


def render_log(out: rich.console.Console, entries: Sequence[LogEntry]) -> None:
    """Draw the fetch log, newest first."""
    if not entries:
        out.print("Nothing has been fetched yet. Fetch something with 'brygga consumer fetch'.")
        return
    table = Table("Started (UTC)", "Outcome", "Question", box=None, header_style="head")
    table.add_column("What happened", ratio=1)
    for entry in entries:
        style = _STYLES[entry.outcome]
        told = _changes_text(entry.changes) if entry.error is None else entry.error
        table.add_row(
            f"{entry.facts.started_at:%Y-%m-%d %H:%M:%S}",
            f"[{style}]{entry.outcome}[/{style}]",
            escape(named(entry.question)),
            escape(told),
        )
    out.print(table)


def _question_data(question: Question) -> dict[str, Any]:
    return {
        "producer": question.producer,
        "contract": question.contract,
        "measure_ids": list(question.measure_ids),
        "period": {"start": iso_day(question.period.start), "end": iso_day(question.period.end)},
    }


def _changes_text(changes: Changes) -> str:
    return f"{changes.added} added, {changes.changed} changed, {changes.removed} removed, {changes.unchanged} as before"


def _period_text(row: dict[str, Any]) -> str:
    start: str = row["period_start"]
    match row["period_type"]:
        case "year":
            return start[:4]
        case "month":
            return start[:7]
        case "quarter":
            return f"{start[:4]} Q{(int(start[5:7]) + 2) // 3}"
        case "half-year":
            return f"{start[:4]} H{1 if start[5:7] == '01' else 2}"
    return f"{start} - {row['period_end']}"


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.0f}" if value == int(value) and abs(value) < 1e15 else f"{value:.4g}"
