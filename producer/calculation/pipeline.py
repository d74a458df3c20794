"""The whole calculation in one call: from a table of counts to the rows of a VIS file.

Steps: read and check, sum, values and intervals, masking, suppression, rounding, rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

import polars as pl

from contracts.catalogue.model import Catalogue
from producer.calculation.aggregate import aggregate
from producer.calculation.counts import Counts, read_counts
from producer.calculation.masking import with_suppression
from producer.calculation.results import with_values
from producer.calculation.rounding import rounded
from producer.calculation.vis_rows import vis_rows
from producer.organizations.model import Organizations
from producer.register.vis.findings import Findings, ImportFinding

Phase = Literal["reading", "summing", "masking"]
Progress = Callable[[Phase, int, int], None]


@dataclass(frozen=True, slots=True)
class Options:
    """How is calculated. ``audience``: whose threshold holds, None the strictest of all. ``rounds``: domain 1.5."""

    hsa_id: str
    register_name: str
    today: date
    audience: str | None = None
    default_threshold: float | None = None
    strict: bool = False
    rounds: bool = False


@dataclass(frozen=True, slots=True)
class Calculated:
    """``rows``: the 30 columns. ``masked``: values below their threshold, ``suppressed``: hidden to protect those."""

    rows: pl.DataFrame
    findings: Findings
    counted_rows: int
    measures: int
    by_level: dict[str, int]
    masked: int
    suppressed: int
    unreported: int
    without_basis: int
    methods: dict[str, str]


def calculate(
    path: Path,
    catalogue: Catalogue,
    organizations: Organizations,
    options: Options,
    progress: Progress | None = None,
) -> Calculated:
    """Calculate everything the catalogue asks from a table of counts (untrusted).

    Raises DataError when it is no such table, TableRejected with every finding when a row is wrong.
    """
    tell = progress or (lambda _phase, _count, _total: None)
    counts = read_counts(path, catalogue, organizations, lambda count, total: tell("reading", count, total))
    return calculate_counts(counts, options, tell)


def calculate_counts(counts: Counts, options: Options, tell: Progress) -> Calculated:
    """Calculate from counts that are read already."""
    sums = aggregate(counts, options.today, lambda count, total: tell("summing", count, total))
    values = with_values(
        sums, audience=options.audience, default_threshold=options.default_threshold, strict=options.strict
    )
    masked = values.filter(pl.col("reason") == "MSK").height
    cells = with_suppression(values, sums, lambda count, total: tell("masking", count, total))
    _warn_without_threshold(counts, cells)
    _warn_of_unknown_audience(counts, options.audience)
    shown = rounded(cells) if options.rounds else cells
    rows = vis_rows(shown, sums, hsa_id=options.hsa_id, register_name=options.register_name)
    reasons = dict(cells.group_by("reason").len().rows())
    levels = pl.DataFrame(
        {"node": range(len(sums.nodes)), "level": [one.split("/")[0] for one in sums.nodes]},
        schema={"node": pl.UInt32, "level": pl.String},
    )
    return Calculated(
        rows=rows,
        findings=counts.findings,
        counted_rows=counts.rows.height,
        measures=rows["MeasureID"].n_unique(),
        by_level=dict(cells.join(levels, on="node").group_by("level").len().sort("level").rows()),
        masked=masked,
        suppressed=reasons.get("MSK", 0) - masked,
        unreported=reasons.get("UNK", 0),
        without_basis=reasons.get("INV", 0),
        methods=_methods(counts, cells),
    )


def _methods(counts: Counts, cells: pl.DataFrame) -> dict[str, str]:
    """Give the interval method of each indicator that has values."""
    from producer.calculation.intervals import METHODS

    used = cells["measure"].unique().sort()
    return {counts.measures[number].measure_id: METHODS[counts.measures[number].unit_type] for number in used}


def _warn_without_threshold(counts: Counts, cells: pl.DataFrame) -> None:
    without = cells.filter(pl.col("threshold").is_null())["measure"].unique().sort()
    if without.len():
        names = ", ".join(counts.measures[number].title for number in without.head(5))
        what = f"{without.len()} indicator(s) have no display threshold, so all their values are shown: {names}."
        mend = "Set threshold in the catalogue, or default_threshold under [catalogue] in the settings."
        counts.findings.add(ImportFinding("CNT-12", "warning", None, "measure_id", what, mend))


def _warn_of_unknown_audience(counts: Counts, audience: str | None) -> None:
    known = sorted({name for one in counts.measures for name in one.audience_thresholds})
    if audience is not None and audience not in known:
        what = f"No indicator has a threshold for the audience {audience}, so the usual thresholds hold."
        mend = f"Audiences of the catalogue: {', '.join(known) or 'none'}. See thresholds in the own form."
        counts.findings.add(ImportFinding("CNT-12", "warning", None, "measure_id", what, mend))
