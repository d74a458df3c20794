"""Tables of the consumer's distributed reports: one tidy row for each value, class and percentile.

They stand beside the flat observations in the same database and are made when they are first needed.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Boolean, Column, DateTime, Float, ForeignKey, Index, Integer, MetaData, String, Table, Text

metadata = MetaData()

distributed_fetch = Table(
    "distributed_fetch",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("producer", Text, nullable=False),
    Column("measure_ids", Text, nullable=False, comment="JSON list"),
    Column("period_start", String(8), nullable=False),
    Column("period_end", String(8), nullable=False),
    Column("fetched_at", DateTime, nullable=False, comment="UTC"),
    Column("checksum", Text, nullable=False),
    Column("measurements", Integer, nullable=False),
    Column("reference_values", Integer, nullable=False),
)

_NUMBERS: Final = (
    "value",
    "numerator",
    "denominator",
    "ci_low",
    "ci_high",
    "sd",
    "coverage",
    "exclusions",
    "target",
    "population",
    "missing_count",
    "mean",
    "median",
    "deviation",
    "minimum",
    "maximum",
    "low",
    "high",
    "count",
    "share",
    "level",
    "weighted_value",
    "unweighted_mean",
)

distributed_observation = Table(
    "distributed_observation",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("fetch_id", ForeignKey("distributed_fetch.id"), nullable=False),
    Column("producer", Text, nullable=False),
    Column("measure_id", Text, nullable=False),
    Column("measure_version", Integer, nullable=False),
    Column("period_start", String(10), nullable=False),
    Column("period_end", String(10), nullable=False),
    Column("scope", String(9), nullable=False, comment="unit or reference"),
    Column("part", String(10), nullable=False, comment="value, class or percentile"),
    Column("org_level", String(15), nullable=False),
    Column("org_id", Text),
    Column("org_name", Text, nullable=False),
    Column("region_code", Text),
    Column("municipality_code", Text),
    Column("sex", Text),
    Column("age_band", Text),
    Column("kind", String(10)),
    Column("reason_code", String(3)),
    *(Column(name, Float(53)) for name in _NUMBERS),
    Column("class_id", Text),
    Column("label", Text),
    Column("low_inclusive", Boolean),
    Column("high_inclusive", Boolean),
    Column("comparison_level", Text),
    Column("unit_count", Integer),
    Column("calculated_at", Text),
)
Index("distributed_place", *(distributed_observation.c[name] for name in ("producer", "measure_id", "period_start")))

NAMES: Final = tuple(column.name for column in distributed_observation.c if column.name not in ("id", "fetch_id"))
"""Columns of a row as it is exported."""

staged = Table(
    "staged_distributed",
    MetaData(),
    *(Column(column.name, column.type) for column in distributed_observation.c if column.name in NAMES),
    prefixes=["TEMPORARY"],
)
"""Where an answer is gathered while it arrives; belongs to one connection and one transaction."""
