"""The test protocol as a document to hand in: case, expectation, outcome, approved, and lines to sign (DOCX).

Made with python-docx, A4, plain styles, so that it can be worked on in Word and LibreOffice.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import Any

import docx
from docx.document import Document
from docx.enum.section import WD_ORIENT
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt, RGBColor
from docx.table import Table, _Cell

from testsuites.model import Check, Language, Outcome, Status
from testsuites.reports import FinishedRun
from testsuites.reports.words import APPROVED, STATUS, WORDS, local_time, pick, seconds_text, verdict_of

_FONT = "Calibri"
_WIDTHS_CM = (3.1, 8.0, 11.0, 3.0)
_HEADER_FILL = "E3E9F0"
_FILLS = {Status.FAILED: "FCE8E6", Status.ERROR: "F5E6F8", Status.REMARK: "FDF1D6"}
_MOST_CHECKS = 4
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BLANK_LINES = 3


def render_docx(run: FinishedRun, language: Language) -> bytes:
    """Write the test protocol in one language."""
    return _Protocol(run, language).content()


class _Protocol:
    """Builds one document."""

    def __init__(self, run: FinishedRun, language: Language) -> None:
        self._run = run
        self._language = language
        self._document: Document = docx.Document()

    def content(self) -> bytes:
        self._set_page()
        self._head()
        for suite in self._run.suites:
            outcomes = [outcome for outcome in self._run.of_suite(suite) if not outcome.case.is_gate]
            if outcomes:
                self._document.add_heading(pick(suite.title, self._language), level=2)
                self._paragraph(pick(suite.description, self._language), keep_with_next=True)
                self._cases(outcomes)
        self._remarks()
        self._signatures()
        buffer = io.BytesIO()
        self._document.save(buffer)
        return buffer.getvalue()

    def _word(self, name: str) -> str:
        return pick(WORDS[name], self._language)

    def _set_page(self) -> None:
        section = self._document.sections[0]
        section.orientation = WD_ORIENT.LANDSCAPE
        section.page_width, section.page_height = Cm(29.7), Cm(21.0)
        section.left_margin = section.right_margin = Cm(2.3)
        section.top_margin = section.bottom_margin = Cm(2.0)
        styles = self._document.styles
        styles["Normal"].font.name = _FONT
        styles["Normal"].font.size = Pt(10)
        styles["Normal"].paragraph_format.space_after = Pt(4)
        for level, size in (("Title", 24), ("Heading 1", 16), ("Heading 2", 13)):
            style = styles[level]
            style.font.name = _FONT
            style.font.size = Pt(size)
            style.font.color.rgb = RGBColor(0x1B, 0x24, 0x30)
            style.element.rPr.rFonts.set(qn("w:asciiTheme"), _FONT)
        self._footer()
        properties = self._document.core_properties
        properties.title = f"{self._word('protocol')} {self._run.info.contract}"
        properties.author = self._run.info.program
        properties.language = "sv-SE" if self._language == "sv" else "en-GB"

    def _footer(self) -> None:
        paragraph = self._document.sections[0].footer.paragraphs[0]
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
        run = paragraph.add_run(f"{self._word('protocol')} {self._run.info.contract} · {self._word('page')} ")
        run.font.size = Pt(8)
        number = paragraph.add_run()
        number.font.size = Pt(8)
        for kind, text in (("begin", None), (None, "PAGE"), ("end", None)):
            element = OxmlElement("w:instrText" if text else "w:fldChar")
            if text:
                element.text = text
            else:
                element.set(qn("w:fldCharType"), str(kind))
            number._r.append(element)

    def _head(self) -> None:
        run, info = self._run, self._run.info
        self._document.add_heading(f"{self._word('protocol')} {info.contract}", level=0)
        rows = [
            (self._word("target"), info.target),
            (self._word("logical_address"), info.logical_address),
            (self._word("sender"), info.sender),
            (self._word("date"), f"{local_time(run.started_at)} ({seconds_text(run.seconds, self._language)})"),
            (self._word("tool"), info.program),
            *((pick(name, self._language), value) for name, value in info.data),
            (self._word("result"), self._result()),
        ]
        table = self._table([row for row in rows if row[1]], (5.0, 20.1))
        for row in table.rows:
            row.cells[0].paragraphs[0].runs[0].bold = True
        for note in info.notes:
            self._paragraph(pick(note, self._language))

    def _result(self) -> str:
        totals = self._run.totals
        counts = ", ".join(
            f"{getattr(totals, status.value)} {pick(STATUS[status], self._language).lower()}"
            for status in Status
            if getattr(totals, status.value)
        )
        return f"{pick(verdict_of(totals)[1], self._language)} ({counts})"

    def _cases(self, outcomes: list[Outcome]) -> None:
        header = tuple(self._word(name) for name in ("case", "expectation", "outcome", "approved"))
        rows = [
            (
                outcome.case.id.partition(".")[2],
                f"{pick(outcome.case.title, self._language)}\n{pick(outcome.case.expectation, self._language)}",
                self._outcome(outcome),
                pick(APPROVED[outcome.status], self._language),
            )
            for outcome in outcomes
        ]
        table = self._table([header, *rows], _WIDTHS_CM)
        _repeat_header(table)
        _keep_together(table.rows[0])
        for cell in table.rows[0].cells:
            _fill(cell, _HEADER_FILL)
            cell.paragraphs[0].runs[0].bold = True
        for row, outcome in zip(table.rows[1:], outcomes, strict=True):
            row.cells[0].paragraphs[0].runs[0].bold = True
            row.cells[1].paragraphs[0].runs[0].bold = True
            if outcome.status in _FILLS:
                _fill(row.cells[3], _FILLS[outcome.status])

    def _outcome(self, outcome: Outcome) -> str:
        checks = outcome.of_status(Status.FAILED, Status.REMARK)
        if not checks:
            return pick(outcome.summary, self._language)
        lines = [self._check(check) for check in checks[:_MOST_CHECKS]]
        if len(checks) > _MOST_CHECKS:
            lines.append(f"+ {len(checks) - _MOST_CHECKS}")
        return "\n".join(lines)

    def _check(self, check: Check) -> str:
        text = f"{check.rule}: {pick(check.text, self._language)}"
        if not check.where:
            return text
        count = f", {check.count} {self._word('places')}" if check.count > 1 else ""
        return f"{text} ({check.where}{count})"

    def _remarks(self) -> None:
        self._document.add_heading(self._word("remarks"), level=2)
        for _ in range(_BLANK_LINES):
            self._paragraph("_" * 118)

    def _signatures(self) -> None:
        self._document.add_heading(self._word("signature"), level=2)
        rows = [
            (self._word("tester"), self._word("approver")),
            *((f"{self._word(name)}:\n\n",) * 2 for name in ("place_date", "signature", "name")),
        ]
        table = self._table(rows, (12.5, 12.5))
        for cell in table.rows[0].cells:
            cell.paragraphs[0].runs[0].bold = True
            _fill(cell, _HEADER_FILL)
        for row in table.rows:
            _keep_together(row)

    def _paragraph(self, text: str, *, keep_with_next: bool = False) -> None:
        paragraph = self._document.add_paragraph(_clean(text))
        paragraph.paragraph_format.keep_with_next = keep_with_next

    def _table(self, rows: Sequence[tuple[str, ...]], widths_cm: tuple[float, ...]) -> Table:
        table: Any = self._document.add_table(rows=0, cols=len(widths_cm))
        table.style = self._document.styles["Table Grid"]
        table.alignment = WD_TABLE_ALIGNMENT.LEFT
        table.autofit = False
        for column, width in zip(table.columns, widths_cm, strict=True):
            column.width = Cm(width)
        for texts in rows:
            row = table.add_row()
            _cannot_split(row)
            for cell, text, width in zip(row.cells, texts, widths_cm, strict=True):
                cell.width = Cm(width)
                _write(cell, _clean(text))
        made: Table = table
        return made


def _write(cell: _Cell, text: str) -> None:
    lines = text.split("\n")
    cell.paragraphs[0].add_run(lines[0])
    cell.paragraphs[0].paragraph_format.space_after = Pt(2)
    for line in lines[1:]:
        paragraph = cell.add_paragraph()
        paragraph.add_run(line)
        paragraph.paragraph_format.space_after = Pt(2)


def _fill(cell: _Cell, colour: str) -> None:
    shading: Any = OxmlElement("w:shd")
    shading.set(qn("w:val"), "clear")
    shading.set(qn("w:fill"), colour)
    cell._tc.get_or_add_tcPr().append(shading)


def _row_property(row: Any, name: str) -> None:
    row._tr.get_or_add_trPr().append(OxmlElement(name))


def _repeat_header(table: Table) -> None:
    _row_property(table.rows[0], "w:tblHeader")


def _cannot_split(row: Any) -> None:
    _row_property(row, "w:cantSplit")


def _keep_together(row: Any) -> None:
    for cell in row.cells:
        for paragraph in cell.paragraphs:
            paragraph.paragraph_format.keep_with_next = True


def _clean(text: str) -> str:
    """Replace what a document cannot carry; texts may come from a broken answer."""
    return _NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", text)
