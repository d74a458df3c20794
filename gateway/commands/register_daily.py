"""``brygga register aggregate``, ``pull``, ``completeness``, ``export``, ``template``: from counts to a report.

Commands of the group in `gateway.commands.register`, which imports this module when one of them is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click
import rich.console
from rich.markup import escape
from rich.table import Table

from contracts.errors import EXIT_DATA, EXIT_FINDINGS
from gateway.commands.findings_views import SHOWN, emit_rejected, findings_data, render_findings
from gateway.console import Console, common_options, pass_console
from gateway.sections import catalogue_settings, organizations_settings, parties, register_of, register_settings
from gateway.settings import Settings

if TYPE_CHECKING:
    from contracts.catalogue.model import Catalogue
    from producer.calculation.pipeline import Calculated, Options
    from producer.completeness import Completeness
    from producer.organizations.model import Organizations

_SHOWN = 40
_SWEDEN = ZoneInfo("Europe/Stockholm")
_PHASES = {
    "reading": "Reading counts",
    "summing": "Summing levels and periods",
    "masking": "Protecting masked values",
    "storing": "Storing measurements",
}


@click.command("aggregate")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Write the VIS file here [default: FILE with .vis.csv].")
@click.option("--import", "imports", is_flag=True, help="Import the VIS file at once.")
@click.option("--keep", is_flag=True, help="Add to what the register holds (KEEP), instead of replacing it.")
@click.option("--audience", help="Whose display threshold holds [default: the strictest of all].")
@click.option("--strict", is_flag=True, help="Mask also when fewer than 5 are on either side of a proportion.")
@click.option("--round", "rounds", is_flag=True, help="Round counts to tens and rates to hundredths, or to 5 % of few.")
@common_options
@pass_console
def aggregate(
    console: Console,
    file: Path,
    *,
    out: Path | None,
    imports: bool,
    keep: bool,
    audience: str | None,
    strict: bool,
    rounds: bool,
) -> None:
    """Make every level and period of the catalogue from FILE, counts per unit: a VIS file, masked."""
    from producer.calculation.pipeline import Options, calculate
    from producer.register.vis.writing import write_vis
    from producer.tabular import TableRejected

    settings = console.settings()
    organization = parties(settings)["organization"]
    catalogue = known_catalogue(settings)
    today = datetime.now(_SWEDEN).date()
    default = catalogue_settings(settings).default_threshold
    name = organization.name or organization.hsa_id
    options = Options(organization.hsa_id, name, today, audience, default, strict, rounds)
    target = out or file.with_suffix(".vis.csv")
    try:
        with console.phases(_PHASES) as progress:
            done = calculate(file, catalogue, known_organizations(settings), options, progress)
    except TableRejected as error:
        emit_rejected(console, error, SHOWN)
        raise SystemExit(EXIT_DATA) from None
    write_vis(target, done.rows, mode="KEEP" if keep else "DELETE", hsa_id=organization.hsa_id)
    data: dict[str, Any] = {"file": str(target), **_calculated_data(done, options)}
    if imports:
        data["import"] = _import(console, settings, target, catalogue)
    console.emit(data, lambda out_: _render_calculated(out_, done, target, data.get("import")))


def _import(console: Console, settings: Settings, target: Path, catalogue: Catalogue) -> dict[str, Any]:
    from gateway.commands.register import user
    from producer.register.importer import import_vis
    from producer.register.vis.findings import VisFileRejected

    with register_of(settings, create=True) as register, console.phases(_PHASES) as progress:
        try:
            outcome = import_vis(
                register,
                target,
                expected_hsa_id=parties(settings)["organization"].hsa_id,
                who=user(),
                allow_adjusted_rates=any(one.is_standardised for one in catalogue.measures),
                catalogue=catalogue,
                progress=progress,
            )
        except VisFileRejected as error:
            emit_rejected(console, error, SHOWN)
            raise SystemExit(EXIT_DATA) from None
    return {name: getattr(outcome, name) for name in ("rows", "inserted", "updated", "deleted", "unchanged")}


def known_catalogue(settings: Settings) -> Catalogue:
    """Give the working folder's catalogue. Raises ConfigurationError."""
    from contracts.catalogue.files import load_catalogue

    return load_catalogue(catalogue_settings(settings).file)


