"""Schema validation of requests and answers (robustness reference 2: C28, C30-C37, E11; 1.2 last row)."""

from __future__ import annotations

import threading
import time

import pytest
from golden.messages import CODEC, LOGICAL_ADDRESS, REQUESTS, answer, measurement
from lxml import etree

from contracts.errors import SchemaViolation
from contracts.model import MissingMeasure
from contracts.registry import GET_QUALITY_INDICATORS_2 as CONTRACT
from contracts.safe_xml import parse_message
from contracts.validation import schema_of, validate_body

MARKER = "MARKER-9b2e"
REQUEST = CODEC.write_request(LOGICAL_ADDRESS, REQUESTS["request"]).decode()
_XSI = 'xmlns:i="http://www.w3.org/2001/XMLSchema-instance"'
_ROOT = "<c:root>1.2.826.0.1.3680043.9.4672.7</c:root>"
_EXTENSION = f"<c:extension>{REQUESTS['request'].measure_ids[0].extension}</c:extension>"
_START = "<c:start>20250101</c:start>"
_PERIOD = f"<r:reportingPeriod>{_START}<c:end>20251231</c:end></r:reportingPeriod>"
_FLAG = "<r:includeMeasurements>true</r:includeMeasurements>"
_AT = "/GetQualityIndicators"


def validate(message: str) -> None:
    body = parse_message(message.encode()).find("{*}Body")
    assert body is not None
    validate_body(CONTRACT, body[0])


def edited(old: str, new: str) -> str:
    assert REQUEST.count(old) == 1, old
    return REQUEST.replace(old, new)


def start(text: str, attributes: str = "") -> str:
    return edited(_START, f"<c:start {attributes}>{text}</c:start>")


VALID = {
    "the writer's own": REQUEST,
    "no flag": edited(_FLAG, ""),
    "no extension": edited(_EXTENSION, ""),
    "an empty root": edited(_ROOT, "<c:root/>"),
    "a long root": edited(_ROOT, f"<c:root>{'1.' * 5_000}</c:root>"),
    "an extension element at every place": edited(_EXTENSION, f'{_EXTENSION}<x:y xmlns:x="urn:x">{MARKER}</x:y>')
    .replace("</c:end>", '</c:end><x:y xmlns:x="urn:x"/>')
    .replace("</r:GetQualityIndicators>", '<x:y xmlns:x="urn:x"><z/></x:y></r:GetQualityIndicators>'),
    "a day that no calendar has": start("20260230"),
    "the first day of the pattern": start("19000101"),
    "the last day of the pattern": start("20991231"),
    "start after end": start("20261231"),
    "a period of two hundred years": start("19000101").replace("20251231", "20991231"),
    "the same measureId twice": REQUEST.replace(
        "<r:measureId>", f"<r:measureId>{_ROOT}{_EXTENSION}</r:measureId><r:measureId>"
    ),
    "10 000 measureIds": REQUEST.replace(
        "<r:measureId>", f"<r:measureId>{_ROOT}</r:measureId>" * 9_999 + "<r:measureId>"
    ),
    "the schema's own type named": start("20250101", f'{_XSI} i:type="c:DateType"'),
    "schemaLocation": start("20250101", f'{_XSI} i:schemaLocation="urn:x http://127.0.0.1:9/canary.xsd"'),
}


@pytest.mark.parametrize("name", VALID)
def test_request_is_valid(name: str) -> None:
    validate(VALID[name])


