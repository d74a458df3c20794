"""Random trees of units with random counts, as the objects that a calculation starts from."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import polars as pl

from contracts.catalogue.kik import submeasure_of
from contracts.catalogue.model import Catalogue, CatalogueMeasure
from producer.calculation.counts import COLUMNS, Counts, read_counts
from producer.organizations.model import Organizations, Place

TODAY = date(2026, 6, 30)
HSA = "SE9990001112"
_KOMMUNER = {"13": ("1380", "1382", "1383"), "14": ("1480", "1481"), "09": ("0980",), "01": ("0180", "0184")}


def measure(measure_id: str = "m", *, by_sex: bool = False, **facts: object) -> list[CatalogueMeasure]:
    """An indicator, with its submeasures when ``by_sex``."""
    given: dict[str, object] = {"unit_type": "Andel", "display_threshold": 15.0, **facts}
    one = CatalogueMeasure(measure_id=measure_id, version_number=1, title=f"Indicator {measure_id}", **given)  # type: ignore[arg-type]
    subs = [submeasure_of(one, f"{measure_id}-{sex}", sex, f"{measure_id} {sex}") for sex in ("1", "2") if by_sex]
    return [one, *subs]


def random_organizations(dice: random.Random, units: int, *, with_hospitals: bool = False) -> Organizations:
    lans = dice.sample(sorted(_KOMMUNER), dice.randint(1, 3))
    hospitals = {lan: f"{HSA}-S{number:04}" for number, lan in enumerate(lans)} if with_hospitals else {}
    places = [Place("Sjukhus", id_, f"Demosjukhuset {lan}", lan) for lan, id_ in hospitals.items()]
    for number in range(units):
        lan = dice.choice(lans)
        hospital = hospitals[lan] if hospitals and dice.random() < 0.4 else None
        kommun = dice.choice(_KOMMUNER[lan])
        places.append(Place("Vardenhet", f"{HSA}-E{number:04}", f"Demoenhet {number}", lan, kommun, hospital))
    return Organizations(tuple(places))


def month_span(number: int, months: int = 1) -> tuple[date, date]:
    """The ``number``-th period of ``months`` months from January 2024."""
    start = 2024 * 12 + number * months
    after = start + months
    first = date(start // 12, start % 12 + 1, 1)
    return first, date.fromordinal(date(after // 12, after % 12 + 1, 1).toordinal() - 1)


def write_counts(path: Path, rows: Sequence[dict[str, object]]) -> Path:
    cells = [[None if row.get(name) is None else str(row[name]) for name in COLUMNS] for row in rows]
    pl.DataFrame(cells, schema=dict.fromkeys(COLUMNS, pl.String), orient="row").write_csv(path, separator=";")
    return path


def counts_from(
    path: Path, rows: Sequence[dict[str, object]], measures: Sequence[CatalogueMeasure], organizations: Organizations
) -> Counts:
    return read_counts(write_counts(path, rows), Catalogue.of(measures), organizations)


def random_counts(
    dice: random.Random,
    organizations: Organizations,
    *,
    measure_id: str = "m",
    periods: int = 12,
    months: int = 1,
    by_sex: bool = False,
    largest: int = 60,
    reported: float = 0.93,
) -> list[dict[str, object]]:
    """Proportions of every unit, period and sex; some not reported, some 0, many small."""
    rows = []
    for place in organizations.places:
        if place.organization_type != "Vardenhet":
            continue
        size = dice.choice([4, 20, largest, largest])
        for number in range(periods):
            if dice.random() > reported:
                continue
            start, end = month_span(number, months)
            for sex in ("1", "2") if by_sex else (None,):
                denominator = dice.choice([0, dice.randint(0, size), dice.randint(size // 2, size)])
                rows.append(
                    {
                        "measure_id": measure_id,
                        "unit": place.id,
                        "period_start": start,
                        "period_end": end,
                        "sex": sex,
                        "numerator": dice.choice([0, dice.randint(0, denominator), denominator]),
                        "denominator": denominator,
                    }
                )
    return rows
