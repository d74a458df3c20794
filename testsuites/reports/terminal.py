"""The run on a terminal as it happens: what passed in a line, what failed with why, where and what to do."""

from __future__ import annotations

import rich.status
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from testsuites.model import (
    CaseFinished,
    CaseStarted,
    Check,
    Event,
    Language,
    Outcome,
    RunFinished,
    RunStarted,
    Status,
    Suite,
)
from testsuites.reports.words import STATUS, WORDS, pick, seconds_text, verdict_of

_MARKS = {
    Status.PASSED: ("✔", "green"),
    Status.REMARK: ("●", "yellow"),
    Status.FAILED: ("✘", "bold red"),
    Status.ERROR: ("!", "bold magenta"),
    Status.SKIPPED: ("–", "bright_black"),
}
_MOST_CHECKS = 6
_LEAST_ID_WIDTH, _MOST_ID_WIDTH = 24, 28
_TOLD_FROM_S = 0.001


class TerminalReport:
    """Prints to ``console``; ``is_verbose`` adds why a case passed and the line that repeats it."""

    def __init__(self, console: Console, language: Language, *, is_verbose: bool = False) -> None:
        self._console = console
        self._language = language
        self._is_verbose = is_verbose
        self._suites: dict[str, Suite] = {}
        self._id_width = _LEAST_ID_WIDTH
        self._shown = ""
        self._told: set[tuple[str, str, str]] = set()
        self._status: rich.status.Status | None = None

    def on_event(self, event: Event) -> None:
        """Print what the event tells."""
        if isinstance(event, RunStarted):
            self._begin(event)
        elif isinstance(event, CaseStarted):
            self._working(event)
        elif isinstance(event, CaseFinished):
            self._case(event.outcome)
        elif isinstance(event, RunFinished):
            if self._status is not None:
                self._status.stop()
            self._end(event)

    def _working(self, event: CaseStarted) -> None:
        """Show on a terminal which case runs now; it goes away when the next is printed."""
        if self._status is None:
            if not self._console.is_terminal:
                return
            self._status = self._console.status("")
            self._status.start()
        title = escape(pick(event.case.title, self._language))
        self._status.update(f"[bright_black]{event.number}/{event.of}[/]  {title}")

    def _begin(self, event: RunStarted) -> None:
        self._suites = {suite.id: suite for suite in event.suites}
        longest = max((len(case.id) for suite in event.suites for case in suite.cases), default=0)
        self._id_width = min(max(longest, _LEAST_ID_WIDTH), _MOST_ID_WIDTH)
        self._console.print(f"[bold]{escape(event.info.contract)}[/bold]  {escape(event.info.target)}", soft_wrap=True)
        self._console.print(f"[bright_black]{self._word('logical_address')} {escape(event.info.logical_address)}[/]")
        for note in event.info.notes:
            self._console.print(f"[yellow]{escape(pick(note, self._language))}[/yellow]")

    def _case(self, outcome: Outcome) -> None:
        case = outcome.case
        if case.suite_id != self._shown:
            self._shown = case.suite_id
            self._console.print(f"\n[bold]{escape(pick(self._suites[case.suite_id].title, self._language))}[/bold]")
        mark, style = _MARKS[outcome.status]
        line = Table.grid(expand=True, padding=(0, 1))
        line.add_column(width=1)
        line.add_column(width=self._id_width, no_wrap=True)
        line.add_column(ratio=1)
        line.add_column(justify="right", width=8, style="bright_black")
        seconds = seconds_text(outcome.seconds, self._language) if outcome.seconds >= _TOLD_FROM_S else ""
        title_style = "bright_black" if outcome.status is Status.SKIPPED else ""
        line.add_row(
            Text(mark, style), Text(case.id, style), Text(pick(case.title, self._language), title_style), seconds
        )
        self._console.print(Padding(line, (0, 0, 0, 2)))
        self._explain(outcome)

    def _explain(self, outcome: Outcome) -> None:
        if outcome.status in (Status.ERROR, Status.SKIPPED):
            if outcome.status is Status.ERROR or self._is_verbose:
                self._print(pick(outcome.summary, self._language), "bright_black")
            return
        checks = outcome.of_status(Status.FAILED) or outcome.of_status(Status.REMARK)
        if checks and all(_key(check) in self._told for check in checks):
            self._print(f"{checks[0].rule}  {pick(WORDS['as_above'], self._language)}", "bright_black")
            return
        for check in checks[:_MOST_CHECKS]:
            self._check(check)
        if len(checks) > _MOST_CHECKS:
            self._print(f"+ {len(checks) - _MOST_CHECKS}", "bright_black")
        if outcome.status is Status.PASSED and self._is_verbose:
            self._print(pick(outcome.summary, self._language), "bright_black")
        if self._is_verbose and outcome.exchanges:
            self._console.print(Text(outcome.exchanges[0].command, "bright_black"), soft_wrap=True)

    def _check(self, check: Check) -> None:
        self._told.add(_key(check))
        style = _MARKS[check.status][1]
        count = f"  [bright_black]x {check.count}[/]" if check.count > 1 else ""
        text = escape(pick(check.text, self._language))
        self._console.print(Padding(f"[{style}]{escape(check.rule)}[/]  {text}{count}", (0, 0, 0, 4)))
        if check.where:
            self._print(check.where, "cyan", indent=6)
        if check.mend is not None:
            self._print(f"→ {pick(check.mend, self._language)}", "", indent=6)

    def _print(self, text: str, style: str, *, indent: int = 4) -> None:
        if text:
            self._console.print(Padding(Text(text, style), (0, 0, 0, indent)))

    def _end(self, event: RunFinished) -> None:
        key, words = verdict_of(event.totals)
        style = {"green": "bold green", "failed": "bold red", "not run": "bold magenta"}[key]
        counts = ", ".join(
            f"{getattr(event.totals, status.value)} {pick(STATUS[status], self._language).lower()}"
            for status in Status
            if getattr(event.totals, status.value)
        )
        seconds = seconds_text(event.seconds, self._language)
        self._console.print(f"\n[{style}]{pick(words, self._language)}[/]  {counts}  [bright_black]{seconds}[/]")

    def _word(self, name: str) -> str:
        return pick(WORDS[name], self._language)


def _key(check: Check) -> tuple[str, str, str]:
    """What makes two checks the same to a reader: rule, place, and what to do."""
    return check.rule, check.where, check.text.en if check.mend is None else check.mend.en
