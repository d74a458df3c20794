"""Registers and files of a known size for the benchmarks; every unit and id is invented."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from contracts.codes import LAN
from producer.register.importer import import_vis
from producer.register.publication import publish
from producer.register.register import open_register
from producer.register.vis.columns import COLUMNS

REGISTER_HSA_ID = "SE9990001112-BENCHREG"


def measure_id(number: int) -> str:
    """Give the id of indicator ``number``."""
    return f"7c0f4a52-1d3e-4b6a-9f10-2e5b8a{number:06}"


def write_vis_file(
    path: Path, *, measures: int, periods: int, units: int, changed_measure: int | None = None, shift: int = 0
) -> int:
    """Write a VIS file of ``measures`` x ``periods`` (months back from 2024-12) x ``units`` rows; give the row count.

    ``changed_measure`` is the number of an indicator whose numerators are one higher; ``shift`` is added to all.
    """
    lan = [(code, entry.name) for code, entry in sorted(LAN.items())]
    unit = pl.DataFrame({"unit": range(units)}).with_columns(
        pl.col("unit").mod(len(lan)).replace_strict(dict(enumerate(code for code, _ in lan))).alias("lan"),
        pl.col("unit").mod(len(lan)).replace_strict(dict(enumerate(name for _, name in lan))).alias("lan_name"),
        pl.format("SE9990001112-E{}", pl.col("unit").cast(pl.String).str.zfill(5)).alias("hsa_id"),
        pl.format("Vårdcentralen påhittad {}", pl.col("unit")).alias("name"),
    )
    months = pl.DataFrame({"number": range(periods)}).select(
        pl.lit("2024-12-01").str.to_date().dt.offset_by(pl.format("-{}mo", pl.col("number"))).alias("start")
    )
    months = months.with_columns(pl.col("start").dt.month_end().alias("end"))
    measure = pl.DataFrame({"measure": range(measures)}).with_columns(
        pl.format("7c0f4a52-1d3e-4b6a-9f10-2e5b8a{}", pl.col("measure").cast(pl.String).str.zfill(6)).alias("id")
    )
    rows = measure.join(months, how="cross").join(unit, how="cross").with_row_index("row")
    denominator = 50 + pl.col("row").mod(397)
    numerator = (
        20 + shift + pl.col("row").mod(29) + (pl.col("measure") == (-1 if changed_measure is None else changed_measure))
    )
    values = {
        "RegionOrganisationId": pl.col("lan"),
        "RegionName": pl.col("lan_name"),
        "Numerator": numerator,
        "Denominator": denominator,
        "Rate": (numerator / denominator).round(4),
        "PeriodReportedStartDate": pl.col("start").dt.to_string(),
        "PeriodReportedEndDate": pl.col("end").dt.to_string(),
        "MeasureID": pl.col("id"),
        "CountryName": pl.lit("Riket"),
        "Version": pl.lit(1),
        "UnitHSAID": pl.col("hsa_id"),
        "UnitName": pl.col("name"),
        "RegisterHSAID": pl.lit(REGISTER_HSA_ID),
        "RegisterNamn": pl.lit("Benchmarkregistret (påhittat)"),
        "Coverage": pl.lit(0.83),
        "ConfidenceIntervalLower": (numerator / denominator * 0.9).round(4),
        "ConfidenceIntervalHigher": (numerator / denominator * 1.1).round(4).clip(upper_bound=1),
    }
    instruction = f"DELETE_EXISTING_DATA_FOR_REGISTER_HSAID:{REGISTER_HSA_ID}"
    with path.open("w", encoding="utf-8") as file:
        file.write(";".join(COLUMNS) + "\n" + instruction + ";" * (len(COLUMNS) - 1) + "\n")
    empty = pl.lit(None, dtype=pl.String)
    with path.open("ab") as file:
        for batch in rows.iter_slices(100_000):
            frame = batch.select(values.get(name, empty).cast(pl.String).alias(name) for name in COLUMNS)
            frame.write_csv(file, separator=";", include_header=False)
    return rows.height


def published_register(folder: Path, *, measures: int, periods: int, units: int, url: str | None = None) -> str:
    """Import and publish a register of ``measures`` x ``periods`` x ``units`` measurements; give its URL.

    ``url``: an empty database, by default a new SQLite file in ``folder``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "bench.csv"
    write_vis_file(file, measures=measures, periods=periods, units=units)
    url = url or f"sqlite:///{folder / 'bench.db'}"
    with open_register(url, create=True) as register:
        import_vis(register, file)
        publish(register)
    file.unlink()
    return url
