"""Catalogues out of a real one: the answers of its SOAP service, or the file that a platform keeps (TAK dump).

Reads ``virtualiseringsInfo`` and ``anropsBehorighetsInfo`` rows by local name, in any wrapping (platform reference
3.3, 3.5); the types of the published schema are too narrow for real data, so nothing is validated against it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from lxml import etree

from contracts.errors import BryggaError, DataError
from contracts.safe_xml import XmlLimits, parse_message
from router.catalogue.model import Catalogue, CatalogueTime, Permission, Route, Validity

Row = TypeVar("Row", Route, Permission)
#: A national dump has some hundred thousand rows of seven elements.
_LIMITS = XmlLimits(max_elements=20_000_000)


def read_dump(paths: list[Path]) -> Catalogue:
    """Read one or more dump files into one catalogue. Raises DataError that lists every problem with file and row."""
    routes: list[Route] = []
    permissions: list[Permission] = []
    problems: list[str] = []
    for path in paths:
        root = _parse(path)
        for number, element in enumerate(root.iter("{*}virtualiseringsInfo"), 1):
            routes += _row(f"{path.name}: virtualiseringsInfo {number}", element, _route, problems)
        for number, element in enumerate(root.iter("{*}anropsBehorighetsInfo"), 1):
            permissions += _row(f"{path.name}: anropsBehorighetsInfo {number}", element, _permission, problems)
    if not (routes or permissions or problems):
        problems.append("no virtualiseringsInfo and no anropsBehorighetsInfo were found")
    if problems:
        raise DataError("The dump cannot be used: " + "; ".join(problems) + ".")
    return Catalogue(tuple(routes), tuple(permissions))


def _parse(path: Path) -> etree._Element:
    try:
        return parse_message(path.read_bytes(), limits=_LIMITS)
    except OSError as error:
        raise DataError(f"The dump {path} cannot be read: {error.strerror}.") from None
    except BryggaError as error:
        raise DataError(f"The dump {path} is not readable XML. {error.message}") from None


def _row(
    where: str, element: etree._Element, make: Callable[[etree._Element], Row], problems: list[str]
) -> Iterator[Row]:
    try:
        yield make(element)
    except ValueError as error:
        problems.append(f"{where}: {error}")


def _route(element: etree._Element) -> Route:
    return Route(
        _text(element, "receiverId"),
        _text(element, "tjansteKontrakt"),
        _text(element, "rivProfil"),
        _text(element, "adress", may_be_empty=True),
        _validity(element),
    )


def _permission(element: etree._Element) -> Permission:
    return Permission(
        _text(element, "senderId"), _text(element, "receiverId"), _text(element, "tjansteKontrakt"), _validity(element)
    )


def _text(element: etree._Element, name: str, *, may_be_empty: bool = False) -> str:
    text = element.findtext(f"{{*}}{name}")
    if not (text or may_be_empty):
        raise ValueError(f"{name} is missing or empty")
    return text or ""


def _validity(element: etree._Element) -> Validity:
    return Validity(_time(element, "fromTidpunkt"), _time(element, "tomTidpunkt"))


def _time(element: etree._Element, name: str) -> CatalogueTime | None:
    text = element.findtext(f"{{*}}{name}")
    if not text:
        return None
    try:
        return CatalogueTime(datetime.fromisoformat(text.strip()))
    except ValueError:
        raise ValueError(f"{name} is no date with time") from None
