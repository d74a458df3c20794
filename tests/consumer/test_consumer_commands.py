"""``brygga consumer`` as it is typed: output, files, exit codes, and what a kill leaves behind."""

from __future__ import annotations

import csv
import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import structlog
from consumer_playback import Exchange, Playback
from consumer_reports import (
    MEASURE_A,
    MEASURE_B,
    MEASURE_C,
    SYSTEM,
    Register,
    fault,
    measurement,
    share,
    small_register,
    unit,
)

from certs.tls import TlsFiles
from consumer.exports import COLUMNS
from contracts.model import ConfidenceInterval, DatePeriod, MissingMeasure
from gateway.cli import run

DAYS = ("--from", "2024-01-01", "--to", "2025-12-31")
FETCH_A = ("consumer", "fetch", "--measure-id", MEASURE_A, *DAYS)


@pytest.fixture(autouse=True)
def _log_as_it_was() -> Iterator[None]:
    """Undo what the command line does to the log of the process."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers, root.level = handlers, level
    for name in ("zeep", "urllib3", "requests"):
        logging.getLogger(name).setLevel(logging.NOTSET)
    structlog.reset_defaults()


@pytest.fixture
def register(producer: Playback) -> Register:
    register = small_register()
    producer.respond = lambda exchange: exchange.send(register.answer(exchange.question))
    return register


@pytest.fixture
def folder(
    tmp_path: Path, producer: Playback, register: Register, client_tls: TlsFiles, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A working folder whose consumer asks the producer of the test."""
    write_settings(tmp_path, producer, client_tls)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_settings(folder: Path, producer: Playback, tls: TlsFiles, more: str = "") -> None:
    (folder / "brygga.toml").write_text(
        f"""
[consumer]
endpoint = "{producer.endpoint}"
logical_address = "{SYSTEM.hsa_id}"
store = "sqlite:///kept.sqlite"
attempts = 1
[consumer.tls]
certificate = "{tls.certificate}"
private_key = "{tls.private_key}"
ca = "{tls.ca}"
{more}
""",
        encoding="utf-8",
    )


class Outcome:
    def __init__(self, code: int, out: str, err: str) -> None:
        self.code = code
        self.out = out
        self.err = err

    @property
    def data(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def brygga(folder: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    def call(*arguments: str) -> Outcome:
        capsys.readouterr()
        code = run(list(arguments))
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return call


def test_fetch_tells_what_was_stored(brygga: Callable[..., Outcome], folder: Path) -> None:
    told = brygga(*FETCH_A)
    assert told.code == 0
    assert "Stored 10 measurements of Demoregister" in told.out
    assert "10 added, 0 changed, 0 removed, 0 as before" in told.out
    assert (folder / "kept.sqlite").exists()


def test_fetch_gives_json_and_the_answer_as_it_came(
    brygga: Callable[..., Outcome], folder: Path, producer: Playback, register: Register
) -> None:
    told = brygga(*FETCH_A, "--measure-id", MEASURE_B, "--raw", "answer.xml", "--json")
    assert told.code == 0
    assert (
        told.data.items()
        >= {
            "producer": SYSTEM.hsa_id,
            "measure_ids": [MEASURE_A, MEASURE_B],
            "period": {"start": "2024-01-01", "end": "2025-12-31"},
            "measurement_count": 20,
            "added": 20,
            "warning_count": 0,
        }.items()
    )
    assert len(told.data["checksum"]) == 64
    assert (folder / "answer.xml").read_bytes() == register.answer(producer.questions[0])


def test_days_may_be_written_without_hyphens(brygga: Callable[..., Outcome], producer: Playback) -> None:
    brygga("consumer", "fetch", "--measure-id", MEASURE_A, "--from", "20240101", "--to", "20251231")
    assert producer.questions[0].reporting_period.end == "20251231"


def test_remarks_of_the_rules_are_shown(brygga: Callable[..., Outcome], register: Register) -> None:
    measure = replace(share(150), confidence_interval_95_percent=ConfidenceInterval(0.70001, 0.90001))
    register.measurements[5] = replace(register.measurements[5], measure=measure)
    told = brygga(*FETCH_A)
    assert told.code == 0
    assert "1 remark(s)" in told.out
    assert "rule 1.5" in told.err


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("fetch", "--measure-id", "x", "--from", "2025-02-30", "--to", "2025-12-31"), 2, "YYYY-MM-DD"),
        (("fetch", "--measure-id", "x", "--from", "2025-12-31", "--to", "2025-01-01"), 2, "Exchange"),
        (("fetch", "--from", "2025-01-01", "--to", "2025-12-31"), 2, "measureId"),
        ((*FETCH_A[1:], "--producer", "nobody"), 2, "no producer 'nobody'"),
        ((*FETCH_A[1:], "--raw", "no/such/folder/file"), 2, "cannot be written"),
        (("poll", "--measure-id", "x"), 2, "all three or none"),
        (("poll", "--from", "2025-01-01"), 2, "all three or none"),
        (("poll",), 2, "nothing to poll"),
        (("observations", "--from", "soon"), 2, "YYYY-MM-DD"),
        (("observations", "--level", "Planet"), 2, "Planet"),
    ],
)
def test_wrong_use_is_told(brygga: Callable[..., Outcome], arguments: tuple[str, ...], code: int, text: str) -> None:
    told = brygga("consumer", *arguments)
    assert told.code == code
    assert text in told.err + told.out


