"""A rule that one row can break by itself, as an expression over a whole batch (domain reference 1.3).

Counting every rule takes one pass over the batch; texts are made only for the rows that break one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from contracts.rules import Severity
from producer.register.vis.findings import KEPT_PER_RULE, Findings, ImportFinding
from producer.register.vis.reading import ROW

Text = str | pl.Expr


@dataclass(frozen=True, slots=True)
class RowRule:
    """A rule by its id; ``bad`` is true for rows that break it (null: not decided here, so not broken)."""

    rule: str
    column: str
    bad: pl.Expr
    what: Text
    mend: Text
    severity: Severity = "error"


def said(template: str, *columns: str) -> pl.Expr:
    """Fill the braces of ``template`` with cells; an empty cell is written as (empty)."""
    return pl.format(template, *(pl.col(name).cast(pl.String).fill_null("(empty)") for name in columns))


def is_any(columns: Sequence[str]) -> pl.Expr:
    """Tell whether any of ``columns`` is filled."""
    return pl.any_horizontal(pl.col(*columns).is_not_null())


def check_rows(batch: pl.DataFrame, rules: Sequence[RowRule], findings: Findings) -> None:
    """Add a finding for every row of ``batch`` that breaks one of ``rules``."""
    counts = batch.select(rule.bad.fill_null(value=False).sum().alias(str(number)) for number, rule in enumerate(rules))
    for rule, count in zip(rules, counts.row(0), strict=True):
        if not count:
            continue
        first = batch.filter(rule.bad).head(KEPT_PER_RULE).select(ROW, what=_text(rule.what), mend=_text(rule.mend))
        found = (
            ImportFinding(rule.rule, rule.severity, row, rule.column, what, mend) for row, what, mend in first.rows()
        )
        findings.extend(found, count)


def _text(text: Text) -> pl.Expr:
    return pl.lit(text) if isinstance(text, str) else text
