"""Values that somebody should look at: SUS-01 to SUS-05, as column operations over periods that follow each other.

Chance makes small groups jump, so a jump counts only when it is large and more than chance explains.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from contracts.catalogue.model import Catalogue
from producer.completeness.model import Suspicion
from producer.register.vis.organizations import IDENTITY
from producer.register.vis.table_checks import MISSING_SHARE_OF_FILE, MISSING_SHARE_OF_MEASURE

KEPT: Final = 500
_Z: Final = 6.0
_RATE_STEP: Final = 0.15
_FACTOR: Final = 3.0
_LARGE: Final = 50
_LOOK: Final = "Compare with the source: a changed definition, extraction or journal system?"


def suspicions(there: pl.DataFrame, catalogue: Catalogue, names: dict[str, str]) -> tuple[Suspicion, ...]:
    """Give what is suspicious in values as `producer.completeness.check` prepares them, `KEPT` of each rule."""
    ordered = there.filter(pl.col("state") == "value").sort("measure", "months", IDENTITY, "period")
    same = pl.all_horizontal(pl.col(name) == pl.col(name).shift(1) for name in ("measure", "months", IDENTITY))
    follows = same & (pl.col("period") == pl.col("period").shift(1) + 1)
    basis = pl.coalesce("Denominator", "Measurepopulation", "Cohort")
    paired = ordered.with_columns(
        basis=basis,
        shown=pl.coalesce("Rate", "Value"),
        before=pl.when(follows).then(pl.coalesce("Rate", "Value").shift(1)),
        basis_before=pl.when(follows).then(basis.shift(1)),
    )
    shares = [name for name, one in catalogue.latest().items() if one.unit_type == "Andel"]
    return (
        *_each(
            "SUS-01", paired.filter(_jump()), names, ("{} after {} in the period before.", "shown", "before"), _LOOK
        ),
        *_each(
            "SUS-02",
            paired.filter(_basis_jump()),
            names,
            ("{} after {} in the period before.", "basis", "basis_before"),
            _LOOK,
        ),
        *_each(
            "SUS-03",
            paired.filter(_swapped()),
            names,
            ("Numerator {}, denominator {}.", "Numerator", "Denominator"),
            "Exchange the two, if they are swapped.",
        ),
        *_each(
            "SUS-04",
            paired.filter(_per_cent(shares)),
            names,
            ("{} after {} in the period before.", "shown", "before"),
            "Write shares from 0 to 1.",
        ),
        *_shares(there),
    )


def _jump() -> pl.Expr:
    """A rate that moves by more than chance and a tenth and a half, or another value by a factor."""
    now, before, n, m = pl.col("Rate"), pl.col("before"), pl.col("basis"), pl.col("basis_before")
    pooled = (now * n + before * m) / (n + m)
    spread = (pooled * (1 - pooled) * (1 / n + 1 / m)).sqrt()
    step = (now - before).abs()
    is_rate_jump = now.is_not_null() & (step > _RATE_STEP) & (step > _Z * spread)
    value, large = pl.col("Value"), pl.max_horizontal("Value", "before")
    small = pl.min_horizontal("Value", "before")
    is_value_jump = value.is_not_null() & (n.fill_null(_LARGE) >= _LARGE) & (large > _FACTOR * small) & (small > 0)
    return is_rate_jump | is_value_jump


def _basis_jump() -> pl.Expr:
    large, small = pl.max_horizontal("basis", "basis_before"), pl.min_horizontal("basis", "basis_before")
    return pl.col("basis_before").is_not_null() & (large >= _LARGE) & (large > _FACTOR * small)


def _swapped() -> pl.Expr:
    """The numerator is larger, or the rate of before comes back when the two are exchanged and nothing else does."""
    numerator, denominator = pl.col("Numerator"), pl.col("Denominator")
    return (numerator > denominator) & (denominator > 0)


def _per_cent(shares: list[str]) -> pl.Expr:
    """A share written as a value above 1, or one that is a hundred times, or a hundredth of, the one before."""
    ratio = pl.col("shown") / pl.col("before")
    is_hundredfold = ratio.is_between(60, 160) | ratio.is_between(1 / 160, 1 / 60)
    is_share = pl.col("measure").is_in(shares)
    return (is_share & (pl.col("Value") > 1)) | (is_share & is_hundredfold & (pl.col("basis") >= _LARGE))


def _each(
    rule: str, found: pl.DataFrame, names: dict[str, str], what: tuple[str, str, str], mend: str
) -> list[Suspicion]:
    """Tell of the first rows; ``what`` is a text and the two columns whose numbers stand in it."""
    text, first, second = what
    chosen = found.head(KEPT).select("measure", IDENTITY, "start", "end", pl.col(first), pl.col(second).alias("second"))
    return [
        Suspicion(rule, measure, identity, names[identity], start, end, text.format(_short(a), _short(b)), mend)
        for measure, identity, start, end, a, b in chosen.rows()
    ]


def _short(number: float | None) -> str:
    return "none" if number is None else f"{number:.4g}" if abs(number) < 1000 else f"{number:.0f}"


def _shares(there: pl.DataFrame) -> list[Suspicion]:
    """SUS-05, with the limits of the receiver's own check (domain reference 1.3, 7)."""
    is_missing = pl.col("state") != "value"
    mend = "Check that the extraction worked, and whether the threshold or the level fits the numbers."
    found = []
    share = there.select(is_missing.mean()).item()
    if share is not None and share >= MISSING_SHARE_OF_FILE:
        what = f"{share:.0%} of all values are masked or missing."
        found.append(Suspicion("SUS-05", "", None, "", None, None, what, mend))
    parts = there.group_by("measure").agg(is_missing.mean().alias("share")).sort("measure")
    for measure, part in parts.filter(pl.col("share") >= MISSING_SHARE_OF_MEASURE).rows():
        found.append(
            Suspicion("SUS-05", measure, None, "", None, None, f"{part:.0%} of its values are masked or missing.", mend)
        )
    return found
