"""The command line: exit codes, errors as text and JSON, help of every command (style reference 6, design 4)."""

from __future__ import annotations

import importlib.util
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
import structlog

from contracts import errors
from contracts.errors import BryggaError, ConfigurationError, ContractViolation
from gateway import __version__, cli
from gateway.cli import brygga, run
from gateway.console import Console, common_options, pass_console

ROOT = Path(__file__).parents[2]
COMMON = {"--config", "--json", "--quiet", "--verbose"}


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty working folder, no BRYGGA_ variables, and the log as it was."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("BRYGGA_")]:
        monkeypatch.delenv(name)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


def walk(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            yield from walk(child, (*path, name))


TREE = dict(walk(brygga))
LEAVES = {path: command for path, command in TREE.items() if not isinstance(command, click.Group)}


@pytest.mark.parametrize("path", TREE, ids=" ".join)
def test_every_command_has_help(path: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*path, "--help"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith(f"Usage: {' '.join(('brygga', *path))}")
    assert err == ""
    assert TREE[path].help


@pytest.mark.parametrize("path", TREE, ids=" ".join)
def test_every_option_is_explained(path: tuple[str, ...]) -> None:
    options = [parameter for parameter in TREE[path].params if isinstance(parameter, click.Option)]
    assert [option.opts for option in options if not option.help] == []


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_every_command_takes_the_common_options(path: tuple[str, ...]) -> None:
    assert {name for parameter in LEAVES[path].params for name in parameter.opts} >= COMMON


def test_stable_names_are_there() -> None:
    assert {" ".join(path) for path in LEAVES} >= {
        "demo", "init", "certs authority", "certs issue", "certs csr", "certs inspect", "certs revoke", "certs crl",
        "certs bad-set", "register import", "register publish", "register publications", "register rollback",
        "register status", "producer serve", "suite run", "suite list", "suite mock", "contracts list",
        "contracts show", "settings", "doctor", "router serve", "router routes", "consumer fetch", "consumer poll",
        "consumer observations",
    }  # fmt: skip


def test_help_names_every_group_without_importing_it() -> None:
    script = (
        "import sys; from gateway.cli import run; code = run(['--help']);"
        "sys.exit(code or any(name.startswith('gateway.commands.') for name in sys.modules))"
    )
    shown = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in cli._COMMANDS:
        assert f"\n  {name} " in shown.stdout


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"brygga, version {__version__}\n"


# -- errors and exit codes, through a command of the test's own ------------------------------------------------------


@pytest.fixture
def raising(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException | object], list[str]]:
    """Put a command in the place of ``settings`` that raises, or returns, what it is given."""

    def install(outcome: BaseException | object) -> list[str]:
        @click.command()
        @common_options
        @pass_console
        def command(console: Console) -> object:
            if isinstance(outcome, BaseException):
                raise outcome
            return outcome

        module = importlib.import_module("gateway.commands.settings")
        monkeypatch.setattr(module, "command", command)
        return ["settings"]

    return install


def _all_errors() -> list[type[BryggaError]]:
    return [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, BryggaError)]


def _make(kind: type[BryggaError]) -> BryggaError:
    if issubclass(kind, errors.RulesBroken):
        return kind("what [/happened]", path="p", rule="1.1", problems=["one"])
    if issubclass(kind, ContractViolation):
        return kind("what [/happened]", path="p")
    if issubclass(kind, errors.PlatformFault):
        return kind("VP004", "Client", "what [/happened]")
    if issubclass(kind, errors.FaultReceived):
        return kind("Client", "what [/happened]")
    if issubclass(kind, errors.ProducerBusy):
        return kind("what [/happened]", retry_after_s=1.0)
    return kind("what [/happened]")


@pytest.mark.parametrize("kind", _all_errors(), ids=lambda kind: kind.__name__)
def test_error_gives_its_exit_code_text_and_json(
    kind: type[BryggaError],
    raising: Callable[[object], list[str]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    command = raising(_make(kind))
    assert run(command) == kind.exit_code != 0
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("Error: ")
    assert "what [/happened]" in err
    assert run([*command, "--json"]) == kind.exit_code
    out, err = capsys.readouterr()
    document = json.loads(out)["error"]
    assert document["code"] == kind.code
    assert "what [/happened]" in document["message"]
    assert err.startswith("Error: ")


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        (None, 0),
        (0, 0),
        (1, 1),
        ("text", 0),
        (SystemExit(1), 1),
        (SystemExit(0), 0),
        (SystemExit(None), 0),
        (click.exceptions.Exit(4), 4),
        (click.UsageError("no"), 2),
        (click.BadParameter("no"), 2),
        (click.Abort(), 130),
        (KeyboardInterrupt(), 130),
        (PermissionError(13, "Permission denied", "/x/y"), 3),
        (OSError(28, "No space left on device"), 3),
    ],
)
def test_outcome_gives_exit_code(outcome: object, code: int, raising: Callable[[object], list[str]]) -> None:
    assert run(raising(outcome)) == code


