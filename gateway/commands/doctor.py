"""``brygga doctor``: what is right and what is wrong here, with what to do about it."""

from __future__ import annotations

from dataclasses import asdict

import click
import rich.console
from rich.markup import escape
from rich.table import Table

from contracts.errors import EXIT_ENVIRONMENT
from gateway.checks import Check, run_checks
from gateway.console import Console, common_options, pass_console

_MARKS = {"ok": "[ok]ok[/ok]", "warning": "[warn]look[/warn]", "error": "[bad]wrong[/bad]"}


@click.command()
@common_options
@pass_console
def command(console: Console) -> None:
    """Check settings, certificates, database and ports; nothing is changed."""
    checks = list(run_checks(console.settings()))
    is_well = all(check.state != "error" for check in checks)
    console.emit(
        {"is_well": is_well, "checks": [asdict(check) for check in checks]}, lambda out: _render(out, checks, is_well)
    )
    if not is_well:
        raise SystemExit(EXIT_ENVIRONMENT)


def _render(out: rich.console.Console, checks: list[Check], is_well: bool) -> None:
    table = Table("", "What", "How it is", box=None, header_style="dim", show_header=False)
    for check in checks:
        text = escape(check.text)
        if check.mend:
            text += f"\n[dim]→[/dim] {escape(check.mend)}"
        table.add_row(_MARKS[check.state], check.about, text)
    out.print(table)
    if is_well:
        out.print("\n[ok]Nothing stands in the way.[/ok]")
    else:
        out.print("\n[bad]Something is wrong; see above.[/bad]")
