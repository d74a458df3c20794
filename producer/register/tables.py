"""The register's tables (design 3), for SQLAlchemy Core on SQLite and PostgreSQL alike.

The truth is in ``measurement``; slices are finished messages made from it and can always be made again.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

# In SQLite only INTEGER makes a primary key the row's own address.
Id = BigInteger().with_variant(Integer(), "sqlite")


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC time; SQLite keeps it without its zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Store in UTC."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Give it back aware."""
        if value is None:
            return None
        stored: datetime = value
        return stored.replace(tzinfo=UTC) if stored.tzinfo is None else stored.astimezone(UTC)


metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

measure = Table(
    "measure",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("measure_id", Text, nullable=False, comment="extension in the catalogue"),
    Column("version_number", Integer, nullable=False),
    Column("kind", Text, comment="proportion, continuous or cohort; empty until known"),
    UniqueConstraint("measure_id", "version_number"),
)

organization = Table(
    "organization",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("identity", Text, nullable=False, unique=True, comment="type and id, what makes it the same one"),
    Column("organization_type", Text, nullable=False),
    Column("organization_name", Text, nullable=False),
    Column("hsa_id", Text),
    Column("id_root", Text),
    Column("id_extension", Text),
    Column("parent_id", Id, ForeignKey("organization.id")),
)

source_system = Table(
    "source_system",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("root", Text, nullable=False),
    Column("extension", Text, nullable=False),
    Column("name", Text, nullable=False),
    UniqueConstraint("root", "extension"),
)

import_record = Table(
    "import_record",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("imported_at", UtcDateTime, nullable=False),
    Column("who", Text, nullable=False),
    Column("file_name", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("mode", Text, nullable=False, comment="DELETE replaced the source's data, KEEP updated by key"),
    Column("source_system_id", Id, ForeignKey("source_system.id"), nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("inserted", BigInteger, nullable=False),
    Column("updated", BigInteger, nullable=False),
    Column("deleted", BigInteger, nullable=False),
    Column("warnings", BigInteger, nullable=False),
)

# One indicator, version and period: what becomes a slice. ``revision`` is the import that last changed it.
measurement_group = Table(
    "measurement_group",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("measure_key", Id, ForeignKey("measure.id"), nullable=False),
    Column("period_start", Text, nullable=False, comment="YYYYMMDD"),
    Column("period_end", Text, nullable=False, comment="YYYYMMDD"),
    Column("revision", Id, nullable=False),
    UniqueConstraint("measure_key", "period_start", "period_end"),
    Index(None, "revision"),
)

measurement = Table(
    "measurement",
    metadata,
    Column("group_id", Id, ForeignKey("measurement_group.id"), primary_key=True, autoincrement=False),
    Column("organization_id", Id, ForeignKey("organization.id"), primary_key=True, autoincrement=False),
    Column("source_system_id", Id, ForeignKey("source_system.id"), nullable=False),
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
    Column("first_service_encounter", Text, comment="YYYYMMDD"),
    Column("last_service_encounter", Text, comment="YYYYMMDD"),
    CheckConstraint("kind IN ('proportion', 'continuous', 'cohort', 'missing')", name="kind"),
    # The rows of a group lie together: publishing reads them in one go.
    sqlite_with_rowid=False,
)

NUMBERS = tuple(column.name for column in measurement.c if isinstance(column.type, Double))
"""The numbers of a measurement, in the order of the table."""

slice_ = Table(
    "slice",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("rendering", Text, nullable=False, comment="stored form of a contract version"),
    Column("digest", Text, nullable=False, comment="SHA-256 of the plain bytes"),
    Column("measurement_count", BigInteger, nullable=False),
    Column("byte_length", BigInteger, nullable=False),
    Column("compressed_length", BigInteger, nullable=False),
    Column("crc32", BigInteger, nullable=False),
    Column("content", LargeBinary, nullable=False, comment="raw deflate, sync-flushed, not final"),
    Column("stored_crc32", BigInteger, nullable=False, server_default="0", comment="of the content as it is stored"),
    UniqueConstraint("rendering", "digest"),
)

publication = Table(
    "publication",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("published_at", UtcDateTime, nullable=False),
    Column("who", Text, nullable=False),
    Column("revision", Id, nullable=False, comment="last import that it holds"),
    Column("superseded_at", UtcDateTime, comment="when it was last left for another"),
)

publication_rendering = Table(
    "publication_rendering",
    metadata,
    Column("publication_id", Id, ForeignKey("publication.id"), primary_key=True, autoincrement=False),
    Column("rendering", Text, primary_key=True),
    Column("renderer", Text, nullable=False, comment="version of the code that made the slices"),
    Column("slice_count", BigInteger, nullable=False),
    Column("measurement_count", BigInteger, nullable=False),
    Column("byte_length", BigInteger, nullable=False),
)

# A slice is part of every publication from the first one up to, not with, the last one: a publication writes only
# what it changes. The numbers outlive their publications, so they are no foreign keys.
publication_slice = Table(
    "publication_slice",
    metadata,
    Column("rendering", Text, primary_key=True),
    Column("group_id", Id, ForeignKey("measurement_group.id"), primary_key=True, autoincrement=False),
    Column("first_publication_id", Id, primary_key=True, autoincrement=False),
    Column("last_publication_id", Id, comment="the first publication without it; empty: still part"),
    Column("slice_id", Id, ForeignKey("slice.id"), nullable=False),
    Index(None, "rendering", "first_publication_id"),
    Index(None, "rendering", "last_publication_id"),
    Index(None, "slice_id"),
)

register_state = Table(
    "register_state",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("current_publication_id", Id, ForeignKey("publication.id")),
    Column("revision", Id, nullable=False, comment="last import"),
    Column("last_slice_id", Id, nullable=False, comment="slice numbers are never used again"),
    Column("measurement_count", BigInteger, nullable=False),
    CheckConstraint("id = 1", name="single"),
)

# Who writes now, for the one who has to wait. The lock itself is the database's or the operating system's.
writer = Table(
    "writer",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("operation", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("process_id", Integer, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    CheckConstraint("id = 1", name="single"),
)
