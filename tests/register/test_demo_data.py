"""The demo's files: valid to every rule, of the size they say, the same every time (domain reference 6)."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from contracts.codes import KOMMUN, LAN
from gateway.demo_data import DEMO_HSA_ID, DemoFile, Size, write_changed_value, write_demo_file
from producer.register.vis.table import ReadOptions, VisTable, read_vis


def _read(path: Path) -> VisTable:
    return read_vis(path, ReadOptions(DEMO_HSA_ID, date(2026, 1, 1)))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> DemoFile:
    return write_demo_file(tmp_path_factory.mktemp("demo") / "small.csv")


@pytest.mark.parametrize(
    ("size", "rows"),
    [("small", 2_000), ("medium", 50_000), pytest.param("large", 500_000, marks=pytest.mark.slow)],
)
@pytest.mark.parametrize("seed", [1, 2])
def test_files_are_valid_and_of_their_size(tmp_path: Path, size: Size, rows: int, seed: int) -> None:
    demo = write_demo_file(tmp_path / "demo.csv", size, seed)
    table = _read(demo.path)
    assert table.findings.kept() == []
    assert table.rows.height == demo.rows
    assert abs(demo.rows / rows - 1) < 0.05
    assert set(table.rows["kind"].unique()) == {"proportion", "continuous", "cohort", "missing"}
    assert {"MSK", "UNK"} <= set(table.rows["reason_code"].cast(pl.String).drop_nulls())
    levels = table.rows["identity"].cast(pl.String).str.extract(r"^(\w+)/").unique()
    assert set(levels) == {"Land", "Lan", "Sjukhus", "Vardenhet"}


def test_the_same_seed_gives_the_same_bytes(small: DemoFile, tmp_path: Path) -> None:
    again = write_demo_file(tmp_path / "again.csv")
    other = write_demo_file(tmp_path / "other.csv", seed=2)
    assert again.path.read_bytes() == small.path.read_bytes() != other.path.read_bytes()
    assert again.measures == small.measures == other.measures


def test_codes_are_real_and_units_invented(small: DemoFile) -> None:
    frame = pl.read_csv(small.path, separator=";", infer_schema=False).slice(1)
    assert set(frame["RegionOrganisationId"].drop_nulls()) <= set(LAN)
    assert set(frame["MunicipalityOrganisationID"].drop_nulls()) <= set(KOMMUN)
    assert all(id_.startswith("SE9990001112-") for id_ in frame["UnitHSAID"].drop_nulls().unique())
    assert all(name.startswith("Demo") for name in frame["UnitName"].drop_nulls().unique())
    assert all(name.startswith("Demo") for name in frame["HospitalName"].drop_nulls().unique())


def test_regions_and_nation_are_the_sums_of_their_units(small: DemoFile) -> None:
    frame = pl.read_csv(small.path, separator=";", infer_schema=False).slice(1)
    numbers = frame.filter(pl.col("Rate").is_not_null()).with_columns(pl.col("Denominator").cast(pl.Int64))
    is_region = pl.col("RegionOrganisationId").is_not_null() & pl.coalesce("UnitName", "HospitalName").is_null()
    period = ["MeasureID", "PeriodReportedStartDate", "PeriodReportedEndDate"]
    regions = numbers.filter(is_region).group_by(period).agg(pl.col("Denominator").sum())
    nation = numbers.filter(pl.col("RegionOrganisationId").is_null())
    both = nation.join(regions, on=period, suffix="_of_regions")
    assert both.height == nation.height > 0
    assert both.filter(pl.col("Denominator") != pl.col("Denominator_of_regions")).height == 0


def test_measures_are_named_with_sexes_as_measures_of_their_own(small: DemoFile) -> None:
    titles = [measure.title for measure in small.measures]
    assert "Andel patienter med artros där mätning av vikt/BMI gjorts, kvinnor" in titles
    assert len({measure.measure_id for measure in small.measures}) == len(small.measures) == 12


def test_a_changed_value_is_a_file_of_one_row(small: DemoFile, tmp_path: Path) -> None:
    change = write_changed_value(small, tmp_path / "changed.csv")
    table = _read(change.path)
    assert table.findings.kept() == []
    assert table.instruction is not None
    assert (table.instruction.mode, table.rows.height) == ("KEEP", 1)
    assert table.rows["value"].item() == change.rate_after != change.rate_before
    assert table.rows["MeasureID"].item() == change.measure_id
