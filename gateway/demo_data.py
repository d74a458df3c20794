"""Demo data: a VIS file of Primärvårdskvalitet-like results, made anew from a seed (domain reference 1 and 6).

Indicator titles and the codes of län and kommuner are real; units, hospitals, ids and every number are invented and
marked so. Regions and the nation are the sums of their units; small groups are masked.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Literal

import polars as pl

from contracts.codes import COUNTRY_NAME, KOMMUN, LAN, Kommun
from producer.register.vis.columns import COLUMNS

Size = Literal["small", "medium", "large"]
Kind = Literal["share", "per_thousand", "index", "count"]

DEMO_HSA_ID = "SE9990001112-DEMOREG"
DEMO_NAME = "Demoregistret för primärvård"
_DEMO_UNITS = "SE9990001112"
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:indikatorbryggan:demo")
_FIRST_YEAR, _LAST_YEAR = 2021, 2025
_MASKED_BELOW, _MASKED_COUNT_BELOW = 15, 5
_UNREPORTED = 0.01
_SEXES = ("män", "kvinnor")


@dataclass(frozen=True, slots=True)
class _Plan:
    """How much a file holds: counties, hospitals, units, indicators, indicators with sexes, quarters."""

    counties: int
    hospitals: int
    units: int
    indicators: int
    by_sex: int
    years: int
    quarters: int


_PLANS: dict[Size, _Plan] = {
    "small": _Plan(4, 3, 16, 8, 2, 3, 4),
    "medium": _Plan(21, 20, 80, 16, 4, 5, 12),
    "large": _Plan(21, 60, 300, 40, 20, 5, 12),
}

# The shares of an index are means; counts and episodes are per patient and quarter.
_INDICATORS = pl.read_csv(
    files("gateway").joinpath("demo_indicators.csv").read_bytes(),
    comment_prefix="#",
    schema_overrides={"level": pl.Float64},
)

_WORDS = (
    "Blåmusslan",
    "Snäckan",
    "Havsörnen",
    "Linden",
    "Björken",
    "Eken",
    "Granen",
    "Tallen",
    "Rönnen",
    "Aspen",
    "Vitsippan",
    "Blåklockan",
    "Smultronet",
    "Hjortronet",
    "Lingonet",
    "Kastanjen",
    "Hasseln",
    "Tranan",
    "Svalan",
    "Lärkan",
    "Göken",
    "Ejdern",
    "Laxen",
    "Gäddan",
    "Abborren",
    "Älgen",
    "Igelkotten",
    "Ekorren",
    "Haren",
    "Uttern",
    "Solen",
    "Månen",
    "Stjärnan",
    "Norrskenet",
    "Regnbågen",
    "Källan",
    "Bäcken",
    "Ån",
    "Sjön",
    "Fjället",
)


@dataclass(frozen=True, slots=True)
class DemoMeasure:
    """An indicator of the file; sexes are indicators of their own. ``version`` is its version."""

    measure_id: str
    version: int
    short_name: str
    title: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class DemoFile:
    """A file that was written."""

    path: Path
    rows: int
    hsa_id: str
    register_name: str
    measures: tuple[DemoMeasure, ...]

    @property
    def period(self) -> tuple[date, date]:
        """A reporting period that holds every measure period of the file."""
        return date(_FIRST_YEAR, 1, 1), date(_LAST_YEAR, 12, 31)


@dataclass(frozen=True, slots=True)
class DemoChange:
    """A file of one row that corrects one value of another file."""

    path: Path
    measure_id: str
    organization_name: str
    period: tuple[date, date]
    rate_before: float
    rate_after: float


def write_demo_file(
    path: Path, size: Size = "small", seed: int = 1, *, hsa_id: str = DEMO_HSA_ID, register_name: str = DEMO_NAME
) -> DemoFile:
    """Write a VIS file (CSV, DELETE) of about 2 000, 50 000 or 500 000 rows; the same arguments give the same bytes."""
    plan = _PLANS[size]
    measures = tuple(_measures(plan))
    units = _units(plan, random.Random(seed))  # noqa: S311 (demo numbers)
    counts = _unit_counts(plan, units, random.Random(seed + 1))  # noqa: S311
    rows = _vis_rows(_with_levels(_with_years(counts, plan)), hsa_id, register_name)
    _write(path, "DELETE", hsa_id, rows)
    return DemoFile(path, rows.height, hsa_id, register_name, measures)


def write_changed_value(demo: DemoFile, path: Path) -> DemoChange:
    """Write a VIS file (CSV, KEEP) of one row: a unit of ``demo`` with one patient more in last year's numerator."""
    row = (
        pl.scan_csv(demo.path, separator=";", infer_schema=False)
        .filter(
            pl.col("UnitHSAID").is_not_null(),
            pl.col("Rate").is_not_null(),
            pl.col("PeriodReportedStartDate") == f"{_LAST_YEAR}-01-01",
            pl.col("PeriodReportedEndDate") == f"{_LAST_YEAR}-12-31",
            pl.col("Numerator").cast(pl.Float64) < pl.col("Denominator").cast(pl.Float64),
        )
        .head(1)
        .collect()
    )
    before = row.row(0, named=True)
    numbers = pl.col("Numerator", "Denominator").cast(pl.Int64)
    changed = (
        row.with_columns(numbers)
        .with_columns(pl.col("Numerator") + 1)
        .with_columns(Rate=(pl.col("Numerator") / pl.col("Denominator")).round(4))
    )
    changed = changed.with_columns(_wald("Rate", "Denominator"))
    _write(path, "KEEP", demo.hsa_id, changed.select(COLUMNS))
    return DemoChange(
        path,
        before["MeasureID"],
        before["UnitName"],
        (date(_LAST_YEAR, 1, 1), date(_LAST_YEAR, 12, 31)),
        float(before["Rate"]),
        changed["Rate"][0],
    )


