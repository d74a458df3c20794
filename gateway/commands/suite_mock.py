"""``brygga suite mock``: a producer without a register, whole or broken on demand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
import rich.console
from rich.markup import escape
from rich.table import Table

from certs.tls import TlsFiles
from contracts.errors import UsageError
from contracts.registry import GET_DISTRIBUTED_QUALITY_REPORT_3, GET_QUALITY_INDICATORS_2
from gateway.console import Console, common_options, pass_console
from gateway.sections import contracts_of
from testsuites.mock.distributed import DISTRIBUTED_SHAPES
from testsuites.mock.faults import MockFault, find_fault, mock_faults
from testsuites.mock.server import FAULT_HEADER, SHAPE_HEADER, MockServer, Served
from testsuites.mock.shapes import SHAPES, measure_id_of

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command("mock")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8088, show_default=True, help="Port; 0 lets the system choose.")
@click.option("--certificate", type=_FILE, help="Server certificate; with it callers need one too.")
@click.option("--private-key", type=_FILE, help="Its key.")
@click.option("--ca", type=_FILE, help="The authority that callers' certificates must be of.")
@click.option(
    "--contract", "contract_id", default=GET_QUALITY_INDICATORS_2.id, show_default=True, help="Contract version."
)
@click.option("--fault", default="", help="Break every answer in this way (see --list).")
@click.option("--list", "is_list", is_flag=True, help="Show the shapes and faults, and do not serve.")
@common_options
@pass_console
def mock_command(
    console: Console,
    host: str,
    port: int,
    certificate: Path | None,
    private_key: Path | None,
    ca: Path | None,
    contract_id: str,
    fault: str,
    *,
    is_list: bool,
) -> None:
    """Be a producer without a register: answers by the header x-mock-response, else by measureId."""
    if is_list:
        console.emit(*_mock_list())
        return
    tls = None
    if certificate is not None and private_key is not None and ca is not None:
        tls = TlsFiles(certificate, private_key, ca)
    elif certificate is not None or private_key is not None or ca is not None:
        raise UsageError("--certificate, --private-key and --ca belong together; give all three.")
    broken = find_fault(fault) if fault else MockFault("", "")
    if broken.is_distributed and contract_id != GET_DISTRIBUTED_QUALITY_REPORT_3.id:
        raise UsageError(f"The fault {fault!r} needs --contract {GET_DISTRIBUTED_QUALITY_REPORT_3.id}.")
    known = contracts_of(console.settings())
    if contract_id not in known:
        raise UsageError(f"{contract_id!r} is no contract here; known are {', '.join(known)}.")

    def log(served: Served) -> None:
        console.note(
            f"[dim]{served.status or 'reset'}  {escape(served.path)}  {served.answer_bytes} bytes  "
            f"{escape(served.fault)}[/dim]"
        )

    def told(out: rich.console.Console) -> None:
        out.print(f"[ok]Mock producer[/ok] {escape(server.url)}  (Ctrl-C stops it)", soft_wrap=True)

    served = MockServer((host, port), tls=tls, fault=broken, contract=known[contract_id], log=log)
    with served as server, suppress(KeyboardInterrupt):
        console.emit({"url": server.url}, told)
        server.serve_forever()


def _mock_list() -> tuple[dict[str, Any], Callable[[rich.console.Console], None]]:
    shapes = [measure_id_of(shape) for shape in SHAPES]
    distributed_shapes = [measure_id_of(shape) for shape in DISTRIBUTED_SHAPES]
    every = mock_faults().values()
    faults = {fault.id: fault.breaks for fault in every if not fault.is_distributed} | {
        "delay:SECONDS": "Waits before it answers.",
        "status:CODE": "Answers with an HTTP status and nothing else.",
        "vp:VPnnn": "Answers with a fault of the platform.",
    }
    distributed_faults = {fault.id: fault.breaks for fault in every if fault.is_distributed}
    only = f"only with --contract {GET_DISTRIBUTED_QUALITY_REPORT_3.id}"

    def render(out: rich.console.Console) -> None:
        out.print(f"[head]Shapes[/head] (measureId, or header {SHAPE_HEADER})")
        for shape in shapes:
            out.print(f"  {escape(shape)}")
        out.print(f"\n[head]Shapes with sub-groups, distributions and reference values[/head] ({only})")
        for shape in distributed_shapes:
            out.print(f"  {escape(shape)}")
        out.print(f"\n[head]Faults[/head] (--fault, or header {FAULT_HEADER})")
        out.print(_table(faults))
        out.print(f"\n[head]Faults of distributed reports[/head] ({only})")
        out.print(_table(distributed_faults))

    data = {
        "shapes": shapes,
        "distributedShapes": distributed_shapes,
        "faults": faults,
        "distributedFaults": distributed_faults,
    }
    return data, render


def _table(faults: Mapping[str, str]) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    for name, breaks in faults.items():
        table.add_row(f"  {escape(name)}", escape(breaks))
    return table
