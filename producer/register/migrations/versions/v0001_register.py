"""The first schema: measurements and their owners, imports, publications and slices.

PostgreSQL keeps slices outside its own compression: they are compressed already.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Go to 0001."""
    _create_facts()
    _create_measurements()
    _create_publications()
    _create_publication_parts()
    _create_state()
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE slice ALTER COLUMN content SET STORAGE EXTERNAL")
    op.execute("INSERT INTO register_state (id, revision, last_slice_id, measurement_count) VALUES (1, 0, 0, 0)")


def _create_facts() -> None:
    op.create_table(
        "measure",
        sa.Column("id", _ID, autoincrement=False, nullable=False),
        sa.Column("measure_id", sa.Text(), nullable=False, comment="extension in the catalogue"),
        sa.Column("version_number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=True, comment="proportion, continuous or cohort; empty until known"),
        sa.PrimaryKeyConstraint("id", name="pk_measure"),
        sa.UniqueConstraint("measure_id", "version_number", name="uq_measure_measure_id_version_number"),
    )
    op.create_table(
        "organization",
        sa.Column("id", _ID, autoincrement=False, nullable=False),
        sa.Column("identity", sa.Text(), nullable=False, comment="type and id, what makes it the same one"),
        sa.Column("organization_type", sa.Text(), nullable=False),
        sa.Column("organization_name", sa.Text(), nullable=False),
        sa.Column("hsa_id", sa.Text(), nullable=True),
        sa.Column("id_root", sa.Text(), nullable=True),
        sa.Column("id_extension", sa.Text(), nullable=True),
        sa.Column("parent_id", _ID, nullable=True),
        sa.ForeignKeyConstraint(["parent_id"], ["organization.id"], name="fk_organization_parent_id"),
        sa.PrimaryKeyConstraint("id", name="pk_organization"),
        sa.UniqueConstraint("identity", name="uq_organization_identity"),
    )
    op.create_table(
        "source_system",
        sa.Column("id", _ID, autoincrement=False, nullable=False),
        sa.Column("root", sa.Text(), nullable=False),
        sa.Column("extension", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_source_system"),
        sa.UniqueConstraint("root", "extension", name="uq_source_system_root_extension"),
    )
    op.create_table(
        "import_record",
        sa.Column("id", _ID, autoincrement=False, nullable=False),
        sa.Column("imported_at", _TIME, nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False, comment="DELETE replaced the source's data, KEEP updated by key"),
        sa.Column("source_system_id", _ID, nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("inserted", sa.BigInteger(), nullable=False),
        sa.Column("updated", sa.BigInteger(), nullable=False),
        sa.Column("deleted", sa.BigInteger(), nullable=False),
        sa.Column("warnings", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["source_system_id"], ["source_system.id"], name="fk_import_record_source_system_id"),
        sa.PrimaryKeyConstraint("id", name="pk_import_record"),
    )


def _create_measurements() -> None:
    op.create_table(
        "measurement_group",
        sa.Column("id", _ID, autoincrement=False, nullable=False),
        sa.Column("measure_key", _ID, nullable=False),
        sa.Column("period_start", sa.Text(), nullable=False, comment="YYYYMMDD"),
        sa.Column("period_end", sa.Text(), nullable=False, comment="YYYYMMDD"),
        sa.Column("revision", _ID, nullable=False),
        sa.ForeignKeyConstraint(["measure_key"], ["measure.id"], name="fk_measurement_group_measure_key"),
        sa.PrimaryKeyConstraint("id", name="pk_measurement_group"),
        sa.UniqueConstraint(
            "measure_key", "period_start", "period_end", name="uq_measurement_group_measure_key_period_start_period_end"
        ),
    )
    op.create_index("ix_measurement_group_revision", "measurement_group", ["revision"], unique=False)
    op.create_table(
        "measurement",
        sa.Column("group_id", _ID, autoincrement=False, nullable=False),
        sa.Column("organization_id", _ID, autoincrement=False, nullable=False),
        sa.Column("source_system_id", _ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False, comment="proportion, continuous, cohort or missing"),
        sa.Column("value", sa.Double(), nullable=True, comment="rate, value or cohort"),
        sa.Column("numerator", sa.Double(), nullable=True),
        sa.Column("denominator", sa.Double(), nullable=True, comment="denominator or measure population"),
        sa.Column("interval_low", sa.Double(), nullable=True),
        sa.Column("interval_high", sa.Double(), nullable=True),
        sa.Column("standard_deviation", sa.Double(), nullable=True),
        sa.Column("coverage", sa.Double(), nullable=True),
        sa.Column("exclusions", sa.Double(), nullable=True),
        sa.Column("reference_value", sa.Double(), nullable=True),
        sa.Column("reason_code", sa.Text(), nullable=True),
        sa.Column("first_service_encounter", sa.Text(), nullable=True, comment="YYYYMMDD"),
        sa.Column("last_service_encounter", sa.Text(), nullable=True, comment="YYYYMMDD"),
        sa.CheckConstraint("kind IN ('proportion', 'continuous', 'cohort', 'missing')", name="ck_measurement_kind"),
        sa.ForeignKeyConstraint(["group_id"], ["measurement_group.id"], name="fk_measurement_group_id"),
        sa.ForeignKeyConstraint(["organization_id"], ["organization.id"], name="fk_measurement_organization_id"),
        sa.ForeignKeyConstraint(["source_system_id"], ["source_system.id"], name="fk_measurement_source_system_id"),
        sa.PrimaryKeyConstraint("group_id", "organization_id", name="pk_measurement"),
        sqlite_with_rowid=False,
    )


def _create_publications() -> None:
    op.create_table(
        "slice",
        sa.Column("id", _ID, autoincrement=False, nullable=False),
        sa.Column("rendering", sa.Text(), nullable=False, comment="stored form of a contract version"),
        sa.Column("digest", sa.Text(), nullable=False, comment="SHA-256 of the plain bytes"),
        sa.Column("measurement_count", sa.BigInteger(), nullable=False),
        sa.Column("byte_length", sa.BigInteger(), nullable=False),
        sa.Column("compressed_length", sa.BigInteger(), nullable=False),
        sa.Column("crc32", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False, comment="raw deflate, sync-flushed, not final"),
        sa.PrimaryKeyConstraint("id", name="pk_slice"),
        sa.UniqueConstraint("rendering", "digest", name="uq_slice_rendering_digest"),
    )
    op.create_table(
        "publication",
        sa.Column("id", _ID, autoincrement=False, nullable=False),
        sa.Column("published_at", _TIME, nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("revision", _ID, nullable=False, comment="last import that it holds"),
        sa.Column("superseded_at", _TIME, nullable=True, comment="when it was last left for another"),
        sa.PrimaryKeyConstraint("id", name="pk_publication"),
    )


def _create_publication_parts() -> None:
    op.create_table(
        "publication_rendering",
        sa.Column("publication_id", _ID, autoincrement=False, nullable=False),
        sa.Column("rendering", sa.Text(), nullable=False),
        sa.Column("renderer", sa.Text(), nullable=False, comment="version of the code that made the slices"),
        sa.Column("slice_count", sa.BigInteger(), nullable=False),
        sa.Column("measurement_count", sa.BigInteger(), nullable=False),
        sa.Column("byte_length", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["publication_id"], ["publication.id"], name="fk_publication_rendering_publication_id"),
        sa.PrimaryKeyConstraint("publication_id", "rendering", name="pk_publication_rendering"),
    )
    op.create_table(
        "publication_slice",
        sa.Column("rendering", sa.Text(), nullable=False),
        sa.Column("group_id", _ID, autoincrement=False, nullable=False),
        sa.Column("first_publication_id", _ID, autoincrement=False, nullable=False),
        sa.Column(
            "last_publication_id", _ID, nullable=True, comment="the first publication without it; empty: still part"
        ),
        sa.Column("slice_id", _ID, nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["measurement_group.id"], name="fk_publication_slice_group_id"),
        sa.ForeignKeyConstraint(["slice_id"], ["slice.id"], name="fk_publication_slice_slice_id"),
        sa.PrimaryKeyConstraint("rendering", "group_id", "first_publication_id", name="pk_publication_slice"),
    )
    op.create_index(
        "ix_publication_slice_rendering_first_publication_id",
        "publication_slice",
        ["rendering", "first_publication_id"],
        unique=False,
    )
    op.create_index(
        "ix_publication_slice_rendering_last_publication_id",
        "publication_slice",
        ["rendering", "last_publication_id"],
        unique=False,
    )
    op.create_index("ix_publication_slice_slice_id", "publication_slice", ["slice_id"], unique=False)


def _create_state() -> None:
    op.create_table(
        "register_state",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("current_publication_id", _ID, nullable=True),
        sa.Column("revision", _ID, nullable=False, comment="last import"),
        sa.Column("last_slice_id", _ID, nullable=False, comment="slice numbers are never used again"),
        sa.Column("measurement_count", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name="ck_register_state_single"),
        sa.ForeignKeyConstraint(
            ["current_publication_id"], ["publication.id"], name="fk_register_state_current_publication_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_register_state"),
    )
    op.create_table(
        "writer",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("process_id", sa.Integer(), nullable=False),
        sa.Column("started_at", _TIME, nullable=False),
        sa.CheckConstraint("id = 1", name="ck_writer_single"),
        sa.PrimaryKeyConstraint("id", name="pk_writer"),
    )
