"""The messages written are the golden ones, valid by two validators, and read back equal (contract reference 2, 3)."""

from __future__ import annotations

from functools import cache

import pytest
import xmlschema
from golden.messages import (
    ANSWERS,
    CHAINS,
    CODEC,
    DIRECTORY,
    EMPTY_HEAD,
    HEAD,
    LOGICAL_ADDRESS,
    REQUESTS,
    answer,
    canonical,
    measurement,
    written,
)
from lxml import etree

from contracts.messages.reader import ReportReader
from contracts.model import Measurement, MissingMeasure, ProportionMeasure, QualityIndicatorsRequest, ReportHead
from contracts.registry import GET_QUALITY_INDICATORS_2
from contracts.safe_xml import parse_message
from contracts.soap import read_request_envelope
from contracts.validation import validate_body

WRITTEN = written()
MESSAGES = [name for name in WRITTEN if not name.startswith("fault")]


@cache
def pure_python_schema() -> xmlschema.XMLSchema:
    return xmlschema.XMLSchema(str(GET_QUALITY_INDICATORS_2.responder_xsd))


def read_answer(data: bytes) -> tuple[list[Measurement], ReportHead]:
    reader = ReportReader(CODEC, contract=GET_QUALITY_INDICATORS_2)
    measurements = list(reader.feed(data))
    return measurements, reader.close()


@pytest.mark.parametrize("name", WRITTEN)
def test_message_is_the_golden_one(name: str) -> None:
    golden = (DIRECTORY / name).read_bytes()
    assert canonical(WRITTEN[name]) == canonical(golden), "make golden shows the difference"


def test_every_golden_file_has_its_message() -> None:
    assert {path.name for path in DIRECTORY.glob("*.xml")} == set(WRITTEN)


@pytest.mark.parametrize("name", MESSAGES)
def test_message_is_valid_by_two_validators(name: str) -> None:
    body = parse_message(WRITTEN[name]).find("{*}Body")
    assert body is not None
    validate_body(GET_QUALITY_INDICATORS_2, body[0])
    assert [error.reason for error in pure_python_schema().iter_errors(body[0])] == []


@pytest.mark.parametrize("name", ANSWERS)
def test_golden_answer_reads_back_equal(name: str) -> None:
    assert read_answer(WRITTEN[f"{name}.xml"]) == (list(ANSWERS[name]), HEAD)


@pytest.mark.parametrize("name", ANSWERS)
def test_indented_golden_answer_reads_the_same(name: str) -> None:
    assert read_answer((DIRECTORY / f"{name}.xml").read_bytes()) == (list(ANSWERS[name]), HEAD)


def test_answer_without_measurements_reads_back_equal() -> None:
    assert read_answer(WRITTEN["answer-empty.xml"]) == ([], EMPTY_HEAD)


@pytest.mark.parametrize("name", REQUESTS)
def test_golden_request_reads_back_equal(name: str) -> None:
    envelope = read_request_envelope(parse_message(WRITTEN[f"{name}.xml"]))
    assert envelope.logical_address == LOGICAL_ADDRESS
    assert CODEC.read_request(envelope.body) == REQUESTS[name]


def _request(replacements: dict[str, str]) -> QualityIndicatorsRequest:
    text = WRITTEN["request.xml"].decode()
    for old, new in replacements.items():
        assert old in text
        text = text.replace(old, new)
    body = read_request_envelope(parse_message(text.encode())).body
    validate_body(GET_QUALITY_INDICATORS_2, body)
    return CODEC.read_request(body)


_FLAG = "<r:includeMeasurements>true</r:includeMeasurements>"


@pytest.mark.parametrize(
    ("written_flag", "is_included"),
    [
        ("", True),
        ("<r:includeMeasurements/>", True),
        ("<r:includeMeasurements>true</r:includeMeasurements>", True),
        ("<r:includeMeasurements> 1\n</r:includeMeasurements>", True),
        ("<r:includeMeasurements>false</r:includeMeasurements>", False),
        ("<r:includeMeasurements>\t0 </r:includeMeasurements>", False),
    ],
)
def test_include_measurements_in_every_lexical_form(written_flag: str, is_included: bool) -> None:
    assert _request({_FLAG: written_flag}).include_measurements is is_included


def test_comments_and_extensions_of_a_request_are_ignored() -> None:
    plain = _request({})
    comment = "<!-- SoapUI puts comments here -->"
    decorated = _request(
        {
            "<r:measureId>": f"{comment}<r:measureId>{comment}",
            "</r:measureId>": '<x:more xmlns:x="urn:x"><x:root>1</x:root></x:more></r:measureId>',
            "<c:start>20250101": "<c:start>2025<!---->0101",
            "</c:end>": '</c:end><x:end xmlns:x="urn:x">20991231</x:end>',
            "</r:GetQualityIndicators>": '<x:y xmlns:x="urn:x"><c:root/></x:y></r:GetQualityIndicators>',
        }
    )
    assert decorated == plain


def test_request_with_default_namespaces_and_indentation_is_the_same() -> None:
    root = etree.fromstring(WRITTEN["request-checksum-only.xml"])
    etree.indent(root)
    text = etree.tostring(root).decode()
    for prefix, tags in {"r": ("GetQualityIndicators",), "c": ("root", "extension", "start", "end")}.items():
        namespace = root.nsmap[prefix]
        for tag in tags:
            text = text.replace(f"<{prefix}:{tag}>", f'<{tag} xmlns="{namespace}">').replace(
                f"</{prefix}:{tag}>", f"</{tag}>"
            )
    envelope = read_request_envelope(parse_message(text.encode()))
    validate_body(GET_QUALITY_INDICATORS_2, envelope.body)
    assert CODEC.read_request(envelope.body) == REQUESTS["request-checksum-only"]


def test_fragments_are_free_of_context() -> None:
    """A fragment declares no namespace and holds no line break, so any slices make an answer when joined."""
    for name, chain in CHAINS.items():
        one = measurement(ProportionMeasure(0.5, 10.0, 5.0), chain)
        fragment = CODEC.measurement_fragment(
            one, organization=CODEC.organization_fragment(chain), source=CODEC.source_fragment(one.source_system)
        )
        assert fragment.startswith(b"<c:measurement>"), name
        assert fragment.endswith(b"</c:measurement>"), name
        assert b"xmlns" not in fragment, name
        assert b"\n" not in fragment, name


def test_joined_fragments_read_as_their_measurements_in_order() -> None:
    measurements = [measurement(measure, chain) for chain in CHAINS.values() for measure in _MANY]
    assert read_answer(answer(*measurements))[0] == measurements


_MANY = (ProportionMeasure(0.5, 10.0, 5.0), MissingMeasure("MSK"), ProportionMeasure(1.0, 7.0, 7.0))


def test_equal_organisations_of_an_answer_are_one_object() -> None:
    """50 000 measurements of 1 200 units keep 1 200 organisations in memory, not 50 000."""
    read, _ = read_answer(answer(*[measurement(_MANY[0], chain) for _ in range(3) for chain in CHAINS.values()]))
    assert len({id(one.performing_organization) for one in read}) == len(CHAINS)
