"""Reads a tester's ``data.xml`` in the format of the published test suites, unchanged (contract reference 8).

``globaldata`` holds one child per variable, each ``testcase`` overrides them in ``data``. Comments anywhere,
Swedish text in UTF-8 or, as older editors save it, Windows-1252.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from lxml import etree

from contracts.errors import ConfigurationError, MalformedMessage
from contracts.safe_xml import parse_message

VARIABLES = (
    "webServiceUrl",
    "httpHeaderHsaId",
    "logicalAddress",
    "measureIdOid",
    "measureId",
    "reportingPeriodStart",
    "reportingPeriodEnd",
)
_DECLARATION = re.compile(rb"^\s*<\?xml[^>]*?(?:encoding\s*=\s*[\"'](?P<encoding>[A-Za-z0-9._-]+)[\"'])?[^>]*\?>")


@dataclass(frozen=True, slots=True)
class TestCaseData:
    """One test case: its id, its description and every variable with the global ones filled in."""

    id: str
    description: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class TestData:
    """A data.xml: ``values`` are the global variables, ``cases`` in the order of the file."""

    __test__ = False  # not a test class of pytest's

    id: str
    description: str
    values: Mapping[str, str]
    cases: tuple[TestCaseData, ...]

    def case(self, name: str) -> TestCaseData | None:
        """Give the test case ``name`` (upper and lower case alike)."""
        return next((case for case in self.cases if case.id.lower() == name.lower()), None)

    def unknown_variables(self) -> tuple[str, ...]:
        """Name the variables that no published test case reads."""
        names = dict.fromkeys((*self.values, *(name for case in self.cases for name in case.values)))
        return tuple(name for name in names if name not in VARIABLES)


def read_data_xml(path: Path) -> TestData:
    """Read the file (the tester's own, still parsed as untrusted). Raises ConfigurationError."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"The test data {path} cannot be read: {error.strerror}.") from None
    try:
        root = parse_message(_to_utf8(content))
    except MalformedMessage as error:
        detail = f" {error.log_detail}." if error.log_detail else ""
        raise ConfigurationError(f"The test data {path} is no readable XML: {error.message}{detail}") from None
    if etree.QName(root).localname != "testsuite":
        raise ConfigurationError(
            f"The test data {path} has the root element {etree.QName(root).localname}; expected testsuite."
        )
    return _read(root)


def _to_utf8(content: bytes) -> bytes:
    """Give the text in UTF-8 without its declaration: declared encoding, else UTF-8, else Windows-1252."""
    declaration = _DECLARATION.match(content.removeprefix(b"\xef\xbb\xbf"))
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return re.sub(r"^\s*<\?xml.*?\?>", "", content.decode("utf-16"), flags=re.S).encode()
    body = content.removeprefix(b"\xef\xbb\xbf")[declaration.end() if declaration else 0 :]
    declared = (declaration["encoding"] or b"utf-8").decode() if declaration else "utf-8"
    for encoding in (declared, "cp1252"):
        try:
            return body.decode(encoding).encode()
        except (UnicodeDecodeError, LookupError):
            continue
    return body


def _read(root: etree._Element) -> TestData:
    values = _variables(_child(root, "globaldata"))
    cases = []
    for element in root.iterchildren("{*}testcase"):
        own = _variables(_child(element, "data"))
        cases.append(
            TestCaseData(
                (element.get("id") or "").strip(), _text(element, "description"), MappingProxyType({**values, **own})
            )
        )
    return TestData(_text(root, "id"), _text(root, "description"), MappingProxyType(values), tuple(cases))


def _child(element: etree._Element, name: str) -> etree._Element | None:
    return next(element.iterchildren(f"{{*}}{name}"), None)


def _text(element: etree._Element, name: str) -> str:
    child = _child(element, name)
    return "" if child is None else " ".join("".join(child.itertext()).split())


def _variables(element: etree._Element | None) -> dict[str, str]:
    if element is None:
        return {}
    return {etree.QName(child).localname: "".join(child.itertext()).strip() for child in element.iterchildren("*")}
