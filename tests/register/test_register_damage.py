"""A damaged slice is never sent: found at the start, by the doctor and when it is read, named, made anew (G05)."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator

import pytest
import structlog
from sqlalchemy import select, text, update
from vis_file import nation, row

from contracts.errors import RegisterDamaged
from contracts.model import DatePeriod, QualityIndicatorsRequest, ReportingParty
from contracts.registry import GET_QUALITY_INDICATORS_2
from producer.admission import Places
from producer.register import DatabaseRepository, Register, publish, upgrade_register
from producer.register.checking import damaged_slices
from producer.register.importer import ImportOutcome
from producer.register.tables import slice_
from producer.service import ReportService

EVER = DatePeriod("19000101", "20991231")
SYSTEM = ReportingParty("SE9990001112-PROD")


@pytest.fixture
def published(register: Register, import_rows: Callable[..., ImportOutcome]) -> Register:
    import_rows([make(MeasureID=name) for name in ("a", "b") for make in (row, nation)])
    publish(register)
    return register


@pytest.fixture
def repository(published: Register) -> Iterator[DatabaseRepository]:
    made = DatabaseRepository(published.url)
    yield made
    made.close()


def ask(repository: DatabaseRepository, *, is_gzip: bool = True) -> bytes:
    service = ReportService(
        GET_QUALITY_INDICATORS_2, repository, system=SYSTEM, organization=SYSTEM, large_answers=Places(1)
    )
    answer = service.answer(SYSTEM.hsa_id, _question(), allow_gzip=is_gzip)
    try:
        data = b"".join(answer.body)
    finally:
        answer.body.close()
    return gzip.decompress(data) if is_gzip else data


def _question() -> QualityIndicatorsRequest:
    return QualityIndicatorsRequest((), EVER)


def damage(register: Register, slice_id: int, **values: object) -> None:
    """Change one byte in the middle of the stored content, or other columns of a slice."""
    with register.writing("damage", "tester") as (connection, _):
        this = slice_.c.id == slice_id
        content = bytearray(connection.execute(select(slice_.c.content).where(this)).scalar_one())
        content[len(content) // 2] ^= 0x10
        connection.execute(update(slice_).where(this).values(values or {"content": bytes(content)}))


@pytest.mark.parametrize("is_gzip", [True, False], ids=["compressed", "plain"])
def test_no_damaged_byte_is_sent_and_the_second_caller_gets_a_fault(
    published: Register, repository: DatabaseRepository, is_gzip: bool
) -> None:
    sound = ask(repository, is_gzip=is_gzip)
    damage(published, 2)
    with structlog.testing.capture_logs() as lines, pytest.raises(RegisterDamaged, match=r"must repair it") as refused:
        ask(repository, is_gzip=is_gzip)
    assert refused.value.log_detail == "slice 2: its bytes are not those that were stored"
    (line,) = lines
    assert (line["slice"], line["mend"]) == (2, "brygga register publish --repair")
    assert line["where"].startswith("indicator b version ")
    assert not refused.value.retryable
    selection = repository.select(GET_QUALITY_INDICATORS_2.rendering, None, EVER)
    with pytest.raises(RegisterDamaged):
        # Before the first byte of an answer, though what is damaged comes last in it.
        repository.compressed_content(selection)
    only_sound = repository.select(GET_QUALITY_INDICATORS_2.rendering, ["a"], EVER)
    assert b"".join(repository.content(only_sound))
    assert publish(published, repair=True).changed_slices == 1
    assert ask(repository, is_gzip=is_gzip) == sound


@pytest.mark.parametrize(
    ("values", "is_found_as_stored", "says"),
    [
        ({}, True, "not those that were stored"),
        ({"content": b"short"}, True, "another length"),
        ({"digest": "0" * 64}, False, "digest"),
        ({"byte_length": 7}, False, "length"),
        ({"crc32": 7}, False, "CRC-32"),
    ],
    ids=["a byte", "cut", "digest", "length", "checksum"],
)
def test_damage_is_found_named_and_repaired(
    published: Register, values: dict[str, object], is_found_as_stored: bool, says: str
) -> None:
    assert damaged_slices(published, is_thorough=True) == []
    damage(published, 1, **values)
    assert len(damaged_slices(published)) == is_found_as_stored
    (found,) = damaged_slices(published, is_thorough=True)
    assert (found.slice_id, found.rendering, found.measure_id) == (1, GET_QUALITY_INDICATORS_2.rendering, "a")
    assert found.is_current
    assert says in str(found)
    repaired = publish(published, repair=True)
    assert repaired.is_new
    assert repaired.changed_slices == 1
    assert [one for one in damaged_slices(published, is_thorough=True) if one.is_current] == []


def test_repair_of_a_sound_register_publishes_nothing(published: Register) -> None:
    outcome = publish(published, repair=True)
    assert (outcome.is_new, outcome.changed_slices, outcome.rendered_slices) == (False, 0, 2)


def test_a_register_of_before_notes_the_checksum_of_what_is_stored(published: Register) -> None:
    with published.writing("test", "tester") as (connection, _):
        connection.execute(text("ALTER TABLE slice DROP COLUMN stored_crc32"))
        connection.execute(text("UPDATE alembic_version SET version_num = '0002'"))
    assert upgrade_register(published.url)[0] == "0002"
    assert damaged_slices(published, is_thorough=True) == []
