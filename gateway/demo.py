"""The demo: the product's main job as a series of its own commands, each run for real and checked.

Every step runs a ``brygga`` command in a working folder, as a register team and a consumer would type it.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from contracts.errors import EXIT_REMOTE
from gateway.demo_data import DEMO_HSA_ID, DEMO_NAME, DemoFile, Size, write_changed_value, write_demo_file
from gateway.demo_steps import Step, StepFailed, Story, at, expect
from gateway.demo_versions import other_versions

SYSTEM_HSA_ID = "SE9990001112-DEMO"
# Asked for in one question, so that its answer passes the platform's limit of 15 MB.
_SHOWN_MEASURES: dict[Size, int] = {"small": 4, "medium": 4, "large": 1}


@dataclass(slots=True)
class Demo:
    """Tells the story with demo data of a size."""

    story: Story
    size: Size

    def run(self) -> bool:
        """Run every step; give whether all of them came out right. Stops at the first that did not."""
        with ExitStack() as servers:
            try:
                self._tell(servers)
            except StepFailed:
                return False
        return True

    def _tell(self, servers: ExitStack) -> None:
        producer = servers.enter_context(ExitStack())
        demo = self._register_team(servers, producer)
        question, checksum = self._consumer(demo)
        other_versions(self.story, producer, question, checksum)

    def _register_team(self, servers: ExitStack, producer: ExitStack) -> DemoFile:
        story = self.story
        with story.step("A working folder with test certificates shaped like SITHS") as step:
            arguments = ["init", ".", "--hsa-id", SYSTEM_HSA_ID, "--register-hsa-id", DEMO_HSA_ID, "--name", DEMO_NAME]
            ports = ["--port", str(story.producer_port), "--router-port", str(story.router_port)]
            story.brygga(step, *arguments, *ports, "--key-size", "2048")
            step.outcome = "settings, routing catalogue, certificates of producer, consumer and router, empty register"
        with story.step("The register's results in a file") as step:
            demo = write_demo_file(story.folder / "results.csv", self.size)
            step.outcome = f"results.csv: {demo.rows} rows of {len(demo.measures)} indicators (invented units)"
        with story.step("Import: every rule, all or nothing") as step:
            data = story.brygga(step, "register", "import", "results.csv")
            expect(data["inserted"] == demo.rows, f"{data['inserted']} rows were imported, not {demo.rows}")
            step.outcome = f"{data['inserted']} measurements imported"
        with story.step("Publish: one immutable publication") as step:
            data = story.brygga(step, "register", "publish")
            contract = data["publication"]["contracts"][0]
            expect(contract["measurement_count"] == demo.rows, "the publication does not hold every measurement")
            step.outcome = f"publication {data['publication']['id']} in {contract['slice_count']} slices"
        with story.step("Serve over mutual TLS") as step:
            story.serve(step, producer, "producer", story.producer_port)
            step.outcome = f"{story.producer_url}, client certificate required"
        with story.step("The national platform between them, simulated") as step:
            story.serve(step, servers, "router", story.router_port)
            step.outcome = f"{story.router_url}, routes by contract and logical address"
        return demo

    def _consumer(self, demo: DemoFile) -> tuple[list[str], str]:
        """Ask, and ask again after a change; give the question and the checksum that it has then."""
        story = self.story
        change = write_changed_value(demo, story.folder / "correction.csv")
        others = [m.measure_id for m in demo.measures if m.measure_id != change.measure_id]
        ids = [change.measure_id, *others[: _SHOWN_MEASURES[self.size] - 1]]
        start, end = demo.period
        question = [part for measure_id in ids for part in ("--measure-id", measure_id)]
        question += ["--from", f"{start:%Y-%m-%d}", "--to", f"{end:%Y-%m-%d}"]
        with story.step("A consumer fetches, checks and stores") as step:
            first = story.brygga(step, "consumer", "fetch", *question)
            expect(first["measurement_count"] > 0, "nothing was fetched")
            step.outcome = f"{first['measurement_count']} measurements, checksum {_short(first)}"
        with story.step("It polls: same checksum, so nothing is fetched") as step:
            again = story.brygga(step, "consumer", "poll", *question)
            expect(again["changed"] == 0, "the poll fetched though nothing had changed")
            step.outcome = "unchanged: one small call"
        with story.step("The register corrects one value") as step:
            story.brygga(step, "register", "import", "correction.csv")
            data = story.brygga(step, "register", "publish")
            expect(data["changed_slices"] == 1, f"{data['changed_slices']} slices changed, not 1")
            step.outcome = (
                f"{change.organization_name}: {change.rate_before:.4f} -> {change.rate_after:.4f}; "
                "one slice is new, the others are shared"
            )
        with story.step("The next poll sees a new checksum and fetches") as step:
            changed = story.brygga(step, "consumer", "poll", *question)
            expect(changed["changed"] == 1, "the poll did not notice the change")
            step.outcome = f"checksum {_short(changed['results'][0])}"
        with story.step("A caller with a good certificate but no permission is refused") as step:
            self._stranger(step, question)
        return question, changed["results"][0]["checksum"]

    def _stranger(self, step: Step, question: list[str]) -> None:
        """Call with a certificate of the same authority that nobody has let in: by the platform, then around it."""
        story = self.story
        name = ["--hsa-id", "SE9990001112-STRANGER", "--dns-name", "stranger.brygga.test"]
        story.brygga(
            step, "certs", "issue", *name, "--organization", "Test", "--locality", "Test", "--name", "stranger"
        )
        certificate = {
            "consumer_tls_certificate": "certs/stranger.pem",
            "consumer_tls_private_key": "certs/stranger.key",
        }
        by_platform = story.run(step, ["consumer", "fetch", *question], **certificate)
        expect("VP007" in str(by_platform.data), f"the platform did not refuse with VP007: {by_platform.messages}")
        direct = at(story.producer_url)
        around = story.run(step, ["consumer", "fetch", *question], consumer_endpoint=direct, **certificate)
        expect(around.exit_code == EXIT_REMOTE, f"the producer let the stranger in (exit code {around.exit_code})")
        step.outcome = "the platform answers VP007; the producer itself, called directly, says that access is denied"


def _short(data: Any) -> str:
    return f"{data['checksum'][:12]}..."