INVALID = {
    # C28
    "another operation": (REQUEST.replace("r:GetQualityIndicators", f"r:Get{MARKER}"), ""),
    "the namespace of version 1": (REQUEST.replace("Responder:2", "Responder:1"), ""),
    "the domain namespace on the request": (REQUEST.replace("r:GetQualityIndicators", "c:GetQualityIndicators"), ""),
    "no namespace": (REQUEST.replace("r:GetQualityIndicators", "GetQualityIndicators"), ""),
    # C30, C31
    "nil true": (start(MARKER, f'{_XSI} i:nil="true"'), f"{_AT}/reportingPeriod/start"),
    "nil true and empty": (start("", f'{_XSI} i:nil="true"'), f"{_AT}/reportingPeriod/start"),
    "nil false": (start("20250101", f'{_XSI} i:nil="false"'), f"{_AT}/reportingPeriod/start"),
    "a wider type": (
        start("20250101", f'{_XSI} xmlns:s="http://www.w3.org/2001/XMLSchema" i:type="s:string"'),
        f"{_AT}/reportingPeriod/start",
    ),
    "any type": (
        start("20250101", f'{_XSI} xmlns:s="http://www.w3.org/2001/XMLSchema" i:type="s:anyType"'),
        f"{_AT}/reportingPeriod/start",
    ),
    "an unknown type": (start("20250101", f'{_XSI} i:type="c:{MARKER}"'), f"{_AT}/reportingPeriod/start"),
    "a type without its prefix": (start("20250101", f'{_XSI} i:type="{MARKER}:x"'), f"{_AT}/reportingPeriod/start"),
    "another complex type": (
        edited("<r:measureId>", f'<r:measureId {_XSI} i:type="c:DatePeriodType">'),
        f"{_AT}/measureId",
    ),
    "an attribute": (start("20250101", f'{MARKER}="1"'), f"{_AT}/reportingPeriod/start"),
    "an href": (edited("<r:measureId>", f'<r:measureId href="#{MARKER}">'), f"{_AT}/measureId"),
    # C33
    "an unknown element at the end": (edited(_FLAG, f"{_FLAG}<r:{MARKER}/>"), _AT),
    "an unknown element of no namespace": (edited(_FLAG, f"{_FLAG}<{MARKER}/>"), _AT),
    "an extension before its place": (edited(_PERIOD, f'<x:{MARKER} xmlns:x="urn:x"/>{_PERIOD}'), _AT),
    "an extension in a text": (start(f'2025<x:{MARKER} xmlns:x="urn:x"/>0101'), f"{_AT}/reportingPeriod/start"),
    "text between the elements": (edited(_PERIOD, f"{MARKER}{_PERIOD}"), f"{_AT}/reportingPeriod"),
    # C34
    "no measureId": (edited(f"<r:measureId>{_ROOT}{_EXTENSION}</r:measureId>", ""), f"{_AT}/reportingPeriod"),
    "no root": (edited(_ROOT, ""), f"{_AT}/measureId/extension"),
    "nothing in measureId": (edited(f"{_ROOT}{_EXTENSION}", ""), f"{_AT}/measureId"),
    "root twice": (edited(_ROOT, _ROOT * 2), f"{_AT}/measureId/root[2]"),
    "no period": (edited(_PERIOD, ""), f"{_AT}/includeMeasurements"),
    "two periods": (edited(_PERIOD, _PERIOD * 2), f"{_AT}/reportingPeriod[2]"),
    "the period first": (
        edited(_PERIOD, "").replace("<r:measureId>", f"{_PERIOD}<r:measureId>"),
        f"{_AT}/reportingPeriod",
    ),
    "no end": (edited("<c:end>20251231</c:end>", ""), f"{_AT}/reportingPeriod"),
    "the third measureId": (
        edited("<r:measureId>", f"<r:measureId>{_ROOT}</r:measureId>" * 2 + "<r:measureId>").replace(
            _EXTENSION, f"<c:{MARKER}/>"
        ),
        f"{_AT}/measureId[3]",
    ),
    "flag maybe": (edited(">true<", f">{MARKER}<"), f"{_AT}/includeMeasurements"),
    "flag in capitals": (edited(">true<", ">TRUE<"), f"{_AT}/includeMeasurements"),
    # C35
    "no date": (start(""), f"{_AT}/reportingPeriod/start"),
    "another text": (start(MARKER), f"{_AT}/reportingPeriod/start"),
    "dashes": (start("2025-01-01"), f"{_AT}/reportingPeriod/start"),
    "a zone": (start("20250101Z"), f"{_AT}/reportingPeriod/start"),
    "year 0000": (start("00000101"), f"{_AT}/reportingPeriod/start"),
    "year 9999": (start("99991231"), f"{_AT}/reportingPeriod/start"),
    "month 13": (start("20251301"), f"{_AT}/reportingPeriod/start"),
    "day 32": (start("20250132"), f"{_AT}/reportingPeriod/start"),
    "white space around": (start(" 20250101 "), f"{_AT}/reportingPeriod/start"),
    "other digits": (start("2025010\u0661"), f"{_AT}/reportingPeriod/start"),
    "a leap second": (start("20161231235960"), f"{_AT}/reportingPeriod/start"),
    "a very small Body": ("<a><Body><a/></Body></a>", ""),
}


