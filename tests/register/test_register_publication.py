"""Publications on both engines: sharing, checksums, rollback, retention (design 3, contract reference 6)."""

from __future__ import annotations

import hashlib
import itertools
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update
from vis_file import missing, nation, row, unit, value

from contracts.checksum import EMPTY_CHECKSUM, measurement_checksum
from contracts.errors import DataError, NotPublished
from contracts.model import DatePeriod
from contracts.registry import (
    GET_QUALITY_INDICATORS_1,
    GET_QUALITY_INDICATORS_2,
    GET_QUALITY_INDICATORS_3,
)
from producer.register import DatabaseRepository, Register, publications, publish, register_status, rollback
from producer.register.importer import ImportOutcome
from producer.register.rendering import RENDERER
from producer.register.tables import publication, publication_slice, slice_

ImportRows = Callable[..., ImportOutcome]
CONTRACT = GET_QUALITY_INDICATORS_2.rendering
EVER = DatePeriod("19000101", "20991231")
# The bytes are the same on every engine and in every release. Who changes the written form of a measurement changes the
# renderer's version too, so that registers that are in use are published anew.
GOLDEN = ("1", "c45fca7b9638d9c69d15d94f82594f0709441eac1858845c348039014f1376de")
ROWS = [nation(), row(), unit(), value(), missing("UNK", MeasureID="b"), row(PeriodReportedStartDate="2025-10-01")]


def _checksum(register: Register, period: DatePeriod = EVER, measure_ids: list[str] | None = None) -> str:
    repository = DatabaseRepository(register.url)
    try:
        selection = repository.select(CONTRACT, measure_ids, period)
        return measurement_checksum((entry.key, entry.digest) for entry in selection.slices)
    finally:
        repository.close()


def _content(register: Register) -> bytes:
    repository = DatabaseRepository(register.url)
    try:
        return b"".join(repository.content(repository.select(CONTRACT, None, EVER)))
    finally:
        repository.close()


def _slice_count(register: Register) -> int:
    with register.reading() as connection:
        return connection.execute(select(func.count()).select_from(slice_)).scalar_one()


def test_nothing_imported_cannot_be_published(register: Register) -> None:
    with pytest.raises(DataError, match="Import a file first"):
        publish(register)
    assert publications(register) == []
    assert _checksum(register) == EMPTY_CHECKSUM


def test_a_publication_says_what_it_holds(register: Register, import_rows: ImportRows) -> None:
    import_rows(ROWS)
    outcome = publish(register, who="tester")
    assert (outcome.is_new, outcome.rendered_slices, outcome.changed_slices) == (True, 4, 4)
    (part,) = outcome.publication.contracts
    assert (part.rendering, part.slice_count, part.measurement_count) == (CONTRACT, 4, len(ROWS))
    assert part.byte_length == len(_content(register))
    assert publications(register) == [outcome.publication]
    assert outcome.publication.who == "tester"


def test_publishing_again_makes_nothing_new(register: Register, import_rows: ImportRows) -> None:
    import_rows(ROWS)
    first = publish(register).publication
    again = publish(register)
    assert (again.is_new, again.rendered_slices, again.publication) == (False, 0, first)


def test_the_same_data_again_shares_every_slice(register: Register, import_rows: ImportRows) -> None:
    import_rows(ROWS)
    publish(register)
    before, count = _checksum(register), _slice_count(register)
    import_rows(random.Random(1).sample(ROWS, len(ROWS)))
    assert publish(register).is_new is False
    assert (_checksum(register), _slice_count(register)) == (before, count)


def test_a_change_renders_and_writes_only_its_slice(register: Register, import_rows: ImportRows) -> None:
    rows = [row(MeasureID=f"m{number}") for number in range(30)]
    import_rows(rows)
    publish(register)
    import_rows([row(MeasureID="m7", Coverage="0.5")], mode="KEEP")
    outcome = publish(register)
    assert (outcome.is_new, outcome.rendered_slices, outcome.changed_slices) == (True, 1, 1)
    assert _slice_count(register) == 31
    with register.reading() as connection:
        assert connection.execute(select(func.count()).select_from(publication_slice)).scalar_one() == 31


def test_a_change_that_is_taken_back_gives_nothing_new(register: Register, import_rows: ImportRows) -> None:
    import_rows(ROWS)
    publish(register)
    import_rows([row(Coverage="0.5")], mode="KEEP")
    import_rows([row()], mode="KEEP")
    outcome = publish(register)
    assert (outcome.is_new, outcome.rendered_slices, outcome.changed_slices) == (False, 1, 0)
    assert publish(register).rendered_slices == 0


