"""From sums to values: rate, mean, count, interval, deviation, coverage and the reason where there is none (rule 1.6).

Primary masking is decided here; complementary suppression in `producer.calculation.suppression`.
"""

from __future__ import annotations

import polars as pl

from producer.calculation.aggregate import Aggregates
from producer.calculation.intervals import student, wilson

STRICT_PART = 5
"""In strict masking, fewer cases than this on either side of a proportion are hidden too (domain reference 1.5)."""


def with_values(
    aggregates: Aggregates, *, audience: str | None = None, default_threshold: float | None = None, strict: bool = False
) -> pl.DataFrame:
    """Give the cells with unit_type, value, interval, deviation, coverage and reason (MSK, INV, UNK or null).

    ``audience``: whose threshold holds, None the strictest of all; ``default_threshold`` where the catalogue has none.
    Masked cells still carry their numbers here, for suppression; `producer.calculation.vis_rows` leaves them out.
    """
    cells = aggregates.cells.join(_facts(aggregates, audience, default_threshold), on="measure", how="left")
    type_, part, basis = pl.col("unit_type"), pl.col("part"), pl.col("basis")
    is_rate, is_mean, is_count = type_ == "Andel", type_ == "Medelvärde", type_ == "Antal"
    has_basis = basis > 0
    value = (
        pl.when(is_count)
        .then(part)
        .when(~has_basis)
        .then(None)
        .when(is_rate)
        .then(part / basis)
        .when(type_ == "Kvot")
        .then(part / basis * pl.col("per"))
        .when(is_mean)
        .then(pl.col("center") + part / basis)
        .otherwise("value")
    )
    # Rounding errors of sums of squares may leave a deviation just below 0.
    spread = ((pl.col("squares") - part**2 / basis) / (basis - 1)).clip(lower_bound=0).sqrt()
    cells = cells.with_columns(
        value=value,
        deviation=pl.when(is_mean & (basis > 1)).then(spread),
        coverage=pl.when(has_basis).then((basis / pl.col("expected")).clip(upper_bound=1.0)),
    )
    wilson_low, wilson_high = wilson(part, basis)
    t_low, t_high = student(pl.col("value"), pl.col("deviation"), basis)
    return cells.with_columns(
        low=pl.when(is_rate).then(wilson_low).when(is_mean).then(t_low),
        high=pl.when(is_rate).then(wilson_high).when(is_mean).then(t_high),
        reason=_reason(strict=strict),
    )


def _facts(aggregates: Aggregates, audience: str | None, default_threshold: float | None) -> pl.DataFrame:
    counts = aggregates.counts
    used = set(aggregates.cells["measure"].unique())
    rows = [
        (number, one.unit_type, one.per, one.threshold(audience, default_threshold), counts.centers[number])
        for number, one in enumerate(counts.measures)
        if number in used
    ]
    schema = {
        "measure": pl.UInt32,
        "unit_type": pl.String,
        "per": pl.Float64,
        "threshold": pl.Float64,
        "center": pl.Float64,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def _reason(*, strict: bool) -> pl.Expr:
    type_, part, basis = pl.col("unit_type"), pl.col("part"), pl.col("basis")
    is_few = basis < pl.col("threshold")
    if strict:
        is_few = is_few | ((type_ == "Andel") & ((part < STRICT_PART) | (basis - part < STRICT_PART)))
    return (
        pl.when(basis.is_null())
        .then(pl.lit("UNK"))
        # A count of 0 is a result; a share of nothing is none.
        .when((basis == 0) & (type_ != "Antal"))
        .then(pl.lit("INV"))
        .when(is_few & (basis > 0))
        .then(pl.lit("MSK"))
    )
