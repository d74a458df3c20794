"""``brygga contracts``: what the service contracts say, as text."""

from __future__ import annotations

from dataclasses import asdict

import click
import rich.console
from lxml import etree
from rich.markup import escape
from rich.syntax import Syntax
from rich.table import Table

from contracts.checksum import measurement_checksum
from contracts.codes import OID_HSA_ID, OID_LAN, OID_LAND, OID_MEASURE
from contracts.errors import UsageError
from contracts.model import (
    II,
    ConfidenceInterval,
    DatePeriod,
    Measurement,
    PerformingOrganization,
    ProportionMeasure,
    QualityIndicatorsRequest,
    ReportHead,
    ReportingParty,
    SourceSystem,
)
from contracts.registry import CONTRACTS, ServiceContract
from contracts.rules import RULES
from contracts.structure import Structure, structure_of
from gateway.console import Console, common_options, pass_console

_BASIS = {
    "published": "published schema",
    "reconstruction": "reconstruction: only the namespace is published, the message is this project's",
}


@click.group()
def command() -> None:
    """Explain the service contracts: versions, fields, rules, example messages."""


@command.command("list")
@common_options
@pass_console
def list_contracts(console: Console) -> None:
    """List every version of the contracts, and whether its schema is published or reconstructed."""
    rows = [
        {
            "contract": contract.id,
            "version": contract.version,
            "basis": contract.basis,
            "namespace": contract.wsdl_namespace,
            "path": contract.path,
        }
        for contract in CONTRACTS.values()
    ]

    def render(out: rich.console.Console) -> None:
        table = Table("Contract", "Version", "Basis", "Namespace", box=None, header_style="head")
        for row in rows:
            table.add_row(row["contract"], row["version"], _BASIS[row["basis"]], row["namespace"])
        out.print(table)

    console.emit(rows, render)


@command.command()
@click.argument("contract_id", metavar="CONTRACT", default="GetQualityIndicators:2")
@common_options
@pass_console
def show(console: Console, contract_id: str) -> None:
    """Explain one CONTRACT, such as GetQualityIndicators:2: operation, fields, rules, an example."""
    contract = CONTRACTS.get(contract_id)
    if contract is None:
        raise UsageError(f"There is no contract {contract_id}. Known: {', '.join(CONTRACTS)}.")
    structure = structure_of(contract)
    request, answer = example_messages(contract)
    data = {
        "contract": contract.id,
        "basis": contract.basis,
        "soap_action": contract.soap_action,
        "wsdl_namespace": contract.wsdl_namespace,
        "request": _fields_as_data(structure, contract.request_tag),
        "response": _fields_as_data(structure, contract.response_tag),
        "rules": [
            {"id": rule.id, "severity": rule.severity, "title": asdict(rule.title)} for rule in RULES.values()
        ],
        "example_request": request,
        "example_answer": answer,
    }

    def render(out: rich.console.Console) -> None:
        _render_head(out, contract)
        for title, tag in (("Request", contract.request_tag), ("Response", contract.response_tag)):
            _render_fields(out, structure, tag, title)
        _render_rules(out)
        for title, message in (("Example request", request), ("Example answer", answer)):
            out.print(f"\n[head]{title}[/head] (invented data)")
            out.print(Syntax(message, "xml", background_color="default", word_wrap=True))

    console.emit(data, render)


def example_messages(contract: ServiceContract) -> tuple[str, str]:
    """Give an indented example request and answer of ``contract``, with invented data."""
    period = DatePeriod("20250101", "20251231")
    measure_id = II(OID_MEASURE, "7c0f4a52-1d3e-4b6a-9f10-2e5b8a610001")
    country = PerformingOrganization("Riket", "Land", organization_id=II(OID_LAND, "SE"))
    county = PerformingOrganization("Halland", "Lan", None, II(OID_LAN, "13"), country)
    unit = PerformingOrganization("Vårdcentralen Snäckan (påhittad)", "Vardenhet", "SE9990001112-E0001", None, county)
    interval = ConfidenceInterval(0.7173, 0.8299)
    measurement = Measurement(
        measure_id,
        3,
        period,
        ProportionMeasure(rate=0.7736, denominator=212, numerator=164, confidence_interval_95_percent=interval),
        unit,
        SourceSystem(II(OID_HSA_ID, "SE9990001112-DEMOREG"), "Demoregistret (påhittat)"),
    )
    head = ReportHead(
        measurement_checksum([]),
        period,
        ReportingParty("SE9990001112-DEMO", "Demoproducenten (påhittad)"),
        ReportingParty("SE9990001112-DEMOORG", "Demohuvudmannen (påhittad)"),
    )
    codec = contract.codec
    fragment = codec.measurement_fragment(
        measurement,
        organization=codec.organization_fragment(unit),
        source=codec.source_fragment(measurement.source_system),
    )
    request = codec.write_request("SE9990001112-DEMO", QualityIndicatorsRequest((measure_id,), period))
    return _indented(request), _indented(codec.answer_prefix(head) + fragment + codec.answer_suffix())


def _indented(message: bytes) -> str:
    element = etree.fromstring(message)
    etree.indent(element)
    return etree.tostring(element, encoding="unicode")


def _fields_as_data(structure: Structure, tag: str) -> list[dict[str, object]]:
    walked = structure.walk(structure.elements[tag])
    return [
        {
            "depth": depth,
            "name": field.name,
            "cardinality": field.cardinality,
            "default": field.default,
            "type": field.type_name.rsplit("}", 1)[-1],
            "meaning": field.meaning,
        }
        for depth, field in walked
    ]


def _render_head(out: rich.console.Console, contract: ServiceContract) -> None:
    out.print(f"[head]{contract.interaction} {contract.version}[/head]  ({_BASIS[contract.basis]})")
    grid = Table.grid(padding=(0, 2))
    grid.add_row("WSDL namespace", contract.wsdl_namespace)
    grid.add_row("SOAPAction", contract.soap_action)
    grid.add_row("Path", contract.path)
    grid.add_row("Addressing", "SOAP header LogicalAddress = HSA-id of the producing system")
    grid.add_row("Errors", "technical: SOAP Fault; nothing found: a normal answer without measurements")
    out.print(grid)


def _render_fields(out: rich.console.Console, structure: Structure, tag: str, title: str) -> None:
    out.print(f"\n[head]{title}[/head]  {tag.rsplit('}', 1)[-1]}")
    table = Table("Element", "Card.", "Type", "Meaning", box=None, header_style="dim", pad_edge=False)
    for depth, field in structure.walk(structure.elements[tag]):
        simple = structure.simple_types.get(field.type_name)
        allowed = f" ({', '.join(simple.enumeration)})" if simple and simple.enumeration else ""
        default = f" default {field.default}" if field.default else ""
        table.add_row(
            "  " * depth + field.name,
            field.cardinality + default,
            field.type_name.rsplit("}", 1)[-1],
            escape(field.meaning + allowed),
        )
    out.print(table)


def _render_rules(out: rich.console.Console) -> None:
    out.print("\n[head]Rules beyond the schema[/head]")
    table = Table("Rule", "Severity", "What", box=None, header_style="dim", pad_edge=False)
    for rule in RULES.values():
        table.add_row(rule.id, rule.severity, escape(rule.title.en))
    out.print(table)
