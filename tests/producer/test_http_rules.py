"""What a request must be like before its body is read: media type, length, encodings."""

from __future__ import annotations

import io
from typing import Any

import pytest

from contracts.errors import (
    LengthInvalid,
    MalformedMessage,
    MessageTooLarge,
    Overloaded,
    RequestTimeout,
    UnsupportedMediaType,
)
from producer.admission import Places, places_for_large
from producer.http_rules import accepts_gzip, charset_of_request, declared_length, read_body
from producer.settings import BUFFERED_BODY_BYTES

LIMIT = 1_000_000


@pytest.mark.parametrize(
    ("header", "charset"),
    [
        ("text/xml", None),
        ("text/xml; charset=utf-8", "utf-8"),
        ('TEXT/XML;charset="UTF-8"', "UTF-8"),
        ("text/xml; action=x; charset=utf-16", "utf-16"),
    ],
)
def test_text_xml_is_read(header: str, charset: str | None) -> None:
    assert charset_of_request({"CONTENT_TYPE": header}) == charset


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"CONTENT_TYPE": ""},
        {"CONTENT_TYPE": "text/plain"},
        {"CONTENT_TYPE": "application/xml"},
        {"CONTENT_TYPE": "application/soap+xml"},
        {"CONTENT_TYPE": "multipart/related; boundary=x; type=text/xml"},
        {"CONTENT_TYPE": "text/xml, application/json"},
        {"CONTENT_TYPE": "text/xml; charset*=utf-8''utf-8"},
        {"CONTENT_TYPE": "text/xml", "HTTP_CONTENT_ENCODING": "gzip"},
        {"CONTENT_TYPE": "text/xml", "HTTP_CONTENT_ENCODING": "identity, gzip"},
    ],
)
def test_other_media_types_and_compressed_bodies_are_refused(environ: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedMediaType):
        charset_of_request(environ)


def test_declared_length() -> None:
    assert declared_length({"CONTENT_LENGTH": "12"}, LIMIT) == 12
    assert declared_length({}, LIMIT) == 0
    assert declared_length({"HTTP_TRANSFER_ENCODING": "chunked"}, LIMIT) is None
    with pytest.raises(MessageTooLarge):
        declared_length({"CONTENT_LENGTH": str(LIMIT + 1)}, LIMIT)


@pytest.mark.parametrize("text", ["abc", "-5", "+5", "1 2", "1_0", "\u0662", "9" * 40])
def test_a_length_that_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(LengthInvalid):
        declared_length({"CONTENT_LENGTH": text}, LIMIT)


def environ_of(body: bytes, *, chunked: bool = False, declared: int | None = None) -> dict[str, Any]:
    length = {"HTTP_TRANSFER_ENCODING": "chunked"} if chunked else {"CONTENT_LENGTH": str(declared or len(body))}
    return {"wsgi.input": io.BytesIO(body), **length}


@pytest.mark.parametrize("size", [1, BUFFERED_BODY_BYTES, BUFFERED_BODY_BYTES + 1, LIMIT])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_is_read_whole(size: int, chunked: bool) -> None:
    body = b"x" * size
    assert (
        read_body(
            environ_of(body + (b"" if chunked else b"next request"), chunked=chunked, declared=size), LIMIT, Places(1)
        )
        == body
    )


def test_no_more_is_read_of_a_chunked_body_than_the_limit() -> None:
    environ = environ_of(b"x" * (LIMIT + 200_000), chunked=True)
    with pytest.raises(MessageTooLarge):
        read_body(environ, LIMIT, Places(1))
    assert environ["wsgi.input"].tell() <= LIMIT + 1


def test_empty_and_short_bodies_are_refused() -> None:
    with pytest.raises(MalformedMessage):
        read_body(environ_of(b""), LIMIT, Places(1))
    with pytest.raises(LengthInvalid):
        read_body(environ_of(b"abc", declared=4), LIMIT, Places(1))


def test_large_bodies_need_a_place_and_give_it_back() -> None:
    places = Places(1)
    large = b"x" * (BUFFERED_BODY_BYTES + 1)
    with places.take():
        assert read_body(environ_of(b"small"), LIMIT, places) == b"small"
        with pytest.raises(Overloaded):
            read_body(environ_of(large), LIMIT, places)
    assert read_body(environ_of(large), LIMIT, places) == large

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() >= BUFFERED_BODY_BYTES:
                raise RequestTimeout("late")
            return super().read(size)

    with pytest.raises(RequestTimeout):
        read_body({**environ_of(large), "wsgi.input": Slow(large)}, LIMIT, places)
    assert read_body(environ_of(large), LIMIT, places) == large


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("gzip", True),
        ("GZIP", True),
        ("deflate, gzip;q=0.5, br", True),
        ("gzip, deflate, br, zstd", True),
        ("*", True),
        ("x-gzip", True),
        ("gzip;q=1.0, identity; q=0.5, *;q=0", True),
        ("", False),
        ("identity", False),
        ("none", False),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("*;q=0", False),
        ("gzip;q=0, *", False),
        ("identity, gzip;q=0.5", False),
        ("gzip;q=abc", False),
        (",;q=1,", False),
    ],
)
def test_gzip_is_sent_only_to_who_wants_it(header: str, wanted: bool) -> None:
    assert accepts_gzip(header) is wanted


@pytest.mark.parametrize(("threads", "places"), [(2, 1), (3, 2), (4, 3), (16, 12), (64, 48)])
def test_a_thread_stays_free_of_large_answers(threads: int, places: int) -> None:
    assert places_for_large(threads) == places < threads