def known_organizations(settings: Settings) -> Organizations:
    """Give the working folder's hospitals and units. Raises DataError."""
    from producer.organizations.reading import read_organizations

    return read_organizations(organizations_settings(settings).file)


def _calculated_data(done: Calculated, options: Options) -> dict[str, Any]:
    names = ("counted_rows", "measures", "by_level", "masked", "suppressed", "unreported", "without_basis", "methods")
    return {
        "is_accepted": True,
        "rows": done.rows.height,
        **{name: getattr(done, name) for name in names},
        "options": {"audience": options.audience, "strict": options.strict, "rounded": options.rounds},
        **findings_data(done.findings),
    }


def _render_calculated(
    out: rich.console.Console, done: Calculated, target: Path, imported: Mapping[str, Any] | None
) -> None:
    if done.findings.warning_count:
        render_findings(out, done.findings, SHOWN)
    levels = ", ".join(f"{level} {count}" for level, count in done.by_level.items())
    out.print(
        f"[ok]Calculated[/ok] {done.rows.height} rows of {done.measures} indicators from {done.counted_rows} counts:"
    )
    out.print(f"  by level: {levels}")
    out.print(
        f"  {done.masked} masked below their threshold (MSK), {done.suppressed} more hidden to protect them, "
        f"{done.without_basis} without basis (INV), {done.unreported} not reported (UNK)"
    )
    methods = ", ".join(sorted(set(done.methods.values()) - {"none"})) or "none"
    out.print(f"  95 % confidence intervals: {methods}")
    out.print(f"  written to {escape(str(target))}")
    if imported is None:
        out.print(f"Next: brygga register import {escape(str(target))}", style="dim")
        return
    out.print(
        f"[ok]Imported[/ok]: {imported['inserted']} new, {imported['updated']} changed, {imported['deleted']} removed, "
        f"{imported['unchanged']} as before"
    )
    out.print("Consumers see it after: brygga register publish", style="dim")


@click.command("template")
@click.argument("form", type=click.Choice(["organizations", "counts", "vis"]))
@click.argument("file", type=click.Path(path_type=Path))
@common_options
@pass_console
def template(console: Console, form: str, file: Path) -> None:
    """Write an empty FORM with explanations and an example to FILE (.csv or .xlsx)."""
    from producer.templates import write_template

    write_template(form, file)  # type: ignore[arg-type]  # click knows the choices
    console.emit({"file": str(file)}, lambda out: out.print(f"Wrote {escape(str(file))}; its rows are an example."))


@click.command("export")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(["vis"]), default="vis", help="Form of the file.")
@click.option("--register-hsa-id", help="Which source system, when the register holds several.")
@click.option("--keep", is_flag=True, help="Write KEEP into the instruction row instead of DELETE.")
@common_options
@pass_console
def export(console: Console, file: Path, *, form: str, register_hsa_id: str | None, keep: bool) -> None:
    """Write the register's measurements to FILE; importing it gives the same register."""
    from producer.register.export import register_rows
    from producer.register.vis.writing import write_vis

    with register_of(console.settings()) as register:
        hsa_id, rows = register_rows(register, hsa_id=register_hsa_id)
    write_vis(file, rows, mode="KEEP" if keep else "DELETE", hsa_id=hsa_id)
    data = {"file": str(file), "format": form, "rows": rows.height, "register_hsa_id": hsa_id}
    console.emit(data, lambda out: out.print(f"[ok]Wrote[/ok] {rows.height} rows to {escape(str(file))}."))


