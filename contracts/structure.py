"""The structure of a contract's schema and WSDL files as data: what `brygga contracts` explains and compares.

Reads the constructs that RIV-TA service contracts use (Tjänsteschema 2.1: global types, sequences, one wildcard at
the end; Basic Profile 2.1: one port type, document/literal) as fields, and notes every other construct as a ``form``,
so that none is overlooked in a comparison. Files are parsed as untrusted messages are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from lxml import etree

from contracts.registry import ServiceContract
from contracts.safe_xml import parse_message

XS = "{http://www.w3.org/2001/XMLSchema}"
WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
_SOAP = "{http://schemas.xmlsoap.org/wsdl/soap/}"
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_PLAIN = "sequence"
UNBOUNDED = None


@dataclass(frozen=True, slots=True)
class Field:
    """One element of a complex type. ``type_name`` is ``{namespace}name``; ``maximum`` None means unbounded.

    ``form`` names what else the declaration says, such as ``nillable=true``.
    """

    name: str
    type_name: str
    minimum: int
    maximum: int | None
    default: str | None
    meaning: str
    form: str = ""

    @property
    def cardinality(self) -> str:
        """Cardinality as contracts write it, such as ``1..1`` or ``0..n``."""
        return f"{self.minimum}..{'n' if self.maximum is UNBOUNDED else self.maximum}"


@dataclass(frozen=True, slots=True)
class ComplexType:
    """The fields of a type; ``wildcard`` is ``namespace processContents cardinality`` or None.

    ``form`` is how the fields are put together: "sequence", or whatever else the schema says.
    """

    fields: tuple[Field, ...]
    wildcard: str | None
    form: str = _PLAIN


@dataclass(frozen=True, slots=True)
class SimpleType:
    """A restriction of a built-in type: its allowed values and patterns in the order of the file, and other facets."""

    base: str
    enumeration: tuple[str, ...]
    patterns: tuple[str, ...]
    form: str = ""


@dataclass(frozen=True, slots=True)
class Structure:
    """Global elements (name -> type), complex and simple types, and the WSDL's facts by a name for each."""

    elements: dict[str, str] = field(default_factory=dict)
    complex_types: dict[str, ComplexType] = field(default_factory=dict)
    simple_types: dict[str, SimpleType] = field(default_factory=dict)
    schemas: dict[str, str] = field(default_factory=dict)
    wsdl: dict[str, str] = field(default_factory=dict)

    def fields(self, type_name: str) -> tuple[Field, ...]:
        """Give a type's fields; a simple or built-in type has none."""
        complex_type = self.complex_types.get(type_name)
        return complex_type.fields if complex_type else ()

    def walk(self, type_name: str, depth: int = 0, above: tuple[str, ...] = ()) -> Iterator[tuple[int, Field]]:
        """Give the fields below a type, depth first with their depth; a recursive type is entered once."""
        for one in self.fields(type_name):
            yield depth, one
            if one.type_name not in (*above, type_name):
                yield from self.walk(one.type_name, depth + 1, (*above, type_name))


def structure_of(contract: ServiceContract) -> Structure:
    """Give the structure of a contract version's WSDL, message schema and domain schemas."""
    files = (contract.wsdl, *contract.schemas)
    return read_structure(parse_message(path.read_bytes()) for path in files)


def read_structure(documents: Iterable[etree._Element]) -> Structure:
    """Read the roots of WSDL and schema files into one structure; other roots are passed over.

    Raises ValueError for a cardinality that is no number.
    """
    structure = Structure()
    for root in documents:
        if root.tag == f"{WSDL}definitions":
            structure.wsdl.update(_wsdl_facts(root))
        elif root.tag == f"{XS}schema":
            _SchemaReader(structure, root.get("targetNamespace", "")).read(root)
    return structure


