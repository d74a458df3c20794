"""Messages that come again: verified once, for the same path, SOAPAction and charset only, and never for a caller."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from lxml import etree
from memory_register import MemoryRegister
from producer_messages import Answered, message, settings
from structlog.testing import capture_logs

import producer.gate
from contracts.registry import CONTRACTS, GET_QUALITY_INDICATORS_2
from producer.gate import Gate
from producer.recent import Recent

Call = Callable[..., Answered]


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The messages that were parsed, in order."""
    messages: list[bytes] = []
    parse = producer.gate.parse_message

    def noted(data: bytes, **options: Any) -> etree._Element:
        messages.append(data)
        return parse(data, **options)

    monkeypatch.setattr(producer.gate, "parse_message", noted)
    return messages


def test_the_same_message_is_verified_once_and_answered_alike(
    register: MemoryRegister, call: Call, parsed: list[bytes]
) -> None:
    gate = Gate(settings(), register)
    with capture_logs() as lines:
        first, again = call(gate, message("M1")), call(gate, message("M1"))
    assert first.status == 200
    assert first == again
    assert parsed == [message("M1")]
    known = [{name: line[name] for name in ("logical_address", "bytes_in", "outcome", "sender")} for line in lines]
    assert known[0] == known[1]


def test_a_known_message_opens_nothing_to_another_caller(register: MemoryRegister, call: Call) -> None:
    gate = Gate(settings(), register)
    assert call(gate, message("M1")).status == 200
    assert b"access-denied" in call(gate, message("M1"), sender="other").body


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"HTTP_SOAPACTION": '"urn:other"'}, b"action-mismatch"),
        ({"CONTENT_TYPE": "text/xml; charset=UTF-16"}, b"malformed-message"),
    ],
)
def test_a_known_message_under_other_headers_is_verified_anew(
    register: MemoryRegister, call: Call, headers: dict[str, str], code: bytes
) -> None:
    gate = Gate(settings(), register)
    assert call(gate, message("M1")).status == 200
    assert code in call(gate, message("M1"), **headers).body


def test_a_known_message_is_none_of_another_contract(register: MemoryRegister, call: Call) -> None:
    gate = Gate(settings(contracts=tuple(CONTRACTS), allow_reconstructions=True), register)
    assert call(gate, message("M1")).status == 200
    others = [contract for contract in CONTRACTS.values() if contract != GET_QUALITY_INDICATORS_2]
    answers = [call(gate, message("M1"), PATH_INFO=other.path, RAW_URI=other.path) for other in others]
    assert [b"unknown-operation" in answer.body for answer in answers] == [True] * len(others)


def test_a_refused_message_is_not_known(register: MemoryRegister, call: Call, parsed: list[bytes]) -> None:
    gate = Gate(settings(), register)
    wrong = message("M1").replace(b"20240101", b"20249999")
    assert [call(gate, wrong).status for _ in range(2)] == [500, 500]
    assert len(parsed) == 2


def test_a_known_message_is_answered_from_what_is_published_now(register: MemoryRegister, call: Call) -> None:
    gate = Gate(settings(), register)
    before = call(gate, message("M1"))
    register.is_broken = True
    assert call(gate, message("M1")).status == 503
    register.is_broken = False
    assert call(gate, message("M1")).body == before.body


def test_the_oldest_go_when_there_are_too_many_or_they_weigh_too_much() -> None:
    recent: Recent[str, int] = Recent(most=3, most_weight=10)
    for number, name in enumerate("abcd"):
        recent.keep(name, number, 1)
    assert [recent.get(name) for name in "abcd"] == [None, 1, 2, 3]
    recent.keep("e", 4, 9)
    assert [recent.get(name) for name in "bcde"] == [None, None, 3, 4]
    recent.keep("f", 5, 11)
    assert [recent.get(name) for name in "def"] == [None, None, None]
    recent.keep("g", 6, 10)
    recent.keep("g", 7, 10)
    assert recent.get("g") == 6


def test_attributes_that_spyne_would_follow_change_nothing(register: MemoryRegister, call: Call) -> None:
    """SOAP's id and href, as far as the schema lets them through (xsi:nil and xsi:type it does not)."""
    gate = Gate(settings(), register)
    envelope = etree.fromstring(message("M1"))
    element = envelope[1][0]
    extension = etree.SubElement(element, "{urn:x}extension", id="a")
    etree.SubElement(extension, "{urn:x}reference", href="#a")
    assert call(gate, etree.tostring(envelope)).body == call(gate, message("M1")).body
