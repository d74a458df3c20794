"""The hostile suite: whom it may be sent to, what is passed over and why, and that it finds what is wrong."""

from __future__ import annotations

import pytest
from suite_runs import run_target, target_of

from contracts.errors import EXIT_FINDINGS, EXIT_REMOTE
from contracts.registry import CONTRACTS, ServiceContract
from testsuites.endpoint import Access, Endpoint
from testsuites.exchange import Exchange, HttpRequest
from testsuites.hostile import Variables, load_cases
from testsuites.mock.server import MockServer
from testsuites.model import Status
from testsuites.suites import all_suites


class AsIfElsewhere:
    """Answers of the mock under the address of another machine."""

    is_recorded = False

    def __init__(self, mock: MockServer) -> None:
        self._endpoint = Endpoint(Access(mock.url))
        self._url = mock.url
        self.sent: list[HttpRequest] = []

    def send(self, request: HttpRequest) -> Exchange:
        self.sent.append(request)
        return self._endpoint.send(HttpRequest(self._url, request.body, request.headers))

    def close(self) -> None:
        self._endpoint.close()


def test_every_case_for_a_producer_is_in_the_suite() -> None:
    (suite,) = [suite for suite in all_suites() if suite.id == "hostile"]
    assert [case.id for case in suite.cases] == [f"hostile.{case.id}" for case in load_cases("producer")]
    assert len(suite.cases) > 200


@pytest.mark.parametrize("contract", CONTRACTS.values(), ids=lambda contract: contract.id)
def test_deep_and_wide_cases_are_made_for_every_contract(contract: ServiceContract) -> None:
    variables = Variables("SE9990001112-PROD", "x", "20240101", "20241231", contract=contract)
    cases = {case.id: case for case in load_cases("producer") if case.builder in ("nested", "with-repeated")}
    bodies = {name: case.body(variables) for name, case in cases.items()}
    assert bodies["B11"].count(b"<x:a") == 65
    assert all(f"<r:{contract.interaction}>".encode() in bodies[name] for name in ("B11", "B11-inside"))
    assert len(set(bodies.values())) == len(bodies)


def test_every_body_can_be_made_for_a_contract_with_other_names() -> None:
    variables = Variables(
        "SE9990001112-PROD", "x", "20240101", "20241231", contract=CONTRACTS["GetDistributedQualityReport:3"]
    )
    for case in load_cases("producer"):
        assert b"GetQualityIndicators>" not in case.body(variables), case.id


def test_hostile_input_is_not_sent_to_another_machine(mock: MockServer) -> None:
    elsewhere = AsIfElsewhere(mock)
    ran = run_target(target_of("http://192.0.2.1/service"), only=("hostile",), transport=elsewhere)
    assert ran.totals.executed == 0
    assert ran.totals.exit_code == EXIT_REMOTE
    assert "--i-own-this-endpoint" in ran.outcome("hostile.B01").summary.en
    assert len(elsewhere.sent) == 1


@pytest.mark.parametrize(
    ("url", "is_loopback"),
    [
        ("http://localhost:1/", True),
        ("https://127.0.0.1/", True),
        ("https://127.8.8.8/", True),
        ("https://[::1]:8443/", True),
        ("https://192.0.2.1/", False),
        ("https://localhost.example.se/", False),
        ("https://127.0.0.1.example.se/", False),
    ],
)
def test_only_this_machine_is_taken_for_this_machine(url: str, is_loopback: bool) -> None:
    assert target_of(url).is_loopback is is_loopback


@pytest.mark.parametrize(
    ("case", "options", "words"),
    [
        ("hostile.A18", {}, "--slow"),
        ("hostile.D01", {}, "plain HTTP"),
        ("hostile.A02-put", {"is_through_platform": True}, "the producer itself"),
    ],
)
def test_case_that_does_not_apply_says_why(case: str, options: dict[str, bool], words: str, mock: MockServer) -> None:
    ran = run_target(target_of(mock.url, **options), only=(case,))
    assert ran.status(case) is Status.SKIPPED
    assert words in ran.outcome(case).summary.en


def test_what_is_wrong_is_named_with_the_bytes_and_the_line_that_repeats(
    mock: MockServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("report") / "requests"
    ran = run_target(target_of(mock.url), only=("hostile.A05", "hostile.B01"), requests=folder)
    assert ran.status("hostile.B01") is Status.PASSED
    assert ran.status("hostile.A05") is Status.FAILED
    assert ("hostile", "A05") in ran.failed_checks()
    assert ran.totals.exit_code == EXIT_FINDINGS
    outcome = ran.outcome("hostile.A05")
    assert "Expected status:415: was status 200." in outcome.summary.en
    view = outcome.exchanges[0]
    assert view.request.startswith("POST /followup/")
    assert view.command.startswith("nc 127.0.0.1 ")
    assert (folder / "hostile-A05.http").read_bytes().startswith(b"POST /followup/")


def test_fetched_address_is_found(mock: MockServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A producer that follows xsi:schemaLocation: the mock is made to fetch what the request names."""
    import re
    import urllib.request

    answer = mock.answer

    def fetching(body: bytes, **options: object) -> bytes:
        for url in re.findall(rb"http://127[^\s\"'<]+", body):
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with pytest.raises(OSError):
                opener.open(url.decode(), timeout=2)
        return answer(body, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(mock, "answer", fetching)
    ran = run_target(target_of(mock.url), only=("hostile.B09",))
    assert any("fetched an address" in check.text.en for check in ran.outcome("hostile.B09").checks)