CHANGES = [
    {"Rate": "0.7665"},
    {"Numerator": "913"},
    {"Denominator": "1191"},
    {"ConfidenceIntervalLower": "0.74", "ConfidenceIntervalHigher": "0.79"},
    {"Standarddeviation": "0.1"},
    {"Coverage": "0.9"},
    {"Exclusions": "2"},
    {"ReferenceIntervalRate": "0.8"},
    {"Version": "4"},
    {"PeriodReportedEndDate": "2025-06-30"},
    {"Rate": "", "Numerator": "", "Denominator": "", "ReasonCode": "UNK"},
]


def _checksums(register: Register) -> dict[str, str]:
    """Give the checksum of the question for each indicator."""
    repository = DatabaseRepository(register.url)
    try:
        slices = repository.select(CONTRACT, None, EVER).slices
    finally:
        repository.close()
    return {
        measure_id: measurement_checksum((entry.key, entry.digest) for entry in found)
        for measure_id, found in itertools.groupby(slices, lambda entry: entry.key.measure_id)
    }


def test_any_changed_value_changes_the_checksum(register: Register, import_rows: ImportRows) -> None:
    changes = {f"m{number:02}": cells for number, cells in enumerate(CHANGES)}
    import_rows([row(MeasureID=measure_id) for measure_id in (*changes, "same")])
    publish(register)
    before = _checksums(register)
    changed = [row(MeasureID=measure_id, **cells) for measure_id, cells in changes.items()]
    import_rows([*changed, row(MeasureID="same")], allow_adjusted_rates=True)
    assert publish(register).changed_slices >= len(changes)
    after = _checksums(register)
    assert before.keys() == after.keys()
    assert [measure_id for measure_id in before if before[measure_id] == after[measure_id]] == ["same"]


def test_another_name_of_region_or_register_changes_the_checksum(register: Register, import_rows: ImportRows) -> None:
    seen = set()
    for cells in ({}, {"RegionName": "Hallands län"}, {"RegionName": "Hallands län", "RegisterNamn": "Another name"}):
        import_rows([row(**cells)])
        assert publish(register).is_new, cells
        seen.add(_checksum(register))
    assert len(seen) == 3


def test_added_and_removed_measurements_change_the_checksum(register: Register, import_rows: ImportRows) -> None:
    seen = set()
    for rows in ([row()], [row(), unit()], [row(), unit(), unit(2)], [unit(), unit(2)]):
        import_rows(rows)
        publish(register)
        seen.add(_checksum(register))
    assert len(seen) == 4


def test_a_change_elsewhere_leaves_the_checksum_of_a_question(register: Register, import_rows: ImportRows) -> None:
    import_rows(ROWS)
    publish(register)
    last_quarter = DatePeriod("20251001", "20251231")
    before = _checksum(register, measure_ids=["measure-a"]), _checksum(register, last_quarter)
    import_rows([value(Value="99")], mode="KEEP")
    publish(register)
    assert (_checksum(register, measure_ids=["measure-a"]), _checksum(register, last_quarter)) == before


def test_load_order_and_engine_give_the_same_bytes(tmp_path: Path, register: Register, import_rows: ImportRows) -> None:
    rows = [*ROWS, *(unit(number, MeasureID="z") for number in range(40, 1, -1))]
    for start in range(0, len(rows), 16):
        import_rows(rows[start : start + 16], mode="KEEP")
    publish(register)
    assert (RENDERER, hashlib.sha256(_content(register)).hexdigest()) == GOLDEN
    import_rows(rows[::-1])
    assert publish(register).is_new is False


def test_removed_groups_leave_the_publication(register: Register, import_rows: ImportRows) -> None:
    import_rows(ROWS)
    publish(register)
    import_rows([nation()])
    outcome = publish(register)
    assert outcome.publication.contracts[0].measurement_count == 1
    assert outcome.publication.contracts[0].slice_count == 1


def test_rollback_serves_the_earlier_state_until_the_next_publish(register: Register, import_rows: ImportRows) -> None:
    import_rows(ROWS)
    first = publish(register).publication
    before = _checksum(register)
    import_rows([nation()])
    publish(register)
    after = _checksum(register)
    assert rollback(register, first.id).is_current
    assert _checksum(register) == before
    assert register_status(register).unpublished_groups > 0
    outcome = publish(register)
    assert (outcome.is_new, outcome.publication.id) == (False, 2)
    assert _checksum(register) == after
    assert register_status(register).unpublished_groups == 0


def test_changes_after_a_rollback_are_published(register: Register, import_rows: ImportRows) -> None:
    import_rows([nation(), row()])
    publish(register)
    import_rows([nation()])
    publish(register)
    rollback(register, 1)
    import_rows([nation(), unit()])
    third = publish(register)
    assert (third.is_new, third.publication.id) == (True, 3)
    assert third.publication.contracts[0].measurement_count == 2
    assert [kept.is_current for kept in publications(register)] == [True, False, False]


