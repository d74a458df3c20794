"""``brygga router``: catalogue import and check, routes, log; as a user types it, read as JSON and as text."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from router_lab import Lab, message

from contracts.errors import EXIT_DATA, EXIT_ENVIRONMENT, EXIT_FINDINGS, EXIT_USAGE
from gateway.cli import run
from router.catalogue import Catalogue, FaultRule, HsaUnit, Permission, Route, write_catalogue
from router.embedded import running_router

CONTRACT = "urn:riv:followup:groupoutcomes:qualityreporting:GetQualityIndicatorsResponder:2"
SENDER, RECEIVER = "SE9990001112-CONSUMER", "SE9990001112-REG"
Brygga = Callable[..., tuple[int, str]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with settings of a router (HTTP entry only, so that no certificates are needed)."""
    (tmp_path / "brygga.toml").write_text(
        '[router]\ncatalogue = "routing.toml"\nhttp_port = 0\ncall_log = "calls"\n', encoding="utf-8"
    )
    catalogue = Catalogue(
        (Route(RECEIVER, CONTRACT, "RIVTABP21", "https://localhost:8443/x"),), (Permission(SENDER, RECEIVER, CONTRACT),)
    )
    write_catalogue(tmp_path / "routing.toml", catalogue)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def brygga(folder: Path, capsys: pytest.CaptureFixture[str]) -> Brygga:
    def call(*arguments: str) -> tuple[int, str]:
        capsys.readouterr()
        code = run(["router", *arguments])
        captured = capsys.readouterr()
        return code, captured.out if captured.out else captured.err

    return call


def as_json(brygga: Brygga, *arguments: str) -> tuple[int, Any]:
    code, text = brygga(*arguments, "--json")
    return code, json.loads(text)


def test_routes_explains_a_call_that_arrives(brygga: Brygga) -> None:
    code, data = as_json(brygga, "routes", SENDER.lower(), RECEIVER, "GetQualityIndicators:2")
    assert code == 0
    assert (data["outcome"], data["address"]) == ("ok", "https://localhost:8443/x")
    assert data["contract"] == CONTRACT
    code, text = brygga("routes", SENDER, RECEIVER, CONTRACT)
    assert code == 0
    assert "goes to https://localhost:8443/x" in text


def test_routes_explains_a_call_that_is_refused(brygga: Brygga) -> None:
    code, data = as_json(brygga, "routes", "SE9990001112-STRANGER", RECEIVER, CONTRACT)
    assert code == EXIT_FINDINGS
    assert data["outcome"] == "VP007"
    assert data["permission_trace"] == f"{RECEIVER},(default),*,(parent),SE"
    code, text = brygga("routes", SENDER, "SE9990001112-NOBODY", CONTRACT)
    assert code == EXIT_FINDINGS
    assert "VP004" in text
    assert "nothing" in text


def test_routes_at_a_time_that_is_none(brygga: Brygga) -> None:
    code, text = brygga("routes", SENDER, RECEIVER, CONTRACT, "--at", "yesterday")
    assert code == EXIT_USAGE
    assert "is no time" in text


def test_routes_without_catalogue_says_what_to_do(brygga: Brygga, folder: Path) -> None:
    (folder / "routing.toml").unlink()
    code, text = brygga("routes", SENDER, RECEIVER, CONTRACT)
    assert code == EXIT_ENVIRONMENT
    assert "brygga router catalogue import" in text.replace("\n", " ")


def test_check_is_silent_on_a_good_catalogue_and_names_what_surprises(brygga: Brygga, folder: Path) -> None:
    code, data = as_json(brygga, "catalogue", "check")
    assert (code, data["remarks"], data["routes"]) == (0, [], 1)
    write_catalogue(folder / "bad.toml", Catalogue((Route(RECEIVER, CONTRACT, "RIVTABP22", ""),)))
    code, text = brygga("catalogue", "check", "bad.toml")
    assert code == EXIT_FINDINGS
    assert "VP010" in text
    assert "VP005" in text


