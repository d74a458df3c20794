"""The rules CNT-01 to CNT-11 of a table of counts, as column operations (domain reference 1.3 and 7.2).

The first part judges single rows, the second rows against each other.
"""

from __future__ import annotations

import polars as pl

from producer.register.vis.findings import Findings
from producer.register.vis.reading import ROW
from producer.register.vis.row_rule import RowRule, check_rows, said
from producer.tabular import add_findings, date_rules, number_rules

_NUMBERS = ("numerator", "denominator", "value", "n", "sd", "exclusions", "coverage")
_NEEDED = {
    "Andel": ("numerator", "denominator"),
    "Kvot": ("numerator", "denominator"),
    "Antal": ("numerator",),
    "Medelvärde": ("value", "n"),
    "Median": ("value", "n"),
    "Dagar": ("value", "n"),
}


def check_counts(rows: pl.DataFrame, findings: Findings) -> None:
    """Check single rows, joined with what catalogue and organisations know of them."""
    forms = number_rules("CNT-05", [name for name in _NUMBERS if name != "value"], shares=("coverage",))
    value_form = [rule for rule in number_rules("CNT-05", ("value",)) if "negative" not in str(rule.what)]
    dates = date_rules("CNT-04", ("period_start", "period_end"), required=("period_start", "period_end"))
    rules = (*_identity_rules(), *dates, *_period_rules(), *forms, *value_form, *_needed_rules(), *_sense_rules())
    check_rows(rows, rules, findings)


def _identity_rules() -> list[RowRule]:
    is_unit_known = pl.col("is_known").is_not_null()
    return [
        RowRule("CNT-01", "measure_id", pl.col("measure_id").is_null(), "measure_id is empty.", "Write the id."),
        RowRule("CNT-01", "unit", pl.col("unit").is_null(), "unit is empty.", "Write the unit's HSA-id."),
        RowRule(
            "CNT-02",
            "measure_id",
            pl.col("measure_id").is_not_null() & pl.col("measure").is_null(),
            said("The catalogue has no indicator {}.", "measure_id"),
            "Correct the id, or import the indicator: brygga catalogue import FILE",
        ),
        RowRule(
            "CNT-02",
            "measure_id",
            ~pl.col("is_published"),
            said("The indicator {} is not published in the catalogue.", "measure_id"),
            "Leave its rows out until the catalogue has published it.",
        ),
        RowRule(
            "CNT-02",
            "measure_id",
            pl.col("parent_id").is_not_null(),
            said("{} is the submeasure of {} for one sex.", "measure_id", "parent_id"),
            "Write the parent's id in measure_id and the sex in the column sex.",
        ),
        RowRule(
            "CNT-03",
            "unit",
            pl.col("unit").is_not_null() & ~is_unit_known,
            said("The table of organisations has no {}.", "unit"),
            "Correct the id, or add the unit to the table of organisations.",
        ),
        RowRule(
            "CNT-03",
            "unit",
            is_unit_known & pl.col("place").is_null(),
            said("{} is not valid on {}.", "unit", "period_start"),
            pl.when(pl.col("merged_into").is_not_null())
            .then(pl.format("It was merged into {}: report what came later there.", "merged_into"))
            .otherwise(pl.lit("Correct the period, or valid_from and valid_to of the unit.")),
        ),
        RowRule(
            "CNT-11",
            "sex",
            ~pl.col("sex").is_in(["0", "1", "2"]),
            said("sex is {}.", "sex"),
            "Write 1 for men, 2 for women, 0 for not known.",
        ),
    ]


def _period_rules() -> list[RowRule]:
    return [
        RowRule(
            "CNT-04",
            "period_end",
            pl.col("period_end_day") < pl.col("period_start_day"),
            said("The period {} to {} ends before it starts.", "period_start", "period_end"),
            "Correct the dates; both days belong to the period.",
        ),
        RowRule(
            "CNT-04",
            "period_start",
            ~pl.col("period_start_day").dt.year().is_between(1900, 2099),
            said("period_start is {}, outside the years 1900 to 2099.", "period_start"),
            "Correct the year.",
        ),
        RowRule(
            "CNT-10",
            "period_start",
            (pl.col("period_start_day") < pl.col("measure_from")) | (pl.col("period_end_day") > pl.col("measure_to")),
            said(
                "The indicator is not valid for the whole of {} to {}; the row is left out.",
                "period_start",
                "period_end",
            ),
            "Nothing, if the definition really changed then. Else correct its validity in the catalogue.",
            "warning",
        ),
    ]


