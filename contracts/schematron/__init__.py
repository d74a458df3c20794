"""Runs an ISO Schematron file on a document: the project's own and any that a tester brings.

ISO/IEC 19757-3 with query bindings xslt, xslt2 and xslt3: compiled to XSLT 3.0 here, run by Saxon (XPath 3.1).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Final, NoReturn
from xml.parsers import expat

from lxml import etree
from saxonche import PySaxonApiError, PySaxonProcessor, PyXsltExecutable

from contracts.errors import ConfigurationError, MalformedMessage
from contracts.rules.finding import Severity
from contracts.schematron.compile import OUT, compile_schema
from contracts.schematron.expand import ALL_PHASES, AT, DEFAULT_PHASE, expand

__all__ = ["ALL_PHASES", "DEFAULT_PHASE", "Diagnostic", "Schematron", "SchematronFinding"]

_ALLOWED_PROTOCOLS: Final = "http://saxon.sf.net/feature/allowedProtocols"
_MILD_ROLES: Final = frozenset({"warning", "warn", "info", "information", "hint"})
_OWN_ID = re.compile(r"rule-((?:D\.)?[0-9]+(?:\.[0-9]+)*)(?:-.*)?")
_NAMESPACE_OF_STEP = re.compile(r"Q\{[^}]*\}")
_ERROR_AT = re.compile(r"on line (\d+)[^\n]*\n\s*(?:[A-Z]{4}\d{4}\s+)?([^\n]*)")


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """A further text of a finding; ``lang`` is its language or empty."""

    id: str
    lang: str
    text: str


@dataclass(frozen=True, slots=True)
class SchematronFinding:
    """An assert that failed or a report that held. The texts may hold values of the document.

    ``id`` and ``role`` are the assert's, else its rule's, else its pattern's, else empty; ``location`` is an
    XPath 3 expression for the node; ``is_broken``: the test itself could not be evaluated, ``text`` says why.
    """

    id: str
    role: str
    location: str
    text: str
    test: str
    diagnostics: tuple[Diagnostic, ...] = ()
    is_broken: bool = False

    @property
    def rule(self) -> str:
        """The contract's rule id: an id ``rule-1.2.3`` or ``rule-1.2.3-more`` gives 1.2.3, any other itself."""
        match = _OWN_ID.fullmatch(self.id)
        return match[1] if match else self.id

    @property
    def severity(self) -> Severity:
        """Role as severity: warning, warn, info, information and hint are warnings, the rest errors."""
        return "warning" if self.role.lower() in _MILD_ROLES else "error"

    @property
    def place(self) -> str:
        """``location`` without namespaces, for people."""
        return _NAMESPACE_OF_STEP.sub("", self.location)

    def text_in(self, language: str) -> str:
        """The diagnostic in that language (``sv``), else the text itself."""
        return next((d.text for d in self.diagnostics if d.lang == language), self.text)


class Schematron:
    """A compiled Schematron file. Checks one document at a time; threads wait for each other."""

    def __init__(self, path: Path, stylesheets: list[bytes]) -> None:
        """Compile ``stylesheets`` made from the Schematron at ``path``; use `load`."""
        self._path = path
        self._lock = Lock()
        self._processor = PySaxonProcessor(license=False)
        # Without this, doc() and imports of a Schematron could call any address.
        self._processor.set_configuration_property(_ALLOWED_PROTOCOLS, "file")
        self._executables = [self._compile(text) for text in stylesheets]

    @classmethod
    def load(cls, path: Path, *, phase: str = ALL_PHASES) -> Schematron:
        """Read and compile an ISO Schematron file; ``phase`` is a phase's id, #ALL or #DEFAULT.

        The file is the tester's own and may hold XSLT functions: it can read files but no network.
        Raises ConfigurationError that names file, line and reason.
        """
        return cls(path, compile_schema(expand(path, phase)))

    def check(self, document: bytes) -> tuple[SchematronFinding, ...]:
        """Run every active pattern on a document and give what was found, in the order of the patterns.

        ``document`` is untrusted XML that was parsed safely before; a DOCTYPE is refused here once more, since
        Saxon would read what it names. Raises MalformedMessage and ConfigurationError (the Schematron itself
        fails on this document).
        """
        _refuse_doctype(document)
        findings: list[SchematronFinding] = []
        with self._lock:
            try:
                source = self._processor.parse_xml(xml_text=document.decode(), encoding="UTF-8")
            except (PySaxonApiError, UnicodeDecodeError) as error:
                raise MalformedMessage("The document is not well-formed XML in UTF-8.") from error
            for executable in self._executables:
                findings.extend(_read_findings(self._run(executable, source)))
        return tuple(findings)

    def _compile(self, text: bytes) -> PyXsltExecutable:
        compiler = self._processor.new_xslt30_processor()
        compiler.set_cwd(str(self._path.resolve().parent))
        try:
            return compiler.compile_stylesheet(stylesheet_text=text.decode(), encoding="UTF-8")
        except PySaxonApiError as error:
            self._fail(text, str(error))

    def _fail(self, text: bytes, report: str) -> NoReturn:
        """Translate Saxon's report on the stylesheet to places in the Schematron file."""
        origins = [(e.sourceline or 0, e.get(AT)) for e in etree.fromstring(text).iter() if e.get(AT)]
        problems = []
        for match in _ERROR_AT.finditer(report):
            lines = [origin for line, origin in origins if line <= int(match[1])]
            problems.append(f"{lines[-1] if lines else self._path.name}: {match[2].strip()}")
        message = f"The Schematron {self._path} cannot be used: {'; '.join(problems) or report.strip()}"
        raise ConfigurationError(message, problems=problems)

    def _run(self, executable: PyXsltExecutable, source: object) -> str:
        try:
            return str(executable.transform_to_string(xdm_node=source))
        except PySaxonApiError as error:
            reason = " ".join(str(error).split())
            message = f"The Schematron {self._path} fails on this document: {reason}. Correct the Schematron."
            raise ConfigurationError(message) from error


def _refuse_doctype(document: bytes) -> None:
    """Raise MalformedMessage for a DOCTYPE and for what is not well-formed."""

    def refuse(*_: object) -> NoReturn:
        raise MalformedMessage("The document has a DOCTYPE, which is not allowed. Remove it.")

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(document, True)
    except expat.ExpatError as error:
        raise MalformedMessage(f"The document is not well-formed XML (line {error.lineno}).") from error


def _read_findings(result: str) -> list[SchematronFinding]:
    """Read the stylesheet's own output."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
    root = etree.fromstring(result.encode(), parser)
    return [_read_finding(element) for element in root.iter(f"{OUT}finding")]


def _read_finding(element: etree._Element) -> SchematronFinding:
    diagnostics = [
        Diagnostic(d.get("id", ""), d.get("lang", ""), _words(d)) for d in element.iterchildren(f"{OUT}diagnostic")
    ]
    is_broken = element.get("is-broken") == "true"
    text = " ".join(_words(e) for e in element.iterchildren(f"{OUT}text"))
    return SchematronFinding(
        id=element.get("id", ""),
        role=element.get("role", ""),
        location=element.get("location", ""),
        text=f"The test could not be evaluated: {text}" if is_broken else text,
        test=element.get("test", ""),
        diagnostics=tuple(diagnostics),
        is_broken=is_broken,
    )


def _words(element: etree._Element) -> str:
    return " ".join("".join(element.itertext()).split())
