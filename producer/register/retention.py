"""Which publications are kept, and the removal of slices that no kept one holds.

A reader may still be sending a publication that has just been left: one that was current within `GRACE` stays whole,
however many came after it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, or_, select

from producer.register.tables import (
    publication,
    publication_rendering,
    publication_slice,
    register_state,
    slice_,
)

GRACE = timedelta(hours=1)
_BATCH = 500


def prune(connection: Connection, keep: int) -> int:
    """Remove all but the newest ``keep`` publications, the current one, and those left within `GRACE`.

    Gives the number of publications removed. Costs by what is removed.
    """
    newest = select(publication.c.id).order_by(publication.c.id.desc()).limit(keep).scalar_subquery()
    current = select(register_state.c.current_publication_id).scalar_subquery()
    old = select(publication.c.id).where(
        publication.c.id.not_in(newest),
        publication.c.id != current,
        publication.c.superseded_at < datetime.now(UTC) - GRACE,
    )
    removed = connection.execute(old).scalars().all()
    if not removed:
        return 0
    connection.execute(delete(publication_rendering).where(publication_rendering.c.publication_id.in_(removed)))
    connection.execute(delete(publication).where(publication.c.id.in_(removed)))
    part = publication_slice
    is_held = exists().where(
        publication.c.id >= part.c.first_publication_id, publication.c.id < part.c.last_publication_id
    )
    ended = or_(*(_spans(number) for number in removed))
    freed = connection.execute(
        delete(part).where(part.c.last_publication_id.is_not(None), ended, ~is_held).returning(part.c.slice_id)
    )
    slice_ids = sorted(set(freed.scalars()))
    is_used = exists().where(part.c.slice_id == slice_.c.id)
    for start in range(0, len(slice_ids), _BATCH):
        batch = slice_ids[start : start + _BATCH]
        connection.execute(delete(slice_).where(slice_.c.id.in_(batch), ~is_used))
    return len(removed)


def _spans(number: int) -> ColumnElement[bool]:
    part = publication_slice
    return and_(part.c.first_publication_id <= number, part.c.last_publication_id > number)
