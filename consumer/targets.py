"""Whom to poll and for what: from the settings, or from what was fetched before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from consumer.client import ProducerClient
from consumer.poller import PollTarget
from consumer.question import Question
from consumer.settings import ConsumerSettings, PolledProducer
from consumer.store import Store
from contracts.errors import UsageError


def poll_targets(settings: ConsumerSettings, store: Store, names: Sequence[str] = ()) -> list[PollTarget]:
    """Make a target of every producer in the settings, or of those ``names`` (names or logical addresses).

    Without ``[[consumer.producers]]`` it is the producer of ``[consumer]``. A producer for which the settings name
    no indicators is asked the questions that were fetched from it before. Raises UsageError when there is nothing
    to ask, ConfigurationError or CertificateError for settings that cannot work. The caller closes the clients.
    """
    known = settings.producers or (PolledProducer(settings.connection().logical_address),)
    wanted = [settings.producer_named(name) for name in names] if settings.producers and names else list(known)
    asked = {producer: _questions(producer, settings.contract, store) for producer in wanted}
    if not any(asked.values()):
        raise UsageError(
            "There is nothing to poll. Name indicators in [[consumer.producers]], or fetch something first with "
            "'brygga consumer fetch'."
        )
    return [target_of(settings, producer, questions) for producer, questions in asked.items() if questions]


def target_of(settings: ConsumerSettings, producer: PolledProducer, questions: Sequence[Question]) -> PollTarget:
    """Make the target of one producer."""
    connection = settings.connection(logical_address=producer.logical_address, endpoint=producer.endpoint or None)
    return PollTarget(producer.label, ProducerClient(connection), questions, producer.parallel)


def _questions(producer: PolledProducer, contract: str, store: Store) -> list[Question]:
    if producer.measure_ids:
        return [
            Question.of(producer.logical_address, ids, producer.start, producer.end, contract)
            for ids in _batches(producer.measure_ids, producer.measures_per_call)
        ]
    return [
        known.question
        for known in store.questions()
        if known.question.producer == producer.logical_address
        and known.question.contract == contract
        and not known.is_part
    ]


def _batches(ids: Sequence[str], size: int) -> Iterator[tuple[str, ...]]:
    iterator = iter(sorted(ids))
    while batch := tuple(islice(iterator, size)):
        yield batch
