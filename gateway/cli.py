"""The command ``brygga``: finds the command group, runs it and turns errors into messages and exit codes (style 6)."""

from __future__ import annotations

import importlib
import sys
from typing import NoReturn

import click

from contracts.errors import EXIT_OK, EXIT_USAGE, BryggaError, ConfigurationError, UsageError
from gateway import __version__
from gateway.console import Console, common_options
from gateway.logs import configure_logs

# Name -> (module, what it is for). The help text stands here so that --help need not import them all.
_COMMANDS = {
    "demo": ("gateway.commands.demo", "Run the main job once, from a file to a consumer."),
    "init": ("gateway.commands.init", "Make a working folder: settings, test certificates, empty register."),
    "register": ("gateway.commands.register", "Import results, publish them, look back."),
    "catalogue": ("gateway.commands.catalogue", "What the indicators are: import, fetch, list, explain."),
    "distributed": ("gateway.commands.distributed", "Results by sex, age and value class (a reconstructed contract)."),
    "producer": ("gateway.commands.producer", "Serve what is published over mutual TLS."),
    "consumer": ("gateway.commands.consumer", "Fetch, keep and show a producer's results."),
    "router": ("gateway.commands.router", "Simulate the national service platform."),
    "suite": ("gateway.commands.suite", "Test any endpoint against the contract and file the report."),
    "certs": ("gateway.commands.certs", "Test certificates like SITHS, and help with real ones."),
    "contracts": ("gateway.commands.contracts", "Explain the service contracts."),
    "settings": ("gateway.commands.settings", "Show each setting in force and where it comes from."),
    "doctor": ("gateway.commands.doctor", "Check settings, certificates, database and ports."),
}
_INTERRUPTED = 130


class _LazyGroup(click.Group):
    """A group whose commands are imported when they are run."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 (click's signature)
        if cmd_name not in _COMMANDS:
            return None
        command = importlib.import_module(_COMMANDS[cmd_name][0]).command
        if not isinstance(command, click.Command):
            raise TypeError(f"{_COMMANDS[cmd_name][0]}.command is no click command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])


@click.command(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="brygga")
@common_options
def brygga() -> None:
    """Indikatorbryggan: from a quality register's results in a file to a producer on the service platform."""


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and leave with its exit code (style 6)."""
    sys.exit(run(arguments))


def run(arguments: list[str] | None = None) -> int:
    """Run the command line and give its exit code."""
    console, stdout = Console(), sys.stdout
    configure_logs()
    try:
        result = brygga.main(args=arguments, prog_name="brygga", standalone_mode=False, obj=console)
    except click.ClickException as error:
        console.is_json |= "--json" in (sys.argv[1:] if arguments is None else arguments)
        console.emit_error(UsageError(error.format_message()))
        error.show()
        return EXIT_USAGE
    except BryggaError as error:
        console.fail(error)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        console.err.print("Interrupted; nothing half done is kept.")
        return _INTERRUPTED
    except SystemExit as error:
        # That the reader of the output has left (``| head``) is no failure. click puts another stdout in place then,
        # rich raises within; both say 1, which would mean findings.
        if sys.stdout is not stdout or isinstance(error.__context__, BrokenPipeError):
            return EXIT_OK
        return error.code if isinstance(error.code, int) else EXIT_OK
    except OSError as error:
        place = f" ({error.filename})" if error.filename else ""
        failure = ConfigurationError(f"The system refused: {error.strerror or error}{place}.")
        console.fail(failure)
        return failure.exit_code
    return result if isinstance(result, int) else EXIT_OK


if __name__ == "__main__":
    main()
