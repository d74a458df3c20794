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

from contracts.errors import EXIT_REMOTE
from contracts.registry import GET_QUALITY_INDICATORS_2
from gateway.demo_data import DEMO_HSA_ID, DEMO_NAME, DemoFile, Size, write_changed_value, write_demo_file
from gateway.processes import Outcome, free_port, run_command, running
from gateway.settings import ENVIRONMENT_PREFIX

SYSTEM_HSA_ID = "SE9990001112-DEMO"
# Asked for in one question, so that its answer passes the platform's limit of 15 MB.
_SHOWN_MEASURES: dict[Size, int] = {"small": 4, "medium": 4, "large": 1}


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
    _producer_port: int = field(default_factory=free_port)
    _router_port: int = field(default_factory=free_port)

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
            ports = ["--port", str(self._producer_port), "--router-port", str(self._router_port)]
            self._brygga(step, *arguments, *ports, "--key-size", "2048")
            step.outcome = "settings, routing catalogue, certificates of producer, consumer and router, empty register"
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
            self._serve(step, servers, "producer", self._producer_port)
            step.outcome = f"{self._producer_url}, client certificate required"
        with self._step("The national platform between them, simulated") as step:
            self._serve(step, servers, "router", self._router_port)
            step.outcome = f"{self._router_url}, routes by contract and logical address"
        self._consumer(demo)

    def _serve(self, step: Step, servers: ExitStack, part: str, port: int) -> None:
        step.command = f"brygga {part} serve"
        log = self.folder / f"{part}.log"
        any_port = {f"{ENVIRONMENT_PREFIX}ROUTER_ADMIN_PORT": "0"}
        servers.enter_context(running([part, "serve"], folder=self.folder, port=port, log=log, environment=any_port))

    @property
    def _producer_url(self) -> str:
        return f"https://localhost:{self._producer_port}"

    @property
    def _router_url(self) -> str:
        return f"https://localhost:{self._router_port}/vp"

    def _consumer(self, demo: DemoFile) -> None:
        change = write_changed_value(demo, self.folder / "correction.csv")
        others = [m.measure_id for m in demo.measures if m.measure_id != change.measure_id]
        ids = [change.measure_id, *others[: _SHOWN_MEASURES[self.size] - 1]]
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
        with self._step("A caller with a good certificate but no permission is refused") as step:
            self._stranger(step, question)

    def _stranger(self, step: Step, question: list[str]) -> None:
        """Call with a certificate of the same authority that nobody has let in: by the platform, then around it."""
        name = ["--hsa-id", "SE9990001112-STRANGER", "--dns-name", "stranger.brygga.test"]
        self._brygga(
            step, "certs", "issue", *name, "--organization", "Test", "--locality", "Test", "--name", "stranger"
        )
        certificate = {
            f"{ENVIRONMENT_PREFIX}CONSUMER_TLS_CERTIFICATE": "certs/stranger.pem",
            f"{ENVIRONMENT_PREFIX}CONSUMER_TLS_PRIVATE_KEY": "certs/stranger.key",
        }
        by_platform = self._run(step, ["consumer", "fetch", *question], certificate)
        expect("VP007" in str(by_platform.data), f"the platform did not refuse with VP007: {by_platform.messages}")
        around = self._run(step, ["consumer", "fetch", *question], certificate | self._to(self._producer_url))
        expect(around.exit_code == EXIT_REMOTE, f"the producer let the stranger in (exit code {around.exit_code})")
        step.outcome = "the platform answers VP007; the producer itself, called directly, says that access is denied"

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
        return run_command(arguments, folder=self.folder, environment={**self._to(self._router_url), **environment})

    def _to(self, url: str) -> dict[str, str]:
        return {f"{ENVIRONMENT_PREFIX}CONSUMER_ENDPOINT": f"{url}{GET_QUALITY_INDICATORS_2.path}"}


def expect(is_right: bool, otherwise: str) -> None:
    """Raise StepFailed with ``otherwise`` when a step is not right."""
    if not is_right:
        raise StepFailed(otherwise)


def _short(data: Any) -> str:
    return f"{data['checksum'][:12]}..."
