"""Hostile and broken input from callers and producers, in both modes, as data; after each, a good call succeeds.

With every case: an answer soon, and nothing of the inside in it (robustness reference 2).
"""

from __future__ import annotations

import gzip
import http.client
import re
import ssl
import time
import tomllib
from typing import Any

import pytest
from router_cases import run_case
from router_lab import DATA, Lab, message

CASES: list[dict[str, Any]] = tomllib.loads((DATA / "hostile_cases.toml").read_text(encoding="utf-8"))["case"]
_GOOD = message()
_PROLOG, _, _REST = _GOOD.partition("?>")
_SOAP12 = "http://www.w3.org/2003/05/soap-envelope"
_SOAP11 = "http://schemas.xmlsoap.org/soap/envelope/"
_LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
_ADDRESS = re.compile(r"<a:LogicalAddress.*</a:LogicalAddress>")
_BODY = re.compile(r"<s:Body>(.*)</s:Body>")


def _doctype(subset: str, address: str = "SE9990001112-ECHO") -> str:
    return f"{_PROLOG}?><!DOCTYPE s [{subset}]>{message(address).partition('?>')[2]}"


def _address_twice(first: str, second: str) -> str:
    return _ADDRESS.sub(first + second, _GOOD)


_OWN = '<a:LogicalAddress xmlns:a="urn:riv:itintegration:registry:1">SE9990001112-{}</a:LogicalAddress>'
_FOREIGN = '<f:LogicalAddress xmlns:f="urn:foreign">SE9990001112-FOREIGN</f:LogicalAddress>'
_TO = '<w:To xmlns:w="http://www.w3.org/2005/08/addressing">SE9990001112-OTHER</w:To>'
_RAW: dict[str, str | bytes] = {
    "gzip": gzip.compress(b"0" * 10_000_000),
    "invalid-utf8": _GOOD.encode().replace(b"<c:filler>", b"<c:filler>\xff"),
    "invalid-utf8-address": _GOOD.encode().replace(b"-ECHO", b"-\xff\xfe"),
    "utf8-bom": b"\xef\xbb\xbf" + _GOOD.encode(),
    "utf16-bom": _GOOD.replace("UTF-8", "UTF-16").encode("utf-16"),
    "billion-laughs": _doctype(f'<!ENTITY l0 "lol">{_LAUGHS}', "&l9;"),
    "quadratic": _doctype(f'<!ENTITY q "{"x" * 50_000}">', "&q;" * 5000),
    "external-entity": _doctype('<!ENTITY e SYSTEM "file:///etc/passwd">', "&e;"),
    "doctype": _doctype(""),
    "instruction": f'{_PROLOG}?><?xml-stylesheet href="file:///etc/passwd"?>{_REST}',
    "deep": _GOOD.partition("<c:filler>")[0].partition("<s:Body>")[0] + "<deep>" * 100_000,
    "attributes": _GOOD.replace("<c:filler>", "<c:filler " + " ".join(f"a{n}='1'" for n in range(50_000)) + ">"),
    "no-envelope": "<hello/>",
    "envelope-without-namespace": re.sub(r"(</?)s:", r"\1", _GOOD),
    "soap12": _GOOD.replace(_SOAP11, _SOAP12),
    "no-body": _BODY.sub("", _GOOD),
    "empty-body": _BODY.sub("<s:Body/>", _GOOD),
    "two-bodies": _BODY.sub(r"<s:Body>\1</s:Body><s:Body>\1</s:Body>", _GOOD),
    "two-children": _BODY.sub(r"<s:Body>\1\1</s:Body>", _GOOD),
    "two-addresses": _address_twice(_OWN.format("ECHO"), _OWN.format("LAST")),
    "both-kinds": _address_twice(_TO, _OWN.format("NOBODY")),
    "foreign-address-before": _address_twice(_FOREIGN, _OWN.format("ECHO")),
    "foreign-address-after": _address_twice(_OWN.format("ECHO"), _FOREIGN),
}


def _parameters() -> list[Any]:
    return [
        pytest.param(case, mode, id=f"{case['id']}-{mode}-{case['title']}")
        for case in CASES
        for mode in case.get("modes", ("strict", "compat"))
    ]


@pytest.mark.parametrize(("case", "mode"), _parameters())
def test_hostile_case(lab: Lab, case: dict[str, Any], mode: str) -> None:
    raw = _RAW.get(case.get("request", {}).get("raw", ""))
    body = raw.encode() if isinstance(raw, str) else raw
    begun = time.monotonic()
    if case["expect"].get("tls") == "refused":
        with pytest.raises((ssl.SSLError, ConnectionError, http.client.RemoteDisconnected)):
            run_case(lab, case, mode, body)
    else:
        run_case(lab, case, mode, body)
    assert time.monotonic() - begun < 4
    assert lab.call(lab.router(mode).https_url, _GOOD).status == 200
