"""What every benchmark shares: timing, figures with goals, the table of results.

A figure is a ratio of two medians measured in turns in the same run, so that a busy machine slows both.
"""

from __future__ import annotations

import json
import math
import os
import platform
import resource
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import psutil
from rich.console import Console
from rich.table import Table

Detail = dict[str, float | str]


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure. ``value`` is held against ``goal``: at least or at most; a goal of None: to know it."""

    name: str
    value: float
    goal: float | None
    direction: Literal["at least", "at most"] = "at most"
    unit: str = "x"
    detail: Detail = field(default_factory=dict)

    @property
    def is_met(self) -> bool:
        """Whether the goal was held in this run."""
        if self.goal is None:
            return True
        return self.value >= self.goal if self.direction == "at least" else self.value <= self.goal


@dataclass(slots=True)
class Results:
    """What a benchmark found; ``skipped`` says what could not be measured here and what it lacks."""

    figures: list[Figure] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)

    def add(
        self,
        name: str,
        value: float,
        goal: float | None,
        direction: Literal["at least", "at most"] = "at most",
        unit: str = "x",
        **detail: float | str,
    ) -> None:
        """Add a figure; underscores in the names of ``detail`` become blanks."""
        shown = {key.replace("_", " "): number for key, number in detail.items()}
        self.figures.append(Figure(name, value, goal, direction, unit, shown))

    def extend(self, other: Results) -> None:
        """Add what another benchmark found."""
        self.figures += other.figures
        self.skipped += other.skipped
        self.pictures += other.pictures


@dataclass(frozen=True, slots=True)
class Picture:
    """Numbers to draw: bars (one number per label) or a distribution (many numbers per label)."""

    name: str
    title: str
    axis: str
    kind: Literal["bars", "distribution"]
    data: dict[str, list[float]]
    limit: float | None = None


class Missing(Exception):
    """A peer cannot run here; the text says what it lacks."""


def in_turns(runs: int, *actions: Callable[[], object]) -> list[float]:
    """Run each action ``runs`` times, in turns, and give each one's median duration in seconds."""
    durations: list[list[float]] = [[] for _ in actions]
    for _ in range(runs):
        for position, action in enumerate(actions):
            begun = time.perf_counter()
            action()
            durations[position].append(time.perf_counter() - begun)
    return [statistics.median(times) for times in durations]


def call_by_call(runs: int, calls: int, *actions: Callable[[], object]) -> list[float]:
    """As `in_turns`, ``calls`` times in each turn; the median is that of the single calls."""
    durations: list[list[float]] = [[] for _ in actions]
    for _ in range(runs):
        for position, action in enumerate(actions):
            durations[position] += [measured(action) for _ in range(calls)]
    return [statistics.median(times) for times in durations]


def percentile(values: list[float], share: float) -> float:
    """Give the value that ``share`` (0..1) of the values do not exceed."""
    return sorted(values)[min(len(values) - 1, math.ceil(share * len(values)) - 1)]


def grouped(number: int) -> str:
    """Write a number with its thousands apart."""
    return f"{number:,}".replace(",", " ")


def processor_seconds(pid: int) -> float:
    """Give the processor time that a process and its children have used."""
    process = psutil.Process(pid)
    times = [one.cpu_times() for one in (process, *process.children(recursive=True))]
    return sum(one.user + one.system for one in times)


def measured(action: Callable[[], object]) -> float:
    """Give one duration in seconds."""
    begun = time.perf_counter()
    action()
    return time.perf_counter() - begun


def resident_bytes(pid: int | None = None) -> int:
    """Give the resident memory of this process, or of another one and its children."""
    process = psutil.Process(pid)
    if pid in (None, os.getpid()):
        return int(process.memory_info().rss)  # Looking for children takes time that the process under way misses.
    return sum(one.memory_info().rss for one in (process, *process.children(recursive=True)))


class PeakMemory:
    """Follows the resident memory of a process tree from a thread; ``growth_bytes`` is peak less start."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self.start_bytes = resident_bytes(pid)
        self.peak_bytes = self.start_bytes
        self._stop = False

    def sample(self) -> None:
        """Look once."""
        self.peak_bytes = max(self.peak_bytes, resident_bytes(self._pid))

    @property
    def growth_bytes(self) -> int:
        """Peak less start."""
        return self.peak_bytes - self.start_bytes


@contextmanager
def peak_memory(pid: int, interval_s: float = 0.01) -> Iterator[PeakMemory]:
    """Follow the memory of ``pid`` and its children while the block runs."""
    import threading

    peak = PeakMemory(pid)
    done = threading.Event()

    def follow() -> None:
        while not done.wait(interval_s):
            peak.sample()

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        peak.sample()
        done.set()
        thread.join()


def own_peak_bytes() -> int:
    """Give this program's highest resident memory so far.

    Linux counts what started the program into ``ru_maxrss``; its own is VmHWM.
    """
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def machine() -> dict[str, str]:
    """Describe the machine and the versions that matter, without naming it."""
    packages = ("spyne", "lxml", "zeep", "sqlalchemy", "gunicorn", "polars", "isal", "psycopg")
    return {
        "cores": str(os.cpu_count()),
        "memory_gib": f"{psutil.virtual_memory().total / 2**30:.0f}",
        "python": platform.python_version(),
        "system": platform.system(),
        **{name: version(name) for name in packages},
    }


def show(results: Results) -> None:
    """Print the figures as a table, and what was skipped."""
    table = Table("Figure", "Measured", "Goal", "Held", "Behind it", box=None, header_style="bold")
    for figure in results.figures:
        behind = ", ".join(f"{name} {short(value)}" for name, value in figure.detail.items())
        mark = "[green]yes[/green]" if figure.is_met else "[bold red]no[/bold red]"
        goal = "" if figure.goal is None else f"{figure.direction} {figure.goal:g}"
        table.add_row(figure.name, f"{figure.value:.3g} {figure.unit}", goal, mark if goal else "", behind)
    console = Console(width=160)
    console.print(table)
    for reason in results.skipped:
        console.print(f"Not measured: {reason}")


def report(figures: list[Figure], file: Path | None = None) -> bool:
    """Show figures, write them as JSON, and give whether every goal was held."""
    results = Results(figures)
    show(results)
    if file is not None:
        write_json(results, file)
    return all(figure.is_met for figure in figures)


def write_json(results: Results, file: Path) -> None:
    """Write figures and machine as JSON."""
    file.parent.mkdir(parents=True, exist_ok=True)
    figures = [asdict(figure) | {"met": figure.is_met} for figure in results.figures]
    body = {"machine": machine(), "figures": figures, "skipped": results.skipped}
    file.write_text(json.dumps(body, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def short(value: float | str) -> str:
    """Write a number with four digits."""
    return value if isinstance(value, str) else f"{value:.4g}"
