"""``brygga router``: simulate the national service platform, explain its routing, look at the traffic."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
import rich.console
from rich.markup import escape
from rich.table import Table

from contracts.errors import EXIT_FINDINGS, ConfigurationError, UsageError
from contracts.registry import CONTRACTS
from gateway.console import Console, common_options, pass_console
from gateway.logs import configure_logs
from gateway.sections import contracts_of, router_settings
from router.behaviour import behaviour_of
from router.calls import CallRecord, read_calls
from router.catalogue import Catalogue, RoutingTable, read_catalogue, write_catalogue
from router.catalogue.check import check_catalogue
from router.catalogue.hsa_tree import read_hsa_files
from router.catalogue.order_file import apply_order
from router.catalogue.tak_dump import read_dump
from router.explain import Explanation, LevelVerdict, explain
from router.server import Sockets
from router.settings import RouterSettings
from router.workers import serve

_FOLLOW_S = 0.5
_FORMATS = ("order", "tak", "hsa")


@click.group()
def command() -> None:
    """Simulate the national service platform."""


@command.command("serve")
@click.option(
    "--mode", type=click.Choice(["strict", "compat"]), help="Close the platform's known holes, or imitate them."
)
@click.option("--host", help="Address to listen on, instead of the settings'.")
@click.option("--https-port", type=int, help="Port of the HTTPS entry; 0 lets the system choose.")
@click.option("--http-port", type=int, help="Port of the HTTP entry, for a proxy or another platform in front.")
@click.option("--admin-port", type=int, help="Port on 127.0.0.1 for /status, /resetcache and /actuator/health.")
@click.option("--workers", type=click.IntRange(min=1), help="Processes, instead of the settings'.")
@click.option("--faults-by-header", is_flag=True, default=None, help="Let callers ask for faults (x-brygga-inject).")
@common_options
@pass_console
def serve_command(console: Console, /, **options: Any) -> None:
    """Serve until Ctrl-C or SIGTERM; SIGHUP, or a change of the catalogue file, reads the catalogue anew."""
    given = {name: value for name, value in options.items() if value is not None}
    settings = dataclasses.replace(router_settings(console.settings()), **given)
    if console.err.is_terminal and not (console.is_quiet or console.is_json):
        settings = dataclasses.replace(settings, show_calls=True)

    def tell(sockets: Sockets) -> None:
        summary = {
            "mode": settings.mode,
            "entries": sockets.urls(),
            "administration": sockets.admin_url(),
            "catalogue": str(settings.catalogue),
            "workers": settings.workers,
        }
        console.emit(summary, lambda out: _render_serving(out, summary))
        if settings.faults_by_header:
            console.warn("Callers may ask for faults by header; for tests only.")

    serve(
        settings,
        announce=tell,
        prepare_worker=partial(configure_logs, is_verbose=console.is_verbose),
        wsdl_files=[contract.wsdl for contract in contracts_of(console.settings()).values()],
    )


def _render_serving(out: rich.console.Console, summary: dict[str, Any]) -> None:
    out.print(f"[ok]The platform is up[/ok] ({summary['mode']}), catalogue {escape(summary['catalogue'])}")
    for url in summary["entries"]:
        out.print(f"  calls           {escape(url)}/...")
    if summary["administration"]:
        out.print(f"  administration  {escape(summary['administration'])}/status")


@command.command("routes")
@click.argument("sender")
@click.argument("receiver")
@click.argument("contract")
@click.option("--at", help="Time to look at, such as 2026-12-31T12:00 [default: now].")
@common_options
@pass_console
def routes_command(console: Console, sender: str, receiver: str, contract: str, at: str | None) -> None:
    """Explain which route and permission a call gets, and why.

    SENDER is the HSA-id in the client certificate, RECEIVER the logical address, CONTRACT the namespace of the
    Responder schema or a name such as GetQualityIndicators:2. Exit 1 when the call would get a fault.
    """
    settings = router_settings(console.settings())
    namespace = CONTRACTS[contract].responder_namespace if contract in CONTRACTS else contract
    table = RoutingTable(read_catalogue(settings.catalogue), settings.routing, _zone(settings))
    found = explain(table, sender, receiver, namespace, _moment(at, settings))
    data = {
        "sender": sender,
        "receiver": receiver,
        "contract": namespace,
        "outcome": found.fault or "ok",
        "meaning": found.meaning,
        "address": found.route.address if found.route else None,
        "profile": found.route.profile if found.route else None,
        "route_trace": found.route_trace,
        "permission_trace": found.permission_trace,
        "route_levels": [_level_data(level) for level in found.route_levels],
        "permission_levels": [_level_data(level) for level in found.permission_levels],
    }
    console.emit(data, lambda out: _render_explanation(out, found))
    if found.fault:
        raise SystemExit(EXIT_FINDINGS)


def _zone(settings: RouterSettings) -> ZoneInfo | None:
    return ZoneInfo(settings.time_zone) if behaviour_of(settings).exact_time_zones else None


def _moment(text: str | None, settings: RouterSettings) -> float:
    if text is None:
        return time.time()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--at {text} is no time; give one such as 2026-12-31T12:00 or 2026-12-31.") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(settings.time_zone))).timestamp()


def _level_data(level: LevelVerdict) -> dict[str, Any]:
    rows = [{"row": _row_text(verdict.row), "verdict": verdict.verdict} for verdict in level.rows]
    return {"marker": level.marker, "receiver": level.receiver, "rows": rows, "hit": level.is_hit}


def _row_text(row: Any) -> str:
    what = f"{row.profile} {row.address or '(no address)'}" if hasattr(row, "address") else f"sender {row.sender}"
    return f"{what}, {row.validity}"


def _render_explanation(out: rich.console.Console, found: Explanation) -> None:
    style = "bad" if found.fault else "ok"
    out.print(f"[{style}]The call {escape(found.meaning)}[/{style}]")
    sections = (
        ("Route", found.route_trace, found.route_levels),
        ("Permission", found.permission_trace, found.permission_levels),
    )
    for title, trace, levels in sections:
        out.print(f"\n[head]{title}[/head]  {escape(trace)}")
        for level in levels:
            marker = f" {escape(level.marker)}" if level.marker else ""
            out.print(f"  {escape(level.receiver)}{marker}{'' if level.rows else '  [dim]nothing[/dim]'}")
            for verdict in level.rows:
                mark = "[ok]valid[/ok]" if verdict.verdict == "valid" else f"[warn]{verdict.verdict}[/warn]"
                out.print(f"    {mark}  {escape(_row_text(verdict.row))}")


@command.command("log")
@click.option("-n", "--count", type=click.IntRange(min=1), default=20, show_default=True, help="How many calls.")
@click.option("--follow", "-f", is_flag=True, help="Go on showing new calls until Ctrl-C.")
@common_options
@pass_console
def log_command(console: Console, count: int, follow: bool) -> None:
    """Show the last calls: when, sender, receiver, contract, outcome, time."""
    folder = router_settings(console.settings()).call_log
    if folder is None:
        raise ConfigurationError("The router keeps no traffic log. Set router.call_log to a folder.")
    calls = read_calls(folder, count)
    _show(console, calls)
    seen = {call.correlation_id for call in calls}
    while follow:
        time.sleep(_FOLLOW_S)
        new = [call for call in read_calls(folder, 1000) if call.correlation_id not in seen and call.at >= _last(calls)]
        if new:
            calls = new
            seen |= {call.correlation_id for call in new}
            _show(console, new)


def _show(console: Console, calls: list[CallRecord]) -> None:
    console.emit([call.as_dict() for call in calls], lambda out: out.print(_call_table(calls)))


def _last(calls: list[CallRecord]) -> str:
    return calls[-1].at if calls else ""


def _call_table(calls: list[CallRecord]) -> Table:
    table = Table(
        "Time (UTC)", "Sender", "Receiver", "Contract", "Outcome", "ms", "Bytes", box=None, header_style="head"
    )
    for call in calls:
        style = "ok" if call.outcome == "ok" else "bad"
        contract = call.contract.removeprefix("urn:riv:").rpartition(":")[0].rpartition(":")[2] or call.contract
        table.add_row(
            call.at[:23].replace("T", " "),
            _shown(call.sender),
            _shown(call.receiver),
            _shown(contract),
            f"[{style}]{escape(call.outcome)}[/{style}]",
            str(call.ms),
            str(call.bytes_out),
        )
    return table


def _shown(text: str) -> str:
    """Give a caller's text (untrusted) so that it can do nothing to the terminal."""
    return escape("".join(character if character.isprintable() else "\ufffd" for character in text))


