"""``brygga register``: the register team's daily work (design 4).

Import a VIS file, publish, look at what is published, go back; every problem of a file with row, rule and mend.
"""

from __future__ import annotations

import getpass
import importlib
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import rich.console
from rich.markup import escape
from rich.table import Table

from contracts.errors import EXIT_DATA
from contracts.model import ReportingParty
from gateway.commands.distributed_views import NOT_SERVED, is_given
from gateway.commands.findings_views import SHOWN, emit_rejected, findings_data, render_findings
from gateway.commands.register_views import contract_data, forms, local, render_status
from gateway.console import Console, common_options, pass_console
from gateway.sections import catalogue_settings, register_of, register_settings, served_contracts
from gateway.settings import Settings
from producer.register import (
    Publication,
    publications,
    publish,
    register_status,
    rollback,
    upgrade_register,
)

if TYPE_CHECKING:
    from contracts.catalogue.model import Catalogue
    from producer.register.importer import ImportOutcome

IMPORT_PHASES = {"reading": "Reading and checking rows", "storing": "Storing measurements"}


_DAILY = {
    "aggregate": "Make every level and period of the catalogue from counts per unit, masked.",
    "completeness": "Tell what is expected and missing, masked or suspicious.",
    "pull": "Read counts from the register's own database.",
    "template": "Write an empty form of organisations, counts or the VIS file, explained.",
    "export": "Write the measurements as a VIS file that imports to the same register.",
}


class _Group(click.Group):
    """The group with the commands of `gateway.commands.register_daily`, imported when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*super().list_commands(ctx), *_DAILY]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _DAILY:
            return super().get_command(ctx, cmd_name)
        found: click.Command = getattr(importlib.import_module("gateway.commands.register_daily"), cmd_name)
        return found


@click.group(cls=_Group)
def command() -> None:
    """Import results, publish them, look back."""


@command.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Check the file and say what would change; change nothing.")
@click.option(
    "--register-hsa-id", help="HSA-id that the file must be of [default: organization.hsa_id of the settings]."
)
@click.option(
    "--allow-adjusted-rates", is_flag=True, help="Rates need not be Numerator / Denominator (adjusted for case mix)."
)
@click.option("--all-findings", is_flag=True, help=f"List every kept finding, not only the first {SHOWN}.")
@common_options
@pass_console
def import_(
    console: Console,
    file: Path,
    *,
    dry_run: bool,
    register_hsa_id: str | None,
    allow_adjusted_rates: bool,
    all_findings: bool,
) -> None:
    """Import FILE, a VIS file as CSV or XLSX: all of it, or nothing when a row is wrong."""
    # Reading files takes a data-frame engine that the other commands need not load.
    from producer.register.importer import import_vis
    from producer.register.vis.findings import VisFileRejected
    from producer.register.vis.rules import RULE_TITLES

    settings = console.settings()
    catalogue = _catalogue(settings)
    if register_hsa_id is None and settings.has("organization"):
        register_hsa_id = settings.build("organization", ReportingParty).hsa_id
    shown = None if all_findings else SHOWN
    with register_of(settings, create=True) as register, console.phases(IMPORT_PHASES) as progress:
        try:
            outcome = import_vis(
                register,
                file,
                expected_hsa_id=register_hsa_id,
                who=user(),
                dry_run=dry_run,
                allow_adjusted_rates=allow_adjusted_rates,
                catalogue=catalogue,
                progress=progress,
            )
        except VisFileRejected as error:
            rejected = error
        else:
            console.emit(_outcome_data(outcome), lambda out: _render_outcome(out, outcome, shown))
            return
    emit_rejected(console, rejected, shown, RULE_TITLES)
    raise SystemExit(EXIT_DATA)


@command.command("publish")
@click.option("--require-complete", is_flag=True, help="Publish only when nothing that is expected is missing.")
@click.option("--repair", is_flag=True, help="Make every slice again, and write those anew that are damaged.")
@common_options
@pass_console
def publish_(console: Console, *, require_complete: bool, repair: bool) -> None:
    """Make what was imported visible to consumers, in one step, in every contract version that is served."""
    settings = console.settings()
    if require_complete:
        from gateway.commands import register_daily

        register_daily.require_complete(console, settings)
    served = served_contracts(settings)
    keep = register_settings(settings).keep_publications
    is_written = any(contract.codec.uses_catalogue for contract in served)
    catalogue = _catalogue(settings) if is_written else None
    with register_of(settings) as register, console.progress("Making slices") as advance:
        outcome = publish(
            register,
            served,
            who=user(),
            keep=keep,
            definitions=None if catalogue is None else catalogue.definitions(),
            repair=repair,
            progress=lambda _done, total: advance(1, total=total),
        )
        status = register_status(register)
    publication = outcome.publication
    data = {
        "publication": _publication_data(publication),
        "is_new": outcome.is_new,
        "rendered_slices": outcome.rendered_slices,
        "changed_slices": outcome.changed_slices,
    }

    def render(out: rich.console.Console) -> None:
        if not outcome.is_new:
            out.print(f"Nothing has changed: publication {publication.id} is current.")
            return
        shared = sum(part.slice_count for part in publication.contracts) - outcome.changed_slices
        out.print(f"[ok]Published[/ok] as publication {publication.id}; consumers see it now.")
        for name, count, part in forms(publication, served):
            out.print(f"  {name}: {count} in {part.slice_count} slices")
        out.print(f"  {outcome.changed_slices} slices changed, {max(shared, 0)} shared with the publication before")

    console.emit(data, render)
    if status.distributed.measurements and not is_given(served):
        console.warn(NOT_SERVED)


@command.command("publications")
@common_options
@pass_console
def list_publications(console: Console) -> None:
    """List the publications that are kept."""
    with register_of(console.settings()) as register:
        kept = publications(register)

    def render(out: rich.console.Console) -> None:
        if not kept:
            out.print("Nothing is published yet: brygga register publish")
            return
        table = Table("", "Publication", "Published", "By", "Form", "Measurements", "Slices", box=None)
        for publication in kept:
            for part in publication.contracts:
                table.add_row(
                    "[ok]current[/ok]" if publication.is_current else "",
                    str(publication.id),
                    local(publication.published_at),
                    escape(publication.who),
                    part.rendering,
                    str(part.measurement_count),
                    str(part.slice_count),
                )
        out.print(table)

    console.emit([_publication_data(publication) for publication in kept], render)


@command.command("rollback")
@click.argument("publication_id", metavar="ID", type=int)
@common_options
@pass_console
def roll_back(console: Console, publication_id: int) -> None:
    """Make publication ID current again. The register's measurements stay as they are."""
    with register_of(console.settings()) as register:
        publication = rollback(register, publication_id, who=user())

    def render(out: rich.console.Console) -> None:
        out.print(f"Publication {publication.id} of {local(publication.published_at)} is current.")
        out.print("The next publish shows the register's present measurements again.", style="dim")

    console.emit(_publication_data(publication), render)


