"""CRC-32 of a slice as it is stored, so that what is sent without being inflated is verified as well."""

from __future__ import annotations

import zlib

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_BATCH = 100


def upgrade() -> None:
    """Go to 0003."""
    op.add_column(
        "slice",
        sa.Column(
            "stored_crc32",
            sa.BigInteger(),
            nullable=False,
            server_default="0",
            comment="of the content as it is stored",
        ),
    )
    slices = sa.table("slice", sa.column("id"), sa.column("content"), sa.column("stored_crc32"))
    note = sa.update(slices).where(slices.c.id == sa.bindparam("number")).values(stored_crc32=sa.bindparam("crc32"))
    connection = op.get_bind()
    last = 0
    while True:
        following = sa.select(slices.c.id, slices.c.content).where(slices.c.id > last)
        rows = connection.execute(following.order_by(slices.c.id).limit(_BATCH)).all()
        if not rows:
            return
        connection.execute(note, [{"number": row.id, "crc32": zlib.crc32(row.content)} for row in rows])
        last = rows[-1].id
