"""The producer's service: from a question to an answer that is known in full before its first byte.

Implements contract reference 3 (span, empty answers), 6 (checksum) and the streaming of design 3. Pure: it
sees neither HTTP nor XML nor SQL, only the question, the codec and the repository.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Protocol, runtime_checkable

from contracts.codes.oids import OID_MEASURE
from contracts.errors import GatewayFailure
from contracts.model import DatePeriod, QualityIndicatorsRequest, ReportHead, ReportingParty
from contracts.registry import ServiceContract
from producer import gzip_stream
from producer.admission import Places
from producer.cutting import CutSlices
from producer.gzip_stream import Piece
from producer.repository import PublicationRepository, Selection
from producer.settings import LARGE_ANSWER_BYTES

#: Servers lose most of their throughput on writes of a few KB, and one huge write overlaps with nothing.
PIECE_BYTES = 128 * 1024
_NOTHING = Selection(0, ())


@runtime_checkable
class _Closeable(Protocol):
    def close(self) -> object: ...


class _Content(Protocol):
    """What an answer needs of a repository once its slices are known."""

    def content(self, selection: Selection) -> Iterator[bytes]: ...

    def compressed_content(self, selection: Selection) -> Iterator[bytes]: ...


class AnswerBody:
    """The bytes of an answer in pieces; `close` gives back what the answer holds, and must be called.

    Raises GatewayFailure when the stored content is not as long as the index says, so that a broken answer
    is never taken for a whole one.
    """

    def __init__(self, pieces: Iterator[bytes], content_length: int, held: ExitStack) -> None:
        self._pieces = pieces
        self._content_length = content_length
        self._held = held

    def __iter__(self) -> Iterator[bytes]:
        given = 0
        for piece in self._pieces:
            given += len(piece)
            if given > self._content_length:
                break
            yield piece
        if given != self._content_length:
            raise GatewayFailure(
                "The answer could not be completed.", log_detail="stored content differs in length from its index"
            )

    def close(self) -> None:
        """Give back the place, the cursor and its connection."""
        self._held.close()


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer: ``content_length`` bytes in ``body``, compressed when ``is_gzip``."""

    body: AnswerBody
    content_length: int
    is_gzip: bool
    measurement_count: int
    checksum: str


class ReportService:
    """Answers the questions of one contract version from the current publication."""

    def __init__(
        self,
        contract: ServiceContract,
        repository: PublicationRepository,
        *,
        system: ReportingParty,
        organization: ReportingParty,
        large_answers: Places,
    ) -> None:
        self._contract = contract
        self._repository = repository
        self._system = system
        self._organization = organization
        self._large_answers = large_answers

    def answer(self, logical_address: str, request: QualityIndicatorsRequest, *, allow_gzip: bool = False) -> Answer:
        """Answer a verified question; ``logical_address`` is ours, in the letter case of the settings.

        An unknown indicator and a period without values are no errors: the answer has no measurements and the
        checksum of nothing. Raises RegisterUnavailable, or Overloaded when a large answer has no place now.
        """
        codec = self._contract.codec
        selection = self._select(request)
        content: _Content = self._repository
        cut = codec.cutter(request)
        if cut is not None:
            content = cut_slices = CutSlices(self._repository, codec.tags, cut)
            selection = cut_slices.cut(selection, compresses=allow_gzip and request.include_measurements)
        head = ReportHead(
            selection.checksum,
            _span(selection, request.reporting_period),
            ReportingParty(logical_address, self._system.name),
            self._organization,
        )
        sent = selection if request.include_measurements else _NOTHING
        draft = _Draft(codec.answer_prefix(head), codec.answer_suffix(), sent, content)
        is_gzip = allow_gzip and bool(sent.slices)
        length = draft.compressed_length() if is_gzip else draft.plain_length()
        with ExitStack() as held:
            if length >= LARGE_ANSWER_BYTES:
                held.enter_context(self._large_answers.take())
            stream = draft.compressed(held) if is_gzip else draft.plain(held)
            pieces = in_pieces(stream, PIECE_BYTES) if sent.slices else stream
            body = AnswerBody(pieces, length, held.pop_all())
        return Answer(body, length, is_gzip, sum(entry.measurement_count for entry in sent.slices), selection.checksum)

    def _select(self, request: QualityIndicatorsRequest) -> Selection:
        """Give the matching slices. An id under another root than the catalogue's matches nothing."""
        if not request.measure_ids:
            return self._selected(request, None)
        known = {
            measure_id.extension
            for measure_id in request.measure_ids
            if measure_id.root == OID_MEASURE and measure_id.extension
        }
        if not known:
            return _NOTHING
        return self._selected(request, known)

    def _selected(self, request: QualityIndicatorsRequest, measure_ids: Collection[str] | None) -> Selection:
        """Select in every stored form that the question wants, all of one publication."""
        forms = self._contract.codec.renderings(request, self._contract.rendering)
        while True:
            found = [self._repository.select(form, measure_ids, request.reporting_period) for form in forms]
            if len(found) == 1:
                return found[0]
            if len({selection.publication_id for selection in found}) == 1:
                return Selection(found[0].publication_id, tuple(chain(*(selection.slices for selection in found))))


