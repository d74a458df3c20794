"""From sums to values: rate, mean, count, interval, deviation, coverage and the reason where there is none (rule 1.6).

Primary masking is decided here; complementary suppression in `producer.calculation.suppression`.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from contracts.catalogue.model import KINDS
from producer.calculation.aggregate import Aggregates
from producer.calculation.intervals import student, wilson

STRICT_PART = 5
"""In strict masking, fewer cases than this on either side of a proportion are hidden too (domain reference 1.5)."""
REASON = pl.Enum(["MSK", "INV", "UNK"])
"""Why a cell has no value, as the contract's reason codes."""
_TYPE = pl.Enum(list(KINDS))
_NOTHING = pl.lit(None, pl.Float64)


def with_values(
    aggregates: Aggregates, *, audience: str | None = None, default_threshold: float | None = None, strict: bool = False
) -> pl.DataFrame:
    """Give the cells with unit_type, value, interval, deviation, coverage and reason (MSK, INV, UNK or null).

    ``audience``: whose threshold holds, None the strictest of all; ``default_threshold`` where the catalogue has none.
    Masked cells still carry their numbers here, for suppression; `producer.calculation.vis_rows` leaves them out.
    """
    used = aggregates.cells["measure"].unique()
    types = {aggregates.counts.measures[number].unit_type for number in used}
    facts = _facts(aggregates, audience, default_threshold)
    part, basis = pl.col("part"), pl.col("basis")
    # Rounding errors of sums of squares may leave a deviation just below 0.
    spread = ((pl.col("squares") - part**2 / basis) / (basis - 1)).clip(lower_bound=0).sqrt()
    t_low, t_high = student(pl.col("value"), pl.col("deviation"), basis)
    wilson_low, wilson_high = wilson(part, basis)
    return (
        aggregates.cells.lazy()
        .with_columns(unit_type=facts["unit_type"], threshold=facts["threshold"])
        .with_columns(
            value=_by_type(types, _values(facts)),
            deviation=_by_type(types, {"Medelvärde": pl.when(basis > 1).then(spread)}),
            coverage=pl.when(basis > 0).then((basis / pl.col("expected")).clip(upper_bound=1.0)),
        )
        .with_columns(
            low=_by_type(types, {"Andel": wilson_low, "Medelvärde": t_low}),
            high=_by_type(types, {"Andel": wilson_high, "Medelvärde": t_high}),
            reason=_reason(types, strict=strict),
        )
        .collect()
    )


def _facts(aggregates: Aggregates, audience: str | None, default_threshold: float | None) -> dict[str, pl.Expr]:
    """Give what holds for the indicator of each cell."""
    counts = aggregates.counts
    columns = {
        "unit_type": pl.Series([one.unit_type for one in counts.measures], dtype=_TYPE),
        "threshold": pl.Series(
            [one.threshold(audience, default_threshold) for one in counts.measures], dtype=pl.Float64
        ),
        "per": pl.Series([one.per for one in counts.measures], dtype=pl.Float64),
        "center": pl.Series(counts.centers, dtype=pl.Float64),
    }
    return {name: pl.lit(column).gather(pl.col("measure")) for name, column in columns.items()}


def _values(facts: Mapping[str, pl.Expr]) -> dict[str, pl.Expr]:
    """Give how each unit type's value is made; null where there is no basis, except for a count."""
    part = pl.col("part")
    basis = pl.when(pl.col("basis") > 0).then("basis")
    median = pl.when(pl.col("basis") > 0).then("value")
    return {
        "Andel": part / basis,
        "Kvot": part / basis * facts["per"],
        "Medelvärde": facts["center"] + part / basis,
        "Median": median,
        "Dagar": median,
        "Antal": part,
    }


def _by_type(types: set[str], expressions: Mapping[str, pl.Expr]) -> pl.Expr:
    """Choose by the unit type of each cell, null for other types; types that no cell has cost nothing."""
    chosen = _NOTHING
    for number, type_ in enumerate(sorted(types)):
        own = expressions.get(type_, _NOTHING)
        chosen = pl.when(pl.col("unit_type") == type_).then(own).otherwise(chosen) if number else own
    return chosen


def _reason(types: set[str], *, strict: bool) -> pl.Expr:
    part, basis = pl.col("part"), pl.col("basis")
    is_few = basis < pl.col("threshold")
    if strict:
        is_few = is_few | ((pl.col("unit_type") == "Andel") & ((part < STRICT_PART) | (basis - part < STRICT_PART)))
    # A count of 0 is a result; a share of nothing is none.
    is_without = (basis == 0) & (pl.col("unit_type") != "Antal") if "Antal" in types else basis == 0
    return (
        pl.when(basis.is_null())
        .then(pl.lit("UNK", REASON))
        .when(is_without)
        .then(pl.lit("INV", REASON))
        .when(is_few & (basis > 0))
        .then(pl.lit("MSK", REASON))
    )
