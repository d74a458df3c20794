"""The mock producer: its shapes by header and by measureId, faults on demand, and what it refuses."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator

import httpx
import pytest

from contracts.checksum import EMPTY_CHECKSUM
from contracts.errors import ConfigurationError, UsageError
from contracts.messages.reader import ReportReader
from contracts.model import (
    II,
    CohortMeasure,
    ContinuousVariableMeasure,
    DatePeriod,
    Measurement,
    MissingMeasure,
    ProportionMeasure,
    QualityIndicatorsRequest,
    ReportHead,
)
from contracts.registry import GET_QUALITY_INDICATORS_2 as CONTRACT
from testsuites.mock.faults import find_fault
from testsuites.mock.server import MockServer
from testsuites.mock.shapes import SHAPES, find_shape, identifier, measure_id_of

YEAR = DatePeriod("20240101", "20241231")


def post(server: MockServer, content: bytes | Iterator[bytes], **headers: str) -> httpx.Response:
    unused = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # spares loading a bundle of authorities for plain HTTP
    with httpx.Client(verify=unused, trust_env=False) as client:
        return client.post(server.url, content=content, headers={"Content-Type": "text/xml", **headers})


def ask(
    server: MockServer, *ids: II, period: DatePeriod = YEAR, include: bool = True, **headers: str
) -> tuple[ReportHead, list[Measurement], httpx.Response]:
    body = CONTRACT.codec.write_request("SE9990001112-PROD", QualityIndicatorsRequest(ids, period, include))
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response = post(server, body, **named)
    reader = ReportReader(CONTRACT.codec, contract=CONTRACT)
    measurements = list(reader.feed(response.content))
    return reader.close(), measurements, response


def test_there_are_thirteen_shapes() -> None:
    assert len(SHAPES) == 13
    assert {shape.organization.organization_type for shape in SHAPES} == {
        "Land",
        "Sjukvardsregion",
        "Lan",
        "Kommun",
        "Sjukhus",
        "Vardenhet",
    }


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_shape_is_chosen_by_measure_id_and_by_header(shape: object, mock: MockServer) -> None:
    assert isinstance(shape, type(SHAPES[0]))
    head, by_id, _ = ask(mock, identifier(shape))
    _, by_header, _ = ask(mock, II(identifier(shape).root, "anything"), x_mock_response=measure_id_of(shape))
    expected = 0 if shape.is_checksum_only else 12
    assert [len(by_id), len(by_header)] == [expected, expected]
    assert head.measurement_checksum != EMPTY_CHECKSUM
    assert {m.performing_organization for m in by_id} <= {shape.organization}
    assert {m.measure_id.extension for m in by_header} <= {"anything"}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("ProportionMeasure-Land", ProportionMeasure),
        ("ContinuousVariableMeasure-Land", ContinuousVariableMeasure),
        ("CohortMeasure-Land", CohortMeasure),
        ("MissingMeasure-Land", MissingMeasure),
    ],
)
def test_four_kinds_of_measure(name: str, kind: type, mock: MockServer) -> None:
    shape = find_shape(name)
    assert shape is not None
    assert {type(m.measure) for m in ask(mock, identifier(shape))[1]} == {kind}


def test_names_are_found_in_any_case_with_or_without_their_prefix() -> None:
    names = ("Response-Land", "LAND", "response-land.xml", " Land ")
    assert {find_shape(name) for name in names} == {SHAPES[0]}
    assert find_shape("Response-Nothing") is None


def test_unknown_indicator_and_period_without_values_give_an_empty_report(mock: MockServer) -> None:
    for ids, period in (((II("1.2", "x"),), YEAR), ((identifier(SHAPES[0]),), DatePeriod("19000101", "19001231"))):
        head, measurements, response = ask(mock, *ids, period=period)
        assert response.status_code == 200
        assert measurements == []
        assert head.measurement_checksum == EMPTY_CHECKSUM
        assert head.reporting_period == period


def test_checksum_is_the_same_without_measurements(mock: MockServer) -> None:
    full, measurements, _ = ask(mock, identifier(SHAPES[0]))
    alone, none, _ = ask(mock, identifier(SHAPES[0]), include=False)
    assert len(measurements) == 12
    assert none == []
    assert alone == full


@pytest.mark.parametrize("name", ["no-such-fault", "delay:soon", "status:x"])
def test_unknown_fault_is_told(name: str, mock: MockServer) -> None:
    with pytest.raises(UsageError):
        find_fault(name)
    assert post(mock, b"", **{"x-mock-fault": name}).status_code == 400


def test_get_is_refused_and_chunked_requests_are_asked_for_a_length(mock: MockServer) -> None:
    assert httpx.get(mock.url, trust_env=False).status_code == 405
    assert post(mock, iter([b"<x/>"])).status_code == 411


def test_port_in_use_is_told(mock: MockServer) -> None:
    port = mock.server_address[1]
    with pytest.raises(ConfigurationError, match="Choose another --port"):
        MockServer(("127.0.0.1", port))


@pytest.mark.parametrize("fault", ["delay:0.3", "status:503", "vp:VP009"])
def test_faults_with_an_argument(fault: str, mock: MockServer) -> None:
    body = CONTRACT.codec.write_request("SE9990001112-PROD", QualityIndicatorsRequest((identifier(SHAPES[0]),), YEAR))
    begun = time.perf_counter()
    response = post(mock, body, **{"x-mock-fault": fault})
    seconds = time.perf_counter() - begun
    expected = {"delay:0.3": (200, b"Riket"), "status:503": (503, b""), "vp:VP009": (500, b"VP009")}[fault]
    assert response.status_code == expected[0]
    assert expected[1] in response.content
    assert seconds >= (0.3 if fault.startswith("delay") else 0)
