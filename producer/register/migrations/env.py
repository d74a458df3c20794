"""Alembic's entry: runs the migrations on the connection that `producer.register.schema` hands over.

There is no alembic.ini: the program knows its own database.
"""

from __future__ import annotations

from alembic import context

from producer.register import distributed  # noqa: F401 (its tables are part of the metadata)
from producer.register.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transaction_per_migration=False,
)
context.run_migrations()
