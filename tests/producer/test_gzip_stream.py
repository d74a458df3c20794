"""One gzip member from stored pieces: every reader takes it for the text, in one member (RFC 1952)."""

from __future__ import annotations

import gzip
import zlib

from hypothesis import given
from hypothesis import strategies as st

from producer import gzip_stream


@given(st.lists(st.binary(max_size=300), max_size=8))
def test_pieces_make_one_member(texts: list[bytes]) -> None:
    packed = [gzip_stream.deflate(text) for text in texts]
    pieces = [gzip_stream.piece_of(text, one) for text, one in zip(texts, packed, strict=True)]
    member = gzip_stream.HEADER + b"".join(packed) + gzip_stream.trailer(pieces)
    assert len(member) == gzip_stream.member_length(pieces)
    assert gzip.decompress(member) == b"".join(texts)
    reader = zlib.decompressobj(31)
    assert reader.decompress(member) == b"".join(texts)
    assert reader.eof
    assert not reader.unused_data


def test_a_wrong_checksum_is_seen() -> None:
    piece = gzip_stream.piece_of(b"text", gzip_stream.deflate(b"text"))
    wrong = gzip_stream.Piece(piece.crc32 ^ 1, piece.byte_length, piece.compressed_length)
    member = gzip_stream.HEADER + gzip_stream.deflate(b"text") + gzip_stream.trailer([wrong])
    try:
        gzip.decompress(member)
    except gzip.BadGzipFile:
        return
    raise AssertionError("a member with a wrong CRC-32 was read")


def test_pieces_made_elsewhere_fit() -> None:
    """The register compresses with a level of its own; only raw deflate and the sync flush matter."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = compressor.compress(b"a" * 5000) + compressor.flush(zlib.Z_SYNC_FLUSH)
    pieces = [gzip_stream.piece_of(b"a" * 5000, packed)] * 3
    assert gzip.decompress(gzip_stream.HEADER + packed * 3 + gzip_stream.trailer(pieces)) == b"a" * 15000
