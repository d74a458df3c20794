"""Optional rounding of proportions as a register was seen to do it (domain reference 1.5), against disclosure.

Counts to the nearest ten; a rate to 5 per cent where few are on either side, else to two decimals.
"""

from __future__ import annotations

import polars as pl

_FEW, _STEP_BELOW, _STEP, _TENS = 5, 200, 0.05, 10


def rounded(cells: pl.DataFrame) -> pl.DataFrame:
    """Round numerator, denominator, rate and interval of proportions; other kinds keep their values.

    Only the counts behind them (``basis``) go to tens. The interval becomes that of the exact counts, widened to two
    decimals, so that it does not give the counts away.
    """
    part, basis, is_rate = pl.col("part"), pl.col("basis"), pl.col("unit_type") == "Andel"
    is_counted = pl.col("unit_type") != "Antal"
    is_coarse = (basis < _STEP_BELOW) & ((part < _FEW) | (basis - part < _FEW))
    rate = pl.when(is_coarse).then((pl.col("value") / _STEP).round() * _STEP).otherwise(pl.col("value").round(2))
    low, high = (pl.col("low") * 100).floor() / 100, (pl.col("high") * 100).ceil() / 100
    shown = pl.when(is_rate).then(rate.round(2)).otherwise("value")
    return cells.with_columns(
        value=shown,
        part=pl.when(is_rate).then(_tens(part)).otherwise("part"),
        basis=pl.when(is_counted).then(_tens(basis)).otherwise("basis"),
        exclusions=_tens(pl.col("exclusions")),
        low=pl.when(is_rate).then(pl.min_horizontal(low, shown)).otherwise("low"),
        high=pl.when(is_rate).then(pl.max_horizontal(high, shown)).otherwise("high"),
    )


def _tens(count: pl.Expr) -> pl.Expr:
    return (count / _TENS + 0.5).floor() * _TENS