@click.command("completeness")
@click.option("--html", "html", type=click.Path(path_type=Path), help="Write the report with pictures to this file.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="Last day of the periods that are expected.")
@common_options
@pass_console
def completeness(console: Console, html: Path | None, *, until: datetime | None) -> None:
    """Tell what is expected and missing, masked or suspicious. Exit 1 when something is missing."""
    settings = console.settings()
    found = find_completeness(settings, until)
    if html is not None:
        from producer.completeness.html import completeness_html

        organization = parties(settings)["organization"]
        html.write_text(
            completeness_html(found, register_name=organization.name or organization.hsa_id), encoding="utf-8"
        )
        console.note(f"Wrote {escape(str(html))}")
    console.emit(completeness_data(found), lambda out: render_completeness(out, found))
    if not found.is_complete:
        raise SystemExit(EXIT_FINDINGS)


def find_completeness(settings: Settings, until: datetime | None = None) -> Completeness:
    """Check the register against catalogue and organisations, where there is a file of those."""
    from producer.completeness import check_completeness
    from producer.register.export import register_rows

    with register_of(settings) as register:
        _, rows = register_rows(register)
    has_organizations = organizations_settings(settings).file.exists()
    organizations = known_organizations(settings) if has_organizations else None
    return check_completeness(rows, known_catalogue(settings), organizations, until.date() if until else None)


def require_complete(console: Console, settings: Settings) -> None:
    """Stop with exit code 1, and what is missing, unless the register is complete."""
    found = find_completeness(settings)
    if found.is_complete:
        return
    console.emit(completeness_data(found), lambda out: render_completeness(out, found))
    console.err.print(f"[bad]Not published:[/bad] {found.missing_count} expected value(s) are missing.")
    raise SystemExit(EXIT_FINDINGS)


def completeness_data(found: Completeness) -> dict[str, Any]:
    """Give a completeness report for --json."""
    return {
        "is_complete": found.is_complete,
        "until": found.until,
        "missing_count": found.missing_count,
        "measures": [{**asdict(one), "share": one.share} for one in found.measures],
        "missing": [asdict(one) for one in found.missing],
        "suspicions": [asdict(one) for one in found.suspicions],
    }


def render_completeness(out: rich.console.Console, found: Completeness) -> None:
    """Draw a completeness report."""
    table = Table("Indicator", "Expected", "Values", "Masked", "Not reported", "No basis", "Missing", "There", box=None)
    for column in table.columns[1:]:
        column.justify = "right"
    for one in found.measures:
        numbers = (one.expected, one.values, one.masked, one.unreported, one.without_basis)
        style = "bad" if one.missing else "ok"
        missing = f"[{style}]{one.missing}[/{style}]"
        table.add_row(escape(one.title), *map(str, numbers), missing, f"{one.share:.0%}")
    out.print(table)
    for gap in found.missing[:_SHOWN]:
        out.print(
            f"  [bad]missing[/bad] {escape(gap.measure_id)}, {escape(gap.organization_name)}, "
            f"{gap.start} to {gap.end}: {gap.reason}"
        )
    if found.missing_count > _SHOWN:
        out.print(f"  ... and {found.missing_count - _SHOWN} more missing", style="dim")
    for one_ in found.suspicions[:_SHOWN]:
        place = f"{one_.organization_name}, {one_.start} to {one_.end}: " if one_.start else ""
        out.print(
            f"  [warn]{one_.rule}[/warn] {escape(one_.measure_id)} {escape(place)}{escape(one_.what)} {one_.mend}"
        )
    out.print(
        "[ok]Nothing that is expected is missing.[/ok]" if found.is_complete else f"{found.missing_count} missing."
    )


@click.command("pull")
@click.argument("file", type=click.Path(path_type=Path), default=Path("counts.csv"))
@common_options
@pass_console
def pull(console: Console, file: Path) -> None:
    """Read counts from the databases of the settings ([[register.sources]]) into FILE [default: counts.csv]."""
    from contracts.errors import ConfigurationError
    from producer.register.pull import pull as pull_counts

    settings = console.settings()
    sources = register_settings(settings).sources
    if not sources:
        raise ConfigurationError(
            "The settings name no source. Add [[register.sources]] with url and [[register.sources.queries]]."
        )
    queries = sum(len(source.queries) for source in sources)
    with console.progress("Pulling counts", queries) as advance:
        rows = pull_counts(sources, settings.base, file, advance)
    data = {"file": str(file), "rows": rows, "sources": [source.name for source in sources], "queries": queries}

    def render(out: rich.console.Console) -> None:
        out.print(f"[ok]Pulled[/ok] {rows} rows with {queries} queries into {escape(str(file))}.")
        out.print(f"Next: brygga register aggregate {escape(str(file))} --import", style="dim")

    console.emit(data, render)
