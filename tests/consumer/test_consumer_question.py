"""Questions: days as people write them, identity, overlap and splitting."""

from __future__ import annotations

from dataclasses import replace

import pytest

from consumer.question import Question, parse_day
from contracts.errors import UsageError
from contracts.model import DatePeriod

ASKED = Question.of("SE9990001112-X", ["b", "a", "b"], "2020-01-01", "20251231")
SPAN = DatePeriod("20210101", "20241231")


def test_a_question_has_its_indicators_once_and_in_order() -> None:
    expected = Question("SE9990001112-X", ("a", "b"), DatePeriod("20200101", "20251231"))
    assert expected == ASKED


@pytest.mark.parametrize(
    "text", ["2025-02-30", "20251301", "2025-1-1", "1 jan", "", "1899-12-31", "2100-01-01", "2025-W01-1"]
)
def test_what_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="YYYY-MM-DD"):
        parse_day(text)


def test_a_question_needs_indicators_and_days_in_order() -> None:
    with pytest.raises(UsageError, match="at least one"):
        Question.of("X", [], "2020-01-01", "2020-12-31")
    with pytest.raises(UsageError, match="Exchange"):
        Question.of("X", ["a"], "2021-01-01", "2020-12-31")


@pytest.mark.parametrize(
    "other",
    [
        replace(ASKED, producer="SE9990001112-Y"),
        replace(ASKED, measure_ids=("a",)),
        replace(ASKED, period=DatePeriod("20200101", "20251230")),
        replace(ASKED, contract="GetQualityIndicators:1"),
        replace(ASKED, measure_ids=('a", "b',)),
    ],
)
def test_each_part_of_a_question_is_part_of_its_identity(other: Question) -> None:
    assert other.digest != ASKED.digest


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (replace(ASKED, measure_ids=("b", "c")), True),
        (replace(ASKED, measure_ids=("c",)), False),
        (replace(ASKED, producer="SE9990001112-Y"), False),
        (replace(ASKED, period=DatePeriod("20251231", "20261231")), True),
        (replace(ASKED, period=DatePeriod("20260101", "20261231")), False),
        (replace(ASKED, period=DatePeriod("20180101", "20191231")), False),
    ],
)
def test_overlap_is_seen(other: Question, expected: bool) -> None:
    assert ASKED.overlaps(other) is other.overlaps(ASKED) is expected


def test_splitting_goes_by_indicators_and_then_by_turns_of_the_year() -> None:
    by_id = ASKED.parts(SPAN)
    assert [part.measure_ids for part in by_id] == [("a",), ("b",)]
    early, late = by_id[0].parts(SPAN)
    assert (early.period, late.period) == (DatePeriod("20200101", "20221231"), DatePeriod("20230101", "20251231"))
    assert [part.period.end for part in early.parts(SPAN)] == ["20211231", "20221231"]
    one_year = early.parts(SPAN)[1]
    assert one_year.parts(SPAN) == ()
    assert by_id[0].parts(DatePeriod("20240101", "20241231")) == ()
