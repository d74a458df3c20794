"""Import and publish: cost per measurement and memory by size, each in a fresh process; and of a small change."""

from __future__ import annotations

import multiprocessing
import os
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from benchmarks import fixtures
from benchmarks.harness import Picture, Results, grouped, measured, peak_memory
from producer.register.importer import import_vis
from producer.register.publication import publish
from producer.register.register import open_register

_MIB = 2**20
# Measurements -> indicators, periods, units, runs.
_SIZES = {50_000: (5, 10, 1000, 3), 500_000: (50, 10, 1000, 3), 5_000_000: (500, 10, 1000, 1)}
_FURTHER = (150, 10, 1000)
_INDICATORS = 700


@dataclass(frozen=True, slots=True)
class Cost:
    """What one import and publish took. ``growth_bytes``: peak memory of the import less what stood before;
    ``frame_bytes``: the file as a data frame of text, as a data-frame library reads it."""

    rows: int
    import_s: float
    publish_s: float
    growth_bytes: int
    frame_bytes: int


def import_once(size: tuple[int, ...]) -> Cost:
    """Import and publish a file of measures x periods x units rows into an empty register."""
    measures, periods, units = size
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "results.csv"
        rows = fixtures.write_vis_file(file, measures=measures, periods=periods, units=units)
        _warm_up(Path(directory))
        with open_register(f"sqlite:///{directory}/register.db", create=True) as register:
            with peak_memory(os.getpid()) as peak:
                import_s = measured(lambda: import_vis(register, file))
            publish_s = measured(lambda: publish(register))
        frame = pl.scan_csv(file, separator=";", infer_schema=False).head(100_000).collect()
        frame_bytes = frame.estimated_size() * rows // frame.height
    return Cost(rows, import_s, publish_s, max(peak.growth_bytes, 0), frame_bytes)


def _warm_up(folder: Path) -> None:
    """Do it once with few rows, so that what a first import loads and keeps is there."""
    file = folder / "first.csv"
    fixtures.write_vis_file(file, measures=1, periods=2, units=50)
    with open_register(f"sqlite:///{folder}/first.db", create=True) as register:
        import_vis(register, file)
        publish(register)


def republish_once(units: int) -> tuple[float, float, int]:
    """Give the seconds of a full publish of 700 indicators, of one after changing one of them, and how many slices."""
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        size = {"measures": _INDICATORS, "periods": 10, "units": units}
        fixtures.write_vis_file(folder / "all.csv", **size)
        fixtures.write_vis_file(folder / "changed.csv", **size, changed_measure=_INDICATORS // 2)
        with open_register(f"sqlite:///{folder}/register.db", create=True) as register:
            import_vis(register, folder / "all.csv")
            full_s = measured(lambda: publish(register))
            import_vis(register, folder / "changed.csv")
            outcomes: list[int] = []
            again_s = measured(lambda: outcomes.append(publish(register).changed_slices))
    return full_s, again_s, outcomes[0]


def results(*, is_full: bool) -> Results:
    """Measure every size, the smaller ones in turns."""
    found = Results()
    context = multiprocessing.get_context("spawn")
    sizes = {rows: size for rows, size in _SIZES.items() if is_full or rows < 5_000_000}
    costs: dict[int, list[Cost]] = {rows: [] for rows in sizes}
    for turn in range(3):
        for rows, (*size, runs) in sizes.items():
            if turn < runs:
                costs[rows].append(_run(context, tuple(size)))
    least = min(sizes)
    each = {rows: _per_row(found_costs) for rows, found_costs in costs.items()}
    for rows in sizes:
        if rows != least:
            found.add(
                f"import and publish, cost per measurement {grouped(rows)} / {grouped(least)}",
                each[rows] / each[least],
                1.3,
                small_us=each[least],
                large_us=each[rows],
            )
    _memory(found, import_costs=costs, further=None if is_full else _run(context, _FURTHER))
    bars = {grouped(rows): [micros] for rows, micros in each.items()}
    found.pictures.append(Picture("import", "Import and publish, by measurements", "microseconds each", "bars", bars))
    with context.Pool(1) as pool:
        full_s, again_s, slices = pool.apply(republish_once, (600 if is_full else 100,))
    name = f"publish after changing one of {_INDICATORS} indicators / full publish"
    found.add(name, again_s / full_s, 1 / 50, full_s=full_s, again_s=again_s, changed_slices=slices)
    if not is_full:
        found.skipped.append("import and publish of 5 000 000 measurements (make bench-all)")
    return found


def _memory(found: Results, import_costs: dict[int, list[Cost]], further: Cost | None) -> None:
    """Hold the memory of a large import against that of a middle one: what a further row costs beyond the fixed part.

    A data-frame library reads ahead; its buffers are full at some 100 000 rows and grow no more.
    """
    middle = import_costs[500_000][-1]
    large = further or import_costs[max(import_costs)][-1]
    growth = large.growth_bytes - middle.growth_bytes
    found.add(
        f"import, memory per row from {grouped(middle.rows)} to {grouped(large.rows)} / the file's data frame per row",
        growth / (large.frame_bytes - middle.frame_bytes),
        1.0,
        growth_MiB=middle.growth_bytes / _MIB,
        growth_of_the_larger_MiB=large.growth_bytes / _MIB,
        data_frame_of_the_larger_MiB=large.frame_bytes / _MIB,
    )


def _run(context: multiprocessing.context.SpawnContext, size: tuple[int, ...]) -> Cost:
    with context.Pool(1) as pool:
        return pool.apply(import_once, (size,))


def _per_row(costs: list[Cost]) -> float:
    return statistics.median((cost.import_s + cost.publish_s) / cost.rows for cost in costs) * 1e6
