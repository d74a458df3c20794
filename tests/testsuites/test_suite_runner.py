"""Which cases are run, what becomes of a run that cannot be carried out, and exit codes."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

import pytest
from suite_runs import run_target, target_of

from certs import Authority, CertificateFiles
from certs.tls import TlsFiles
from contracts.errors import EXIT_FINDINGS, EXIT_OK, EXIT_REMOTE, ConnectionFailed, UsageError
from testsuites.endpoint import Access, Endpoint
from testsuites.exchange import HttpRequest
from testsuites.mock.faults import find_fault
from testsuites.mock.server import MockServer, running_mock
from testsuites.model import Status, Totals
from testsuites.plan import make_plan
from testsuites.suites import all_suites
from testsuites.texts import _TEXTS


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def test_every_case_has_texts_in_both_languages_and_an_id_of_its_own() -> None:
    cases = [case for suite in all_suites() for case in suite.cases]
    assert len({case.id for case in cases}) == len(cases)
    for case in cases:
        assert case.title.sv, case.id
        assert case.expectation.sv, case.id
        assert case.id.startswith(f"{case.suite_id}.")
    written = set(_TEXTS["case"])
    assert written == {case.id for case in cases if case.suite_id != "hostile"}


def test_only_and_skip_choose_cases_and_keep_the_gate() -> None:
    plan = make_plan(all_suites(), ("protocol.2", "wire.fault*"), ("protocol.2.7",))
    assert [case.id for case in plan.cases] == [
        "connection.reached",
        *(f"protocol.2.{n}" for n in range(1, 7)),
        "wire.fault-schema",
        "wire.fault-operation",
        "wire.fault-version",
        "wire.fault-not-xml",
    ]


@pytest.mark.parametrize(
    ("only", "skip"), [(("nothing",), ()), ((), ("nothing",)), (("schema",), ("schema",)), (("connection",), ())]
)
def test_plan_without_a_case_is_refused(only: tuple[str, ...], skip: tuple[str, ...]) -> None:
    with pytest.raises(UsageError):
        make_plan(all_suites(), only, skip)


@pytest.mark.parametrize(
    ("totals", "exit_code"),
    [
        (Totals(passed=3), EXIT_OK),
        (Totals(passed=3, remark=1, skipped=9), EXIT_OK),
        (Totals(passed=3, failed=1, error=1), EXIT_FINDINGS),
        (Totals(passed=3, error=1), EXIT_REMOTE),
        (Totals(skipped=40), EXIT_REMOTE),
        (Totals(), EXIT_REMOTE),
    ],
)
def test_exit_code_is_green_only_when_something_was_judged_and_held(totals: Totals, exit_code: int) -> None:
    assert totals.exit_code == exit_code
    assert totals.is_green == (exit_code == EXIT_OK)


def test_unreachable_endpoint_is_not_green_and_tries_once() -> None:
    ran = run_target(target_of(f"http://127.0.0.1:{free_port()}/"))
    assert ran.totals.exit_code == EXIT_REMOTE
    assert ran.totals.executed == 0
    assert ran.totals.error == 1
    assert ran.status("connection.reached") is Status.ERROR
    assert "Check that the endpoint runs" in ran.outcome("connection.reached").summary.en
    assert {outcome.status for outcome in ran.finished.outcomes[1:]} == {Status.SKIPPED}


def test_endpoint_that_goes_away_ends_the_run_early() -> None:
    with running_mock() as server:
        target = target_of(server.url)
        endpoint = Endpoint(target.access)

        class Leaving:
            is_recorded = False

            def send(self, request: HttpRequest) -> object:
                if server.calls >= 2:
                    raise ConnectionFailed("The endpoint is gone.")
                return endpoint.send(request)

            def close(self) -> None:
                endpoint.close()

        ran = run_target(target, transport=Leaving())  # type: ignore[arg-type]
    assert ran.totals.exit_code == EXIT_REMOTE
    assert ran.totals.error == 3
    assert ran.totals.executed >= 1


def test_answer_that_never_comes_is_a_failure_with_the_reason() -> None:
    with running_mock(fault=find_fault("delay:5")) as server:
        access = Access(server.url, read_timeout_s=0.2)
        ran = run_target(target_of(server.url, access=access), only=("protocol.2.1",))
    assert ran.status("protocol.2.1") is Status.FAILED
    assert "No answer came in time" in ran.outcome("protocol.2.1").summary.en


@pytest.mark.parametrize(
    ("fault", "words"),
    [("vp:VP009", "VP009"), ("status:503", "no content"), ("status:404", "no content"), ("reset", "closed")],
)
def test_platform_and_http_refusals_are_told(fault: str, words: str) -> None:
    with running_mock(fault=find_fault(fault)) as server:
        ran = run_target(target_of(server.url), only=("protocol.2.1", "protocol.3.1"))
    assert words in ran.outcome("protocol.2.1").summary.en
    assert ran.totals.exit_code == EXIT_FINDINGS


def test_call_through_the_platform_is_judged_when_the_tester_says_so() -> None:
    with running_mock() as server:
        direct = run_target(target_of(server.url), only=("protocol.3.1",))
        through = run_target(target_of(server.url, is_through_platform=True), only=("protocol.3.1",))
    assert direct.status("protocol.3.1") is Status.SKIPPED
    assert through.status("protocol.3.1") is Status.PASSED


def test_single_indicator_gives_a_remark_where_the_protocol_wants_several(mock: MockServer) -> None:
    ran = run_target(target_of(mock.url, ("Response-Land",)), only=("protocol",))
    assert ran.status("protocol.2.2") is Status.REMARK
    assert ran.status("protocol.2.1") is Status.PASSED
    assert ran.totals.exit_code == EXIT_OK


def test_without_catalogue_thresholds_and_known_ids_are_remarks(mock: MockServer) -> None:
    ran = run_target(target_of(mock.url), only=("protocol.1",))
    assert [outcome.case.id for outcome in ran.finished.of_status(Status.REMARK)] == ["protocol.1.6", "protocol.1.7"]


def test_equal_questions_are_sent_once(mock: MockServer) -> None:
    run_target(target_of(mock.url), only=("protocol.1", "schema.complete", "rules", "wire.envelope"))
    assert mock.calls == 2


@pytest.mark.parametrize("url", ["ftp://example.invalid/x", "localhost:8443", "https://"])
def test_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(UsageError):
        Access(url)


def test_answer_over_the_limit_is_cut_and_told(mock: MockServer) -> None:
    access = Access(mock.url, max_bytes=2_000)
    ran = run_target(target_of(mock.url, access=access), only=("protocol.2.2",))
    assert "larger than 2000 bytes" in ran.outcome("protocol.2.2").summary.en


# -- mutual TLS ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> tuple[Authority, CertificateFiles]:
    folder = tmp_path_factory.mktemp("pki")
    authority = Authority.create(folder / "authority", key_size=2048)
    issued = authority.issue(
        "SE9990001112-MOCK",
        "mock.brygga.test",
        organization="Testorganisation",
        locality="Teststad",
        extra_dns=["localhost"],
        ip_addresses=["127.0.0.1"],
        key_size=2048,
    )
    return authority, issued.write(folder, "mock")


def tls_of(pki: tuple[Authority, CertificateFiles]) -> TlsFiles:
    authority, files = pki
    return TlsFiles(Path(files.certificate), Path(files.private_key), Path(authority.trust_anchor_path))


def test_suite_passes_over_mutual_tls(pki: tuple[Authority, CertificateFiles]) -> None:
    tls = tls_of(pki)
    with running_mock(tls=tls) as server:
        ran = run_target(target_of(server.url, access=Access(server.url, tls)), only=("wire",))
    assert ran.totals.failed == 0
    assert ran.status("wire.mutual-tls") is Status.PASSED
    assert ran.status("wire.tls-version") is Status.PASSED
    assert "--cert " in ran.outcome("wire.status").exchanges[0].command


def test_server_that_wants_no_certificate_fails_mutual_tls(pki: tuple[Authority, CertificateFiles]) -> None:
    tls = tls_of(pki)
    with running_mock(tls=tls) as server:
        assert server._context is not None
        server._context.verify_mode = ssl.CERT_NONE
        ran = run_target(target_of(server.url, access=Access(server.url, tls)), only=("wire.mutual-tls",))
    assert ran.status("wire.mutual-tls") is Status.FAILED


def test_refused_certificate_ends_the_run_with_a_hint(pki: tuple[Authority, CertificateFiles]) -> None:
    tls = tls_of(pki)
    with running_mock(tls=tls) as server:
        ran = run_target(target_of(server.url, access=Access(server.url, None, tls.ca)), only=("protocol.2.1",))
    assert ran.totals.exit_code == EXIT_REMOTE
    assert "brygga certs inspect" in ran.outcome("connection.reached").summary.en


def test_wrong_host_name_ends_the_run_with_a_hint(pki: tuple[Authority, CertificateFiles]) -> None:
    tls = tls_of(pki)
    with running_mock(tls=tls) as server:
        url = server.url.replace("127.0.0.1", "127.0.0.2")
        with pytest.raises(ConnectionFailed, match=r"certificate is not accepted|No connection"):
            Endpoint(Access(url, tls)).send(HttpRequest(url))
