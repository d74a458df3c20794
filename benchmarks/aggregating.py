"""Calculation: a million unit-level rows to every level and period, against the data-frame engine's own group-bys.

Once against a single group-by of the same rows, once against those that it takes to come to the same sums.
"""

from __future__ import annotations

import random
from datetime import date, timedelta

import polars as pl

from benchmarks.harness import Detail, Figure, in_turns
from contracts.catalogue.kik import submeasure_of
from contracts.catalogue.model import CatalogueMeasure
from contracts.codes import KOMMUN
from producer.calculation.aggregate import aggregate
from producer.calculation.counts import Counts
from producer.calculation.periods import month_number
from producer.calculation.results import with_values
from producer.organizations.model import Organizations, Place
from producer.register.vis.findings import Findings

_MEASURES, _UNITS, _YEARS = 10, 1000, 5
_RUNS, _RUNS_OF_ALL = 9, 3
_LEVELS = ("Land", "Lan", "Kommun", "Vardenhet")
_TODAY = date(2026, 1, 31)


def counted() -> tuple[Counts, pl.DataFrame]:
    """Make a million rows (indicator, unit, month, some by sex), and the same rows as text for the group-by."""
    dice = random.Random(1)
    kommuner = sorted(KOMMUN)
    units = [(f"SE9990001112-E{number:05}", dice.choice(kommuner)) for number in range(_UNITS)]
    organizations = Organizations(
        tuple(Place("Vardenhet", id_, f"Demoenhet {id_}", kommun[:2], kommun) for id_, kommun in units)
    )
    measures: list[CatalogueMeasure] = []
    for number in range(_MEASURES):
        one = CatalogueMeasure(
            f"m{number}",
            1,
            f"Indicator {number}",
            "Andel",
            frequencies=("year", "quarter", "month"),
            levels=_LEVELS,
            display_threshold=15.0,
        )
        measures.append(one)
    for one in measures[: 2 * _MEASURES // 3]:
        measures += [submeasure_of(one, f"{one.measure_id}-{sex}", sex, one.title) for sex in ("1", "2")]
    months = [date(2021 + number // 12, number % 12 + 1, 1) for number in range(12 * _YEARS)]
    periods = pl.DataFrame(
        [(one, (one + timedelta(days=31)).replace(day=1) - timedelta(days=1)) for one in months],
        schema={"start": pl.Date, "end": pl.Date},
        orient="row",
    )
    sexed = pl.DataFrame(
        [(number, sex) for number in range(_MEASURES) for sex in ((1, 2) if number < 2 * _MEASURES // 3 else (0,))],
        schema={"measure": pl.UInt32, "sex": pl.Int8},
        orient="row",
    )
    places = pl.DataFrame({"place": range(_UNITS)}, schema={"place": pl.UInt32})
    rows = sexed.join(places, how="cross").join(periods, how="cross").sample(fraction=1.0, shuffle=True, seed=1)
    basis = (pl.int_range(pl.len()) * 7919 % 97 + 15).cast(pl.Float64)
    rows = rows.with_columns(basis=basis).with_columns(part=(pl.col("basis") * 0.7).floor())
    empty = [pl.lit(None, pl.Float64).alias(name) for name in ("squares", "value", "exclusions", "expected")]
    rows = rows.with_columns(empty)
    counted_rows = rows.with_columns(first=month_number("start"), last=month_number("end")).drop("start", "end")
    counts = Counts(counted_rows, tuple(measures), (0.0,) * len(measures), organizations, Findings())
    names = pl.DataFrame(
        {"place": range(_UNITS), "unit": [id_ for id_, _ in units], "kommun": [kommun for _, kommun in units]},
        schema_overrides={"place": pl.UInt32},
    )
    text = rows.join(names, on="place", maintain_order="left").select(
        pl.format("m{}", "measure").alias("measure_id"),
        "unit",
        "kommun",
        pl.col("kommun").str.slice(0, 2).alias("lan"),
        "sex",
        "start",
        "part",
        "basis",
    )
    return counts, text


def plain_group_by(text: pl.DataFrame) -> pl.DataFrame:
    """Sum the same rows once, per indicator, unit, sex and period."""
    return text.group_by("measure_id", "unit", "sex", "start").agg(pl.col("part", "basis").sum())


def same_group_bys(text: pl.DataFrame) -> list[pl.DataFrame]:
    """Sum the same rows to each of the same levels and periods, by sex and in all, and nothing else."""
    found = []
    for every in ("1y", "1q", "1mo"):
        timed = text.with_columns(pl.col("start").dt.truncate(every))
        for level in ((), ("lan",), ("kommun",), ("unit",)):
            for sexes in ((), ("sex",)):
                keys = ("measure_id", *level, *sexes, "start")
                found.append(timed.group_by(keys).agg(pl.col("part", "basis").sum()))
    return found


def figures() -> list[Figure]:
    """Measure in turns: the calculation with rates, intervals and reasons, one group-by, and all that it takes."""
    counts, text = counted()

    def ours() -> pl.DataFrame:
        return with_values(aggregate(counts, _TODAY))

    cells = ours()
    ours_s, sums_s, single_s = in_turns(_RUNS, ours, lambda: aggregate(counts, _TODAY), lambda: plain_group_by(text))
    again_s, all_s = in_turns(_RUNS_OF_ALL, ours, lambda: same_group_bys(text))
    made: Detail = {"rows": float(counts.rows.height), "values made": float(cells.height)}
    single: Detail = made | {"ours s": ours_s, "of that sums s": sums_s, "one group-by s": single_s}
    return [
        Figure(
            "aggregate 960 000 rows, with intervals / one group-by of the rows", ours_s / single_s, 3.0, detail=single
        ),
        Figure(
            "aggregate 960 000 rows, with intervals / the engine's group-bys to the same levels and periods",
            again_s / all_s,
            3.0,
            detail=made | {"ours s": again_s, "group-bys s": all_s},
        ),
    ]
