"""What is wrong in a file: findings with row, column, rule and mend, counted without bound and kept up to one.

A row number is what a person sees in Excel: the header is row 1, the instruction row 2.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from contracts.errors import ImportRejected
from contracts.rules import Severity

KEPT_PER_RULE = 200


@dataclass(frozen=True, slots=True)
class ImportFinding:
    """One place in a file that breaks a rule of `producer.register.vis.rules`; ``row`` None: the whole file.

    ``what`` says what is wrong and may hold values of the file, ``mend`` what to do.
    """

    rule: str
    severity: Severity
    row: int | None
    column: str | None
    what: str
    mend: str


class Findings:
    """Collects findings: every one is counted, the first `KEPT_PER_RULE` of each rule are kept."""

    def __init__(self) -> None:
        self._kept: list[ImportFinding] = []
        self._kept_per_rule: Counter[str] = Counter()
        self._counts: dict[Severity, Counter[str]] = {"error": Counter(), "warning": Counter()}

    def add(self, finding: ImportFinding) -> None:
        """Add one finding."""
        self.extend([finding], 1)

    def extend(self, kept: Iterable[ImportFinding], count: int) -> None:
        """Add ``count`` findings of one rule, of which ``kept`` are the first in row order."""
        for number, finding in enumerate(kept):
            if number == 0:
                self._counts[finding.severity][finding.rule] += count
            if self._kept_per_rule[finding.rule] < KEPT_PER_RULE:
                self._kept_per_rule[finding.rule] += 1
                self._kept.append(finding)

    @property
    def error_count(self) -> int:
        """Number of findings of severity error."""
        return self._counts["error"].total()

    @property
    def warning_count(self) -> int:
        """Number of findings of severity warning."""
        return self._counts["warning"].total()

    def counts(self, severity: Severity) -> dict[str, int]:
        """Give the number of findings by rule."""
        return dict(sorted(self._counts[severity].items()))

    def kept(self) -> Sequence[ImportFinding]:
        """Give the kept findings: errors first, then by row, column and rule."""
        return sorted(
            self._kept,
            key=lambda finding: (finding.severity, finding.row or 0, finding.column or "", finding.rule),
        )


class VisFileRejected(ImportRejected):
    """A VIS file with errors; the register was not changed. ``findings`` says what is wrong."""

    def __init__(self, file_name: str, findings: Findings) -> None:
        errors, warnings = findings.error_count, findings.warning_count
        super().__init__(
            f"{file_name} was not imported: {errors} error(s) and {warnings} warning(s). The register is unchanged. "
            "Correct the rows that are listed and import the file again."
        )
        self.findings = findings
