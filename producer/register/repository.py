"""The producer's read access to publications, on SQLite and PostgreSQL (see `producer.repository`).

Per question one tiny query tells which publication is current; its slices are indexed in memory of the process.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import structlog
from sqlalchemy import ColumnElement, Connection, or_, select
from sqlalchemy.exc import DBAPIError

from contracts.checksum import SliceKey
from contracts.errors import NotPublished, RegisterDamaged
from contracts.model import DatePeriod
from producer.register.checking import REPAIR, problem_as_stored
from producer.register.engine import unavailable
from producer.register.hot_index import EMPTY, HotIndex, changed_index
from producer.register.readers import ReadConnection, ReadPool
from producer.register.rendering import inflate
from producer.register.tables import (
    measure,
    measurement_group,
    publication,
    publication_rendering,
    publication_slice,
    slice_,
)
from producer.repository import Selection, SliceEntry

_log = structlog.get_logger("producer.register")
_CURRENT = "SELECT current_publication_id FROM register_state"
_NOTHING_PUBLISHED = 0
_Entries = Mapping[str, Sequence[SliceEntry]]


class DatabaseRepository:
    """Publications of the register at ``url``; a `producer.repository.PublicationRepository`.

    Nothing is opened before the first question, and all is opened anew after a fork, so that it may be made before
    workers are forked. ``suspects``: numbers of slices that may be damaged. They are looked at before an answer that
    needs them begins, so that its caller gets a fault and not half of it; those found later are added.
    """

    def __init__(self, url: str, *, suspects: Iterable[int] = ()) -> None:
        self._pool = ReadPool(url)
        self._suspects = frozenset(suspects)
        self._loading = threading.Lock()
        self._index = HotIndex(_NOTHING_PUBLISHED, {})

    def select(self, rendering: str, measure_ids: Collection[str] | None, reporting_period: DatePeriod) -> Selection:
        """Give the matching slices of the current publication. Raises RegisterUnavailable or NotPublished."""
        index = self._current_index()
        if index.publication_id == _NOTHING_PUBLISHED:
            return Selection(index.publication_id, ())
        if rendering not in index.renderings:
            # No measurements would be a wrong answer: consumers would give up what they have.
            raise NotPublished(
                "This contract version is served here, but was not published. Its owner must publish again.",
                log_detail=f"{rendering} is not in publication {index.publication_id}",
            )
        return index.select(rendering, measure_ids, reporting_period)

    def content(self, selection: Selection) -> Iterator[bytes]:
        """Give the slices' plain bytes in order and in pieces; the first one is read before this returns."""
        self._look_at_suspects(selection)
        return _Pieces(self._plain(selection))

    def compressed_content(self, selection: Selection) -> Iterator[bytes]:
        """Give each slice's stored raw deflate piece in order; the first one is read before this returns."""
        self._look_at_suspects(selection)
        return _Pieces(self._stored(selection))

    def check(self) -> None:
        """Do the smallest read there is. Raises RegisterUnavailable."""
        self._pool.retried(_current)

    def close(self) -> None:
        """Close every connection of this process."""
        self._pool.close()

    def _stored(self, selection: Selection) -> Iterator[bytes]:
        if not selection.slices:
            return
        with self._pool.connection() as connection:
            for entry in selection.slices:
                content, crc32 = connection.read_slice(entry.slice_id) or (None, 0)
                problem = problem_as_stored(content, length=entry.compressed_length, crc32=crc32)
                if content is None or problem:
                    raise self._damaged(entry, problem)
                yield content

    def _plain(self, selection: Selection) -> Iterator[bytes]:
        with _Pieces(self._stored(selection)) as pieces:
            for entry, piece in zip(selection.slices, pieces, strict=True):
                try:
                    yield from inflate(piece, byte_length=entry.byte_length, crc32=entry.crc32)
                except ValueError as error:
                    raise self._damaged(entry, str(error)) from error

    def _look_at_suspects(self, selection: Selection) -> None:
        """Read what was found damaged before; raises while it is, and forgets it when it was repaired."""
        if not self._suspects:
            return
        looked_at = tuple(entry for entry in selection.slices if entry.slice_id in self._suspects)
        for _ in self._plain(Selection(selection.publication_id, looked_at)):
            pass
        self._suspects -= {entry.slice_id for entry in looked_at}

    def _damaged(self, entry: SliceEntry, problem: str) -> RegisterDamaged:
        self._suspects |= {entry.slice_id}
        key, period = entry.key, entry.key.measure_period
        where = f"indicator {key.measure_id} version {key.version_number}, {period.start} to {period.end}"
        _log.error("damaged-slice", slice=entry.slice_id, where=where, problem=problem, mend=REPAIR)
        return RegisterDamaged(
            "A stored part of the answer is damaged, so the question is not answered. The register's owner must"
            " repair it.",
            log_detail=f"slice {entry.slice_id}: {problem}",
        )

    def _current_index(self) -> HotIndex:
        number = self._pool.retried(_current)
        index = self._index
        if index.publication_id == number:
            return index
        with self._loading:
            index = self._index
            if index.publication_id != number:
                try:
                    with self._pool.engine().connect() as connection:
                        index = self._index = _load(connection, number, index)
                except DBAPIError as error:
                    raise unavailable(error, "read") from error
        return index


