"""The completeness report as one HTML file with its pictures inside (inline SVG), for reading and for filing.

Nothing is loaded from elsewhere; names and titles are escaped by the template engine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import jinja2
import polars as pl

from producer.calculation.periods import period_label
from producer.completeness.check import Completeness
from producer.completeness.model import SUSPICIONS, MeasureState
from producer.register.vis.organizations import IDENTITY

_SHOWN_ROWS: Final = 60
_SHOWN_MISSING: Final = 200
_ORDER: Final = ("Land", "Lan", "Kommun", "Sjukhus", "Vardenhet")


@dataclass(frozen=True, slots=True)
class Picture:
    """A grid of organisations and periods: ``cells`` are column, row and state."""

    state: MeasureState
    columns: list[str]
    rows: list[str]
    cells: list[tuple[int, int, str]]
    hidden_rows: int


def completeness_html(found: Completeness, *, register_name: str) -> str:
    """Give the report as HTML."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("producer.completeness"), autoescape=True, undefined=jinja2.StrictUndefined
    )
    pictures = [_picture(found, state) for state in found.measures if state.is_in_register]
    return environment.get_template("completeness.html").render(
        found=found,
        register_name=register_name,
        pictures=pictures,
        rules=SUSPICIONS,
        shown_missing=found.missing[:_SHOWN_MISSING],
        totals={
            name: sum(getattr(state, name) for state in found.measures)
            for name in ("expected", "values", "masked", "unreported", "without_basis", "missing")
        },
    )


def _picture(found: Completeness, state: MeasureState) -> Picture:
    """Draw the shortest periods of an indicator; organisations with gaps first among their level."""
    own = found.grid.filter((pl.col("measure") == state.measure_id) & (pl.col("months") == state.frequency_months))
    gaps = dict(own.filter(pl.col("state") == "missing").group_by(IDENTITY).len().rows())
    identities = sorted(
        own[IDENTITY].unique(),
        key=lambda one: (_ORDER.index(one.split("/")[0]), -gaps.get(one, 0), found.names[one]),
    )
    shown = identities[:_SHOWN_ROWS]
    periods = own["period"].unique().sort().to_list()
    column = {period: number for number, period in enumerate(periods)}
    row = {identity: number for number, identity in enumerate(shown)}
    cells = [
        (column[period], row[identity], kind)
        for period, identity, kind in own.select("period", IDENTITY, "state").rows()
        if identity in row
    ]
    labels = [period_label(period, state.frequency_months) for period in periods]
    return Picture(state, labels, [found.names[one] for one in shown], cells, len(identities) - len(shown))
