"""``brygga distributed``: results with sub-groups, distributions and reference values (GetDistributedQualityReport).

The contract is a reconstruction: a producer serves it only with ``allow_reconstructions`` (docs/distributed-report.md).
"""

from __future__ import annotations

import csv
from dataclasses import asdict, replace
from pathlib import Path
from urllib.parse import urlsplit

import click
import rich.console
from rich.markup import escape

from contracts.errors import EXIT_DATA, UsageError
from contracts.model import ReportingParty
from contracts.registry import GET_DISTRIBUTED_QUALITY_REPORT_3
from gateway.commands import distributed_views as views
from gateway.commands.findings_views import emit_rejected
from gateway.commands.register import IMPORT_PHASES, user
from gateway.console import Console, common_options, pass_console
from gateway.sections import consumer_settings, contracts_of, register_of, served_contracts

_CONTRACT = GET_DISTRIBUTED_QUALITY_REPORT_3.id
_SHOWN_RESULTS = 50


@click.group()
def command() -> None:
    """Results by sex, age and value class, and reference values (a reconstructed contract)."""


@command.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Check the file and say what would change; change nothing.")
@common_options
@pass_console
def import_(console: Console, file: Path, *, dry_run: bool) -> None:
    """Import FILE, distributed results as CSV or XLSX: all of it, or nothing when a row is wrong."""
    from producer.register.distributed.importer import import_distributed
    from producer.register.vis.rules import RULE_TITLES
    from producer.tabular import TableRejected

    settings = console.settings()
    source = settings.build("organization", ReportingParty)
    with register_of(settings, create=True) as register, console.phases(IMPORT_PHASES) as progress:
        try:
            outcome = import_distributed(register, file, source, who=user(), dry_run=dry_run, progress=progress)
        except TableRejected as error:
            rejected = error
        else:
            data = {name: getattr(outcome, name) for name in outcome.__dataclass_fields__ if name != "findings"}
            console.emit({"is_accepted": True, **data}, lambda out: views.render_imported(out, outcome))
            if not (dry_run or views.is_given(served_contracts(settings))):
                console.warn(views.NOT_SERVED)
            return
    emit_rejected(console, rejected, None, RULE_TITLES)
    raise SystemExit(EXIT_DATA)


@command.command()
@click.option("--measure-id", "measure_ids", multiple=True, required=True, metavar="ID", help="Indicator; repeatable.")
@click.option("--from", "start", required=True, metavar="DAY", help="First day (YYYY-MM-DD) of the measure periods.")
@click.option("--to", "end", required=True, metavar="DAY", help="Last day of the measure periods.")
@click.option("--endpoint", help="https URL of the service [default: its path at the host of consumer.endpoint].")
@click.option("--force", is_flag=True, help="Fetch also what has not changed.")
@common_options
@pass_console
def fetch(
    console: Console, measure_ids: tuple[str, ...], start: str, end: str, *, endpoint: str | None, force: bool
) -> None:
    """Fetch sub-groups, distributions and reference values from a producer, when they have changed."""
    from consumer.client import ProducerClient
    from consumer.distributed import DistributedStore, fetch_distributed
    from consumer.question import Question

    loaded = console.settings()
    settings = consumer_settings(loaded)
    contract = contracts_of(loaded)[_CONTRACT]
    url = endpoint or (urlsplit(settings.endpoint)._replace(path=contract.path).geturl() if settings.endpoint else None)
    connection = replace(settings.connection(endpoint=url), contract=contract)
    question = Question.of(connection.logical_address, measure_ids, start, end, _CONTRACT)
    with (
        DistributedStore(settings.store_url(loaded.base)) as store,
        ProducerClient(connection) as client,
        console.progress("Fetching measurements") as advance,
    ):
        fetched = fetch_distributed(store, client, question, force=force, progress=advance)
    console.emit(asdict(fetched), lambda out: views.render_fetched(out, fetched))


@command.command()
@click.option("--measure-id", "measure_ids", multiple=True, metavar="ID", help="Only this indicator; repeatable.")
@click.option(
    "--csv", "csv_file", type=click.Path(dir_okay=False, allow_dash=True), metavar="FILE", help="Write all to FILE."
)
@common_options
@pass_console
def observations(console: Console, measure_ids: tuple[str, ...], csv_file: str | None) -> None:
    """Show or export what was fetched: one row for each value, class and percentile."""
    from consumer.distributed import DistributedStore
    from consumer.distributed.tables import NAMES

    loaded = console.settings()
    with DistributedStore(consumer_settings(loaded).store_url(loaded.base)) as store:
        rows = store.rows(measure_ids)
        if csv_file is not None:
            with click.open_file(csv_file, "w", encoding="utf-8", atomic=csv_file != "-") as file:
                writer = csv.writer(file, lineterminator="\r\n")
                writer.writerow(NAMES)
                writer.writerows(rows)
            return
        named = (dict(zip(NAMES, row, strict=True)) for row in rows)
        if console.is_json:
            console.emit({"observations": list(named)}, lambda _out: None)
        else:
            console.emit(None, lambda out: views.render_observations(out, named, _SHOWN_RESULTS))


@command.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@common_options
@pass_console
def template(console: Console, file: Path) -> None:
    """Write an empty form with explanations and an example to FILE (.csv or .xlsx)."""
    from producer.templates import write_template

    write_template("distributed", file)
    console.emit({"file": str(file)}, lambda out: out.print(f"Wrote {escape(str(file))}; its rows are an example."))


@command.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--units", type=click.IntRange(1, 5000), default=12, show_default=True, help="Invented care units.")
@common_options
@pass_console
def demo(console: Console, file: Path, units: int) -> None:
    """Write invented results (HbA1c, blood pressure) to FILE, to try the import with."""
    from gateway.distributed_demo import INDICATORS, write_distributed_demo

    if file.exists():
        raise UsageError(f"{file} exists already. Name another file.")
    write_distributed_demo(file, units=units)
    ids = {one.measure_id: one.code for one in INDICATORS}

    def render(out: rich.console.Console) -> None:
        out.print(f"[ok]Wrote[/ok] {escape(str(file))}, {units} invented units in 2024 and 2025:")
        for measure_id, code in ids.items():
            out.print(f"  {measure_id}  {code}")

    console.emit({"file": str(file), "measure_ids": ids}, render)
