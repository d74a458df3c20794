"""Sums of counts for every level, frequency and sex that the catalogue asks for (domain reference 1.4).

Every sum is one group-by over numbers: indicator, organisation, sex and period are packed into one integer key.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import polars as pl

from producer.calculation.counts import Counts
from producer.calculation.periods import ended_periods, first_day, last_day, month_number, month_of
from producer.catalogue.model import MONTHS, CatalogueMeasure, Frequency
from producer.register.vis.findings import Findings, ImportFinding

LEVELS: Final = ("Land", "Lan", "Kommun", "Sjukhus", "Vardenhet")
"""Levels that are calculated. A Sjukvardsregion is not: the VIS file has no column for it, and Halland lies in two."""

_SEXES = 3
_SUMS: Final = ("part", "basis", "squares", "exclusions", "expected")
_MEDIANS: Final = ("Median", "Dagar")
Progress = Callable[[int, int], None]
"""Told of steps done and of steps in all."""


@dataclass(frozen=True)
class Aggregates:
    """``cells``: measure (position in ``counts.measures``), node (position in ``nodes``), sex (0: all), frequency,
    start, end, period and the sums; ``basis`` is null where an organisation that is expected reported nothing.
    """

    cells: pl.DataFrame
    nodes: tuple[str, ...]
    counts: Counts


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is made at one frequency of the measures that share their periods."""

    frequency: Frequency
    measures: tuple[int, ...]
    periods: range
    is_rolling: bool
    is_median: bool


def aggregate(counts: Counts, today: date, progress: Progress | None = None) -> Aggregates:
    """Sum counts to every level, calendar period that has ended by ``today``, and sex that the catalogue asks for.

    A unit with no counts in a period is there without numbers, so that a reader sees who takes part. What the
    catalogue asks but the counts cannot give is added to ``counts.findings`` as warnings CNT-12.
    """
    plans = _plans(counts, today)
    nodes, by_level = _nodes(counts)
    rows = counts.rows.filter(pl.col("basis").is_not_null()).with_columns(
        first=month_number("start"), last=month_number("end")
    )
    parts = []
    for done, plan in enumerate(plans):
        if progress is not None:
            progress(1 if done else 0, len(plans))
        parts += _cells_of(plan, rows, counts, by_level, len(nodes))
    if progress is not None and plans:
        progress(1, len(plans))
    cells = pl.concat(parts) if parts else pl.DataFrame(schema=_CELLS)
    return Aggregates(cells, nodes, counts)


_CELLS = {
    "measure": pl.UInt32,
    "node": pl.UInt32,
    "sex": pl.Int8,
    "frequency": pl.Int8,
    "period": pl.Int32,
    "part": pl.Float64,
    "basis": pl.Float64,
    "squares": pl.Float64,
    "value": pl.Float64,
    "exclusions": pl.Float64,
    "expected": pl.Float64,
}


def _nodes(counts: Counts) -> tuple[tuple[str, ...], dict[str, pl.Series]]:
    """Number every organisation; give for each level the number that each place belongs to."""
    places = counts.organizations.frame().sort("place")
    nodes: dict[str, int] = {}
    by_level = {}
    for level in LEVELS:
        numbers = [nodes.setdefault(name, len(nodes)) if name else None for name in places[level]]
        by_level[level] = pl.Series(numbers, dtype=pl.UInt32)
    return tuple(nodes), by_level


