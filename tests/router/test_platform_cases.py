"""Cases 1-70 of platform reference 10 against a running router, in both modes; the data says which and what."""

from __future__ import annotations

import base64
import json
import re
import ssl
import time
import tomllib
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from router_lab import ANSWER, CONTRACT, DATA, FAULT, Lab, Reply, message

from router.embedded import running_router
from router.settings import TlsOverride

CASES: list[dict[str, Any]] = tomllib.loads((DATA / "platform_cases.toml").read_text(encoding="utf-8"))["case"]
_BODIES = {"answer": ANSWER, "fault": FAULT}


def _parameters() -> list[Any]:
    return [
        pytest.param(case, mode, id=f"{case['id']:02}-{mode}-{case['title']}")
        for case in CASES
        for mode in case.get("modes", ("strict", "compat"))
    ]


def test_every_case_of_the_reference_is_listed() -> None:
    assert {case["id"] for case in CASES} == set(range(1, 71))


@pytest.mark.parametrize(("case", "mode"), _parameters())
def test_platform_case(lab: Lab, case: dict[str, Any], mode: str) -> None:
    if "scenario" in case:
        _SCENARIOS[case["scenario"]](lab, mode)
        return
    router = lab.router(mode, **case.get("settings", {}))
    request = case.get("request", {})
    body, headers = _request(lab, request)
    marker = headers["x-rivta-case"] = lab.new_case()
    url = router.http_url if case.get("entry") == "http" else router.https_url
    begun = time.monotonic()
    reply = lab.call(
        url,
        body,
        headers=headers,
        certificate=request.get("certificate", "consumer"),
        method=request.get("method", "POST"),
        **({"path": request["path"]} if "path" in request else {}),
    )
    elapsed_s = time.monotonic() - begun
    expected = case.get("expect_compat", case["expect"]) if mode == "compat" else case["expect"]
    _check_reply(reply, expected)
    assert elapsed_s >= expected.get("least_s", 0)
    _check_producer(lab, marker, expected, body)


def _request(lab: Lab, request: dict[str, Any]) -> tuple[bytes, dict[str, str]]:
    headers = dict(request.get("headers", {}))
    if "certificate_header" in request:
        headers["x-vp-auth-cert"] = _certificate_header(lab, request["certificate_header"])
    if "body" in request:
        return request["body"].encode(), headers
    receiver = request.get("receiver", "ECHO")
    text = message(
        None
        if request.get("no_address")
        else request.get("receiver_text", f"SE9990001112-{receiver}" if receiver else ""),
        contract=f"urn:riv:example:router:{request['contract']}Responder:1" if "contract" in request else CONTRACT,
        profile=request.get("profile", "21"),
        declared_on=request.get("declared_on", "element"),
        filler="x" * request.get("filler_bytes", 0),
    )
    if "prolog" in request:
        headers.setdefault("Content-Type", "text/xml")
        return text.replace("UTF-8", request["prolog"], 1).encode(), headers
    if request.get("wrap") == "mtom":
        headers["Content-Type"] = 'multipart/related; boundary=x; type="application/xop+xml"; start-info="text/xml"'
        xml = text.partition("?>")[2]
        return f"--x\r\nContent-Type: application/xop+xml\r\n\r\n{xml}\r\n--x--\r\n".encode(), headers
    charset = request.get("charset", "UTF-8")
    headers.setdefault("Content-Type", f"text/xml; charset={charset}")
    return text.replace("UTF-8", charset, 1).encode(charset), headers


def _certificate_header(lab: Lab, kind: str) -> str:
    issued = lab.issued["untrusted" if kind == "untrusted" else "consumer"]
    if kind != "base64-chain":
        return issued.certificate.public_bytes(Encoding.PEM).decode().strip().replace("\n", " ")
    chain = (issued.certificate, *issued.chain)
    return ",".join(base64.b64encode(one.public_bytes(Encoding.DER)).decode() for one in chain)


def _check_reply(reply: Reply, expected: dict[str, Any]) -> None:
    if "fault" in expected:
        _check_fault(reply, expected)
    else:
        assert reply.status == expected["status"], reply.text
    for name, pattern in expected.get("headers", {}).items():
        assert re.fullmatch(pattern, reply.headers.get(name, "")), (name, reply.headers.items())
    for name in expected.get("absent", ()):
        assert name not in reply.headers
    for text in expected.get("contains", ()):
        assert text in reply.text
    if "body" in expected:
        assert reply.body == _BODIES[expected["body"]]
    if "body_text" in expected:
        assert reply.text == expected["body_text"]


