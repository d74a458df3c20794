"""The rules of version 1.0, in Python and in its Schematron: the cases of version 2.0, said as 1.0 says them."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import rule_cases
from lxml import etree, isoschematron

from contracts.model import Measurement
from contracts.registry import CONTRACTS, ServiceContract
from contracts.rules import RULES, ReportChecker
from contracts.schematron import Schematron

DATA = Path(__file__).parent / "data"
V1, V2, V3 = (CONTRACTS[f"GetQualityIndicators:{major}"] for major in (1, 2, 3))
#: Measurement 7 of the report is a Sjukvardsregion's, which version 1 leaves out.
_MOVED = {"measurement[8]": "measurement[7]", "measurement[9]": "measurement[8]"}
_SAID_OTHERWISE = {
    "q:measureId/": "q:measureIdVersionIndependent/",
    "q:cohortMeasure": "q:continuousVariableMeasure",
    "//q:cohort": "//q:measurement[8]//q:value/q:value",
    "//q:measurement[7]//q:value": "//q:measurement[7]//q:value/q:value",
}
_NOT_IN_VERSION_1 = {
    "sjukvardsregion_without_id",
    "sjukvardsregion_with_empty_code",
    "sjukvardsregion_outside_land",
    "system_id_with_other_root",
    "system_id_without_extension",
    "organization_without_name",  # organizationName is 0..1
}
_TEXT = (DATA / "rule-cases.toml").read_text(encoding="utf-8")
CASES = [case for case in tomllib.loads(_TEXT)["case"] if case["name"] not in _NOT_IN_VERSION_1]
_MEASUREMENT = re.compile(r"measurement\[\d+\]")


def measurements_of_2() -> tuple[Any, list[Measurement]]:
    codec = V2.codec
    report = etree.parse(DATA / "report-2.0.xml").getroot().find(f".//{codec.tags.report}")
    assert report is not None
    found = [codec.read_measurement(element) for element in report.iterchildren(codec.tags.measurement)]
    return codec.read_head(report), found


def report_of(contract: ServiceContract) -> bytes:
    """Write the report of the cases in a version."""
    codec = contract.codec
    head, found = measurements_of_2()
    fragments = (
        codec.measurement_fragment(
            one,
            organization=codec.organization_fragment(one.performing_organization),
            source=codec.source_fragment(one.source_system),
        )
        for one in found
        if codec.expresses(one.performing_organization)
    )
    return codec.answer_prefix(head) + b"".join(fragments) + codec.answer_suffix()


@pytest.fixture(scope="module")
def schematron() -> Schematron:
    return Schematron.load(V1.schematron)


def edited(edits: list[dict[str, Any]]) -> bytes:
    """Edit the report of version 1, at the places where it has what version 2 has."""

    def moved(place: str) -> str:
        for before, after in (_MOVED | _SAID_OTHERWISE).items():
            place = place.replace(before, after)
        return place

    return rule_cases.edited(V1, report_of(V1), [{**edit, "at": moved(edit["at"])} for edit in edits])


@pytest.mark.parametrize("contract", [V1, V2, V3], ids=lambda contract: contract.id)
def test_the_clean_report_has_no_finding_in_any_version(contract: ServiceContract) -> None:
    assert Schematron.load(contract.schematron).check(report_of(contract)) == ()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_one_fault_gives_one_finding_by_both(case: dict[str, Any], schematron: Schematron) -> None:
    document = edited(case["edits"])
    severity = case.get("severity", "error")
    (finding,) = rule_cases.findings_in(V1, document)
    (twin,) = schematron.check(document)
    assert (finding.rule, finding.severity) == (twin.rule, twin.severity) == (case["rule"], severity)
    assert not twin.is_broken
    assert _MEASUREMENT.findall(twin.place) == _MEASUREMENT.findall(finding.where)
    assert twin.text != twin.text_in("sv")


def test_the_cases_are_those_of_the_rules_that_the_version_has() -> None:
    assert {case["rule"] for case in CASES} == set(RULES) - V1.without_rules
    names = {case["name"] for case in tomllib.loads(_TEXT)["case"]}
    assert names >= _NOT_IN_VERSION_1


@pytest.mark.parametrize(("code", "expected"), [("MSK", 0), ("UNK", 0), ("INV", 1), ("NI", 1)])
def test_version_1_has_two_reasons(code: str, expected: int, schematron: Schematron) -> None:
    document = edited([{"at": "//q:reasonCode", "text": code}])
    assert [finding.rule for finding in schematron.check(document)] == ["1.13"] * expected


def test_an_organisation_needs_no_name_in_version_1(schematron: Schematron) -> None:
    at = "//q:measurement[6]/q:performingOrganization/q:organizationName"
    document = edited([{"at": at, "remove": True}])
    assert schematron.check(document) == ()
    assert rule_cases.findings_in(V1, document) == []
    _, found = measurements_of_2()
    nameless = replace(found[5].performing_organization, organization_name="")
    (finding,) = ReportChecker().add(replace(found[5], performing_organization=nameless), "measurement[1]")
    assert finding.rule == "1.2"


@pytest.mark.parametrize("contract", [V1, V3], ids=lambda contract: contract.id)
def test_schematron_file_is_valid_iso_schematron(contract: ServiceContract) -> None:
    document = etree.parse(contract.schematron)
    assert isoschematron.schematron_schema_valid(document), isoschematron.schematron_schema_valid.error_log
    texts = {node.get("id") for node in document.iter("{*}diagnostic")}
    used = {node.get("diagnostics") for node in document.iter("{*}assert")}
    assert texts == used
