"""One rendering of one publication: which groups to render, and the slices that come of it.

Writes in batches of bounded size, so that memory does not grow with the register.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from contracts.checksum import SliceKey
from contracts.model import DatePeriod
from producer.register.makers import SliceMaker
from producer.register.rendering import RenderedSlice
from producer.register.tables import measure, measurement_group, publication_slice, slice_

_BATCH_SLICES = 200
_BATCH_BYTES = 8 * 1024**2


@dataclass(frozen=True, slots=True)
class _Group:
    """A group to render; the slice that stands for it now, if any."""

    id: int
    key: SliceKey
    slice_id: int | None
    digest: str | None


class RenderingPublisher:
    """Publishes the measurements in one stored form. Call `load`, then exhaust `run`.

    ``renderer`` tells what its slices are made with (`SliceMaker.name`). ``damaged``: numbers of slices whose stored
    content is written anew when one of their groups still has the same measurements.
    """

    def __init__(
        self,
        connection: Connection,
        rendering: str,
        maker: SliceMaker,
        publication_id: int,
        last_slice_id: int,
        damaged: Collection[int] = (),
    ) -> None:
        self.rendering = rendering
        self.groups: Sequence[_Group] = ()
        self.rendered = 0
        self.changed = 0
        self.last_slice_id = last_slice_id
        self._connection = connection
        self._publication_id = publication_id
        self._maker = maker
        self._damaged = damaged
        self.renderer = maker.name

    def load(self, *, since: int | None) -> None:
        """Find the groups changed after the import ``since``; None: every group."""
        part = publication_slice
        statement = (
            select(
                measurement_group.c.id,
                measure.c.measure_id,
                measure.c.version_number,
                measurement_group.c.period_start,
                measurement_group.c.period_end,
                part.c.slice_id,
                slice_.c.digest,
            )
            .join(measure, measure.c.id == measurement_group.c.measure_key)
            .outerjoin(
                part,
                (part.c.rendering == self.rendering)
                & (part.c.group_id == measurement_group.c.id)
                & part.c.last_publication_id.is_(None),
            )
            .outerjoin(slice_, slice_.c.id == part.c.slice_id)
            .order_by(measurement_group.c.id)
        )
        if since is not None:
            statement = statement.where(measurement_group.c.revision > since)
        self.groups = [
            _Group(row[0], SliceKey(row[1], row[2], DatePeriod(row[3], row[4])), row[5], row[6])
            for row in self._connection.execute(statement)
        ]

    def run(self) -> Iterator[None]:
        """Render every group and write what changed; yields once for each group."""
        changed: list[tuple[_Group, RenderedSlice | None]] = []
        size = 0
        for group in self.groups:
            rendered = self._maker.make(group.id, group.key)
            self.rendered += 1
            is_other = (rendered.digest if rendered else None) != group.digest
            if is_other or group.slice_id in self._damaged:
                changed.append((group, rendered))
                size += len(rendered.content) if rendered else 0
            if len(changed) >= _BATCH_SLICES or size >= _BATCH_BYTES:
                self._write(changed)
                changed, size = [], 0
            yield
        self._write(changed)

    def _write(self, changed: Sequence[tuple[_Group, RenderedSlice | None]]) -> None:
        if not changed:
            return
        self.changed += len(changed)
        ended = [{"group": group.id} for group, _ in changed if group.slice_id is not None]
        if ended:
            self._connection.execute(
                update(publication_slice)
                .where(
                    publication_slice.c.rendering == self.rendering,
                    publication_slice.c.group_id == bindparam("group"),
                    publication_slice.c.last_publication_id.is_(None),
                )
                .values(last_publication_id=self._publication_id),
                ended,
            )
        slices = {rendered.digest: rendered for _, rendered in changed if rendered is not None}
        ids = self._store(slices)
        begun = [
            {
                "rendering": self.rendering,
                "group_id": group.id,
                "first_publication_id": self._publication_id,
                "slice_id": ids[rendered.digest],
            }
            for group, rendered in changed
            if rendered is not None
        ]
        if begun:
            self._connection.execute(insert(publication_slice), begun)

    def _store(self, slices: dict[str, RenderedSlice]) -> dict[str, int]:
        """Store the slices that are not there yet; give the number of each by its digest."""
        known = select(slice_.c.digest, slice_.c.id).where(
            slice_.c.rendering == self.rendering, slice_.c.digest.in_(list(slices))
        )
        ids = {row.digest: row.id for row in self._connection.execute(known)}
        new: list[dict[str, Any]] = []
        for digest, rendered in slices.items():
            facts = {
                "measurement_count": rendered.measurement_count,
                "byte_length": rendered.byte_length,
                "compressed_length": len(rendered.content),
                "crc32": rendered.crc32,
                "content": rendered.content,
                "stored_crc32": rendered.stored_crc32,
            }
            if digest not in ids:
                self.last_slice_id += 1
                ids[digest] = self.last_slice_id
                new.append({"id": self.last_slice_id, "rendering": self.rendering, "digest": digest, **facts})
            elif ids[digest] in self._damaged:
                self._connection.execute(update(slice_).where(slice_.c.id == ids[digest]).values(facts))
        if new:
            self._connection.execute(insert(slice_), new)
        return ids
