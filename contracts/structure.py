"""The structure of a contract's schema files as data: what `brygga contracts` explains and compares.

Reads the schema constructs that RIV-TA service contracts use (Tjänsteschema 2.1: global types, sequences, one
wildcard at the end); trusted files only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from contracts.registry import ServiceContract

_XS = "{http://www.w3.org/2001/XMLSchema}"
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
UNBOUNDED = None


@dataclass(frozen=True, slots=True)
class Field:
    """One element of a complex type. ``type_name`` is ``{namespace}name``; ``maximum`` None means unbounded."""

    name: str
    type_name: str
    minimum: int
    maximum: int | None
    default: str | None
    meaning: str

    @property
    def cardinality(self) -> str:
        """Cardinality as contracts write it, such as ``1..1`` or ``0..n``."""
        return f"{self.minimum}..{'n' if self.maximum is UNBOUNDED else self.maximum}"


@dataclass(frozen=True, slots=True)
class SimpleType:
    """A restriction of a built-in type: its allowed values and patterns."""

    base: str
    enumeration: tuple[str, ...]
    patterns: tuple[str, ...]
    meaning: str


@dataclass(frozen=True, slots=True)
class Structure:
    """Global elements (name -> type), complex types (name -> fields, in order) and simple types of a contract."""

    elements: Mapping[str, str]
    complex_types: Mapping[str, tuple[Field, ...]]
    simple_types: Mapping[str, SimpleType]

    def walk(self, type_name: str, depth: int = 0, above: tuple[str, ...] = ()) -> Iterator[tuple[int, Field]]:
        """Give the fields below a type, depth first with their depth; a recursive type is entered once."""
        for field in self.complex_types.get(type_name, ()):
            yield depth, field
            if field.type_name not in (*above, type_name):
                yield from self.walk(field.type_name, depth + 1, (*above, type_name))


def structure_of(contract: ServiceContract) -> Structure:
    """Give the structure of a contract version's message and domain schemas."""
    domain_schemas = sorted((contract.package / "schemas" / "core_components").glob("*.xsd"))
    return read_structure([contract.responder_xsd, *domain_schemas])


def read_structure(files: list[Path]) -> Structure:
    """Read schema files into one structure; later files do not override names of earlier ones."""
    elements: dict[str, str] = {}
    complex_types: dict[str, tuple[Field, ...]] = {}
    simple_types: dict[str, SimpleType] = {}
    for file in files:
        root = etree.parse(str(file)).getroot()
        prefix = f"{{{root.get('targetNamespace')}}}"
        for node in root.iterchildren(f"{_XS}element"):
            elements.setdefault(prefix + node.get("name", ""), _qualified(node, node.get("type")))
        for node in root.iterchildren(f"{_XS}complexType"):
            complex_types.setdefault(prefix + node.get("name", ""), tuple(map(_field, node.iter(f"{_XS}element"))))
        for node in root.iterchildren(f"{_XS}simpleType"):
            simple_types.setdefault(prefix + node.get("name", ""), _simple_type(node))
    return Structure(elements, complex_types, simple_types)


def _field(node: etree._Element) -> Field:
    maximum = node.get("maxOccurs", "1")
    return Field(
        name=node.get("name") or (node.get("ref") or "").split(":")[-1],
        type_name=_qualified(node, node.get("type")),
        minimum=int(node.get("minOccurs", "1")),
        maximum=UNBOUNDED if maximum == "unbounded" else int(maximum),
        default=node.get("default"),
        meaning=_meaning(node),
    )


def _simple_type(node: etree._Element) -> SimpleType:
    restriction = node.find(f"{_XS}restriction")
    if restriction is None:
        return SimpleType("", (), (), _meaning(node))

    def values(facet: str) -> tuple[str, ...]:
        return tuple(item.get("value", "") for item in restriction.iterchildren(f"{_XS}{facet}"))

    base = _qualified(restriction, restriction.get("base"))
    return SimpleType(base, values("enumeration"), values("pattern"), _meaning(node))


def _qualified(node: etree._Element, name: str | None) -> str:
    prefix, _, local = (name or "").rpartition(":")
    return f"{{{node.nsmap.get(prefix or None, '')}}}{local}" if local else ""


def _meaning(node: etree._Element) -> str:
    """Give the English documentation, or whatever there is."""
    texts = node.findall(f"{_XS}annotation/{_XS}documentation")
    chosen = next((text for text in texts if text.get(_XML_LANG, "en").startswith("en")), None)
    return " ".join("".join((texts[0] if chosen is None else chosen).itertext()).split()) if texts else ""
