"""The reports as people see them: the HTML file in Chromium at a laptop's and a phone's width, the DOCX in LibreOffice.

Slow, and skipped with the reason where Chromium or LibreOffice is missing.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from lxml import html
from suite_runs import Ran, run_target, target_of

from testsuites.mock.faults import mock_faults
from testsuites.mock.server import running_mock
from testsuites.reports.document import render_docx
from testsuites.reports.html import render_html

pytestmark = pytest.mark.slow

#: Opens everything, uses the filter, and notes what a reader would see; runs after the report's own script.
PROBE = """
<script>
addEventListener("load", () => {
  const seen = {};
  for (const entry of document.querySelectorAll("details")) entry.open = true;
  seen.width = innerWidth;
  seen.scrollWidth = document.documentElement.scrollWidth;
  seen.wider = [...document.querySelectorAll("body *")].filter(
    (e) => !e.parentElement.closest("pre, svg") && e.getBoundingClientRect().right > innerWidth + 1
  ).map((e) => `${e.tagName} ${e.className} ${e.textContent.slice(0, 40)}`).slice(0, 5);
  seen.sides = getComputedStyle(document.querySelector(".sides")).gridTemplateColumns.split(" ").length;
  seen.errors = window.probeErrors;
  document.querySelector('.filter[data-status="failed"]').click();
  seen.shown = [...document.querySelectorAll(".case:not([hidden])")].map((e) => e.id);
  seen.font = getComputedStyle(document.querySelector("#verdict")).color;
  document.querySelector('.filter[data-status=""]').click();
  seen.all = document.querySelectorAll(".case:not([hidden])").length;
  parent.postMessage(JSON.stringify(seen), "*");
});
</script>
</body>"""
#: A frame of the reader's width, because a window cannot be as narrow as a phone.
FRAME = """<!doctype html><body><iframe src="report.html" style="width:{width}px;height:900px;border:0"></iframe>
<script>addEventListener("message", (e) => {{ document.body.dataset.seen = e.data; }});</script></body>"""
CATCH = "<head><script>window.probeErrors = []; addEventListener('error', (e) => probeErrors.push(e.message));</script>"


@pytest.fixture(scope="module")
def failed() -> Ran:
    with running_mock(fault=mock_faults()["rate-in-per-cent"]) as server:
        return run_target(target_of(server.url))


def chromium(*arguments: str) -> str:
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("Chromium is needed")
    common = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--virtual-time-budget=5000"]
    done = subprocess.run([program, *common, *arguments], capture_output=True, text=True, timeout=120, check=True)
    return done.stdout


@pytest.mark.parametrize(("width", "columns"), [(1280, 2), (390, 1)])
def test_html_report_in_chromium(failed: Ran, tmp_path: Path, width: int, columns: int) -> None:
    text = render_html(failed.finished, "sv").decode()
    file = tmp_path / "report.html"
    file.write_text(text.replace("<head>", CATCH, 1).replace("</body>", PROBE, 1))
    frame = tmp_path / "frame.html"
    frame.write_text(FRAME.format(width=width))
    document = html.fromstring(chromium("--window-size=1600,1000", "--dump-dom", frame.as_uri()))
    seen = json.loads(document.find("body").get("data-seen"))
    assert seen["errors"] == []
    assert seen["width"] == width
    assert seen["wider"] == []
    assert seen["scrollWidth"] <= width
    assert seen["sides"] == columns
    assert seen["shown"] == [outcome.case.id for outcome in failed.finished.outcomes if outcome.status == "failed"]
    assert seen["all"] == len(failed.finished.outcomes)


def test_html_report_gives_a_picture(failed: Ran, tmp_path: Path) -> None:
    file, picture = tmp_path / "report.html", tmp_path / "report.png"
    file.write_bytes(render_html(failed.finished, "sv"))
    chromium("--window-size=1280,1600", f"--screenshot={picture}", file.as_uri())
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size > 50_000


@pytest.mark.parametrize("language", ["sv", "en"])
def test_docx_opens_in_libreoffice(failed: Ran, tmp_path: Path, language: str) -> None:
    program = shutil.which("soffice") or shutil.which("libreoffice")
    if program is None or shutil.which("pdftotext") is None:
        pytest.skip("LibreOffice and pdftotext are needed")
    file = tmp_path / "protocol.docx"
    file.write_bytes(render_docx(failed.finished, "sv" if language == "sv" else "en"))
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    command = [program, profile, "--headless", "--convert-to", "pdf", "--outdir", str(tmp_path), str(file)]
    subprocess.run(command, capture_output=True, timeout=180, check=True)
    read = ["pdftotext", "-layout", str(tmp_path / "protocol.pdf"), "-"]
    text = subprocess.run(read, capture_output=True, text=True, timeout=60, check=True).stdout
    words = {
        "sv": ("Testprotokoll GetQualityIndicators 2.0", "Förväntat resultat", "Godkänt", "Namnförtydligande"),
        "en": ("Test protocol GetQualityIndicators 2.0", "Expectation", "Approved", "Name in print"),
    }[language]
    for word in words:
        assert word in text, word
    assert re.search(r"1\.4\s.*(Nej|No)", text)
    assert 3 <= text.count("\f") <= 20
