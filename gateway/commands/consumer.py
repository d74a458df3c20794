"""``brygga consumer``: fetch, poll and use the results of producers (design 4)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import click
from rich.markup import escape

from consumer.exports import as_dicts, write_csv
from consumer.fetching import fetch_into
from consumer.poller import Polled, Poller, PollTarget
from consumer.question import Question, iso_day, parse_day
from consumer.settings import ConsumerSettings, PolledProducer
from consumer.store import Selection, Store
from consumer.targets import poll_targets, target_of
from contracts.codes import ORGANIZATION_TYPES
from contracts.errors import EXIT_REMOTE, UsageError
from gateway.commands import consumer_views as views
from gateway.console import Console, common_options, pass_console
from gateway.sections import consumer_settings

F = TypeVar("F", bound=Callable[..., Any])
_SHOWN_ROWS = 50


@click.group()
def command() -> None:
    """Fetch, keep and show a producer's results."""


def _many(option: str, name: str, text: str, **more: Any) -> Callable[[F], F]:
    """Declare an option that may be repeated."""
    return click.option(option, name, multiple=True, help=f"{text}; repeatable.", **more)


_producer_option = click.option(
    "--producer",
    "producer_name",
    metavar="NAME",
    help="Producer of [[consumer.producers]], by name or logical address [default: the one of [consumer]].",
)


@command.command()
@_many(
    "--measure-id",
    "measure_ids",
    "Indicator, by its id in the catalogue; version 1 of the contract: none is all",
    metavar="ID",
)
@click.option("--from", "start", required=True, metavar="DAY", help="First day (YYYY-MM-DD) of the measure periods.")
@click.option("--to", "end", required=True, metavar="DAY", help="Last day of the measure periods.")
@click.option(
    "--raw",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Also write the answer as it came, uncompressed; of a failed fetch, what had come.",
)
@_producer_option
@common_options
@pass_console
def fetch(
    console: Console, measure_ids: tuple[str, ...], start: str, end: str, raw: Path | None, producer_name: str | None
) -> None:
    """Fetch what matches, check it and store it: all of it or nothing."""
    with _opened(console) as (settings, store), ExitStack() as stack:
        target = _one_target(settings, producer_name, measure_ids, start, end)
        client = stack.enter_context(target.client)
        file = stack.enter_context(_written(raw)) if raw else None
        advance = stack.enter_context(console.progress("Fetching measurements"))
        fetched = fetch_into(store, client, target.questions[0], raw=file, progress=advance)
    console.emit(views.fetched_data(fetched), lambda out: views.render_fetched(out, fetched))
    for finding in fetched.warnings.first:
        console.note(f"[warn]Remark:[/warn] {escape(f'{finding.where} (rule {finding.rule}): {finding.message}')}")


@command.command()
@_many("--measure-id", "measure_ids", "Poll one question of this indicator instead", metavar="ID")
@click.option("--from", "start", metavar="DAY", help="First day (YYYY-MM-DD) of that question's measure periods.")
@click.option("--to", "end", metavar="DAY", help="Last day of that question's measure periods.")
@_producer_option
@common_options
@pass_console
def poll(
    console: Console, measure_ids: tuple[str, ...], start: str | None, end: str | None, producer_name: str | None
) -> None:
    """Ask for checksums and fetch only what has changed.

    Polls the indicators of [[consumer.producers]]; of a producer without any there, what was fetched before.
    """
    if (start is None) != (end is None) or (measure_ids and start is None):
        raise UsageError("--measure-id, --from and --to make one question together; give all three or none.")
    with _opened(console) as (settings, store), ExitStack() as stack:
        if start is not None and end is not None:
            targets = [_one_target(settings, producer_name, measure_ids, start, end)]
        else:
            targets = poll_targets(settings, store, [producer_name] if producer_name else [])
        for target in targets:
            stack.enter_context(target.client)
        polled = _poll(console, settings, store, targets)
    console.emit(views.polled_data(polled), lambda out: views.render_polled(out, polled))
    if any(one.error is not None for one in polled):
        raise SystemExit(EXIT_REMOTE)


