"""One test authority, a producer that plays back answers, and clients for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from consumer_pki import Pki
from consumer_playback import Playback
from consumer_reports import SYSTEM

from certs import Authority
from certs.tls import TlsFiles, server_context
from consumer.client import ProducerClient
from consumer.settings import ProducerConnection


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    directory = tmp_path_factory.mktemp("pki")
    return Pki(Authority.create(directory / "authority", key_size=2048), directory)


@pytest.fixture(scope="session")
def server_tls(pki: Pki) -> TlsFiles:
    return pki.files("producer", ip_addresses=["127.0.0.1"])


@pytest.fixture(scope="session")
def client_tls(pki: Pki) -> TlsFiles:
    return pki.files("consumer", dns_name="consumer.test")


@pytest.fixture(scope="session")
def _running_producer(server_tls: TlsFiles) -> Iterator[Playback]:
    with Playback(server_context(server_tls)).running() as server:
        yield server


@pytest.fixture
def producer(_running_producer: Playback) -> Playback:
    _running_producer.reset()
    return _running_producer


@pytest.fixture
def connection(producer: Playback, client_tls: TlsFiles) -> ProducerConnection:
    return ProducerConnection(
        producer.endpoint, SYSTEM.hsa_id, client_tls, connect_timeout_s=5, read_timeout_s=5, answer_timeout_s=20
    )


@pytest.fixture
def connect(connection: ProducerConnection) -> Iterator[Callable[..., ProducerClient]]:
    clients: list[ProducerClient] = []

    def make(*, is_checked: bool = True, **changes: object) -> ProducerClient:
        changed = replace(connection, **changes)  # type: ignore[arg-type]
        clients.append(ProducerClient(changed, is_checked=is_checked))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def client(connect: Callable[..., ProducerClient]) -> ProducerClient:
    return connect()
