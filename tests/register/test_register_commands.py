"""``brygga register``: what it prints, what it returns, and that it loses nothing (design 4)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from vis_file import nation, row, unit, write_csv

from gateway.cli import run


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "brygga.toml").write_text('[register]\nurl = "sqlite:///register.sqlite"\n', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _json(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    assert run(["register", *arguments, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def test_import_publish_and_look_back(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write_csv(folder / "file.csv", [nation(), row(), unit(ReferenceIntervalRate="80")])
    dry = _json(capsys, "import", str(file), "--dry-run")
    assert (dry["is_accepted"], dry["is_dry_run"], dry["inserted"], dry["import_id"]) == (True, True, 3, None)
    done = _json(capsys, "import", str(file))
    assert (done["inserted"], done["import_id"], done["warnings_by_rule"]) == (3, 1, {"VIS-21": 1})
    status = _json(capsys, "status")
    assert (status["measurements"], status["unpublished_groups"], status["current"]) == (3, 1, None)
    published = _json(capsys, "publish")
    assert (published["is_new"], published["publication"]["id"]) == (True, 1)
    assert _json(capsys, "publish")["is_new"] is False
    _json(capsys, "import", str(write_csv(folder / "next.csv", [row(Coverage="0.5")], mode="KEEP")))
    assert _json(capsys, "publish")["changed_slices"] == 1
    assert [kept["is_current"] for kept in _json(capsys, "publications")] == [True, False]
    assert _json(capsys, "rollback", "1")["id"] == 1
    assert [kept["is_current"] for kept in _json(capsys, "publications")] == [False, True]


def test_a_rejected_file_lists_every_problem_and_exits_4(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write_csv(folder / "file.csv", [nation(Rate="90.5"), row(Version=""), unit(CountryName="")])
    answer = _json(capsys, "import", str(file), code=4)
    assert answer["is_accepted"] is False
    assert answer["errors_by_rule"] == {"VIS-05": 1, "VIS-11": 1, "VIS-12": 1}
    assert [(found["row"], found["column"]) for found in answer["findings"]] == [
        (3, "Rate"),
        (4, "Version"),
        (5, "CountryName"),
    ]
    assert all(found["what"] and found["mend"] for found in answer["findings"])


def test_findings_are_shown_as_a_table(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [unit(number, CountryName="") for number in range(1, 101)]
    assert run(["register", "import", str(write_csv(folder / "file.csv", rows))]) == 4
    shown = capsys.readouterr()
    assert "VIS-11" in shown.out
    assert "... and 60 more" in shown.out
    assert "100 error(s) of VIS-11 CountryName" in shown.out
    assert "100 error(s)" in shown.err
    assert run(["register", "import", str(folder / "file.csv"), "--all-findings"]) == 4
    assert "more. In all" not in capsys.readouterr().out


def test_texts_tell_what_to_do_next(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = str(write_csv(folder / "file.csv", [nation(), row()]))
    for arguments, says in (
        (["import", file], "brygga register publish"),
        (["status"], "none yet: brygga register publish"),
        (["publications"], "Nothing is published yet"),
        (["publish"], "Published as publication 1"),
        (["publish"], "Nothing has changed"),
        (["publications"], "current"),
        (["rollback", "1"], "Publication 1 of"),
        (["status"], "2 of 1 indicators"),
        (["upgrade"], "nothing to do"),
    ):
        assert run(["register", *arguments]) == 0
        assert says in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["publish"], 3, "no register at"),
        (["status"], 3, "no register at"),
        (["import", "none.csv"], 4, "no file"),
        (["import", "."], 4, "folder"),
        (["rollback", "x"], 2, "not a valid integer"),
        (["import"], 2, "Missing argument"),
    ],
)
def test_errors_say_what_to_do(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, says: str
) -> None:
    assert run(["register", *arguments]) == code
    assert says in capsys.readouterr().err.replace("\n", " ")


def test_rollback_to_an_unknown_publication_exits_4(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["register", "import", str(write_csv(folder / "file.csv", [nation()]))]) == 0
    assert run(["register", "publish"]) == 0
    assert run(["register", "rollback", "9"]) == 4
    assert "Kept publications: 1" in capsys.readouterr().err.replace("\n", " ")


def test_the_file_must_be_of_the_settings_register(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (folder / "brygga.toml").open("a", encoding="utf-8") as settings:
        settings.write('[system]\nhsa_id = "SE9990001112-SYS"\n[organization]\nhsa_id = "SE9990001112-ORG"\n')
    file = str(write_csv(folder / "file.csv", [nation()]))
    assert _json(capsys, "import", file, code=4)["errors_by_rule"] == {"VIS-03": 1}
    assert _json(capsys, "import", file, "--register-hsa-id", "SE9990001112-DEMOREG")["is_accepted"] is True


def test_adjusted_rates_are_let_through_on_demand(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = str(write_csv(folder / "file.csv", [nation(Rate="0.5")]))
    assert _json(capsys, "import", file, code=4)["errors_by_rule"] == {"VIS-24": 1}
    assert _json(capsys, "import", file, "--allow-adjusted-rates")["warnings_by_rule"] == {"VIS-24": 1}