class _Draft:
    """An answer before it is sent, plain or compressed."""

    def __init__(self, prefix: bytes, suffix: bytes, sent: Selection, repository: _Content) -> None:
        self._prefix = prefix
        self._suffix = suffix
        self._sent = sent
        self._repository = repository

    def plain_length(self) -> int:
        content = sum(entry.byte_length for entry in self._sent.slices)
        return len(self._prefix) + content + len(self._suffix)

    def plain(self, held: ExitStack) -> Iterator[bytes]:
        if not self._sent.slices:
            return iter((self._prefix + self._suffix,))
        content = _closed_with(held, self._repository.content(self._sent))
        return chain((self._prefix,), content, (self._suffix,))

    def compressed_length(self) -> int:
        return gzip_stream.member_length(self._pieces())

    def compressed(self, held: ExitStack) -> Iterator[bytes]:
        content = _closed_with(held, self._repository.compressed_content(self._sent))
        prefix, suffix = self._deflated
        return chain((gzip_stream.HEADER + prefix,), content, (suffix + gzip_stream.trailer(self._pieces()),))

    @cached_property
    def _deflated(self) -> tuple[bytes, bytes]:
        return gzip_stream.deflate(self._prefix), gzip_stream.deflate(self._suffix)

    def _pieces(self) -> Iterator[Piece]:
        prefix, suffix = self._deflated
        yield gzip_stream.piece_of(self._prefix, prefix)
        for entry in self._sent.slices:
            yield Piece(entry.crc32, entry.byte_length, entry.compressed_length)
        yield gzip_stream.piece_of(self._suffix, suffix)


def in_pieces(chunks: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Cut and join ``chunks`` into pieces of exactly ``size`` bytes (the last one may be shorter)."""
    held: list[memoryview] = []
    room = size
    for chunk in chunks:
        rest = memoryview(chunk)
        while len(rest) >= room:
            held.append(rest[:room])
            yield b"".join(held)
            rest, held, room = rest[room:], [], size
        if rest:
            held.append(rest)
            room -= len(rest)
    if held:
        yield b"".join(held)


def _closed_with(held: ExitStack, content: Iterator[bytes]) -> Iterator[bytes]:
    if isinstance(content, _Closeable):
        held.callback(content.close)
    return content


def _span(selection: Selection, requested: DatePeriod) -> DatePeriod:
    """Give the smallest start and largest end of what matches; nothing matches: the requested period."""
    if not selection.slices:
        return requested
    periods = [entry.key.measure_period for entry in selection.slices]
    return DatePeriod(min(period.start for period in periods), max(period.end for period in periods))
