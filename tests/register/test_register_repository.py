"""The producer's reading of publications on both engines (see `producer.repository`; robustness reference G05, G08)."""

from __future__ import annotations

import multiprocessing
import threading
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from engines import new_database
from sqlalchemy import text
from vis_file import nation, row, unit, value, write_csv

from contracts.checksum import content_digest
from contracts.errors import ConfigurationError, NotPublished, RegisterUnavailable
from contracts.model import DatePeriod
from contracts.registry import GET_QUALITY_INDICATORS_2
from producer.register import DatabaseRepository, Register, open_register, publish, rollback
from producer.register.importer import ImportOutcome, import_vis
from producer.repository import PublicationRepository, Selection

ImportRows = Callable[..., ImportOutcome]
CONTRACT = GET_QUALITY_INDICATORS_2.rendering
EVER = DatePeriod("19000101", "20991231")
YEARS = [(f"{year}-01-01", f"{year}-12-31") for year in range(2019, 2026)]


def _rows() -> list[dict[str, str]]:
    return [
        make(MeasureID=measure_id, Version=version, PeriodReportedStartDate=start, PeriodReportedEndDate=end)
        for start, end in YEARS
        for make, measure_id, version in ((row, "a", "3"), (nation, "a", "3"), (unit, "a", "2"), (value, "b", "1"))
    ]


@pytest.fixture
def published(register: Register, import_rows: ImportRows) -> Register:
    import_rows(_rows())
    publish(register)
    return register


@pytest.fixture
def repository(register: Register) -> Iterator[DatabaseRepository]:
    made = DatabaseRepository(register.url)
    yield made
    made.close()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def reading(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DatabaseRepository]:
    """A repository over a register like ``published``, for tests that only read."""
    folder = tmp_path_factory.mktemp("reading")
    server = None if request.param == "sqlite" else request.getfixturevalue("postgresql_url")
    with new_database(folder, server) as url, open_register(url, create=True) as register:
        import_vis(register, write_csv(folder / "file.csv", _rows()))
        publish(register)
        made = DatabaseRepository(url)
        yield made
        made.close()


def _keys(selection: Selection) -> list[tuple[str, int, str]]:
    return [
        (entry.key.measure_id, entry.key.version_number, entry.key.measure_period.start) for entry in selection.slices
    ]


def test_it_is_a_publication_repository(repository: DatabaseRepository) -> None:
    typed: PublicationRepository = repository
    assert typed.select(CONTRACT, None, EVER) == Selection(0, ())


def test_slices_come_in_canonical_order(reading: DatabaseRepository) -> None:
    selection = reading.select(CONTRACT, None, EVER)
    assert selection.publication_id == 1
    assert len(selection.slices) == 21
    assert list(selection.slices) == sorted(selection.slices, key=lambda entry: entry.key)
    assert _keys(reading.select(CONTRACT, ["b", "a", "b"], EVER)) == _keys(selection)


@pytest.mark.parametrize(
    ("start", "end", "years"),
    [
        ("20200101", "20211231", ["2020", "2021"]),
        ("20200102", "20211231", ["2021"]),
        ("20200101", "20211230", ["2020"]),
        ("20200601", "20200630", []),
        ("20251231", "20190101", []),
        ("19000101", "20991231", [start[:4] for start, _ in YEARS]),
    ],
)
def test_only_periods_wholly_inside_are_selected(
    reading: DatabaseRepository, start: str, end: str, years: list[str]
) -> None:
    found = reading.select(CONTRACT, ["b"], DatePeriod(start, end))
    assert [key[2][:4] for key in _keys(found)] == years


@pytest.mark.parametrize("unknown", ["", "c", "A", "a ", "a'; DROP TABLE slice; --", "%", "_"])
def test_an_unknown_indicator_matches_nothing(reading: DatabaseRepository, unknown: str) -> None:
    assert reading.select(CONTRACT, [unknown], EVER).slices == ()
    assert len(reading.select(CONTRACT, [unknown, "b"], EVER).slices) == len(YEARS)