@command.command("status")
@common_options
@pass_console
def show_status(console: Console) -> None:
    """Show what the register holds, what is published of it for each contract, and what is not published yet."""
    settings = console.settings()
    served = served_contracts(settings)
    with register_of(settings) as register:
        status = register_status(register)
    data = {**asdict(status), "contracts": [contract_data(contract, status.current) for contract in served]}
    console.emit(data, lambda out: render_status(out, status, served))


@command.command("upgrade")
@common_options
@pass_console
def upgrade(console: Console) -> None:
    """Bring the register's tables to this program's version. Make a backup and stop the producer first."""
    settings = console.settings()
    section = register_settings(settings)
    before, after = upgrade_register(section.url_from(settings.base), lock_wait_s=section.lock_wait_s)

    def render(out: rich.console.Console) -> None:
        same = before == after
        out.print(f"The register has schema version {after}{'; nothing to do' if same else f', before {before}'}.")

    console.emit({"before": before, "after": after}, render)


def _catalogue(settings: Settings) -> Catalogue | None:
    """Give the working folder's catalogue, None when there is none."""
    file = catalogue_settings(settings).file
    if not file.exists():
        return None
    from contracts.catalogue.files import load_catalogue

    return load_catalogue(file)


def user() -> str:
    """Name who runs the program, for the notes of the register."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return f"user {os.getuid()}"


# -- what is shown ---------------------------------------------------------------------------------------------


def _publication_data(publication: Publication) -> dict[str, Any]:
    return asdict(publication)


def _outcome_data(outcome: ImportOutcome) -> dict[str, Any]:
    names = [name for name in outcome.__dataclass_fields__ if name not in ("findings", "interrupted")]
    data = {name: getattr(outcome, name) for name in names}
    return {"is_accepted": True, **data, **findings_data(outcome.findings)}


def _render_outcome(out: rich.console.Console, outcome: ImportOutcome, shown: int | None) -> None:
    from producer.register.vis.rules import RULE_TITLES

    if outcome.findings.warning_count:
        render_findings(out, outcome.findings, shown, RULE_TITLES)
    verb = "Would import" if outcome.is_dry_run else "Imported"
    out.print(f"[ok]{verb}[/ok] {outcome.rows} rows of {outcome.measures} indicators from {escape(outcome.file_name)}:")
    out.print(
        f"  {outcome.inserted} new, {outcome.updated} changed, {outcome.deleted} removed, {outcome.unchanged} as before"
    )
    if outcome.interrupted is not None:
        out.print(f"  An earlier {escape(outcome.interrupted.describe())} was interrupted; nothing of it remains.")
    if not outcome.is_dry_run and outcome.changed_groups:
        out.print("Consumers see it after: brygga register publish", style="dim")