def test_refusal_of_the_system_names_the_file(
    raising: Callable[[object], list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    run(raising(PermissionError(13, "Permission denied", "/x/y")))
    assert capsys.readouterr().err == "Error: The system refused: Permission denied (/x/y).\n"


def test_mistake_of_the_program_is_not_hidden(raising: Callable[[object], list[str]]) -> None:
    with pytest.raises(ZeroDivisionError):
        run(raising(ZeroDivisionError()))


def test_problems_are_listed(raising: Callable[[object], list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    run(raising(ConfigurationError("Two things.", problems=["one", "two"])))
    assert capsys.readouterr().err == "Error: Two things.\n  - one\n  - two\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["nope"],
        ["--nope"],
        ["settings", "--nope"],
        ["settings", "register", "extra"],
        ["certs"],
        ["certs", "nope"],
        ["register", "import"],
        ["register", "rollback", "seven"],
        ["init", "x"],
        ["settings", "--config", "."],
        [],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_2_with_the_way_to_help(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "Usage: brygga" in err
    assert run([*arguments, "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "usage"


def test_option_without_its_value_is_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--config"]) == 2
    assert "requires an argument" in capsys.readouterr().err


def test_missing_settings_file_is_told_with_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["settings", "--config", "none.toml"]) == 3
    assert "brygga init" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--json", "settings"], ["settings", "--json"]], ids=["before", "after"])
def test_settings_command_tells_values_and_sources(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "brygga.toml").write_text('[register]\nurl = "postgresql+psycopg://u:secret-word@h/d"\n')
    monkeypatch.setenv("BRYGGA_REGISTER_LOCK_WAIT_S", "7")
    assert run(arguments) == 0
    out, err = capsys.readouterr()
    told = {entry["name"]: entry for entry in json.loads(out)}
    assert told["register.url"] == {
        "name": "register.url",
        "value": "postgresql+psycopg://u:***@h/d",
        "source": "brygga.toml",
        "meaning": "Database: sqlite:///FILE (relative to the settings file) or postgresql+psycopg://...",
    }
    assert told["register.lock_wait_s"]["value"] == 7.0
    assert told["register.lock_wait_s"]["source"] == "BRYGGA_REGISTER_LOCK_WAIT_S"
    assert told["register.keep_publications"]["source"] == "default"
    assert err == ""


def test_settings_command_as_text_hides_the_password_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "brygga.toml").write_text('[register]\nurl = "postgresql+psycopg://u:secret-word@h/d"\n[zzz]\n')
    assert run(["settings"]) == 0
    out, err = capsys.readouterr()
    assert "u:***@h/d" in out
    assert "secret-word" not in out + err
    assert err == "Warning: [zzz] is no section; it has no effect.\n"


def test_wrong_settings_are_all_told_with_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "brygga.toml").write_text('[register]\nulr = "x"\nlock_wait_s = "long"\n')
    assert run(["settings", "--json"]) == 3
    found = json.loads(capsys.readouterr().out)["error"]
    assert found["code"] == "configuration"
    assert len(found["problems"]) >= 2


# -- as a program ----------------------------------------------------------------------------------------------------


def program(*arguments: str, closes_output: bool = False) -> tuple[int, str, str]:
    command = [sys.executable, "-m", "gateway.cli", *arguments]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stderr is not None
    if closes_output:
        process.stdout.close()
        error = process.stderr.read()
        process.stderr.close()
        return process.wait(60), "", error
    out, error = process.communicate(timeout=60)
    return process.returncode, out, error


def test_program_leaves_with_the_exit_code() -> None:
    code, out, err = program("contracts", "list", "--json")
    assert (code, err) == (0, "")
    assert "GetQualityIndicators" in json.dumps(json.loads(out))
    assert program("nope")[0] == 2
    assert program("settings", "--config", "/none.toml")[0] == 3


@pytest.mark.parametrize(
    "arguments", [["--help"], ["contracts", "show"], ["contracts", "show", "--json"]], ids=" ".join
)
def test_reader_that_leaves_early_is_no_failure(arguments: list[str]) -> None:
    """``brygga ... | head``: no traceback, and not the exit code that means findings."""
    assert program(*arguments, closes_output=True) == (0, "", "")


def test_installed_command_is_the_same_program() -> None:
    script = Path(sys.executable).with_name("brygga")
    if not script.exists():
        pytest.skip("the project is not installed in this environment")
    shown = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert shown.stdout == f"brygga, version {__version__}\n"
