"""Dates and periods: they exist, are in order, and how long a period is (rules 1.9, 1.10 and 1.14).

Text order of ``YYYYMMDD`` is date order, so only existence needs the calendar.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date
from functools import lru_cache

from contracts.model import DatePeriod
from contracts.rules.finding import Finding

_FIRST_YEAR, _LAST_YEAR = 1900, 2099
_MEND_DATE = "Write the date as YYYYMMDD, a day that exists, years 1900 to 2099."


def parse_day(text: str) -> date | None:
    """Give the day of ``YYYYMMDD`` text (untrusted), or None when there is no such day from 1900 to 2099."""
    return _parse_eight(text) if len(text) == 8 else None


@lru_cache(maxsize=8192)
def _parse_eight(text: str) -> date | None:
    if not (text.isascii() and text.isdigit()):
        return None
    try:
        day = date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None
    return day if _FIRST_YEAR <= day.year <= _LAST_YEAR else None


def check_period(period: DatePeriod, where: str, element: str, findings: list[Finding]) -> bool:
    """Check rule 1.14 of a period; tell whether it can be used further."""
    is_usable = check_day(period.start, where, f"{element}/start", findings)
    is_usable = check_day(period.end, where, f"{element}/end", findings) and is_usable
    if is_usable and period.start > period.end:
        message = f"The period ends {period.end}, before it starts {period.start}."
        findings.append(Finding("1.14", "error", f"{where}/{element}", message, "Exchange or correct the two dates."))
        return False
    return is_usable


def check_day(text: str, where: str, element: str, findings: list[Finding]) -> bool:
    """Check rule 1.14 of one date; tell whether it exists."""
    if parse_day(text) is not None:
        return True
    message = f"{text!r} is not a date of the calendar."
    findings.append(Finding("1.14", "error", f"{where}/{element}", message, _MEND_DATE))
    return False


def check_encounters(first: str | None, last: str | None, where: str, findings: list[Finding]) -> None:
    """Check rules 1.14 and 1.10 of firstServiceEncounter and lastServiceEncounter, each may be absent."""
    if first is not None and not check_day(first, where, "firstServiceEncounter", findings):
        first = None
    if last is not None and not check_day(last, where, "lastServiceEncounter", findings):
        last = None
    if first is not None and last is not None and first > last:
        message = f"The first observation {first} is after the last one {last}."
        mend = "Exchange or correct the two dates."
        findings.append(Finding("1.10", "error", f"{where}/firstServiceEncounter", message, mend))


def period_length(start: date, end: date) -> tuple[str, int]:
    """Measure a period from ``start`` to ``end`` inclusive: whole calendar months if it is made of them, else days.

    January and February are of equal length in this sense, as are two quarters.
    """
    if start.day == 1 and end.day == monthrange(end.year, end.month)[1]:
        return "months", (end.year - start.year) * 12 + end.month - start.month + 1
    return "days", (end - start).days + 1