def _poll(console: Console, settings: ConsumerSettings, store: Store, targets: Sequence[PollTarget]) -> list[Polled]:
    poller = Poller(store, settings.parallel, settings.attempts, settings.retry_budget)
    polled: list[Polled] = []
    with console.progress("Polling questions", total=sum(len(target.questions) for target in targets)) as advance:
        for one in poller.poll(targets):
            polled.append(one)
            advance()
            if one.error is not None and one.outcome != "skipped":
                console.warn(f"{one.target.label}, {views.named(one.question)}: {one.error.message}")
    return polled


@command.command()
@click.option(
    "--csv",
    "csv_file",
    type=click.Path(dir_okay=False, allow_dash=True),
    metavar="FILE",
    help="Write a tidy table (CSV, UTF-8) to FILE; - is standard output.",
)
@_many("--measure-id", "measure_ids", "Only this indicator", metavar="ID")
@click.option("--from", "start", metavar="DAY", help="Only measure periods that begin on this day or later.")
@click.option("--to", "end", metavar="DAY", help="Only measure periods that end on this day or earlier.")
@_many("--level", "org_levels", "Only this level", type=click.Choice(list(ORGANIZATION_TYPES)))
@_many("--org-id", "org_ids", "Only this organisation, by HSA-id or code", metavar="ID")
@_many("--region", "region_codes", "Only this county (two digits) and what lies in it", metavar="CODE")
@_many("--producer", "producers", "Only what this system reported", metavar="HSA-ID")
@click.option(
    "--limit", type=click.IntRange(min=1), help=f"At most so many rows [default: {_SHOWN_ROWS} shown, else all]."
)
@common_options
@pass_console
def observations(
    console: Console, /, csv_file: str | None, start: str | None, end: str | None, limit: int | None, **parts: Any
) -> None:
    """Show or export what is stored."""
    selection = Selection(start=_day(start), end=_day(end), limit=limit, **parts)
    with _opened(console) as (_, store):
        if csv_file is not None:
            with click.open_file(csv_file, "w", encoding="utf-8", atomic=csv_file != "-") as file:
                count = write_csv(store.observations(selection), file)
            console.note(f"{count} observations written to {escape(csv_file)}.")
            return
        total = store.count(selection)
        shown = selection if console.is_json or limit else replace(selection, limit=_SHOWN_ROWS)
        rows = list(as_dicts(store.observations(shown)))
    console.emit({"count": total, "observations": rows}, lambda out: views.render_observations(out, rows, total))


@command.command()
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most so many lines.")
@common_options
@pass_console
def log(console: Console, limit: int) -> None:
    """Show the latest fetches: what came of them, what changed, why one was kept out."""
    with _opened(console) as (_, store):
        entries = store.log(limit)
    console.emit([views.log_data(entry) for entry in entries], lambda out: views.render_log(out, entries))


@contextmanager
def _opened(console: Console) -> Iterator[tuple[ConsumerSettings, Store]]:
    loaded = console.settings()
    settings = consumer_settings(loaded)
    with Store(settings.store_url(loaded.base)) as store:
        yield settings, store


def _one_target(
    settings: ConsumerSettings, producer_name: str | None, measure_ids: Sequence[str], start: str, end: str
) -> PollTarget:
    """Make a target of one question, asked of the producer that is named or of the one of [consumer]."""
    if producer_name is None:
        producer = PolledProducer(settings.connection().logical_address)
    else:
        producer = settings.producer_named(producer_name)
    question = Question.of(producer.logical_address, measure_ids, start, end, settings.contract)
    return target_of(settings, producer, [question])


@contextmanager
def _written(path: Path) -> Iterator[BinaryIO]:
    try:
        with path.open("wb") as file:
            yield file
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}. Choose another file.") from error


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(iso_day(parse_day(text)))
