"""``brygga init``: a working folder to start from."""

from __future__ import annotations

import shlex
from pathlib import Path

import click
import rich.console
from rich.markup import escape

from contracts.codes import hsa_id_problem
from contracts.errors import UsageError
from gateway import workspace
from gateway.console import Console, common_options, pass_console
from gateway.sections import register_of
from gateway.settings import Settings

_NEXT = (
    "brygga register import results.csv --dry-run   # every problem, nothing changed",
    "brygga register import results.csv",
    "brygga register publish",
    "brygga producer serve",
    "brygga consumer fetch --measure-id ID --from 2025-01-01 --to 2025-12-31   # in another terminal",
)


@click.command()
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@click.option("--hsa-id", required=True, help="HSA-id of the producing system, such as SE9990001112-DEMO.")
@click.option("--register-hsa-id", help="HSA-id of the register, as its files say it [default: --hsa-id].")
@click.option("--name", required=True, help="Name of the system or the register.")
@click.option("--port", type=click.IntRange(1, 65535), default=8443, show_default=True, help="Port of the producer.")
@click.option(
    "--router-port", type=click.IntRange(1, 65535), default=20000, show_default=True, help="Port of the router."
)
@click.option("--key-size", type=click.IntRange(2048, 8192), help="Bits of the test keys (RSA) [default: as SITHS].")
@common_options
@pass_console
def command(
    console: Console,
    directory: Path,
    hsa_id: str,
    register_hsa_id: str | None,
    name: str,
    port: int,
    router_port: int,
    key_size: int | None,
) -> None:
    """Make a working folder DIRECTORY: settings, test certificates, an empty register."""
    for option, value in (("--hsa-id", hsa_id), ("--register-hsa-id", register_hsa_id or hsa_id)):
        problem = hsa_id_problem(value)
        if problem:
            raise UsageError(f"{option} {value!r} {problem}")
    with console.progress("Making keys and certificates"):
        made = workspace.create(
            directory,
            hsa_id=hsa_id,
            name=name,
            organization_hsa_id=register_hsa_id,
            producer_port=port,
            router_port=router_port,
            key_size=key_size,
        )
    register_of(Settings.load(made.settings_file), create=True).close()
    data = {
        "directory": str(made.directory),
        "settings": str(made.settings_file),
        "consumer_hsa_id": made.consumer_hsa_id,
        "router_hsa_id": made.router_hsa_id,
    }

    def render(out: rich.console.Console) -> None:
        out.print(f"[ok]Ready:[/ok] {escape(str(made.settings_file))}")
        out.print("Certificates are a test authority's; `brygga certs csr` helps to order a real one.\n")
        if made.directory.resolve() != Path.cwd():
            out.print(f"  cd {escape(shlex.quote(str(made.directory)))}", soft_wrap=True)
        for line in _NEXT:
            out.print(f"  {line}", soft_wrap=True)

    console.emit(data, render)