def _check_fault(reply: Reply, expected: dict[str, Any]) -> None:
    assert reply.status == 500
    assert reply.headers["Content-Type"] == "text/xml; charset=UTF-8"
    assert reply.headers["x-skltp-correlation-id"]
    found = re.fullmatch(
        r'<\?xml version="1.0" encoding="UTF-8"\?><SOAP-ENV:Envelope xmlns:SOAP-ENV="[^"]+"><SOAP-ENV:Header/>'
        r"<SOAP-ENV:Body><SOAP-ENV:Fault><faultcode>SOAP-ENV:(?P<code>\w+)</faultcode>"
        r"<faultstring>(?P<vp>VP\d{3}) \[The platform under test\] (?P<text>[^<]+)</faultstring>"
        r"<detail><detailString>(?P<detail>[^<]*)</detailString></detail>"
        r"</SOAP-ENV:Fault></SOAP-ENV:Body></SOAP-ENV:Envelope>",
        reply.text,
    )
    assert found, reply.text
    assert (found["vp"], found["code"]) == (expected["fault"], expected["code"]), found["detail"]
    for text in expected.get("detail", ()):
        assert text in found["detail"]
    for text in expected.get("no_detail", ()):
        assert text not in found["detail"]


def _check_producer(lab: Lab, marker: str, expected: dict[str, Any], sent: bytes) -> None:
    arrivals = lab.arrivals(marker)
    wanted = expected.get("producer")
    if wanted is None:
        return
    assert len(arrivals) == wanted.get("attempts", 1)
    arrival = arrivals[-1]
    for name, value in wanted.get("headers", {}).items():
        assert arrival.headers.get(name) == value
    for name in wanted.get("absent", ()):
        assert name not in arrival.headers
    text = arrival.body.decode()
    for part in wanted.get("contains", ()):
        assert part in text
    for part in wanted.get("lacks", ()):
        assert part not in text
    if "path" in wanted:
        assert arrival.path == wanted["path"]
    if wanted.get("body") == "same":
        assert arrival.body in sent
        assert b"Envelope" in arrival.body


def _no_client_certificate(lab: Lab, mode: str) -> None:
    router = lab.router(mode)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        lab.call(router.https_url, message(), certificate=None)
    assert lab.call(router.https_url, message()).status == 200


def _status(lab: Lab, admin_url: str | None, page: str = "/status") -> Reply:
    return lab.call(admin_url, method="GET", path=page)


def _no_catalogue(lab: Lab, mode: str) -> None:
    settings = lab.settings(mode)
    settings.catalogue.unlink()
    with running_router(settings) as router:
        _check_fault(lab.call(router.https_url, message()), {"fault": "VP008", "code": "Server"})
        readiness = _status(lab, router.admin_url, "/actuator/health/readiness")
        assert readiness.status == 503
        assert json.loads(readiness.body)["components"]["takCache"]["details"]["refreshStatus"] == "REFRESH_FAILED"
        settings.catalogue.write_text(lab.catalogue_text(), encoding="utf-8")
        assert "Success: true" in _status(lab, router.admin_url, "/resetcache").text
        assert lab.call(router.https_url, message()).status == 200


def _kept_copy(lab: Lab, mode: str) -> None:
    settings = lab.settings(mode)
    with running_router(settings):
        pass
    settings.catalogue.write_text("this is [not a catalogue", encoding="utf-8")
    with running_router(settings) as router:
        assert lab.call(router.https_url, message()).status == 200
        status = json.loads(_status(lab, router.admin_url).body)
        assert "Status:RESTORED_FROM_LOCAL_CACHE" in status["TakCacheResetInfo"]
        assert status["TakCacheInitialized"] == "true"
        assert _status(lab, router.admin_url, "/actuator/health/readiness").status == 200


def _empty_permissions(lab: Lab, mode: str) -> None:
    settings = lab.settings(mode)
    with running_router(settings) as router:
        route = lab.catalogue_text().partition("[[permissions]]")[0].replace("SE9990001112-ECHO", "SE9990001112-NEW")
        settings.catalogue.write_text(route, encoding="utf-8")
        assert "REUSING_EXISTING_CACHE" in _status(lab, router.admin_url, "/resetcache").text
        old = lab.call(router.https_url, message())
        if mode == "strict":
            assert old.status == 200
        else:  # the platform has taken the new routes already, and kept the old permissions
            _check_fault(old, {"fault": "VP004", "code": "Client"})
            _check_fault(lab.call(router.https_url, message("SE9990001112-NEW")), {"fault": "VP007", "code": "Client"})


