"""The importer's column form of rule 1.8 decides as the contract's own function (property test)."""

from __future__ import annotations

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.rules.numbers import is_quotient
from producer.register.vis import quotient
from producer.register.vis.cells import with_typed_columns
from producer.register.vis.columns import COLUMNS

_counts = st.integers(0, 3000).map(float) | st.integers(0, 30).map(lambda ten: ten * 10.0)
_some_decimals = st.integers(0, 300_000).map(lambda number: number / 100)


def _text(number: float) -> str:
    return f"{number:.12f}".rstrip("0").rstrip(".")


@settings(max_examples=400, deadline=None)
@given(
    rate_digits=st.integers(1, 6),
    error=st.sampled_from([0.0, 0.0001, 0.001, 0.004, 0.006, 0.02, 0.03, 0.3]),
    sign=st.sampled_from([-1, 1]),
    numerator=_counts | _some_decimals,
    denominator=(_counts | _some_decimals).filter(lambda count: count > 0),
)
def test_columns_decide_as_the_contracts_rule(
    rate_digits: int, error: float, sign: int, numerator: float, denominator: float
) -> None:
    numerator = min(numerator, denominator)
    rate = min(1.0, max(0.0, round(numerator / denominator + sign * error, rate_digits)))
    cells = {"Rate": _text(rate), "Numerator": _text(numerator), "Denominator": _text(denominator)}
    frame = pl.DataFrame({name: [cells.get(name)] for name in COLUMNS}, schema=dict.fromkeys(COLUMNS, pl.String))
    decided = with_typed_columns(frame).select(quotient.is_quotient("Numerator", "Denominator")).item()
    assert decided == is_quotient(rate, numerator, denominator)
