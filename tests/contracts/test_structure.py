"""Structures of schema and WSDL files: what contracts use as fields, and every other construct noted (contract 2)."""

from __future__ import annotations

import pytest
from lxml import etree

from contracts.comparison import compare
from contracts.registry import CONTRACTS, ServiceContract
from contracts.structure import ComplexType, Field, SimpleType, Structure, read_structure, structure_of

HEAD = '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:t="urn:t" targetNamespace="urn:t">'
STRING = "{http://www.w3.org/2001/XMLSchema}string"


def structure(content: str) -> Structure:
    return read_structure([etree.fromstring(f"{HEAD}{content}</xs:schema>")])


def complex_type(content: str) -> ComplexType:
    return structure(f'<xs:complexType name="T">{content}</xs:complexType>').complex_types["{urn:t}T"]


@pytest.mark.parametrize("contract", CONTRACTS.values(), ids=lambda contract: contract.id)
def test_every_contract_is_made_of_plain_sequences_with_an_extension_point(contract: ServiceContract) -> None:
    found = structure_of(contract)
    assert {kind.form for kind in found.complex_types.values()} == {"sequence"}
    assert {kind.wildcard for kind in found.complex_types.values()} == {"##other lax 0..unbounded"}
    assert {contract.request_tag, contract.response_tag} <= found.elements.keys()
    assert found.wsdl["namespace"] == contract.wsdl_namespace
    assert found.wsdl[f"soapAction of {contract.interaction}"] == contract.soap_action
    assert compare(found, found) == []


@pytest.mark.parametrize("contract", CONTRACTS.values(), ids=lambda contract: contract.id)
def test_walking_enters_a_recursive_type_once(contract: ServiceContract) -> None:
    found = structure_of(contract)
    walked = list(found.walk(found.elements[contract.response_tag]))
    # A chain of organisations, once below itself.
    assert 1 <= max(depth for depth, _ in walked) < 10
    assert len(walked) < 500
    assert all(field.meaning for _, field in walked)


def test_fields_have_cardinality_default_and_meaning() -> None:
    kind = complex_type(
        '<xs:sequence><xs:element name="a" type="xs:string" minOccurs="0" maxOccurs="unbounded" default="x">'
        '<xs:annotation><xs:documentation xml:lang="sv">Svenska</xs:documentation>'
        '<xs:documentation xml:lang="en">In  English</xs:documentation></xs:annotation></xs:element></xs:sequence>'
    )
    assert kind.fields == (Field("a", STRING, 0, None, "x", "In English"),)
    assert kind.fields[0].cardinality == "0..n"
    assert kind.wildcard is None


A = '<xs:element name="a" type="xs:string"/>'


@pytest.mark.parametrize(
    ("content", "form"),
    [
        (f"<xs:sequence>{A}</xs:sequence>", "sequence"),
        ("<xs:sequence/>", "sequence"),
        ("", "sequence"),
        (f"<xs:sequence>{A}<xs:any/></xs:sequence>", "sequence"),
        (f"<xs:sequence><xs:any/>{A}</xs:sequence>", "sequence 1..1 (any 1..1, a)"),
        (f'<xs:sequence maxOccurs="2">{A}</xs:sequence>', "sequence 1..2 (a)"),
        (f'<xs:choice minOccurs="0">{A}<xs:element name="b"/></xs:choice>', "choice 0..1 (a, b)"),
        (f"<xs:all>{A}</xs:all>", "all 1..1 (a)"),
        (f"<xs:sequence><xs:choice>{A}</xs:choice></xs:sequence>", "sequence 1..1 (choice 1..1 (a))"),
        (
            f'<xs:sequence>{A}</xs:sequence><xs:attribute name="x" use="required"/>',
            "sequence 1..1 (a) attribute x required",
        ),
        (
            f'<xs:complexContent><xs:extension base="t:Base"><xs:sequence>{A}</xs:sequence></xs:extension>'
            "</xs:complexContent>",
            "complexContent (extension Base (sequence 1..1 (a)))",
        ),
    ],
)
def test_how_a_type_is_put_together_is_noted(content: str, form: str) -> None:
    assert complex_type(content).form == form


