"""Tables of distributed measurements and reference values (domain reference 4.3, a reconstruction).

A row of ``distributed_value`` is a unit's total (empty stratum) or one of its sub-groups, with its classes and
percentiles in rows of their own. Reference values are calculated from them at import; ``scope`` tells whose classes
and percentiles they are.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Boolean, CheckConstraint, Column, Double, ForeignKey, Integer, Table, Text

from producer.register.tables import Id, UtcDateTime, metadata

UNIT: Final = "unit"
REFERENCE: Final = "reference"
TOTAL: Final = ""


def _of_stratum() -> list[Column[object]]:
    return [
        Column("group_id", Id, ForeignKey("measurement_group.id"), primary_key=True, autoincrement=False),
        Column("organization_id", Id, ForeignKey("organization.id"), primary_key=True, autoincrement=False),
        Column("stratum", Text, primary_key=True, comment="sex and age band; empty: the total"),
    ]


# What an import gave of one indicator, version and period: another content makes it another ``revision``.
distributed_group = Table(
    "distributed_group",
    metadata,
    Column("group_id", Id, ForeignKey("measurement_group.id"), primary_key=True, autoincrement=False),
    Column("source_system_id", Id, ForeignKey("source_system.id"), nullable=False),
    Column("digest", Text, nullable=False, comment="SHA-256 of the content as imported"),
    Column("calculated_at", UtcDateTime, nullable=False, comment="when its reference values were calculated"),
)

distributed_value = Table(
    "distributed_value",
    metadata,
    *_of_stratum(),
    Column("sex", Text),
    Column("age_low", Integer),
    Column("age_high", Integer),
    Column("kind", Text, nullable=False, comment="proportion, continuous, cohort or missing"),
    Column("value", Double, comment="rate, value or cohort"),
    Column("numerator", Double),
    Column("denominator", Double, comment="denominator or measure population"),
    Column("interval_low", Double),
    Column("interval_high", Double),
    Column("standard_deviation", Double),
    Column("coverage", Double),
    Column("exclusions", Double),
    Column("reference_value", Double),
    Column("reason_code", Text),
    Column("population", Double, comment="of the distribution; empty: there is none"),
    Column("missing_value_count", Double),
    Column("mean", Double),
    Column("median", Double),
    Column("value_deviation", Double, comment="standard deviation of the distribution"),
    Column("minimum", Double),
    Column("maximum", Double),
    CheckConstraint("kind IN ('proportion', 'continuous', 'cohort', 'missing')", name="kind"),
)

reference_value = Table(
    "reference_value",
    metadata,
    *_of_stratum(),
    Column("sex", Text),
    Column("age_low", Integer),
    Column("age_high", Integer),
    Column("kind", Text, nullable=False),
    Column("comparison_level", Text, nullable=False),
    Column("unit_count", Integer, nullable=False),
    Column("population", Double),
    Column("numerator", Double),
    Column("weighted_value", Double),
    Column("unweighted_mean", Double),
    Column("standard_deviation", Double),
)

distributed_class = Table(
    "distributed_class",
    metadata,
    *_of_stratum(),
    Column("scope", Text, primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("class_id", Text, nullable=False),
    Column("label", Text),
    Column("low", Double),
    Column("high", Double),
    Column("low_inclusive", Boolean, nullable=False),
    Column("high_inclusive", Boolean, nullable=False),
    Column("count", Double),
    Column("share", Double),
    Column("reason_code", Text),
)

distributed_percentile = Table(
    "distributed_percentile",
    metadata,
    *_of_stratum(),
    Column("scope", Text, primary_key=True),
    Column("level", Double, primary_key=True),
    Column("value", Double, nullable=False),
)

ALL: Final = (distributed_value, reference_value, distributed_class, distributed_percentile)
"""The tables with a group's content."""