def _plans(counts: Counts, today: date) -> list[_Plan]:
    """Decide which periods of which frequency can be made for which indicators."""
    spans = (
        counts.rows.group_by("measure", maintain_order=True)
        .agg(
            first=month_number("start").min(),
            last=month_number("end").max(),
            **{
                frequency: (month_number("start") // months == month_number("end") // months).all()
                for frequency, months in MONTHS.items()
            },
        )
        .sort("measure")
    )
    plans: dict[tuple[object, ...], list[int]] = {}
    for span in spans.to_dicts():
        measure = counts.measures[span["measure"]]
        for frequency in measure.frequencies:
            if not span[frequency]:
                _warn(
                    counts.findings,
                    measure,
                    f"The catalogue asks for {frequency} values, but some counts are of longer periods",
                )
                continue
            periods = _periods(measure, frequency, span["first"], span["last"], today)
            if not periods:
                _warn(counts.findings, measure, f"The counts hold no whole {frequency} that has ended")
                continue
            key = (frequency, periods, measure.is_rolling_year, measure.unit_type in _MEDIANS)
            plans.setdefault(key, []).append(span["measure"])
    return [_Plan(key[0], tuple(measures), *key[1:]) for key, measures in plans.items()]  # type: ignore[arg-type]


def _periods(measure: CatalogueMeasure, frequency: Frequency, first: int, last: int, today: date) -> range:
    months = MONTHS[frequency]
    if measure.valid_from is not None:
        valid = month_of(measure.valid_from)
        first = max(first, valid if measure.valid_from.day == 1 else valid + 1)
    periods = ended_periods(months, first, last, today)
    if measure.is_rolling_year:
        return range(periods.start + 12 // months - 1, max(periods.stop, periods.start + 12 // months - 1))
    return periods


def _warn(findings: Findings, measure: CatalogueMeasure, what: str) -> None:
    mend = "Deliver counts of shorter periods, or nothing: what can be made is made."
    findings.add(ImportFinding("CNT-12", "warning", None, "measure_id", f"{measure.title}: {what}.", mend))


def _cells_of(
    plan: _Plan, rows: pl.DataFrame, counts: Counts, by_level: dict[str, pl.Series], node_count: int
) -> list[pl.DataFrame]:
    """Give the cells of one plan: of each level the total and, where asked and known, each sex."""
    months = MONTHS[plan.frequency]
    chosen = (
        rows
        if len(plan.measures) == rows["measure"].n_unique()
        else rows.filter(pl.col("measure").is_in(list(plan.measures)))
    )
    timed = _timed(chosen, plan, months)
    sexed = _with_sexes(plan, timed, counts)
    parts = []
    for level in LEVELS:
        measures = [number for number in plan.measures if level in counts.measures[number].levels]
        if not measures or by_level[level].null_count() == by_level[level].len():
            continue
        located = timed.with_columns(node=by_level[level].gather(timed["place"]))
        if len(measures) < len(plan.measures):
            located = located.filter(pl.col("measure").is_in(measures))
        if by_level[level].null_count():
            located = located.filter(pl.col("node").is_not_null())
        known = _summed(located, plan, node_count, sexed)
        expected = _expected(counts, plan, measures, by_level[level], months, sexed)
        parts.append(_filled(known, expected).with_columns(frequency=pl.lit(months, pl.Int8)).select(*_CELLS))
    return parts


def _timed(rows: pl.DataFrame, plan: _Plan, months: int) -> pl.DataFrame:
    """Add the period of each row; in a rolling year it belongs to every period of the twelve months after it."""
    period = (pl.col("first") // months).cast(pl.Int32)
    timed = rows.select("measure", "place", "sex", *_SUMS, "value", period=period)
    if plan.is_rolling:
        timed = pl.concat([timed.with_columns(pl.col("period") + later) for later in range(12 // months)])
    return timed.filter(pl.col("period").is_between(plan.periods.start, plan.periods.stop - 1))


def _with_sexes(plan: _Plan, timed: pl.DataFrame, counts: Counts) -> list[int]:
    """Give the measures whose sexes the catalogue asks for and the counts hold."""
    asked = {one.parent_id for one in counts.measures if one.sex is not None}
    wanted = [number for number in plan.measures if counts.measures[number].measure_id in asked]
    if not wanted:
        return []
    with_sex = timed.filter(pl.col("sex") > 0)["measure"].unique().to_list()
    for number in wanted:
        if number not in with_sex:
            _warn(
                counts.findings,
                counts.measures[number],
                "The catalogue asks for values by sex, but the counts have no sex",
            )
    return sorted(set(wanted) & set(with_sex))


def _summed(located: pl.DataFrame, plan: _Plan, node_count: int, sexed: Sequence[int]) -> pl.DataFrame:
    """Sum rows to cells: first with sex, and of those sums the totals."""
    span = len(plan.periods)
    packed = (pl.col("measure").cast(pl.Int64) * node_count + pl.col("node")) * span + (
        pl.col("period") - plan.periods.start
    )
    if not sexed:
        return _unpacked(_grouped(located.with_columns(key=packed * _SEXES), plan), plan, node_count)
    by_sex = _grouped(located.with_columns(key=packed * _SEXES + pl.col("sex")), plan)
    if plan.is_median:
        totals = _grouped(located.with_columns(key=packed * _SEXES), plan)
    else:
        totals = _grouped(by_sex.with_columns(key=pl.col("key") - pl.col("key") % _SEXES), plan)
    shown = by_sex.filter(pl.col("key") % _SEXES > 0)
    parts = _unpacked(pl.concat([totals, shown]), plan, node_count)
    return parts.filter((pl.col("sex") == 0) | pl.col("measure").is_in(sexed))


def _grouped(keyed: pl.DataFrame, plan: _Plan) -> pl.DataFrame:
    """Sum by key; what no row of a measure has (as squares of a proportion) stays empty and costs nothing."""
    used = [name for name in _SUMS if keyed[name].null_count() < keyed.height]
    unused = [pl.lit(None, pl.Float64).alias(name) for name in _SUMS if name not in used]
    sums = [_complete_sum(keyed, name) for name in used]
    value = [_weighted_median().alias("value")] if plan.is_median else []
    lacking = [] if plan.is_median else [pl.lit(None, pl.Float64).alias("value")]
    summed = keyed.lazy().group_by("key").agg(*sums, *value).with_columns(*unused, *lacking).collect()
    return summed.select("key", *_SUMS, "value")


def _complete_sum(keyed: pl.DataFrame, name: str) -> pl.Expr:
    """Sum a column; coverage and deviation are known of a sum only when they are of every part with a basis."""
    column = pl.col(name)
    if name in ("expected", "squares") and keyed[name].null_count():
        is_unknown = (column.is_null() & (pl.col("basis") > 0)).any()
        return pl.when(~is_unknown).then(column.sum()).alias(name)
    if keyed[name].null_count():
        return pl.when(column.count() > 0).then(column.sum()).alias(name)
    return column.sum()


def _weighted_median() -> pl.Expr:
    """The smallest value that at least half of the observations lie at or below, each value with its number of them."""
    order = pl.col("value")
    reached = pl.col("basis").sort_by(order).cum_sum() * 2 >= pl.col("basis").sum()
    return pl.col("value").sort_by(order).filter(reached & (pl.col("basis").sort_by(order) > 0)).first()


def _unpacked(summed: pl.DataFrame, plan: _Plan, node_count: int) -> pl.DataFrame:
    span, rest = len(plan.periods), pl.col("key") // _SEXES
    return summed.select(
        (rest // span // node_count).cast(pl.UInt32).alias("measure"),
        (rest // span % node_count).cast(pl.UInt32).alias("node"),
        (pl.col("key") % _SEXES).cast(pl.Int8).alias("sex"),
        (rest % span + plan.periods.start).cast(pl.Int32).alias("period"),
        *_SUMS,
        "value",
    )


def _expected(
    counts: Counts, plan: _Plan, measures: list[int], level: pl.Series, months: int, sexed: Sequence[int]
) -> pl.DataFrame:
    """Give the cells that a reader expects: every organisation with a unit or hospital that was valid then."""
    places = counts.organizations.frame().sort("place").with_columns(node=level).drop_nulls("node")
    spans = pl.DataFrame(
        [(one, first_day(one * months), last_day(one * months + months - 1)) for one in plan.periods],
        schema={"period": pl.Int32, "start": pl.Date, "end": pl.Date},
        orient="row",
    )
    there = (
        places.join(spans, how="cross")
        .filter((pl.col("valid_from") <= pl.col("end")) & (pl.col("valid_to") >= pl.col("start")))
        .select("node", "period")
        .unique()
    )
    sexes = [(number, sex) for number in measures for sex in ((0, 1, 2) if number in sexed else (0,))]
    wanted = pl.DataFrame(sexes, schema={"measure": pl.UInt32, "sex": pl.Int8}, orient="row")
    return wanted.join(there, how="cross").select("measure", "node", "sex", "period")


def _filled(known: pl.DataFrame, expected: pl.DataFrame) -> pl.DataFrame:
    """Add the expected cells that have no counts: a sex of a unit that reported is 0, all else is not known."""
    key = ["measure", "node", "sex", "period"]
    lacking = expected.join(known.select(key), on=key, how="anti")
    if lacking.height == 0:
        return known
    reported = known.filter(pl.col("sex") == 0).select("measure", "node", "period", has_total=pl.lit(value=True))
    zero = pl.when(pl.col("has_total")).then(0.0)
    empty = lacking.join(reported, on=["measure", "node", "period"], how="left").select(
        *key, part=zero, basis=zero, **{name: pl.lit(None, pl.Float64) for name in (*_SUMS[2:], "value")}
    )
    return pl.concat([known, empty.select(known.columns)])
