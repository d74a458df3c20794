"""The demo is the main job, end to end, through the platform simulator: it has to come out right."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from contracts.errors import EXIT_FINDINGS, EXIT_OK, EXIT_USAGE
from gateway import demo_steps
from gateway.cli import run
from gateway.processes import Outcome


def test_the_demo_ends_0_and_every_step_is_right(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["demo", "--dir", str(tmp_path / "demo"), "--json"]) == EXIT_OK
    data = json.loads(capfd.readouterr().out)
    assert data["is_right"] is True
    assert [step["title"] for step in data["steps"] if not step["is_right"]] == []
    commands = " ".join(step["command"] for step in data["steps"])
    for part in ("init", "register import", "register publish", "producer serve", "router serve", "consumer poll"):
        assert f"brygga {part}" in commands
    (told,) = (step["outcome"] for step in data["steps"] if "directly" in step["title"])
    for part in ("12 units", "sub-groups by sex and age", "value classes", "percentiles", "6 reference values"):
        assert part in told
    assert (tmp_path / "demo" / "brygga.toml").exists()


def test_a_step_that_goes_wrong_ends_1_and_says_what_was_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo_steps, "run_command", lambda *_args, **_more: Outcome(3, None, "the disk is on fire"))
    assert run(["demo", "--dir", str(tmp_path / "demo"), "--json"]) == EXIT_FINDINGS
    data = json.loads(capfd.readouterr().out)
    assert data["is_right"] is False
    assert "the disk is on fire" in data["steps"][-1]["outcome"]


def test_a_folder_that_is_not_empty_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    assert run(["demo", "--dir", str(tmp_path)]) == EXIT_USAGE
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
