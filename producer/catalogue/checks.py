"""Import held against the catalogue: rules KIK-01 to KIK-08 on the rows of a VIS file (contract rules 1.1, 1.6, 1.7).

Each is a column operation on rows joined with what the catalogue says of their indicator.
"""

from __future__ import annotations

import polars as pl

from contracts.catalogue.model import MONTHS, Catalogue
from producer.register.vis.findings import Findings
from producer.register.vis.organizations import IDENTITY
from producer.register.vis.row_rule import RowRule, check_rows, said


def check_against_catalogue(rows: pl.DataFrame, catalogue: Catalogue, findings: Findings) -> None:
    """Check the typed rows of a VIS file (`producer.register.vis.table.VisTable.rows`) against the catalogue."""
    joined = (
        rows.with_columns(pl.col("MeasureID").cast(pl.String))
        .join(_known(catalogue), on="MeasureID", how="left", maintain_order="left")
        .with_columns(
            months=_months(),
            level=pl.col(IDENTITY).cast(pl.String).str.split("/").list.first(),
            basis=pl.when(pl.col("kind") == "cohort").then("value").otherwise("denominator"),
        )
    )
    check_rows(joined, _RULES, findings)


def with_catalogue_kinds(rows: pl.DataFrame, catalogue: Catalogue) -> pl.DataFrame:
    """Give the rows as the catalogue means them, which the file cannot say.

    A Value of an indicator that is counted (Antal) is a cohort; in a rolling year the service encounters (columns
    ``first_service_encounter`` and ``last_service_encounter``) are those of the twelve months up to the period's end.
    """
    latest = catalogue.latest().items()
    counted = [name for name, one in latest if one.kind == "cohort"]
    rolling = [name for name, one in latest if one.is_rolling_year]
    name, kind = pl.col("MeasureID").cast(pl.String), pl.col("kind")
    is_count = name.is_in(counted) & (kind == "continuous")
    changed = rows.with_columns(kind=pl.when(is_count).then(pl.lit("cohort", rows.schema["kind"])).otherwise(kind))
    if not rolling:
        return changed
    is_rolling = name.is_in(rolling)
    return changed.with_columns(
        first_service_encounter=pl.when(is_rolling).then(
            pl.col("end").dt.month_end().dt.offset_by("1d").dt.offset_by("-1y")
        ),
        last_service_encounter=pl.when(is_rolling).then("end"),
    )


def _known(catalogue: Catalogue) -> pl.DataFrame:
    schema: dict[str, pl.DataType | type[pl.DataType]] = {
        "MeasureID": pl.String,
        "known_versions": pl.List(pl.Int64),
        "latest": pl.Int64,
        "is_published": pl.Boolean,
        "valid_from": pl.Date,
        "valid_to": pl.Date,
        "known_kind": pl.String,
        "known_levels": pl.List(pl.String),
        "known_months": pl.List(pl.Int32),
        "threshold": pl.Float64,
    }
    entries = [
        (
            name,
            [one.version_number for one in catalogue.versions(name)],
            latest.version_number,
            latest.is_published,
            latest.valid_from,
            latest.valid_to,
            latest.kind,
            list(latest.levels),
            [MONTHS[frequency] for frequency in latest.frequencies],
            latest.threshold(),
        )
        for name, latest in catalogue.latest().items()
    ]
    return pl.DataFrame(entries, schema=schema, orient="row")


def _months() -> pl.Expr:
    """Give the number of calendar months that a period has when it is a calendar period, else 0."""
    start, end = pl.col("start"), pl.col("end")
    months = (end.dt.year() - start.dt.year()).cast(pl.Int32) * 12 + end.dt.month() - start.dt.month() + 1
    is_whole = (start.dt.day() == 1) & (end == end.dt.month_end())
    is_aligned = (start.dt.month().cast(pl.Int32) - 1) % pl.max_horizontal(months, pl.lit(1)) == 0
    return pl.when(is_whole & is_aligned & (months <= 12)).then(months).otherwise(0).cast(pl.Int32)


_is_known = pl.col("latest").is_not_null()
_has_value = pl.col("kind") != "missing"
_RULES = (
    RowRule(
        "KIK-01",
        "MeasureID",
        pl.col("MeasureID").is_not_null() & ~_is_known,
        said("The catalogue has no indicator {}.", "MeasureID"),
        "Correct the id, or bring the catalogue up to date: brygga catalogue import or sync. [rule 1.7]",
    ),
    RowRule(
        "KIK-02",
        "MeasureID",
        ~pl.col("is_published"),
        said("The indicator {} is not published in the catalogue.", "MeasureID"),
        "Report it when the catalogue has published it; leave its rows out until then.",
    ),
    RowRule(
        "KIK-03",
        "PeriodReportedStartDate",
        (pl.col("start") < pl.col("valid_from")) | (pl.col("end") > pl.col("valid_to")),
        said("The period {} to {} is not within {} to {}.", "start", "end", "valid_from", "valid_to"),
        "Report only periods for which the indicator is valid.",
    ),
    RowRule(
        "KIK-04",
        "Value",
        # A Value of an indicator that the catalogue counts is imported as the count that it is.
        _has_value & (pl.col("kind").cast(pl.String) != pl.col("known_kind")),
        said("The row has a {}, but the catalogue says that the indicator is a {}.", "kind", "known_kind"),
        "Andel is written in Rate, Antal in Cohort or Value, all else in Value. [rule 1.1]",
    ),
    RowRule(
        "KIK-05",
        "RegionOrganisationId",
        ~pl.col("known_levels").list.contains(pl.col("level")),
        said("The row is of the level {}, which the catalogue does not ask for.", "level"),
        "Leave the row out, or have the level added to the indicator.",
        "warning",
    ),
    RowRule(
        "KIK-06",
        "PeriodReportedEndDate",
        ~pl.col("known_months").list.contains(pl.col("months")),
        said("{} to {} is no period of a frequency that the catalogue asks for.", "start", "end"),
        "Report calendar years, half-years, quarters or months, as the catalogue says.",
        "warning",
    ),
    RowRule(
        "KIK-07",
        "Version",
        _is_known & ~pl.col("known_versions").list.contains(pl.col("version").cast(pl.Int64)),
        said("Version is {}, but the catalogue has {}.", "version", "latest"),
        "Write the version of the definition that the value follows.",
    ),
    RowRule(
        "KIK-08",
        "Denominator",
        _has_value & (pl.col("basis") > 0) & (pl.col("basis") < pl.col("threshold")),
        said("The basis is {}, below the indicator's display threshold {}.", "basis", "threshold"),
        "Remove the numbers and write ReasonCode MSK; brygga register aggregate does that. [rule 1.6]",
    ),
)
