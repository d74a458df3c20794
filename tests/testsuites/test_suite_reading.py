"""Reading an answer of any size: pieces, counts, places, digests, and what is no answer."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from contracts.model import II, DatePeriod, QualityIndicatorsRequest
from contracts.registry import GET_QUALITY_INDICATORS_2 as CONTRACT
from testsuites.answer import Answer, read_answer
from testsuites.exchange import Body, Exchange, HttpRequest
from testsuites.mock.answers import AnswerWriter
from testsuites.mock.shapes import SHAPES, identifier
from testsuites.splitter import Piece, ReportSplitter

ASKED = QualityIndicatorsRequest(tuple(identifier(shape) for shape in SHAPES), DatePeriod("20240101", "20241231"))
GOOD = AnswerWriter(CONTRACT).answer(CONTRACT.codec.write_request("SE9990001112-PROD", ASKED))
MEASUREMENTS = 144


def read(
    content: bytes,
    *,
    status: int | None = 200,
    headers: tuple[tuple[str, str], ...] = (),
    asked: QualityIndicatorsRequest = ASKED,
    problem: str = "",
) -> Answer:
    body = Body(content)
    try:
        exchange = Exchange(HttpRequest("http://test"), status, headers, body, problem=problem)
        return read_answer(exchange, CONTRACT, asked)
    finally:
        body.close()


def pieces_of(content: bytes, size: int, chunk: int) -> list[Piece]:
    splitter = ReportSplitter(CONTRACT, size)
    found = []
    for start in range(0, len(content), chunk):
        found += [item for item in splitter.feed(content[start : start + chunk]) if isinstance(item, Piece)]
    return [*found, splitter.close()]


@settings(max_examples=20, deadline=None)
@given(size=st.integers(1, 200), chunk=st.integers(500, 70_000))
def test_pieces_hold_every_measurement_once_in_order(size: int, chunk: int) -> None:
    pieces = pieces_of(GOOD, size, chunk)
    tag = CONTRACT.codec.tags.measurement
    joined = [etree.tostring(m, method="c14n") for piece in pieces for m in piece.envelope.iter(tag)]
    whole = [etree.tostring(m, method="c14n") for m in etree.fromstring(GOOD).iter(tag)]
    assert [text.strip() for text in joined] == whole
    assert all(len(list(piece.envelope.iter(tag))) <= size for piece in pieces)
    counts = [len(list(piece.envelope.iter(tag))) for piece in pieces]
    assert [piece.first["measurement"] for piece in pieces] == [1 + sum(counts[:index]) for index in range(len(pieces))]


def test_good_answer_is_read_whole() -> None:
    answer = read(GOOD)
    assert answer.problem == ""
    assert answer.schema == ()
    assert answer.findings == ()
    assert answer.measurement_count == MEASUREMENTS
    assert answer.span == DatePeriod("20240101", "20241231")


def test_digest_is_the_same_in_any_order_and_form() -> None:
    root = etree.fromstring(GOOD)
    report = next(root.iter(CONTRACT.codec.tags.report))
    report[:] = [*report[:4], *reversed(report[4:])]
    assert read(etree.tostring(root, pretty_print=True)).digest == read(GOOD).digest
    report.remove(report[-1])
    assert read(etree.tostring(root)).digest != read(GOOD).digest


def test_place_names_the_measurement_of_the_whole_answer_beyond_the_first_piece() -> None:
    broken = _with_text(GOOD, 321, ".//{*}measurePeriod/{*}end", "2024")
    schema = read(broken).schema
    assert [check.where for check in schema] == ["measurement[321]/measurePeriod/end"]
    assert "<c:end>2024</c:end>" in schema[0].snippet


def _with_text(content: bytes, number: int, path: str, text: str) -> bytes:
    """Repeat the measurements so that there are several pieces, and spoil one."""
    root = etree.fromstring(content)
    report = next(root.iter(CONTRACT.codec.tags.report))
    report.extend([etree.fromstring(etree.tostring(m)) for _ in range(3) for m in report[4 : 4 + MEASUREMENTS]])
    element = report[3 + number].find(path)
    assert element is not None
    element.text = text
    return etree.tostring(root)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "no content"),
        (b"hello", "not well-formed"),
        (GOOD[:5000], "not well-formed"),
        (GOOD.replace(b"<e:Envelope", b"<!DOCTYPE x []><e:Envelope"), "DOCTYPE"),
        (b"<a>" + b"<b/>" * 2_200_000, "without a complete measurement"),
    ],
)
def test_what_cannot_be_read_says_why(content: bytes, problem: str) -> None:
    answer = read(content)
    assert problem in answer.problem
    assert not answer.is_report


def test_no_answer_at_all_keeps_the_transports_words() -> None:
    assert read(b"", status=None, problem="No answer came in time.").problem == "No answer came in time."


def test_gzip_is_read_and_broken_gzip_told() -> None:
    packed = gzip.compress(GOOD)
    headers = (("Content-Encoding", "gzip"),)
    assert read(packed, headers=headers).digest == read(GOOD).digest
    assert "gzip" in read(packed[:10] + b"x" * 50, headers=headers).problem
    assert "not asked for" in read(GOOD, headers=(("Content-Encoding", "br"),)).problem


def test_entities_are_not_expanded_into_the_report() -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><x>&b;</x>'
    answer = read(bomb)
    assert "DOCTYPE" in answer.problem
    assert "aaaa" not in answer.problem


def test_unreadable_measurement_is_a_finding_and_the_rest_is_still_judged() -> None:
    root = etree.fromstring(GOOD)
    report = next(root.iter(CONTRACT.codec.tags.report))
    report[4].remove(report[4].find("{*}proportionMeasure"))
    rate = report[5].find(".//{*}rate")
    assert rate is not None
    rate.text = "7"
    answer = read(etree.tostring(root))
    assert {("1.1", "measurement[1]"), ("1.4", "measurement[2]/proportionMeasure/rate")} <= {
        (check.rule, check.where) for check in answer.findings
    }


def test_unknown_indicator_is_a_finding_by_question() -> None:
    asked = QualityIndicatorsRequest((II("1.2.3", "x"),), ASKED.reporting_period)
    answer = read(GOOD, asked=asked)
    assert {check.rule for check in answer.findings} == {"1.11"}
    assert sum(check.count for check in answer.findings) == MEASUREMENTS
