"""``brygga demo``: the main job once, from a file to a consumer, with what happened told step by step."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

import click
import rich.console
from rich.markup import escape

from contracts.errors import EXIT_FINDINGS, UsageError
from gateway.console import Console, common_options, pass_console
from gateway.demo import Demo
from gateway.demo_steps import Step, Story


@click.command()
@click.option("--dir", "directory", type=click.Path(file_okay=False, path_type=Path), help="Work there and keep it.")
@click.option(
    "--size",
    type=click.Choice(["small", "medium", "large"]),
    default="small",
    show_default=True,
    help="About 2 000, 50 000 or 500 000 measurements.",
)
@click.option("--keep", is_flag=True, help="Keep the temporary folder.")
@common_options
@pass_console
def command(console: Console, directory: Path | None, size: str, keep: bool) -> None:
    """Run the main job once: certificates, import, publish, serve, fetch, change, poll, every contract version."""
    with ExitStack() as stack:
        folder = _folder(directory, keep, stack)
        console.note(f"Working in {escape(str(folder))}\n")
        story = Story(folder, lambda step: _tell(console, step))
        is_right = Demo(story, size).run()  # type: ignore[arg-type]
    data = {"is_right": is_right, "folder": str(folder), "steps": [asdict(step) for step in story.steps]}
    console.emit(data, lambda out: _render(out, folder, is_right, directory is not None or keep))
    if not is_right:
        raise SystemExit(EXIT_FINDINGS)


def _folder(directory: Path | None, keep: bool, stack: ExitStack) -> Path:
    if directory is not None:
        if directory.exists() and any(directory.iterdir()):
            raise UsageError(f"{directory} is not empty; the demo needs a new or empty folder.")
        directory.mkdir(parents=True, exist_ok=True)
        return directory.resolve()
    if keep:
        return Path(tempfile.mkdtemp(prefix="brygga-demo-"))
    return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="brygga-demo-")))


def _tell(console: Console, step: Step) -> None:
    mark = "[ok]✓[/ok]" if step.is_right else "[bad]✗[/bad]"
    console.note(f"{mark} [head]{escape(step.title)}[/head] [dim]{step.seconds:.1f} s[/dim]")
    for line in step.command.split("; ") if step.command else ():
        variables, _, command_ = line.rpartition("brygga ")
        shown = [f"{variables}\\"] if variables else []
        for sign, part in zip("$ ", [*shown, _shortened(f"brygga {command_}")], strict=False):
            console.note(f"    [dim]{sign} {escape(part)}[/dim]")
    console.note(f"    {escape(step.outcome)}")


def _shortened(line: str) -> str:
    return line if len(line) <= 100 else f"{line[:97]}..."


def _render(out: rich.console.Console, folder: Path, is_right: bool, is_kept: bool) -> None:
    if is_right:
        out.print("\n[ok]All of it was right.[/ok]")
    else:
        out.print("\n[bad]A step went wrong; see above.[/bad]")
    if is_kept:
        out.print(f"Look around in {escape(str(folder))}: brygga settings, brygga doctor, brygga register status")
