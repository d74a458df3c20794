"""Running ``brygga`` itself as a child process: one command to its end, or a server until it is no longer needed."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contracts.errors import ConfigurationError

_START_S = 30.0
_STOP_S = 35.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended: its exit code, its JSON output (None when there is none), and what it said on stderr."""

    exit_code: int
    data: Any
    messages: str


def run_command(arguments: Sequence[str], *, folder: Path, environment: dict[str, str] | None = None) -> Outcome:
    """Run ``brygga ARGUMENTS --json`` in ``folder`` to its end."""
    done = subprocess.run(  # noqa: S603 (fixed program, arguments of this project)
        [*_program(), *arguments, "--json"],
        cwd=folder,
        env=os.environ | (environment or {}),
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        data = json.loads(done.stdout) if done.stdout.strip() else None
    except json.JSONDecodeError:
        data = None
    return Outcome(done.returncode, data, done.stderr.strip())


@contextmanager
def running(
    arguments: Sequence[str], *, folder: Path, port: int, log: Path, environment: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server command until the block ends; ready when ``port`` on 127.0.0.1 takes connections.

    Its output goes to ``log``. Raises ConfigurationError when it ends early or is not ready in time.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603
            [*_program(), *arguments],
            cwd=folder,
            env=os.environ | (environment or {}),
            stdout=output,
            stderr=output,
        )
    try:
        _wait_until_ready(process, port, log, " ".join(arguments))
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    """Give a port on 127.0.0.1 that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def _program() -> list[str]:
    # -P: a working folder has a folder certs, which must not be taken for the package of that name.
    return [sys.executable, "-P", "-m", "gateway.cli"]


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path, name: str) -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise ConfigurationError(
                f"`brygga {name}` ended with exit code {process.returncode} while starting; see {log}.",
                problems=log.read_text(errors="replace").strip().splitlines()[-5:],
            )
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise ConfigurationError(f"`brygga {name}` was not ready within {_START_S:.0f} s; see {log}.")
