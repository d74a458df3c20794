"""Stored slices as a question with filters wants them: the elements that match, less the parts not asked for.

A slice is read piece by piece and cut element by element, first for what the answer must say before its first byte
(length, digest, count), then to be sent; memory holds one element at a time (domain reference 4.3, design 3). An answer
that is sent compressed is compressed both times: first to know how long it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

from isal import isal_zlib
from lxml import etree

from contracts.messages.codec import Cutter, ReportTags
from producer.gzip_stream import deflated
from producer.repository import PublicationRepository, Selection, SliceEntry


class CutSlices:
    """The slices of a repository through a cutter, for one question: first `cut`, then `content` of what it gave."""

    def __init__(self, repository: PublicationRepository, tags: ReportTags, cut: Cutter) -> None:
        self._repository = repository
        self._cut = cut
        self._stored: dict[int, SliceEntry] = {}
        self._ends = tuple(f"</c:{etree.QName(tag).localname}>".encode() for tag in tags.repeated)

    def cut(self, selection: Selection, *, compresses: bool) -> Selection:
        """Give the slices that have something left, with the facts of what is left.

        ``compresses`` finds out its compressed length too, which `compressed_content` needs.
        """
        self._stored = {entry.slice_id: entry for entry in selection.slices}
        cut = (self._entry(selection.publication_id, entry, compresses) for entry in selection.slices)
        return Selection(selection.publication_id, tuple(entry for entry in cut if entry.measurement_count))

    def content(self, selection: Selection) -> Iterator[bytes]:
        """Give what is left of the slices, as the repository's method does."""
        for entry in selection.slices:
            yield from self._elements(selection.publication_id, self._stored[entry.slice_id])

    def compressed_content(self, selection: Selection) -> Iterator[bytes]:
        """Give a raw deflate piece of what is left of each slice, as the repository's method does."""
        for entry in selection.slices:
            yield from deflated(self._elements(selection.publication_id, self._stored[entry.slice_id]))

    def _entry(self, publication_id: int, entry: SliceEntry, compresses: bool) -> SliceEntry:
        digest, length, count, crc32 = hashlib.sha256(), 0, 0, 0

        def counted() -> Iterator[bytes]:
            nonlocal length, count, crc32
            for element in self._elements(publication_id, entry):
                digest.update(element)
                length += len(element)
                count += 1
                crc32 = isal_zlib.crc32(element, crc32)
                yield element

        sent = sum(map(len, deflated(counted()) if compresses else counted()))
        return replace(
            entry,
            digest=digest.hexdigest(),
            measurement_count=count,
            byte_length=length,
            compressed_length=sent,
            crc32=crc32,
        )

    def _elements(self, publication_id: int, entry: SliceEntry) -> Iterator[bytes]:
        waiting = b""
        with closing(self._repository.content(Selection(publication_id, (entry,)))) as pieces:  # type: ignore[type-var]
            for piece in pieces:
                waiting += piece
                start = 0
                while (end := self._end(waiting, start)) > 0:
                    element = self._cut(waiting[start:end])
                    start = end
                    if element is not None:
                        yield element
                waiting = waiting[start:]

    def _end(self, data: bytes, start: int) -> int:
        """Give the end of the element that begins at ``start``; 0 waits for more of it."""
        for end in self._ends:
            found = data.find(end, start)
            if found >= 0:
                return found + len(end)
        return 0
