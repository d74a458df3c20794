"""Publications: what consumers see, made whole and switched in one step (design 3).

A publication writes only the slices that changed since the one before; the rest is shared. Everything happens in one
transaction under the register's lock, so that a killed publication leaves the one before serving.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, func, insert, select, update

from contracts.errors import DataError
from contracts.registry import GET_QUALITY_INDICATORS_2, ServiceContract
from producer.register.checking import damaged_in
from producer.register.lock import Writer
from producer.register.makers import SliceMaker, slice_makers
from producer.register.publishing import RenderingPublisher
from producer.register.register import Register
from producer.register.rendering import Definitions, Directory
from producer.register.retention import prune
from producer.register.tables import (
    measurement_group,
    publication,
    publication_rendering,
    publication_slice,
    register_state,
    slice_,
)

Progress = Callable[[int, int], None]
DEFAULT_KEPT = 10


@dataclass(frozen=True, slots=True)
class PublishedContract:
    """What a publication holds in one stored form, which one or several contract versions share.

    ``rendering`` is the form's name (see `ServiceContract.rendering`), ``byte_length`` that of the plain measurements.
    """

    rendering: str
    slice_count: int
    measurement_count: int
    byte_length: int


@dataclass(frozen=True, slots=True)
class Publication:
    """One publication. ``revision`` is the last import that it holds."""

    id: int
    published_at: datetime
    who: str
    revision: int
    is_current: bool
    contracts: tuple[PublishedContract, ...]


@dataclass(frozen=True, slots=True)
class PublishOutcome:
    """What `publish` did. ``is_new`` is false when nothing had changed: then ``publication`` is the one before.

    ``rendered_slices`` were made again because their measurements may have changed, ``changed_slices`` did change;
    every other slice is shared. ``interrupted`` is a writer that was killed before, without trace.
    """

    publication: Publication
    is_new: bool
    rendered_slices: int
    changed_slices: int
    interrupted: Writer | None = None


def publish(
    register: Register,
    contracts: Iterable[ServiceContract] = (GET_QUALITY_INDICATORS_2,),
    *,
    who: str = "unknown",
    keep: int = DEFAULT_KEPT,
    definitions: Definitions | None = None,
    repair: bool = False,
    progress: Progress | None = None,
) -> PublishOutcome:
    """Make the register's present state current for ``contracts``, the contract versions that are served.

    Keeps ``keep`` publications to go back to. ``definitions``: what the catalogue says of the indicators by
    measureId, for the versions that write it (`MessageCodec.uses_catalogue`). ``repair`` makes every slice again and
    writes the damaged ones anew, in a new publication.

    Nothing changed since the last one: that one is (again) current, and no new one is made. Costs by what changed.
    Raises DataError when there is nothing to publish, RegisterUnavailable.
    """
    with register.writing("publication", who) as (connection, interrupted):
        state = connection.execute(select(register_state)).one()
        latest = connection.execute(select(publication).order_by(publication.c.id.desc()).limit(1)).one_or_none()
        if latest is None and not connection.execute(select(measurement_group.c.id).limit(1)).first():
            raise DataError("The register holds no measurements. Import a file first: brygga register import FILE")
        latest_id = 0 if latest is None else latest.id
        number = latest_id + 1
        makers = slice_makers(connection, contracts, Directory(connection, definitions))
        damaged = {one.slice_id for one in damaged_in(connection, is_thorough=True)} if repair else frozenset[int]()
        since = None if latest is None or repair else latest
        publishers = _render(connection, makers, since, number, state.last_slice_id, damaged, progress)
        changed = sum(publisher.changed for publisher in publishers)
        changed += _withdraw(connection, list(makers), number)
        is_new = latest is None or changed > 0
        if is_new:
            connection.execute(
                insert(publication),
                {"id": number, "published_at": datetime.now(UTC), "who": who, "revision": state.revision},
            )
        else:
            number = latest_id
            connection.execute(update(publication).where(publication.c.id == number).values(revision=state.revision))
        for publisher in publishers:
            _note_rendering(connection, publisher, number)
        _switch(connection, number)
        last_slice_id = max((publisher.last_slice_id for publisher in publishers), default=state.last_slice_id)
        connection.execute(update(register_state).values(last_slice_id=last_slice_id))
        prune(connection, keep)
        rendered = sum(publisher.rendered for publisher in publishers)
        return PublishOutcome(_read(connection, number), is_new, rendered, changed, interrupted)


def publications(register: Register) -> list[Publication]:
    """List the publications that are kept, newest first."""
    with register.reading() as connection:
        rows = connection.execute(_publications().order_by(publication.c.id.desc())).all()
        return [_publication(connection, row) for row in rows]


def current_publication(connection: Connection) -> Publication | None:
    """Give the publication that is served now, None before the first."""
    number = connection.execute(select(register_state.c.current_publication_id)).scalar_one()
    return None if number is None else _read(connection, number)


def rollback(register: Register, publication_id: int, *, who: str = "unknown") -> Publication:
    """Make an earlier (or later) publication current. Raises DataError when it is not kept."""
    with register.writing(f"rollback to publication {publication_id}", who) as (connection, _):
        kept = connection.execute(select(publication.c.id).order_by(publication.c.id)).scalars().all()
        if publication_id not in kept:
            known = ", ".join(map(str, kept)) or "none; publish first"
            raise DataError(f"There is no publication {publication_id}. Kept publications: {known}.")
        _switch(connection, publication_id)
        return _read(connection, publication_id)


def _render(
    connection: Connection,
    makers: Mapping[str, SliceMaker],
    latest: Row[Any] | None,
    number: int,
    last_slice_id: int,
    damaged: Collection[int],
    progress: Progress | None,
) -> list[RenderingPublisher]:
    renderers: dict[str, str] = {}
    if latest is not None:
        noted = select(publication_rendering.c.rendering, publication_rendering.c.renderer)
        rows = connection.execute(noted.where(publication_rendering.c.publication_id == latest.id))
        renderers = {row.rendering: row.renderer for row in rows}
    publishers = []
    for rendering, maker in makers.items():
        publisher = RenderingPublisher(connection, rendering, maker, number, last_slice_id, damaged)
        is_known = renderers.get(rendering) == publisher.renderer
        publisher.load(since=latest.revision if latest is not None and is_known else None)
        publishers.append(publisher)
    total = sum(len(publisher.groups) for publisher in publishers)
    done = 0
    for publisher in publishers:
        publisher.last_slice_id = last_slice_id
        for _ in publisher.run():
            done += 1
            if progress is not None:
                progress(done, total)
        last_slice_id = publisher.last_slice_id
    return publishers


def _withdraw(connection: Connection, kept: list[str], number: int) -> int:
    """End the slices of renderings that are no longer published; give how many."""
    open_ = publication_slice.c.last_publication_id.is_(None)
    others = publication_slice.c.rendering.not_in(kept)
    statement = update(publication_slice).where(open_, others).values(last_publication_id=number)
    return connection.execute(statement).rowcount


def _note_rendering(connection: Connection, publisher: RenderingPublisher, number: int) -> None:
    totals = connection.execute(
        select(
            func.count().label("slice_count"),
            func.coalesce(func.sum(slice_.c.measurement_count), 0).label("measurement_count"),
            func.coalesce(func.sum(slice_.c.byte_length), 0).label("byte_length"),
        )
        .select_from(publication_slice.join(slice_, slice_.c.id == publication_slice.c.slice_id))
        .where(publication_slice.c.rendering == publisher.rendering, publication_slice.c.last_publication_id.is_(None))
    ).one()
    key = {"publication_id": number, "rendering": publisher.rendering}
    connection.execute(publication_rendering.delete().filter_by(**key))
    connection.execute(insert(publication_rendering), {**key, "renderer": publisher.renderer, **totals._asdict()})


def _switch(connection: Connection, number: int) -> None:
    current = connection.execute(select(register_state.c.current_publication_id)).scalar_one()
    if current is not None and current != number:
        left = update(publication).where(publication.c.id == current)
        connection.execute(left.values(superseded_at=datetime.now(UTC)))
    connection.execute(update(publication).where(publication.c.id == number).values(superseded_at=None))
    connection.execute(update(register_state).values(current_publication_id=number))


def _publications() -> Select[Any]:
    is_current = register_state.c.current_publication_id == publication.c.id
    return select(publication, is_current.label("is_current")).join(register_state, register_state.c.id == 1)


def _read(connection: Connection, number: int) -> Publication:
    return _publication(connection, connection.execute(_publications().where(publication.c.id == number)).one())


def _publication(connection: Connection, row: Row[Any]) -> Publication:
    statement = (
        select(publication_rendering)
        .where(publication_rendering.c.publication_id == row.id)
        .order_by(publication_rendering.c.rendering)
    )
    contracts = tuple(
        PublishedContract(part.rendering, part.slice_count, part.measurement_count, part.byte_length)
        for part in connection.execute(statement)
    )
    return Publication(row.id, row.published_at, row.who, row.revision, bool(row.is_current), contracts)