def _needed_rules() -> list[RowRule]:
    rules = []
    for unit_type, needed in _NEEDED.items():
        is_type = pl.col("unit_type") == unit_type
        some = pl.any_horizontal(pl.col(*_NUMBERS).is_not_null())
        rules += [
            RowRule(
                "CNT-06",
                name,
                is_type & some & pl.col(name).is_null(),
                f"{name} is empty; an indicator of the unit type {unit_type} needs {' and '.join(needed)}.",
                "Write it, or leave all numbers empty when the unit did not report.",
            )
            for name in needed
        ]
        rules += [
            RowRule(
                "CNT-06",
                name,
                is_type & pl.col(name).is_not_null(),
                f"{name} is filled, but the indicator is of the unit type {unit_type}.",
                f"Write {' and '.join(needed)}, or correct the unit type in the catalogue.",
            )
            for name in ("numerator", "denominator", "value", "n")
            if name not in needed
        ]
    return rules


def _sense_rules() -> list[RowRule]:
    numerator, denominator = pl.col("numerator_number"), pl.col("denominator_number")
    counted = ("numerator", "denominator", "n", "exclusions")
    return [
        RowRule(
            "CNT-07",
            "numerator",
            (pl.col("unit_type") == "Andel") & (numerator > denominator),
            said("numerator {} is larger than denominator {}.", "numerator", "denominator"),
            "Exchange the two if they are swapped. A ratio that may pass 1 is a Kvot. [rule 1.8]",
        ),
        RowRule(
            "CNT-05",
            "coverage",
            (pl.col("coverage_number") == 0) & (pl.coalesce("denominator_number", "n_number") > 0),
            "coverage is 0, but there are counts.",
            "Write the share of the cases that the register knows, or leave it empty.",
        ),
        *(
            RowRule(
                "CNT-05",
                name,
                pl.col(f"{name}_number") != pl.col(f"{name}_number").floor(),
                said(f"{name} is {{}}: a count with decimals may be a rate or a share in per cent.", name),
                "Write the number of cases; rates are calculated from the sums.",
                "warning",
            )
            for name in counted
        ),
    ]


def check_together(typed: pl.DataFrame, findings: Findings) -> None:
    """Check typed rows against each other: duplicates, sexes beside totals, overlapping periods."""
    key = ["measure", "unit", "sex", "start", "end"]
    codes = _packed(typed, key)
    doubled = typed.filter(codes.is_duplicated())
    if doubled.height:
        again = doubled.with_columns(first=pl.col(ROW).min().over(key)).filter(pl.col(ROW) != pl.col("first"))
        what = pl.format("Row {} has the same indicator, unit, sex and period.", "first")
        add_findings(findings, again, "CNT-08", "unit", what, "Keep the row that is right, or add the two up.")
    _check_sexes(typed, findings)
    if not doubled.height:
        _check_overlaps(typed, findings)


def _packed(typed: pl.DataFrame, key: list[str]) -> pl.Series:
    """Give rows a number that is the same for the same key: one column is compared faster than five."""
    return typed.select(pl.struct(key).hash()).to_series()


def _check_sexes(typed: pl.DataFrame, findings: Findings) -> None:
    """A row without sex beside rows with one may be their total, which would count twice."""
    if typed["has_sex"].all() or not typed["has_sex"].any():
        return
    key = ["measure", "unit", "start", "end"]
    both = typed.filter(pl.col("has_sex").any().over(key) & ~pl.col("has_sex"))
    mend = "Leave the total out, it is calculated; write sex 0 if the row is about people whose sex is not known."
    add_findings(findings, both, "CNT-08", "sex", pl.lit("There are rows by sex for the same unit and period."), mend)


def _check_overlaps(typed: pl.DataFrame, findings: Findings) -> None:
    key = ["measure", "unit", "sex"]
    spans = typed.select(ROW, *key, "start", "end").sort(*key, "start")
    same = pl.all_horizontal(pl.col(name) == pl.col(name).shift(1) for name in key)
    before = pl.col("end").shift(1)
    overlapping = spans.filter(same & (pl.col("start") <= before))
    if overlapping.height:
        what = pl.format("The period {} to {} overlaps another one of the same indicator and unit.", "start", "end")
        mend = "Write each case in one period only; longer periods are calculated."
        add_findings(findings, overlapping, "CNT-09", "period_start", what, mend)
