"""``brygga consumer``: fetch, poll and use the results of producers (design 4)."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import click
import rich.console
from rich.filesize import decimal
from rich.markup import escape
from rich.table import Table

from consumer.client import ProducerClient
from consumer.exports import as_dicts, write_csv
from consumer.fetching import Fetched, fetch_into
from consumer.poller import Polled, Poller, PollTarget
from consumer.question import Question, iso_day, parse_day
from consumer.settings import ConsumerSettings, PolledProducer
from consumer.store import LogEntry, Selection, Store
from consumer.targets import poll_targets, target_of
from contracts.codes import ORGANIZATION_TYPES
from contracts.errors import EXIT_REMOTE, ConfigurationError, UsageError
from gateway.console import Console, common_options, pass_console
from gateway.sections import consumer_settings

F = TypeVar("F", bound=Callable[..., Any])
_SHOWN_ROWS = 50


@click.group()
def command() -> None:
    """Fetch, keep and show a producer's results."""


def _producer_option(function: F) -> F:
    text = "Producer of [[consumer.producers]], by its name or logical address [default: that of [consumer]]."
    return click.option("--producer", "producer_name", metavar="NAME", help=text)(function)


@command.command()
@click.option("--measure-id", "measure_ids", multiple=True, required=True, metavar="ID", help="Indicator; repeatable.")
@click.option("--from", "start", required=True, metavar="DAY", help="First day (YYYY-MM-DD) of the measure periods.")
@click.option("--to", "end", required=True, metavar="DAY", help="Last day of the measure periods.")
@click.option(
    "--raw",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Also write the answer as it came, uncompressed; of a failed fetch what had come.",
)
@_producer_option
@common_options
@pass_console
def fetch(
    console: Console, measure_ids: tuple[str, ...], start: str, end: str, raw: Path | None, producer_name: str | None
) -> None:
    """Fetch what matches, check it and store it: all of it or nothing."""
    with _open(console) as (settings, store):
        producer = _producer(settings, producer_name)
        question = Question.of(producer.logical_address, measure_ids, start, end, settings.contract)
        with ExitStack() as stack, console.progress("Fetching measurements") as advance:
            client = stack.enter_context(target_of(settings, producer, [question]).client)
            file = stack.enter_context(_opened_for_writing(raw)) if raw else None
            fetched = fetch_into(store, client, question, raw=file, progress=advance)
    console.emit(_fetched_data(fetched), lambda out: _render_fetched(out, fetched))
    for finding in fetched.warnings.first:
        console.note(f"[warn]Remark[/warn] {escape(f'{finding.where} (rule {finding.rule}): {finding.message}')}")


@command.command()
@click.option("--measure-id", "measure_ids", multiple=True, metavar="ID", help="Poll this question instead; repeatable.")
@click.option("--from", "start", metavar="DAY", help="First day (YYYY-MM-DD) of that question's measure periods.")
@click.option("--to", "end", metavar="DAY", help="Last day of that question's measure periods.")
@_producer_option
@common_options
@pass_console
def poll(
    console: Console, measure_ids: tuple[str, ...], start: str | None, end: str | None, producer_name: str | None
) -> None:
    """Ask for checksums and fetch only what has changed.

    Polls what [[consumer.producers]] names; of a producer without indicators there, what was fetched before.
    """
    with _open(console) as (settings, store), ExitStack() as stack:
        if measure_ids:
            if start is None or end is None:
                raise UsageError("A question needs its days: give --from and --to with --measure-id.")
            producer = _producer(settings, producer_name)
            question = Question.of(producer.logical_address, measure_ids, start, end, settings.contract)
            targets = [target_of(settings, producer, [question])]
        elif start or end:
            raise UsageError("--from and --to belong to --measure-id; without it the stored questions are polled.")
        else:
            targets = poll_targets(settings, store, [producer_name] if producer_name else [])
        for target in targets:
            stack.enter_context(target.client)
        polled = _poll(console, settings, store, targets)
    console.emit(_polled_data(polled), lambda out: _render_polled(out, polled))
    if any(one.error is not None for one in polled):
        raise SystemExit(EXIT_REMOTE)


def _poll(console: Console, settings: ConsumerSettings, store: Store, targets: Sequence[PollTarget]) -> list[Polled]:
    poller = Poller(store, settings.parallel, settings.attempts, settings.retry_budget)
    polled = []
    with console.progress("Polling", total=sum(len(target.questions) for target in targets)) as advance:
        for one in poller.poll(targets):
            polled.append(one)
            advance()
            if one.error is not None and one.outcome != "skipped":
                console.warn(f"{one.target.label}, {_named(one.question)}: {one.error.message}")
    return polled


@command.command()
@click.option("--csv", "csv_file", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path), metavar="FILE", help="Write a tidy CSV table (UTF-8) to FILE, or - for standard output.")
@click.option("--measure-id", "measure_ids", multiple=True, metavar="ID", help="Only this indicator; repeatable.")
@click.option("--from", "start", metavar="DAY", help="Only measure periods that begin on this day or later.")
@click.option("--to", "end", metavar="DAY", help="Only measure periods that end on this day or earlier.")
@click.option("--level", "org_levels", multiple=True, type=click.Choice(list(ORGANIZATION_TYPES)), help="Only this organisational level; repeatable.")
@click.option("--org-id", "org_ids", multiple=True, metavar="ID", help="Only this organisation, by HSA-id or code; repeatable.")
@click.option("--region", "region_codes", multiple=True, metavar="CODE", help="Only this county (two digits) and what lies in it; repeatable.")
@click.option("--producer", "producers", multiple=True, metavar="HSA-ID", help="Only this producer; repeatable.")
@click.option("--limit", type=click.IntRange(min=1), help=f"At most so many [default: {_SHOWN_ROWS} on a terminal, else all].")
@common_options
@pass_console
def observations(
    console: Console, csv_file: Path | None, start: str | None, end: str | None, limit: int | None, **parts: Any
) -> None:
    """Show or export what is stored."""
    selection = Selection(start=_day(start), end=_day(end), limit=limit, **parts)
    with _open(console) as (_, store):
        if csv_file is not None:
            _export(console, store, selection, csv_file)
            return
        if not console.is_json and limit is None:
            selection = Selection(start=_day(start), end=_day(end), limit=_SHOWN_ROWS, **parts)
        rows = list(as_dicts(store.observations(selection)))
        total = store.count(selection)
    console.emit({"count": total, "observations": rows}, lambda out: _render_observations(out, rows, total))
