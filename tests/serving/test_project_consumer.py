"""The project's consumer against the project's producer, over mutual TLS: fetched, stored, polled, refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from server_process import ServerProcess
from serving_parties import SYSTEM, Pki

from certs import CertificateFiles
from certs.tls import TlsFiles
from consumer.client import ProducerClient
from consumer.fetching import fetch_into
from consumer.poller import Poller, PollTarget
from consumer.question import Question
from consumer.settings import ProducerConnection
from consumer.store import Selection, Store
from contracts.errors import FaultReceived
from contracts.registry import GET_QUALITY_INDICATORS_2
from gateway.demo_data import DemoFile

Connect = Callable[[CertificateFiles], ProducerClient]


@pytest.fixture
def connect(pki: Pki, server: ServerProcess) -> Iterator[Connect]:
    opened: list[ProducerClient] = []

    def open_client(files: CertificateFiles) -> ProducerClient:
        tls = TlsFiles(
            files.certificate, files.private_key, pki.authority.trust_anchor_path, crl=pki.authority.crl_path
        )
        endpoint = f"https://localhost:{server.port}{GET_QUALITY_INDICATORS_2.path}"
        opened.append(ProducerClient(ProducerConnection(endpoint, SYSTEM, tls)))
        return opened[-1]

    yield open_client
    for client in opened:
        client.close()


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    with Store(database_url) as opened:
        yield opened


def questions(demo: DemoFile) -> list[Question]:
    start, end = demo.period
    return [Question.of(SYSTEM, [measure.measure_id], f"{start}", f"{end}") for measure in demo.measures]


def test_everything_published_is_fetched_once_and_then_only_asked_for(
    connect: Connect, pki: Pki, store: Store, demo: DemoFile
) -> None:
    target = PollTarget("producer", connect(pki.consumer), questions(demo))
    first = list(Poller(store).poll([target]))
    assert {one.outcome for one in first} == {"stored"}
    assert sum(one.changes.added for one in first) == store.count(Selection()) == demo.rows
    again = list(Poller(store).poll([target]))
    assert {one.outcome for one in again} == {"unchanged"}


def test_an_answer_comes_compressed_and_is_the_same_for_one_and_for_many_indicators(
    connect: Connect, pki: Pki, store: Store, demo: DemoFile
) -> None:
    start, end = demo.period
    everything = Question.of(SYSTEM, [measure.measure_id for measure in demo.measures], f"{start}", f"{end}")
    client = connect(pki.consumer)
    fetched = fetch_into(store, client, everything)
    assert fetched.facts.measurements == demo.rows
    with client.fetch(everything.measure_ids, everything.period) as answer:
        assert answer.head == fetched.head
        assert answer.bytes_received * 10 < answer.bytes_read
    assert client.checksum(everything.measure_ids, everything.period) == fetched.head
    assert fetch_into(store, client, questions(demo)[0]).changes.is_any is False


def test_a_caller_that_is_not_allowed_gets_a_fault(connect: Connect, pki: Pki, demo: DemoFile) -> None:
    question = questions(demo)[0]
    with pytest.raises(FaultReceived) as caught:
        connect(pki.other).checksum(question.measure_ids, question.period)
    assert caught.value.remote_fault_code == "Client"
