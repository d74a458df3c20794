"""Distributed measurements and reference values (`producer.register.distributed.tables`)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Go to 0002."""
    op.create_table(
        "distributed_group",
        sa.Column("group_id", _ID, autoincrement=False, nullable=False),
        sa.Column("source_system_id", _ID, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False, comment="SHA-256 of the content as imported"),
        sa.Column(
            "calculated_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="when its reference values were calculated",
        ),
        sa.PrimaryKeyConstraint("group_id", name="pk_distributed_group"),
        _foreign_key("distributed_group", "group_id", "measurement_group"),
        _foreign_key("distributed_group", "source_system_id", "source_system"),
    )
    _create_values()
    _create_references()
    _create_parts()


def _create_values() -> None:
    _create(
        "distributed_value",
        [],
        *_stratum_parts(),
        sa.Column("kind", sa.Text(), nullable=False, comment="proportion, continuous, cohort or missing"),
        sa.Column("value", sa.Double(), comment="rate, value or cohort"),
        sa.Column("numerator", sa.Double()),
        sa.Column("denominator", sa.Double(), comment="denominator or measure population"),
        sa.Column("interval_low", sa.Double()),
        sa.Column("interval_high", sa.Double()),
        sa.Column("standard_deviation", sa.Double()),
        sa.Column("coverage", sa.Double()),
        sa.Column("exclusions", sa.Double()),
        sa.Column("reference_value", sa.Double()),
        sa.Column("reason_code", sa.Text()),
        sa.Column("population", sa.Double(), comment="of the distribution; empty: there is none"),
        sa.Column("missing_value_count", sa.Double()),
        sa.Column("mean", sa.Double()),
        sa.Column("median", sa.Double()),
        sa.Column("value_deviation", sa.Double(), comment="standard deviation of the distribution"),
        sa.Column("minimum", sa.Double()),
        sa.Column("maximum", sa.Double()),
        sa.CheckConstraint(
            "kind IN ('proportion', 'continuous', 'cohort', 'missing')", name="ck_distributed_value_kind"
        ),
    )


def _create_references() -> None:
    _create(
        "reference_value",
        [],
        *_stratum_parts(),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("comparison_level", sa.Text(), nullable=False),
        sa.Column("unit_count", sa.Integer(), nullable=False),
        sa.Column("population", sa.Double()),
        sa.Column("numerator", sa.Double()),
        sa.Column("weighted_value", sa.Double()),
        sa.Column("unweighted_mean", sa.Double()),
        sa.Column("standard_deviation", sa.Double()),
    )


def _create_parts() -> None:
    _create(
        "distributed_class",
        ["scope", "position"],
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("class_id", sa.Text(), nullable=False),
        sa.Column("label", sa.Text()),
        sa.Column("low", sa.Double()),
        sa.Column("high", sa.Double()),
        sa.Column("low_inclusive", sa.Boolean(), nullable=False),
        sa.Column("high_inclusive", sa.Boolean(), nullable=False),
        sa.Column("count", sa.Double()),
        sa.Column("share", sa.Double()),
        sa.Column("reason_code", sa.Text()),
    )
    _create(
        "distributed_percentile",
        ["scope", "level"],
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("level", sa.Double(), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
    )


def _stratum_parts() -> list[sa.Column[object]]:
    return [sa.Column("sex", sa.Text()), sa.Column("age_low", sa.Integer()), sa.Column("age_high", sa.Integer())]


def _create(table: str, key: list[str], *items: sa.schema.SchemaItem) -> None:
    """Make a table of which a row belongs to a stratum of an organisation's result in a group."""
    op.create_table(
        table,
        sa.Column("group_id", _ID, autoincrement=False, nullable=False),
        sa.Column("organization_id", _ID, autoincrement=False, nullable=False),
        sa.Column("stratum", sa.Text(), nullable=False, comment="sex and age band; empty: the total"),
        *items,
        sa.PrimaryKeyConstraint("group_id", "organization_id", "stratum", *key, name=f"pk_{table}"),
        _foreign_key(table, "group_id", "measurement_group"),
        _foreign_key(table, "organization_id", "organization"),
    )


def _foreign_key(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=f"fk_{table}_{column}")