def _wsdl(lab: Lab, mode: str) -> None:
    router = lab.router(mode)
    path = "/vp/followup/groupoutcomes/qualityreporting/GetQualityIndicators/2/rivtabp21"
    forwarded = {
        "X-VP-Forwarded-Proto": "https",
        "X-VP-Forwarded-Host": "platform.test",
        "X-VP-Forwarded-Port": "443",
    }
    public = f"https://platform.test:443{path}"
    wsdl = lab.call(router.http_url, method="GET", path=f"{path}?wsdl", headers=forwarded)
    assert wsdl.status == 200
    assert wsdl.headers["Content-Type"] == ("text/xml; charset=UTF-8" if mode == "strict" else "text/xml;UTF-8")
    assert f'location="{public}"' in wsdl.text
    locations = re.findall(r'schemaLocation="([^"]+)"', wsdl.text)
    assert locations
    for location in locations:
        assert location.startswith(f"{public}?xsd=")
        schema = lab.call(router.http_url, method="GET", path=path + location.removeprefix(public), headers=forwarded)
        assert schema.status == 200
        nested = re.findall(r'schemaLocation="([^"]+)"', schema.text)
        assert all(one.startswith(f"{public}?xsd=") for one in nested)
    unknown = lab.call(router.http_url, method="GET", path=f"{path.upper().replace('/VP', '/vp')}?xsd=../../no.xsd")
    assert unknown.status == 500
    assert "Fault" in unknown.text


def _internal_exception(lab: Lab, mode: str) -> None:
    router = lab.router(mode, faults_by_header=True)
    reply = lab.call(router.https_url, message(), headers={"x-brygga-inject": "internal-error"})
    assert reply.status == 500
    assert "<faultcode>SOAP-ENV:Server</faultcode>" in reply.text
    assert "VP0" not in reply.text
    assert ("This error was asked for by a test." in reply.text) is (mode == "compat")
    correlation = reply.headers["x-skltp-correlation-id"]
    log = router.router.settings.message_log
    assert log is not None
    entries = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    actions = [entry["event"]["action"] for entry in entries if entry["trace"]["id"] == correlation]
    assert actions == ["req-in", "req-out", "error", "resp-out"]


def _tls_overrides(lab: Lab, mode: str) -> None:
    overrides = (
        TlsOverride(
            "old producers", domain_suffix="host", port=lab.producers.ports["legacy"], maximum_version="TLSv1.2"
        ),
        TlsOverride("port alone matches nothing", port=lab.producers.ports["modern"], maximum_version="TLSv1.2"),
        TlsOverride("new producers", domain_name="LOCALHOST", minimum_version="TLSv1.3"),
    )
    producer = "urn:riv:example:router:GetProducerResponder:1"
    with running_router(lab.settings(mode, tls_overrides=overrides)) as router:
        for receiver, version in (("MODERN", "TLSv1.3"), ("LEGACY", "TLSv1.2"), ("MODERN", "TLSv1.3")):
            marker = lab.new_case()
            text = message(f"SE9990001112-{receiver}", contract=producer)
            assert lab.call(router.https_url, text, headers={"x-rivta-case": marker}).status == 200
            assert [arrival.tls_version for arrival in lab.arrivals(marker)] == [version]
    only_new = (TlsOverride("new only", domain_name="localhost", minimum_version="TLSv1.3"),)
    with running_router(lab.settings(mode, tls_overrides=only_new)) as router:
        refused = lab.call(router.https_url, message("SE9990001112-LEGACY", contract=producer))
        _check_fault(refused, {"fault": "VP009", "code": "Server"})


_SCENARIOS: dict[str, Callable[[Lab, str], None]] = {
    "no_client_certificate": _no_client_certificate,
    "no_catalogue": _no_catalogue,
    "kept_copy": _kept_copy,
    "empty_permissions": _empty_permissions,
    "wsdl": _wsdl,
    "internal_exception": _internal_exception,
    "tls_overrides": _tls_overrides,
}
