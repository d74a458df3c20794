"""The business rules find the same faults in Python and in Schematron (contract reference 5).

Cases: data/rule-cases.toml, one fault at a time in data/report-2.0.xml.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import rule_cases
from lxml import etree, isoschematron

from contracts import codes
from contracts.registry import CONTRACTS
from contracts.rules import RULES
from contracts.schematron import Schematron

DATA = Path(__file__).parent / "data"
REPORT = (DATA / "report-2.0.xml").read_bytes()
CASES = tomllib.loads((DATA / "rule-cases.toml").read_text(encoding="utf-8"))["case"]
CONTRACT = CONTRACTS["GetQualityIndicators:2"]
OF_ANOTHER_CONTRACT = {rule for rule in RULES if rule.startswith("D.")}
Q = CONTRACT.domain_namespace
NAMESPACES = {"q": Q, "r": CONTRACT.responder_namespace, "sch": "http://purl.oclc.org/dsdl/schematron"}
_MEASUREMENT = re.compile(r"measurement\[\d+\]")


@pytest.fixture(scope="module")
def schematron() -> Schematron:
    return Schematron.load(CONTRACT.schematron)


def edited(edits: list[dict[str, Any]]) -> bytes:
    return rule_cases.edited(CONTRACT, REPORT, edits)


def test_clean_report_has_no_finding(schematron: Schematron) -> None:
    assert rule_cases.findings_in(CONTRACT, REPORT) == []
    assert schematron.check(REPORT) == ()


def test_schematron_reads_a_bare_response(schematron: Schematron) -> None:
    document = edited([{"at": "//q:measurement[2]//q:rate", "text": "75"}])
    bare = etree.tostring(etree.fromstring(document).find(f".//{CONTRACT.response_tag}"))
    (finding,) = schematron.check(bare)
    assert (finding.rule, finding.severity) == ("1.4", "error")
    assert finding.place == (
        "/GetQualityIndicatorsResponse[1]/AggregatedQualityReport[1]/measurement[2]/proportionMeasure[1]/rate[1]"
    )
    assert finding.text == "rate is 75, outside 0 to 1."
    assert finding.text_in("sv") == "rate är 75, utanför 0 till 1."


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_one_fault_gives_one_finding_by_both(case: dict[str, Any], schematron: Schematron) -> None:
    document = edited(case["edits"])
    severity = case.get("severity", "error")

    (finding,) = rule_cases.findings_in(CONTRACT, document)
    assert (finding.rule, finding.severity) == (case["rule"], severity)
    assert finding.where.endswith(case.get("where", ""))

    (twin,) = schematron.check(document)
    assert (twin.rule, twin.severity) == (case["rule"], severity)
    assert not twin.is_broken
    assert _MEASUREMENT.findall(twin.place) == _MEASUREMENT.findall(finding.where)
    assert twin.text != twin.text_in("sv")


def test_every_rule_has_a_case() -> None:
    assert {case["rule"] for case in CASES} == set(RULES) - OF_ANOTHER_CONTRACT


def test_one_fault_cases_are_schema_valid_or_named() -> None:
    """Most faults pass the schema, which is why the rules exist; those that do not are listed here."""
    schema = etree.XMLSchema(etree.parse(CONTRACT.responder_xsd))
    invalid = set()
    for case in CASES:
        response = etree.fromstring(edited(case["edits"])).find(f".//{CONTRACT.response_tag}")
        if not schema.validate(response):
            invalid.add(case["name"])
    assert invalid == {
        "organization_type_unknown",
        "organization_type_unknown_above",
        "missing_measure_with_unknown_reason",
        "reporting_period_does_not_exist",
    }


def test_schematron_file_is_valid_iso_schematron() -> None:
    document = etree.parse(CONTRACT.schematron)
    assert isoschematron.schematron_schema_valid(document), isoschematron.schematron_schema_valid.error_log


def test_schematron_ids_name_rules_and_both_languages() -> None:
    document = etree.parse(CONTRACT.schematron)
    asserts = document.findall(".//sch:assert", NAMESPACES)
    assert len({node.get("id") for node in asserts}) == len(asserts)
    for node in asserts:
        rule = (node.get("id") or "").split("-")[1]
        assert rule in RULES
        (diagnostic,) = document.xpath("//sch:diagnostic[@id = $id]", id=node.get("diagnostics"), namespaces=NAMESPACES)
        assert diagnostic.get("{http://www.w3.org/XML/1998/namespace}lang") == "sv"


def test_schematron_code_lists_equal_the_data_files() -> None:
    document = etree.parse(CONTRACT.schematron)
    for name, expected in (("lan", codes.LAN), ("kommun", codes.KOMMUN)):
        (value,) = document.xpath("//sch:let[@name = $name]/@value", name=name, namespaces=NAMESPACES)
        assert value.split("'")[1].split() == list(expected)


def test_piece_phase_leaves_out_the_span(schematron: Schematron) -> None:
    document = edited([{"at": "//q:reportingPeriod/q:start", "text": "20240101"}])
    assert [finding.rule for finding in schematron.check(document)] == ["1.11"]
    assert Schematron.load(CONTRACT.schematron, phase="piece").check(document) == ()
