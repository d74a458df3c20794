"""``brygga settings``: each setting in force and where it comes from."""

from __future__ import annotations

import click
import rich.console
from rich.markup import escape
from rich.table import Table

from gateway.console import Console, common_options, pass_console
from gateway.sections import effective_settings


@click.command()
@common_options
@pass_console
def command(console: Console) -> None:
    """Show each setting in force and where it comes from."""
    values = list(effective_settings(console.settings()))
    data = [{"name": value.name, "value": value.value, "source": value.source} for value in values]

    def render(out: rich.console.Console) -> None:
        table = Table("Setting", "Value", "From", box=None, header_style="head")
        for value in values:
            style = "dim" if value.source == "default" else None
            table.add_row(value.name, escape(_text(value.value)), escape(value.source), style=style)
        out.print(table)

    console.emit(data, render)


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "(none)"
    return "-" if value is None else str(value)
