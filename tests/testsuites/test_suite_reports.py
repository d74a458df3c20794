"""Reports: what they say, that hostile texts stay texts, and that a file is whole or not there."""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path

import docx
import pytest
import rich.console
from lxml import etree, html
from suite_runs import Ran, run_target, target_of

from contracts.codes import Bilingual
from contracts.errors import ConfigurationError
from testsuites.mock.faults import MockFault, mock_faults
from testsuites.mock.server import running_mock
from testsuites.model import CaseFinished, CaseStarted, Language, RunFinished, RunStarted, Status
from testsuites.reports import FileReport, write_whole
from testsuites.reports.document import render_docx
from testsuites.reports.html import render_html
from testsuites.reports.machine import render_json, render_junit
from testsuites.reports.terminal import TerminalReport

HOSTILE = "<script>alert(1)</script>\x07"
LANGUAGES: tuple[Language, ...] = ("sv", "en")


def ran_with(edits: list[dict[str, str]], requests: Path | None = None) -> Ran:
    fault = MockFault("edited", "", edits=tuple(edits))
    with running_mock(fault=fault) as server:
        return run_target(target_of(server.url, ("Response-Land", "Response-VE-Lan-Land")), requests=requests)


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """A run with a fault whose text an attacker chose."""
    edits = [
        {"at": "//c:measurement[1]//c:rate", "set": "90.5"},
        {"at": "//c:reportingOrganization/c:hsaId", "set": "<script>alert(1)</script>"},
        {"at": "//c:measurement[2]/c:measureId/c:extension", "set": "<script>alert(2)</script>"},
    ]
    return ran_with(edits, tmp_path_factory.mktemp("report") / "requests")


@pytest.fixture(scope="module")
def passed() -> Ran:
    return ran_with([])


# -- HTML ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pages(failed: Ran) -> dict[Language, str]:
    """The failed run's report in both languages."""
    return {language: render_html(failed.finished, language).decode() for language in LANGUAGES}


@pytest.mark.parametrize("language", LANGUAGES)
def test_html_is_one_file_with_every_case(failed: Ran, pages: dict[Language, str], language: Language) -> None:
    text = pages[language]
    document = html.fromstring(text)
    assert document.get("lang") == language
    ids = {entry.get("id") for entry in document.iter("details")}
    assert ids == {outcome.case.id for outcome in failed.finished.outcomes}
    assert not re.search(r"""(?:src|href)=["'](?!#)""", text)
    assert "@import" not in text
    assert "url(" not in text
    expected = {"sv": ("Underkänd", "Att åtgärda"), "en": ("Failed", "To be mended")}[language]
    assert document.xpath("string(//*[@id='verdict'])") == expected[0]
    assert document.xpath("string(//*[@id='to-mend']/h2)") == expected[1]


def test_html_shows_rule_place_request_answer_and_the_line_that_repeats(pages: dict[Language, str]) -> None:
    document = html.fromstring(pages["en"])
    case = document.get_element_by_id("protocol.1.4")
    text = case.text_content()
    for part in (
        "measurement[1]/proportionMeasure/rate",
        "rate is 90.5",
        "Rule 1.4",
        "<r:GetQualityIndicators>",
        "HTTP 200",
        "curl --silent",
        "<c:rate>90.5</c:rate>",
    ):
        assert part in text, part
    assert case.xpath(".//div[@class='sides']/div[@class='side']")


def test_html_in_swedish_tells_findings_in_swedish(pages: dict[Language, str]) -> None:
    document = html.fromstring(pages["sv"])
    assert "rate är 90.5" in document.get_element_by_id("protocol.1.4").text_content()


def test_html_keeps_hostile_texts_texts(pages: dict[Language, str]) -> None:
    document = html.fromstring(pages["en"])
    assert len(list(document.iter("script"))) == 1
    assert "alert(" not in str(next(document.iter("script")).text)
    assert "<script>alert(1)</script>" in document.text_content()


def test_html_of_a_green_run_says_so(passed: Ran) -> None:
    document = html.fromstring(render_html(passed.finished, "sv").decode())
    assert document.xpath("string(//*[@id='verdict'])") == "Godkänd"
    assert not document.xpath("//*[@id='to-mend']")


# -- JUnit and JSON ------------------------------------------------------------------------------------------------


def test_junit_has_stable_names_and_right_counts(failed: Ran, passed: Ran) -> None:
    bad = etree.fromstring(render_junit(failed.finished, "en"))
    good = etree.fromstring(render_junit(passed.finished, "sv"))
    names = [[(case.get("classname"), case.get("name")) for case in root.iter("testcase")] for root in (bad, good)]
    assert names[0] == names[1]
    assert ("GetQualityIndicators_2_0.protocol", "protocol.2.1") in names[0]
    assert int(bad.get("failures", "")) == failed.totals.failed == len(list(bad.iter("failure")))
    assert int(bad.get("skipped", "")) == failed.totals.skipped == len(list(bad.iter("skipped")))
    assert good.get("failures") == "0"
    failure = next(case.find("failure") for case in bad.iter("testcase") if case.get("name") == "protocol.1.4")
    assert failure is not None
    assert "[1.4] rate is 90.5" in str(failure.text)
    assert "measurement[1]/proportionMeasure/rate" in str(failure.text)


def test_json_has_everything_in_both_languages(failed: Ran) -> None:
    data = json.loads(render_json(failed.finished))
    assert data["format"] == "indikatorbryggan-suite/1"
    assert data["verdict"] == "failed"
    assert data["exitCode"] == 1
    assert data["totals"]["failed"] == failed.totals.failed
    case = next(case for case in data["cases"] if case["id"] == "protocol.1.4")
    check = next(check for check in case["checks"] if check["status"] == "failed")
    assert check["rule"] == "1.4"
    assert check["text"]["sv"] != check["text"]["en"]
    assert case["exchanges"][0]["requestFile"].startswith("request-")


