"""The fixed words of the reports in both languages, and how numbers and times are written."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from contracts.codes import Bilingual
from testsuites.model import Language, Status, Totals

STATUS: Final = {
    Status.PASSED: Bilingual("Passed", "Godkänt"),
    Status.REMARK: Bilingual("Passed with remark", "Godkänt med anmärkning"),
    Status.FAILED: Bilingual("Failed", "Underkänt"),
    Status.ERROR: Bilingual("Could not be run", "Kunde inte köras"),
    Status.SKIPPED: Bilingual("Not run", "Ej kört"),
}
BADGE: Final = {**STATUS, Status.REMARK: Bilingual("Remark", "Anmärkning")}
APPROVED: Final = {
    Status.PASSED: Bilingual("Yes", "Ja"),
    Status.REMARK: Bilingual("Yes, with remark", "Ja, med anmärkning"),
    Status.FAILED: Bilingual("No", "Nej"),
    Status.ERROR: Bilingual("No (not run)", "Nej (ej kört)"),
    Status.SKIPPED: Bilingual("–", "–"),
}
_VERDICT: Final = {
    "green": Bilingual("Passed", "Godkänd"),
    "failed": Bilingual("Failed", "Underkänd"),
    "not run": Bilingual("Not carried out", "Ej genomförd"),
}
WORDS: Final = {
    "title": Bilingual("Test report", "Testrapport"),
    "protocol": Bilingual("Test protocol", "Testprotokoll"),
    "contract": Bilingual("Service contract", "Tjänstekontrakt"),
    "target": Bilingual("Endpoint", "Tjänstens adress"),
    "logical_address": Bilingual("Logical address", "Logisk adress"),
    "sender": Bilingual("Consumer's HSA-id", "Konsumentens HSA-id"),
    "date": Bilingual("Date", "Datum"),
    "tool": Bilingual("Test tool", "Testverktyg"),
    "duration": Bilingual("Duration", "Körtid"),
    "result": Bilingual("Result", "Resultat"),
    "data": Bilingual("Test data", "Testdata"),
    "cases": Bilingual("cases", "testfall"),
    "to_mend": Bilingual("To be mended", "Att åtgärda"),
    "not_run": Bilingual("Could not be run", "Kunde inte köras"),
    "all": Bilingual("All", "Alla"),
    "case": Bilingual("Case", "Testfall"),
    "expectation": Bilingual("Expectation", "Förväntat resultat"),
    "outcome": Bilingual("Outcome", "Utfall"),
    "approved": Bilingual("Approved", "Godkänt"),
    "checks": Bilingual("Checks", "Kontroller"),
    "rule": Bilingual("Rule", "Regel"),
    "place": Bilingual("Place", "Plats"),
    "places": Bilingual("places", "ställen"),
    "what_to_do": Bilingual("What to do", "Åtgärd"),
    "source": Bilingual("Source", "Källa"),
    "request": Bilingual("Request", "Fråga"),
    "answer": Bilingual("Answer", "Svar"),
    "no_answer": Bilingual("no answer", "inget svar"),
    "as_above": Bilingual("as above", "som ovan"),
    "repeat": Bilingual("Repeat", "Upprepa"),
    "copy": Bilingual("Copy", "Kopiera"),
    "copied": Bilingual("Copied", "Kopierat"),
    "recorded": Bilingual(
        "Judged from a recording; nothing was sent.", "Bedömt från en inspelning; inget har skickats."
    ),
    "answer_times": Bilingual("Answer times", "Svarstider"),
    "median": Bilingual("median", "median"),
    "slowest": Bilingual("slowest", "långsammast"),
    "calls": Bilingual("calls", "anrop"),
    "remarks": Bilingual("Remarks", "Anmärkningar"),
    "signature": Bilingual("Signature", "Underskrift"),
    "name": Bilingual("Name in print", "Namnförtydligande"),
    "place_date": Bilingual("Place and date", "Ort och datum"),
    "tester": Bilingual("Tested by", "Testat av"),
    "approver": Bilingual("Approved by", "Godkänt av"),
    "producer": Bilingual("Producer", "Tjänsteproducent"),
    "bytes": Bilingual("bytes", "byte"),
    "beginning": Bilingual("beginning", "början"),
    "summary": Bilingual("Summary", "Sammanfattning"),
    "page": Bilingual("Page", "Sida"),
    "filter": Bilingual("Show", "Visa"),
    "nothing_to_mend": Bilingual("Nothing has to be mended.", "Inget behöver åtgärdas."),
}


def verdict_of(totals: Totals) -> tuple[str, Bilingual]:
    """Give a run's verdict as key (green, failed, not run) and words."""
    key = "green" if totals.is_green else "failed" if totals.failed else "not run"
    return key, _VERDICT[key]


def pick(text: Bilingual, language: Language) -> str:
    """Give a text in one language."""
    return text.sv if language == "sv" else text.en


def local_time(moment: datetime) -> str:
    """Write a point in time in the machine's zone, as 2026-01-31 14:05."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M")


def seconds_text(seconds: float, language: Language) -> str:
    """Write a duration for people."""
    text = f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
    return text.replace(".", ",") if language == "sv" else text


def size_text(size: int, language: Language) -> str:
    """Write a number of bytes for people."""
    if size < 1000:
        return f"{size} {pick(WORDS['bytes'], language)}"
    text = f"{size / 1000:.1f} kB" if size < 1000**2 else f"{size / 1000**2:.1f} MB"
    return text.replace(".", ",") if language == "sv" else text
