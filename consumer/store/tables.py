"""Tables of the consumer's store: flat observations, the questions they answer, and the log of fetches.

Columns of `observation` follow the tidy table of domain reference 3.4, as far as the contract's message gives them.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)
from sqlalchemy.schema import SchemaItem

#: Raised when a table changes; a store of another version is refused, because it can be fetched anew.
STORE_VERSION = 1

metadata = MetaData()


def _value_columns() -> list[SchemaItem]:
    return [
        Column("measure_id", Text, nullable=False),
        Column("measure_version", Integer, nullable=False),
        Column("measure_version_id", Text, comment="contract version 1 only"),
        Column("period_type", String(9), nullable=False),
        Column("period_start", Date, nullable=False),
        Column("period_end", Date, nullable=False),
        Column("first_service_encounter", Date),
        Column("last_service_encounter", Date),
        Column("org_level", String(15), nullable=False),
        Column("org_id_system", Text, nullable=False),
        Column("org_id", Text, nullable=False),
        Column("org_name", Text, nullable=False),
        Column("hospital_id", Text),
        Column("municipality_code", Text),
        Column("region_code", Text),
        Column("kind", String(10), nullable=False),
        Column("value", Float(53)),
        Column("numerator", Float(53)),
        Column("denominator", Float(53)),
        Column("population", Float(53)),
        Column("ci_low", Float(53)),
        Column("ci_high", Float(53)),
        Column("sd", Float(53)),
        Column("coverage", Float(53)),
        Column("exclusions", Float(53)),
        Column("target", Float(53)),
        Column("reason_code", String(3)),
        Column("unit", Text, comment="UCUM, contract version 1 only; the catalogue gives it otherwise"),
        Column("method", Text, comment="contract version 1 only"),
        Column("source_system", Text, comment="null in contract version 1"),
        Column("source_system_name", Text),
    ]


store_info = Table("store_info", metadata, Column("version", Integer, nullable=False))

question = Table(
    "question",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("contract", Text, nullable=False),
    Column("producer", Text, nullable=False, index=True),
    Column("measure_ids", Text, nullable=False, comment="JSON list"),
    Column("period_start", String(8), nullable=False),
    Column("period_end", String(8), nullable=False),
    Column("parent_id", ForeignKey("question.id"), comment="the question that this one is a part of"),
    Column("is_split", Boolean, nullable=False, default=False, comment="its answer is fetched in parts"),
    Column("checksum", Text, comment="of the full answer that is stored; null: fetch at the next poll"),
    Column("polled_at", DateTime, comment="UTC, last time the producer answered for it"),
)

fetch_log = Table(
    "fetch_log",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("question_id", ForeignKey("question.id"), nullable=False, index=True),
    Column("started_at", DateTime, nullable=False, comment="UTC"),
    Column("duration_ms", Integer, nullable=False),
    Column("outcome", String(8), nullable=False, comment="stored, rejected (broke the contract) or failed"),
    Column("checksum", Text),
    Column("measurements", Integer, nullable=False),
    Column("added", Integer, nullable=False),
    Column("changed", Integer, nullable=False),
    Column("removed", Integer, nullable=False),
    Column("bytes_received", BigInteger, nullable=False, comment="as they came, compressed or not"),
    Column("reporting_organization", Text),
    Column("warnings", Integer, nullable=False),
    Column("error_code", Text),
    Column("error", Text),
)

observation = Table(
    "observation",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("fetch_id", ForeignKey("fetch_log.id"), nullable=False, comment="the fetch that brought this value"),
    Column("producer", Text, nullable=False),
    *_value_columns(),
)

#: What makes two observations the same one (rule 1.3 of the contract, per producer).
KEY = ("measure_id", "period_start", "period_end", "org_level", "org_id_system", "org_id")
Index("observation_key", observation.c.producer, *(observation.c[name] for name in KEY), unique=True)

#: Where an answer is gathered while it arrives; belongs to one connection and one transaction.
staged = Table("staged_observation", MetaData(), *_value_columns(), prefixes=["TEMPORARY"])
VALUE_NAMES = tuple(column.name for column in staged.c)
