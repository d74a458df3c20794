"""What the producer's services need of a register: the seam between serving and storage (design 3)."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from contracts.checksum import SliceKey, measurement_checksum
from contracts.model import DatePeriod


@dataclass(frozen=True, slots=True)
class SliceEntry:
    """One slice of a publication, without its content.

    ``digest`` is the SHA-256 (hex) of the finished ``measurement`` elements, ``byte_length`` their length
    uncompressed, ``compressed_length`` and ``crc32`` those of the stored raw deflate piece and of the plain bytes.
    """

    key: SliceKey
    slice_id: int
    digest: str
    measurement_count: int
    byte_length: int
    compressed_length: int
    crc32: int


@dataclass(frozen=True)
class Selection:
    """The slices that match a question, in canonical order, all of one publication."""

    publication_id: int
    slices: tuple[SliceEntry, ...]

    @cached_property
    def checksum(self) -> str:
        """The measurementChecksum of these slices."""
        return measurement_checksum((entry.key, entry.digest) for entry in self.slices)


class PublicationRepository(Protocol):
    """Read access to the current publication; safe to share between threads.

    Every method raises RegisterUnavailable when the database cannot be read.
    """

    def select(self, rendering: str, measure_ids: Collection[str] | None, reporting_period: DatePeriod) -> Selection:
        """Give the slices whose measure period lies inside ``reporting_period``.

        ``rendering`` is that of the contract version (`contracts.registry.ServiceContract`). ``measure_ids`` None
        means every indicator. Costs by what matches, not by the size of the register.
        Nothing published yet gives an empty selection; a publication without the rendering raises NotPublished.
        """

    def content(self, selection: Selection) -> Iterator[bytes]:
        """Give the slices' plain bytes in order, in pieces of any size.

        The first piece is read before the iterator is returned, so that a failure shows before an answer has
        begun; closing the iterator gives the connection back.
        """

    def compressed_content(self, selection: Selection) -> Iterator[bytes]:
        """Give each slice's stored raw deflate piece (sync-flushed, not final) in order, as `content` does."""

    def check(self) -> None:
        """Do the smallest read there is; raises RegisterUnavailable. For readiness probes."""

    def close(self) -> None:
        """Give back what this process holds open."""
