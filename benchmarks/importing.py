"""Import and publish: cost per row and memory from 50 000 to 500 000 rows, each size in a fresh process."""

from __future__ import annotations

import multiprocessing
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from benchmarks import fixtures
from benchmarks.harness import Figure, measured, own_peak_bytes, resident_bytes
from producer.register.importer import import_vis
from producer.register.publication import publish
from producer.register.register import open_register

_MIB = 2**20
_RUNS = 3
_SMALL, _LARGE = (5, 10, 1000), (50, 10, 1000)


@dataclass(frozen=True, slots=True)
class Cost:
    """What one import and publish took; ``growth_bytes`` is peak memory of the import less what stood before."""

    rows: int
    import_s: float
    publish_s: float
    growth_bytes: int
    frame_bytes: int


def import_once(size: tuple[int, int, int]) -> Cost:
    """Import and publish a file of measures x periods x units rows into an empty register."""
    measures, periods, units = size
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "results.csv"
        rows = fixtures.write_vis_file(file, measures=measures, periods=periods, units=units)
        with open_register(f"sqlite:///{directory}/register.db", create=True) as register:
            before = resident_bytes()
            import_s = measured(lambda: import_vis(register, file))
            growth = own_peak_bytes() - before
            publish_s = measured(lambda: publish(register))
        frame = pl.read_csv(file, separator=";", infer_schema=False).estimated_size()
    return Cost(rows, import_s, publish_s, max(growth, 0), int(frame))


def figures() -> list[Figure]:
    """Measure both sizes in turns."""
    context = multiprocessing.get_context("spawn")
    small, large = [], []
    for _ in range(_RUNS):
        for size, costs in ((_SMALL, small), (_LARGE, large)):
            with context.Pool(1) as pool:
                costs.append(pool.apply(import_once, (size,)))
    few_s = statistics.median(cost.import_s / cost.rows for cost in small)
    many_s = statistics.median(cost.import_s / cost.rows for cost in large)
    few_publish_s = statistics.median(cost.publish_s / cost.rows for cost in small)
    many_publish_s = statistics.median(cost.publish_s / cost.rows for cost in large)
    last = large[-1]
    return [
        Figure(
            "import, cost per row 500 000 / 50 000",
            many_s / few_s,
            1.3,
            "at most",
            detail={"us per row at 50 000": few_s * 1e6, "at 500 000": many_s * 1e6},
        ),
        Figure(
            "publish, cost per measurement 500 000 / 50 000",
            many_publish_s / few_publish_s,
            1.3,
            "at most",
            detail={"us at 50 000": few_publish_s * 1e6, "at 500 000": many_publish_s * 1e6},
        ),
        Figure(
            "import of 500 000 rows, memory / the file's data frame",
            last.growth_bytes / last.frame_bytes,
            2.0,
            "at most",
            detail={"growth MiB": last.growth_bytes / _MIB, "data frame MiB": last.frame_bytes / _MIB},
        ),
    ]
