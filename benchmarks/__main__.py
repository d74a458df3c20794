"""``python -m benchmarks [NAME ...]``: run the benchmarks, print the figures and write docs/performance.md.

Exit 1 when a goal is missed.
"""

from __future__ import annotations

import importlib
import sys
import time
from pathlib import Path
from types import ModuleType

import click

from benchmarks.harness import Results, show, write_json
from benchmarks.report import write_report

# Each module has `results(*, is_full) -> Results` or, with one set only, `figures() -> list[Figure]`.
QUICK = ("serving", "polling", "fetching", "engines", "importing", "scaling", "versions")
FULL = (*QUICK, "router_vs_nginx", "suite_cost", "aggregating")


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(FULL))
@click.option("--full", "is_full", is_flag=True, help="The long runs too: 5 000 000 measurements, an hour of load.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), default=Path("benchmarks/out/figures.json"))
@click.option("--report", "report_file", type=click.Path(path_type=Path), default=None, help="Markdown file to write.")
def main(names: tuple[str, ...], is_full: bool, json_file: Path, report_file: Path | None) -> None:
    """Run the named benchmarks, or all of the quick or the full set."""
    found = Results()
    for name in names or (FULL if is_full else QUICK):
        begun = time.monotonic()
        found.extend(_run(importlib.import_module(f"benchmarks.{name}"), is_full=is_full))
        click.echo(f"{name}: {time.monotonic() - begun:.0f} s", err=True)
        write_json(found, json_file)
    show(found)
    if report_file is not None:
        write_report(found, report_file)
    sys.exit(0 if all(figure.is_met for figure in found.figures) else 1)


def _run(module: ModuleType, *, is_full: bool) -> Results:
    if hasattr(module, "results"):
        results: Results = module.results(is_full=is_full)
        return results
    return Results(module.figures())


if __name__ == "__main__":
    main()
