"""Business rules 1.1 to 1.14 of the contract as data and as checks that give findings (contract reference 5).

`check_measurement` for one measurement, `ReportChecker` for a whole report, `RULES` for the texts.
"""

from __future__ import annotations

from contracts.rules.finding import RULES, Finding, Rule, Severity
from contracts.rules.measurement import check_measurement
from contracts.rules.report import MAX_PERIODS, PeriodLedger, ReportChecker

__all__ = [
    "MAX_PERIODS",
    "RULES",
    "Finding",
    "PeriodLedger",
    "ReportChecker",
    "Rule",
    "Severity",
    "check_measurement",
]
