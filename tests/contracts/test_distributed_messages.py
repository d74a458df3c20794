"""Messages of GetDistributedQualityReport 3.0: golden, read back equal, cut as a question wants (domain 4.3)."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import pytest
import xmlschema
from golden.distributed import (
    CODEC,
    CONTRACT,
    DISTRIBUTED_DIRECTORY,
    FULL,
    MASKED,
    OF_LAN,
    QUESTION,
    REFERENCE_VALUE,
    answer,
    distributed_messages,
    fragment,
)
from golden.messages import HEAD, LAN, LAND, LOGICAL_ADDRESS, MEASURE_ID, SOURCE, YEAR, canonical, unit
from hypothesis import given
from hypothesis import strategies as st

from contracts.distributed_model import (
    Dimension,
    DistributedMeasurement,
    DistributedReportRequest,
    Distribution,
    OrganizationFilter,
    Percentile,
    ReferenceMeasurement,
    Subgroup,
    ValueClass,
)
from contracts.errors import ContractViolation
from contracts.messages.reader import ReportReader
from contracts.model import (
    II,
    CohortMeasure,
    ContinuousVariableMeasure,
    DatePeriod,
    MissingMeasure,
    ProportionMeasure,
    QualityIndicatorsRequest,
    ReportHead,
)
from contracts.safe_xml import parse_message
from contracts.soap import read_request_envelope
from contracts.validation import validate_body

WRITTEN = distributed_messages()
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
texts = st.text(max_size=20).filter(lambda text: not _NOT_XML.search(text))
doubles = st.floats(allow_nan=False, allow_infinity=False)
some_double, some_text = st.none() | doubles, st.none() | texts
some_age = st.none() | st.integers(0, 130)
identifiers = st.builds(II, texts, some_text)
periods = st.builds(DatePeriod, texts, texts)
measures = st.one_of(
    st.builds(ProportionMeasure, doubles, doubles, doubles),
    st.builds(ContinuousVariableMeasure, doubles, some_double),
    st.builds(CohortMeasure, doubles),
    st.builds(MissingMeasure, some_text),
)
classes = st.lists(
    st.builds(
        ValueClass,
        texts,
        some_text,
        some_double,
        some_double,
        st.booleans(),
        st.booleans(),
        some_double,
        some_double,
        some_text,
    ),
    max_size=3,
).map(tuple)
percentiles = st.lists(st.builds(Percentile, doubles, doubles), max_size=3).map(tuple)
distributions = st.none() | st.builds(Distribution, doubles, some_double, classes, percentiles, *[some_double] * 5)
dimensions = st.lists(
    st.builds(Dimension, st.sampled_from(["SEX", "AGE", "OTHER"]), identifiers, some_age, some_age),
    min_size=1,
    max_size=2,
).map(tuple)
subgroups = st.lists(st.builds(Subgroup, dimensions, measures, distributions), max_size=3).map(tuple)
places = st.sampled_from([LAND, LAN, unit(1, LAN), unit(2, LAN)])
measurements = st.builds(
    DistributedMeasurement,
    identifiers,
    st.integers(),
    periods,
    measures,
    places,
    st.just(SOURCE),
    some_text,
    some_text,
    subgroups=subgroups,
    distribution=distributions,
)
references = st.builds(
    ReferenceMeasurement,
    identifiers,
    st.integers(),
    periods,
    places,
    texts,
    st.integers(),
    texts,
    *[some_double] * 4,
    percentiles,
    classes,
    subgroups,
)
stratifications = st.lists(st.sampled_from(["SEX", "AGE", "SEX_AGE"]), max_size=3, unique=True).map(tuple)
filters = st.lists(
    st.builds(OrganizationFilter, some_text, st.none() | identifiers)
    | st.sampled_from([OrganizationFilter(unit(1, LAN).hsa_id), OrganizationFilter(None, LAN.organization_id)]),
    max_size=2,
).map(tuple)
questions = st.builds(
    DistributedReportRequest,
    st.lists(identifiers, max_size=3).map(tuple),
    periods,
    st.booleans(),
    filters,
    stratifications,
    st.booleans(),
    st.booleans(),
)


def read(data: bytes, *, is_checked: bool = True) -> tuple[list[object], list[ReferenceMeasurement], ReportHead]:
    found: list[ReferenceMeasurement] = []
    reader = ReportReader(CODEC, contract=CONTRACT if is_checked else None, on_reference=found.append)
    measured: list[object] = []
    for start in range(0, len(data), 1000):
        measured += reader.feed(data[start : start + 1000])
    return measured, found, reader.close()


@pytest.mark.parametrize("name", WRITTEN)
def test_message_is_the_golden_one_and_valid_by_two_validators(name: str) -> None:
    assert canonical(WRITTEN[name]) == canonical((DISTRIBUTED_DIRECTORY / name).read_bytes())
    body = parse_message(WRITTEN[name]).find("{*}Body")
    assert body is not None
    validate_body(CONTRACT, body[0])
    schema = xmlschema.XMLSchema(str(CONTRACT.responder_xsd))
    assert [error.reason for error in schema.iter_errors(body[0])] == []


def test_golden_messages_read_back_equal() -> None:
    expected = [FULL, MASKED, OF_LAN], [REFERENCE_VALUE], HEAD
    assert read(WRITTEN["answer.xml"]) == expected
    assert read((DISTRIBUTED_DIRECTORY / "answer.xml").read_bytes()) == expected
    envelope = read_request_envelope(parse_message(WRITTEN["request.xml"]))
    assert envelope.logical_address == LOGICAL_ADDRESS
    assert CODEC.read_request(envelope.body) == QUESTION


@given(st.lists(measurements, max_size=3), st.lists(references, max_size=2))
def test_any_answer_reads_back_equal(
    measured: list[DistributedMeasurement], compared: list[ReferenceMeasurement]
) -> None:
    assert read(answer(measured, compared), is_checked=False) == (measured, compared, HEAD)


@given(questions)
def test_any_request_reads_back_equal(question: DistributedReportRequest) -> None:
    envelope = read_request_envelope(parse_message(CODEC.write_request(LOGICAL_ADDRESS, question)))
    written = CODEC.read_request(envelope.body)
    empty = [OrganizationFilter(one.hsa_id, one.organization_id) for one in question.performing_organizations]
    assert written == replace(question, performing_organizations=tuple(empty))


def test_a_plain_question_asks_for_totals_with_distributions_alone() -> None:
    envelope = CODEC.write_request(LOGICAL_ADDRESS, QualityIndicatorsRequest((MEASURE_ID,), YEAR))
    asked = CODEC.read_request(read_request_envelope(parse_message(envelope)).body)
    assert asked == DistributedReportRequest((MEASURE_ID,), YEAR)
    assert asked.include_distribution
    assert not asked.include_reference_values


def _wanted(one: DistributedMeasurement, question: DistributedReportRequest) -> DistributedMeasurement | None:
    """Cut a measurement by its meaning, as the cutter does by its bytes."""
    organization = one.performing_organization

    def is_it(wanted: OrganizationFilter) -> bool:
        identifier, own = wanted.organization_id, organization.organization_id
        is_root = not (identifier and identifier.root) or bool(own and own.root == identifier.root)
        is_code = not (identifier and identifier.extension) or bool(own and own.extension == identifier.extension)
        is_id = not wanted.hsa_id or (organization.hsa_id or "").casefold() == wanted.hsa_id.casefold()
        says_anything = wanted.hsa_id or (identifier and (identifier.root or identifier.extension))
        return bool(says_anything) and is_root and is_code and is_id

    if question.performing_organizations and not any(map(is_it, question.performing_organizations)):
        return None
    kept = tuple(part for part in one.subgroups if part.stratification in question.stratifications)
    if question.include_distribution:
        return replace(one, subgroups=kept)
    return replace(one, subgroups=tuple(replace(part, distribution=None) for part in kept), distribution=None)


@given(measurements, questions)
def test_cutting_bytes_is_cutting_the_model(one: DistributedMeasurement, question: DistributedReportRequest) -> None:
    cut = CODEC.cutter(question)
    stored = fragment(one)
    wanted = _wanted(one, question)
    if cut is None:
        assert set(question.stratifications) == {"SEX", "AGE", "SEX_AGE"}
        assert question.include_distribution
        assert not question.performing_organizations
    else:
        assert cut(stored) == (None if wanted is None else fragment(wanted))


def test_reference_values_are_cut_by_stratification_alone() -> None:
    cut = CODEC.cutter(replace(QUESTION, stratifications=("AGE",)))
    assert cut is not None
    assert cut(CODEC.reference_fragment(REFERENCE_VALUE)) == CODEC.reference_fragment(
        replace(REFERENCE_VALUE, subgroups=())
    )


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (b"<c:unitCount>6</c:unitCount>", b"", "unitCount"),
        (b"<c:level>10</c:level>", b"<c:level>101</c:level>", ""),
        (b"<c:type>SEX</c:type>", b"<c:type>HEIGHT</c:type>", ""),
        (b"<c:calculatedAt>20260101120000", b"<c:calculatedAt>2026", ""),
        (b"<c:count>60</c:count>", b"<c:count>many</c:count>", ""),
    ],
)
def test_an_answer_that_breaks_the_schema_is_refused(old: bytes, new: bytes, says: str) -> None:
    message = WRITTEN["answer.xml"]
    assert old in message
    with pytest.raises(ContractViolation) as refused:
        read(message.replace(old, new))
    assert says in refused.value.message + refused.value.path


def test_a_measurement_after_a_reference_value_is_refused() -> None:
    reference = CODEC.reference_fragment(REFERENCE_VALUE)
    message = CODEC.answer_prefix(HEAD) + reference + fragment(FULL) + CODEC.answer_suffix()
    with pytest.raises(ContractViolation):
        read(message)


def test_reading_many_reference_values_holds_none_of_them() -> None:
    """The cap on an unfinished element is far below what the reference values weigh together."""
    count = math.ceil(2 * 1024**2 / len(CODEC.reference_fragment(REFERENCE_VALUE)))
    measured, compared, _ = read(answer([FULL], [REFERENCE_VALUE] * count))
    assert (measured, len(compared)) == ([FULL], count)


def test_an_answer_may_be_cut_anywhere() -> None:
    """Also inside the last measurement's end tag, behind which the reference values stand."""
    message = answer([FULL, MASKED], [REFERENCE_VALUE])
    place = message.rindex(b"</c:distributedMeasurement>")
    for cut in range(place - 3, place + 40):
        reader = ReportReader(CODEC, contract=CONTRACT)
        measured = [one for piece in (message[:cut], message[cut:]) for one in reader.feed(piece)]
        assert (measured, reader.close()) == ([FULL, MASKED], HEAD)


def test_what_cannot_be_read_is_placed_by_the_number_of_its_measurement() -> None:
    broken = fragment(MASKED).replace(b"<c:measureIdVersionNumber>", b"<c:measureIdVersionNumber>x")
    message = CODEC.answer_prefix(HEAD) + fragment(FULL) + broken + CODEC.answer_suffix()
    with pytest.raises(ContractViolation) as caught:
        read(message, is_checked=False)
    assert caught.value.path == "distributedMeasurement[2]/measureIdVersionNumber"