def test_rollback_to_an_unknown_publication_names_the_known_ones(register: Register, import_rows: ImportRows) -> None:
    import_rows([nation()])
    publish(register)
    with pytest.raises(DataError, match=r"no publication 7\. Kept publications: 1"):
        rollback(register, 7)


def _publish_many(register: Register, import_rows: ImportRows, count: int, **options: int) -> None:
    for number in range(count):
        import_rows([row(Exclusions=str(number)), nation()])
        publish(register, **options)


def _age(register: Register, age: timedelta) -> None:
    """Let every superseded publication have been left ``age`` ago."""
    with register.writing("test", "tester") as (connection, _):
        left = update(publication).where(publication.c.superseded_at.is_not(None))
        connection.execute(left.values(superseded_at=datetime.now(UTC) - age))


def test_old_publications_and_their_slices_are_removed(register: Register, import_rows: ImportRows) -> None:
    _publish_many(register, import_rows, 3, keep=2)
    assert len(publications(register)) == 3  # Left less than an hour ago: someone may still be reading them.
    _age(register, timedelta(hours=2))
    _publish_many(register, import_rows, 1, keep=2)
    assert [kept.id for kept in publications(register)] == [4, 3]
    assert _slice_count(register) == 2
    rollback(register, 3)
    assert _checksum(register) != EMPTY_CHECKSUM


def test_the_current_publication_is_kept_whatever_its_age(register: Register, import_rows: ImportRows) -> None:
    _publish_many(register, import_rows, 3, keep=10)
    rollback(register, 1)
    first = _checksum(register)
    _age(register, timedelta(hours=2))
    publish(register, keep=1)
    assert [kept.id for kept in publications(register)] == [3, 1]
    rollback(register, 1)
    assert _checksum(register) == first


def test_a_reader_of_a_publication_that_was_left_reads_to_its_end(register: Register, import_rows: ImportRows) -> None:
    import_rows(ROWS)
    publish(register)
    expected = _content(register)
    repository = DatabaseRepository(register.url)
    pieces = repository.content(repository.select(CONTRACT, None, EVER))
    read = next(pieces)
    _publish_many(register, import_rows, 2, keep=1)
    assert read + b"".join(pieces) == expected
    repository.close()


def test_another_renderer_renders_everything_again(
    register: Register, import_rows: ImportRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_rows(ROWS)
    publish(register)
    monkeypatch.setattr("producer.register.rendering.RENDERER", "next")
    outcome = publish(register)
    assert (outcome.is_new, outcome.rendered_slices, outcome.changed_slices) == (False, 4, 0)
    assert publish(register).rendered_slices == 0


def test_a_contract_version_that_was_not_published_is_no_empty_answer(
    register: Register, import_rows: ImportRows
) -> None:
    assert _checksum(register) == EMPTY_CHECKSUM
    import_rows(ROWS)
    publish(register)
    outcome = publish(register, contracts=())
    assert (outcome.is_new, outcome.changed_slices, outcome.publication.contracts) == (True, 4, ())
    with pytest.raises(NotPublished):
        _checksum(register)
    assert publish(register).changed_slices == 4
    assert _checksum(register) != EMPTY_CHECKSUM


def test_contract_versions_of_the_same_form_share_their_slices(register: Register, import_rows: ImportRows) -> None:
    import_rows(ROWS)
    two = publish(register, [GET_QUALITY_INDICATORS_2]).publication
    three = publish(register, [GET_QUALITY_INDICATORS_2, GET_QUALITY_INDICATORS_3])
    assert (three.is_new, three.publication) == (False, two)
    assert _slice_count(register) == 4


def test_another_contract_version_is_published_beside(register: Register, import_rows: ImportRows) -> None:
    import_rows(ROWS)
    publish(register, [GET_QUALITY_INDICATORS_2])
    before = _content(register)
    both = publish(register, [GET_QUALITY_INDICATORS_1, GET_QUALITY_INDICATORS_2])
    assert (both.is_new, both.rendered_slices, both.changed_slices) == (True, 4, 4)
    assert [part.measurement_count for part in both.publication.contracts] == [len(ROWS), len(ROWS)]
    assert _content(register) == before
    import_rows([value(Value="99")], mode="KEEP")
    again = publish(register, [GET_QUALITY_INDICATORS_1, GET_QUALITY_INDICATORS_2])
    assert (again.rendered_slices, again.changed_slices) == (2, 2)


def test_progress_tells_every_slice(register: Register, import_rows: ImportRows) -> None:
    import_rows(ROWS)
    told: list[tuple[int, int]] = []
    publish(register, progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
