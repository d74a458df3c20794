"""Fetching and polling: the checksum first, only what changed, and nothing that is wrong gets into the store."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from consumer_playback import Exchange, Playback
from consumer_reports import (
    BOTH_YEARS,
    MEASURE_A,
    MEASURE_B,
    SYSTEM,
    YEAR_2024,
    YEAR_2025,
    Register,
    fault,
    measurement,
    question,
    share,
    small_register,
    unit,
)

from consumer.client import ProducerClient
from consumer.fetching import fetch_into
from consumer.poller import Polled, Poller, PollTarget
from consumer.question import Question
from consumer.retry import Retries, is_a_whole_answer_too_much, may_retry
from consumer.store import Changes, Selection, Store
from contracts.errors import (
    AnswerTooLarge,
    ConnectionFailed,
    ContractViolation,
    FaultReceived,
    PlatformFault,
    ProducerBusy,
    RemoteError,
    RulesBroken,
    TimedOut,
    TlsRefused,
    UnexpectedAnswer,
)
from contracts.model import DatePeriod

Connect = Callable[..., ProducerClient]
QUESTION_A = Question(SYSTEM.hsa_id, (MEASURE_A,), BOTH_YEARS)
QUESTION_B = Question(SYSTEM.hsa_id, (MEASURE_B,), BOTH_YEARS)
EVERYTHING = Selection()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(f"sqlite:///{tmp_path / 'store.sqlite'}") as opened:
        yield opened


@pytest.fixture
def register(producer: Playback) -> Register:
    """What the producer answers from; may be changed between calls."""
    register = small_register()
    producer.respond = lambda exchange: exchange.send(register.answer(exchange.question))
    return register


def poll(store: Store, client: ProducerClient, *questions: Question, **options: Any) -> list[Polled]:
    target = PollTarget("demo", client, questions or (QUESTION_A, QUESTION_B), parallel=options.pop("per_producer", 2))
    return list(Poller(store, first_wait_s=0.001, **options).poll([target]))


def outcomes(polled: list[Polled]) -> list[str]:
    return sorted(one.outcome for one in polled)


# -- one fetch ------------------------------------------------------------------------------------------------------


def test_a_fetch_is_stored_with_its_facts(store: Store, client: ProducerClient, register: Register) -> None:
    told: list[int] = []
    fetched = fetch_into(store, client, QUESTION_A, progress=told.append)
    assert fetched.changes == Changes(10, 0, 0, 0)
    assert (fetched.facts.measurements, fetched.facts.bytes_received > 1000, sum(told)) == (10, True, 10)
    assert store.known(QUESTION_A).checksum == fetched.head.measurement_checksum
    assert store.log()[0].facts == fetched.facts
    register.measurements.pop()
    assert fetch_into(store, client, QUESTION_B).changes == Changes(9, 0, 0, 0)


@pytest.mark.parametrize(
    ("spoil", "error", "outcome"),
    [
        (lambda body: body.replace(b"<c:rate>0.515</c:rate>", b"<c:rate>51.5</c:rate>"), RulesBroken, "rejected"),
        (lambda body: body.replace(b"<c:rate>0.515</c:rate>", b""), ContractViolation, "rejected"),
        (lambda body: body.replace(MEASURE_A.encode(), MEASURE_B.encode()), RulesBroken, "rejected"),
        (lambda body: body.replace(b"20240101", b"20230101"), RulesBroken, "rejected"),
        (
            lambda body: body.replace(b"SE9990001112-SYSTEM</c:hsaId>", b"SE9990001112-X</c:hsaId>"),
            ContractViolation,
            "rejected",
        ),
        (lambda body: body[:-300], UnexpectedAnswer, "failed"),
        (lambda _: fault("Server", "no"), FaultReceived, "failed"),
    ],
)
def test_what_is_wrong_is_kept_out_and_logged(
    store: Store,
    client: ProducerClient,
    register: Register,
    producer: Playback,
    spoil: Callable[[bytes], bytes],
    error: type[RemoteError],
    outcome: str,
) -> None:
    fetch_into(store, client, QUESTION_A)
    before = list(store.observations(EVERYTHING))
    register.measurements = [replace(found, measure=share(103)) for found in register.measurements]
    spoilt: list[bool] = []

    def respond(exchange: Exchange) -> None:
        good = register.answer(exchange.question)
        bad = spoil(good)
        spoilt.append(bad != good)
        exchange.send(bad)

    producer.respond = respond
    with pytest.raises(error):
        fetch_into(store, client, QUESTION_A)
    assert spoilt == [True]
    assert list(store.observations(EVERYTHING)) == before
    assert store.log()[0].outcome == outcome
    assert store.log()[0].error
    assert store.known(QUESTION_A).checksum == store.log()[1].checksum


# -- polling --------------------------------------------------------------------------------------------------------


def test_the_first_poll_fetches_and_the_next_asks_small(
    store: Store, client: ProducerClient, register: Register, producer: Playback
) -> None:
    assert outcomes(poll(store, client)) == ["stored", "stored"]
    producer.bodies.clear()
    assert outcomes(poll(store, client)) == ["unchanged", "unchanged"]
    assert [asked.include_measurements for asked in producer.questions] == [False, False]


def test_only_what_changed_is_fetched(
    store: Store, client: ProducerClient, register: Register, producer: Playback
) -> None:
    poll(store, client)
    register.measurements[0] = replace(register.measurements[0], measure=share(1))
    producer.bodies.clear()
    polled = poll(store, client)
    assert {one.question: (one.outcome, one.changes) for one in polled} == {
        QUESTION_A: ("stored", Changes(0, 1, 0, 9)),
        QUESTION_B: ("unchanged", Changes(0, 0, 0, 0)),
    }
    assert sum(asked.include_measurements for asked in producer.questions) == 1


def test_the_stored_checksum_is_that_of_the_full_answer(
    store: Store, client: ProducerClient, register: Register, producer: Playback
) -> None:
    """What changes between the checksum call and the fetch is fetched, and is not fetched again."""

    def respond(exchange: Exchange) -> None:
        exchange.send(register.answer(exchange.question))
        if not exchange.question.include_measurements:
            register.measurements[0] = replace(register.measurements[0], measure=share(len(producer.bodies)))

    producer.respond = respond
    poll(store, client, QUESTION_A)
    producer.respond = lambda exchange: exchange.send(register.answer(exchange.question))
    assert outcomes(poll(store, client, QUESTION_A)) == ["unchanged"]


def test_a_bad_fetch_is_tried_again_at_the_next_poll(
    store: Store, client: ProducerClient, register: Register, producer: Playback
) -> None:
    good = register.measurements[0]
    register.measurements[0] = replace(good, measure=replace(share(1), rate=77.0))
    polled = poll(store, client)
    assert outcomes(polled) == ["rejected", "stored"]
    assert store.count(EVERYTHING) == 10
    register.measurements[0] = good
    assert outcomes(poll(store, client)) == ["stored", "unchanged"]
    assert store.count(EVERYTHING) == 20


def test_polling_goes_on_after_a_stop_without_gap_or_double(
    store: Store, client: ProducerClient, register: Register, producer: Playback
) -> None:
    questions = [replace(QUESTION_A, period=period) for period in (YEAR_2024, YEAR_2025)] + [QUESTION_B]
    iterator = Poller(store, parallel=1).poll([PollTarget("demo", client, questions)])
    assert next(iterator).outcome == "stored"
    iterator.close()
    stored = store.count(EVERYTHING)
    assert 5 <= stored < 20
    poll(store, client, *questions)
    assert store.count(EVERYTHING) == 20


def test_leaving_a_poll_drops_the_answer_under_way(
    store: Store, client: ProducerClient, producer: Playback, register: Register
) -> None:
    many = Register(measurement(measure_id=MEASURE_B, organization=unit(number)) for number in range(5_000))
    is_under_way, may_go_on = threading.Event(), threading.Event()

    def respond(exchange: Exchange) -> None:
        asked = exchange.question
        if MEASURE_B not in {id_.extension for id_ in asked.measure_ids} or not asked.include_measurements:
            exchange.send(register.answer(asked))
            return
        pieces = list(many.pieces(asked))

        def chunks() -> Iterator[bytes]:
            yield b"".join(pieces[:2_000])
            is_under_way.set()
            may_go_on.wait(5)
            yield b"".join(pieces[2_000:])

        exchange.send_chunks(chunks())

    producer.respond = respond
    told: list[int] = []
    poller = Poller(store, progress=told.append)
    iterator = poller.poll([PollTarget("demo", client, [QUESTION_B, QUESTION_A])])
    assert next(iterator).question == QUESTION_A
    assert is_under_way.wait(5)
    threading.Timer(0.05, may_go_on.set).start()
    iterator.close()
    assert store.count(EVERYTHING) == 10
    assert store.known(QUESTION_B).checksum is None
    assert told


# -- trying again ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (PlatformFault("VP008", "Server", "x"), True),
        (PlatformFault("VP009", "Server", "x"), True),
        (PlatformFault("VP004", "Client", "x"), False),
        (PlatformFault("VP007", "Server", "x"), False),
        (PlatformFault("VP014", "Server", "x"), False),
        (FaultReceived("Server", "x"), False),
        (ConnectionFailed("x"), True),
        (TimedOut("x"), True),
        (TlsRefused("x"), False),
        (ProducerBusy("x", retry_after_s=1), True),
        (UnexpectedAnswer("x"), False),
        (ContractViolation("x", path=""), False),
    ],
)
def test_only_what_may_pass_is_tried_again(error: RemoteError, expected: bool) -> None:
    assert may_retry(error) is expected


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (AnswerTooLarge("x"), True),
        (TimedOut("x"), True),
        (PlatformFault("VP009", "Server", "x"), True),
        (FaultReceived("Server", "x"), True),
        (FaultReceived("Client", "x"), False),
        (PlatformFault("VP007", "Server", "x"), False),
        (ConnectionFailed("x"), False),
        (ContractViolation("x", path=""), False),
    ],
)
def test_only_what_may_be_size_is_split(error: RemoteError, expected: bool) -> None:
    assert is_a_whole_answer_too_much(error) is expected


def failing(times: int, error: RemoteError) -> Callable[[], int]:
    left = [times]

    def call() -> int:
        if left[0]:
            left[0] -= 1
            raise error
        return 42

    return call


def test_retries_wait_longer_each_time_within_their_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    retries = Retries(attempts=6, budget=99, first_wait_s=1, longest_wait_s=5)
    monkeypatch.setattr(retries.stopped, "wait", lambda wait_s: waits.append(wait_s))
    assert retries.run(failing(5, ConnectionFailed("x"))) == 42
    for wait_s, longest in zip(waits, (1, 2, 4, 5, 5), strict=True):
        assert longest / 2 <= wait_s <= longest
    assert len(set(waits)) == 5


def test_a_busy_producer_is_waited_for_as_it_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    retries = Retries()
    monkeypatch.setattr(retries.stopped, "wait", lambda wait_s: waits.append(wait_s))
    assert retries.run(failing(1, ProducerBusy("x", retry_after_s=17))) == 42
    assert waits == [17]


def test_attempts_and_budget_end_the_retries() -> None:
    retries = Retries(attempts=3, budget=3, first_wait_s=0)
    with pytest.raises(ConnectionFailed):
        retries.run(failing(3, ConnectionFailed("x")))
    assert retries.used == 2
    assert retries.run(failing(1, ConnectionFailed("x"))) == 42
    assert retries.is_used_up
    with pytest.raises(ConnectionFailed):
        retries.run(failing(1, ConnectionFailed("x")))


def test_stopping_ends_the_waiting() -> None:
    retries = Retries(first_wait_s=30)
    threading.Timer(0.05, retries.stopped.set).start()
    started_at = time.monotonic()
    with pytest.raises(ConnectionFailed):
        retries.run(failing(9, ConnectionFailed("x")))
    assert time.monotonic() - started_at < 5


def test_a_passing_platform_fault_does_not_stop_a_poll(
    store: Store, client: ProducerClient, register: Register, producer: Playback
) -> None:
    def respond(exchange: Exchange) -> None:
        if len(producer.bodies) % 2:
            exchange.send(fault("Server", "VP009 [TEST] Fel"), status=500)
        else:
            exchange.send(register.answer(exchange.question))

    producer.respond = respond
    assert outcomes(poll(store, client, per_producer=1)) == ["stored", "stored"]


@pytest.mark.parametrize("code", ["VP004", "VP007"])
def test_a_producer_that_refuses_is_not_asked_further(
    store: Store, client: ProducerClient, producer: Playback, code: str
) -> None:
    producer.respond = lambda exchange: exchange.send(fault("Client", f"{code} [TEST] Nej"), status=500)
    questions = [replace(QUESTION_A, measure_ids=(f"measure-{number}",)) for number in range(10)]
    polled = poll(store, client, *questions, per_producer=1)
    assert outcomes(polled) == ["failed"] + ["skipped"] * 9
    assert {type(one.error) for one in polled} == {PlatformFault}
    assert len(producer.bodies) == 1


def test_a_producer_that_is_down_costs_no_more_than_the_budget(
    store: Store, connect: Connect, producer: Playback
) -> None:
    producer.respond = lambda exchange: exchange.handler.connection.shutdown(socket.SHUT_RDWR)
    questions = [replace(QUESTION_A, measure_ids=(f"measure-{number}",)) for number in range(50)]
    polled = poll(store, connect(), *questions, per_producer=1, retry_budget=5)
    assert outcomes(polled).count("skipped") >= 45
    assert len(producer.bodies) <= 10
    assert store.count(EVERYTHING) == 0


def test_one_producer_that_fails_does_not_disturb_another(
    store: Store, client: ProducerClient, connect: Connect, register: Register
) -> None:
    dead = connect(endpoint="https://localhost:1/", connect_timeout_s=1)
    targets = [
        PollTarget("dead", dead, [replace(QUESTION_A, producer="SE9990001112-DEAD")] * 3),
        PollTarget("alive", client, [QUESTION_A, QUESTION_B]),
    ]
    polled = list(Poller(store, first_wait_s=0.001, retry_budget=2).poll(targets))
    assert {one.outcome for one in polled if one.target.label == "alive"} == {"stored"}
    assert {one.outcome for one in polled if one.target.label == "dead"} <= {"failed", "skipped"}


def test_calls_at_the_same_time_keep_to_both_limits(
    store: Store, client: ProducerClient, register: Register, producer: Playback
) -> None:
    active, most, lock = [0], [0], threading.Lock()

    def respond(exchange: Exchange) -> None:
        with lock:
            active[0] += 1
            most[0] = max(most[0], active[0])
        time.sleep(0.02)
        with lock:
            active[0] -= 1
        exchange.send(register.answer(exchange.question))

    producer.respond = respond
    questions = [replace(QUESTION_A, measure_ids=(f"measure-{number}",)) for number in range(12)]
    poll(store, client, *questions, per_producer=3)
    assert most[0] == 3
    most[0] = 0
    poll(store, client, *questions, per_producer=12, parallel=2)
    assert most[0] == 2


# -- splitting ------------------------------------------------------------------------------------------------------


@pytest.fixture
def large(producer: Playback) -> Register:
    """Three years of two indicators, of which a whole answer is over the limit of the client used with it."""
    register = Register(
        measurement(measure_id=id_, period=DatePeriod(f"{year}0101", f"{year}1231"), organization=unit(number))
        for id_ in (MEASURE_A, MEASURE_B)
        for year in (2023, 2024, 2025)
        for number in range(10)
    )
    producer.respond = lambda exchange: exchange.send(register.answer(exchange.question))
    return register


SIX_SLICES = Question(SYSTEM.hsa_id, (MEASURE_A, MEASURE_B), DatePeriod("20200101", "20991231"))


def one_slice_bytes(register: Register) -> int:
    return len(register.answer(question(period=YEAR_2024))) + 500


def test_an_answer_over_the_limit_is_fetched_in_parts(
    store: Store, connect: Connect, large: Register, producer: Playback
) -> None:
    client = connect(max_answer_bytes=one_slice_bytes(large))
    polled = poll(store, client, SIX_SLICES)
    assert outcomes(polled) == ["stored"]
    assert (polled[0].changes, len(polled[0].fetched)) == (Changes(60, 0, 0, 0), 6)
    assert store.count(EVERYTHING) == 60
    producer.bodies.clear()
    assert outcomes(poll(store, client, SIX_SLICES)) == ["unchanged"]
    assert len(producer.bodies) == 1


def test_of_a_split_question_only_the_changed_part_is_fetched(
    store: Store, connect: Connect, large: Register, producer: Playback
) -> None:
    client = connect(max_answer_bytes=one_slice_bytes(large))
    poll(store, client, SIX_SLICES)
    large.measurements[-1] = replace(large.measurements[-1], measure=share(7))
    producer.bodies.clear()
    polled = poll(store, client, SIX_SLICES)
    assert (polled[0].outcome, polled[0].changes) == ("stored", Changes(0, 1, 0, 9))
    assert sum(asked.include_measurements for asked in producer.questions) == 1
    assert outcomes(poll(store, client, SIX_SLICES)) == ["unchanged"]


def test_a_change_while_parts_are_fetched_is_seen_at_the_next_poll(
    store: Store, connect: Connect, large: Register, producer: Playback
) -> None:
    client = connect(max_answer_bytes=one_slice_bytes(large))

    def respond(exchange: Exchange) -> None:
        exchange.send(large.answer(exchange.question))
        if store.count(EVERYTHING) == 30:
            large.measurements[0] = replace(large.measurements[0], measure=share(len(producer.bodies)))

    producer.respond = respond
    poll(store, client, SIX_SLICES)
    assert store.known(SIX_SLICES).checksum is None
    producer.respond = lambda exchange: exchange.send(large.answer(exchange.question))
    assert outcomes(poll(store, client, SIX_SLICES)) == ["stored"]
    assert outcomes(poll(store, client, SIX_SLICES)) == ["unchanged"]


def test_an_answer_that_always_comes_too_late_is_fetched_in_parts(
    store: Store, connect: Connect, large: Register, producer: Playback
) -> None:
    def respond(exchange: Exchange) -> None:
        if exchange.question.include_measurements and len(large.matching(exchange.question)) > 30:
            exchange.send(fault("Server", "VP009 [TEST] Fel"), status=500)
        else:
            exchange.send(large.answer(exchange.question))

    producer.respond = respond
    polled = poll(store, connect(), SIX_SLICES, attempts=2)
    assert (outcomes(polled), len(polled[0].fetched)) == (["stored"], 2)


def test_what_cannot_be_split_further_fails(store: Store, connect: Connect, large: Register) -> None:
    polled = poll(store, connect(max_answer_bytes=2_000), SIX_SLICES)
    assert outcomes(polled) == ["failed"]
    assert isinstance(polled[0].error, AnswerTooLarge)
    assert store.count(EVERYTHING) == 0
    assert store.known(SIX_SLICES).checksum is None
