"""The service: span, checksum, lengths known beforehand, and what an answer holds until it is closed."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st
from memory_register import MemoryRegister, measurement
from producer_messages import Q1, Q2, SYSTEM, YEAR, request

from contracts.checksum import EMPTY_CHECKSUM, measurement_checksum
from contracts.codes.oids import OID_MEASURE
from contracts.errors import GatewayFailure, Overloaded, RegisterUnavailable
from contracts.messages.reader import ReportReader
from contracts.model import II, DatePeriod, Measurement, QualityIndicatorsRequest, ReportHead, ReportingParty
from contracts.registry import GET_QUALITY_INDICATORS_2
from producer.admission import Places
from producer.service import PIECE_BYTES, ReportService, in_pieces

ORGANIZATION = ReportingParty("SE9990001112-0001", "Organisationen")


def service(register: MemoryRegister, places: int = 2) -> ReportService:
    return ReportService(
        GET_QUALITY_INDICATORS_2,
        register,
        system=ReportingParty("SE-UNUSED", "Systemet & co"),
        organization=ORGANIZATION,
        large_answers=Places(places),
    )


def read(
    register: MemoryRegister, asked: QualityIndicatorsRequest, *, allow_gzip: bool = False
) -> tuple[ReportHead, list[Measurement]]:
    answer = service(register).answer(SYSTEM, asked, allow_gzip=allow_gzip)
    data = b"".join(answer.body)
    answer.body.close()
    assert len(data) == answer.content_length
    assert answer.is_gzip == (data[:2] == b"\x1f\x8b")
    reader = ReportReader(GET_QUALITY_INDICATORS_2.codec)
    measurements = list(reader.feed(gzip.decompress(data) if answer.is_gzip else data))
    head = reader.close()
    assert head.measurement_checksum == answer.checksum
    assert len(measurements) == answer.measurement_count
    return head, measurements


def test_answer_holds_what_matches_in_canonical_order(register: MemoryRegister) -> None:
    head, measurements = read(register, request("M2", "M1"))
    assert [(one.measure_id.extension, one.measure_period) for one in measurements] == [
        (name, period) for name in ("M1", "M2") for period in (Q1, Q2) for _ in range(3)
    ]
    assert head.reporting_period == DatePeriod(Q1.start, Q2.end)
    assert head.reporting_system == ReportingParty(SYSTEM, "Systemet & co")
    assert head.reporting_organization == ORGANIZATION


def test_reporting_period_spans_only_what_matches(register: MemoryRegister) -> None:
    head, measurements = read(register, request("M1", period=DatePeriod("20240301", "20241231")))
    assert {one.measure_period for one in measurements} == {Q2}
    assert head.reporting_period == Q2


@pytest.mark.parametrize(
    "asked",
    [
        request("unknown"),
        request("M1", period=DatePeriod("20250101", "20251231")),
        request("M1", period=DatePeriod("20241231", "20240101")),
        QualityIndicatorsRequest((II("1.2.3", "M1"),), YEAR, True),
        QualityIndicatorsRequest((II(OID_MEASURE, None), II(OID_MEASURE, "")), YEAR, True),
    ],
    ids=["unknown", "empty period", "reversed period", "foreign root", "no extension"],
)
def test_nothing_matches_gives_a_normal_answer_without_measurements(
    asked: QualityIndicatorsRequest, register: MemoryRegister
) -> None:
    head, measurements = read(register, asked)
    assert measurements == []
    assert head.measurement_checksum == EMPTY_CHECKSUM
    assert head.reporting_period == asked.reporting_period


def test_checksum_alone_is_the_checksum_of_the_whole(register: MemoryRegister) -> None:
    polled, nothing = read(register, request("M1", include=False))
    whole, something = read(register, request("M1"))
    assert polled == whole
    assert nothing == []
    assert len(something) == 6
    selection = register.select(GET_QUALITY_INDICATORS_2.id, {"M1"}, YEAR)
    assert whole.measurement_checksum == measurement_checksum((one.key, one.digest) for one in selection.slices)


def test_checksum_changes_with_a_value_and_not_with_the_order(register: MemoryRegister) -> None:
    everything = [measurement(name, period, unit) for name in ("M1", "M2") for period in (Q1, Q2) for unit in range(3)]
    before, _ = read(register, request("M1"))
    backwards = MemoryRegister(sorted(everything, key=lambda one: one.measure_id.extension or "", reverse=True))
    assert read(backwards, request("M1"))[0] == before
    other = MemoryRegister([*everything[1:], measurement("M1", Q1, 0, numerator=41)])
    assert read(other, request("M1"))[0].measurement_checksum != before.measurement_checksum
    assert read(other, request("M2"))[0] == read(register, request("M2"))[0]


def test_doubled_and_unknown_ids_change_nothing(register: MemoryRegister) -> None:
    assert read(register, request("M1", "M1", "unknown")) == read(register, request("M1"))


def test_no_measure_id_means_every_indicator_as_in_version_1(register: MemoryRegister) -> None:
    assert len(read(register, request())[1]) == 12


def test_gzip_holds_the_same_text(register: MemoryRegister) -> None:
    assert read(register, request("M1"), allow_gzip=True) == read(register, request("M1"))


def test_an_answer_without_measurements_is_never_compressed(register: MemoryRegister) -> None:
    assert not service(register).answer(SYSTEM, request("M1", include=False), allow_gzip=True).is_gzip


def test_large_answers_take_a_place_until_they_are_closed() -> None:
    register = MemoryRegister(measurement("M1", Q1, unit) for unit in range(300))
    one_place = service(register, places=1)
    first = one_place.answer(SYSTEM, request("M1"))
    with pytest.raises(Overloaded):
        one_place.answer(SYSTEM, request("M1"))
    assert one_place.answer(SYSTEM, request("M1", include=False)).measurement_count == 0
    next(iter(first.body))
    first.body.close()
    first.body.close()
    second = one_place.answer(SYSTEM, request("M1"))
    assert sum(map(len, second.body)) == second.content_length
    second.body.close()
    assert register.opened == register.closed == 2


def test_a_place_is_free_again_when_the_register_fails() -> None:
    register = MemoryRegister(measurement("M1", Q1, unit) for unit in range(300))
    one_place = service(register, places=1)
    select = register.select

    def select_and_break(*arguments: object) -> object:
        selection = select(*arguments)  # type: ignore[arg-type]
        register.is_broken = True
        return selection

    register.select = select_and_break  # type: ignore[method-assign, assignment]
    with pytest.raises(RegisterUnavailable):
        one_place.answer(SYSTEM, request("M1"))
    register.is_broken = False
    register.select = select  # type: ignore[method-assign]
    assert one_place.answer(SYSTEM, request("M1")).measurement_count == 300


@pytest.mark.parametrize("stored", [b"", b"<short/>", b"x" * 1_000_000])
def test_content_of_another_length_than_the_index_says_is_never_a_whole_answer(
    stored: bytes, register: MemoryRegister
) -> None:
    answer = service(register).answer(SYSTEM, request("M1"))
    register._plain[0] = stored
    pieces: list[bytes] = []
    with pytest.raises(GatewayFailure):
        pieces.extend(answer.body)
    assert sum(map(len, pieces)) != answer.content_length
    answer.body.close()


def test_pieces_are_of_one_size() -> None:
    register = MemoryRegister(measurement("M1", Q1, unit) for unit in range(400))
    sizes = [len(piece) for piece in service(register).answer(SYSTEM, request("M1")).body]
    assert len(sizes) > 2
    assert set(sizes[:-1]) == {PIECE_BYTES}


@given(st.lists(st.binary(max_size=40)), st.integers(1, 50))
def test_pieces_hold_the_same_bytes(chunks: list[bytes], size: int) -> None:
    pieces = list(in_pieces(chunks, size))
    assert b"".join(pieces) == b"".join(chunks)
    assert all(len(piece) == size for piece in pieces[:-1])
    assert all(0 < len(piece) <= size for piece in pieces)
