"""Killed and competing writers on both engines (robustness reference G01, G03, G11)."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from doomed_writer import run_and_kill
from sqlalchemy import delete, event
from vis_file import nation, row, unit, value, write_csv

from contracts.errors import ConfigurationError, DataError, RegisterUnavailable
from contracts.model import DatePeriod
from contracts.registry import GET_QUALITY_INDICATORS_2
from producer.register import DatabaseRepository, Register, open_register, publish, register_status
from producer.register.importer import ImportOutcome, import_vis
from producer.register.lock import Writer
from producer.register.tables import publication_slice

ImportRows = Callable[..., ImportOutcome]
EVER = DatePeriod("19000101", "20991231")
BEFORE = [nation(), row(), *(unit(number, MeasureID="b") for number in range(30))]
AFTER = [
    value(MeasureID=f"m{measure}", UnitHSAID=f"SE9990001112-E{number:04}", UnitName=f"U{number}")
    for measure in range(4)
    for number in range(150)
]


def _served(register: Register) -> bytes:
    repository = DatabaseRepository(register.url)
    try:
        selection = repository.select(GET_QUALITY_INDICATORS_2.rendering, None, EVER)
        return b"".join(repository.content(selection))
    finally:
        repository.close()


def _kill(register: Register, file: str, point: str) -> None:
    assert run_and_kill(register.url, file, point) == -signal.SIGKILL


@pytest.mark.parametrize(
    "point",
    [
        "storing:0.5",
        "commit:1",
        *(pytest.param(point, marks=pytest.mark.slow) for point in ("reading:0.01", "storing:0.01", "storing:0.99")),
    ],
)
def test_a_killed_import_changes_nothing_and_hinders_nobody(
    register: Register, import_rows: ImportRows, tmp_path: Path, point: str
) -> None:
    import_rows(BEFORE)
    publish(register)
    served = _served(register)
    file = write_csv(tmp_path / "after.csv", AFTER)
    _kill(register, str(file), point)
    assert _served(register) == served
    assert register_status(register).measurements == len(BEFORE)
    assert publish(register).is_new is False
    outcome = import_vis(register, file)
    assert (outcome.inserted, outcome.deleted) == (len(AFTER), len(BEFORE))
    assert publish(register).publication.contracts[0].measurement_count == len(AFTER)


@pytest.mark.parametrize(
    "point",
    ["publishing:1", *(pytest.param(point, marks=pytest.mark.slow) for point in ("publishing:0.1", "commit:1"))],
)
def test_a_killed_publication_leaves_the_one_before(register: Register, import_rows: ImportRows, point: str) -> None:
    import_rows(BEFORE)
    publish(register)
    served = _served(register)
    import_rows(AFTER)
    _kill(register, "-", point)
    assert _served(register) == served
    outcome = publish(register)
    assert (outcome.publication.id, outcome.changed_slices) == (2, 6)
    assert _served(register) != served


def test_the_next_writer_is_told_of_an_interrupted_one(
    register: Register, import_rows: ImportRows, tmp_path: Path
) -> None:
    import_rows(BEFORE)
    file = write_csv(tmp_path / "after.csv", AFTER)
    _kill(register, str(file), "storing:0.5")
    status = register_status(register)
    assert status.writer is not None
    assert status.writer.operation == "import of after.csv"
    outcome = import_vis(register, file)
    assert outcome.interrupted == status.writer
    assert register_status(register).writer is None


def test_a_second_writer_is_refused_with_owner_and_age(register: Register, import_rows: ImportRows) -> None:
    with register.writing("import of big.csv", "Anna"), pytest.raises(RegisterUnavailable) as refused:
        import_rows(BEFORE)
    assert "import of big.csv by Anna" in refused.value.message
    assert "begun 0 s ago" in refused.value.message or "begun 1 s ago" in refused.value.message
    assert register_status(register).measurements == 0
    import_rows(BEFORE)


def test_a_second_writer_waits_for_the_first(register: Register, import_rows: ImportRows) -> None:
    waiting = open_register(register.url, lock_wait_s=30)
    import_rows(BEFORE)
    entered, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with register.writing("import of big.csv", "Anna"):
            entered.set()
            leave.wait(30)

    holder = threading.Thread(target=hold)
    holder.start()
    entered.wait(30)
    threading.Timer(0.3, leave.set).start()
    assert publish(waiting).is_new
    holder.join(30)
    waiting.close()


def test_readers_are_not_held_up_by_a_writer(register: Register, import_rows: ImportRows) -> None:
    import_rows(BEFORE)
    publish(register)
    served = _served(register)
    with register.writing("import of big.csv", "Anna") as (connection, _):
        connection.execute(delete(publication_slice))
        assert _served(register) == served
        connection.rollback()
    assert _served(register) == served


def test_a_writer_is_described_with_its_age() -> None:
    begun = datetime.now(UTC).replace(year=2025)
    assert "min ago" in Writer("import of a.csv", "Anna", "host", 7, begun).describe()


def test_a_failed_change_leaves_no_note_of_a_writer(register: Register, import_rows: ImportRows) -> None:
    with pytest.raises(DataError):
        publish(register)
    assert register_status(register).writer is None


def test_a_full_disk_changes_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'register.sqlite'}"
    with open_register(url, create=True) as register:
        import_vis(register, write_csv(tmp_path / "before.csv", BEFORE))
        publish(register)
        served = _served(register)
        with register.reading() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()

        def limit(connection: Any, _record: object) -> None:
            connection.execute(f"PRAGMA max_page_count={pages + 4}")

        event.listen(register.engine, "connect", limit)
        register.engine.dispose()
        with pytest.raises(DataError, match="no room left"):
            import_vis(register, write_csv(tmp_path / "after.csv", AFTER))
        assert _served(register) == served
        event.remove(register.engine, "connect", limit)
        register.engine.dispose()
        assert register_status(register).measurements == len(BEFORE)
        assert publish(register).is_new is False


PAGE = 4096


@pytest.fixture
def sound(tmp_path: Path) -> tuple[Path, bytes]:
    """A published register's file, and what it serves."""
    file = tmp_path / "register.sqlite"
    with open_register(f"sqlite:///{file}", create=True) as register:
        import_vis(register, write_csv(tmp_path / "file.csv", AFTER))
        publish(register)
        return file, _served(register)


