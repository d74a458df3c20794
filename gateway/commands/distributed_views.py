"""What ``brygga distributed`` prints for people: imports, fetches, and results, a line for each unit or sub-group."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import rich.console
from rich.markup import escape
from rich.table import Column, Table

from contracts.messages.distributed_report_3 import DistributedReport3
from contracts.registry import GET_DISTRIBUTED_QUALITY_REPORT_3, ServiceContract

if TYPE_CHECKING:
    from consumer.distributed import DistributedFetch
    from producer.register.distributed.importer import DistributedOutcome

NOT_SERVED = (
    "The register's distributed results are in no contract version that is served, so nobody gets them. Set in"
    f' brygga.toml: [producer] contracts = [..., "{GET_DISTRIBUTED_QUALITY_REPORT_3.id}"] and'
    " allow_reconstructions = true; then publish."
)
_HEADING = itemgetter("measure_id", "period_start", "period_end")
_PLACE = itemgetter("scope", "org_id", "org_name", "sex", "age_band")
_SEXES = {"1": "men", "2": "women"}
Row = dict[str, Any]


def is_given(served: Iterable[ServiceContract]) -> bool:
    """Whether one of the contract versions served gives distributed results."""
    return any(isinstance(contract.codec, DistributedReport3) for contract in served)


def render_imported(out: rich.console.Console, outcome: DistributedOutcome) -> None:
    """Tell of an import, or of what it would do."""
    verb = "Would import" if outcome.is_dry_run else "Imported"
    name = escape(outcome.file_name)
    out.print(f"[ok]{verb}[/ok] {outcome.measurements} results of units ({outcome.rows} rows) from {name}:")
    out.print(
        f"  {outcome.changed_groups} of {outcome.groups} combinations of indicator and period changed, reference values"
        f" in {outcome.references}"
    )
    if outcome.changed_groups and not outcome.is_dry_run:
        out.print("Consumers see it after: brygga register publish", style="dim")


def render_fetched(out: rich.console.Console, fetched: DistributedFetch) -> None:
    """Tell of a fetch."""
    if not fetched.is_changed:
        out.print("Nothing has changed; the store has it already.")
    elif not fetched.measurements:
        out.print("[warn]Nothing matches[/warn]: the producer has no results of these indicators in these days.")
    else:
        out.print(
            f"[ok]Stored[/ok] {fetched.measurements} results of units and {fetched.reference_values} reference values "
            f"({fetched.bytes_received} bytes received)."
        )
        out.print("See them: brygga distributed observations", style="dim")


@dataclass(frozen=True, slots=True)
class _Result:
    """What is stored of a unit or sub-group: its value row, its classes and its percentiles."""

    value: Row
    classes: tuple[Row, ...]
    percentiles: tuple[Row, ...]

    @property
    def cells(self) -> tuple[str, ...]:
        row, is_unit = self.value, self.value["scope"] == "unit"
        shown = row["value"] if is_unit or row["sex"] or row["age_band"] else row["weighted_value"]
        group = " ".join(filter(None, (_SEXES.get(row["sex"], row["sex"]), row["age_band"])))
        name = row["org_name"] if is_unit else f"{row['org_name']} (reference)"
        basis = row["denominator"] if is_unit else row["population"] or row["denominator"]
        return (
            name,
            group or "all",
            row["reason_code"] or _number(shown),
            _number(basis),
            " / ".join(one["reason_code"] or _number(one["count"]) for one in self.classes),
            " / ".join(_number(one["value"]) for one in self.percentiles),
        )


def render_observations(out: rich.console.Console, rows: Iterable[Row], limit: int) -> None:
    """Draw reference values and the first ``limit`` results of units of each indicator and period."""
    is_empty = True
    for (measure_id, start, end), of_one in groupby(rows, _HEADING):
        is_empty = False
        references: list[_Result] = []
        units: list[_Result] = []
        hidden = 0
        for one in _results(of_one):
            if one.value["scope"] != "unit":
                references.append(one)
            elif len(units) < limit:
                units.append(one)
            else:
                hidden += 1
        out.print(f"[head]{escape(measure_id)}[/head], {start} to {end}")
        _print_table(out, [*references, *units])
        if hidden:
            out.print(f"... and {hidden} more; write all with --csv FILE.", style="dim")
        out.print()
    if is_empty:
        out.print("Nothing is stored yet: brygga distributed fetch")


def _results(rows: Iterable[Row]) -> Iterator[_Result]:
    for _, of_one in groupby(rows, _PLACE):
        value, *parts = of_one
        yield _Result(
            value,
            tuple(part for part in parts if part["part"] == "class"),
            tuple(part for part in parts if part["part"] == "percentile"),
        )


def _print_table(out: rich.console.Console, results: Sequence[_Result]) -> None:
    first = next((one for one in results if one.classes), None)
    classes = " / ".join(one["label"] or one["class_id"] for one in first.classes) if first else ""
    parted = next((one for one in results if one.percentiles), None)
    levels = " / ".join(f"P{_number(one['level'])}" for one in parted.percentiles) if parted else ""
    table = Table(Column("Organisation", overflow="fold"), "Group", box=None, header_style="head")
    for heading in ("Value", "Basis"):
        table.add_column(heading, justify="right")
    for heading in (classes, levels):
        table.add_column(escape(heading), overflow="fold")
    for one in results:
        table.add_row(*map(escape, one.cells))
    out.print(table)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
