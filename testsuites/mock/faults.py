"""Faults on demand: reads faults.toml and does to a good answer what a broken producer would.

Message edits work on the tree of the mock's own answer; HTTP faults are done by the server.
"""

from __future__ import annotations

import copy
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from lxml import etree

from contracts.errors import UsageError
from contracts.registry import ServiceContract
from contracts.soap import SOAP_NAMESPACE
from testsuites.mock.answers import Answering

_MEASUREMENT = re.compile(r"\bc:measurement\b")
Need = Literal["", "catalogue", "since"]


@dataclass(frozen=True, slots=True)
class HttpFault:
    """What is done to the HTTP answer. ``delay_s`` waits first; ``truncate`` sends so many bytes of the body."""

    status: int | None = None
    content_type: str | None = None
    prefix: str = ""
    fault_status: int = 500
    fault_as_html: bool = False
    fault_text: str = ""
    truncate: int | None = None
    empty: bool = False
    reset: bool = False
    delay_s: float = 0.0
    vp_code: str = ""


@dataclass(frozen=True, slots=True)
class MockFault:
    """One way to be broken. ``rule`` and ``where`` are what a suite must name; ``needs`` what it must be given.

    ``is_distributed``: a fault of GetDistributedQualityReport alone.
    """

    id: str
    breaks: str
    rule: str = ""
    where: str = ""
    needs: Need = ""
    is_distributed: bool = False
    edits: tuple[Mapping[str, Any], ...] = ()
    behaviour: Answering = field(default_factory=Answering)
    http: HttpFault = field(default_factory=HttpFault)


@cache
def mock_faults() -> Mapping[str, MockFault]:
    """Give every fault by its id: of faults.toml, which every contract can have, and of faults_distributed.toml."""
    of_all, distributed = _read("faults.toml"), _read("faults_distributed.toml")
    return {fault.id: fault for fault in (*of_all, *(replace(fault, is_distributed=True) for fault in distributed))}


def _read(name: str) -> list[MockFault]:
    table = tomllib.loads(files("testsuites.mock").joinpath(name).read_text(encoding="utf-8"))
    return [_fault(entry) for entry in table["fault"]]


def _fault(entry: Mapping[str, Any]) -> MockFault:
    return MockFault(
        **{
            **entry,
            "edits": tuple(entry.get("edits", ())),
            "behaviour": Answering(**entry.get("behaviour", {})),
            "http": HttpFault(**entry.get("http", {})),
        }
    )


def find_fault(text: str) -> MockFault:
    """Find a fault by id, or make one of ``delay:SECONDS``, ``status:CODE``, ``vp:VPnnn``. Raises UsageError."""
    name, _, argument = text.strip().partition(":")
    try:
        if name == "delay":
            return MockFault(text, f"Waits {argument} s.", http=HttpFault(delay_s=float(argument)))
        if name == "status":
            return MockFault(
                text, f"Answers with HTTP status {argument}.", http=HttpFault(status=int(argument), empty=True)
            )
    except ValueError:
        raise UsageError(f"{text!r} is no fault: {argument!r} is no number.") from None
    if name == "vp" and argument.startswith("VP"):
        return MockFault(text, f"Answers as the platform with {argument}.", http=HttpFault(vp_code=argument))
    if name not in mock_faults():
        raise UsageError(f"The mock has no fault {text!r}. `brygga suite mock --list` shows them all.")
    return mock_faults()[name]


def apply_edits(fault: MockFault, message: bytes, contract: ServiceContract) -> bytes:
    """Change the mock's own answer; an edit whose place is not in it changes nothing.

    Places have the element names of GetQualityIndicators, which stand for those of the contract.
    """
    if not fault.edits:
        return message
    names = {"e": SOAP_NAMESPACE, "r": contract.responder_namespace, "c": contract.domain_namespace}
    root = etree.fromstring(message)
    for edit in fault.edits:
        found = root.xpath(_in_contract(edit["at"], contract), namespaces=names)
        assert isinstance(found, list)
        for element in found:
            assert isinstance(element, etree._Element)
            _edit(element, edit, names)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)


def _in_contract(path: str, contract: ServiceContract) -> str:
    report, measurement = (etree.QName(tag).localname for tag in contract.codec.tags[1:3])
    return _MEASUREMENT.sub(f"c:{measurement}", path).replace("r:AggregatedQualityReport", f"r:{report}")


def _edit(element: etree._Element, edit: Mapping[str, Any], names: Mapping[str, str]) -> None:
    parent = element.getparent()
    if "set" in edit:
        element.text = edit["set"]
    if "attribute" in edit:
        element.set(edit["attribute"], edit["value"])
    if "rename" in edit:
        element.tag = f"{{{etree.QName(element).namespace}}}{edit['rename']}"
    if "append" in edit:
        element.append(_parse(edit["append"], names))
    if "namespace" in edit:
        _move_to(element, names.get(edit["namespace"], ""))
    if parent is None:
        return
    if "insert" in edit:
        element.addnext(_parse(edit["insert"], names))
    if edit.get("duplicate"):
        element.addnext(copy.deepcopy(element))
    if "move_after" in edit:
        neighbours = element.xpath(edit["move_after"], namespaces=dict(names))
        assert isinstance(neighbours, list)
        neighbour = neighbours[0]
        assert isinstance(neighbour, etree._Element)
        neighbour.addnext(element)
    if edit.get("remove"):
        parent.remove(element)


def _move_to(element: etree._Element, namespace: str) -> None:
    for node in element.iter("*"):
        local = etree.QName(node).localname
        node.tag = f"{{{namespace}}}{local}" if namespace else local


def _parse(text: str, names: Mapping[str, str]) -> etree._Element:
    declarations = "".join(f' xmlns:{prefix}="{namespace}"' for prefix, namespace in names.items())
    return etree.fromstring(f"<x{declarations}>{text}</x>")[0]
