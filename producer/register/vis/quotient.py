"""Rate against numerator / denominator for whole columns (rule 1.8), deciding as `contracts.rules.numbers` does.

Kept apart because the contract's own function decides one measurement at a time; a test holds the two together.
"""

from __future__ import annotations

import polars as pl

from producer.register.vis.cells import decimals
from producer.register.vis.columns import NUMBERS

_FOUR_DECIMALS = 0.00005 + 1e-9
_RATE_SPREAD_MAX = 0.005
_STEP_SPREAD = 0.025
_STEP_DENOMINATOR_MAX = 200
_STEP_FEW = 4
_TENS_SPREAD = 5.0
_NOISE = 1e-9


def is_quotient(numerator_column: str, denominator_column: str) -> pl.Expr:
    """Tell for each row whether ``Rate`` is the quotient within what rounding explains (see domain reference 1.5).

    Null where a number is missing; the numerator is not negative, the denominator above 0.
    """
    rate, numerator, denominator = (
        pl.col(NUMBERS[column]) for column in ("Rate", numerator_column, denominator_column)
    )
    are_tens = (numerator % 10 == 0) & (denominator % 10 == 0)
    numerator_spread = _count_spread(numerator_column, are_tens)
    denominator_spread = _count_spread(denominator_column, are_tens)
    spread = _rate_spread(rate, numerator, denominator, are_tens)
    lowest = (numerator - numerator_spread).clip(0) / (denominator + denominator_spread) - spread - _NOISE
    highest = (numerator + numerator_spread) / (denominator - denominator_spread) + spread + _NOISE
    is_near = (rate - numerator / denominator).abs() <= _FOUR_DECIMALS
    return is_near | ((rate >= lowest) & ((denominator <= denominator_spread) | (rate <= highest)))


def _rate_spread(rate: pl.Expr, numerator: pl.Expr, denominator: pl.Expr, are_tens: pl.Expr) -> pl.Expr:
    slack = pl.when(are_tens).then(2 * _TENS_SPREAD).otherwise(0.0)
    has_few = pl.min_horizontal(numerator, denominator - numerator) <= _STEP_FEW + slack
    is_step = (rate * 20 - (rate * 20).round()).abs() < _NOISE
    is_stepped = has_few & is_step & (denominator <= _STEP_DENOMINATOR_MAX)
    return pl.when(is_stepped).then(_STEP_SPREAD).otherwise(_half_unit("Rate").clip(upper_bound=_RATE_SPREAD_MAX))


def _half_unit(column: str) -> pl.Expr:
    return pl.lit(0.5) * pl.lit(10.0).pow(-decimals(column).cast(pl.Float64))


def _count_spread(column: str, are_tens: pl.Expr) -> pl.Expr:
    count = pl.col(NUMBERS[column])
    half_unit = pl.when(count == count.floor()).then(0.0).otherwise(_half_unit(column))
    return pl.when(are_tens).then(_TENS_SPREAD).otherwise(half_unit)