@pytest.mark.parametrize("name", INVALID)
def test_request_is_refused_with_its_place_and_no_value(name: str) -> None:
    message, place = INVALID[name]
    with pytest.raises(SchemaViolation) as refused:
        validate(message)
    assert refused.value.place == place
    assert (f" at {place}." in refused.value.message) is bool(place)
    assert MARKER not in refused.value.message + refused.value.log_detail
    assert refused.value.log_detail.startswith("SCHEMAV_")


def test_place_does_not_depend_on_prefixes() -> None:
    """Clients that use default namespaces are told the place as well; libxml2's own path has only stars then."""
    default = (
        start(MARKER)
        .replace("<r:GetQualityIndicators>", f'<GetQualityIndicators xmlns="{CONTRACT.responder_namespace}">')
        .replace("<r:", "<")
        .replace("</r:", "</")
    )
    with pytest.raises(SchemaViolation) as refused:
        validate(default)
    assert refused.value.place == f"{_AT}/reportingPeriod/start"


def test_answers_are_validated_too() -> None:
    good = answer(measurement(MissingMeasure("MSK"))).decode()
    validate(good)
    with pytest.raises(SchemaViolation) as refused:
        validate(good.replace("MSK", MARKER))
    assert refused.value.place == (
        "/GetQualityIndicatorsResponse/AggregatedQualityReport/measurement/missingMeasure/reasonCode"
    )


@pytest.mark.parametrize(
    "fault",
    [
        "<r:measureId><bad/></r:measureId>",
        '<r:measureId a="1" b="2" c="3" d="4"><c:root e="1" f="2"/></r:measureId>',
        "<r:reportingPeriod><c:start>x</c:start></r:reportingPeriod>",
    ],
)
def test_many_faults_cost_no_more_than_one(fault: str) -> None:
    """Validation of the whole tree took minutes for as many faulty elements."""
    message = edited("<r:measureId>", fault * 30_000 + "<r:measureId>").encode()
    (body,) = parse_message(message).iterchildren("{*}Body")
    started = time.process_time()
    with pytest.raises(SchemaViolation):
        validate_body(CONTRACT, body[0])
    assert time.process_time() - started < 0.5


def test_threads_never_see_each_others_values() -> None:
    """E11: twelve threads, each with its own marker; no fault holds one, and none says None."""
    texts: list[str] = []

    def call(number: int) -> None:
        for turn in range(60):
            try:
                validate(start(f"THREAD-{number}-{turn}"))
            except SchemaViolation as error:
                texts.append(f"{error.message} {error.log_detail} {error.place}")

    threads = [threading.Thread(target=call, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(texts) == 12 * 60
    assert set(texts) == {texts[0]}
    assert "THREAD" not in texts[0]
    assert "None" not in texts[0]


def test_each_thread_has_its_own_compiled_schema() -> None:
    schemas: list[etree.XMLSchema] = [schema_of(CONTRACT), schema_of(CONTRACT)]
    other = threading.Thread(target=lambda: schemas.append(schema_of(CONTRACT)))
    other.start()
    other.join()
    assert schemas[0] is schemas[1]
    assert schemas[2] is not schemas[0]
