"""Spyne as dispatcher: verified requests go in, the operation's answer comes out, faults are the operation's own."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest
from producer_messages import SYSTEM, request

from contracts.errors import GatewayFailure, Overloaded
from contracts.model import QualityIndicatorsRequest
from contracts.registry import GET_QUALITY_INDICATORS_2
from producer.spyne_adapter import Question, SpyneEndpoint

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Echo:
    address: str
    request: QualityIndicatorsRequest
    options: dict[str, object]
    body: tuple[bytes, ...] = (b"bytes",)


def question(*measure_ids: str, include: bool = True) -> Question:
    return Question(SYSTEM, GET_QUALITY_INDICATORS_2.request_tag, request(*measure_ids, include=include))


def echo(address: str, request: QualityIndicatorsRequest, **options: object) -> Echo:
    return Echo(address, request, options)


def test_operation_gets_what_the_message_says() -> None:
    answer = SpyneEndpoint(GET_QUALITY_INDICATORS_2, echo).call(question("å<&>", "M2", include=False), allow_gzip=True)
    assert answer == Echo(SYSTEM, request("å<&>", "M2", include=False), {"allow_gzip": True})


@pytest.mark.parametrize("error", [Overloaded("busy"), KeyError("value")])
def test_errors_of_the_operation_come_through(error: Exception) -> None:
    def fail(*_: object) -> Echo:
        raise error

    with pytest.raises(type(error)) as caught:
        SpyneEndpoint(GET_QUALITY_INDICATORS_2, fail).call(question("M1"))
    assert caught.value is error


def test_what_spyne_does_not_take_is_our_failure_and_not_logged_by_it(caplog: pytest.LogCaptureFixture) -> None:
    endpoint = SpyneEndpoint(GET_QUALITY_INDICATORS_2, echo)
    with caplog.at_level(logging.DEBUG), pytest.raises(GatewayFailure):
        endpoint.call(Question(SYSTEM, "SECRET", request("SECRET")))
    assert "SECRET" not in "".join(record.getMessage() for record in caplog.records if record.levelno > logging.INFO)


def test_endpoint_is_safe_under_threads() -> None:
    endpoint = SpyneEndpoint(GET_QUALITY_INDICATORS_2, echo)
    wrong: list[object] = []

    def ask(number: int) -> None:
        for turn in range(50):
            name = f"M{number}-{turn}"
            answer = endpoint.call(question(name), allow_gzip=bool(turn % 2))
            if answer.request != request(name) or answer.options != {"allow_gzip": bool(turn % 2)}:
                wrong.append(answer)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_spyne_gives_the_projects_own_wsdl() -> None:
    documents = SpyneEndpoint(GET_QUALITY_INDICATORS_2, echo).app.interface.docs.wsdl11
    assert documents.get_interface_document() is None
    documents.build_interface_document("https://producer.example/x")
    wsdl = documents.get_interface_document()
    assert b"GetQualityIndicatorsResponderInterface" in wsdl
    assert b'location="https://producer.example/x"' in wsdl


def test_import_gives_no_warnings() -> None:
    """On every Python version: what spyne's import would warn of is its own affair (see producer.spyne_compat)."""
    command = [sys.executable, "-W", "error", "-c", "import producer.spyne_adapter"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=60)
