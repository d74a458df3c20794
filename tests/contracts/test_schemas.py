"""The schema files say what the published contracts say, and the usual XML libraries load them.

Facts: tests/contracts/facts (element by element); naming rules: RIV-TA BP #2-#16, TS #1-#10, DS #1-#7.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import xmlschema
import zeep
from lxml import etree

from schemas import PACKAGE_ROOT

XS = "{http://www.w3.org/2001/XMLSchema}"
WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
SOAP = "{http://schemas.xmlsoap.org/wsdl/soap/}"
CONTRACT = PACKAGE_ROOT / "GetQualityIndicators"
INTERACTION = "schemas/interactions/GetQualityIndicatorsInteraction"
VERSIONS = ("1.0", "2.0")
XSD_FILES = sorted(CONTRACT.rglob("*.xsd"))
_XS_MAP = {"xs": XS.strip("{}")}
WSDL_FILES = sorted(CONTRACT.rglob("*.wsdl"))


def facts(version: str) -> dict[str, Any]:
    path = Path(__file__).parent / "facts" / f"qualityreporting-{version}.json"
    return json.loads(path.read_text(encoding="utf-8"))


def expanded(node: etree._Element, qname: str) -> str:
    """Expand ``prefix:name`` by the declarations in scope at ``node``."""
    prefix, _, name = qname.rpartition(":")
    return f"{{{node.nsmap[prefix or None]}}}{name}"


def particle(node: etree._Element) -> list[Any]:
    """One particle of a sequence as the facts write it; anything else than element and any is a KeyError."""
    low, high = node.get("minOccurs", "1"), node.get("maxOccurs", "1")
    if node.tag == f"{XS}any":
        return ["any", node.get("namespace"), node.get("processContents", "strict"), low, high]
    return [node.attrib["name"], expanded(node, node.attrib["type"]), low, high, node.get("default")]


def content(complex_type: etree._Element) -> list[Any]:
    groups = [g for g in complex_type if g.tag != f"{XS}annotation"]
    return [
        [
            etree.QName(group).localname,
            group.get("minOccurs", "1"),
            group.get("maxOccurs", "1"),
            [particle(p) for p in group if p.tag != f"{XS}annotation"],
        ]
        for group in groups
    ]


def restriction(simple_type: etree._Element) -> dict[str, Any]:
    (node,) = simple_type.iterchildren(f"{XS}restriction")
    facets = [f for f in node if f.tag != f"{XS}annotation"]
    assert {f.tag for f in facets} <= {f"{XS}enumeration", f"{XS}pattern"}
    return {
        "base": expanded(node, node.attrib["base"]),
        "enumeration": sorted(f.attrib["value"] for f in facets if f.tag == f"{XS}enumeration"),
        "pattern": [f.attrib["value"] for f in facets if f.tag == f"{XS}pattern"],
    }


def xsd_facts(root: etree._Element) -> dict[str, Any]:
    return {
        "targetNamespace": root.get("targetNamespace"),
        "elementFormDefault": root.get("elementFormDefault"),
        "attributeFormDefault": root.get("attributeFormDefault"),
        "elements": {e.attrib["name"]: expanded(e, e.attrib["type"]) for e in root.findall(f"{XS}element")},
        "complexTypes": {t.attrib["name"]: content(t) for t in root.findall(f"{XS}complexType")},
        "simpleTypes": {t.attrib["name"]: restriction(t) for t in root.findall(f"{XS}simpleType")},
    }


def bound_operation(node: etree._Element) -> list[Any]:
    (operation,) = node.findall(f"{SOAP}operation")
    (header,) = node.findall(f"{WSDL}input/{SOAP}header")
    (body_in,) = node.findall(f"{WSDL}input/{SOAP}body")
    (body_out,) = node.findall(f"{WSDL}output/{SOAP}body")
    assert "parts" not in body_out.attrib
    return [
        node.get("name"),
        operation.get("soapAction"),
        operation.get("style"),
        [expanded(header, header.attrib["message"]), header.get("part"), header.get("use")],
        [body_in.get("use"), body_in.get("parts")],
        body_out.get("use"),
    ]


def wsdl_facts(root: etree._Element) -> dict[str, Any]:
    bindings = {}
    for node in root.findall(f"{WSDL}binding"):
        (soap,) = node.findall(f"{SOAP}binding")
        operations = [bound_operation(o) for o in node.findall(f"{WSDL}operation")]
        binding_type = expanded(node, node.attrib["type"])
        bindings[node.get("name")] = [binding_type, soap.get("style"), soap.get("transport"), operations]
    return {
        "targetNamespace": root.get("targetNamespace"),
        "messages": {
            m.get("name"): [[p.get("name"), expanded(p, p.attrib["element"])] for p in m]
            for m in root.findall(f"{WSDL}message")
        },
        "portTypes": {
            t.get("name"): [
                [
                    o.get("name"),
                    *(expanded(o, m.attrib["message"]) for m in o if m.tag != f"{WSDL}documentation"),
                ]
                for o in t.findall(f"{WSDL}operation")
            ]
            for t in root.findall(f"{WSDL}portType")
        },
        "bindings": bindings,
        "services": {
            s.get("name"): [[p.get("name"), expanded(p, p.attrib["binding"])] for p in s.findall(f"{WSDL}port")]
            for s in root.findall(f"{WSDL}service")
        },
    }


def extracted(path: Path) -> dict[str, Any]:
    root = etree.parse(path).getroot()
    return wsdl_facts(root) if path.suffix == ".wsdl" else xsd_facts(root)


def published_files(version: str) -> dict[str, Path]:
    files = [p for p in (CONTRACT / version).rglob("*") if p.suffix in (".xsd", ".wsdl")]
    return {p.name: p for p in files if "body-first" not in p.name}


@pytest.mark.parametrize("version", VERSIONS)
def test_files_equal_published_facts(version: str) -> None:
    assert {name: extracted(path) for name, path in published_files(version).items()} == facts(version)


@pytest.mark.parametrize("version", VERSIONS)
def test_package_layout(version: str) -> None:
    root = CONTRACT / version
    assert sorted(str(p.relative_to(root)) for p in published_files(version).values()) == [
        f"schemas/core_components/groupoutcomes_qualityreporting_{version}.xsd",
        "schemas/core_components/itintegration_registry_1.0.xsd",
        f"{INTERACTION}/GetQualityIndicatorsInteraction_{version}_RIVTABP21.wsdl",
        f"{INTERACTION}/GetQualityIndicatorsResponder_{version}.xsd",
    ]


@pytest.mark.parametrize(
    ("xpath", "attribute", "value"),
    [
        ("//*[@name='coverage']", "minOccurs", "1"),
        ("//*[@name='measurement']", "maxOccurs", "10"),
        ("//*[@name='low']", "type", "xs:decimal"),
        ("//*[@name='numerator']", "name", "count"),
        ("//*[local-name()='any']", "processContents", "strict"),
        ("//*[@value='MSK']", "value", "MASK"),
        ("//*[local-name()='pattern']", "value", r"\d{8}"),
    ],
)
def test_extractor_sees_a_changed_file(xpath: str, attribute: str, value: str) -> None:
    name = "groupoutcomes_qualityreporting_2.0.xsd"
    root = etree.parse(published_files("2.0")[name]).getroot()
    root.xpath(xpath)[0].set(attribute, value)
    assert xsd_facts(root) != facts("2.0")[name]


@pytest.mark.parametrize("version", VERSIONS)
def test_body_first_wsdl_differs_in_part_order_only(version: str) -> None:
    folder = CONTRACT / version / INTERACTION
    published = extracted(folder / f"GetQualityIndicatorsInteraction_{version}_RIVTABP21.wsdl")
    variant_path = folder / f"GetQualityIndicatorsInteraction_{version}_RIVTABP21_body-first.wsdl"
    variant = extracted(variant_path)
    parts = variant["messages"]["GetQualityIndicatorsRequest"]
    assert [name for name, _ in parts] == ["parameters", "LogicalAddress"]
    parts.reverse()
    assert variant == published
    assert "body part first" in variant_path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", XSD_FILES, ids=lambda p: p.name)
def test_xsd_compiles_in_lxml_and_xmlschema(path: Path) -> None:
    etree.XMLSchema(etree.parse(path))
    assert xmlschema.XMLSchema(str(path), allow="local").built


@pytest.mark.parametrize("path", XSD_FILES, ids=lambda p: p.name)
def test_xsd_keeps_naming_rules(path: Path) -> None:
    root = etree.parse(path).getroot()
    match = re.search(r"_(\d+\.\d+)\.xsd$", path.name)
    assert match is not None
    assert root.get("version") == match[1]
    assert all(name.isascii() for name in root.xpath("//@name | //xs:enumeration/@value", namespaces=_XS_MAP))
    assert not root.xpath("//xs:element/xs:complexType | //xs:element/xs:simpleType", namespaces=_XS_MAP)
    for sequence in root.iter(f"{XS}sequence"):
        assert particle(sequence[-1]) == ["any", "##other", "lax", "0", "unbounded"]


@pytest.mark.parametrize("path", XSD_FILES, ids=lambda p: p.name)
def test_every_declaration_is_explained_in_both_languages(path: Path) -> None:
    root = etree.parse(path).getroot()
    for node in root.iter(f"{XS}element", f"{XS}complexType", f"{XS}simpleType", f"{XS}enumeration"):
        texts = node.findall(f"{XS}annotation/{XS}documentation")
        languages = [t.get("{http://www.w3.org/XML/1998/namespace}lang") for t in texts]
        assert languages == ["en", "sv"], node.get("name") or node.get("value")
        assert all(t.text and t.text.strip() for t in texts)


@pytest.mark.parametrize("path", WSDL_FILES, ids=lambda p: p.name)
def test_zeep_loads_wsdl_without_network(path: Path) -> None:
    client = zeep.Client(str(path), transport=_NoNetwork())
    (service,) = client.wsdl.services.values()
    (port,) = service.ports.values()
    operation = port.binding.get("GetQualityIndicators")
    namespace, _, name = operation.soapaction.rpartition(":")
    assert name == "GetQualityIndicators"
    assert operation.input.body.qname.namespace == namespace


class _NoNetwork(zeep.Transport):
    """Lets files through and nothing else."""

    def _load_remote_data(self, url: str) -> bytes:
        raise AssertionError(f"the WSDL asks for {url}")


@pytest.mark.parametrize("path", WSDL_FILES, ids=lambda p: p.name)
def test_wsdl_keeps_basic_profile_rules(path: Path) -> None:
    root = etree.parse(path).getroot()
    (inline,) = root.findall(f"{WSDL}types/{XS}schema")
    assert inline.get("targetNamespace") == root.get("targetNamespace")  # BP #16
    for reference in inline.findall(f"{XS}import"):
        target = (path.parent / reference.attrib["schemaLocation"]).resolve()
        assert target.is_relative_to(CONTRACT)
        assert etree.parse(target).getroot().get("targetNamespace") == reference.get("namespace")
    assert root.get("name") == "GetQualityIndicatorsInteraction"  # BP #3
    assert root[0].tag == f"{WSDL}documentation"  # BP #5
    stated = re.findall(r"^ *(Name|Description|Revisions|Domain|Interaction type|Profile)\b", root[0].text, re.M)
    assert len(stated) == 6
    assert root.find(f"{WSDL}portType/{WSDL}operation/{WSDL}documentation") is not None  # BP #8
    assert root.find(f".//{WSDL}fault") is None  # TS #11
