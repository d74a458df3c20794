"""``brygga suite``: options, defaults from brygga.toml, reports, exit codes."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from contracts.errors import EXIT_ENVIRONMENT, EXIT_FINDINGS, EXIT_OK, EXIT_REMOTE, EXIT_USAGE
from contracts.registry import GET_DISTRIBUTED_QUALITY_REPORT_3
from gateway.cli import run
from testsuites.mock.answers import AnswerWriter
from testsuites.mock.faults import mock_faults
from testsuites.mock.server import MockServer, running_mock

DATA = ("--logical-address", "SE9990001112-PROD", "--from", "2024-01-01", "--to", "2024-03-31")
IDS = ("--measure-id", "Response-Land", "--measure-id", "Response-VE-Lan-Land", "--sla-calls", "2")
OWN_RULES = """<schema xmlns="http://purl.oclc.org/dsdl/schematron" queryBinding="xslt2">
  <ns prefix="q" uri="urn:riv:followup:groupoutcomes:qualityreporting:2"/>
  <pattern>
    <rule context="q:measurement">
      <assert test="q:measureIdVersionNumber = {version}">Only version {version} is used here.</assert>
      <assert test="matches(q:measurePeriod/q:start, '^20')">XPath 2 works.</assert>
    </rule>
  </pattern>
</schema>
"""


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


Brygga = Callable[..., tuple[int, str, str]]


@pytest.fixture
def brygga(capsys: pytest.CaptureFixture[str]) -> Brygga:
    def call(*arguments: object) -> tuple[int, str, str]:
        exit_code = run([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return exit_code, out, err

    return call


def test_run_writes_every_report_and_is_green(mock: MockServer, brygga: Brygga, tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("r.html", "r.docx", "r.json", "r.xml")]
    options = ("--report-html", "--report-docx", "--report-json", "--junit")
    named = [part for pair in zip(options, files, strict=True) for part in pair]
    exit_code, out, _ = brygga("suite", "run", "--url", mock.url, *DATA, *IDS, *named)
    assert exit_code == EXIT_OK
    assert "Passed  " in out
    assert all(file.stat().st_size > 1000 for file in files)
    assert "Godkänd" in files[0].read_text()
    assert (tmp_path / "r-requests" / "request-01.xml").exists()


def test_curl_line_of_the_report_repeats_the_request(mock: MockServer, brygga: Brygga, tmp_path: Path) -> None:
    brygga("suite", "run", "--url", mock.url, *DATA, *IDS, "--only", "protocol.2.1", "--report-json", "r.json")
    case = next(c for c in json.loads((tmp_path / "r.json").read_text())["cases"] if c["id"] == "protocol.2.1")
    command = case["exchanges"][0]["command"].replace("\\\n", "")
    done = subprocess.run(shlex.split(command), capture_output=True, text=True, timeout=20, check=True)
    assert done.stdout.startswith("HTTP/1.1 200")
    assert "AggregatedQualityReport" in done.stdout


def test_json_is_the_whole_result(mock: MockServer, brygga: Brygga) -> None:
    exit_code, out, _ = brygga("suite", "run", "--json", "--url", mock.url, *DATA, *IDS, "--only", "schema")
    assert exit_code == EXIT_OK
    assert json.loads(out)["totals"]["passed"] == 3


def test_quiet_prints_nothing(mock: MockServer, brygga: Brygga) -> None:
    assert brygga("suite", "run", "-q", "--url", mock.url, *DATA, *IDS, "--only", "schema") == (EXIT_OK, "", "")


def test_findings_end_with_1(brygga: Brygga) -> None:
    with running_mock(fault=mock_faults()["rate-in-per-cent"]) as server:
        exit_code, out, _ = brygga("suite", "run", "--url", server.url, *DATA, *IDS, "--only", "protocol.1.4")
    assert exit_code == EXIT_FINDINGS
    assert "90.5" in out


def test_unreachable_ends_with_5(brygga: Brygga) -> None:
    with running_mock() as server:
        url = server.url
    exit_code, out, _ = brygga("suite", "run", "--url", url, *DATA, *IDS)
    assert exit_code == EXIT_REMOTE
    assert "Not carried out" in out


@pytest.mark.parametrize(
    ("arguments", "exit_code", "words"),
    [
        ((), EXIT_USAGE, "It is not known what to test"),
        (("--url", "x", *DATA, *IDS), EXIT_USAGE, "no endpoint"),
        (("--url", "http://127.0.0.1:9/", *DATA, *IDS, "--only", "nothing"), EXIT_USAGE, "brygga suite list"),
        (("--url", "http://127.0.0.1:9/", *DATA, *IDS, "--contract", "X:1"), EXIT_USAGE, "no contract here"),
        (("--url", "https://127.0.0.1:9/", *DATA, *IDS, "--certificate", "c.pem"), EXIT_USAGE, "belong together"),
        (("--url", "http://127.0.0.1:9/", "--from", "2024-02-30"), EXIT_USAGE, "It is not known"),
        (("--url", "http://127.0.0.1:9/", *DATA, *IDS, "--data", "broken.xml"), EXIT_ENVIRONMENT, "no readable XML"),
        (("--recorded", "empty"), EXIT_ENVIRONMENT, "recording.json"),
        (("--url", "http://127.0.0.1:9/", *DATA, *IDS, "--catalogue", "bad.toml"), EXIT_ENVIRONMENT, "no [[measure]]"),
    ],
)
def test_what_cannot_be_run_says_why(
    arguments: tuple[str, ...], exit_code: int, words: str, brygga: Brygga, tmp_path: Path
) -> None:
    (tmp_path / "broken.xml").write_text("<testsuite>")
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.toml").write_text('[x]\nkind = "nothing"\nwhat = 1\n')
    code, _, err = brygga("suite", "run", *arguments)
    assert (code, words in " ".join(err.split())) == (exit_code, True), err


def test_defaults_come_from_the_settings(mock: MockServer, brygga: Brygga, tmp_path: Path) -> None:
    (tmp_path / "brygga.toml").write_text(
        f"""[consumer]
