"""The producer as a process of its own, for tests from outside: started on a port the system chooses, watched by its
log, stopped by SIGTERM. Run as a program it serves the settings of the JSON file it is given."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[2]
START_S = 30


@dataclass(frozen=True, slots=True)
class ServerFiles:
    """What a server is started from."""

    folder: Path
    register_url: str
    certificate: Path
    private_key: Path
    ca: Path
    crl: Path | None = None

    def start(self, name: str = "server", **settings: Any) -> ServerProcess:
        """Start a server with these settings beside the files; ready when this returns."""
        arguments = {
            **{key: str(value) if value else None for key, value in dataclasses.asdict(self).items()},
            "settings": settings,
        }
        config = self.folder / f"{name}.json"
        config.write_text(json.dumps(arguments))
        return ServerProcess(config, self.folder / f"{name}.log")


class ServerProcess:
    """A running server."""

    def __init__(self, config: Path, log: Path) -> None:
        self.log = log
        self._lines: list[dict[str, Any]] = []
        self._read_to = 0
        self._workers: list[psutil.Process] = []
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        with log.open("wb") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, __file__, str(config)], stdout=subprocess.PIPE, stderr=stderr, env=environment
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            self.stop()
            raise RuntimeError(f"the server did not start: {log.read_text()}")
        self.port, self.health_port = json.loads(line)

    def lines(self) -> list[dict[str, Any]]:
        """Give the log so far."""
        with self.log.open(encoding="utf-8") as log:
            log.seek(self._read_to)
            while (line := log.readline()).endswith("\n"):
                self._read_to = log.tell()
                if line.startswith("{"):
                    self._lines.append(json.loads(line))
        return list(self._lines)

    def wait_for_lines(self, count: int, timeout_s: float = 10.0) -> list[dict[str, Any]]:
        """Give the log when it has ``count`` lines, or after ``timeout_s``."""
        deadline = time.monotonic() + timeout_s
        while len(lines := self.lines()) < count and time.monotonic() < deadline:
            time.sleep(0.002)
        return lines

    def line_of(self, correlation_id: str, timeout_s: float = 5.0) -> dict[str, Any]:
        """Give the line of the request with this correlation id, waiting for it."""
        deadline = time.monotonic() + timeout_s
        while True:
            found = [line for line in self.lines() if line.get("correlation_id") == correlation_id]
            if found or time.monotonic() > deadline:
                assert len(found) == 1, (correlation_id, found)
                return found[0]
            time.sleep(0.005)

    def workers(self) -> list[psutil.Process]:
        """Give the worker processes; looked up again only when one is gone."""
        if not self._workers or not all(worker.is_running() for worker in self._workers):
            self._workers = psutil.Process(self.process.pid).children()
        return self._workers

    def rss_bytes(self) -> int:
        """Give the memory of the worker processes."""
        return sum(worker.memory_info().rss for worker in self.workers())

    def stop(self, sig: signal.Signals = signal.SIGTERM, timeout_s: float = 40) -> int:
        """Stop it and give its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(sig)
        try:
            return self.process.wait(timeout_s)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
            assert self.process.stdout is not None
            self.process.stdout.close()


def _main(config: Path) -> None:
    from certs.tls import TlsFiles
    from contracts.model import ReportingParty
    from gateway.logs import configure_logs
    from producer.register.repository import DatabaseRepository
    from producer.server import serve
    from producer.settings import ProducerSettings

    given = json.loads(config.read_text())
    configure_logs()
    tls = TlsFiles(*(Path(given[key]) if given[key] else None for key in ("certificate", "private_key", "ca", "crl")))
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in given["settings"].items()}
    settings = ProducerSettings(
        system=ReportingParty("SE9990001112-PROD", "Exempelsystemet"),
        organization=ReportingParty("SE9990001112-0001", "Exempelorganisationen"),
        **{"tls": None if values.get("behind_proxy") else tls, "port": 0, "workers": 1, **values},
    )
    serve(
        settings,
        lambda: DatabaseRepository(given["register_url"]),
        on_ready=lambda listening: print(json.dumps([listening.port, listening.health_port]), flush=True),
    )


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
