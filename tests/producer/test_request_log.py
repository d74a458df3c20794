"""What the log writes of a caller's values: printable, cut, and once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from producer.request_log import LoggedBody, RequestLog, printable, request_logger


@given(st.text(max_size=300))
def test_values_are_printable_and_bounded(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    assert len(shown) <= 128 * 8 + 3


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("SE1", "SE1"),
        ("a\r\nb", "a\\u000d\\u000ab"),
        ("\x1b[2J", "\\u001b[2J"),
        ("a\u202eb", "a\\u202eb"),
        ("Vård", "Vård"),
        ("x" * 200, "x" * 128 + "..."),
    ],
)
def test_control_characters_are_written_as_escapes(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_one_line_is_written_however_often_the_body_is_closed() -> None:
    with capture_logs() as lines:
        log = RequestLog({"REQUEST_METHOD": "GET"}, request_logger())
        body = LoggedBody([b"ab", b"c"], 3, log)
        assert list(body) == [b"ab", b"c"]
        body.close()
        body.close()
    assert len(lines) == 1
    assert lines[0]["bytes_out"] == 3
    assert "aborted" not in lines[0]


def test_a_body_that_is_not_taken_whole_is_aborted() -> None:
    with capture_logs() as lines:
        body = LoggedBody([b"ab", b"c"], 3, RequestLog({}, request_logger()))
        next(iter(body))
        body.close()
    assert lines[0]["aborted"] is True
