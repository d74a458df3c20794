"""The gate in this process: its answers, faults, documents and log lines. From outside: tests/serving."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest
from lxml import etree
from memory_register import MemoryRegister, measurement
from producer_messages import CONSUMER, Q1, SYSTEM, Answered, message, settings
from structlog.testing import capture_logs

from contracts.registry import GET_QUALITY_INDICATORS_2
from producer.gate import Gate
from producer.identity import CONNECTION_KEY, ConnectionFacts
from producer.settings import PLATFORM_LIMIT_BYTES

Call = Callable[..., Answered]
PATH = GET_QUALITY_INDICATORS_2.path


@pytest.fixture
def gate(register: MemoryRegister) -> Gate:
    return Gate(settings(), register)


@pytest.fixture
def logs() -> Iterator[list[Any]]:
    with capture_logs() as lines:
        yield lines


def test_golden_empty_answer(gate: Gate, call: Call) -> None:
    answer = call(gate, message("unknown"))
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/xml; charset=UTF-8"
    assert answer.body.decode() == (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"'
        ' xmlns:r="urn:riv:followup:groupoutcomes:qualityreporting:GetQualityIndicatorsResponder:2"'
        ' xmlns:c="urn:riv:followup:groupoutcomes:qualityreporting:2">'
        "<e:Body><r:GetQualityIndicatorsResponse><r:AggregatedQualityReport>"
        "<c:measurementChecksum>e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855</c:measurementChecksum>"
        "<c:reportingPeriod><c:start>20240101</c:start><c:end>20241231</c:end></c:reportingPeriod>"
        "<c:reportingSystem><c:hsaId>SE9990001112-PROD</c:hsaId><c:name>Exempelsystemet</c:name></c:reportingSystem>"
        "<c:reportingOrganization><c:hsaId>SE9990001112-0001</c:hsaId>"
        "<c:name>Exempelorganisationen</c:name></c:reportingOrganization>"
        "</r:AggregatedQualityReport></r:GetQualityIndicatorsResponse></e:Body></e:Envelope>"
    )


def test_golden_fault(gate: Gate, call: Call, logs: list[Any]) -> None:
    answer = call(gate, message("M1", address="SE9990001112-ELSE"))
    assert answer.status == 500
    assert answer.body.decode() == (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><e:Fault>'
        "<faultcode>e:Client</faultcode><faultstring>The logical address is not served here.</faultstring>"
        '<detail><f:error xmlns:f="urn:indikatorbryggan:fault:1"><f:code>unknown-logical-address</f:code>'
        f"<f:incidentId>{logs[0]['incident_id']}</f:incidentId></f:error></detail>"
        "</e:Fault></e:Body></e:Envelope>"
    )


def test_the_answer_names_the_address_as_the_settings_write_it(register: MemoryRegister, call: Call) -> None:
    gate = Gate(settings(logical_addresses=("SE9990001112-AaBb",)), register)
    answer = call(gate, message("M1", address="se9990001112-aAbB"))
    assert b"<c:hsaId>SE9990001112-AaBb</c:hsaId>" in answer.body
    assert call(gate, message("M1", address=SYSTEM)).status == 500


def test_nobody_is_let_in_when_nobody_is_listed(register: MemoryRegister, call: Call, logs: list[Any]) -> None:
    assert call(Gate(settings(allowed_callers=()), register), message("M1")).status == 500
    assert logs[0]["outcome"] == "access-denied"


def test_a_caller_is_refused_before_its_body_is_looked_at(gate: Gate, call: Call) -> None:
    refused = call(gate, b"not even XML", sender="other")
    known = call(gate, message("M1"), sender="other")
    unknown = call(gate, message("M1", address="nobody"), sender="other")

    def without_incident(answer: Answered) -> bytes:
        return re.sub(rb"<f:incidentId>.*?</f:incidentId>", b"", answer.body)

    assert without_incident(refused) == without_incident(known) == without_incident(unknown)
    assert b"access-denied" in known.body
    assert call(gate, message("M1"), sender="nobody").status == 403


def test_a_certificate_header_counts_only_behind_a_proxy(
    register: MemoryRegister, call: Call, pem: Callable[[str], str]
) -> None:
    header = {"HTTP_X_CLIENT_CERT": quote(pem("consumer"), safe="")}
    assert b"access-denied" in call(Gate(settings(), register), message("M1"), sender="other", **header).body
    behind = Gate(settings(behind_proxy=True, tls=None), register)
    assert call(behind, message("M1"), sender="nobody", **header).status == 200
    assert call(behind, message("M1"), sender="consumer").status == 403


def test_a_broken_register_is_a_server_fault_to_retry(
    gate: Gate, register: MemoryRegister, call: Call, logs: list[Any]
) -> None:
    register.is_broken = True
    answer = call(gate, message("M1"))
    assert answer.status == 503
    assert answer.headers["retry-after"] == "5"
    assert b"e:Server" in answer.body
    assert b"/secret/path" not in answer.body
    assert logs[0]["detail"] == "/secret/path/register.db"


def test_a_defect_is_a_server_fault_with_the_incident_id_of_the_log(
    gate: Gate, register: MemoryRegister, call: Call, logs: list[Any]
) -> None:
    def fail(*_: object) -> None:
        raise KeyError("SECRET-VALUE")

    register.select = fail  # type: ignore[method-assign, assignment]
    answer = call(gate, message("M1"))
    assert answer.status == 500
    assert b"e:Server" in answer.body
    assert b"SECRET" not in answer.body
    assert b"KeyError" not in answer.body
    (line,) = logs
    assert line["log_level"] == "error"
    assert line["error"] == "KeyError"
    assert line["where"][-1].endswith("fail")
    assert line["incident_id"].encode() in answer.body
    assert "SECRET" not in repr(line)


def test_an_answer_that_breaks_off_is_logged_and_never_looks_whole(
    gate: Gate, register: MemoryRegister, certificates: dict[str, bytes], logs: list[Any]
) -> None:
    body = message("M1")
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": PATH,
        "CONTENT_TYPE": "text/xml",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        CONNECTION_KEY: ConnectionFacts(certificates["consumer"]),
    }
    answer = gate(environ, lambda _status, _headers: None)
    register.is_broken = True
    with pytest.raises(Exception, match="cannot be read"):
        list(answer)
    answer.close()  # type: ignore[attr-defined]
    assert register.opened == register.closed == 1
    (line,) = logs
    assert line["outcome"] == "register-unavailable"
    assert line["aborted"] is True


def test_a_request_that_waited_too_long_is_refused(gate: Gate, call: Call) -> None:
    assert call(gate, message("M1"), waited_s=4.0).status == 200
    refused = call(gate, message("M1"), waited_s=6.0)
    assert refused.status == 503
    assert "retry-after" in refused.headers


def test_the_log_line_of_an_answer(gate: Gate, call: Call, logs: list[Any]) -> None:
    body = message("M1")
    answer = call(
        gate, body, HTTP_X_SKLTP_CORRELATION_ID="corr", HTTP_X_RIVTA_ORIGINAL_SERVICECONSUMER_HSAID="SE1\x1b[2J"
    )
    (line,) = logs
    assert line.pop("ms") >= 0
    assert line == {
        "event": "request",
        "log_level": "info",
        "correlation_id": "corr",
        "peer": "127.0.0.1",
        "tls": "TLSv1.3",
        "method": "POST",
        "original_sender": "SE1\\u001b[2J",
        "contract": "GetQualityIndicators:2",
        "sender": CONSUMER,
        "bytes_in": len(body),
        "logical_address": SYSTEM,
        "outcome": "ok",
        "measurement_count": 6,
        "gzip": False,
        "status": 200,
        "bytes_out": len(answer.body),
    }


def test_an_answer_over_the_platform_limit_is_whole_and_warned_of(call: Call, logs: list[Any]) -> None:
    register = MemoryRegister(measurement("M1", Q1, unit) for unit in range(200))
    entry = register._entries[0]
    big = register._plain[0] * (PLATFORM_LIMIT_BYTES // entry.byte_length + 1)
    register._plain[0] = big
    object.__setattr__(entry, "byte_length", len(big))
    answer = call(Gate(settings(), register), message("M1"))
    assert answer.status == 200
    assert len(answer.body) > PLATFORM_LIMIT_BYTES
    assert max(answer.pieces) <= 128 * 1024
    assert logs[0]["warning"] == "answer-over-platform-limit"
    assert logs[0]["log_level"] == "warning"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "TRACE", "CONNECT", "OPTIONS", "PATCH"])
def test_other_methods_are_refused_on_any_path(method: str, gate: Gate, call: Call) -> None:
    for path in (PATH, "/elsewhere", ""):
        answer = call(gate, REQUEST_METHOD=method, PATH_INFO=path)
        assert answer.status == 405
        assert answer.headers["allow"] == "POST"
        assert answer.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize("path", ["/", "", PATH + "/", PATH.upper(), "/health/live"])
def test_other_paths_are_not_found(path: str, gate: Gate, call: Call) -> None:
    assert call(gate, message("M1"), PATH_INFO=path).status == 404
    assert call(gate, PATH_INFO=path, REQUEST_METHOD="GET").status == 404


def test_a_path_with_escapes_is_not_found(gate: Gate, call: Call) -> None:
    assert call(gate, message("M1"), RAW_URI=PATH.replace("/", "%2F")).status == 404
    assert call(gate, message("M1"), RAW_URI=f"{PATH}?a=%2F").status == 200


def test_head_of_the_wsdl_has_no_body(gate: Gate, call: Call, logs: list[Any]) -> None:
    answer = call(gate, REQUEST_METHOD="HEAD", QUERY_STRING="wsdl")
    assert answer.status == 200
    assert answer.body == b""
    assert int(answer.headers["content-length"]) > 1000
    assert "aborted" not in logs[0]


@pytest.mark.parametrize(
    ("environ", "public_url", "expected"),
    [
        ({"HTTP_HOST": "producer.example:8443"}, None, "https://producer.example:8443"),
        ({"HTTP_HOST": "[::1]:8443"}, None, "https://[::1]:8443"),
        ({"HTTP_HOST": 'evil"><x>'}, None, "https://127.0.0.1:8443"),
        ({"HTTP_HOST": "user@evil.example"}, None, "https://127.0.0.1:8443"),
        ({"HTTP_HOST": "evil.example/path"}, None, "https://127.0.0.1:8443"),
        ({}, None, "https://127.0.0.1:8443"),
        ({"HTTP_HOST": "inside"}, "https://public.example", "https://public.example"),
        ({"HTTP_HOST": "inside"}, "https://public.example:444/", "https://public.example:444"),
    ],
)
def test_the_wsdl_names_the_configured_or_a_well_formed_address(
    environ: dict[str, str], public_url: str | None, expected: str, register: MemoryRegister, call: Call
) -> None:
    gate = Gate(settings(public_url=public_url), register)
    answer = call(gate, REQUEST_METHOD="GET", QUERY_STRING="wsdl", **environ)
    assert etree.fromstring(answer.body).xpath("//@location") == [expected + PATH]
    assert all(
        str(one).startswith(f"{expected}{PATH}?xsd=")
        for one in etree.fromstring(answer.body).xpath("//@schemaLocation")
    )


def test_health_is_answered_on_its_own_listener_only(gate: Gate, register: MemoryRegister, logs: list[Any]) -> None:
    def probe(path: str) -> tuple[str, bytes]:
        started: list[str] = []
        environ = {"REQUEST_METHOD": "GET", "PATH_INFO": path, CONNECTION_KEY: ConnectionFacts(is_health=True)}
        body = gate(environ, lambda status, _headers: started.append(status))
        return started[0], b"".join(body)

    assert probe("/health/ready") == ("200 OK", b'{"status": "ok"}')
    register.is_broken = True
    assert probe("/health/live") == ("200 OK", b'{"status": "ok"}')
    assert probe("/health/ready") == ("503 Service Unavailable", b'{"status": "register-unavailable"}')
    assert probe(PATH)[0].startswith("404")
    assert logs == []
