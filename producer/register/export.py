"""The register's measurements as the rows of a VIS file, in one order, so that equal registers give equal files.

The file imports again to the same register. Service encounters have no column; the catalogue restores them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl
from sqlalchemy import Connection, select

from contracts.codes import COUNTRY_NAME
from contracts.errors import DataError
from producer.register.register import Register
from producer.register.tables import NUMBERS, measure, measurement, measurement_group, organization, source_system
from producer.register.vis.columns import COLUMNS

_PART_ROWS = 50_000
_SCHEMA = {
    "MeasureID": pl.String,
    "Version": pl.Int64,
    "period_start": pl.String,
    "period_end": pl.String,
    "organization_id": pl.Int64,
    "kind": pl.String,
    **dict.fromkeys(NUMBERS, pl.Float64),
    "ReasonCode": pl.String,
}
_ORDER = ("Land", "Lan", "Kommun", "Sjukhus", "Vardenhet")


def register_rows(register: Register, *, hsa_id: str | None = None) -> tuple[str, pl.DataFrame]:
    """Give a source system's HSA-id and its measurements as the 30 columns.

    ``hsa_id``: which one, when the register holds several. Raises DataError when there is none, or a choice to make.
    """
    with register.reading() as connection:
        source_id, extension, name = _source(connection, hsa_id)
        places = _places(connection)
        parts = [_vis(part, places) for part in _parts(connection, source_id)]
    if not parts:
        raise DataError("The register holds no measurements. Import a file first: brygga register import FILE")
    rows = (
        pl.concat(parts)
        .sort("MeasureID", "Version", "PeriodReportedStartDate", "PeriodReportedEndDate", "level", "identity")
        .with_columns(CountryName=pl.lit(COUNTRY_NAME), RegisterHSAID=pl.lit(extension), RegisterNamn=pl.lit(name))
    )
    return extension, rows.select(COLUMNS)


def _source(connection: Connection, hsa_id: str | None) -> tuple[int, str, str]:
    rows: list[Any] = list(connection.execute(select(source_system).order_by(source_system.c.extension)))
    chosen = [row for row in rows if hsa_id in (None, row.extension)]
    if not chosen:
        where = f" of {hsa_id}" if hsa_id else ""
        raise DataError(f"The register holds no measurements{where}. Import a file first: brygga register import FILE")
    if len(chosen) > 1:
        names = ", ".join(row.extension for row in chosen)
        raise DataError(f"The register holds several source systems; name one with --register-hsa-id: {names}.")
    return chosen[0].id, chosen[0].extension, chosen[0].name


def _parts(connection: Connection, source_id: int) -> Iterator[pl.DataFrame]:
    """Give the measurements in parts."""
    columns = [
        measure.c.measure_id,
        measure.c.version_number,
        measurement_group.c.period_start,
        measurement_group.c.period_end,
        measurement.c.organization_id,
        measurement.c.kind,
        *(measurement.c[name] for name in NUMBERS),
        measurement.c.reason_code,
    ]
    query = (
        select(*columns)
        .join(measurement_group, measurement_group.c.id == measurement.c.group_id)
        .join(measure, measure.c.id == measurement_group.c.measure_key)
        .where(measurement.c.source_system_id == source_id)
    )
    result = connection.execution_options(yield_per=_PART_ROWS).execute(query)
    for rows in result.partitions(_PART_ROWS):
        yield pl.DataFrame([tuple(row) for row in rows], schema=_SCHEMA, orient="row")


def _places(connection: Connection) -> pl.DataFrame:
    """Give the organisation columns of every organisation."""
    nodes: dict[int, Any] = {row.id: row for row in connection.execute(select(organization))}
    rows = []
    for node in nodes.values():
        chain = {}
        above = node
        while above is not None:
            chain[above.organization_type] = above
            above = nodes.get(above.parent_id)
        lan, kommun = chain.get("Lan"), chain.get("Kommun")
        hospital = node if node.organization_type == "Sjukhus" else None
        unit = node if node.organization_type == "Vardenhet" else None
        rows.append(
            (
                node.id,
                _ORDER.index(node.organization_type),
                node.identity,
                *((lan.id_extension, lan.organization_name) if lan is not None else (None, None)),
                *((kommun.id_extension, kommun.organization_name) if kommun is not None else (None, None)),
                *((hospital.organization_name, hospital.hsa_id, hospital.id_extension) if hospital else (None,) * 3),
                *((unit.hsa_id, unit.organization_name) if unit else (None, None)),
            )
        )
    names = (
        "RegionOrganisationId",
        "RegionName",
        "MunicipalityOrganisationID",
        "MunicipalityName",
        "HospitalName",
        "HospitalHSAID",
        "HospitalOrganisationId",
        "UnitHSAID",
        "UnitName",
    )
    schema = {"organization_id": pl.Int64, "level": pl.Int8, "identity": pl.String, **dict.fromkeys(names, pl.String)}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _vis(part: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    """Write measurements as the 30 columns, with what they are sorted by."""

    def of(kind: str, column: str) -> pl.Expr:
        return pl.when(pl.col("kind") == kind).then(column)

    has_value = pl.col("kind").is_in(["continuous", "cohort"])
    frame = part.join(places, on="organization_id", how="left").with_columns(
        Rate=of("proportion", "value"),
        Numerator=of("proportion", "numerator"),
        Denominator=of("proportion", "denominator"),
        Value=of("continuous", "value"),
        Cohort=of("cohort", "value"),
        Measurepopulation=of("continuous", "denominator"),
        ReferenceIntervalRate=of("proportion", "reference_value"),
        ReferenceIntervalValue=pl.when(has_value).then("reference_value"),
        ConfidenceIntervalLower="interval_low",
        ConfidenceIntervalHigher="interval_high",
        Standarddeviation="standard_deviation",
        Coverage="coverage",
        Exclusions="exclusions",
        **{
            name: pl.col(source).str.to_date("%Y%m%d").dt.to_string("iso")
            for name, source in (("PeriodReportedStartDate", "period_start"), ("PeriodReportedEndDate", "period_end"))
        },
    )
    missing = [pl.lit(None, pl.String).alias(name) for name in COLUMNS if name not in frame.columns]
    return frame.with_columns(missing).select("level", "identity", *COLUMNS)
