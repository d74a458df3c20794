"""Looks for damage in the slices that are kept: what is sent must be what publishing stored (robustness G05).

Every slice is read once and none is kept in memory. The file as a whole is `Register.check_integrity`'s matter.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from isal import isal_zlib
from sqlalchemy import Connection, Row, select

from contracts.model import DatePeriod
from producer.register.register import Register
from producer.register.rendering import inflate
from producer.register.tables import measure, measurement_group, publication_slice, register_state, slice_

REPAIR = "brygga register publish --repair"
_BATCH = 20


@dataclass(frozen=True, slots=True)
class DamagedSlice:
    """A slice that is not what was stored: whose it is, what is wrong with it, and whether it is served now."""

    slice_id: int
    rendering: str
    measure_id: str
    version_number: int
    period: DatePeriod
    problem: str
    is_current: bool

    def __str__(self) -> str:
        return (
            f"{self.rendering}, indicator {self.measure_id} version {self.version_number}, {self.period.start} to "
            f"{self.period.end} (slice {self.slice_id}): {self.problem}"
        )


def damaged_slices(register: Register, *, is_thorough: bool = False) -> list[DamagedSlice]:
    """Read every slice of the kept publications and give those that are damaged.

    As it is stored (length and CRC-32), as fast as it can be read; ``is_thorough`` also inflates it and compares
    length, CRC-32 and SHA-256 of the measurements, about a second for a million. Raises ConfigurationError when the
    file itself is damaged, RegisterUnavailable.
    """
    with register.reading() as connection:
        return damaged_in(connection, is_thorough=is_thorough)


def damaged_in(connection: Connection, *, is_thorough: bool) -> list[DamagedSlice]:
    """Do as `damaged_slices` in a transaction that has begun."""
    problems: dict[int, str] = {}
    for row in connection.execute(select(slice_).order_by(slice_.c.id).execution_options(yield_per=_BATCH)):
        if problem := _problem(row, is_thorough=is_thorough):
            problems[row.id] = problem
    return [_named(connection, number, problem) for number, problem in problems.items()]


def problem_as_stored(content: bytes | None, *, length: int, crc32: int) -> str:
    """Say what is wrong with the stored bytes of a slice; empty when nothing is."""
    if content is None:
        return "it is not there"
    if len(content) != length:
        return "it has another length than was noted"
    if isal_zlib.crc32(content) != crc32:
        return "its bytes are not those that were stored"
    return ""


def _problem(row: Row[Any], *, is_thorough: bool) -> str:
    problem = problem_as_stored(row.content, length=row.compressed_length, crc32=row.stored_crc32)
    if problem or not is_thorough:
        return problem
    digest = hashlib.sha256()
    try:
        for piece in inflate(row.content, byte_length=row.byte_length, crc32=row.crc32):
            digest.update(piece)
    except ValueError as error:
        return str(error)
    return "" if digest.hexdigest() == row.digest else "its digest is not the one that was noted"


def _named(connection: Connection, slice_id: int, problem: str) -> DamagedSlice:
    """Tell which measurements a slice holds; several groups may share it, of which one is named."""
    part, current = publication_slice, register_state.c.current_publication_id
    is_current = (part.c.first_publication_id <= current) & (
        part.c.last_publication_id.is_(None) | (part.c.last_publication_id > current)
    )
    found: Sequence[Any] | None = connection.execute(
        select(
            part.c.rendering,
            measure.c.measure_id,
            measure.c.version_number,
            measurement_group.c.period_start,
            measurement_group.c.period_end,
            is_current.label("is_current"),
        )
        .join(measurement_group, measurement_group.c.id == part.c.group_id)
        .join(measure, measure.c.id == measurement_group.c.measure_key)
        .join(register_state, register_state.c.id == 1)
        .where(part.c.slice_id == slice_id)
        .order_by(is_current.desc().nulls_last())
        .limit(1)
    ).one_or_none()
    rendering, measure_id, version, start, end, is_served = found or ("no publication", "-", 0, "-", "-", False)
    return DamagedSlice(slice_id, rendering, measure_id, version, DatePeriod(start, end), problem, bool(is_served))
