"""Demo data of GetDistributedQualityReport: a file of distributed results, made anew from a seed.

Classes and titles are those of domain reference 4.1 and 6.2 (HbA1c, blood pressure); units and numbers are invented.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median, quantiles, stdev
from typing import Final

import polars as pl

from contracts.codes import KOMMUN
from producer.register.distributed.columns import COLUMNS

_NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, "urn:indikatorbryggan:demo:distributed")
_MASKED_BELOW: Final = 5
_LEAST_PATIENTS: Final = 15
_BANDS: Final = ((18, 44), (45, 64), (65, 74), (75, None))
_PERCENTILES: Final = (10, 25, 50, 75, 90)
Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class _Indicator:
    """An indicator, how its values are spread, and its classes (id, label, low, high; low inclusive)."""

    code: str
    mean: float
    deviation: float
    classes: tuple[tuple[str, str, float | None, float | None], ...]

    @property
    def measure_id(self) -> str:
        return str(uuid.uuid5(_NAMESPACE, self.code))


INDICATORS: Final = (
    _Indicator(
        "Di3 HbA1c vid typ 2-diabetes",
        53.0,
        11.0,
        (
            ("hba1c-1", "under 52 mmol/mol", None, 52),
            ("hba1c-2", "52-69 mmol/mol", 52, 70),
            ("hba1c-3", "70 mmol/mol eller högre", 70, None),
        ),
    ),
    _Indicator(
        "Di2 Systoliskt blodtryck vid diabetes",
        136.0,
        14.0,
        (
            ("bt-1", "högst 140 mmHg", None, 141),
            ("bt-2", "141-149 mmHg", 141, 150),
            ("bt-3", "150 mmHg eller högre", 150, None),
        ),
    ),
    _Indicator(
        "HT02 Systoliskt blodtryck vid hypertoni",
        138.0,
        15.0,
        (
            ("bt-1", "högst 140 mmHg", None, 141),
            ("bt-2", "141-149 mmHg", 141, 150),
            ("bt-3", "150 mmHg eller högre", 150, None),
        ),
    ),
)


def write_distributed_demo(path: Path, *, units: int = 12, seed: int = 1, years: Sequence[int] = (2024, 2025)) -> None:
    """Write the file (CSV) of ``units`` invented care units; the same seed gives the same file."""
    rows = list(_rows(random.Random(seed), units, years))  # noqa: S311 (invented numbers, no secret)
    frame = pl.DataFrame([[row.get(name) for name in COLUMNS] for row in rows], schema=list(COLUMNS), orient="row")
    frame.write_csv(path, separator=";")


def _rows(dice: random.Random, units: int, years: Sequence[int]) -> Iterator[Row]:
    kommuner = sorted(KOMMUN)
    for indicator in INDICATORS:
        for year in years:
            for number in range(1, units + 1):
                kommun = kommuner[number * 23 % len(kommuner)]
                place = {
                    "measure_id": indicator.measure_id,
                    "version": "1",
                    "period_start": f"{year}-01-01",
                    "period_end": f"{year}-12-31",
                    "unit_hsa_id": f"SE9990001112-D{number:04}",
                    "unit_name": f"Demovårdcentralen {number} (påhittad)",
                    "lan": kommun[:2],
                    "kommun": kommun,
                }
                yield from _unit(dice, indicator, place, count=8 if number == units else 60 + number * 13 % 90)


def _unit(dice: random.Random, indicator: _Indicator, place: Row, *, count: int) -> Iterator[Row]:
    mean = indicator.mean + dice.gauss(0, indicator.deviation / 4)
    patients = [
        (dice.choice("12"), dice.randint(20, 92), round(dice.gauss(mean, indicator.deviation))) for _ in range(count)
    ]
    if count < _LEAST_PATIENTS:
        yield place | {"part": "value", "kind": "missing", "reason_code": "MSK"}
        return
    yield from _stratum(indicator, place, [value for _, _, value in patients], missing=dice.randint(0, 9))
    for sex in "12":
        yield from _stratum(indicator, place | {"sex": sex}, [value for one, _, value in patients if one == sex])
    bands = [(low, high, [value for _, age, value in patients if low <= age <= (high or 200)]) for low, high in _BANDS]
    few = {low for low, _, values in bands if len(values) < _LEAST_PATIENTS}
    if len(few) == 1:  # A second one, or the rest would tell the first.
        few |= {min((len(values), low) for low, _, values in bands if low not in few)[1]}
    for low, high, values in bands:
        band = place | {"age_low": str(low), "age_high": "" if high is None else str(high)}
        if low in few:
            yield band | {"part": "value", "kind": "missing", "reason_code": "MSK"}
        else:
            yield _value(band, values)


def _stratum(indicator: _Indicator, place: Row, values: list[int], *, missing: int = 0) -> Iterator[Row]:
    yield _value(place, values) | {
        "population": str(len(values) + missing),
        "missing_count": str(missing),
        "mean": f"{fmean(values):.1f}",
        "median": f"{median(values):.1f}",
        "deviation": f"{stdev(values):.2f}",
    }
    yield from _classes(indicator, place, values)
    cuts = quantiles(values, n=100, method="inclusive")
    for level in _PERCENTILES:
        yield place | {"part": "percentile", "level": str(level), "value": f"{cuts[level - 1]:.1f}"}


def _value(place: Row, values: list[int]) -> Row:
    return place | {
        "part": "value",
        "kind": "continuous",
        "value": f"{fmean(values):.1f}",
        "denominator": str(len(values)),
    }


def _classes(indicator: _Indicator, place: Row, values: list[int]) -> Iterator[Row]:
    counts = [
        sum((low is None or value >= low) and (high is None or value < high) for value in values)
        for _, _, low, high in indicator.classes
    ]
    few = {number for number, count in enumerate(counts) if count < _MASKED_BELOW}
    if len(few) == 1:
        few |= {min((count, number) for number, count in enumerate(counts) if number not in few)[1]}
    for number, (id_, label, low, high) in enumerate(indicator.classes):
        limits = {"low": "" if low is None else str(low), "high": "" if high is None else str(high)}
        shown = {"reason_code": "MSK"} if number in few else {"count": str(counts[number])}
        yield place | {"part": "class", "class_id": id_, "label": label} | limits | shown