class _Pieces(Iterator[bytes]):
    """An iterator that has read its first piece when it is made, and gives back what it holds when it is closed."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._first = next(pieces, None)

    def __next__(self) -> bytes:
        if self._first is not None:
            first, self._first = self._first, None
            return first
        return next(self._pieces)

    def close(self) -> None:
        """Give the connection back."""
        self._first = None
        self._pieces.close()  # type: ignore[attr-defined]

    def __enter__(self) -> _Pieces:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _current(connection: ReadConnection) -> int:
    return connection.scalar(_CURRENT) or _NOTHING_PUBLISHED


def _load(connection: Connection, number: int, old: HotIndex) -> HotIndex:
    """Index publication ``number``; from ``old`` only the difference is read where that is safe."""
    if number == _NOTHING_PUBLISHED:
        return HotIndex(number, {})
    part = publication_slice
    is_in = (part.c.first_publication_id <= number) & or_(
        part.c.last_publication_id.is_(None), part.c.last_publication_id > number
    )
    listed = publication_rendering.c.publication_id == number
    renderings = connection.execute(select(publication_rendering.c.rendering).where(listed)).scalars().all()
    if _NOTHING_PUBLISHED < old.publication_id < number:
        come = _entries(connection, is_in & (part.c.first_publication_id > old.publication_id))
        is_gone = (part.c.first_publication_id <= old.publication_id) & (
            part.c.last_publication_id.between(old.publication_id + 1, number)
        )
        gone = _entries(connection, is_gone)
        # While the old publication is kept, so is the note of everything that it held.
        if connection.execute(select(publication.c.id).filter_by(id=old.publication_id)).first():
            return _indexed(number, renderings, old, gone, come)
    return _indexed(number, renderings, HotIndex(_NOTHING_PUBLISHED, {}), {}, _entries(connection, is_in))


def _indexed(number: int, renderings: Iterable[str], old: HotIndex, gone: _Entries, come: _Entries) -> HotIndex:
    return HotIndex(
        number,
        {
            name: changed_index(old.renderings.get(name, EMPTY), gone.get(name, ()), come.get(name, ()))
            for name in renderings
        },
    )


def _entries(connection: Connection, condition: ColumnElement[bool]) -> _Entries:
    part = publication_slice
    rows = connection.execute(
        select(
            part.c.rendering,
            measure.c.measure_id,
            measure.c.version_number,
            measurement_group.c.period_start,
            measurement_group.c.period_end,
            slice_.c.id,
            slice_.c.digest,
            slice_.c.measurement_count,
            slice_.c.byte_length,
            slice_.c.compressed_length,
            slice_.c.crc32,
        )
        .select_from(part)
        .join(slice_, slice_.c.id == part.c.slice_id)
        .join(measurement_group, measurement_group.c.id == part.c.group_id)
        .join(measure, measure.c.id == measurement_group.c.measure_key)
        .where(condition)
    )
    entries: dict[str, list[SliceEntry]] = {}
    for rendering, measure_id, version, start, end, *facts in rows:
        key = SliceKey(measure_id, version, DatePeriod(start, end))
        entries.setdefault(rendering, []).append(SliceEntry(key, *facts))
    return entries
