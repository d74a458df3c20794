"""``brygga producer serve`` as it is run: the summary, the warnings, and what stops it before it starts."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from server_process import ROOT, ServerFiles

from contracts.errors import EXIT_ENVIRONMENT
from gateway.cli import run

TEMPLATE = """
[system]
hsa_id = "SE9990001112-PROD"
name = "Exempelsystemet"
[organization]
hsa_id = "SE9990001112-0001"
[register]
url = "{url}"
[producer]
port = {port}
workers = 1
{more}
[producer.tls]
certificate = "{files.certificate}"
private_key = "{files.private_key}"
ca = "{files.ca}"
"""


def write_settings(folder: Path, files: ServerFiles, *, port: int = 0, more: str = "", url: str = "") -> None:
    text = TEMPLATE.format(files=files, url=url or files.register_url, more=more, port=port)
    (folder / "brygga.toml").write_text(text)


def command(*options: str) -> list[str]:
    return [sys.executable, "-m", "gateway.cli", "producer", "serve", *options]


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command(*options),
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)


def test_summary_tells_what_is_served(files: ServerFiles, tmp_path: Path) -> None:
    write_settings(tmp_path, files, more='allowed_callers = ["SE9990001112-CONS"]')
    with serving(tmp_path, "--json", "--workers", "2", "--health-port", "0") as process:
        assert process.stdout is not None
        summary, _ = json.JSONDecoder().raw_decode(read_until(process, "}\n"))
        with socket.create_connection(("127.0.0.1", summary["port"]), timeout=5):
            pass
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert summary["url"] == f"https://127.0.0.1:{summary['port']}"
    assert summary["contracts"][0]["id"] == "GetQualityIndicators:2"
    assert summary["logical_addresses"] == ["SE9990001112-PROD"]
    assert summary["allowed_callers"] == ["SE9990001112-CONS"]
    assert summary["certificate"]["hsa_id"] == "SE9990001112-PROD"
    assert summary["workers"] == 2
    assert summary["health_port"] > 0
    assert summary["measurements"] > 1000


def read_until(process: subprocess.Popen[str], end: str) -> str:
    assert process.stdout is not None
    text = ""
    while not text.endswith(f"\n{end}"):
        line = process.stdout.readline()
        assert line, process.stderr.read() if process.stderr else ""
        text += line
    return text


def test_nobody_allowed_is_said(files: ServerFiles, tmp_path: Path) -> None:
    write_settings(tmp_path, files)
    with serving(tmp_path) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert "Ready." in process.stdout.readline()
        assert "allowed_callers is empty" in process.stderr.readline()


@pytest.mark.parametrize(
    ("more", "url", "reason"),
    [
        ("", "sqlite:///missing.db", "missing.db"),
        ("thread = 8", "", "thread is no setting; did you mean threads?"),
        ("threads = 1", "", "threads must be at least 2"),
        ('contracts = ["GetNothing:9"]', "", "GetNothing:9"),
    ],
)
def test_what_cannot_work_stops_the_start(
    more: str,
    url: str,
    reason: str,
    files: ServerFiles,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_settings(tmp_path, files, more=more, url=url)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.setattr("gateway.commands.producer.serve", lambda *_, **__: pytest.fail("it serves"))
    assert run(["producer", "serve"]) == EXIT_ENVIRONMENT
    shown = capsys.readouterr()
    assert shown.out == ""
    assert reason in shown.err
    assert "Traceback" not in shown.err
