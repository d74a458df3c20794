"""Schema validation of an answer piece by piece, told in words that name the well-known faults of SOAP libraries.

Elements in the wrong namespace and empty elements are what node-soap and PHP's SoapServer get wrong most; libxml2
reports both as something "not expected" or "not valid", which helps nobody (contract reference 2 and 10).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from lxml import etree

from contracts import soap
from contracts.codes import Bilingual
from contracts.registry import ServiceContract
from contracts.validation import schema_of
from testsuites.findings import ProblemLog, indented
from testsuites.model import Check, Status
from testsuites.splitter import Piece

_STEP = re.compile(r"(?:(?P<prefix>[^:\[]+):)?(?P<name>[^\[:]+)(?:\[(?P<index>\d+)\])?")
_EXPECTED = re.compile(r"Expected is (?:one of )?\( (?P<names>.+) \)")
_QUALIFIED = re.compile(r"\{(?P<namespace>[^}]*)\}(?P<name>[^\s,']+)")
_PATTERN = re.compile(r"accepted by the pattern '(?P<pattern>.*)'")
_ATTRIBUTE = re.compile(r"attribute '(?:\{[^}]*\})?(?P<name>[^']+)'")
_CHOICES = re.compile(r"element of the set \{(?P<choices>.*)\}")
_NO_NAMESPACE = Bilingual("no namespace", "ingen namnrymd")


class SchemaCheck:
    """Validates the pieces of one answer against its contract's schema and collects what is wrong."""

    def __init__(self, contract: ServiceContract) -> None:
        self._contract = contract
        self.log = ProblemLog()

    def check(self, piece: Piece) -> None:
        """Validate what stands in the piece's Body (untrusted)."""
        body = piece.envelope.find(soap.BODY)
        child = None if body is None else next(body.iterchildren("*"), None)
        if child is None:
            return
        schema = schema_of(self._contract)
        if schema.validate(child):
            return
        for error in schema.error_log:
            element = _resolve(child, error.path or "")
            check = _explain(error.type_name, error.message, element, self._contract)
            where = place_of(element, piece.first)
            shown = _enclosing(element)
            self.log.add(
                Check(check.rule, check.status, check.text, where, check.mend),
                lambda shown=shown: indented(shown),  # type: ignore[misc]
            )


def _resolve(root: etree._Element, path: str) -> etree._Element:
    """Find the element of libxml2's path ``/p:root/p:child[2]/*[3]``; the deepest that is found."""
    element = root
    for step in path.split("/")[2:]:
        found = _STEP.fullmatch(step)
        if found is None:
            break
        index = int(found["index"] or 1)
        if found["name"] == "*":
            children = list(element.iterchildren("*"))
        else:
            children = [
                child
                for child in element.iterchildren("*")
                if etree.QName(child).localname == found["name"] and child.prefix == found["prefix"]
            ]
        if index > len(children):
            break
        element = children[index - 1]
    return element


def place_of(element: etree._Element, first: Mapping[str, int]) -> str:
    """Give an element's path in local names: from its measurement, numbered as in the whole answer, or the report.

    ``first`` as in `Piece`.
    """
    steps: list[str] = []
    node: etree._Element | None = element
    while node is not None and node.tag not in (soap.BODY, soap.ENVELOPE):
        name = etree.QName(node)
        same = list(node.itersiblings(str(node.tag), preceding=True))
        if name.localname in first:
            steps.append(f"{name.localname}[{len(same) + first[name.localname]}]")
            break
        steps.append(name.localname + (f"[{len(same) + 1}]" if same else ""))
        node = node.getparent()
    if len(steps) > 1 and steps[-1].endswith("Response"):
        steps.pop()
    return "/".join(reversed(steps))


def _enclosing(element: etree._Element) -> etree._Element:
    """Give what to show: the element's parent when it has one below the report, else itself."""
    parent = element.getparent()
    if parent is None or len(element) or parent.tag == soap.BODY:
        return element
    return parent


def _explain(kind: str, message: str, element: etree._Element, contract: ServiceContract) -> Check:
    name = etree.QName(element).localname
    if kind in ("SCHEMAV_ELEMENT_CONTENT", "SCHEMAV_CVC_ELT_1"):
        return _content(message, element, contract)
    if kind == "SCHEMAV_CVC_ELT_3_1":
        return _failed(
            "schema.nil",
            Bilingual(
                f"{name} is sent with xsi:nil, which the contract does not allow.",
                f"{name} skickas med xsi:nil, vilket kontraktet inte tillåter.",
            ),
            Bilingual(
                "Leave an optional element out, or send its value.",
                "Utelämna ett frivilligt element, eller skicka dess värde.",
            ),
        )
    if kind == "SCHEMAV_CVC_COMPLEX_TYPE_2_3":
        return _failed(
            "schema.text",
            Bilingual(f"{name} holds text between its elements.", f"{name} innehåller text mellan sina element."),
            Bilingual("Send elements only.", "Skicka enbart element."),
        )
    if kind in ("SCHEMAV_CVC_TYPE_3_1_1", "SCHEMAV_CVC_COMPLEX_TYPE_3_2_1", "SCHEMAV_CVC_COMPLEX_TYPE_3_2_2"):
        return _attribute(message, name)
    if (element.text or "").strip() == "" and not len(element):
        return _empty(name)
    return _value(message, element)


