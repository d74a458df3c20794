"""Settings of the consumer: what cannot work is told at once, and what is asked of whom."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from consumer_reports import MEASURE_A, MEASURE_B, SYSTEM

from certs.tls import TlsFiles
from consumer.question import Question
from consumer.settings import ConsumerSettings, PolledProducer
from consumer.store import Store
from consumer.targets import poll_targets
from contracts.errors import ConfigurationError, UsageError
from contracts.model import DatePeriod

ENDPOINT = "https://localhost:8443/service"
OTHER = "SE9990001112-OTHER"


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"endpoint": "http://localhost/"}, "https://"),
        ({"endpoint": "https://"}, "https://"),
        ({"endpoint": "https://host:port/"}, "https://"),
        ({"endpoint": "https://user:secret@host/"}, "user name or password"),
        ({"logical_address": "not an id"}, "logical_address"),
        ({"store": "somewhere"}, "store must be"),
        ({"contract": "GetQualityIndicators:9"}, "GetQualityIndicators:9"),
        ({"contract": "GetDistributedQualityReport:3"}, "cannot be stored"),
        ({"read_timeout_s": 0.0}, "read_timeout_s"),
        ({"headers": ("Name: line\nInjected: yes",)}, "Name: value"),
        ({"producers": (PolledProducer(OTHER), PolledProducer(OTHER))}, "two producers"),
        ({"producers": (PolledProducer("x"),)}, "logical_address 'x'"),
        ({"producers": (PolledProducer(OTHER, endpoint="ftp://x"),)}, "ftp://x"),
        ({"producers": (PolledProducer(OTHER, measure_ids=("a", "a")),)}, "twice"),
        ({"producers": (PolledProducer(OTHER, end="20253112x"),)}, "is no day"),
        ({"producers": (PolledProducer(OTHER, measures_per_call=0),)}, "measures_per_call"),
    ],
)
def test_what_cannot_work_is_told(settings: dict[str, object], text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        ConsumerSettings(**settings)  # type: ignore[arg-type]
    assert any(text in problem for problem in caught.value.problems)
    assert "secret" not in str(caught.value.problems)


def test_relative_store_files_count_from_the_settings(tmp_path: Path) -> None:
    assert ConsumerSettings().store_url(tmp_path) == f"sqlite:///{tmp_path / 'observations.sqlite'}"
    server = "postgresql+psycopg://reader@db/observations"
    assert ConsumerSettings(store=server).store_url(tmp_path) == server


@pytest.fixture
def settings(client_tls: TlsFiles) -> ConsumerSettings:
    return ConsumerSettings(
        endpoint=ENDPOINT,
        logical_address=SYSTEM.hsa_id,
        tls=client_tls,
        producers=(
            PolledProducer(SYSTEM.hsa_id, "first", measure_ids=(MEASURE_B, MEASURE_A), start="2024-01-01"),
            PolledProducer(OTHER, endpoint="https://other.test/", measure_ids=("x", "y", "z"), measures_per_call=2),
        ),
    )


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(f"sqlite:///{tmp_path / 'store.sqlite'}") as opened:
        yield opened


def test_every_producer_of_the_settings_is_polled(settings: ConsumerSettings, store: Store) -> None:
    first, second = poll_targets(settings, store)
    period = DatePeriod("20240101", "20991231")
    assert first.label == "first"
    assert list(first.questions) == [Question(SYSTEM.hsa_id, (id_,), period) for id_ in (MEASURE_A, MEASURE_B)]
    assert (first.client.connection.endpoint, first.client.connection.logical_address) == (ENDPOINT, SYSTEM.hsa_id)
    assert [question.measure_ids for question in second.questions] == [("x", "y"), ("z",)]
    assert (second.client.connection.endpoint, second.client.connection.logical_address) == (
        "https://other.test/",
        OTHER,
    )
    assert [target.label for target in poll_targets(settings, store, [OTHER])] == [OTHER]
    with pytest.raises(UsageError, match="known: first, SE9990001112-OTHER"):
        poll_targets(settings, store, ["third"])


def test_without_indicators_the_stored_questions_are_polled(client_tls: TlsFiles, store: Store) -> None:
    settings = ConsumerSettings(endpoint=ENDPOINT, logical_address=SYSTEM.hsa_id, tls=client_tls)
    asked = Question.of(SYSTEM.hsa_id, [MEASURE_A, MEASURE_B], "2024-01-01", "2025-12-31")
    with pytest.raises(UsageError, match="nothing to poll"):
        poll_targets(settings, store)
    store.note_split(asked, asked.parts(asked.period))
    store.note_unchanged(Question.of(OTHER, [MEASURE_A], "2024-01-01", "2025-12-31"))
    (target,) = poll_targets(settings, store)
    assert target.questions == [asked]