def _damage(file: Path, page: int, *, cut: bool) -> None:
    content = bytearray(file.read_bytes())
    if cut:
        del content[page * PAGE :]
    else:
        content[page * PAGE : (page + 1) * PAGE] = b"\xa5" * PAGE
    file.write_bytes(content)


@pytest.mark.parametrize("cut", [True, False], ids=["truncated", "corrupt page"])
def test_a_damaged_register_is_refused_with_file_and_mend(sound: tuple[Path, bytes], cut: bool) -> None:
    file, _ = sound
    _damage(file, file.stat().st_size // PAGE // 2, cut=cut)
    with pytest.raises(ConfigurationError, match=r"register\.sqlite is damaged.*cp BACKUP"):  # noqa: SIM117
        with open_register(f"sqlite:///{file}") as register:
            register.check_integrity()


@pytest.mark.parametrize("cut", [True, False], ids=["truncated", "corrupt page"])
def test_a_damaged_register_serves_the_whole_or_nothing(sound: tuple[Path, bytes], cut: bool) -> None:
    file, expected = sound
    content = file.read_bytes()
    refused = 0
    for page in range(0, len(content) // PAGE, 7):
        file.write_bytes(content)
        _damage(file, page, cut=cut)
        repository = DatabaseRepository(f"sqlite:///{file}")
        try:
            selection = repository.select(GET_QUALITY_INDICATORS_2.rendering, None, EVER)
            assert b"".join(repository.content(selection)) == expected
        except RegisterUnavailable:
            refused += 1
        finally:
            repository.close()
    assert refused


def test_a_sound_register_passes_the_check(register: Register, import_rows: ImportRows) -> None:
    import_rows(BEFORE)
    register.check_integrity()
