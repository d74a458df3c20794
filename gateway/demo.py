"""The demo: the product's main job as a series of its own commands, each run for real and checked.

Every step runs a ``brygga`` command in a working folder, as a register team and a consumer would type it.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.demo_data import DEMO_HSA_ID, DEMO_NAME, DemoFile, Size, write_changed_value, write_demo_file
from gateway.processes import Outcome, free_port, run_command, running
from gateway.settings import ENVIRONMENT_PREFIX

SYSTEM_HSA_ID = "SE9990001112-DEMO"
_SHOWN_MEASURES = 4


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
class Demo:
    """Runs the story in ``folder``; ``tell`` is called with each step when it has ended."""

    folder: Path
    size: Size
    tell: Callable[[Step], None]
    steps: list[Step] = field(default_factory=list)
    _port: int = field(default_factory=free_port)

    def run(self) -> bool:
        """Run every step; give whether all of them came out right. Stops at the first that did not."""
        with ExitStack() as servers:
            try:
                self._register_team(servers)
            except StepFailed:
                return False
        return True

    def _register_team(self, servers: ExitStack) -> None:
        with self._step("A working folder with test certificates shaped like SITHS") as step:
            arguments = ["init", ".", "--hsa-id", SYSTEM_HSA_ID, "--register-hsa-id", DEMO_HSA_ID, "--name", DEMO_NAME]
            self._brygga(step, *arguments)
            step.outcome = "authority, producer, consumer and router certificates; settings; empty register"
        with self._step("The register's results in a file") as step:
            demo = write_demo_file(self.folder / "results.csv", self.size)
            step.outcome = f"results.csv: {demo.rows} rows of {len(demo.measures)} indicators (invented units)"
        with self._step("Import: every rule, all or nothing") as step:
            data = self._brygga(step, "register", "import", "results.csv")
            expect(data["inserted"] == demo.rows, f"{data['inserted']} rows were imported, not {demo.rows}")
            step.outcome = f"{data['inserted']} measurements imported"
        with self._step("Publish: one immutable publication") as step:
            data = self._brygga(step, "register", "publish")
            contract = data["publication"]["contracts"][0]
            expect(contract["measurement_count"] == demo.rows, "the publication does not hold every measurement")
            step.outcome = f"publication {data['publication']['id']} in {contract['slice_count']} slices"
        with self._step("Serve over mutual TLS") as step:
            self._serve(step, servers)
        self._consumer(demo)

    def _serve(self, step: Step, servers: ExitStack) -> None:
        arguments = ["producer", "serve"]
        step.command = "brygga producer serve"
        log = self.folder / "producer.log"
        servers.enter_context(
            running(arguments, folder=self.folder, port=self._port, log=log, environment=self._environment())
        )
        step.outcome = f"https://127.0.0.1:{self._port}, client certificate required"

    def _consumer(self, demo: DemoFile) -> None:
        change = write_changed_value(demo, self.folder / "correction.csv")
        others = [m.measure_id for m in demo.measures if m.measure_id != change.measure_id]
        ids = [change.measure_id, *others[: _SHOWN_MEASURES - 1]]
        start, end = demo.period
        question = [part for measure_id in ids for part in ("--measure-id", measure_id)]
        question += ["--from", f"{start:%Y-%m-%d}", "--to", f"{end:%Y-%m-%d}"]
        with self._step("A consumer fetches, checks and stores") as step:
            first = self._brygga(step, "consumer", "fetch", *question)
            expect(first["measurement_count"] > 0, "nothing was fetched")
            step.outcome = f"{first['measurement_count']} measurements, checksum {_short(first)}"
        with self._step("It polls: same checksum, so nothing is fetched") as step:
            again = self._brygga(step, "consumer", "poll", *question)
            expect(again["changed"] == 0, "the poll fetched though nothing had changed")
            step.outcome = "unchanged: one small call"
        with self._step("The register corrects one value") as step:
            self._brygga(step, "register", "import", "correction.csv")
            data = self._brygga(step, "register", "publish")
            expect(data["changed_slices"] == 1, f"{data['changed_slices']} slices changed, not 1")
            step.outcome = (
                f"{change.organization_name}: {change.rate_before:.4f} -> {change.rate_after:.4f}; "
                "one slice is new, the others are shared"
            )
        with self._step("The next poll sees a new checksum and fetches") as step:
            changed = self._brygga(step, "consumer", "poll", *question)
            expect(changed["changed"] == 1, "the poll did not notice the change")
            step.outcome = f"checksum {_short(changed['results'][0])}"
        with self._step("A caller that is not on the list is refused") as step:
            self._stranger(step, question)

    def _stranger(self, step: Step, question: list[str]) -> None:
        """Call with the router's certificate while only the consumer is allowed; the producer follows its settings."""
        environment = {
            f"{ENVIRONMENT_PREFIX}CONSUMER_TLS_CERTIFICATE": "certs/stranger.pem",
            f"{ENVIRONMENT_PREFIX}CONSUMER_TLS_PRIVATE_KEY": "certs/stranger.key",
        }
        name = ["--hsa-id", "SE9990001112-STRANGER", "--dns-name", "stranger.brygga.test"]
        self._brygga(step, "certs", "issue", "certs/authority", *name, "--out", "certs", "--name", "stranger")
        refused = self._run(step, ["consumer", "fetch", *question], environment)
        expect(refused.exit_code == 5, f"the stranger was not refused (exit code {refused.exit_code})")
        step.outcome = "a valid certificate is not enough: refused with a fault"

    @contextmanager
    def _step(self, title: str) -> Iterator[Step]:
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

    def _brygga(self, step: Step, *arguments: str) -> Any:
        """Run a command that has to succeed; give its JSON."""
        outcome = self._run(step, list(arguments), {})
        expect(outcome.exit_code == 0, f"exit code {outcome.exit_code}: {outcome.messages or outcome.data}")
        return outcome.data

    def _run(self, step: Step, arguments: list[str], environment: dict[str, str]) -> Outcome:
        typed = f"brygga {shlex.join(arguments)}"
        step.command = f"{step.command}; {typed}" if step.command else typed
        return run_command(arguments, folder=self.folder, environment={**self._environment(), **environment})

    def _environment(self) -> dict[str, str]:
        return {
            f"{ENVIRONMENT_PREFIX}PRODUCER_PORT": str(self._port),
            f"{ENVIRONMENT_PREFIX}CONSUMER_ENDPOINT": f"https://localhost:{self._port}{_path()}",
        }


def expect(is_right: bool, otherwise: str) -> None:
    """Raise StepFailed with ``otherwise`` when a step is not right."""
    if not is_right:
        raise StepFailed(otherwise)


def _short(data: Any) -> str:
    return f"{data['checksum'][:12]}..."


def _path() -> str:
    from contracts.registry import GET_QUALITY_INDICATORS_2

    return GET_QUALITY_INDICATORS_2.path