def _attribute(message: str, name: str) -> Check:
    found = _ATTRIBUTE.search(message)
    attribute = found["name"] if found else "?"
    if attribute in ("id", "href"):
        return _failed(
            "schema.reference",
            Bilingual(
                f"{name} has the attribute {attribute}: a value is sent once and referred to from elsewhere.",
                f"{name} har attributet {attribute}: ett värde skickas en gång och hänvisas till från andra ställen.",
            ),
            Bilingual(
                "Send the value at every place. PHP's SoapServer does this when the same array or object is used "
                "twice; make each anew.",
                "Skicka värdet på varje ställe. PHP:s SoapServer gör så när samma array eller objekt används två "
                "gånger; skapa var och en på nytt.",
            ),
        )
    return _failed(
        "schema.attribute",
        Bilingual(
            f"{name} has the attribute {attribute}, which the contract does not have.",
            f"{name} har attributet {attribute}, som kontraktet saknar.",
        ),
        Bilingual("Send the element without it.", "Skicka elementet utan det."),
    )


def _content(message: str, element: etree._Element, contract: ServiceContract) -> Check:
    name = etree.QName(element)
    expected_part = _EXPECTED.search(message)
    expected = [
        (found["namespace"], found["name"])
        for found in _QUALIFIED.finditer(expected_part["names"] if expected_part else "")
    ]
    if "No matching global declaration" in message:
        expected = [(contract.responder_namespace, etree.QName(contract.response_tag).localname)]
        if name.localname != expected[0][1]:
            return _unexpected(name.localname, [expected[0][1]])
    elsewhere = next((namespace for namespace, wanted in expected if wanted == name.localname), None)
    if elsewhere is not None and elsewhere != (name.namespace or ""):
        return _namespace(name, elsewhere)
    names = [wanted for _, wanted in expected]
    if "Missing child" in message:
        return _missing(name.localname, names, is_empty=not len(element))
    return _unexpected(name.localname, names)


def _namespace(name: etree.QName, wanted: str) -> Check:
    actual_en, actual_sv = (name.namespace, name.namespace) if name.namespace else (_NO_NAMESPACE.en, _NO_NAMESPACE.sv)
    return _failed(
        "schema.namespace",
        Bilingual(
            f"{name.localname} is in the wrong namespace ({actual_en}).",
            f"{name.localname} ligger i fel namnrymd ({actual_sv}).",
        ),
        Bilingual(
            f"Put it in {wanted}. Libraries that write every element in the namespace of the operation, or "
            "children without a prefix, make this fault.",
            f"Lägg det i {wanted}. Bibliotek som skriver alla element i operationens namnrymd, eller "
            "underelement utan prefix, ger detta fel.",
        ),
    )


def _missing(name: str, wanted: list[str], *, is_empty: bool) -> Check:
    choice_en, choice_sv = " or ".join(wanted), " eller ".join(wanted)
    if is_empty:
        return _failed(
            "schema.empty",
            Bilingual(
                f"{name} is empty; it must hold {choice_en}.", f"{name} är tomt; det måste innehålla {choice_sv}."
            ),
            Bilingual(
                "Leave an optional element out instead of sending it empty.",
                "Utelämna ett frivilligt element i stället för att skicka det tomt.",
            ),
        )
    return _failed(
        "schema.missing",
        Bilingual(f"{name} ends without {choice_en}.", f"{name} slutar utan {choice_sv}."),
        Bilingual(
            "Send every required element, in the order of the schema.",
            "Skicka varje obligatoriskt element, i schemats ordning.",
        ),
    )


def _unexpected(name: str, wanted: list[str]) -> Check:
    expected = (
        (f" Expected here: {' or '.join(wanted)}.", f" Här väntas {' eller '.join(wanted)}.") if wanted else ("", "")
    )
    return _failed(
        "schema.order",
        Bilingual(f"{name} is not expected here.{expected[0]}", f"{name} väntas inte här.{expected[1]}"),
        Bilingual(
            "Compare order, number and names of the elements with the schema.",
            "Jämför elementens ordning, antal och namn med schemat.",
        ),
    )


def _empty(name: str) -> Check:
    return _failed(
        "schema.empty",
        Bilingual(f"{name} is empty, but must have a value.", f"{name} är tomt men måste ha ett värde."),
        Bilingual(
            "Leave an optional element out instead of sending it empty; send a value in a required one.",
            "Utelämna ett frivilligt element i stället för att skicka det tomt; skicka ett värde i ett obligatoriskt.",
        ),
    )


def _value(message: str, element: etree._Element) -> Check:
    name = etree.QName(element).localname
    value = (element.text or "").strip()[:80]
    wanted_en, wanted_sv = "a value of the schema's type", "ett värde av schemats typ"
    if found := _CHOICES.search(message):
        wanted_en = wanted_sv = found["choices"].replace("'", "")
    elif found := _PATTERN.search(message):
        wanted_en, wanted_sv = f"a text of the form {found['pattern']}", f"en text på formen {found['pattern']}"
    elif found := re.search(r"type '(?:xs:)?(?P<type>[^']+)'", message):
        type_name = found["type"].split("}")[-1]
        wanted_en, wanted_sv = f"a value of type {type_name}", f"ett värde av typen {type_name}"
    return _failed(
        "schema.value",
        Bilingual(
            f"{name} has the value '{value}', which the schema does not allow.",
            f"{name} har värdet '{value}', som schemat inte tillåter.",
        ),
        Bilingual(f"Send {wanted_en}.", f"Skicka {wanted_sv}."),
    )


def _failed(rule: str, text: Bilingual, mend: Bilingual) -> Check:
    return Check(rule, Status.FAILED, text, mend=mend)
