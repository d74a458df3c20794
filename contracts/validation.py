"""Schema validation with the project's XSD files, safe under threads.

A compiled libxml2 schema shares its error log between threads, so that one caller's values could be told to
another; each thread has its own (robustness reference 1.2, last row).
"""

from __future__ import annotations

import re
import threading
from functools import cache
from pathlib import Path

from lxml import etree

from contracts.errors import SchemaViolation
from contracts.registry import ServiceContract

_UP_TO_A_TAG = re.compile(rb"[^>]*>")
_PIECE_BYTES = 4096
# Elements, and attributes, of which one element can have many and requests usually none. A small message in which
# everything is wrong costs some 20 ms as a whole.
_size = etree.XPath("count(descendant::*) + 50 * count(descendant-or-self::*/@*)")
_SMALL = 2_000
_compiled = threading.local()


def schema_of(contract: ServiceContract) -> etree.XMLSchema:
    """Give this thread's compiled schema of ``contract`` (request and response elements)."""
    schemas: dict[Path, etree.XMLSchema] = _compiled.__dict__.setdefault("schemas", {})
    schema = schemas.get(contract.responder_xsd)
    if schema is None:
        schema = schemas[contract.responder_xsd] = etree.XMLSchema(etree.parse(str(contract.responder_xsd)))
    return schema


def validate_body(contract: ServiceContract, body: etree._Element) -> None:
    """Validate a message element (untrusted) against the contract's schema.

    Raises SchemaViolation whose text names the element where it fails, never a value. A large message goes to the
    validator in small pieces, so that it stops soon after the first fault: for a whole tree libxml2 goes on, and lxml
    makes the path of every single fault in time that grows with the number of siblings.
    """
    if _size(body) <= _SMALL and schema_of(contract).validate(body):
        return
    text = etree.tostring(body, encoding="utf-8", xml_declaration=True, with_tail=False)
    parser = etree.XMLParser(schema=schema_of(contract), resolve_entities=False)
    for start in range(0, len(text), _PIECE_BYTES):
        parser.feed(text[start : start + _PIECE_BYTES])
        if len(parser.feed_error_log):
            raise _first_fault(contract, body, text)
    parser.close()


def _first_fault(contract: ServiceContract, body: etree._Element, text: bytes) -> SchemaViolation:
    """Find where a message that has a fault fails first, tag by tag."""
    parser = etree.XMLPullParser(("start", "end"), schema=schema_of(contract), resolve_entities=False)
    element = body
    for piece in _UP_TO_A_TAG.finditer(text):
        parser.feed(piece[0])
        for _, started_or_ended in parser.read_events():
            element = started_or_ended
        if len(parser.feed_error_log):
            break
    place = _place(contract, element)
    return SchemaViolation(
        f"The message does not follow the schema of {contract.interaction} {contract.version}"
        f"{place and f' at {place}'}. Compare it with the contract's schema.",
        place=place,
        log_detail=parser.feed_error_log[0].type_name,
    )


def _place(contract: ServiceContract, element: etree._Element) -> str:
    """Give the path down to ``element``, as far as the names are those that the schema itself defines."""
    known = _element_names(contract)
    steps = ""
    for node in (*reversed(list(element.iterancestors())), element):
        if node.tag not in known:
            break
        same = sum(1 for _ in node.itersiblings(node.tag, preceding=True))
        steps += f"/{etree.QName(node).localname}" + (f"[{same + 1}]" if same else "")
    return steps


@cache
def _element_names(contract: ServiceContract) -> frozenset[str]:
    roots = [etree.parse(str(file)).getroot() for file in contract.schemas]
    return frozenset(
        f"{{{root.get('targetNamespace')}}}{element.get('name')}"
        for root in roots
        for element in root.iter("{http://www.w3.org/2001/XMLSchema}element")
    )
