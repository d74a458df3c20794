"""``brygga producer``: serve what is published over mutual TLS."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import rich.console
import structlog
from rich.markup import escape
from rich.table import Table
from sqlalchemy.engine import make_url

from certs.peer import hsa_id_of
from certs.reading import read_certificates
from contracts.errors import CertificateError
from gateway.console import Console, common_options, pass_console
from gateway.sections import producer_settings, register_settings
from producer.register import DamagedSlice, damaged_slices, open_register
from producer.register.checking import REPAIR
from producer.register.publication import publications
from producer.register.repository import DatabaseRepository
from producer.server import Listening, serve
from producer.settings import ProducerSettings

_log = structlog.get_logger("producer.register")


@click.group()
def command() -> None:
    """Serve what is published over mutual TLS."""


@command.command("serve")
@click.option("--host", help="Address to listen on, instead of the settings'.")
@click.option("--port", type=int, help="Port, instead of the settings'; 0 lets the system choose.")
@click.option("--workers", type=click.IntRange(min=1), help="Processes, instead of the settings'.")
@click.option("--health-port", type=int, help="Port on 127.0.0.1 for /health/live and /health/ready.")
@common_options
@pass_console
def serve_command(
    console: Console, host: str | None, port: int | None, workers: int | None, health_port: int | None
) -> None:
    """Serve until Ctrl-C or SIGTERM; SIGTERM lets answers in flight finish, for 30 seconds at most."""
    loaded = console.settings()
    options = {"host": host, "port": port, "workers": workers, "health_port": health_port}
    given: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    settings = dataclasses.replace(producer_settings(loaded), **given)
    section = register_settings(loaded)
    url = section.read_url_from(loaded.base)
    published, damaged = _looked_at(url, section.lock_wait_s, reads_slices=settings.check_at_start)

    def tell(listening: Listening) -> None:
        summary = _summary(settings, listening, url, published)
        console.emit(summary, lambda out: _render(out, summary))
        for warning in [*_damage(damaged), *_warnings(settings, published)]:
            console.warn(warning)

    suspects = [one.slice_id for one in damaged]
    serve(settings, lambda: DatabaseRepository(url, suspects=suspects), on_ready=tell)


def _looked_at(url: str, lock_wait_s: float, *, reads_slices: bool) -> tuple[dict[str, int], list[DamagedSlice]]:
    """Check the register: how many measurements are published in each rendering, and what is damaged of them."""
    with open_register(url, lock_wait_s=lock_wait_s) as register:
        current = [one for one in publications(register) if one.is_current]
        damaged = [one for one in damaged_slices(register) if one.is_current] if reads_slices else []
    return {part.rendering: part.measurement_count for one in current for part in one.contracts}, damaged


def _damage(damaged: Sequence[DamagedSlice]) -> list[str]:
    """Say what is not served, and log it: a service has nobody at its terminal."""
    for one in damaged:
        _log.error("damaged-slice", where=str(one), mend=REPAIR)
    if not damaged:
        return []
    return [
        f"{len(damaged)} stored slice(s) are damaged; answers with them are refused, all others are given."
        f" First: {damaged[0]}. `{REPAIR}` makes them anew; look at the disk."
    ]


def _summary(
    settings: ProducerSettings, listening: Listening, url: str, published: Mapping[str, int]
) -> dict[str, Any]:
    return {
        "url": listening.url,
        "port": listening.port,
        "health_port": listening.health_port,
        "contracts": [
            {
                "id": contract.id,
                "basis": contract.basis,
                "address": f"{settings.public_url or listening.url}{contract.path}",
                "measurements": published.get(contract.rendering, 0),
            }
            for contract in settings.served_contracts
        ],
        "logical_addresses": list(settings.served_addresses),
        "register": make_url(url).render_as_string(hide_password=True),
        "measurements": max(published.values(), default=0),
        "certificate": None if settings.tls is None else _certificate(settings.tls.certificate),
        "revocation_list": None if settings.tls is None or settings.tls.crl is None else str(settings.tls.crl),
        "allowed_callers": list(settings.allowed_callers),
        "workers": settings.workers,
        "threads": settings.threads,
    }


def _certificate(path: Path) -> dict[str, Any]:
    leaf = read_certificates(path, "the certificate")[0]
    try:
        hsa_id = hsa_id_of(leaf)
    except CertificateError:
        hsa_id = ""
    return {"file": str(path), "hsa_id": hsa_id, "valid_until": leaf.not_valid_after_utc.isoformat()}


def _render(out: rich.console.Console, summary: dict[str, Any]) -> None:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for contract in summary["contracts"]:
        note = ", a reconstruction" if contract["basis"] == "reconstruction" else ""
        count = f"{contract['measurements']} measurements published"
        table.add_row("Serving", escape(f"{contract['id']}{note}, {count}\n{contract['address']}"))
    table.add_row("Logical address", escape(", ".join(summary["logical_addresses"])))
    table.add_row("Register", escape(summary["register"]))
    certificate = summary["certificate"]
    if certificate is None:
        table.add_row("TLS", "by the proxy in front")
    else:
        until = datetime.fromisoformat(certificate["valid_until"])
        days = (until - datetime.now(UTC)).days
        table.add_row("Certificate", escape(f"{certificate['hsa_id']}, valid until {until:%Y-%m-%d} ({days} days)"))
        table.add_row("Revocation list", escape(summary["revocation_list"] or "none: revoked callers are let in"))
    table.add_row("Allowed callers", escape(", ".join(summary["allowed_callers"])) or "[warn]nobody[/warn]")
    table.add_row("Processes", f"{summary['workers']} with {summary['threads']} threads each")
    if summary["health_port"]:
        table.add_row("Health", f"http://127.0.0.1:{summary['health_port']}/health/ready")
    out.print("[ok]Ready.[/ok] Ctrl-C stops it.")
    out.print(table)


def _warnings(settings: ProducerSettings, published: Mapping[str, int]) -> list[str]:
    found = []
    if not settings.allowed_callers:
        found.append(
            "allowed_callers is empty, so everybody is refused. Name the HSA-ids that may call in brygga.toml:"
            ' [producer] allowed_callers = ["..."].'
        )
    if not published:
        found.append("Nothing is published, so every answer is empty. Run `brygga register publish`.")
    for contract in settings.served_contracts:
        if published and contract.rendering not in published:
            found.append(
                f"{contract.id} is not in the current publication, so its callers get a fault."
                " Run `brygga register publish`."
            )
        if contract.is_reconstruction:
            found.append(f"The message of {contract.id} is a reconstruction, not the published one: only for trying.")
    return found
