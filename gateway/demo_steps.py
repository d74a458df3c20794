"""What the chapters of the demo are told with: a step runs ``brygga`` commands as typed, and says what came of them."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contracts.registry import GET_QUALITY_INDICATORS_2, ServiceContract
from gateway.processes import Outcome, free_port, run_command, running
from gateway.settings import ENVIRONMENT_PREFIX


@dataclass(slots=True)
class Step:
    """One step of the story: what it is about, the command as typed, what came of it."""

    title: str
    command: str = ""
    outcome: str = ""
    is_right: bool = False
    seconds: float = 0.0


class StepFailed(Exception):
    """A step did not come out as it should; the text says what was seen instead."""


@dataclass(slots=True)
class Story:
    """Steps in ``folder``; ``tell`` is called with each of them when it has ended."""

    folder: Path
    tell: Callable[[Step], None]
    steps: list[Step] = field(default_factory=list)
    producer_port: int = field(default_factory=free_port)
    router_port: int = field(default_factory=free_port)

    @property
    def producer_url(self) -> str:
        """Where the producer is called directly."""
        return f"https://localhost:{self.producer_port}"

    @property
    def router_url(self) -> str:
        """Where the platform between them is called."""
        return f"https://localhost:{self.router_port}/vp"

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Begin a step; it is right when the block ends without StepFailed, which is passed on."""
        step = Step(title)
        self.steps.append(step)
        begun = time.perf_counter()
        try:
            yield step
            step.is_right = True
        except StepFailed as failure:
            step.outcome = str(failure)
            raise
        finally:
            step.seconds = time.perf_counter() - begun
            self.tell(step)

    def serve(self, step: Step, servers: ExitStack, part: str, port: int) -> None:
        """Run a server until ``servers`` is closed."""
        _note(step, f"brygga {part} serve")
        log = self.folder / f"{part}.log"
        any_port = _variables(router_admin_port="0")
        servers.enter_context(running([part, "serve"], folder=self.folder, port=port, log=log, environment=any_port))

    def brygga(self, step: Step, *arguments: str, **variables: str) -> Any:
        """Run a command that has to succeed; give its JSON. ``variables`` as `run`."""
        outcome = self.run(step, list(arguments), **variables)
        expect(outcome.exit_code == 0, f"exit code {outcome.exit_code}: {outcome.messages or outcome.data}")
        return outcome.data

    def run(self, step: Step, arguments: list[str], **variables: str) -> Outcome:
        """Run a command, whatever comes of it; a consumer asks by way of the platform.

        ``variables`` are settings given in the environment, such as ``consumer_contract``. They are told with the
        command, all but the address that is asked.
        """
        told = {name: value for name, value in variables.items() if name != "consumer_endpoint"}
        _note(
            step, shlex.join([*(f"{name}={value}" for name, value in _variables(**told).items()), "brygga", *arguments])
        )
        environment = _variables(**{"consumer_endpoint": at(self.router_url), **variables})
        return run_command(arguments, folder=self.folder, environment=environment)


def at(url: str, contract: ServiceContract = GET_QUALITY_INDICATORS_2) -> str:
    """Give the address of a contract version at a server."""
    return f"{url}{contract.path}"


def expect(is_right: bool, otherwise: str) -> None:
    """Raise StepFailed with ``otherwise`` when a step is not right."""
    if not is_right:
        raise StepFailed(otherwise)


def _variables(**settings: str) -> dict[str, str]:
    return {f"{ENVIRONMENT_PREFIX}{name.upper()}": value for name, value in settings.items()}


def _note(step: Step, typed: str) -> None:
    step.command = f"{step.command}; {typed}" if step.command else typed
