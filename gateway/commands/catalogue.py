"""``brygga catalogue``: what the indicators are, as Kvalitetsindikatorkatalogen says (domain reference 2).

Import its answers or the project's own form, keep them up to date, list and explain them.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import rich.console
from rich.markup import escape
from rich.table import Table

from contracts.errors import UsageError
from gateway.console import Console, common_options, pass_console
from gateway.sections import catalogue_settings

if TYPE_CHECKING:
    from contracts.catalogue.model import Catalogue, CatalogueMeasure


@click.group()
def command() -> None:
    """What the indicators are: import, fetch, list, explain."""


@command.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--replace", "replaces", is_flag=True, help="Forget what the catalogue file held before.")
@common_options
@pass_console
def import_(console: Console, files: tuple[Path, ...], *, replaces: bool) -> None:
    """Read FILES into the catalogue: answers of its API (JSON), or the own form (TOML, CSV, XLSX)."""
    from contracts.catalogue.files import load_catalogue, save_catalogue
    from contracts.catalogue.model import Catalogue
    from producer.catalogue.reading import read_catalogue

    target = catalogue_settings(console.settings()).file
    known = load_catalogue(target) if target.exists() and not replaces else Catalogue()
    read = read_catalogue(files, known)
    save_catalogue(target, merged := known.merged(read))
    _tell(console, target, read, merged)


@command.command("sync")
@click.argument("measure_ids", nargs=-1)
@click.option("--fresh", is_flag=True, help="Ask again, also for answers that are still fresh.")
@common_options
@pass_console
def sync(console: Console, measure_ids: tuple[str, ...], *, fresh: bool) -> None:
    """Fetch indicators from the catalogue's API: MEASURE_IDS, else those of the settings, else the known ones."""
    from contracts.catalogue.files import load_catalogue, save_catalogue
    from contracts.catalogue.model import Catalogue
    from producer.catalogue.api import fetch_measures

    section = catalogue_settings(console.settings())
    known = load_catalogue(section.file) if section.file.exists() else Catalogue()
    wanted = measure_ids or section.measure_ids or tuple(one for one in known.latest() if not _is_sub(known, one))
    if not wanted:
        raise UsageError("There is nothing to fetch: name indicators, or set measure_ids under [catalogue].")
    with console.progress("Fetching indicators", len(wanted)) as advance:
        fetched = fetch_measures(section, wanted, is_fresh_wanted=fresh, progress=advance)
    for name in fetched.not_found:
        console.warn(f"The catalogue does not know {name}.")
    save_catalogue(section.file, merged := known.merged(fetched.catalogue))
    _tell(console, section.file, fetched.catalogue, merged, from_cache=fetched.from_cache)


@command.command("list")
@common_options
@pass_console
def list_(console: Console) -> None:
    """List the newest version of each indicator."""
    catalogue = _catalogue(console)
    latest = sorted(catalogue.latest().values(), key=lambda one: (one.parent_id or one.measure_id, one.sex or ""))

    def render(out: rich.console.Console) -> None:
        table = Table("Indicator", "Title", "Version", "Type", "Frequencies", "Levels", "Threshold", "Status", box=None)
        for one in latest:
            table.add_row(
                escape(f"{'  ' if one.parent_id else ''}{one.measure_id}"),
                escape(one.title),
                str(one.version_number),
                one.unit_type,
                ", ".join(one.frequencies),
                ", ".join(one.levels),
                _number(one.threshold()),
                "" if one.is_published else "[warn]unpublished[/warn]",
            )
        out.print(table)

    console.emit([asdict(one) for one in latest], render)


@command.command("show")
@click.argument("measure_id")
@common_options
@pass_console
def show(console: Console, measure_id: str) -> None:
    """Explain one indicator: definition, calculation, interpretation, and what is reported of it."""
    catalogue = _catalogue(console)
    versions = catalogue.versions(measure_id)
    if not versions:
        raise UsageError(f"The catalogue has no indicator {measure_id}. See: brygga catalogue list")
    measure = catalogue.latest()[measure_id]
    data = {
        **asdict(measure),
        "versions": [one.version_number for one in versions],
        "submeasures": {sex: one.measure_id for sex, one in catalogue.submeasures(measure_id).items()},
    }
    console.emit(data, lambda out: _render(out, catalogue, measure, [one.version_number for one in versions]))


@command.command("template")
@click.argument("file", type=click.Path(path_type=Path))
@common_options
@pass_console
def template(console: Console, file: Path) -> None:
    """Write an example of the own form to FILE (.toml, .csv or .xlsx), with every field explained."""
    from producer.templates import write_template

    write_template("catalogue", file)
    console.emit(
        {"file": str(file)}, lambda out: out.print(f"Wrote {file}. Fill it in, then: brygga catalogue import {file}")
    )


def _catalogue(console: Console) -> Catalogue:
    from contracts.catalogue.files import load_catalogue

    return load_catalogue(catalogue_settings(console.settings()).file)


def _is_sub(catalogue: Catalogue, measure_id: str) -> bool:
    return catalogue.latest()[measure_id].parent_id is not None


def _tell(console: Console, target: Path, read: Catalogue, merged: Catalogue, **more: Any) -> None:
    data = {"file": str(target), "read": len(read.measures), "known": len(merged.measures), **more}

    def render(out: rich.console.Console) -> None:
        submeasures = sum(one.parent_id is not None for one in read.measures)
        out.print(
            f"[ok]Read[/ok] {len(read.measures) - submeasures} indicator(s) and {submeasures} submeasure(s) by sex; "
            f"{escape(target.name)} holds {len(merged.measures)} now."
        )

    console.emit(data, render)


def _render(out: rich.console.Console, catalogue: Catalogue, measure: CatalogueMeasure, versions: list[int]) -> None:
    from contracts.catalogue.model import TEXTS

    out.print(f"[head]{escape(measure.title)}[/head]  {escape(measure.measure_id)}")
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    rolling = ", each period the twelve months that end with it" if measure.is_rolling_year else ""
    subs = {
        f"{'men' if sex == '1' else 'women'}: {one.measure_id}"
        for sex, one in catalogue.submeasures(measure.measure_id).items()
    }
    audiences = ", ".join(f"{name} {_number(value)}" for name, value in measure.audience_thresholds.items())
    facts = (
        ("Version", f"{measure.version_number} (known: {', '.join(map(str, versions))})"),
        ("Status", measure.status),
        ("Valid", f"{measure.valid_from or '...'} to {measure.valid_to or '...'}"),
        ("Unit type", f"{measure.unit_type} ({measure.kind})"),
        ("Unit", measure.definition().unit or ""),
        ("Frequencies", ", ".join(measure.frequencies) + rolling),
        ("Levels", ", ".join(measure.levels)),
        ("Display threshold", _number(measure.display_threshold) + (f"; {audiences}" if audiences else "")),
        ("Better", {"high": "high", "low": "low"}.get(measure.sought_value, "not said")),
        ("Target", _number(measure.target_value)),
        ("Open data", "yes" if measure.is_open_data else "no"),
        ("Part of", measure.parent_id or ""),
        ("By sex", ", ".join(sorted(subs))),
        ("Owner", measure.owner),
        ("Reporting system", measure.reporting_system),
        ("Keywords", ", ".join(measure.keywords)),
        *((title, measure.texts.get(name, "")) for name, title in TEXTS.items()),
    )
    for name, text in facts:
        if text:
            table.add_row(f"[dim]{name}[/dim]", escape(text))
    out.print(table)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"