def test_a_form_that_is_not_published_is_no_empty_answer(reading: DatabaseRepository) -> None:
    with pytest.raises(NotPublished):
        reading.select("GetQualityIndicators:9", None, EVER)


def test_content_is_what_the_entries_say(reading: DatabaseRepository) -> None:
    selection = reading.select(CONTRACT, None, EVER)
    for entry, plain in zip(selection.slices, reading.content(selection), strict=True):
        assert (len(plain), content_digest(plain)) == (entry.byte_length, entry.digest)
        assert plain.count(b"<c:measurement>") == entry.measurement_count


def test_compressed_pieces_join_to_one_deflate_stream(reading: DatabaseRepository) -> None:
    selection = reading.select(CONTRACT, None, EVER)
    pieces = list(reading.compressed_content(selection))
    assert [len(piece) for piece in pieces] == [entry.compressed_length for entry in selection.slices]
    reader = zlib.decompressobj(-15)
    assert reader.decompress(b"".join(pieces)) == b"".join(reading.content(selection))
    assert not reader.eof
    for entry, piece in zip(selection.slices, pieces, strict=True):
        assert zlib.crc32(zlib.decompressobj(-15).decompress(piece)) == entry.crc32


def test_a_new_publication_is_seen_at_once(
    published: Register, repository: DatabaseRepository, import_rows: ImportRows
) -> None:
    before = repository.select(CONTRACT, None, EVER)
    import_rows([value(MeasureID="b", Version="1", Value="1")], mode="KEEP")
    publish(published)
    after = repository.select(CONTRACT, None, EVER)
    assert (before.publication_id, after.publication_id) == (1, 2)
    changed = set(after.slices) - set(before.slices)
    assert len(changed) == 1
    rollback(published, 1)
    assert repository.select(CONTRACT, None, EVER) == before


def test_the_index_kept_up_to_date_equals_one_made_anew(
    published: Register, repository: DatabaseRepository, import_rows: ImportRows
) -> None:
    repository.select(CONTRACT, None, EVER)
    steps: list[tuple[list[dict[str, str]], str]] = [
        ([value(MeasureID="b", Version="1", Value="1")], "KEEP"),
        ([value(MeasureID="c"), unit(MeasureID="a", Version="2", Rate="0.766")], "KEEP"),
        ([nation(MeasureID="a"), value(MeasureID="b", Version="1", Value="2")], "DELETE"),
        ([value(MeasureID="d")], "KEEP"),
        ([nation(MeasureID="a")], "DELETE"),
    ]
    for number, (rows, mode) in enumerate(steps):
        import_rows(rows, mode=mode)
        publish(published)
        if number == 1:
            continue  # Two publications at once.
        fresh = DatabaseRepository(published.url)
        assert repository.select(CONTRACT, None, EVER) == fresh.select(CONTRACT, None, EVER)
        fresh.close()


def test_closing_the_content_early_gives_the_connection_back(reading: DatabaseRepository) -> None:
    selection = reading.select(CONTRACT, None, EVER)
    for _ in range(200):  # More than there are connections.
        pieces = reading.content(selection)
        next(pieces)
        pieces.close()  # type: ignore[attr-defined]
    reading.content(selection).close()  # type: ignore[attr-defined]
    reading.check()


def test_threads_share_it(reading: DatabaseRepository) -> None:
    expected = b"".join(reading.content(reading.select(CONTRACT, None, EVER)))
    results: list[bool] = []

    def read() -> None:
        for _ in range(10):
            results.append(b"".join(reading.content(reading.select(CONTRACT, None, EVER))) == expected)

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 80


