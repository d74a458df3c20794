"""The importer's column form of rule 1.8 decides as the contract's own function (property test)."""

from __future__ import annotations

from typing import Any

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


@st.composite
def _cases(draw: Any) -> tuple[float, float, float]:
    denominator = draw((_counts | _some_decimals).filter(lambda count: count > 0))
    numerator = min(draw(_counts | _some_decimals), denominator)
    error = draw(st.sampled_from([0.0, 0.0001, 0.001, 0.004, 0.006, 0.02, 0.03, 0.3])) * draw(st.sampled_from([-1, 1]))
    rate = min(1.0, max(0.0, round(numerator / denominator + error, draw(st.integers(1, 6)))))
    return rate, numerator, denominator


@settings(max_examples=10, deadline=None)
@given(cases=st.lists(_cases(), min_size=50, max_size=80))
def test_columns_decide_as_the_contracts_rule(cases: list[tuple[float, float, float]]) -> None:
    cells: dict[str, list[str | None]] = {name: [None] * len(cases) for name in COLUMNS}
    for name, numbers in zip(("Rate", "Numerator", "Denominator"), zip(*cases, strict=True), strict=True):
        cells[name] = [_text(number) for number in numbers]
    frame = pl.DataFrame(cells, schema=dict.fromkeys(COLUMNS, pl.String))
    decided = with_typed_columns(frame).select(decided=quotient.is_quotient("Numerator", "Denominator"))
    assert decided["decided"].to_list() == [is_quotient(*case) for case in cases]
