"""Judges an answer of any size by a Schematron file: whole up to 2 000 measurements, beyond that in such pieces.

Each piece is a complete envelope with the report's head. A test that counts over all measurements sees one piece
at a time; the outcome says so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from lxml import etree

from contracts.codes import Bilingual
from contracts.errors import ConfigurationError, MalformedMessage, UnexpectedAnswer
from contracts.registry import ServiceContract
from contracts.schematron import Schematron, SchematronFinding
from testsuites.answer import Answer, content_of
from testsuites.findings import ProblemLog
from testsuites.model import Check, Status
from testsuites.splitter import Piece, ReportSplitter

SCHEMATRON_PIECE = 2_000
_BEFORE_MEASUREMENT = re.compile(
    r"^/Envelope\[1\]/Body\[1\]/\w+\[1\]/(?:\w+QualityReport\[1\]/(?=\w*[mM]easurement\[))?"
)
_MEASUREMENT = re.compile(r"\b(\w*[mM]easurement)\[(\d+)\]")
_ONLY_ONE = re.compile(r"(?<!easurement)\[1\]")


def load_schematron(path: Path) -> Schematron:
    """Compile a Schematron file, once as long as it stays the same. Raises ConfigurationError."""
    try:
        facts = path.stat()
    except OSError as error:
        raise ConfigurationError(f"The Schematron {path} cannot be read: {error.strerror}.") from None
    return _load(path, facts.st_mtime_ns, facts.st_size)


@lru_cache(maxsize=8)
def _load(path: Path, _changed_at_ns: int, _size: int) -> Schematron:
    return Schematron.load(path)


def check_with_schematron(schematron: Schematron, answer: Answer, contract: ServiceContract) -> tuple[Check, ...]:
    """Run ``schematron`` over an answer; one check per assert and element that failed, none when all hold."""
    log = ProblemLog()
    splitter = ReportSplitter(contract, SCHEMATRON_PIECE)
    pieces = 0
    try:
        for chunk in content_of(answer.exchange):
            for item in splitter.feed(chunk):
                if isinstance(item, Piece):
                    pieces += 1
                    _check_piece(schematron, item, log)
        _check_piece(schematron, splitter.close(), log)
    except (UnexpectedAnswer, MalformedMessage) as error:
        return (Check("schematron.unreadable", Status.FAILED, Bilingual(error.message, error.message)),)
    return log.checks() + (_in_pieces(pieces + 1) if pieces else ())


def _check_piece(schematron: Schematron, piece: Piece, log: ProblemLog) -> None:
    document = etree.tostring(piece.envelope, encoding="utf-8")
    for finding in schematron.check(document):
        status = Status.FAILED if finding.severity == "error" else Status.REMARK
        where = _place(finding.place, piece.first)
        text = Bilingual(finding.text_in("en"), finding.text_in("sv"))
        log.add(Check(finding.rule or "schematron", status, text, where), lambda found=finding: _test_of(found))  # type: ignore[misc]


def _place(place: str, first: Mapping[str, int]) -> str:
    """Shorten Schematron's path to what readers know: measurements by their number in the whole answer."""
    short = _BEFORE_MEASUREMENT.sub("", place)
    short = _MEASUREMENT.sub(lambda m: f"{m[1]}[{int(m[2]) + first.get(m[1], 1) - 1}]", short)
    return _ONLY_ONE.sub("", short)


def _test_of(finding: SchematronFinding) -> str:
    return f"test: {finding.test}"


def _in_pieces(pieces: int) -> tuple[Check, ...]:
    text = Bilingual(
        f"The answer was judged in {pieces} pieces of at most {SCHEMATRON_PIECE} measurements; a test that compares "
        "measurements of different pieces cannot fail.",
        f"Svaret bedömdes i {pieces} delar om högst {SCHEMATRON_PIECE} mätvärden; ett test som jämför mätvärden i "
        "olika delar kan inte underkännas.",
    )
    return (Check("schematron.pieces", Status.PASSED, text),)
