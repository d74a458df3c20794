"""What ``brygga register`` prints of the register and its publications, for people and as data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import rich.console
from rich.filesize import decimal
from rich.markup import escape
from rich.table import Table

from contracts.messages.distributed_report_3 import REFERENCE
from contracts.registry import ServiceContract
from producer.register import Publication, PublishedContract, RegisterStatus


def forms(publication: Publication, served: Sequence[ServiceContract]) -> Iterator[tuple[str, str, PublishedContract]]:
    """Give each stored form of a publication: whose it is, and what it holds."""
    for part in publication.contracts:
        names = ", ".join(contract.id for contract in served if contract.rendering == part.rendering)
        if names or not part.rendering.endswith(f":{REFERENCE}"):
            yield names or f"{part.rendering} (not served)", f"{part.measurement_count} measurements", part
        else:
            yield part.rendering.removesuffix(f":{REFERENCE}"), f"{part.measurement_count} reference values", part


def contract_data(contract: ServiceContract, current: Publication | None) -> dict[str, Any]:
    """Give what is published of a contract version that is served; None where it is not in the publication."""
    parts = {part.rendering: part.measurement_count for part in current.contracts} if current else {}
    return {
        "id": contract.id,
        "basis": contract.basis,
        "measurements": parts.get(contract.rendering),
        "reference_values": parts.get(f"{contract.rendering}:{REFERENCE}"),
    }


def local(moment: datetime) -> str:
    """Write a moment in this machine's time."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"


def render_status(out: rich.console.Console, status: RegisterStatus, served: Sequence[ServiceContract]) -> None:
    """Draw what the register holds, what is published of it, and what is not."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_row("Register", escape(status.url))
    table.add_row("Size", f"{decimal(status.size_bytes)}, schema version {status.schema_version}")
    table.add_row("Measurements", f"{status.measurements} of {status.measures} indicators")
    distributed = status.distributed
    if distributed.measurements:
        table.add_row(
            "Distributed",
            f"{distributed.measurements} results of {distributed.units} units for {distributed.measures} indicators, "
            f"{distributed.subgroups} of sub-groups, {distributed.reference_values} reference values",
        )
    table.add_row("Organisations", str(status.organizations))
    table.add_row("Source systems", escape(", ".join(status.source_systems) or "-"))
    last, current = status.last_import, status.current
    table.add_row(
        "Last import",
        escape(f"{last.file_name}, {local(last.imported_at)}, {last.rows} rows ({last.mode}), by {last.who}")
        if last
        else "none yet: brygga register import FILE",
    )
    table.add_row(
        "Current publication",
        escape(f"{current.id}, {local(current.published_at)}, by {current.who}")
        if current
        else "none yet: brygga register publish",
    )
    if current is not None:
        for name, count, part in forms(current, served):
            table.add_row("", f"{name}: {count} in {part.slice_count} slices")
        held = {part.rendering for part in current.contracts}
        for contract in served:
            if contract.rendering not in held:
                table.add_row("", f"{contract.id}: [warn]not published[/warn]; brygga register publish")
    table.add_row(
        "Not published yet",
        f"changes in {status.unpublished_groups} combination(s) of indicator and period: brygga register publish"
        if status.unpublished_groups
        else "nothing",
    )
    if status.writer is not None:
        table.add_row("Writing now", escape(f"{status.writer.describe()}, unless it was interrupted"))
    out.print(table)
