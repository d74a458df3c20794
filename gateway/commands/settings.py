"""``brygga settings``: each setting in force and where it comes from."""

from __future__ import annotations

from dataclasses import asdict

import click
import rich.console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from contracts.errors import UsageError
from gateway.console import Console, common_options, pass_console
from gateway.sections import effective_settings


@click.command()
@click.argument("name", required=False, default="")
@click.option("--explain", is_flag=True, help="Say what each setting means.")
@common_options
@pass_console
def command(console: Console, name: str, *, explain: bool) -> None:
    """Show each setting in force and where it comes from; with NAME those whose name begins so, such as producer."""
    values = [value for value in effective_settings(console.settings()) if value.name.startswith(name)]
    if name and not values:
        raise UsageError(f"No setting in use begins with {name!r}. `brygga settings` lists them all.")
    data = [asdict(value) for value in values]

    def render(out: rich.console.Console) -> None:
        if explain:
            for value in values:
                out.print(
                    f"[head]{value.name}[/head] = {escape(_text(value.value))}  [dim]({escape(value.source)})[/dim]"
                )
                out.print(Padding(escape(value.meaning), (0, 0, 0, 4)))
            return
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
