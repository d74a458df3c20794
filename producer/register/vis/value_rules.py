"""Rules for the numbers of a row: VIS-05, VIS-06, VIS-15, VIS-17, VIS-18, VIS-20, VIS-21, VIS-23 and VIS-24.

Sources: domain reference 1.3 (the receiver's checks and the added ones) and contract reference 5 (in brackets).
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from producer.register.vis.columns import COUNTS, NUMBERS
from producer.register.vis.quotient import is_quotient
from producer.register.vis.row_rule import RowRule, is_any, said

_has_reason = pl.col("ReasonCode").is_not_null()
_center = pl.coalesce("rate", "cohort", "value")


def value_rules(*, allow_adjusted_rates: bool) -> Sequence[RowRule]:
    """Give the rules; ``allow_adjusted_rates`` makes a rate that is not the quotient a warning."""
    return (
        *_value_rules(),
        *_interval_rules(),
        *_reason_rules(),
        *_range_rules(),
        *_quotient_rules(allow_adjusted_rates=allow_adjusted_rates),
    )


def _value_rules() -> Sequence[RowRule]:
    kinds = ("Rate", "Value", "Cohort")
    has_rate = pl.col("Rate").is_not_null()
    rules = [
        RowRule(
            "VIS-05",
            "Value",
            ~_has_reason & ~is_any(kinds),
            "The row has neither Rate, Value nor Cohort, and no ReasonCode.",
            "Write the value, or the reason why there is none: UNK when nothing was reported.",
        ),
        RowRule(
            "VIS-05",
            "Rate",
            (pl.col("rate") < 0) | (pl.col("rate") > 1),
            said("Rate is {}, outside 0 to 1.", "Rate"),
            pl.when(pl.col("rate").is_between(1, 100, closed="right"))
            .then(pl.format("If this is per cent, write {}.", (pl.col("rate") / 100).round(6)))
            .otherwise(pl.lit("Write a share from 0 to 1.")),
        ),
        RowRule(
            "VIS-17",
            "Value",
            pl.sum_horizontal(pl.col(*kinds).is_not_null()) > 1,
            said("The row has more than one of Rate ({}), Value ({}) and Cohort ({}).", *kinds),
            "Keep the one that the catalogue gives for the indicator.",
        ),
        RowRule(
            "VIS-17",
            "Numerator",
            ~has_rate & is_any(("Value", "Cohort")) & is_any(("Numerator", "ReferenceIntervalRate")),
            "The row has Numerator or ReferenceIntervalRate, but no Rate; they are not imported.",
            "Write the number of observations behind a Value in Measurepopulation.",
            "warning",
        ),
        RowRule(
            "VIS-17",
            "Value",
            has_rate & is_any(("Measurepopulation", "ReferenceIntervalValue")),
            "The row has a Rate and Measurepopulation or ReferenceIntervalValue; these two are not imported.",
            "Use Denominator and ReferenceIntervalRate with a Rate.",
            "warning",
        ),
    ]
    for part in ("Numerator", "Denominator"):
        rules.append(
            RowRule(
                "VIS-05",
                part,
                has_rate & pl.col(part).is_null(),
                f"There is a Rate, but no {part}.",
                "Write both Numerator and Denominator.",
            )
        )
    return rules


def _interval_rules() -> Sequence[RowRule]:
    lower, higher = "ConfidenceIntervalLower", "ConfidenceIntervalHigher"
    low, high = pl.col("interval_low"), pl.col("interval_high")
    return (
        RowRule(
            "VIS-06",
            lower,
            pl.col(lower).is_null() != pl.col(higher).is_null(),
            said("The confidence interval has one end only: {} to {}.", lower, higher),
            "Write both ends or none.",
        ),
        RowRule(
            "VIS-06",
            lower,
            low > high,
            said("The lower end {} is above the higher end {}.", lower, higher),
            "Exchange or correct them.",
        ),
        RowRule(
            "VIS-20",
            lower,
            ~_has_reason & (low <= high) & ((low < 0) | (low > _center) | (high < _center)),
            pl.format("0 <= lower <= value <= higher does not hold: {}, {}, {}.", low, _center, high),
            "Check that value and interval are of the same scale and row. [rule 1.5]",
        ),
    )


def _reason_rules() -> Sequence[RowRule]:
    reason = pl.col("ReasonCode")
    values = ("Value", "Rate", "ConfidenceIntervalLower", "ConfidenceIntervalHigher")
    others = ("Numerator", "Denominator", "Cohort", "Measurepopulation", "Exclusions", "Standarddeviation")
    basis = pl.coalesce("denominator", "population")
    rate_basis = pl.when(pl.col("rate").is_not_null()).then(pl.col("denominator"))
    value_basis = pl.when(pl.col("value").is_not_null()).then(pl.col("population"))
    return (
        RowRule(
            "VIS-15",
            "ReasonCode",
            _has_reason & is_any(values),
            said("ReasonCode is {}, but the row has a value or an interval.", "ReasonCode"),
            "Remove the value and the interval, or the reason.",
        ),
        RowRule(
            "VIS-15",
            "ReasonCode",
            _has_reason & ~is_any(values) & is_any(others),
            said("ReasonCode is {}, but the row has other numbers; they are not imported.", "ReasonCode"),
            "Leave the numbers of a missing value empty, so that nothing hidden is given away.",
            "warning",
        ),
        RowRule(
            "VIS-18",
            "Denominator",
            ~_has_reason & (pl.coalesce(rate_basis, value_basis) == 0),
            "The basis (Denominator or Measurepopulation) is 0, so there is no value.",
            "Remove the value and write ReasonCode INV. [rule 1.6]",
        ),
        RowRule(
            "VIS-18",
            "ReasonCode",
            ((reason == "INV") & (basis > 0)) | (reason.is_in(["MSK", "UNK"]) & (basis == 0)),
            pl.format("ReasonCode is {}, but the basis is {}.", reason, basis),
            "INV: the basis is 0. MSK: hidden, the basis is small. UNK: nothing was reported. [rule 1.6]",
            "warning",
        ),
        RowRule(
            "VIS-18",
            "ReasonCode",
            reason == "NI",
            "ReasonCode is NI, which receivers are not asked to understand.",
            "Write MSK, INV or UNK if one of them is the reason.",
            "warning",
        ),
    )


def _range_rules() -> Sequence[RowRule]:
    rules = [
        RowRule(
            "VIS-05" if column in ("Numerator", "Denominator") else "VIS-21",
            column,
            pl.col(NUMBERS[column]) < 0,
            said(f"{column} is {{}}, which is negative.", column),
            "Write a number that is 0 or more.",
        )
        for column in (*sorted(COUNTS), "Standarddeviation")
    ]
    shares = (("Coverage", "error"), ("ReferenceIntervalRate", "warning"))
    for column, severity in shares:
        rules.append(
            RowRule(
                "VIS-21",
                column,
                ~pl.col(NUMBERS[column]).is_between(0, 1),
                said(f"{column} is {{}}, outside 0 to 1.", column),
                "Write a share from 0 to 1, not per cent. [rule 1.4]",
                severity,  # type: ignore[arg-type]
            )
        )
    return rules


def _quotient_rules(*, allow_adjusted_rates: bool) -> Sequence[RowRule]:
    numerator, denominator, rate = pl.col("numerator"), pl.col("denominator"), pl.col("rate")
    numbers = ("Rate", "Numerator", "Denominator")
    is_decided = rate.is_between(0, 1) & (numerator >= 0) & (denominator > 0)
    is_swapped = (rate > 0) & (numerator > 0) & is_quotient("Denominator", "Numerator")
    quotient = (numerator / denominator).round(6)
    return (
        RowRule(
            "VIS-23",
            "Numerator",
            (numerator >= 0) & (denominator > 0) & (numerator > denominator),
            said("Numerator {} is larger than Denominator {}.", "Numerator", "Denominator"),
            pl.when(is_swapped)
            .then(pl.lit("Exchange the two: Rate is Denominator / Numerator. [rule 1.8]"))
            .otherwise(pl.lit("Numerator counts a part of Denominator. A ratio of two things is a Value. [rule 1.8]")),
        ),
        RowRule(
            "VIS-24",
            "Rate",
            is_decided & (numerator <= denominator) & ~is_quotient("Numerator", "Denominator"),
            pl.format(
                "{} is not Numerator / Denominator: {} / {} is {}.",
                *(pl.col(name).fill_null("") for name in numbers),
                quotient,
            ),
            "Correct the one that is wrong. For rates adjusted for case mix, import with --allow-adjusted-rates. "
            "[rule 1.8]",
            "warning" if allow_adjusted_rates else "error",
        ),
    )