def test_elements_in_groups_are_fields_too() -> None:
    kind = complex_type(f'<xs:sequence>{A}<xs:choice><xs:element name="b" type="xs:string"/></xs:choice></xs:sequence>')
    assert [field.name for field in kind.fields] == ["a", "b"]


def test_types_without_a_name_are_named_after_their_place() -> None:
    found = structure(
        '<xs:element name="e"><xs:complexType><xs:sequence><xs:element name="a"><xs:simpleType>'
        '<xs:restriction base="xs:string"><xs:maxLength value="5"/><xs:enumeration value="x"/></xs:restriction>'
        "</xs:simpleType></xs:element></xs:sequence></xs:complexType></xs:element>"
    )
    assert found.elements == {"{urn:t}e": "{urn:t}e"}
    assert found.complex_types["{urn:t}e"].fields == (Field("a", "{urn:t}e.a", 1, 1, None, ""),)
    assert found.simple_types["{urn:t}e.a"] == SimpleType(STRING, ("x",), (), "maxLength 5")


def test_references_and_nillable_are_noted() -> None:
    (field,) = complex_type('<xs:sequence><xs:element ref="t:other" nillable="true"/></xs:sequence>').fields
    assert (field.name, field.type_name, field.form) == ("other", "{urn:t}other", "nillable=true, ref=t:other")


def test_a_union_is_noted() -> None:
    found = structure('<xs:simpleType name="U"><xs:union memberTypes="xs:string xs:int"/></xs:simpleType>')
    assert found.simple_types["{urn:t}U"].form == "union string int"


def test_a_cardinality_that_is_no_number_is_an_error() -> None:
    with pytest.raises(ValueError):
        complex_type('<xs:sequence><xs:element name="a" maxOccurs="many"/></xs:sequence>')


def test_another_document_says_nothing() -> None:
    assert read_structure([etree.fromstring("<x/>")]) == Structure()


@pytest.mark.parametrize(
    ("known", "other", "said"),
    [
        (A, A.replace("string", "int"), "T/a has type int, was string"),
        (
            A + '<xs:element name="b" type="xs:int"/>',
            '<xs:element name="b" type="xs:int"/>' + A,
            "T has its elements in another order",
        ),
        (A, "", "T/a is missing"),
        (A, A.replace("/>", ' fixed="1"/>'), "T/a is declared fixed=1, was plainly"),
    ],
)
def test_a_difference_is_said_in_words(known: str, other: str, said: str) -> None:
    def of(content: str) -> Structure:
        return structure(f'<xs:complexType name="T"><xs:sequence>{content}</xs:sequence></xs:complexType>')

    assert [f"{one.where} {one.what}" for one in compare(of(known), of(other))] == [said]


RESTRICTED = '<xs:simpleType name="S"><xs:restriction base="xs:string"/></xs:simpleType>'
LISTED = RESTRICTED.replace(
    'string"/>', 'string"><xs:enumeration value="x"/><xs:enumeration value="y"/></xs:restriction>'
)


@pytest.mark.parametrize(
    ("known", "other", "said", "is_breaking"),
    [
        (RESTRICTED, "", "type S is missing", True),
        ("", RESTRICTED, "type S is new", False),
        (RESTRICTED, RESTRICTED.replace("string", "token"), "type S restricts token, was string", True),
        (
            RESTRICTED,
            RESTRICTED.replace('string"/>', 'string"><xs:maxLength value="9"/></xs:restriction>'),
            "type S allows maxLength 9, was any",
            True,
        ),
        (RESTRICTED, LISTED, "type S allows only x, y, was any value", True),
        (LISTED, RESTRICTED, "type S allows any value, was only x, y", False),
        ('<xs:complexType name="C"/>', "", "type C is missing", True),
        ("", '<xs:complexType name="C"/>', "type C is new", False),
        ('<xs:element name="e" type="xs:string"/>', "", "element e is missing", True),
    ],
)
def test_differences_of_declarations_are_said_in_words(known: str, other: str, said: str, is_breaking: bool) -> None:
    (difference,) = compare(structure(known), structure(other))
    assert (f"{difference.where} {difference.what}", difference.is_breaking) == (said, is_breaking)