class _SchemaReader:
    """Adds the declarations of one schema file to a structure; types without a name are named after their place."""

    def __init__(self, structure: Structure, namespace: str) -> None:
        self._structure = structure
        self._namespace = namespace

    def read(self, root: etree._Element) -> None:
        self._structure.schemas[self._namespace] = (
            f"elements {root.get('elementFormDefault', 'unqualified')}, "
            f"attributes {root.get('attributeFormDefault', 'unqualified')}"
        )
        for node in root.iterchildren(f"{XS}element"):
            name = node.get("name", "")
            self._structure.elements[self._qualify(name)] = self._type_of(node, name)
        for node in root.iterchildren(f"{XS}complexType", f"{XS}simpleType"):
            self._add_type(node, node.get("name", ""))

    def _qualify(self, name: str) -> str:
        return f"{{{self._namespace}}}{name}"

    def _add_type(self, node: etree._Element, name: str) -> None:
        if node.tag == f"{XS}simpleType":
            self._structure.simple_types[self._qualify(name)] = _simple_type(node)
        else:
            self._structure.complex_types[self._qualify(name)] = self._complex_type(node, name)

    def _type_of(self, node: etree._Element, place: str) -> str:
        inner = next(node.iterchildren(f"{XS}complexType", f"{XS}simpleType"), None)
        if inner is None:
            return _qualified(node, node.get("type") or node.get("ref"))
        self._add_type(inner, place)
        return self._qualify(place)

    def _complex_type(self, node: etree._Element, name: str) -> ComplexType:
        parts = list(_declarations(node))
        wildcard = next((part for part in parts if part.tag == f"{XS}any"), None)
        text = None
        if wildcard is not None:
            text = (
                f"{wildcard.get('namespace', '##any')} {wildcard.get('processContents', 'strict')} {_range(wildcard)}"
            )
        fields = tuple(self._field(part, name) for part in parts if part.tag == f"{XS}element")
        return ComplexType(fields, text, _form(node))

    def _field(self, node: etree._Element, owner: str) -> Field:
        name = node.get("name") or node.get("ref", "").split(":")[-1]
        maximum = node.get("maxOccurs", "1")
        also = ("nillable", "fixed", "form", "ref", "substitutionGroup")
        return Field(
            name=name,
            type_name=self._type_of(node, f"{owner}.{name}"),
            minimum=int(node.get("minOccurs", "1")),
            maximum=UNBOUNDED if maximum == "unbounded" else int(maximum),
            default=node.get("default"),
            meaning=_meaning(node),
            form=", ".join(f"{key}={node.get(key)}" for key in also if node.get(key) is not None),
        )


def _declarations(node: etree._Element) -> Iterator[etree._Element]:
    """Give the elements and wildcards of a type in order, not those of types inside it."""
    for child in node.iterchildren("*"):
        if child.tag in (f"{XS}element", f"{XS}any"):
            yield child
        else:
            yield from _declarations(child)


def _form(node: etree._Element) -> str:
    """Say how a type is put together; a plain sequence of elements with a wildcard at its end is just that."""
    parts = [child for child in node.iterchildren("*") if child.tag != f"{XS}annotation"]
    inner = list(parts[0].iterchildren("*")) if len(parts) == 1 else []
    if (
        len(parts) <= 1
        and not node.get("mixed")
        and all(part.tag == f"{XS}sequence" and not part.attrib for part in parts)
        and all(child.tag in (f"{XS}element", f"{XS}annotation") for child in inner[:-1])
        and all(child.tag in (f"{XS}element", f"{XS}annotation", f"{XS}any") for child in inner[-1:])
    ):
        return _PLAIN
    return " ".join(_spelt(part) for part in parts) + (" mixed" if node.get("mixed") == "true" else "")


def _spelt(node: etree._Element) -> str:
    kind = etree.QName(node).localname
    said = " ".join(node.get(key, "") for key in ("name", "ref", "base", "itemType", "memberTypes", "use"))
    named = " ".join(name.split(":")[-1] for name in said.split())
    if kind == "element":
        return named
    if kind in ("sequence", "choice", "all", "any", "group"):
        named = f"{named} {_range(node)}".strip()
    inner = ", ".join(_spelt(child) for child in node.iterchildren("*") if child.tag != f"{XS}annotation")
    return f"{kind} {named}".strip() + (f" ({inner})" if inner else "")


