"""Reads the table of counts at the lowest level, and checks it: rules CNT-01 to CNT-12 (domain reference 1.3 and 7.2).

One row is one indicator, unit, period and perhaps sex: numerator and denominator, or a value and the number behind it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

import polars as pl

from contracts.catalogue.model import Catalogue, CatalogueMeasure
from contracts.codes import Bilingual
from producer.calculation.count_checks import check_counts, check_together
from producer.calculation.periods import month_number
from producer.organizations.model import Organizations
from producer.register.vis.findings import Findings
from producer.register.vis.reading import ROW
from producer.tabular import TableRejected, day, number, read_table

COLUMNS: Final = MappingProxyType(
    {
        "measure_id": "The indicator's id in the catalogue; for values by sex the parent's. Required.",
        "unit": "HSA-id of the unit, or HSA-id or code of the hospital, as in the table of organisations. Required.",
        "period_start": "First day that was counted, YYYY-MM-DD. Required.",
        "period_end": "Last day that was counted. Required.",
        "sex": "1 men, 2 women, 0 not known. Leave it empty in all rows when values by sex are not reported.",
        "numerator": "Andel and Kvot: the cases. Antal: the count.",
        "denominator": "Andel and Kvot: all who could be cases. Both empty: the unit did not report.",
        "value": "Medelvärde: the mean. Median and Dagar: the median.",
        "n": "Medelvärde, Median and Dagar: the number of observations behind value.",
        "sd": "Medelvärde: the standard deviation, for intervals.",
        "exclusions": "Number of cases that were left out.",
        "coverage": "Share of the unit's cases that the register knows, 0 to 1.",
    }
)
COUNT_RULES: Final = MappingProxyType(
    {
        "CNT-01": Bilingual("Required cells", "Obligatoriska celler"),
        "CNT-02": Bilingual("The indicator is in the catalogue", "Indikatorn finns i katalogen"),
        "CNT-03": Bilingual("The unit is in the table of organisations", "Enheten finns i organisationstabellen"),
        "CNT-04": Bilingual("Dates of the period", "Periodens datum"),
        "CNT-05": Bilingual("Form and range of numbers", "Talens form och gränser"),
        "CNT-06": Bilingual("The numbers that the unit type needs", "De tal som enhetstypen kräver"),
        "CNT-07": Bilingual("Numerator within denominator", "Täljaren ryms i nämnaren"),
        "CNT-08": Bilingual("No duplicates", "Inga dubbletter"),
        "CNT-09": Bilingual("Counted periods do not overlap", "Räknade perioder överlappar inte"),
        "CNT-10": Bilingual("The indicator is valid", "Indikatorn är giltig"),
        "CNT-11": Bilingual("Code of sex", "Kod för kön"),
        "CNT-12": Bilingual("What can be made of the counts", "Vad som kan göras av antalen"),
    }
)
REQUIRED: Final = ("measure_id", "unit", "period_start", "period_end")
_NUMBERS: Final = ("numerator", "denominator", "value", "n", "sd", "exclusions", "coverage")
_DATES: Final = ("period_start", "period_end")


@dataclass(frozen=True)
class Counts:
    """Counts that can be used: ``rows`` and what their numbers point at. ``findings`` holds warnings only.

    ``rows``: measure and place (positions in ``measures`` and ``organizations.places``), sex (0 when not said), the
    period's first and last month (`producer.calculation.periods`), and the sums: ``part`` (numerator, or basis x value
    less ``centers``), ``basis``, ``squares`` (of deviations from the center), ``value``, ``exclusions`` and
    ``expected`` (basis / coverage). A row with no ``basis`` says that the unit did not report.
    """

    rows: pl.DataFrame
    measures: tuple[CatalogueMeasure, ...]
    centers: tuple[float, ...]
    organizations: Organizations
    findings: Findings


def read_counts(
    path: Path,
    catalogue: Catalogue,
    organizations: Organizations,
    progress: Callable[[int, int], None] | None = None,
) -> Counts:
    """Read a table of counts (untrusted), as CSV or XLSX with the columns `COLUMNS`.

    Raises DataError when it is no such table, TableRejected with every finding when a row is wrong.
    """
    cells = read_table(path, tuple(COLUMNS), REQUIRED, progress)
    cells = cells.with_columns(
        *(day(name).alias(f"{name}_day") for name in _DATES),
        *(number(name).alias(f"{name}_number") for name in _NUMBERS),
    )
    findings = Findings()
    rows = with_places(_with_measures(cells, catalogue), organizations)
    check_counts(rows, findings)
    if findings.error_count:
        raise TableRejected(path.name, findings, "Nothing was calculated.")
    typed = typed_rows(rows)
    check_together(typed, findings)
    if findings.error_count:
        raise TableRejected(path.name, findings, "Nothing was calculated.")
    kept = typed.filter(pl.col("is_valid"))
    measures = tuple(one for one in catalogue.latest().values())
    return counts_of(kept, measures, organizations, findings)


def _with_measures(cells: pl.DataFrame, catalogue: Catalogue) -> pl.DataFrame:
    known = [
        (name, number, one.unit_type, one.is_published, one.parent_id, one.valid_from, one.valid_to)
        for number, (name, one) in enumerate(catalogue.latest().items())
    ]
    schema = {
        "measure_id": pl.String,
        "measure": pl.UInt32,
        "unit_type": pl.String,
        "is_published": pl.Boolean,
        "parent_id": pl.String,
        "measure_from": pl.Date,
        "measure_to": pl.Date,
    }
    return cells.join(
        pl.DataFrame(known, schema=schema, orient="row"), on="measure_id", how="left", maintain_order="left"
    )


def with_places(rows: pl.DataFrame, organizations: Organizations) -> pl.DataFrame:
    """Add the place where the unit of each row was when its period began, and what the table knows of the unit."""
    places = organizations.frame().select("id", "place", place_from="valid_from", place_to="valid_to")
    merged = [(one.id, one.merged_into) for one in organizations.current.values()]
    units = pl.DataFrame(merged, schema={"unit": pl.String, "merged_into": pl.String}, orient="row").with_columns(
        is_known=pl.lit(value=True)
    )
    known = rows.join(units, on="unit", how="left", maintain_order="left")
    single = places.filter(pl.col("id").is_unique()).rename({"id": "unit"})
    several = places.filter(pl.col("id").is_duplicated()).rename({"id": "unit"}).sort("place_from")
    found = known.join(single, on="unit", how="left", maintain_order="left")
    if several.height:
        moved = found.filter(pl.col("unit").is_in(several["unit"].implode())).sort("period_start_day")
        at_start = moved.drop("place", "place_from", "place_to").join_asof(
            several, left_on="period_start_day", right_on="place_from", by="unit", check_sortedness=False
        )
        rest = found.filter(~pl.col("unit").is_in(several["unit"].implode()) | pl.col("unit").is_null())
        found = pl.concat([rest, at_start.select(rest.columns)]).sort(ROW)
    is_there = pl.col("period_start_day").is_between("place_from", "place_to")
    return found.with_columns(place=pl.when(is_there.fill_null(value=True)).then("place"))


def typed_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """Give checked rows in their numbers."""
    is_rate = pl.col("unit_type").is_in(["Andel", "Kvot"])
    is_count = pl.col("unit_type") == "Antal"
    start, end = pl.col("period_start_day"), pl.col("period_end_day")
    return rows.select(
        ROW,
        "measure",
        "place",
        "unit",
        "unit_type",
        pl.col("sex").cast(pl.Int8, strict=False).fill_null(0).alias("sex"),
        pl.col("sex").is_not_null().alias("has_sex"),
        start.alias("start"),
        end.alias("end"),
        pl.when(is_rate | is_count).then("numerator_number").alias("part"),
        pl.when(is_rate)
        .then("denominator_number")
        .when(is_count)
        .then("numerator_number")
        .otherwise("n_number")
        .alias("basis"),
        pl.when(~is_rate & ~is_count).then("value_number").alias("value"),
        pl.col("sd_number").alias("sd"),
        pl.col("exclusions_number").alias("exclusions"),
        pl.col("coverage_number").alias("coverage"),
        is_valid=(start >= pl.col("measure_from")).fill_null(value=True)
        & (end <= pl.col("measure_to")).fill_null(value=True),
    )


def counts_of(
    typed: pl.DataFrame, measures: tuple[CatalogueMeasure, ...], organizations: Organizations, findings: Findings
) -> Counts:
    """Make the sums that rows contribute. Deviations count from each measure's mean, so that nothing cancels."""
    centered = typed.with_columns(
        center=((pl.col("value") * pl.col("basis")).sum() / pl.col("basis").sum()).over("measure")
        if typed["value"].count()
        else pl.lit(None, pl.Float64)
    ).with_columns(center=pl.when(pl.col("center").is_finite()).then("center").otherwise(0.0))
    deviation = pl.col("value") - pl.col("center")
    known = dict(centered.select("measure", "center").unique().rows())
    rows = centered.select(
        "measure",
        "place",
        "sex",
        month_number("start").alias("first"),
        month_number("end").alias("last"),
        pl.coalesce("part", pl.col("basis") * deviation).alias("part"),
        "basis",
        ((pl.col("basis") - 1) * pl.col("sd").pow(2) + pl.col("basis") * deviation.pow(2)).alias("squares"),
        "value",
        "exclusions",
        (pl.col("basis") / pl.col("coverage")).alias("expected"),
    )
    centers = tuple(float(known.get(number, 0.0)) for number in range(len(measures)))
    return Counts(rows, measures, centers, organizations, findings)