@command.group("catalogue")
def catalogue_group() -> None:
    """Check the routing catalogue, or import one."""


@catalogue_group.command("check")
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@common_options
@pass_console
def check_command(console: Console, file: Path | None) -> None:
    """Say which rows of the catalogue FILE [default: the settings'] will surprise. Exit 1 if there are any."""
    settings = router_settings(console.settings()) if file is None or console.config else None
    path = file or (settings.catalogue if settings else Path())
    catalogue = read_catalogue(path)
    zone = _zone(settings) if settings else ZoneInfo("Europe/Stockholm")
    remarks = check_catalogue(catalogue, zone, time.time())
    data = {"file": str(path), **_counts(catalogue), "remarks": [dataclasses.asdict(remark) for remark in remarks]}

    def render(out: rich.console.Console) -> None:
        out.print(f"{escape(str(path))}: {_counts_text(catalogue)}")
        for remark in remarks:
            out.print(f"  [warn]{escape(remark.where)}[/warn]  {escape(remark.text)}")
        if not remarks:
            out.print("[ok]Nothing to remark.[/ok]")

    console.emit(data, render)
    if remarks:
        raise SystemExit(EXIT_FINDINGS)


@catalogue_group.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--format", "kind", type=click.Choice(_FORMATS), help="order (JSON), tak (dump) or hsa (tree) [by suffix]."
)
@click.option("--into", type=click.Path(dir_okay=False, path_type=Path), help="Catalogue to write [the settings'].")
@click.option("--dry-run", is_flag=True, help="Say what would come of it; write nothing.")
@common_options
@pass_console
def import_command(
    console: Console, files: tuple[Path, ...], kind: str | None, into: Path | None, dry_run: bool
) -> None:
    """Import FILES into the catalogue: an order of the platform, a dump of a real catalogue, or HSA files.

    An order and HSA files add to what is there; a dump replaces routes and permissions.
    """
    target = into or router_settings(console.settings()).catalogue
    before = read_catalogue(target) if target.exists() else Catalogue()
    kind = kind or ("order" if files[0].suffix.lower() == ".json" else "tak")
    after, remarks = _IMPORTS[kind](list(files), before)
    if not dry_run:
        write_catalogue(target, after)
    data = {"file": str(target), "written": not dry_run, **_counts(after), "remarks": remarks}

    def render(out: rich.console.Console) -> None:
        verb = "would hold" if dry_run else "holds"
        out.print(f"[ok]{escape(str(target))} {verb} {_counts_text(after)}[/ok] (before: {_counts_text(before)})")
        for remark in remarks:
            out.print(f"  [warn]{escape(remark)}[/warn]")

    console.emit(data, render)


