"""Expected against there: missing, masked and suspicious values of a register (domain reference 1.3, 7.2).

Expected are the catalogue's levels and frequencies, for every organisation that was valid or reported before, in every
period from the register's first one of an indicator up to a day.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import polars as pl

from contracts.catalogue.model import MONTHS, Catalogue
from producer.calculation.periods import first_day, last_day, month_number, month_of
from producer.completeness.model import MeasureState, Missing, Suspicion
from producer.completeness.suspicious import suspicions
from producer.organizations.model import LAND, Organizations, display_name
from producer.register.vis.organizations import IDENTITY, with_identity

KEPT: Final = 2_000
"""Missing values that are told one by one; all are counted."""

_KEY: Final = ["measure", "months", "period", IDENTITY]


@dataclass(frozen=True)
class Completeness:
    """``grid``: a row for each value that is there or expected: measure, months, period, identity, state.

    ``state`` is value, MSK, INV, UNK, NI or missing. ``missing`` holds the first `KEPT` of ``missing_count``.
    """

    measures: tuple[MeasureState, ...]
    missing: tuple[Missing, ...]
    missing_count: int
    suspicions: tuple[Suspicion, ...]
    grid: pl.DataFrame
    names: dict[str, str]
    until: date

    @property
    def is_complete(self) -> bool:
        """Whether nothing that is expected is missing."""
        return self.missing_count == 0


def check_completeness(
    rows: pl.DataFrame, catalogue: Catalogue, organizations: Organizations | None = None, until: date | None = None
) -> Completeness:
    """Check a register's rows (the 30 columns, numbers typed: `producer.register.export.register_rows`).

    ``until``: periods that ended up to this day are expected, by default the last day that the rows hold. Without
    ``organizations``, those are expected that reported the indicator before.
    """
    there = _there(rows)
    last = until or there["end"].max()
    assert isinstance(last, date)
    expected = _expected(there, catalogue, organizations, last)
    grid = (
        expected.join(there.select(*_KEY, "state"), on=_KEY, how="full", coalesce=True)
        .with_columns(
            is_expected=pl.col("reason").is_not_null(),
            state=pl.col("state").fill_null("missing"),
        )
        .sort(_KEY)
    )
    names = _names(rows, grid, organizations)
    gaps = grid.filter(pl.col("state") == "missing")
    missing = tuple(
        Missing(one["measure"], one[IDENTITY], names[one[IDENTITY]], *_span(one), one["reason"])
        for one in gaps.head(KEPT).to_dicts()
    )
    return Completeness(
        measures=_states(grid, catalogue, there),
        missing=missing,
        missing_count=gaps.height,
        suspicions=suspicions(there, catalogue, names),
        grid=grid,
        names=names,
        until=last,
    )


def _span(one: dict[str, Any]) -> tuple[date, date]:
    months, period = one["months"], one["period"]
    return first_day(period * months), last_day(period * months + months - 1)


def _there(rows: pl.DataFrame) -> pl.DataFrame:
    """Give each value with its period as numbers; periods that are no calendar ones are not judged."""
    dated = with_identity(rows).with_columns(
        pl.col("PeriodReportedStartDate").str.to_date().alias("start"),
        pl.col("PeriodReportedEndDate").str.to_date().alias("end"),
        measure=pl.col("MeasureID"),
    )
    months = month_number("end") - month_number("start") + 1
    is_whole = (pl.col("start").dt.day() == 1) & (pl.col("end") == pl.col("end").dt.month_end())
    return (
        dated.with_columns(months=months, state=pl.col("ReasonCode").fill_null("value"))
        .filter(is_whole & pl.col("months").is_in(list(MONTHS.values())))
        .with_columns(period=month_number("start") // pl.col("months"))
    )


def _expected(
    there: pl.DataFrame, catalogue: Catalogue, organizations: Organizations | None, until: date
) -> pl.DataFrame:
    first_months = dict(there.group_by("measure").agg(month_number("start").min()).rows())
    parts = [_empty()]
    for name, one in catalogue.latest().items():
        if not one.is_published:
            continue
        first = first_months.get(name)
        if first is None:  # Never reported: one gap for the nation says so.
            parts.append(_never(name, one.frequencies[0] if one.frequencies else "year", until))
            continue
        if one.valid_from is not None:
            first = max(first, month_of(one.valid_from))
        for frequency in one.frequencies:
            months = MONTHS[frequency]
            periods = range(-(-first // months), _ended(until, months))
            own = there.filter((pl.col("measure") == name) & (pl.col("months") == months))
            if organizations is not None:
                parts.append(_of_catalogue(name, months, periods, one.levels, organizations))
            parts.append(_of_before(own, periods, months))
    return pl.concat(parts).unique(subset=_KEY, keep="first", maintain_order=True)


def _ended(until: date, months: int) -> int:
    """Give the first period of a length that has not ended on ``until``."""
    month = month_of(until)
    return (month + 1 if until == last_day(month) else month) // months


def _empty() -> pl.DataFrame:
    schema = {"measure": pl.String, "months": pl.Int32, "period": pl.Int32, IDENTITY: pl.String, "reason": pl.String}
    return pl.DataFrame(schema=schema)


def _never(name: str, frequency: str, until: date) -> pl.DataFrame:
    months = MONTHS[frequency]  # type: ignore[index]  # a frequency of the catalogue
    gap = (name, months, _ended(until, months) - 1, LAND, "the catalogue asks for it, and it was never reported")
    return pl.DataFrame([gap], schema=_empty().schema, orient="row")


def _of_catalogue(
    name: str, months: int, periods: range, levels: tuple[str, ...], organizations: Organizations
) -> pl.DataFrame:
    """Expect every level that the catalogue asks for of the organisations that were valid then."""
    places = organizations.frame()
    spans = pl.DataFrame(
        [(one, first_day(one * months), last_day(one * months + months - 1)) for one in periods],
        schema={"period": pl.Int32, "start": pl.Date, "end": pl.Date},
        orient="row",
    )
    valid = places.join(spans, how="cross").filter(
        (pl.col("valid_from") <= pl.col("end")) & (pl.col("valid_to") >= pl.col("start"))
    )
    columns = [level for level in levels if level in valid.columns]
    found = [valid.select("period", pl.col(level).alias("node")).drop_nulls().unique() for level in columns]
    return pl.concat([_empty().select("period", node=IDENTITY), *found]).select(
        pl.lit(name).alias("measure"),
        pl.lit(months, pl.Int32).alias("months"),
        "period",
        pl.col("node").alias(IDENTITY),
        pl.lit("the catalogue asks for it").alias("reason"),
    )


def _of_before(own: pl.DataFrame, periods: range, months: int) -> pl.DataFrame:
    """Expect who reported before to go on, up to the last period of all."""
    seen = own.group_by("measure", IDENTITY).agg(pl.col("period").min().alias("since"))
    numbers = pl.DataFrame({"period": list(periods)}, schema={"period": pl.Int32})
    return (
        seen.join(numbers, how="cross")
        .filter(pl.col("period") >= pl.col("since"))
        .select(
            "measure",
            pl.lit(months, pl.Int32).alias("months"),
            "period",
            IDENTITY,
            pl.lit("it was reported before").alias("reason"),
        )
    )


def _names(rows: pl.DataFrame, grid: pl.DataFrame, organizations: Organizations | None) -> dict[str, str]:
    known = with_identity(rows).select(IDENTITY, name=pl.coalesce("UnitName", "HospitalName")).unique(subset=[IDENTITY])
    names = {identity: name for identity, name in known.rows() if name}
    return {one: names.get(one) or display_name(one, organizations) for one in grid[IDENTITY].unique()}


def _states(grid: pl.DataFrame, catalogue: Catalogue, there: pl.DataFrame) -> tuple[MeasureState, ...]:
    latest = catalogue.latest()
    in_register = set(there["measure"].unique())
    counted = (
        grid.group_by("measure")
        .agg(
            expected=pl.col("is_expected").sum(),
            months=pl.col("months").min(),
            **{state: (pl.col("state") == state).sum() for state in ("value", "MSK", "INV", "UNK", "missing")},
        )
        .sort("measure")
    )
    return tuple(
        MeasureState(
            measure_id=one["measure"],
            title=latest[one["measure"]].title if one["measure"] in latest else one["measure"],
            expected=one["expected"],
            values=one["value"],
            masked=one["MSK"],
            without_basis=one["INV"],
            unreported=one["UNK"],
            missing=one["missing"],
            frequency_months=one["months"],
            is_in_catalogue=one["measure"] in latest,
            is_in_register=one["measure"] in in_register,
        )
        for one in counted.to_dicts()
    )
