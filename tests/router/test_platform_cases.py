"""Cases 1-70 of platform reference 10 against a running router, in both modes; the data says which and what."""

from __future__ import annotations

import json
import re
import ssl
import tomllib
from collections.abc import Callable
from typing import Any

import pytest
from router_cases import check_fault, run_case
from router_lab import DATA, Lab, Reply, message

from router.embedded import running_router
from router.settings import TlsOverride

CASES: list[dict[str, Any]] = tomllib.loads((DATA / "platform_cases.toml").read_text(encoding="utf-8"))["case"]


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
    run_case(lab, case, mode)


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
        check_fault(lab.call(router.https_url, message()), {"fault": "VP008", "code": "Server"})
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
            check_fault(old, {"fault": "VP004", "code": "Client"})
            check_fault(lab.call(router.https_url, message("SE9990001112-NEW")), {"fault": "VP007", "code": "Client"})


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
        check_fault(refused, {"fault": "VP009", "code": "Server"})


_SCENARIOS: dict[str, Callable[[Lab, str], None]] = {
    "no_client_certificate": _no_client_certificate,
    "no_catalogue": _no_catalogue,
    "kept_copy": _kept_copy,
    "empty_permissions": _empty_permissions,
    "wsdl": _wsdl,
    "internal_exception": _internal_exception,
    "tls_overrides": _tls_overrides,
}
