"""``brygga register status`` for every contract, and what ``brygga doctor`` says of a damaged register."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from contracts.errors import EXIT_ENVIRONMENT, EXIT_OK, RegisterDamaged
from contracts.model import DatePeriod
from gateway.cli import run
from gateway.commands import producer
from gateway.demo_data import DEMO_HSA_ID, write_demo_file
from gateway.distributed_demo import INDICATORS, write_distributed_demo
from producer.register import DatabaseRepository
from producer.repository import Selection
from producer.server import Listening

UNITS = 6
DAMAGED = 3
SETTINGS = f"""
[organization]
hsa_id = "{DEMO_HSA_ID}"
[register]
url = "sqlite:///register.db"
"""
VERSIONS = """
[producer]
contracts = ["GetQualityIndicators:2", "GetQualityIndicators:3", "GetDistributedQualityReport:3"]
allow_reconstructions = true
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("status")
    (folder / "brygga.toml").write_text(SETTINGS + VERSIONS, encoding="utf-8")
    write_demo_file(folder / "results.csv", "small")
    write_distributed_demo(folder / "distributed.csv", units=UNITS, years=(2025,))
    config = ["--quiet", "--config", str(folder / "brygga.toml")]
    assert run(["register", "import", str(folder / "results.csv"), *config]) == EXIT_OK
    assert run(["distributed", "import", str(folder / "distributed.csv"), *config]) == EXIT_OK
    assert run(["register", "publish", *config]) == EXIT_OK
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("brygga.toml", "register.db"):
        shutil.copy(made / name, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_status_counts_both_kinds_and_tells_what_is_published_of_each(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = _json(capsys, "register", "status")
    assert (status["measurements"], status["measures"]) == (2016, 12)
    distributed = status["distributed"]
    assert {name: distributed[name] for name in ("measurements", "measures", "units", "reference_values")} == {
        "measurements": UNITS * len(INDICATORS),
        "measures": len(INDICATORS),
        "units": UNITS,
        "reference_values": len(INDICATORS),
    }
    assert distributed["subgroups"] > UNITS
    assert [(one["id"], one["measurements"], one["reference_values"]) for one in status["contracts"]] == [
        ("GetQualityIndicators:2", 2016, None),
        ("GetQualityIndicators:3", 2016, None),
        ("GetDistributedQualityReport:3", UNITS * len(INDICATORS), len(INDICATORS)),
    ]
    assert run(["register", "status"]) == EXIT_OK
    shown = " ".join(capsys.readouterr().out.split())
    for part in (
        "18 results of 6 units for 3 indicators",
        "GetQualityIndicators:2, GetQualityIndicators:3: 2016 measurements in 84 slices",
        "GetDistributedQualityReport:3: 3 reference values in 3 slices",
    ):
        assert part in shown


def test_a_version_that_was_not_published_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    more = VERSIONS.replace('["GetQ', '["GetQualityIndicators:1", "GetQ')
    (folder / "brygga.toml").write_text(SETTINGS + more, encoding="utf-8")
    assert _json(capsys, "register", "status")["contracts"][0] == {
        "id": "GetQualityIndicators:1", "basis": "published", "measurements": None, "reference_values": None,
    }  # fmt: skip
    assert run(["register", "status"]) == EXIT_OK
    assert "GetQualityIndicators:1: not published; brygga register publish" in " ".join(capsys.readouterr().out.split())


def test_results_that_no_served_contract_gives_are_warned_of(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "brygga.toml").write_text(SETTINGS, encoding="utf-8")
    assert run(["register", "publish"]) == EXIT_OK
    assert "nobody gets them" in capsys.readouterr().err


def test_doctor_names_what_is_damaged_and_publish_repairs_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _slices(capsys) == [("ok", "each is what was stored")]
    _damage(folder)
    ((state, text),) = _slices(capsys)
    assert state == "error"
    assert text.startswith("GetQualityIndicators:2, indicator ")
    assert f"(slice {DAMAGED})" in text
    published = _json(capsys, "register", "publish", "--repair")
    assert (published["is_new"], published["changed_slices"]) == (True, 1)
    assert _slices(capsys) == [("ok", "each is what was stored")]


@pytest.mark.parametrize("is_checked", [True, False])
def test_serve_tells_of_damage_at_its_start_and_serves_the_rest(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, is_checked: bool
) -> None:
    more = f"behind_proxy = true\nallowed_callers = ['{DEMO_HSA_ID}']\ncheck_at_start = {str(is_checked).lower()}\n"
    system = f'[system]\nhsa_id = "{DEMO_HSA_ID}"\n'
    (folder / "brygga.toml").write_text(system + SETTINGS + VERSIONS + more, encoding="utf-8")
    _damage(folder)
    served: list[DatabaseRepository] = []

    def serve(
        _settings: object,
        open_repository: Callable[[], DatabaseRepository],
        *,
        on_ready: Callable[[Listening], None],
    ) -> None:
        served.append(open_repository())
        on_ready(Listening("http://127.0.0.1:1", "127.0.0.1", 1, None))

    monkeypatch.setattr(producer, "serve", serve)
    assert run(["producer", "serve"]) == EXIT_OK
    out, err = capsys.readouterr()
    assert "Ready." in out
    assert ("1 stored slice(s) are damaged" in err) == is_checked
    assert ("brygga register publish --repair" in err) == is_checked
    everything = served[0].select("GetQualityIndicators:2", None, DatePeriod("19000101", "20991231"))
    damaged = next(entry for entry in everything.slices if entry.slice_id == DAMAGED)
    with pytest.raises(RegisterDamaged):
        served[0].content(Selection(everything.publication_id, (damaged,)))
    sound = tuple(entry for entry in everything.slices if entry is not damaged)
    assert sum(map(len, served[0].content(Selection(everything.publication_id, sound)))) > 0
    served[0].close()


def _damage(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "register.db")) as connection, connection:
        connection.execute("UPDATE slice SET content = zeroblob(length(content)) WHERE id = ?", (DAMAGED,))
    connection.close()


def test_doctor_says_how_to_restore_a_broken_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = folder / "register.db"
    content = bytearray(file.read_bytes())
    content[len(content) // 2 :] = b"\xa5" * (len(content) - len(content) // 2)
    file.write_bytes(content)
    (register,) = (one for one in _checks(capsys) if one["about"] == "register")
    assert register["state"] == "error"
    assert "register.db is damaged" in register["text"]
    assert "cp BACKUP" in register["text"]


def _json(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = EXIT_OK) -> Any:
    capsys.readouterr()
    assert run([*arguments, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def _checks(capsys: pytest.CaptureFixture[str]) -> list[dict[str, str]]:
    # The producer lacks its certificate here, which the doctor calls wrong whatever the register is like.
    checks: list[dict[str, str]] = _json(capsys, "doctor", code=EXIT_ENVIRONMENT)["checks"]
    return checks


def _slices(capsys: pytest.CaptureFixture[str]) -> list[tuple[str, str]]:
    return [(one["state"], one["text"]) for one in _checks(capsys) if one["about"] == "stored slices"]
