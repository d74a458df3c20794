"""95 % confidence intervals as column operations, each method by name.

Proportions: Wilson's score interval. Means: Student's t with the pooled deviation of all observations. Others: none.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import polars as pl

Z: Final = 1.959963984540054
"""The 97.5 % point of the standard normal distribution."""

METHODS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Andel": "Wilson",
        "Medelvärde": "Student's t",
        "Kvot": "none",
        "Median": "none",
        "Dagar": "none",
        "Antal": "none",
    }
)
_FEW: Final = (12.706205, 4.302653, 3.182446, 2.776445, 2.570582, 2.446912, 2.364624, 2.306004, 2.262157, 2.228139)
"""The 97.5 % points of Student's t for 1 to 10 degrees of freedom (any statistical table)."""


def wilson(numerator: pl.Expr, denominator: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """Give both ends of Wilson's interval for a share; null where the denominator is 0."""
    basis = pl.when(denominator > 0).then(denominator)
    middle = numerator + Z**2 / 2
    half = Z * (numerator * (basis - numerator) / basis + Z**2 / 4).sqrt()
    # Exact at both ends, where rounding errors would leave the interval beside its rate.
    low = pl.when(numerator == 0).then(0.0).otherwise(middle - half) / (basis + Z**2)
    high = pl.when(numerator == basis).then(basis + Z**2).otherwise(middle + half) / (basis + Z**2)
    return low, high


def student(mean: pl.Expr, deviation: pl.Expr, count: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """Give both ends of the t interval of a mean; null where fewer than two observations or no deviation are known."""
    half = t_quantile(count - 1) * deviation / count.sqrt()
    is_known = (count >= 2) & deviation.is_not_null()
    return pl.when(is_known).then(mean - half), pl.when(is_known).then(mean + half)


def t_quantile(degrees: pl.Expr) -> pl.Expr:
    """Give the 97.5 % point of Student's t: a table up to 10 degrees of freedom, then its expansion about the normal.

    The expansion (Cornish-Fisher, four terms: Abramowitz and Stegun 26.7.5) is right to 1e-5 from 11 on.
    """
    z = Z
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    expansion = pl.lit(z) + pl.sum_horizontal(
        term / degrees.cast(pl.Float64).pow(power) for power, term in enumerate(terms, 1)
    )
    few = (
        degrees.round(0).cast(pl.Int64).replace_strict(dict(enumerate(_FEW, 1)), default=None, return_dtype=pl.Float64)
    )
    return pl.coalesce(few, expansion)