def test_import_of_order_dump_and_tree(brygga: Brygga, folder: Path) -> None:
    order = {
        "plattform": "NTJP-TEST",
        "genomforandeTidpunkt": "2026-01-01",
        "inkludera": {
            "anropsbehorigheter": [
                {"logiskAdress": RECEIVER, "tjanstekontrakt": CONTRACT, "tjanstekonsument": "SE9990001112-NEW"}
            ]
        },
    }
    (folder / "order.json").write_text(json.dumps(order), encoding="utf-8")
    code, data = as_json(brygga, "catalogue", "import", "order.json", "--dry-run")
    assert (code, data["permissions"], data["written"]) == (0, 2, False)
    code, data = as_json(brygga, "catalogue", "import", "order.json")
    assert (code, data["permissions"], data["written"]) == (0, 2, True)
    assert as_json(brygga, "routes", "SE9990001112-NEW", RECEIVER, CONTRACT)[0] == 0

    (folder / "tree.xml").write_text(
        "<f><hsaUnit><hsaIdentity>A</hsaIdentity><DN>o=A,c=SE</DN><name>A</name></hsaUnit></f>", encoding="utf-8"
    )
    code, data = as_json(brygga, "catalogue", "import", "--format", "hsa", "tree.xml")
    assert (code, data["hsa_units"]) == (0, 1)

    row = "<virtualiseringsInfo><receiverId>B</receiverId><rivProfil>RIVTABP21</rivProfil>"
    (folder / "dump.xml").write_text(
        f"<d>{row}<tjansteKontrakt>urn:x</tjansteKontrakt><adress>https://b/</adress></virtualiseringsInfo></d>",
        encoding="utf-8",
    )
    code, text = brygga("catalogue", "import", "dump.xml")
    assert code == 0
    assert "1 route, 0 permissions, 1 HSA unit" in text.replace("\n", " ")


def test_import_of_something_else_changes_nothing(brygga: Brygga, folder: Path) -> None:
    before = (folder / "routing.toml").read_bytes()
    (folder / "order.json").write_text("{}", encoding="utf-8")
    code, text = brygga("catalogue", "import", "order.json")
    assert code == EXIT_DATA
    assert "genomforandeTidpunkt" in text
    assert (folder / "routing.toml").read_bytes() == before


def test_log_shows_the_last_calls(brygga: Brygga, folder: Path, lab: Lab) -> None:
    code, text = brygga("log")
    assert code == EXIT_ENVIRONMENT
    assert "no traffic log" in text.replace("\n", " ")
    with running_router(lab.settings("strict", call_log=folder / "calls")) as router:
        assert lab.call(router.https_url, message()).status == 200
        assert lab.call(router.https_url, message("SE9990001112-NOBODY")).status == 500
        assert [call.outcome for call in router.calls()] == ["ok", "VP004"]
    code, calls = as_json(brygga, "log", "-n", "1")
    assert code == 0
    assert [(call["outcome"], call["receiver"]) for call in calls] == [("VP004", "SE9990001112-NOBODY")]
    code, text = brygga("log")
    assert "VP004" in text


def test_log_lets_no_caller_write_to_the_terminal(brygga: Brygga, folder: Path, lab: Lab) -> None:
    with running_router(lab.settings("strict", call_log=folder / "calls")) as router:
        assert lab.call(router.https_url, message("A&#155;2J&#10;B")).status == 500
    code, text = brygga("log")
    assert code == 0
    assert "A\ufffd2J\ufffdB" in text
    assert "\x9b" not in text


def test_units_and_faults_survive_an_import(brygga: Brygga, folder: Path) -> None:
    write_catalogue(
        folder / "routing.toml",
        Catalogue((), (), (HsaUnit("A"),), (FaultRule("vp", receiver="A", code="VP009"),)),
    )
    (folder / "tree.xml").write_text(
        "<f><hsaUnit><hsaIdentity>B</hsaIdentity><DN>o=B,c=SE</DN><name>B</name></hsaUnit></f>", encoding="utf-8"
    )
    code, data = as_json(brygga, "catalogue", "import", "--format", "hsa", "tree.xml")
    assert (code, data["hsa_units"], data["faults"]) == (0, 2, 1)
