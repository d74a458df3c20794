"""Runs a case of the data files: makes the request, calls the router, holds answer and arrival against the data."""

from __future__ import annotations

import base64
import re
import time
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding
from router_lab import ANSWER, CONTRACT, FAULT, LATIN_1, Lab, Reply, message

_BODIES = {"answer": ANSWER, "fault": FAULT, "latin-1": LATIN_1}


def run_case(lab: Lab, case: dict[str, Any], mode: str, body: bytes | None = None) -> None:
    """Run one case in one mode; ``body`` replaces the request that the data describes."""
    router = lab.router(mode, **case.get("settings", {}))
    request = case.get("request", {})
    described, headers = _request(lab, request)
    sent = described if body is None else body
    marker = headers["x-rivta-case"] = lab.new_case()
    url = router.http_url if case.get("entry") == "http" else router.https_url
    begun = time.monotonic()
    reply = lab.call(
        url,
        sent,
        headers=headers,
        certificate=request.get("certificate", "consumer"),
        method=request.get("method", "POST"),
        **({"path": request["path"]} if "path" in request else {}),
    )
    elapsed_s = time.monotonic() - begun
    expected = case.get("expect_compat", case["expect"]) if mode == "compat" else case["expect"]
    check_reply(reply, expected)
    assert elapsed_s >= expected.get("least_s", 0)
    _check_producer(lab, marker, expected, sent)


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


def check_reply(reply: Reply, expected: dict[str, Any]) -> None:
    """Hold an answer against what the data expects; nothing of the inside may stand in it."""
    assert all(inside not in reply.text for inside in ("Traceback", ".py", "site-packages"))
    if "fault" in expected:
        check_fault(reply, expected)
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


def check_fault(reply: Reply, expected: dict[str, Any]) -> None:
    """Hold a fault of the router against the platform's shape and the data."""
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
    for text in expected.get("no_text", ()):
        assert text not in reply.text


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