def _measures(plan: _Plan) -> Iterator[DemoMeasure]:
    for number, (short_name, title, kind) in enumerate(_INDICATORS.head(plan.indicators).drop("level").rows()):
        yield DemoMeasure(_measure_id(short_name), _version(number), short_name, title, kind)
        for sex in _SEXES if number < plan.by_sex else ():
            yield DemoMeasure(_measure_id(short_name, sex), _version(number), short_name, f"{title}, {sex}", kind)


def _measure_id(short_name: str, sex: str = "") -> str:
    return str(uuid.uuid5(_NAMESPACE, f"{short_name}/{sex}"))


def _version(number: int) -> int:
    return 1 + number % 3


def _units(plan: _Plan, dice: random.Random) -> pl.DataFrame:
    """Invent units and hospitals, each in a real kommun or län; ``size`` is its number of patients."""
    counties = [*LAN][:: max(1, len(LAN) // plan.counties)][: plan.counties]
    kommuner: dict[str, list[Kommun]] = {code: [] for code in counties}
    for kommun in KOMMUN.values():
        if kommun.lan_code in kommuner:
            kommuner[kommun.lan_code].append(kommun)
    rows = []
    names: set[str] = set()
    for number in range(plan.units + plan.hospitals):
        county = counties[number % len(counties)]
        kommun = dice.choice(kommuner[county])
        is_hospital = number >= plan.units
        place = LAN[county].name if is_hospital else kommun.name
        kind = "Demosjukhuset" if is_hospital else "Demovårdcentralen"
        name = _new_name(f"{kind} {dice.choice(_WORDS)} i {place}", names)
        # Every third hospital has no HSA-id, only a code.
        has_code = is_hospital and number % 3 == 0
        is_tiny = number % 8 == 5
        rows.append(
            {
                "unit": number,
                "effect": dice.gauss(0.0, 0.06),
                "size": dice.randint(60, 130) if is_tiny else round(dice.lognormvariate(6.9, 0.5)) + 150,
                "RegionOrganisationId": county,
                "RegionName": LAN[county].name,
                "MunicipalityOrganisationID": None if is_hospital else kommun.code,
                "MunicipalityName": None if is_hospital else kommun.name,
                "UnitHSAID": None if is_hospital else f"{_DEMO_UNITS}-E{number + 1:04}",
                "UnitName": None if is_hospital else name,
                "HospitalHSAID": f"{_DEMO_UNITS}-S{number + 1:04}" if is_hospital and not has_code else None,
                "HospitalOrganisationId": f"99{number:03}" if has_code else None,
                "HospitalName": name if is_hospital else None,
            }
        )
    return pl.DataFrame(rows, infer_schema_length=None)


def _new_name(name: str, names: set[str]) -> str:
    unique, number = name, 1
    while unique in names:
        number += 1
        unique = f"{name} {number}"
    names.add(unique)
    return unique


def _unit_counts(plan: _Plan, units: pl.DataFrame, dice: random.Random) -> pl.DataFrame:
    """Give numerator and denominator of every unit, indicator, sex and quarter."""
    indicators = (
        _INDICATORS.head(plan.indicators)
        .drop("title")
        .with_row_index("indicator")
        .with_columns(
            pl.Series("share_of_patients", [dice.uniform(0.15, 0.5) for _ in range(plan.indicators)]),
            pl.Series("trend", [dice.uniform(-0.001, 0.003) for _ in range(plan.indicators)]),
            by_sex=pl.col("indicator") < plan.by_sex,
        )
    )
    quarters = pl.DataFrame({"quarter": range(4 * plan.years)}).with_columns(
        year=_LAST_YEAR - plan.years + 1 + pl.col("quarter") // 4
    )
    sexes = pl.DataFrame({"sex": list(_SEXES), "part": [0.47, 0.53]})
    grid = units.select("unit", "effect", "size").join(indicators, how="cross").join(quarters, how="cross")
    grid = grid.join(sexes, how="cross").with_row_index("index")
    everyone = pl.col("kind").is_in(["count", "per_thousand"])
    patients = pl.when(everyone).then(pl.col("size")).otherwise(pl.col("size") * pl.col("share_of_patients") / 4)
    level = pl.col("level") * (1 + 3 * pl.col("effect") * (1 - pl.col("level"))) + pl.col("trend") * pl.col("quarter")
    drawn = (level + (_dice("index", 3) - 0.5) * 0.06 * level).clip(0.002, 0.998)
    is_unreported = _dice("unit", 7, 31 * pl.col("quarter") + 1009 * pl.col("indicator")) < _UNREPORTED
    return (
        grid.with_columns(denominator=(patients * pl.col("part") * (0.9 + 0.2 * _dice("index", 5))).round(0))
        .with_columns(numerator=_of_kind(pl.col("denominator") * drawn))
        .with_columns(pl.when(~is_unreported).then(pl.col("numerator", "denominator")))
        .drop("index", "effect", "size", "level", "part", "trend", "share_of_patients")
        .join(units.drop("effect", "size"), on="unit")
    )


def _of_kind(amount: pl.Expr) -> pl.Expr:
    """Counts are whole; the sum of an index has decimals."""
    return pl.when(pl.col("kind") == "index").then(amount.round(3)).otherwise(amount.round(0))


def _dice(column: str, salt: int, other: pl.Expr | int = 0) -> pl.Expr:
    """Give a number from 0 to 1 for each row that looks random and is the same everywhere."""
    mixed = (pl.col(column).cast(pl.Int64) + other) * 7919 + salt * 104_729
    mixed = (mixed * 48_271) % 2_147_483_647
    mixed = (mixed * 69_621 + 12_345) % 2_147_483_647
    return (mixed * 16_807) % 2_147_483_647 / 2_147_483_647


def _with_years(counts: pl.DataFrame, plan: _Plan) -> pl.DataFrame:
    """Sum quarters to years and sexes to totals; keep the last quarters and, where wanted, the sexes."""
    place = [name for name in counts.columns if name not in ("quarter", "sex", "numerator", "denominator", "year")]
    sums = [_sum(name) for name in ("numerator", "denominator")]
    start = pl.date(pl.col("year"), pl.col("quarter") % 4 * 3 + 1, 1)
    quarterly = counts.with_columns(start=start, end=start.dt.offset_by("2mo").dt.month_end())
    yearly = (
        counts.group_by(*place, "year", "sex", maintain_order=True)
        .agg(*sums)
        .with_columns(start=pl.date(pl.col("year"), 1, 1), end=pl.date(pl.col("year"), 12, 31))
    )
    columns = [*place, "sex", "start", "end", "numerator", "denominator"]
    last = quarterly.filter(pl.col("quarter") >= 4 * plan.years - plan.quarters)
    parts = pl.concat([yearly.select(columns), last.select(columns)])
    totals = parts.group_by(*place, "start", "end", maintain_order=True).agg(*sums).with_columns(sex=pl.lit(""))
    return pl.concat([totals.select(columns), parts.filter("by_sex")])


def _sum(name: str) -> pl.Expr:
    """Sum what was reported; nothing reported stays nothing."""
    return pl.when(pl.col(name).count() > 0).then(pl.col(name).sum()).alias(name)


def _with_levels(units: pl.DataFrame) -> pl.DataFrame:
    """Add the sums of each region and of the nation."""
    what = ["indicator", "short_name", "kind", "by_sex", "sex", "start", "end"]
    region = ["RegionOrganisationId", "RegionName"]
    sums = [_sum(name) for name in ("numerator", "denominator")]
    regions = units.group_by(*what, *region, maintain_order=True).agg(*sums)
    nation = units.group_by(*what, maintain_order=True).agg(*sums)
    covered = [
        regions.with_columns(coverage=0.87 + 0.12 * _dice("RegionOrganisationId", 11)),
        nation.with_columns(coverage=0.93),
    ]
    return pl.concat([*covered[::-1], units], how="diagonal").sort(
        "indicator", "sex", "start", "end", maintain_order=True
    )


def _vis_rows(results: pl.DataFrame, hsa_id: str, register_name: str) -> pl.DataFrame:
    """Write results as the 30 columns: masked where few, with an interval where there is a basis."""
    kind, numerator, denominator = pl.col("kind"), pl.col("numerator"), pl.col("denominator")
    is_count = kind == "count"
    is_small = pl.when(is_count).then(numerator < _MASKED_COUNT_BELOW).otherwise(denominator < _MASKED_BELOW)
    reason = (
        pl.when(numerator.is_null())
        .then(pl.lit("UNK"))
        .when(~is_count & (denominator == 0))
        .then(pl.lit("INV"))
        .when(is_small)
        .then(pl.lit("MSK"))
    )
    ids = pl.DataFrame(
        [(name, sex, _measure_id(name, sex)) for name in _INDICATORS["short_name"] for sex in ("", *_SEXES)],
        schema=["short_name", "sex", "MeasureID"],
        orient="row",
    )
    shown = results.join(ids, on=["short_name", "sex"], maintain_order="left").with_columns(ReasonCode=reason)
    has_value = pl.col("ReasonCode").is_null()
    is_share, is_value = has_value & (kind == "share"), has_value & kind.is_in(["per_thousand", "index"])
    scale = pl.when(kind == "per_thousand").then(1000).otherwise(1)
    shown = shown.with_columns(
        Rate=pl.when(is_share).then((numerator / denominator).round(4)),
        Numerator=pl.when(is_share).then(numerator).cast(pl.Int64),
        Denominator=pl.when(is_share).then(denominator).cast(pl.Int64),
        Value=pl.when(is_value).then((numerator / denominator * scale).round(2)),
        Measurepopulation=pl.when(is_value).then(denominator).cast(pl.Int64),
        Standarddeviation=pl.when(is_value & (kind == "index")).then(0.21),
        Cohort=pl.when(has_value & is_count).then(numerator).cast(pl.Int64),
        Coverage=pl.when(has_value).then(pl.col("coverage").round(3)),
        Version=1 + pl.col("indicator") % 3,
        PeriodReportedStartDate=pl.col("start").dt.to_string("iso"),
        PeriodReportedEndDate=pl.col("end").dt.to_string("iso"),
        ReferenceIntervalRate=pl.when(is_share & (pl.col("indicator") % 4 == 0)).then(0.8),
        CountryName=pl.lit(COUNTRY_NAME),
        RegisterHSAID=pl.lit(hsa_id),
        RegisterNamn=pl.lit(register_name),
    ).with_columns(_wald("Rate", "Denominator"))
    missing = [pl.lit(None).alias(name) for name in COLUMNS if name not in shown.columns]
    return shown.with_columns(missing).select(COLUMNS)


def _wald(rate: str, denominator: str) -> Sequence[pl.Expr]:
    """Give the 95 % interval by normal approximation, cut at 0 and 1, in four decimals as the rate."""
    half = (1.96 * (pl.col(rate) * (1 - pl.col(rate)) / pl.col(denominator)).sqrt()).round(4)
    return (
        (pl.col(rate) - half).clip(lower_bound=0).round(4).alias("ConfidenceIntervalLower"),
        (pl.col(rate) + half).clip(upper_bound=1).round(4).alias("ConfidenceIntervalHigher"),
    )


def _write(path: Path, mode: Literal["KEEP", "DELETE"], hsa_id: str, rows: pl.DataFrame) -> None:
    instruction = f"{mode}_EXISTING_DATA_FOR_REGISTER_HSAID:{hsa_id}" + ";" * (len(COLUMNS) - 1)
    with path.open("wb") as stream:
        stream.write(f"{';'.join(COLUMNS)}\n{instruction}\n".encode())
        rows.write_csv(stream, separator=";", include_header=False)
