"""One gzip member made of stored deflate pieces, without compressing them again (RFC 1951, RFC 1952).

Each piece is raw deflate, compressed by itself and sync-flushed, so that pieces can follow one another; the
member ends with an empty final block and the combined CRC-32. Concatenated members are no substitute: common
clients read only the first.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from isal import isal_zlib

#: Deflate, no flags, no time (the same question gives the same bytes), unknown system.
HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_END_OF_DEFLATE = b"\x03\x00"
_LEVEL = 6
#: Of what is compressed for one answer: isal's level 1 is several times faster than zlib's, and nearly as small.
_STREAM_LEVEL = 1


@dataclass(frozen=True, slots=True)
class Piece:
    """Size and checksum of a stretch of the plain text: ``byte_length`` plain, ``compressed_length`` deflated."""

    crc32: int
    byte_length: int
    compressed_length: int


def deflate(plain: bytes) -> bytes:
    """Compress ``plain`` into a raw deflate piece that another piece may follow."""
    compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    return compressor.compress(plain) + compressor.flush(zlib.Z_SYNC_FLUSH)


def deflated(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Compress ``chunks`` as they come into one raw deflate piece; the same chunks give the same bytes."""
    compressor = isal_zlib.compressobj(_STREAM_LEVEL, isal_zlib.DEFLATED, -zlib.MAX_WBITS)
    for chunk in chunks:
        if compressed := compressor.compress(chunk):
            yield compressed
    yield compressor.flush(isal_zlib.Z_SYNC_FLUSH)


def piece_of(plain: bytes, compressed: bytes) -> Piece:
    """Describe a piece whose plain and compressed bytes are at hand."""
    return Piece(zlib.crc32(plain), len(plain), len(compressed))


def trailer(pieces: Iterable[Piece]) -> bytes:
    """Give what follows the last piece: the end of the deflate stream, CRC-32 and length of the whole text."""
    crc, length = 0, 0
    for piece in pieces:
        crc = isal_zlib.crc32_combine(crc, piece.crc32, piece.byte_length)
        length += piece.byte_length
    return _END_OF_DEFLATE + crc.to_bytes(4, "little") + (length & 0xFFFFFFFF).to_bytes(4, "little")


def member_length(pieces: Iterable[Piece]) -> int:
    """Give the length of the whole member in bytes."""
    return len(HEADER) + sum(piece.compressed_length for piece in pieces) + len(_END_OF_DEFLATE) + 8
