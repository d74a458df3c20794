"""The cases of data/rule-cases.toml at work: a report with one fault, and what reading and checking it finds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lxml import etree

from contracts.errors import ContractViolation
from contracts.registry import ServiceContract
from contracts.rules import Finding, ReportChecker


def edited(contract: ServiceContract, report: bytes, edits: Sequence[dict[str, Any]]) -> bytes:
    """Edit a whole answer: ``at`` is an XPath with q for the domain's namespace, the rest says what to do there."""
    namespaces = {"q": contract.domain_namespace, "r": contract.responder_namespace}

    def fragment(xml: str) -> etree._Element:
        return etree.fromstring(f'<x xmlns:q="{contract.domain_namespace}">{xml}</x>')[0]

    root = etree.fromstring(report)
    for edit in edits:
        (node,) = root.xpath(edit["at"], namespaces=namespaces)
        if "text" in edit:
            node.text = edit["text"]
        elif "after" in edit:
            node.addnext(fragment(edit["after"]))
        elif "inside" in edit:
            node.append(fragment(edit["inside"]))
        else:
            assert edit["remove"] is True
            node.getparent().remove(node)
    return etree.tostring(root)


def findings_in(contract: ServiceContract, document: bytes) -> list[Finding]:
    """Read a document with the contract's codec and check it; what the codec refuses is a finding too."""
    codec = contract.codec
    checker = ReportChecker(is_name_required=codec.requires_organization_name)
    report = etree.fromstring(document).find(f".//{codec.tags.report}")
    findings: list[Finding] = []
    for number, element in enumerate(report.iterchildren(codec.tags.measurement), 1):
        where = f"measurement[{number}]"
        try:
            findings += checker.add(codec.read_measurement(element), where)
        except ContractViolation as error:
            findings.append(Finding(error.rule, "error", f"{where}/{error.path}", error.message, ""))
    return findings + checker.finish(codec.read_head(report))