endpoint = "{mock.url.replace("http:", "https:")}"
logical_address = "SE9990001112-PROD"
[[consumer.producers]]
logical_address = "SE9990001112-PROD"
measure_ids = ["Response-Land"]
start = "2024-01-01"
end = "2024-02-29"
"""
    )
    exit_code, out, _ = brygga("suite", "run", "--url", mock.url, "--json", "--only", "protocol.2.1")
    data = json.loads(out)
    assert exit_code == EXIT_OK
    assert data["logicalAddress"] == "SE9990001112-PROD"
    assert {entry["value"] for entry in data["data"]} >= {"Response-Land", "20240101–20240229"}


@pytest.mark.parametrize(("version", "exit_code"), [(1, EXIT_OK), (2, EXIT_FINDINGS)])
def test_own_schematron_is_run(version: int, exit_code: int, mock: MockServer, brygga: Brygga, tmp_path: Path) -> None:
    (tmp_path / "constraints.sch").write_text(OWN_RULES.format(version=version))
    code, out, _ = brygga(
        "suite", "run", "--url", mock.url, *DATA, *IDS, "--schematron", "constraints.sch", "--only", "schematron"
    )
    assert code == exit_code
    assert ("Only version 2 is used here." in out) == (version == 2)


def test_broken_schematron_is_no_success(mock: MockServer, brygga: Brygga, tmp_path: Path) -> None:
    (tmp_path / "constraints.sch").write_text(OWN_RULES.format(version="((("))
    code, out, err = brygga(
        "suite", "run", "--url", mock.url, *DATA, *IDS, "--schematron", "constraints.sch", "--only", "schematron"
    )
    assert code == EXIT_ENVIRONMENT, out
    assert "constraints.sch" in err


def test_catalogue_turns_remarks_into_judgements(mock: MockServer, brygga: Brygga, tmp_path: Path) -> None:
    entry = '[[measure]]\nmeasure_id = "{}"\nversion = 1\ntitle = "x"\nunit_type = "{}"\n'
    entries = entry.format("Response-Land", "Andel"), entry.format("Response-VE-Lan-Land", "Antal")
    (tmp_path / "catalogue.toml").write_text(f"{entries[0]}threshold = 15\n{entries[1]}")
    exit_code, out, _ = brygga(
        "suite", "run", "--url", mock.url, *DATA, *IDS, "--catalogue", "catalogue.toml", "--only", "protocol.1"
    )
    assert exit_code == EXIT_FINDINGS
    assert "the catalogue says cohortMeasure" in " ".join(out.split())
    assert "could be checked" not in out


def test_record_and_replay(mock: MockServer, brygga: Brygga) -> None:
    recorded = brygga("suite", "run", "--url", mock.url, *DATA, *IDS, "--record", "rec", "--mask-ids", "-q")
    assert recorded[0] == EXIT_OK
    exit_code, out, _ = brygga("suite", "run", "--recorded", "rec", "--json")
    data = json.loads(out)
    assert exit_code == EXIT_OK
    assert data["isRecorded"] is True
    assert data["totals"]["passed"] > 35


def test_saved_answer_alone_is_judged(mock: MockServer, brygga: Brygga, tmp_path: Path) -> None:
    brygga("suite", "run", "--url", mock.url, *DATA, *IDS, "--record", "rec", "-q", "--only", "protocol.2.2")
    answers = sorted((tmp_path / "rec").glob("exchange-*/response.xml"), key=lambda file: file.stat().st_size)
    good = answers[-1].read_bytes()
    (tmp_path / "saved.xml").write_bytes(good)
    (tmp_path / "broken.xml").write_bytes(good.replace(b"<c:rate>0.", b"<c:rate>7.", 1))
    exit_code, out, _ = brygga("suite", "run", "--recorded", "saved.xml", "--json")
    totals = json.loads(out)["totals"]
    assert (exit_code, totals["failed"], totals["error"]) == (EXIT_OK, 0, 0)
    assert totals["passed"] >= 14
    exit_code, out, _ = brygga("suite", "run", "--recorded", "broken.xml")
    assert exit_code == EXIT_FINDINGS
    assert "measurement[1]/proportionMeasure/rate" in out


def test_saved_file_that_is_no_answer_is_not_green(brygga: Brygga, tmp_path: Path) -> None:
    (tmp_path / "saved.xml").write_text("hello")
    assert brygga("suite", "run", "--recorded", "saved.xml")[0] == EXIT_FINDINGS


def test_list_names_every_suite(brygga: Brygga) -> None:
    exit_code, out, _ = brygga("suite", "list", "--json")
    assert exit_code == EXIT_OK
    assert [suite["suite"] for suite in json.loads(out)] == [
        "connection",
        "published",
        "protocol",
        "schema",
        "schematron",
        "rules",
        "distributed",
        "checksum",
        "wire",
        "sla",
        "hostile",
    ]
    assert "Testprotokoll" in brygga("suite", "list", "--lang", "sv")[1]


def test_mock_lists_shapes_and_faults(brygga: Brygga) -> None:
    _, out, _ = brygga("suite", "mock", "--list", "--json")
    data = json.loads(out)
    assert len(data["shapes"]) == 13
    assert set(mock_faults()) <= {*data["faults"], *data["distributedFaults"]}
    assert "Response-HbA1c-VE" in data["distributedShapes"]
    assert "Response-VE-SJH-Lan-Land" in brygga("suite", "mock", "--list")[1]


@pytest.mark.parametrize(
    "arguments", [("--certificate", "x"), ("--fault", "none"), ("--ca", "x"), ("--fault", "ignores-unit")]
)
def test_mock_refuses_half_of_its_options(arguments: tuple[str, ...], brygga: Brygga) -> None:
    assert brygga("suite", "mock", "--port", 0, *arguments)[0] == EXIT_USAGE


def test_distributed_report_is_judged_from_the_command_line(brygga: Brygga, tmp_path: Path) -> None:
    contract = GET_DISTRIBUTED_QUALITY_REPORT_3
    named = ("--contract", contract.id, "--measure-id", "Response-HbA1c-VE", "--only", "distributed")
    with running_mock(contract=contract) as server:
        exit_code, out, _ = brygga("suite", "run", "--url", server.url, *DATA, *named)
    assert (exit_code, "distributed.references" in out) == (EXIT_OK, True)
    with running_mock(contract=contract, fault=mock_faults()["reference-over-four-units"]) as server:
        exit_code, out, _ = brygga("suite", "run", "--url", server.url, *DATA, *named, "--report-html", "r.html")
    assert (exit_code, "over 4 unit(s)" in out) == (EXIT_FINDINGS, True)
    told = "Referensvärden över minst fem enheter: The reference value is over 4 unit(s)."
    assert told in (tmp_path / "r.html").read_text()
    request = sorted((tmp_path / "r-requests").glob("*.xml"))[1].read_bytes()
    (tmp_path / "saved.xml").write_bytes(AnswerWriter(contract).answer(request))
    exit_code, out, _ = brygga("suite", "run", "--recorded", "saved.xml", "--contract", contract.id, "--json")
    status = {case["id"]: case["status"] for case in json.loads(out)["cases"]}
    assert (exit_code, status["distributed.D.8"], status["distributed.unit"]) == (EXIT_OK, "passed", "skipped")
    code, _, err = brygga("suite", "run", "--url", server.url, *DATA, *IDS, "--only", "distributed")
    assert (code, "No suite or case of this contract" in err) == (EXIT_USAGE, True)
