"""The structure of a contract's schema and WSDL files as data: what `brygga contracts` explains and compares.

Reads the constructs that RIV-TA service contracts use (Tjänsteschema 2.1: global types, sequences, one wildcard at
the end; Basic Profile 2.1: one port type, document/literal). Files are parsed as untrusted messages are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from contracts.registry import ServiceContract
from contracts.safe_xml import parse_message

_XS = "{http://www.w3.org/2001/XMLSchema}"
_WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
_SOAP = "{http://schemas.xmlsoap.org/wsdl/soap/}"
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
class ComplexType:
    """A sequence of fields; ``wildcard`` is ``namespace processContents cardinality`` or None."""

    fields: tuple[Field, ...]
    wildcard: str | None


@dataclass(frozen=True, slots=True)
class SimpleType:
    """A restriction of a built-in type: its allowed values and patterns, in the order of the file."""

    base: str
    enumeration: tuple[str, ...]
    patterns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Structure:
    """Global elements (name -> type), complex and simple types, and the WSDL's facts by a name for each."""

    elements: Mapping[str, str]
    complex_types: Mapping[str, ComplexType]
    simple_types: Mapping[str, SimpleType]
    schemas: Mapping[str, str]
    wsdl: Mapping[str, str]

    def fields(self, type_name: str) -> tuple[Field, ...]:
        """Give a type's fields; a simple or built-in type has none."""
        complex_type = self.complex_types.get(type_name)
        return complex_type.fields if complex_type else ()

    def walk(self, type_name: str, depth: int = 0, above: tuple[str, ...] = ()) -> Iterator[tuple[int, Field]]:
        """Give the fields below a type, depth first with their depth; a recursive type is entered once."""
        for field in self.fields(type_name):
            yield depth, field
            if field.type_name not in (*above, type_name):
                yield from self.walk(field.type_name, depth + 1, (*above, type_name))


def structure_of(contract: ServiceContract) -> Structure:
    """Give the structure of a contract version's WSDL, message schema and domain schemas."""
    return read_structure([path.read_bytes() for path in contract_files(contract)])


def contract_files(contract: ServiceContract) -> list[Path]:
    """Give the files that make up a contract version, WSDL first."""
    return [contract.wsdl, *contract.schemas]


def read_structure(files: list[bytes]) -> Structure:
    """Read WSDL and schema files into one structure. Raises MalformedMessage for what is not XML."""
    elements: dict[str, str] = {}
    complex_types: dict[str, ComplexType] = {}
    simple_types: dict[str, SimpleType] = {}
    schemas: dict[str, str] = {}
    wsdl: dict[str, str] = {}
    for content in files:
        root = parse_message(content)
        if root.tag == f"{_WSDL}definitions":
            wsdl.update(_wsdl_facts(root))
        if root.tag != f"{_XS}schema":
            continue
        prefix = f"{{{root.get('targetNamespace')}}}"
        schemas[root.get("targetNamespace", "")] = (
            f"elements {root.get('elementFormDefault', 'unqualified')}, "
            f"attributes {root.get('attributeFormDefault', 'unqualified')}"
        )
        for node in root.iterchildren(f"{_XS}element"):
            elements[prefix + node.get("name", "")] = _qualified(node, node.get("type"))
        for node in root.iterchildren(f"{_XS}complexType"):
            complex_types[prefix + node.get("name", "")] = _complex_type(node)
        for node in root.iterchildren(f"{_XS}simpleType"):
            simple_types[prefix + node.get("name", "")] = _simple_type(node)
    return Structure(elements, complex_types, simple_types, schemas, wsdl)


def _complex_type(node: etree._Element) -> ComplexType:
    wildcard = next(node.iter(f"{_XS}any"), None)
    text = None
    if wildcard is not None:
        text = (
            f"{wildcard.get('namespace', '##any')} {wildcard.get('processContents', 'strict')} "
            f"{wildcard.get('minOccurs', '1')}..{wildcard.get('maxOccurs', '1')}"
        )
    return ComplexType(tuple(_field(child) for child in node.iter(f"{_XS}element")), text)


def _field(node: etree._Element) -> Field:
    maximum = node.get("maxOccurs", "1")
    return Field(
        name=node.get("name") or node.get("ref", "").split(":")[-1],
        type_name=_qualified(node, node.get("type")),
        minimum=int(node.get("minOccurs", "1")),
        maximum=UNBOUNDED if maximum == "unbounded" else int(maximum),
        default=node.get("default"),
        meaning=_meaning(node),
    )


def _simple_type(node: etree._Element) -> SimpleType:
    restriction = node.find(f"{_XS}restriction")
    if restriction is None:
        return SimpleType("", (), ())

    def values(facet: str) -> tuple[str, ...]:
        return tuple(item.get("value", "") for item in restriction.iterchildren(f"{_XS}{facet}"))

    return SimpleType(_qualified(restriction, restriction.get("base")), values("enumeration"), values("pattern"))


def _wsdl_facts(root: etree._Element) -> Iterator[tuple[str, str]]:
    """Give what a caller depends on in a WSDL, each under a name that a person can read."""
    yield "WSDL namespace", root.get("targetNamespace", "")
    for message in root.iterchildren(f"{_WSDL}message"):
        for part in message.iterchildren(f"{_WSDL}part"):
            name = f"message {message.get('name')} part {part.get('name')}"
            yield name, _qualified(part, part.get("element"))
    for port_type in root.iterchildren(f"{_WSDL}portType"):
        for way in port_type.iter(f"{_WSDL}input", f"{_WSDL}output", f"{_WSDL}fault"):
            name = f"portType {port_type.get('name')} {etree.QName(way).localname}"
            yield name, _qualified(way, way.get("message"))
    for operation in root.iterfind(f"{_WSDL}binding/{_WSDL}operation"):
        for action in operation.iterchildren(f"{_SOAP}operation"):
            yield f"soapAction of {operation.get('name')}", action.get("soapAction", "")
    for header in root.iter(f"{_SOAP}header"):
        yield "soap:header", f"{_qualified(header, header.get('message'))} part {header.get('part')}"
    for service in root.iterchildren(f"{_WSDL}service"):
        for port in service.iterchildren(f"{_WSDL}port"):
            yield f"service {service.get('name')} port {port.get('name')}", _qualified(port, port.get("binding"))


def _qualified(node: etree._Element, name: str | None) -> str:
    prefix, _, local = (name or "").rpartition(":")
    return f"{{{node.nsmap.get(prefix or None, '')}}}{local}" if local else ""


def _meaning(node: etree._Element) -> str:
    """Give the English documentation, or whatever there is."""
    texts = node.findall(f"{_XS}annotation/{_XS}documentation")
    chosen = next((text for text in texts if text.get(_XML_LANG, "en").startswith("en")), None)
    return " ".join("".join((texts[0] if chosen is None else chosen).itertext()).split()) if texts else ""
