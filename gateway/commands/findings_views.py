"""How problems of a file that is read are shown: the same table for every kind of file, and the same JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import rich.console
from rich.markup import escape
from rich.table import Table

from gateway.console import Console

if TYPE_CHECKING:
    from contracts.codes import Bilingual
    from producer.register.vis.findings import Findings

SHOWN: Final = 40
"""Findings in a table unless all are asked for; beyond them only how many of each rule."""
Titles = Mapping[str, "Bilingual"]
_NO_TITLES: Final[Titles] = MappingProxyType({})


def findings_data(findings: Findings) -> dict[str, Any]:
    """Give findings for --json."""
    return {
        "errors": findings.error_count,
        "warnings": findings.warning_count,
        "errors_by_rule": findings.counts("error"),
        "warnings_by_rule": findings.counts("warning"),
        "findings": [asdict(finding) for finding in findings.kept()],
    }


def render_findings(
    out: rich.console.Console, findings: Findings, shown: int | None, titles: Titles = _NO_TITLES
) -> None:
    """Draw findings as a table, at most ``shown`` (None: all that were kept) and the number of the others by rule.

    ``titles``: of the rules, for the numbers; without any, their ids stand alone.
    """
    kept = findings.kept()[:shown]
    table = Table("Row", "Column", "Rule", "What is wrong", "What to do", box=None, header_style="head", padding=(0, 1))
    for finding in kept:
        style = "bad" if finding.severity == "error" else "warn"
        table.add_row(
            "file" if finding.row is None else str(finding.row),
            finding.column or "",
            f"[{style}]{finding.rule}[/{style}]",
            escape(finding.what),
            escape(finding.mend),
        )
    out.print(table)
    hidden = findings.error_count + findings.warning_count - len(kept)
    if hidden:
        out.print(f"... and {hidden} more. In all:", style="dim")
        for severity in ("error", "warning"):
            for rule, count in findings.counts(severity).items():
                title = f" {titles[rule].en}" if titles else ""
                out.print(f"  {count:>8} {severity}(s) of {rule}{title}", style="dim")


def emit_rejected(console: Console, error: Any, shown: int | None, titles: Titles = _NO_TITLES) -> None:
    """Show what is wrong with a file that is refused; ``error`` has ``message`` and ``findings``."""
    data = {"is_accepted": False, "message": error.message, **findings_data(error.findings)}
    console.emit(data, lambda out: render_findings(out, error.findings, shown, titles))
    if not console.is_json:
        console.err.print(f"[bad]Error:[/bad] {escape(error.message)}")
