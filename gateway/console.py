"""What every command shares: output as text or JSON, progress, settings, and the options that steer them.

Results go to stdout, everything about the work goes to stderr (command-line interface: design 4, style 6).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol, TypeVar

import click
import rich.console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.theme import Theme

from contracts.errors import BryggaError, ConfigurationError, RulesBroken
from gateway.logs import configure_logs
from gateway.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])
_THEME = Theme({"ok": "green", "bad": "bold red", "warn": "yellow", "dim": "bright_black", "head": "bold"})


class Advance(Protocol):
    """Reports progress: how many more, and optionally the total as soon as it is known."""

    def __call__(self, count: int = 1, *, total: int | None = None) -> None: ...


class Console:
    """Output and settings of one run of the command line."""

    def __init__(self) -> None:
        self.is_json = False
        self.is_quiet = False
        self.is_verbose = False
        self.config: Path | None = None
        self.out = rich.console.Console(theme=_THEME, highlight=False, emoji=False)
        self.err = rich.console.Console(theme=_THEME, highlight=False, emoji=False, stderr=True)
        self._settings: Settings | None = None

    def emit(self, data: Any, render: Callable[[rich.console.Console], None]) -> None:
        """Print a result: ``data`` as one JSON document with --json, else what ``render`` draws (not with --quiet)."""
        if self.is_json:
            click.echo(json.dumps(data, ensure_ascii=False, indent=2, default=str))
        elif not self.is_quiet:
            render(self.out)

    def note(self, text: str) -> None:
        """Tell about the work on stderr; silent with --quiet and --json."""
        if not (self.is_quiet or self.is_json):
            self.err.print(text, soft_wrap=True)

    def warn(self, text: str) -> None:
        """Tell of something that needs attention, on stderr; also with --json."""
        if not self.is_quiet:
            self.err.print("[warn]Warning:[/warn]", end=" ")
            self.err.print(text, markup=False, soft_wrap=True)

    @contextmanager
    def progress(self, description: str, total: int | None = None) -> Iterator[Advance]:
        """Show a progress bar on a terminal; elsewhere the reports go nowhere."""
        hidden = self.is_quiet or self.is_json or not self.err.is_terminal
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=self.err, transient=True, disable=hidden) as bar:
            task = bar.add_task(description, total=total)

            def advance(count: int = 1, *, total: int | None = None) -> None:
                if total is not None:
                    bar.update(task, total=total)
                bar.advance(task, count)

            yield advance

    @contextmanager
    def phases(self, descriptions: Mapping[str, str]) -> Iterator[Callable[[str, int, int], None]]:
        """Show one progress bar after another: what is given takes the phase's name, how many more, and the total."""
        with ExitStack() as stack:
            shown: dict[str, Advance] = {}

            def progress(phase: str, count: int, total: int) -> None:
                if phase not in shown:
                    stack.close()
                    shown[phase] = stack.enter_context(self.progress(descriptions[phase], total))
                shown[phase](count)

            yield progress

    def settings(self) -> Settings:
        """Give the settings, read once. Raises ConfigurationError listing every problem."""
        if self._settings is None:
            self._settings = Settings.load(self.config)
            for problem in self._settings.unknown_sections():
                self.warn(f"{problem}; it has no effect.")
        return self._settings

    def emit_error(self, error: BryggaError) -> None:
        """Print an error as one JSON document with --json."""
        if self.is_json:
            body = {"code": error.code, "message": error.message, "problems": _problems_of(error)}
            click.echo(json.dumps({"error": body}, ensure_ascii=False, indent=2))

    def fail(self, error: BryggaError) -> None:
        """Tell of an error that ends the command."""
        problems = _problems_of(error)
        self.emit_error(error)
        self.err.print("[bad]Error:[/bad]", end=" ")
        self.err.print(error.message, markup=False, soft_wrap=True)
        for problem in problems:
            self.err.print(f"  - {problem}", markup=False, soft_wrap=True)
        if self.is_verbose and error.log_detail:
            self.err.print(f"  ({error.log_detail})", markup=False, soft_wrap=True, style="dim")


def _problems_of(error: BryggaError) -> tuple[str, ...]:
    return error.problems if isinstance(error, (ConfigurationError, RulesBroken)) else ()


pass_console = click.make_pass_decorator(Console, ensure=True)


def _set(attribute: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    def callback(context: click.Context, _parameter: click.Parameter, value: Any) -> None:
        if value:
            setattr(context.ensure_object(Console), attribute, value)

    return callback


def _set_verbose(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    _set("is_verbose")(context, parameter, value)
    if value:
        configure_logs(is_verbose=True)


def common_options(command: F) -> F:
    """Add --config, --json, --quiet and --verbose to a command; they may stand before or after its name."""
    options = (
        click.option(
            "--config",
            type=click.Path(dir_okay=False, path_type=Path),
            help="Settings file [default: brygga.toml of this folder].",
            expose_value=False,
            callback=_set("config"),
        ),
        click.option(
            "--json",
            "as_json",
            is_flag=True,
            help="Print JSON.",
            expose_value=False,
            callback=_set("is_json"),
        ),
        click.option(
            "--quiet",
            "-q",
            is_flag=True,
            help="Print no more than errors.",
            expose_value=False,
            callback=_set("is_quiet"),
        ),
        click.option(
            "--verbose",
            "-v",
            is_flag=True,
            help="Print more of what happens.",
            expose_value=False,
            callback=_set_verbose,
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def is_interactive() -> bool:
    """Whether a person can be asked a question."""
    return sys.stdin.isatty() and sys.stderr.isatty()