def _import_orders(files: list[Path], catalogue: Catalogue) -> tuple[Catalogue, list[str]]:
    remarks: list[str] = []
    for file in files:
        outcome = apply_order(file, catalogue)
        catalogue = outcome.catalogue
        remarks += [f"{file.name}: {remark}" for remark in outcome.remarks]
    return catalogue, remarks


def _import_dump(files: list[Path], catalogue: Catalogue) -> tuple[Catalogue, list[str]]:
    dump = read_dump(files)
    return dataclasses.replace(catalogue, routes=dump.routes, permissions=dump.permissions), []


def _import_tree(files: list[Path], catalogue: Catalogue) -> tuple[Catalogue, list[str]]:
    units = {unit.hsa_id: unit for unit in (*catalogue.units, *read_hsa_files(files))}
    return dataclasses.replace(catalogue, units=tuple(units.values())), []


_IMPORTS: dict[str, Callable[[list[Path], Catalogue], tuple[Catalogue, list[str]]]] = {
    "order": _import_orders,
    "tak": _import_dump,
    "hsa": _import_tree,
}


def _counts(catalogue: Catalogue) -> dict[str, int]:
    return {
        "routes": len(catalogue.routes),
        "permissions": len(catalogue.permissions),
        "hsa_units": len(catalogue.units),
        "faults": len(catalogue.faults),
    }


def _counts_text(catalogue: Catalogue) -> str:
    counts = _counts(catalogue)
    return ", ".join(
        f"{counts[name]} {text}{'' if counts[name] == 1 else 's'}"
        for name, text in (("routes", "route"), ("permissions", "permission"), ("hsa_units", "HSA unit"))
    )