def test_a_broken_answer_ends_with_its_findings_and_code_5(brygga: Callable[..., Outcome], register: Register) -> None:
    register.measurements[0] = replace(register.measurements[0], measure=replace(share(1), rate=90.5))
    told = brygga(*FETCH_A)
    assert told.code == 5
    assert "rule 1.4" in told.err
    assert "90.5 is per cent, send 0.905" in told.err
    log = brygga("consumer", "log")
    assert "rejected" in log.out
    assert brygga("consumer", "observations").out == "No observations match.\n"


def test_a_fault_ends_with_code_5_in_json_too(brygga: Callable[..., Outcome], producer: Playback) -> None:
    producer.respond = lambda exchange: exchange.send(fault("Client", "VP007 [TEST] Behörighet saknas"), status=500)
    told = brygga(*FETCH_A, "--json")
    assert told.code == 5
    assert told.data["error"]["code"] == "platform-fault"
    assert "VP007" in told.err


def test_poll_repeats_what_was_fetched_before(brygga: Callable[..., Outcome], register: Register) -> None:
    brygga(*FETCH_A)
    told = brygga("consumer", "poll")
    assert (told.code, "Nothing has changed." in told.out) == (0, True)
    register.measurements[0] = replace(register.measurements[0], measure=share(7))
    told = brygga("consumer", "poll", "--json")
    assert told.code == 0
    assert told.data.items() >= {"questions": 1, "changed": 1, "stored": 1, "unchanged": 0, "failed": 0}.items()
    assert told.data["results"][0].items() >= {"outcome": "stored", "changed": 1, "unchanged": 9, "error": None}.items()
    assert brygga("consumer", "poll", "--json").data["changed"] == 0


def test_poll_of_one_question_is_the_question_of_fetch(brygga: Callable[..., Outcome]) -> None:
    first = brygga(*FETCH_A, "--measure-id", MEASURE_B, "--json").data
    ids = ("--measure-id", MEASURE_B, "--measure-id", MEASURE_A)
    told = brygga("consumer", "poll", *ids, *DAYS, "--json").data
    assert (told["changed"], told["results"][0]["checksum"]) == (0, first["checksum"])


def test_poll_asks_the_producers_of_the_settings(
    brygga: Callable[..., Outcome], folder: Path, producer: Playback, client_tls: TlsFiles
) -> None:
    write_settings(
        folder,
        producer,
        client_tls,
        f"""
[[consumer.producers]]
name = "Demo"
logical_address = "{SYSTEM.hsa_id}"
measure_ids = ["{MEASURE_A}", "{MEASURE_B}", "{MEASURE_C}"]
start = "2024-01-01"
[[consumer.producers]]
name = "Down"
logical_address = "SE9990001112-DOWN"
endpoint = "https://localhost:1/"
measure_ids = ["x"]
""",
    )
    told = brygga("consumer", "poll", "--json")
    assert told.code == 5
    found = {(one["name"], *one["measure_ids"]): one["outcome"] for one in told.data["results"]}
    assert found == {
        ("Demo", MEASURE_A): "stored",
        ("Demo", MEASURE_B): "stored",
        ("Demo", MEASURE_C): "stored",
        ("Down", "x"): "failed",
    }
    assert "Down, x, " in told.err
    told = brygga("consumer", "poll", "--producer", "Demo")
    assert told.code == 0
    assert "Demo" in told.out
    assert "Down" not in told.out


