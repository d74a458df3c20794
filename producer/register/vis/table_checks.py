"""The rules that need more than one row: VIS-07, VIS-09, VIS-19, VIS-25 and VIS-29 (domain reference 1.3).

They run on the typed rows of the whole file at once, as column operations.
"""

from __future__ import annotations

import polars as pl

from producer.register.vis.findings import KEPT_PER_RULE, Findings, ImportFinding
from producer.register.vis.organizations import IDENTITY
from producer.register.vis.reading import ROW

MISSING_SHARE_OF_FILE = 0.25
MISSING_SHARE_OF_MEASURE = 0.75
_LEVELS = {"Land": "nation", "Lan": "region"}
_KEY = ("MeasureID", "start", "end", IDENTITY)


def check_table(rows: pl.DataFrame, findings: Findings) -> None:
    """Check the typed rows of a file (columns as `producer.register.vis.table` gives them) against each other."""
    _check_duplicates(rows, findings)
    _check_overlaps(rows, findings)
    _check_kinds(rows, findings)
    _check_missing_shares(rows, findings)
    _check_symmetry(rows, findings)


def _check_duplicates(rows: pl.DataFrame, findings: Findings) -> None:
    """VIS-09; for nation and regions also VIS-08: one row without unit for each region, one without region."""
    complete = rows.filter(pl.all_horizontal(pl.col(*_KEY).is_not_null()))
    repeated = complete.filter(complete.select(*_KEY).is_duplicated())
    if repeated.height == 0:
        return
    repeated = (
        repeated.with_columns(first=pl.col(ROW).min().over(*_KEY)).filter(pl.col(ROW) != pl.col("first")).sort(ROW)
    )
    found = []
    for row, first, measure_id, identity in (
        repeated.head(KEPT_PER_RULE).select(ROW, "first", "MeasureID", IDENTITY).cast({"MeasureID": pl.String}).rows()
    ):
        type_, _, id_ = identity.partition("/")
        found.append(
            ImportFinding(
                "VIS-09",
                "error",
                row,
                "MeasureID",
                f"Row {first} has the same measure ({measure_id}), period and {_LEVELS.get(type_, type_)} ({id_}).",
                "Keep the row that is right. Sexes are measures of their own. [rule 1.3]",
            )
        )
    findings.extend(found, repeated.height)


def _check_overlaps(rows: pl.DataFrame, findings: Findings) -> None:
    """VIS-19: equal means the same number of whole calendar months, else of days (as `contracts.rules` does)."""
    spans = rows.select(ROW, *_KEY).drop_nulls().with_columns(length=period_length()).sort("start", "end")
    before = pl.col("end").cum_max().shift(1).over("MeasureID", IDENTITY, "length")
    is_same = pl.col("start") == pl.col("start").shift(1).over("MeasureID", IDENTITY, "length")
    overlapping = spans.filter((pl.col("start") <= before) & ~is_same).sort(ROW)
    found = (
        ImportFinding(
            "VIS-19",
            "error",
            row,
            "PeriodReportedStartDate",
            f"The period {start} to {end} overlaps another one of equal length for the same measure and organisation.",
            "Report periods that follow each other, such as calendar months or years. [rule 1.9]",
        )
        for row, start, end in overlapping.head(KEPT_PER_RULE).select(ROW, "start", "end").rows()
    )
    findings.extend(found, overlapping.height)


def period_length() -> pl.Expr:
    """Give the length class of ``start`` to ``end``: months as a negative number, else days."""
    start, end = pl.col("start"), pl.col("end")
    months = (end.dt.year() - start.dt.year()).cast(pl.Int32) * 12 + end.dt.month() - start.dt.month() + 1
    is_whole = (start.dt.day() == 1) & (end == end.dt.month_end())
    return pl.when(is_whole).then(-months).otherwise((end - start).dt.total_days().cast(pl.Int32) + 1)


def _check_kinds(rows: pl.DataFrame, findings: Findings) -> None:
    """VIS-29: the rows of one measure with a value are all of one kind."""
    first = (
        rows.filter((pl.col("kind") != "missing") & pl.col("MeasureID").is_not_null())
        .group_by("MeasureID", "kind")
        .agg(pl.col(ROW).min())
        .sort(ROW)
        .group_by("MeasureID", maintain_order=True)
        .agg("kind", ROW)
        .filter(pl.col("kind").list.len() > 1)
    )
    for measure_id, kinds, row_numbers in first.select(pl.col("MeasureID").cast(pl.String), "kind", ROW).rows():
        findings.add(
            ImportFinding(
                "VIS-29",
                "error",
                row_numbers[1],
                "MeasureID",
                f"The measure {measure_id} is a {kinds[0]} in row {row_numbers[0]} and a {kinds[1]} here.",
                "A measure is of one kind: Rate, Value or Cohort. [rule 1.1]",
            )
        )


def _check_missing_shares(rows: pl.DataFrame, findings: Findings) -> None:
    """VIS-07: so many missing values often mean that the extraction went wrong."""
    mend = "Check that the extraction worked. If it did, nothing needs to be done."
    is_missing = pl.col("kind") == "missing"
    share = rows.select(is_missing.mean()).item()
    if share is not None and share >= MISSING_SHARE_OF_FILE:
        what = f"{share:.0%} of the rows have a ReasonCode instead of a value."
        findings.add(ImportFinding("VIS-07", "warning", None, "ReasonCode", what, mend))
    shares = (
        rows.group_by("MeasureID", maintain_order=True)
        .agg(is_missing.mean().alias("share"), pl.col(ROW).min())
        .filter(pl.col("share") >= MISSING_SHARE_OF_MEASURE)
    )
    found = (
        ImportFinding("VIS-07", "warning", row, "ReasonCode", f"{part:.0%} of the rows of {name} have no value.", mend)
        for name, part, row in shares.head(KEPT_PER_RULE).cast({"MeasureID": pl.String}).rows()
    )
    findings.extend(found, shares.height)


def _check_symmetry(rows: pl.DataFrame, findings: Findings) -> None:
    """VIS-25, told once for the file: whole methods give such intervals, rightly."""
    low, value, high = pl.col("interval_low"), pl.col("value"), pl.col("interval_high")
    is_cut = (low <= 0) | ((pl.col("kind") == "proportion") & (high == 1))
    distance = ((value - low) - (high - value)).abs()
    askew = rows.filter(~is_cut & (distance > pl.col("interval_spread") + 1e-9) & value.is_between(low, high))
    if askew.height:
        what = f"{askew.height} row(s) have an interval that is not symmetric about its value."
        mend = "Right for exact and Wilson intervals; else check value and interval. [rule 1.5]"
        findings.add(ImportFinding("VIS-25", "warning", askew[ROW].min(), "ConfidenceIntervalLower", what, mend))  # type: ignore[arg-type]
