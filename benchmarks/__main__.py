"""``python -m benchmarks [NAME ...]``: run the benchmarks and print the figures. Exit 1 when a goal is missed."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import click

from benchmarks.harness import Figure, report

# Name -> module with a function `figures() -> list[Figure]`.
BENCHMARKS = {
    "serving": "benchmarks.serving",
    "polling": "benchmarks.polling",
    "fetching": "benchmarks.fetching",
    "importing": "benchmarks.importing",
    "versions": "benchmarks.versions",
}


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(list(BENCHMARKS)))
@click.option("--out", type=click.Path(path_type=Path), default=Path("benchmarks/out/figures.json"))
def main(names: tuple[str, ...], out: Path) -> None:
    """Run the named benchmarks, or all."""
    figures: list[Figure] = []
    for name in names or tuple(BENCHMARKS):
        click.echo(f"{name} ...", err=True)
        figures += importlib.import_module(BENCHMARKS[name]).figures()
    sys.exit(0 if report(figures, out) else 1)


if __name__ == "__main__":
    main()
