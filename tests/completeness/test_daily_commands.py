"""The documented way from counts to a published report, by its commands (docs/from-counts-to-report.md)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.cli import run

SETTINGS = """\
[system]
hsa_id = "SE9990001112-DEMO"
name = "Demo"

[organization]
hsa_id = "SE9990001112-DEMOREG"
name = "Demoregistret"

[register]
url = "sqlite:///register.db"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "brygga.toml").write_text(SETTINGS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for form in ("organizations", "counts"):
        assert run(["register", "template", form, f"{form}.csv", "-q"]) == 0
    assert run(["catalogue", "template", "catalogue.toml", "-q"]) == 0
    assert run(["catalogue", "import", "catalogue.toml", "-q"]) == 0
    return tmp_path


def output(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> dict[str, object]:
    capsys.readouterr()
    assert run([*arguments, "--json"]) == code
    answer: dict[str, object] = json.loads(capsys.readouterr().out)
    return answer


def test_counts_become_a_published_report(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = output(capsys, "register", "aggregate", "counts.csv", "--import")
    assert (made["rows"], made["methods"], made["masked"]) == (105, {"99001": "Wilson"}, 12)
    assert made["suppressed"] != 0
    whole = output(capsys, "register", "completeness", "--html", "report.html")
    assert (whole["is_complete"], (folder / "report.html").exists()) == (True, True)
    published = output(capsys, "register", "publish", "--require-complete")
    assert published["is_new"] is True
    assert output(capsys, "register", "export", "out.csv")["rows"] == 105
    assert (folder / "out.csv").read_bytes() == (folder / "counts.vis.csv").read_bytes()


def test_incomplete_register_is_not_published(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["register", "aggregate", "counts.csv", "-q"]) == 0
    lines = (folder / "counts.vis.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (folder / "part.csv").write_text("".join([*lines[:4], *lines[5:]]), encoding="utf-8")
    assert run(["register", "import", "part.csv", "-q"]) == 0
    report = output(capsys, "register", "publish", "--require-complete", code=1)
    assert report["missing_count"] == 1
    assert output(capsys, "register", "publications") == []


def test_wrong_counts_change_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (folder / "counts.csv").read_text(encoding="utf-8")
    (folder / "counts.csv").write_text(text.replace("2025-03-31", "2025-03-32", 1), encoding="utf-8")
    refused = output(capsys, "register", "aggregate", "counts.csv", "--import", code=4)
    assert refused["errors_by_rule"] == {"CNT-04": 1}
    assert not (folder / "counts.vis.csv").exists()
    assert not (folder / "register.db").exists()


def test_catalogue_is_listed_and_shown(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert run(["catalogue", "list"]) == 0
    assert run(["catalogue", "show", "99001"]) == 0
    text = capsys.readouterr().out
    assert all(part in text for part in ("99002", "Display threshold", "quarter", "Open data"))
    assert run(["catalogue", "show", "unknown"]) == 2


def test_pull_reads_the_source_of_the_settings(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(folder / "own.db")) as connection, connection:
        connection.execute(
            "CREATE VIEW returns AS SELECT 'SE9990001112-E0001' AS unit, '2025-01-01' AS period_start, "
            "'2025-12-31' AS period_end, 30 AS numerator, 40 AS denominator"
        )
    connection.close()
    source = '\n[[register.sources]]\nurl = "sqlite:///own.db"\n\n[[register.sources.queries]]\nmeasure_id = "99001"\n'
    (folder / "brygga.toml").write_text(f'{SETTINGS}{source}query = "returns"\n', encoding="utf-8")
    assert output(capsys, "register", "pull", "pulled.csv")["rows"] == 1
    made = output(capsys, "register", "aggregate", "pulled.csv")
    assert made["errors"] == 0
