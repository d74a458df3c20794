"""Property: what the model can hold is written well formed and read back equal (style reference 8)."""

from __future__ import annotations

import math
import re

import pytest
from golden.messages import CODEC, HEAD, LAND, YEAR, answer, measurement
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from contracts.messages.lexical import escape, format_double, parse_boolean, parse_double, parse_integer
from contracts.messages.reader import ReportReader
from contracts.model import (
    II,
    CohortMeasure,
    ConfidenceInterval,
    ContinuousVariableMeasure,
    DatePeriod,
    Measurement,
    MissingMeasure,
    PerformingOrganization,
    ProportionMeasure,
    QualityIndicatorsRequest,
    ReportHead,
    ReportingParty,
    SourceSystem,
)
from contracts.safe_xml import parse_message
from contracts.soap import read_request_envelope

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
texts = st.text(max_size=30).filter(lambda text: not _NOT_XML.search(text))
doubles = st.floats(allow_nan=False, allow_infinity=False)
some_double = st.none() | doubles
periods = st.builds(DatePeriod, texts, texts)
identifiers = st.builds(II, texts, st.none() | texts)
intervals = st.none() | st.builds(ConfidenceInterval, doubles, doubles)
measures = st.one_of(
    st.builds(ProportionMeasure, doubles, doubles, doubles, intervals, *[some_double] * 4),
    st.builds(ContinuousVariableMeasure, doubles, some_double, intervals, *[some_double] * 4),
    st.builds(CohortMeasure, doubles, intervals, *[some_double] * 4),
    st.builds(MissingMeasure, st.none() | texts),
)
organizations = st.recursive(
    st.builds(PerformingOrganization, texts, texts, st.none() | texts, st.none() | identifiers),
    lambda parent: st.builds(PerformingOrganization, texts, texts, st.none() | texts, st.none() | identifiers, parent),
    max_leaves=5,
)
measurements = st.builds(
    Measurement,
    identifiers,
    st.integers(),
    periods,
    measures,
    organizations,
    st.builds(SourceSystem, identifiers, texts),
    st.none() | texts,
    st.none() | texts,
)
parties = st.builds(ReportingParty, texts, st.none() | texts)
heads = st.builds(ReportHead, texts, periods, parties, parties)


@given(heads, st.lists(measurements, max_size=4))
def test_any_answer_reads_back_equal(head: ReportHead, expected: list[Measurement]) -> None:
    reader = ReportReader(CODEC)
    read = list(reader.feed(answer(*expected, head=head)))
    assert (reader.close(), read) == (head, expected)


@given(
    st.text(min_size=1, max_size=30).filter(lambda text: text.strip() and not _NOT_XML.search(text)),
    st.builds(QualityIndicatorsRequest, st.lists(identifiers, max_size=4).map(tuple), periods, st.booleans()),
)
def test_any_request_reads_back_equal(logical_address: str, request: QualityIndicatorsRequest) -> None:
    envelope = read_request_envelope(parse_message(CODEC.write_request(logical_address, request)))
    assert (envelope.logical_address, CODEC.read_request(envelope.body)) == (logical_address, request)


@given(texts)
def test_any_text_survives(text: str) -> None:
    assert (etree.fromstring(f"<a>{escape(text)}</a>".encode()).text or "") == text


@pytest.mark.parametrize("character", ["\0", "\b", "\x0b", "\x1f", "\ud800", "\ufffe", "\uffff"])
def test_character_that_xml_cannot_carry_is_refused_wherever_it_stands(character: str) -> None:
    bad = f"a{character}b"
    with pytest.raises(ValueError, match="XML cannot carry"):
        CODEC.organization_fragment(PerformingOrganization(bad, "Land"))
    with pytest.raises(ValueError, match="XML cannot carry"):
        CODEC.source_fragment(SourceSystem(II("1.2", bad), ""))
    with pytest.raises(ValueError, match="XML cannot carry"):
        CODEC.answer_prefix(ReportHead("", DatePeriod(bad, ""), HEAD.reporting_system, HEAD.reporting_organization))
    with pytest.raises(ValueError, match="XML cannot carry"):
        CODEC.write_request(bad, QualityIndicatorsRequest((), YEAR))


@given(doubles)
def test_double_is_written_without_exponent_and_reads_back_equal(value: float) -> None:
    written = format_double(value)
    assert re.fullmatch(r"-?\d+(\.\d+)?", written)
    assert parse_double(written) == value


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (1.0, "1"),
        (-3.0, "-3"),
        (0.1, "0.1"),
        (0.7478, "0.7478"),
        (1e-7, "0.0000001"),
        (1e16, "10000000000000000"),
        (2.0**53, "9007199254740992.0"),
        (1e22, "10000000000000000000000"),
        (1 / 3, "0.3333333333333333"),
        (5e-324, f"0.{'0' * 323}5"),
        (1.7976931348623157e308, f"17976931348623157{'0' * 292}"),
    ],
)
def test_double_has_its_shortest_plain_form(value: float, written: str) -> None:
    assert format_double(value) == written


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_double_that_is_no_number_is_not_written(value: float) -> None:
    with pytest.raises(ValueError, match="NaN or infinity"):
        CODEC.measurement_fragment(measurement(CohortMeasure(value), LAND), organization="", source="")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1.0), ("+1", 1.0), ("-0", 0.0), (".5", 0.5), ("5.", 5.0), ("1e3", 1000.0), ("1.5E-3", 0.0015),
        (" 7 ", 7.0), ("\n7\t", 7.0), ("007", 7.0), ("INF", math.inf), ("-INF", -math.inf),
        ("1e999", math.inf), ("4.9e-324", 5e-324),
    ],
)  # fmt: skip
def test_double_in_every_lexical_form(text: str, value: float) -> None:
    assert parse_double(text) == value


def test_double_nan() -> None:
    assert math.isnan(parse_double("NaN"))


NOT_DOUBLES = (
    "", " ", ".", "-", "1,5", "1_0", "infinity", "inf", "nan", "-NaN", "+INF", "0x1", "1e", "1 2", "--1", "1f",
    "\u0663", "\u06630", "\u00a01", "1\u00a0", "\u2212" "1", "true",
)  # fmt: skip


@pytest.mark.parametrize("text", NOT_DOUBLES)
def test_text_that_is_no_double_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_double(text)


@pytest.mark.parametrize(
    ("text", "value"), [("1", 1), ("-12", -12), ("+3", 3), (" 4 ", 4), ("1" * 400, int("1" * 400))]
)
def test_integer_in_every_lexical_form(text: str, value: int) -> None:
    assert parse_integer(text) == value


@pytest.mark.parametrize("text", ["", "1.0", "1e3", "1_0", "\u0663", "0x1", "1 2", "\u00a01", "one", "1" * 100_000])
def test_text_that_is_no_integer_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_integer(text)


@given(st.text(alphabet="0123456789.eE+-_ INFa\u0663", max_size=12))
def test_double_reading_agrees_with_the_lexical_form_of_the_schema(text: str) -> None:
    lexical = re.fullmatch(r"\s*(-?INF|NaN|[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?)\s*", text, re.ASCII)
    if lexical:
        parse_double(text)
    else:
        with pytest.raises(ValueError):
            parse_double(text)


def test_boolean_takes_the_default_only_when_there_is_nothing() -> None:
    assert [parse_boolean(text, default=True) for text in (None, "", " ", "true", "1", "false", "0")] == [
        True, True, True, True, True, False, False,
    ]  # fmt: skip
    assert parse_boolean(None, default=False) is False