def test_request_bodies_are_saved_beside_the_report(failed: Ran) -> None:
    command = failed.outcome("protocol.2.1").exchanges[0].command
    file = Path(re.findall(r"@(\S+)", command)[0])
    assert b"GetQualityIndicators" in file.read_bytes()
    saved = [path.read_bytes() for path in file.parent.iterdir()]
    assert len(saved) == len(set(saved))


# -- DOCX ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "header", "answers"),
    [
        ("sv", ["Testfall", "Förväntat resultat", "Utfall", "Godkänt"], {"Ja", "Nej", "Ja, med anmärkning", "–"}),
        ("en", ["Case", "Expectation", "Outcome", "Approved"], {"Yes", "No", "Yes, with remark", "–"}),
    ],
)
def test_docx_is_the_protocol_with_a_row_per_case(
    failed: Ran, language: Language, header: list[str], answers: set[str]
) -> None:
    document = docx.Document(io.BytesIO(render_docx(failed.finished, language)))
    tables = [table for table in document.tables if [cell.text for cell in table.rows[0].cells] == header]
    rows = {row.cells[0].text: [cell.text for cell in row.cells] for table in tables for row in table.rows[1:]}
    judged = [outcome for outcome in failed.finished.outcomes if not outcome.case.is_gate]
    assert len(rows) == len(judged)
    assert {row[3] for row in rows.values()} == answers
    assert "measurement[1]/proportionMeasure/rate" in rows["1.4"][2]
    assert (
        document.tables[-1].rows[1].cells[0].text.startswith({"sv": "Ort och datum", "en": "Place and date"}[language])
    )


def test_docx_repeats_its_header_and_sets_its_language(failed: Ran) -> None:
    with zipfile.ZipFile(io.BytesIO(render_docx(failed.finished, "sv"))) as archive:
        body = archive.read("word/document.xml").decode()
        core = archive.read("docProps/core.xml").decode()
    assert "w:tblHeader" in body
    assert "sv-SE" in core


# -- terminal ------------------------------------------------------------------------------------------------------


def printed(ran: Ran, language: Language, *, is_verbose: bool = False) -> str:
    buffer = io.StringIO()
    report = TerminalReport(rich.console.Console(file=buffer, width=100), language, is_verbose=is_verbose)
    finished = ran.finished
    report.on_event(RunStarted(finished.info, finished.suites, finished.started_at))
    for outcome in finished.outcomes:
        report.on_event(CaseStarted(outcome.case, 1, 1))
        report.on_event(CaseFinished(outcome))
    report.on_event(RunFinished(finished.totals, finished.started_at, finished.seconds))
    return buffer.getvalue()


def test_terminal_tells_what_failed_where_and_what_to_do(failed: Ran) -> None:
    text = printed(failed, "en")
    assert "✘ protocol.1.4" in text
    assert "measurement[1]/proportionMeasure/rate" in text
    assert "→ Send a share from 0 to 1; if 90.5 is per cent, send 0.905." in text
    assert "Failed  " in text
    assert "curl" not in text
    assert "curl" in printed(failed, "en", is_verbose=True)


def test_terminal_in_swedish(passed: Ran) -> None:
    text = printed(passed, "sv")
    assert "Testprotokoll" in text
    assert "Godkänd" in text


# -- files ---------------------------------------------------------------------------------------------------------


def test_texts_that_xml_cannot_carry_are_replaced(failed: Ran) -> None:
    outcome = failed.outcome("protocol.1.4")
    broken = Bilingual(HOSTILE, HOSTILE)
    checks = tuple(type(check)(check.rule, Status.FAILED, broken, HOSTILE, broken) for check in outcome.checks)
    changed = type(outcome)(outcome.case, Status.FAILED, checks, (), outcome.started_at, 0.1, broken)
    run = type(failed.finished)(
        failed.finished.info,
        failed.finished.suites,
        (changed,),
        failed.totals,
        failed.finished.started_at,
        0.1,
    )
    assert etree.fromstring(render_junit(run, "sv")) is not None
    assert docx.Document(io.BytesIO(render_docx(run, "sv"))).tables
    assert "<script>alert(1)</script>" in html.fromstring(render_html(run, "sv").decode()).text_content()


def test_report_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot be written"):
        write_whole(tmp_path / "file" / "report.html", b"x")


def test_file_is_written_at_the_end_only(tmp_path: Path, passed: Ran) -> None:
    finished = passed.finished
    report = FileReport(tmp_path / "deep" / "report.json", render_json)
    report.on_event(RunStarted(finished.info, finished.suites, finished.started_at))
    report.on_event(CaseFinished(finished.outcomes[0]))
    assert list(tmp_path.iterdir()) == []
    report.on_event(RunFinished(finished.totals, finished.started_at, 1.0))
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["report.json"]


def test_same_fault_in_several_cases_is_to_be_mended_once(failed: Ran) -> None:
    mending = [one for one in failed.finished.to_mend() if one.check.rule == "1.4"]
    assert len(mending) == 1
    assert {"protocol.1.4", "schematron.own"} <= {case.id for case in mending[0].cases}


def test_known_faults_have_a_mend_in_both_languages() -> None:
    fault = mock_faults()["all-in-responder-namespace"]
    with running_mock(fault=fault) as server:
        ran = run_target(target_of(server.url), only=("schema.complete",))
    check = ran.outcome("schema.complete").of_status(Status.FAILED)[0]
    assert check.mend is not None
    assert "Libraries that write every element in the namespace of the operation" in check.mend.en
    assert "Bibliotek" in check.mend.sv
