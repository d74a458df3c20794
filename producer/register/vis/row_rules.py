"""The rules that single rows are checked against; here VIS-03, VIS-04, VIS-11 to VIS-14 and VIS-16.

Sources: domain reference 1.3 (the receiver's checks and the added ones) and 7.2 (what goes wrong in practice).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from contracts.codes import COUNTRY_NAME, REASON_CODES
from producer.register.vis.cells import GROUPED_FORM, NUMBER_FORM
from producer.register.vis.columns import COUNTS, NUMBERS
from producer.register.vis.organization_rules import organization_rules
from producer.register.vis.row_rule import RowRule, said
from producer.register.vis.value_rules import value_rules

_FIRST_YEAR, _LAST_YEAR = 1900, 2099
_ISO_DATE = "Write the date as YYYY-MM-DD, such as 2025-01-31, and format the column as text."


def row_rules(*, hsa_id: str, today: date, allow_adjusted_rates: bool) -> Sequence[RowRule]:
    """Give the rules for the rows of a file whose instruction row names the register ``hsa_id``.

    ``today`` is the last day that a period may end on; ``allow_adjusted_rates`` lets a rate differ from the quotient.
    """
    return (
        *_register_rules(hsa_id),
        *_period_rules(today),
        *_form_rules(),
        *_identity_rules(),
        *value_rules(allow_adjusted_rates=allow_adjusted_rates),
        *organization_rules(),
    )


def _missing(rule: str, column: str, mend: str) -> RowRule:
    return RowRule(rule, column, pl.col(column).is_null(), f"{column} is empty.", mend)


def _register_rules(hsa_id: str) -> Sequence[RowRule]:
    return (
        _missing("VIS-03", "RegisterHSAID", f"Write {hsa_id}, as in the instruction row."),
        RowRule(
            "VIS-03",
            "RegisterHSAID",
            pl.col("RegisterHSAID") != hsa_id,
            said(f"RegisterHSAID is {{}}, but the instruction row says {hsa_id}.", "RegisterHSAID"),
            "One file holds one register: write the same HSA-id everywhere, or split the file.",
        ),
        _missing("VIS-03", "RegisterNamn", "Write the register's name; it is sent as the source system's name."),
    )


def _period_rules(today: date) -> Sequence[RowRule]:
    rules: list[RowRule] = []
    for column, typed in (("PeriodReportedStartDate", "start"), ("PeriodReportedEndDate", "end")):
        cell, day = pl.col(column), pl.col(typed)
        mend = (
            pl.when(cell.str.contains(r"^\d{5}(\.\d+)?$"))
            .then(pl.lit(f"This is how Excel stores a date. {_ISO_DATE}"))
            .when(cell.str.contains(r"^\d{4}-\d{2}-\d{2}"))
            .then(pl.lit("This day is not in the calendar. Correct it."))
            .otherwise(pl.lit(_ISO_DATE))
        )
        rules += (
            _missing("VIS-04", column, _ISO_DATE),
            RowRule("VIS-04", column, cell.is_not_null() & day.is_null(), said(f"{column} is {{}}.", column), mend),
            RowRule(
                "VIS-04",
                column,
                ~day.dt.year().is_between(_FIRST_YEAR, _LAST_YEAR),
                said(f"{column} is {{}}, outside the years {_FIRST_YEAR} to {_LAST_YEAR}.", column),
                "Correct the year.",
            ),
        )
    start, end = "PeriodReportedStartDate", "PeriodReportedEndDate"
    return (
        *rules,
        RowRule(
            "VIS-04",
            end,
            pl.col("end") <= pl.col("start"),
            said("The period {} to {} does not end after it starts.", start, end),
            "Correct the dates; both days belong to the period.",
        ),
        RowRule(
            "VIS-04",
            end,
            pl.col("end") > today,
            said(f"The period ends {{}}, after today ({today.isoformat()}).", end),
            "Report a period when it has ended.",
        ),
    )


def _form_rules() -> Sequence[RowRule]:
    rules = []
    for column in NUMBERS:
        cell = pl.col(column)
        mend = (
            pl.when(cell.str.contains(r"^[-+]?[\d.,]+[eE][-+]?\d+$"))
            .then(pl.lit("Write the number without an exponent, such as 0.00012."))
            .when(cell.str.contains(r"^-?\d{1,3}([ \u00a0\u202f.,']\d{3})+([.,]\d+)?$"))
            .then(pl.lit("Write the number without thousands separators."))
            .when(cell.str.contains("%", literal=True))
            .then(pl.lit("Write a share from 0 to 1 without the percent sign."))
            .otherwise(pl.lit("Write a number such as 12 or 0.75; leave the cell empty when there is none."))
        )
        bad = ~cell.str.contains(NUMBER_FORM)
        rules.append(
            RowRule("VIS-16", column, bad, said(f"{column} is {{}}, which is not read as a number.", column), mend)
        )
        if column in COUNTS:
            rules.append(
                RowRule(
                    "VIS-16",
                    column,
                    cell.str.contains(GROUPED_FORM),
                    said(f"{column} is {{}}: a thousands separator or three decimals?", column),
                    "Write the count without separators, such as 1190.",
                )
            )
    return rules


def _identity_rules() -> Sequence[RowRule]:
    reasons = ", ".join(REASON_CODES)
    return (
        _missing("VIS-11", "CountryName", f"Write {COUNTRY_NAME} in every row."),
        RowRule(
            "VIS-11",
            "CountryName",
            pl.col("CountryName").str.to_lowercase() != COUNTRY_NAME.lower(),
            said("CountryName is {}.", "CountryName"),
            f"Write {COUNTRY_NAME} in every row.",
        ),
        _missing("VIS-12", "Version", "Write the version of the indicator, a whole number."),
        RowRule(
            "VIS-12",
            "Version",
            pl.col("Version").is_not_null() & pl.col("version").is_null(),
            said("Version is {}.", "Version"),
            "Write the major version of the indicator, a whole number such as 3.",
        ),
        _missing("VIS-13", "MeasureID", "Write the indicator's id in the catalogue."),
        RowRule(
            "VIS-14",
            "ReasonCode",
            ~pl.col("ReasonCode").is_in(list(REASON_CODES)),
            said("ReasonCode is {}.", "ReasonCode"),
            f"Leave it empty, or write one of {reasons}.",
        ),
    )