def _read_in_child(repository: DatabaseRepository, answers: multiprocessing.Queue[int]) -> None:
    answers.put(sum(len(piece) for piece in repository.content(repository.select(CONTRACT, None, EVER))))
    repository.close()


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_opens_its_own_connections(reading: DatabaseRepository) -> None:
    expected = sum(len(piece) for piece in reading.content(reading.select(CONTRACT, None, EVER)))
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    children = [context.Process(target=_read_in_child, args=(reading, answers)) for _ in range(2)]
    for child in children:
        child.start()
    assert [answers.get(timeout=30) for _ in children] == [expected, expected]
    for child in children:
        child.join(30)
    assert sum(len(piece) for piece in reading.content(reading.select(CONTRACT, None, EVER))) == expected


def test_a_damaged_slice_is_never_sent(published: Register, repository: DatabaseRepository) -> None:
    selection = repository.select(CONTRACT, None, EVER)
    second = selection.slices[1].slice_id
    with published.writing("damage", "tester") as (connection, _):
        connection.execute(
            text("UPDATE slice SET content = (SELECT content FROM slice WHERE id <> :id LIMIT 1) WHERE id = :id"),
            {"id": second},
        )
    pieces = repository.content(selection)
    next(pieces)
    with pytest.raises(RegisterUnavailable, match="damaged"):
        next(pieces)
    assert next(repository.content(Selection(1, selection.slices[:1])))


def test_a_failure_shows_before_content_is_returned(published: Register, repository: DatabaseRepository) -> None:
    selection = repository.select(CONTRACT, None, EVER)
    with published.writing("damage", "tester") as (connection, _):
        connection.execute(text("DELETE FROM publication_slice"))
        connection.execute(text("DELETE FROM slice"))
    with pytest.raises(RegisterUnavailable):
        repository.content(selection)
    with pytest.raises(RegisterUnavailable):
        repository.compressed_content(selection)


def test_it_recovers_when_its_connections_were_cut(published: Register, repository: DatabaseRepository) -> None:
    before = repository.select(CONTRACT, None, EVER)
    if published.is_postgresql:
        with published.engine.connect() as connection:
            cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE '% producer'"
            assert connection.execute(text(cut)).all()
    else:
        for checked_in in list(repository._pool.engine().pool._pool.queue):  # type: ignore[attr-defined]
            checked_in.driver_connection.close()
    assert repository.select(CONTRACT, None, EVER) == before


def test_a_database_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    for url in (
        f"sqlite:///{tmp_path}/none.sqlite",
        "postgresql+psycopg://nobody@127.0.0.1:1/none",
    ):
        repository = DatabaseRepository(url)
        with pytest.raises(RegisterUnavailable) as told:
            repository.select(CONTRACT, None, EVER)
        assert "127.0.0.1" not in told.value.message
        assert str(tmp_path) not in told.value.message
        with pytest.raises(RegisterUnavailable):
            repository.check()
    assert not (tmp_path / "none.sqlite").exists()


def test_a_database_without_register_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "empty.sqlite").touch()
    with pytest.raises(RegisterUnavailable):
        DatabaseRepository(f"sqlite:///{tmp_path}/empty.sqlite").check()


def test_a_file_of_another_kind_is_named_at_the_start(tmp_path: Path) -> None:
    file = tmp_path / "register.sqlite"
    file.write_bytes(b"this is a text, and no database" * 100)
    with pytest.raises(ConfigurationError, match=r"no SQLite database.*backup"):
        open_register(f"sqlite:///{file}")
    with pytest.raises(RegisterUnavailable):
        DatabaseRepository(f"sqlite:///{file}").check()


def test_connections_only_read(published: Register, repository: DatabaseRepository) -> None:
    if published.is_postgresql:
        pytest.skip("rights are the database administrator's on PostgreSQL")
    with pytest.raises(RegisterUnavailable), repository._pool.connection() as connection:
        connection.scalar("DELETE FROM slice")
    assert repository.select(CONTRACT, None, EVER).slices
