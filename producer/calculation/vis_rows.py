"""Calculated cells as rows of a VIS file (domain reference 1.2): nothing hidden carries a number.

Sexes leave under the id of their submeasure; rates have four decimals, means, medians and ratios two.
"""

from __future__ import annotations

import polars as pl

from contracts.catalogue.model import Catalogue
from contracts.codes import COUNTRY_NAME
from producer.calculation.aggregate import Aggregates
from producer.calculation.tree import LEVELS
from producer.register.vis.columns import COLUMNS


def vis_rows(cells: pl.DataFrame, aggregates: Aggregates, *, hsa_id: str, register_name: str) -> pl.DataFrame:
    """Give the cells as the 30 columns, in the order of indicator, sex, period and level."""
    organizations = aggregates.counts.organizations
    used = cells["node"].unique().sort().to_list()
    places = organizations.vis_columns([aggregates.nodes[number] for number in used]).with_columns(
        node=pl.Series(used, dtype=pl.UInt32), node_order=_node_order()
    )
    frame = (
        cells.join(_ids(aggregates), on=["measure", "sex"], how="inner")
        .join(places, on="node", how="left")
        .with_columns(_dates())
        .sort("parent", "sex", "start", "end", "node_order", "identity", maintain_order=True)
        .with_columns(
            *_numbers(),
            ReasonCode=pl.col("reason").cast(pl.String),
            CountryName=pl.lit(COUNTRY_NAME),
            RegisterHSAID=pl.lit(hsa_id),
            RegisterNamn=pl.lit(register_name),
            PeriodReportedStartDate=pl.col("start").dt.to_string("iso"),
            PeriodReportedEndDate=pl.col("end").dt.to_string("iso"),
        )
    )
    missing = [pl.lit(None).alias(name) for name in COLUMNS if name not in frame.columns]
    # Of frequencies that end in the same period, such as a rolling year's, each has its own dates, so nothing doubles.
    return frame.with_columns(missing).select(COLUMNS)


def _ids(aggregates: Aggregates) -> pl.DataFrame:
    """Give the id and version of each indicator and sex, and the target that its values are held against."""
    counts = aggregates.counts
    children = Catalogue(counts.measures)
    rows = []
    for number, one in enumerate(counts.measures):
        if one.parent_id is None:
            rows.append((number, 0, one.measure_id, one.measure_id, one.version_number, one.target_value))
            for sex, child in children.submeasures(one.measure_id).items():
                rows.append(
                    (number, int(sex), one.measure_id, child.measure_id, one.version_number, child.target_value)
                )
    schema = {
        "measure": pl.UInt32,
        "sex": pl.Int8,
        "parent": pl.String,
        "MeasureID": pl.String,
        "Version": pl.Int64,
        "target": pl.Float64,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def _node_order() -> pl.Expr:
    level = pl.col("identity").str.split("/").list.first()
    return level.replace_strict({name: number for number, name in enumerate(LEVELS)}, return_dtype=pl.Int8)


def _dates() -> list[pl.Expr]:
    months = pl.col("frequency").cast(pl.Int32)
    first, after = pl.col("period") * months, (pl.col("period") + 1) * months
    return [
        pl.date(first // 12, first % 12 + 1, 1).alias("start"),
        pl.date(after // 12, after % 12 + 1, 1).dt.offset_by("-1d").alias("end"),
    ]


def _numbers() -> list[pl.Expr]:
    type_ = pl.col("unit_type")
    is_shown = pl.col("reason").is_null()
    is_rate, is_count = is_shown & (type_ == "Andel"), is_shown & (type_ == "Antal")
    is_value = is_shown & ~type_.is_in(["Andel", "Antal"])

    def digits(name: str) -> pl.Expr:
        return pl.when(is_rate).then(pl.col(name).round(4)).otherwise(pl.col(name).round(2))

    return [
        pl.when(is_rate).then("part").alias("Numerator"),
        pl.when(is_rate).then("basis").alias("Denominator"),
        pl.when(is_rate).then(digits("value")).alias("Rate"),
        pl.when(is_value).then(digits("value")).alias("Value"),
        pl.when(is_value).then("basis").alias("Measurepopulation"),
        pl.when(is_count).then("value").alias("Cohort"),
        pl.when(is_shown).then(digits("low").clip(lower_bound=0)).alias("ConfidenceIntervalLower"),
        pl.when(is_shown).then(digits("high")).alias("ConfidenceIntervalHigher"),
        pl.when(is_shown).then(pl.col("deviation").round(2)).alias("Standarddeviation"),
        pl.when(is_shown).then(pl.col("coverage").round(4)).alias("Coverage"),
        pl.when(is_shown).then("exclusions").alias("Exclusions"),
        pl.when(is_rate).then("target").alias("ReferenceIntervalRate"),
        pl.when(is_value | is_count).then("target").alias("ReferenceIntervalValue"),
    ]