def _range(node: etree._Element) -> str:
    return f"{node.get('minOccurs', '1')}..{node.get('maxOccurs', '1')}"


def _simple_type(node: etree._Element) -> SimpleType:
    restriction = node.find(f"{XS}restriction")
    if restriction is None:
        return SimpleType("", (), (), " ".join(_spelt(part) for part in node.iterchildren("*")))
    facets: dict[str, list[str]] = {"enumeration": [], "pattern": []}
    for facet in restriction.iterchildren(f"{XS}*"):
        facets.setdefault(etree.QName(facet).localname, []).append(facet.get("value", ""))
    enumeration, patterns = facets.pop("enumeration"), facets.pop("pattern")
    facets.pop("annotation", None)
    form = ", ".join(f"{name} {' '.join(values)}" for name, values in facets.items())
    return SimpleType(_qualified(restriction, restriction.get("base")), tuple(enumeration), tuple(patterns), form)


def _wsdl_facts(root: etree._Element) -> Iterator[tuple[str, str]]:
    """Give what a caller depends on in a WSDL, each under a name that a person can read."""
    yield "namespace", root.get("targetNamespace", "")
    for message in root.iterchildren(f"{WSDL}message"):
        for part in message.iterchildren(f"{WSDL}part"):
            yield f"message {message.get('name')} part {part.get('name')}", _qualified(part, part.get("element"))
    for port_type in root.iterchildren(f"{WSDL}portType"):
        for way in port_type.iter(f"{WSDL}input", f"{WSDL}output", f"{WSDL}fault"):
            name = f"portType {port_type.get('name')} {etree.QName(way).localname}"
            yield name, _qualified(way, way.get("message"))
    for binding in root.iterchildren(f"{WSDL}binding"):
        yield from _binding_facts(binding)
    for service in root.iterchildren(f"{WSDL}service"):
        for port in service.iterchildren(f"{WSDL}port"):
            yield f"service {service.get('name')} port {port.get('name')}", _qualified(port, port.get("binding"))


def _binding_facts(binding: etree._Element) -> Iterator[tuple[str, str]]:
    name = f"binding {binding.get('name')}"
    yield name, _qualified(binding, binding.get("type"))
    style = next((node.get("style", "document") for node in binding.iterchildren(f"{_SOAP}binding")), "document")
    for operation in binding.iterchildren(f"{WSDL}operation"):
        for action in operation.iterchildren(f"{_SOAP}operation"):
            yield f"soapAction of {operation.get('name')}", action.get("soapAction", "")
            yield f"style of {operation.get('name')}", action.get("style", style)
    for header in binding.iter(f"{_SOAP}header"):
        said = f"{_qualified(header, header.get('message'))} part {header.get('part')} {header.get('use')}"
        yield f"{name} soap:header {header.get('part')}", said
    for body in binding.iter(f"{_SOAP}body"):
        way = body.getparent()
        direction = "" if way is None else etree.QName(way).localname
        yield f"{name} soap:body of {direction}", f"{body.get('parts', 'all parts')} {body.get('use')}"


def _qualified(node: etree._Element, name: str | None) -> str:
    prefix, _, local = (name or "").rpartition(":")
    return f"{{{node.nsmap.get(prefix or None, '')}}}{local}" if local else ""


def _meaning(node: etree._Element) -> str:
    """Give the English documentation, or whatever there is."""
    texts = node.findall(f"{XS}annotation/{XS}documentation")
    chosen = next((text for text in texts if text.get(_XML_LANG, "en").startswith("en")), None)
    return " ".join("".join((texts[0] if chosen is None else chosen).itertext()).split()) if texts else ""


def namespace_of(name: str) -> str:
    """Give the namespace of ``{namespace}name``."""
    return name[1:].partition("}")[0]


def types_of_requests(structure: Structure) -> Mapping[str, str]:
    """Give the types of elements that callers send, by element: those that are not named as a response."""
    return {name: kind for name, kind in structure.elements.items() if not name.endswith("Response")}
