"""Output of the command line: results to stdout, the work to stderr, one JSON document (style reference 6)."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import rich.console
import structlog

from contracts.errors import BryggaError, ConfigurationError, DataError, RulesBroken
from gateway.console import Console, common_options, is_interactive, pass_console
from gateway.logs import configure_logs


@pytest.fixture(autouse=True)
def root_logger() -> Iterator[logging.Logger]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield root
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


@pytest.fixture
def console() -> Console:
    return Console()


def _render(out: rich.console.Console) -> None:
    out.print("drawn")


def test_result_is_drawn_as_text(console: Console, capsys: pytest.CaptureFixture[str]) -> None:
    console.emit({"a": 1}, _render)
    assert capsys.readouterr() == ("drawn\n", "")


def test_result_is_one_json_document(console: Console, capsys: pytest.CaptureFixture[str]) -> None:
    console.is_json = console.is_quiet = True
    console.emit({"name": "åäö", "path": Path("/a"), "n": None}, _render)
    out, err = capsys.readouterr()
    assert json.loads(out) == {"name": "åäö", "path": "/a", "n": None}
    assert "åäö" in out
    assert err == ""


def test_quiet_draws_nothing(console: Console, capsys: pytest.CaptureFixture[str]) -> None:
    console.is_quiet = True
    console.emit({}, _render)
    console.note("note")
    console.warn("warning")
    assert capsys.readouterr() == ("", "")


def test_notes_and_warnings_go_to_stderr(console: Console, capsys: pytest.CaptureFixture[str]) -> None:
    console.note("a note")
    console.warn("odd [/x] text")
    assert capsys.readouterr() == ("", "a note\nWarning: odd [/x] text\n")


def test_json_silences_notes_but_not_warnings(console: Console, capsys: pytest.CaptureFixture[str]) -> None:
    console.is_json = True
    console.note("a note")
    console.warn("a warning")
    assert capsys.readouterr() == ("", "Warning: a warning\n")


@pytest.mark.parametrize("text", ["[bold]not bold[/bold]", "closing [/x] only", "C:\\[a]", ":smile:", "x" * 300])
def test_error_is_told_letter_by_letter(console: Console, capsys: pytest.CaptureFixture[str], text: str) -> None:
    console.fail(ConfigurationError(text, problems=[text, "other"]))
    assert capsys.readouterr() == ("", f"Error: {text}\n  - {text}\n  - other\n")


def test_error_as_json_goes_to_stdout_and_as_text_to_stderr(
    console: Console, capsys: pytest.CaptureFixture[str]
) -> None:
    console.is_json = True
    console.fail(RulesBroken("broken", path="a", rule="1.4", problems=["one", "two"]))
    out, err = capsys.readouterr()
    assert json.loads(out) == {"error": {"code": "rules-broken", "message": "broken", "problems": ["one", "two"]}}
    assert err == "Error: broken\n  - one\n  - two\n"


@pytest.mark.parametrize(("is_verbose", "shown"), [(True, "  (the detail)\n"), (False, "")])
def test_detail_of_an_error_needs_verbose(
    console: Console, capsys: pytest.CaptureFixture[str], is_verbose: bool, shown: str
) -> None:
    console.is_verbose = is_verbose
    console.fail(DataError("wrong", log_detail="the detail"))
    assert capsys.readouterr().err == f"Error: wrong\n{shown}"


def test_progress_is_silent_without_a_terminal(console: Console, capsys: pytest.CaptureFixture[str]) -> None:
    with console.progress("Working") as advance:
        advance(1, total=10)
        advance(9)
    assert capsys.readouterr() == ("", "")


def test_progress_is_drawn_on_a_terminal(console: Console, capsys: pytest.CaptureFixture[str]) -> None:
    console.err = rich.console.Console(stderr=True, force_terminal=True, width=100)
    with console.progress("Working") as advance:
        advance(3, total=10)
    out, err = capsys.readouterr()
    assert out == ""
    assert "Working" in err
    assert "3/10" in err


def test_settings_are_read_once_and_odd_sections_told(
    console: Console, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    console.config = tmp_path / "x.toml"
    console.config.write_text("[registre]\n")
    first = console.settings()
    console.config.unlink()
    assert console.settings() is first
    assert capsys.readouterr().err == "Warning: [registre] is no section; did you mean register?; it has no effect.\n"


@click.group()
@common_options
def program() -> None: ...


@program.command()
@common_options
@pass_console
def leaf(console: Console) -> None:
    """Do nothing."""
    click.echo(repr((console.is_json, console.is_quiet, console.is_verbose, str(console.config))))


@pytest.mark.parametrize(
    ("arguments", "seen"),
    [
        ("leaf", (False, False, False, "None")),
        ("--json leaf", (True, False, False, "None")),
        ("leaf --json", (True, False, False, "None")),
        ("--json leaf -q", (True, True, False, "None")),
        ("-v --config a leaf", (False, False, True, "a")),
        ("leaf --verbose --config a", (False, False, True, "a")),
        ("--config a leaf --config b", (False, False, False, "b")),
        ("-q -v --json leaf -q -v --json", (True, True, True, "None")),
    ],
)
def test_common_options_stand_before_or_after_the_command(
    arguments: str, seen: object, capsys: pytest.CaptureFixture[str]
) -> None:
    program.main(arguments.split(), standalone_mode=False, obj=Console())
    assert capsys.readouterr().out == f"{seen!r}\n"


def test_nobody_can_be_asked_without_a_terminal() -> None:
    assert is_interactive() is False


@pytest.mark.parametrize(("is_verbose", "levels"), [(False, ["warning"]), (True, ["info", "warning"])])
def test_log_lines_of_libraries_are_json_on_stderr(
    is_verbose: bool, levels: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logs(is_verbose=is_verbose)
    library = logging.getLogger("some.library")
    library.info("told\r\n\x1b[31m only if verbose")
    library.warning("åäö")
    for name in ("zeep", "urllib3", "requests", "spyne", "asyncio"):
        logging.getLogger(f"{name}.part").info("never below warning")
    out, err = capsys.readouterr()
    lines = [json.loads(line) for line in err.splitlines()]
    assert out == ""
    assert err.isascii()
    assert [line["level"] for line in lines] == levels
    assert lines[-1]["event"] == "åäö"
    assert all(line["timestamp"].endswith("Z") for line in lines)


def test_own_log_lines_keep_their_fields(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs()
    structlog.get_logger("brygga").info("request", outcome="ok", ms=1.5)
    line = json.loads(capsys.readouterr().err)
    assert (line["event"], line["outcome"], line["ms"], line["level"]) == ("request", "ok", 1.5, "info")


def test_error_without_problems_has_an_empty_list(console: Console, capsys: pytest.CaptureFixture[str]) -> None:
    console.is_json = True
    console.emit_error(BryggaError("x"))
    assert json.loads(capsys.readouterr().out)["error"]["problems"] == []
