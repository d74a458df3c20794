"""What a test run is made of: suites of cases, the checks of a case, its outcome, and the events of a run.

Case ids are stable: reports, JUnit files and filters name cases by them. Texts are English and Swedish, because
the report is filed in Swedish (contract reference 7 and 8).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, TypeAlias

from contracts.codes import Bilingual
from contracts.errors import EXIT_FINDINGS, EXIT_OK, EXIT_REMOTE

if TYPE_CHECKING:
    from testsuites.session import Session

Language: TypeAlias = Literal["en", "sv"]


class Status(StrEnum):
    """Outcome of a check or a case. A remark does not hinder approval; an error means that nothing was judged."""

    PASSED = "passed"
    REMARK = "remark"
    FAILED = "failed"
    ERROR = "error"
    SKIPPED = "skipped"


_NUMBER = re.compile(r"(D\.)?\d+(\.\d+)*")
_GRAVITY = (Status.PASSED, Status.REMARK, Status.FAILED)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at within a case.

    ``rule`` is a rule id of `contracts.rules` or a stable name of the suite's own. ``count`` is how many places
    broke it; ``where`` and ``snippet`` show the first, as path and XML (untrusted text).
    """

    rule: str
    status: Status
    text: Bilingual
    where: str = ""
    mend: Bilingual | None = None
    count: int = 1
    snippet: str = ""


Judge: TypeAlias = "Callable[[Session], Iterable[Check]]"


@dataclass(frozen=True, slots=True)
class Case:
    """A numbered test: what is asked, what is expected, where that stands, and the function that judges.

    ``is_gate``: the case only finds out whether the endpoint can be tested; it never makes a run green by itself.
    """

    id: str
    title: Bilingual
    expectation: Bilingual
    reference: str
    judge: Judge = field(compare=False, repr=False)
    is_gate: bool = False

    @property
    def suite_id(self) -> str:
        """The suite's id, the part before the first point."""
        return self.id.partition(".")[0]

    @property
    def number(self) -> str:
        """Number of the test or rule in its document, such as 2.1 or D.3; empty for a case that is only named."""
        name = self.id.partition(".")[2]
        return name if _NUMBER.fullmatch(name) else ""


@dataclass(frozen=True, slots=True)
class Suite:
    """A named group of cases, run in order."""

    id: str
    title: Bilingual
    description: Bilingual
    cases: tuple[Case, ...]


@dataclass(frozen=True, slots=True)
class ExchangeView:
    """One question and answer as a report shows them: bounded in size, texts untrusted.

    ``purpose`` says why it was asked when it is not the case's own question.
    ``answer`` is the beginning of the answer, indented; ``command`` is the shell line that repeats the request,
    ``request_file`` the name of the file that it sends, empty when it sends none.
    """

    purpose: Bilingual | None
    url: str
    request_headers: tuple[tuple[str, str], ...]
    request: str
    http_status: int | None
    answer_headers: tuple[tuple[str, str], ...]
    answer: str
    answer_bytes: int
    seconds: float
    command: str
    request_file: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a case. ``reason`` says why it was skipped or could not be run."""

    case: Case
    status: Status
    checks: tuple[Check, ...]
    exchanges: tuple[ExchangeView, ...]
    started_at: datetime
    seconds: float
    summary: Bilingual
    reason: Bilingual | None = None

    def of_status(self, *statuses: Status) -> tuple[Check, ...]:
        """Give the checks that have one of ``statuses``."""
        return tuple(check for check in self.checks if check.status in statuses)


@dataclass(frozen=True, slots=True)
class Totals:
    """How many cases ended in each way; gates are not counted."""

    passed: int = 0
    remark: int = 0
    failed: int = 0
    error: int = 0
    skipped: int = 0

    @property
    def is_green(self) -> bool:
        """Something was judged, and all of it holds."""
        return self.exit_code == EXIT_OK

    @property
    def executed(self) -> int:
        """How many cases were judged."""
        return self.passed + self.remark + self.failed

    @property
    def exit_code(self) -> int:
        """Give the exit code of style 6: findings, else remote failure (also when nothing was judged), else 0."""
        if self.failed:
            return EXIT_FINDINGS
        return EXIT_REMOTE if self.error or not self.executed else EXIT_OK


@dataclass(frozen=True, slots=True)
class RunInfo:
    """What was tested, how and by what; ``data`` are the test data as name and value."""

    contract: str
    target: str
    logical_address: str
    sender: str
    data: tuple[tuple[Bilingual, str], ...]
    program: str
    is_recorded: bool
    notes: tuple[Bilingual, ...] = ()


@dataclass(frozen=True, slots=True)
class RunStarted:
    """First event of a run."""

    info: RunInfo
    suites: tuple[Suite, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class CaseStarted:
    """A case is about to be run."""

    case: Case
    number: int
    of: int


@dataclass(frozen=True, slots=True)
class CaseFinished:
    """A case has been run or passed over."""

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class RunFinished:
    """Last event of a run; ``answer_times_s`` are the seconds of every call."""

    totals: Totals
    at: datetime
    seconds: float
    answer_times_s: tuple[float, ...] = ()


Event: TypeAlias = RunStarted | CaseStarted | CaseFinished | RunFinished


class CaseSkipped(Exception):
    """Raised by a judge whose case does not apply; ``reason`` is shown in the report."""

    def __init__(self, reason: Bilingual) -> None:
        super().__init__(reason.en)
        self.reason = reason


def gravest(checks: Sequence[Check]) -> Status:
    """Give the status of a case from its checks: the gravest of them."""
    return max((check.status for check in checks), key=_GRAVITY.index, default=Status.PASSED)


def total(outcomes: Iterable[Outcome]) -> Totals:
    """Count ``outcomes`` by status, without gates that passed."""
    counts = {status.value: 0 for status in Status}
    for outcome in outcomes:
        if not (outcome.case.is_gate and outcome.status is Status.PASSED):
            counts[outcome.status.value] += 1
    return Totals(**counts)
