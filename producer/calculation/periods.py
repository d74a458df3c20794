"""Calendar periods as numbers: a month is ``year * 12 + month - 1``, longer periods are runs of months (domain 1.4).

Every period that the catalogue asks for begins at a multiple of its length, so one division finds a day's period.
"""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl


def month_number(column: str) -> pl.Expr:
    """Give the month of a date column as a number."""
    day = pl.col(column)
    return day.dt.year().cast(pl.Int32) * 12 + day.dt.month().cast(pl.Int32) - 1


def month_of(day: date) -> int:
    """Give the month of a day as a number."""
    return day.year * 12 + day.month - 1


def first_day(month: int) -> date:
    """Give the first day of a month."""
    return date(month // 12, month % 12 + 1, 1)


def last_day(month: int) -> date:
    """Give the last day of a month."""
    return first_day(month + 1) - timedelta(days=1)


def period_label(period: int, months: int) -> str:
    """Name a period for people: 2025, 2025 H1, 2025 Q1 or 2025-01."""
    start = first_day(period * months)
    part = (start.month - 1) // months + 1
    return {12: f"{start.year}", 6: f"{start.year} H{part}", 3: f"{start.year} Q{part}", 1: f"{start:%Y-%m}"}[months]


def ended_periods(months: int, first: int, last: int, today: date) -> range:
    """Give the periods of a length that lie whole within the months ``first`` to ``last`` and have ended.

    ``today``: the last day that a period may end on. A period is its first month divided by its length.
    """
    start = -(-first // months)
    end = (last + 1) // months
    while end > start and last_day(end * months - 1) > today:
        end -= 1
    return range(start, max(start, end))
