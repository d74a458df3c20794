"""What rounding explains: rate against numerator / denominator, and intervals about a value (rules 1.5 and 1.8).

Registers publish rounded numbers (domain reference 1.5), so equality is asked for only as far as the digits go.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

_FOUR_DECIMALS: Final = 0.00005 + 1e-9
"""Half a unit in the fourth decimal, the usual precision of rates; inside it no closer look is taken."""

_RATE_SPREAD_MAX: Final = 0.005
"""No exact rate is published with fewer than two decimals; more than this is no rounding."""

_STEP_SPREAD: Final = 0.025
_STEP_DENOMINATOR_MAX: Final = 200
_STEP_FEW: Final = 4
"""Below 200 cases of which fewer than 5 are hits or misses, rates are published in steps of 5 %."""

_TENS_SPREAD: Final = 5.0
"""Counts that both end in 0 may have been rounded to tens."""

_NOISE: Final = 1e-9


def half_unit(number: float) -> float:
    """Give half a unit in the last decimal of the shortest decimal text of ``number`` (finite): 0.75 gives 0.005."""
    text = repr(number)
    if "e" in text:
        exponent = Decimal(text).normalize().as_tuple().exponent
        return 0.5 * 10.0 ** min(int(exponent), 0)
    decimals = text.partition(".")[2]
    return 0.5 if decimals == "0" else 0.5 * 10.0 ** -len(decimals)


def are_tens(*counts: float) -> bool:
    """Tell whether every count ends in 0, as counts rounded to tens do."""
    return all(count % 10 == 0 for count in counts)


def is_quotient(rate: float, numerator: float, denominator: float) -> bool:
    """Tell whether ``rate`` is numerator / denominator within what rounding of the three explains.

    All finite, not negative, denominator not 0. Looks for true counts and a true rate that round to the three:
    counts within 5 when both end in 0, else within half a unit of their last decimal when they have decimals;
    the rate within half a unit of its last decimal, at most 0.005, or 0.025 for rates in steps of 5 %.
    """
    if abs(rate - numerator / denominator) <= _FOUR_DECIMALS:
        return True
    are_rounded = are_tens(numerator, denominator)
    numerator_spread = _count_spread(numerator, are_rounded)
    denominator_spread = _count_spread(denominator, are_rounded)
    spread = _rate_spread(rate, numerator, denominator, are_rounded) + _NOISE
    lowest = max(numerator - numerator_spread, 0.0) / (denominator + denominator_spread)
    if rate < lowest - spread:
        return False
    if denominator <= denominator_spread:
        return True
    return rate <= (numerator + numerator_spread) / (denominator - denominator_spread) + spread


def _count_spread(count: float, are_rounded: bool) -> float:
    if are_rounded:
        return _TENS_SPREAD
    return 0.0 if count.is_integer() else half_unit(count)


def _rate_spread(rate: float, numerator: float, denominator: float, are_rounded: bool) -> float:
    few = _STEP_FEW + (2 * _TENS_SPREAD if are_rounded else 0.0)
    has_few = min(numerator, denominator - numerator) <= few
    if has_few and denominator <= _STEP_DENOMINATOR_MAX and abs(rate * 20 - round(rate * 20)) < _NOISE:
        return _STEP_SPREAD
    return min(half_unit(rate), _RATE_SPREAD_MAX)


def is_symmetric(low: float, value: float, high: float) -> bool:
    """Tell whether ``value`` is the middle of ``low`` and ``high`` within rounding of the three (all finite)."""
    distance = abs((value - low) - (high - value))
    if distance <= _NOISE:
        return True
    return distance <= half_unit(low) + half_unit(high) + 2 * half_unit(value) + _NOISE
