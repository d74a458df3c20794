"""``brygga contracts verify`` and ``add``: official contract packages against what is built in, and in its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import rich.console
from rich.markup import escape
from rich.table import Column, Table

from contracts.comparison import Difference
from contracts.errors import EXIT_FINDINGS
from contracts.packages import PackagedContract, add_package, verify_package
from gateway.console import Console, common_options, pass_console
from gateway.sections import package_folder

_PACKAGE = click.argument("package", type=click.Path(path_type=Path))


@click.command()
@_PACKAGE
@common_options
@pass_console
def verify(console: Console, package: Path) -> None:
    """Compare PACKAGE (a ZIP file or folder of rivta.se) with the built-in contracts; exit 1 when they differ."""
    found = verify_package(package)
    console.emit(_as_data(found), lambda out: _render(out, found, said="equal to the built-in schema"))
    if not all(packaged.is_equal for packaged in found):
        raise SystemExit(EXIT_FINDINGS)


@click.command()
@_PACKAGE
@common_options
@pass_console
def add(console: Console, package: Path) -> None:
    """Serve and validate with the schema files of PACKAGE, where they fit; exit 1 when some do not.

    The files are kept in the folder that [contracts] packages names; delete them there to go back.
    """
    folder = package_folder(console.settings())
    found = add_package(package, folder)

    def render(out: rich.console.Console) -> None:
        _render(out, found, said="added, with the built-in structure", said_of_additions="added, with additions")
        if any(packaged.is_compatible for packaged in found):
            out.print(f"Kept in {escape(str(folder))}. A producer uses it after a restart.", style="dim")
        if not all(packaged.is_compatible for packaged in found):
            out.print(
                "\nWhat breaks is missing from this program: its messages would not be right. The built-in schema"
                " stays in force. Report it to the maintainers with this list."
            )

    console.emit(_as_data(found), render)
    if not all(packaged.is_compatible for packaged in found):
        raise SystemExit(EXIT_FINDINGS)


def difference_table(differences: Sequence[Difference]) -> Table:
    """Make the readable list of differences."""
    where = Column("Where", overflow="fold")
    table = Table("", where, "What", box=None, header_style="dim", pad_edge=False)
    for difference in differences:
        mark = "[bad]breaks[/bad]" if difference.is_breaking else "adds"
        table.add_row(mark, escape(difference.where), escape(difference.what))
    return table


def _as_data(found: Sequence[PackagedContract]) -> list[dict[str, Any]]:
    return [
        {
            "contract": packaged.contract.id,
            "is_equal": packaged.is_equal,
            "is_compatible": packaged.is_compatible,
            "files": [str(path) for path in packaged.files],
            "differences": [asdict(difference) for difference in packaged.differences],
        }
        for packaged in found
    ]


def _render(
    out: rich.console.Console, found: Sequence[PackagedContract], *, said: str, said_of_additions: str = ""
) -> None:
    for packaged in found:
        contract = packaged.contract
        about = f"[head]{contract.interaction} {contract.version}[/head]"
        if packaged.is_equal:
            out.print(f"{about}  [ok]{said}[/ok] ({len(packaged.files)} files)")
            continue
        breaking = sum(difference.is_breaking for difference in packaged.differences)
        count = f"{len(packaged.differences)} differences, {breaking} breaking"
        if packaged.is_compatible and said_of_additions:
            count = f"[ok]{said_of_additions}[/ok]: {count}"
        out.print(f"{about}  {count}")
        if contract.is_reconstruction:
            out.print("  The built-in one is a reconstruction: differences are to be expected.", style="dim")
        out.print(difference_table(packaged.differences))