def test_observations_are_a_table(brygga: Callable[..., Outcome], register: Register) -> None:
    quarter = DatePeriod("20240401", "20240630")
    register.measurements = [
        measurement(share(103), period=quarter),
        measurement(MissingMeasure("MSK"), organization=unit(7)),
        measurement(share(50), measure_id=MEASURE_B),
    ]
    brygga(*FETCH_A, "--measure-id", MEASURE_B)
    told = brygga("consumer", "observations")
    lines = [line.split() for line in told.out.splitlines()]
    assert [MEASURE_A] in lines
    assert ["2024", "Q2", "Vardenhet", "Vårdcentral", "1", "&", "Co", "0.515", "200", "0.465-0.565"] in lines
    assert ["2025", "Vardenhet", "Vårdcentral", "7", "&", "Co", "MSK"] in lines
    assert [MEASURE_B] in lines


def test_a_long_table_says_how_to_get_the_rest(brygga: Callable[..., Outcome], register: Register) -> None:
    register.measurements = [measurement(organization=unit(number)) for number in range(70)]
    brygga(*FETCH_A)
    assert "50 of 70" in brygga("consumer", "observations").out
    assert "3 of 70" in brygga("consumer", "observations", "--limit", "3").out
    assert len(brygga("consumer", "observations", "--json").data["observations"]) == 70


def test_observations_are_written_as_csv(brygga: Callable[..., Outcome], folder: Path) -> None:
    brygga(*FETCH_A)
    told = brygga("consumer", "observations", "--csv", "out.csv", "--from", "2025-01-01", "--region", "13")
    assert (told.code, told.out) == (0, "")
    assert "5 observations written to out.csv" in told.err
    with (folder / "out.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert {row["period_start"] for row in rows} == {"2025-01-01"}
    assert brygga("consumer", "observations", "--csv", "-", "-q").out.count("\n") == 11


def test_the_log_is_told_as_data(brygga: Callable[..., Outcome]) -> None:
    assert "Nothing has been fetched yet" in brygga("consumer", "log").out
    brygga(*FETCH_A)
    entry = brygga("consumer", "log", "--json").data[0]
    assert entry.items() >= {"outcome": "stored", "measurement_count": 10, "added": 10, "error": None}.items()


def test_settings_that_cannot_work_are_all_told(
    brygga: Callable[..., Outcome], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "brygga.toml").write_text(
        '[consumer]\nendpoint = "http://plain/"\nlogical_address = "x"\nattempts = 0\nheaders = ["broken"]\n'
        '[[consumer.producers]]\nlogical_address = "SE9990001112-A"\nparallel = 0\nstart = "soon"\n'
    )
    told = brygga(*FETCH_A)
    assert told.code == 3
    for text in ("https://host", "logical_address", "attempts", "'broken'", "parallel", "'soon'"):
        assert text in told.err, text


def test_a_consumer_without_certificates_is_told_what_is_missing(brygga: Callable[..., Outcome], folder: Path) -> None:
    (folder / "brygga.toml").write_text("[consumer]\n")
    told = brygga(*FETCH_A)
    assert told.code == 3
    for text in ("consumer.endpoint is missing", "consumer.logical_address is missing", "[consumer.tls] is missing"):
        assert text in told.err


def test_a_killed_fetch_leaves_what_was_stored_and_the_next_one_works(
    brygga: Callable[..., Outcome], folder: Path, producer: Playback, register: Register
) -> None:
    brygga(*FETCH_A)
    before = brygga("consumer", "observations", "--json").data
    register.measurements = [measurement(share(9), organization=unit(number)) for number in range(3_000)]
    is_half_sent = []

    def stall(exchange: Exchange) -> None:
        pieces = list(register.pieces(exchange.question))

        def chunks() -> Any:
            yield b"".join(pieces[:2_000])
            is_half_sent.append(True)
            time.sleep(20)

        exchange.send_chunks(chunks(), is_complete=False)

    producer.respond = stall
    with subprocess.Popen(
        [sys.executable, "-m", "gateway.cli", *FETCH_A], cwd=folder, env={**os.environ, "PYTHONPATH": _project()}
    ) as killed:
        deadline = time.monotonic() + 20
        while not is_half_sent and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.3)
        killed.send_signal(signal.SIGKILL)
        assert killed.wait() == -signal.SIGKILL
    assert is_half_sent
    assert brygga("consumer", "observations", "--json").data == before
    producer.respond = lambda exchange: exchange.send(register.answer(exchange.question))
    told = brygga("consumer", "poll", "--json").data
    assert told["results"][0].items() >= {"outcome": "stored", "added": 2_995, "changed": 5, "removed": 5}.items()


def _project() -> str:
    return str(Path(__file__).resolve().parents[2])
