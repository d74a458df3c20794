"""Callers with a certificate that is wrong in one way (robustness reference, D rows that concern the router)."""

from __future__ import annotations

import http.client
import json
import ssl
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from router_cases import check_fault
from router_lab import CONSUMER, Lab, message

from certs.bad_set import BadCertificate, make_bad_set
from certs.tls import client_context
from router.embedded import running_router

_REFUSED = (ssl.SSLError, ConnectionError, http.client.RemoteDisconnected)


@pytest.fixture(scope="module")
def bad_set(lab: Lab) -> Mapping[str, BadCertificate]:
    return make_bad_set(lab.authority, lab.folder / "bad-set", CONSUMER, "localhost")


def call_with(lab: Lab, url: str | None, bad: BadCertificate) -> None:
    """Call with a bad certificate; whoever refuses must be the one that the set names."""
    context = client_context(lab.tls("consumer"))
    context.set_ciphers(f"DEFAULT:@SECLEVEL={bad.security_level}")
    context.load_cert_chain(bad.certificate, bad.private_key)
    port = int(str(url).split(":")[2].split("/")[0])
    connection = http.client.HTTPSConnection("localhost", port, context=context, timeout=10)
    try:
        connection.request("POST", "/vp", message())
        with connection.getresponse() as answer:
            assert answer.status == 500
            body = answer.read().decode()
        assert "VP002" in body, bad.name
    finally:
        connection.close()


def test_bad_callers_get_no_further_than_the_set_says(lab: Lab, bad_set: Mapping[str, BadCertificate]) -> None:
    crl = lab.authority.crl_path
    with running_router(lab.settings("strict", tls=replace(lab.tls("router-in"), crl=crl))) as router:
        seen = set()
        for bad in bad_set.values():
            if bad.role == "server" or (bad.crl is not None and bad.name != "revoked"):
                continue
            seen.add(bad.name)
            if bad.refused_by == "tls":
                with pytest.raises(_REFUSED):
                    call_with(lab, router.https_url, bad)
            elif bad.refused_by == "application":
                call_with(lab, router.https_url, bad)
        assert {"expired", "not-yet-valid", "other-ca", "self-signed", "eku-none", "ca-as-leaf", "revoked"} <= seen
        assert lab.call(router.https_url, message()).status == 200


def test_stale_revocation_list_refuses_everyone(lab: Lab, bad_set: Mapping[str, BadCertificate]) -> None:
    stale = bad_set["crl-stale"].crl
    with running_router(lab.settings("strict", tls=replace(lab.tls("router-in"), crl=stale))) as router:
        with pytest.raises(_REFUSED):
            lab.call(router.https_url, message())
        status = json.loads(lab.call(router.admin_url, method="GET", path="/status").body)
        assert status["TakCacheInitialized"] == "true"


def test_compat_believes_a_certificate_without_purpose(lab: Lab) -> None:
    assert lab.call(lab.router("compat").https_url, message(), certificate="no-purpose").status == 200
    strict = lab.call(lab.router("strict").https_url, message(), certificate="no-purpose")
    check_fault(strict, {"fault": "VP002", "code": "Client", "detail": ["extended key usage"]})


def test_certificate_that_runs_out_while_its_connection_is_kept(lab: Lab) -> None:
    ends_at = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=2)
    key = lab.issued["consumer"].private_key
    profile = lab.authority.profile_for(CONSUMER, "localhost", "Test", "Test")
    lab.authority.issue_profile(replace(profile, valid_to=ends_at), key).write(lab.folder / "keys", "brief")
    context = client_context(lab.tls("brief"))
    callers = {}
    for mode in ("strict", "compat"):
        port = int(str(lab.router(mode).https_url).split(":")[2].split("/")[0])
        callers[mode] = http.client.HTTPSConnection("localhost", port, context=context, timeout=10)
        assert call_again(callers[mode])[0] == 200
    time.sleep((ends_at - datetime.now(UTC)).total_seconds() + 0.05)
    status, body = call_again(callers["strict"])
    assert (status, "VP002" in body, "has run out" in body) == (500, True, True)
    assert call_again(callers["compat"])[0] == 200
    for caller in callers.values():
        caller.close()


def call_again(connection: http.client.HTTPConnection) -> tuple[int, str]:
    connection.request("POST", "/vp", message())
    with connection.getresponse() as answer:
        return answer.status, answer.read().decode()
