"""Settings of the producer: what cannot work is told, all at once."""

from __future__ import annotations

import dataclasses

import pytest
from producer_messages import settings

from contracts.errors import ConfigurationError
from contracts.model import ReportingParty
from producer.settings import ProducerSettings


def test_secure_defaults() -> None:
    made = settings(allowed_callers=())
    assert made.host == "127.0.0.1"
    assert made.allowed_callers == ()
    assert not made.behind_proxy
    assert made.health_port is None
    assert made.served_addresses == ("SE9990001112-PROD",)
    assert settings(logical_addresses=("A", "B")).served_addresses == ("A", "B")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"port": 70000}, "port must be"),
        ({"health_port": -1}, "health_port must be"),
        ({"tls": None}, "[producer.tls] is missing"),
        ({"behind_proxy": True}, "exclude each other"),
        ({"behind_proxy": True, "tls": None, "host": "0.0.0.0"}, "behind_proxy needs host"),
        ({"behind_proxy": True, "tls": None, "host": "example.org"}, "behind_proxy needs host"),
        ({"host": "unix:/run/x.sock"}, "only with behind_proxy"),
        ({"public_url": "https://host/path"}, "public_url"),
        ({"public_url": 'https://host"><evil'}, "public_url"),
        ({"workers": 0}, "workers"),
        ({"threads": 1}, "threads"),
        ({"max_request_bytes": 1}, "max_request_bytes"),
        ({"contracts": ()}, "contracts is empty"),
        ({"contracts": ("GetNothing:1",)}, "GetNothing:1"),
        ({"allowed_callers": ("",)}, "allowed_callers"),
        ({"logical_addresses": (" SE1",)}, "logical_addresses"),
        ({"system": ReportingParty("")}, "hsa_id"),
    ],
)
def test_what_cannot_work_is_told(changes: dict[str, object], problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        settings(**changes)
    assert any(problem in one for one in caught.value.problems)


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        settings(port=-1, threads=0, contracts=())
    assert len(caught.value.problems) == 3


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost", "unix:/run/brygga.sock"])
def test_a_proxy_on_this_machine_may_be_in_front(host: str) -> None:
    assert settings(behind_proxy=True, tls=None, host=host).behind_proxy


def test_every_setting_says_what_it_is_for() -> None:
    told = {one.name for one in dataclasses.fields(ProducerSettings) if "help" in one.metadata}
    assert told >= {one.name for one in dataclasses.fields(ProducerSettings)} - {"system", "organization"}
