"""``brygga contracts``: what the service contracts say, as text; versions compared; official packages added."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import click
import rich.console
from rich.markup import escape
from rich.syntax import Syntax
from rich.table import Column, Table

from contracts.comparison import compare_versions
from contracts.errors import ConfigurationError, UsageError
from contracts.messages.example import example_answer, example_request
from contracts.registry import Basis, ServiceContract
from contracts.rules import RULES
from contracts.structure import Structure, structure_of
from gateway.commands.contract_packages import add, difference_table, verify
from gateway.console import Console, common_options, pass_console
from gateway.sections import contracts_of, served_contracts
from gateway.settings import Settings

_DEFAULT = "GetQualityIndicators:2"
_BASIS: Mapping[Basis, str] = {
    "published": "published schema",
    "reconstruction": "[warn]reconstruction[/warn]",
    "added": "added package",
}


@click.group()
def command() -> None:
    """Explain the service contracts, compare versions, add official packages."""


command.add_command(verify)
command.add_command(add)


@command.command("list")
@common_options
@pass_console
def list_contracts(console: Console) -> None:
    """List the versions of the contracts: what each rests on, what is known of it, and whether it is served here."""
    settings = console.settings()
    served = _served(console, settings)
    rows: list[dict[str, Any]] = [
        {
            "contract": contract.id,
            "version": contract.version,
            "basis": contract.basis,
            "is_reconstruction": contract.is_reconstruction,
            "is_served": None if served is None else contract.id in served,
            "known": contract.known,
            "namespace": contract.wsdl_namespace,
            "path": contract.path,
        }
        for contract in contracts_of(settings).values()
    ]

    def render(out: rich.console.Console) -> None:
        table = Table(
            Column("Contract", no_wrap=True), "Rests on", "Served", "What is known", box=None, header_style="head"
        )
        for row in rows:
            is_served = {None: "-", True: "[ok]yes[/ok]", False: "no"}[row["is_served"]]
            table.add_row(row["contract"], _BASIS[row["basis"]], is_served, escape(row["known"]))
        out.print(table)
        out.print(
            "\nWhat is served: \\[producer] contracts. A reconstruction needs allow_reconstructions too.", style="dim"
        )

    console.emit(rows, render)


def _served(console: Console, settings: Settings) -> frozenset[str] | None:
    """Give what the settings let the producer serve; None, and a remark, when they cannot work."""
    try:
        return frozenset(contract.id for contract in served_contracts(settings))
    except ConfigurationError as error:
        for problem in error.problems or (error.message,):
            console.warn(escape(problem))
        return None


@command.command()
@click.argument("contract_id", metavar="CONTRACT", default=_DEFAULT)
@common_options
@pass_console
def show(console: Console, contract_id: str) -> None:
    """Explain one CONTRACT, such as GetQualityIndicators:2: operation, fields, rules, what it cannot say, examples."""
    contract = _named(contract_id, contracts_of(console.settings()))
    structure = structure_of(contract)
    request, answer = example_request(contract.codec), example_answer(contract.codec)
    rules = [rule for rule in RULES.values() if rule.id not in contract.without_rules]
    data = {
        "contract": contract.id,
        "version": contract.version,
        "basis": contract.basis,
        "known": contract.known,
        "soap_action": contract.soap_action,
        "wsdl_namespace": contract.wsdl_namespace,
        "path": contract.path,
        "files": [str(path) for path in (contract.wsdl, *contract.schemas, contract.schematron)],
        "request": _fields_as_data(structure, contract.request_tag),
        "response": _fields_as_data(structure, contract.response_tag),
        "rules": [{"id": rule.id, "severity": rule.severity, "title": asdict(rule.title)} for rule in rules],
        "losses": [asdict(loss) for loss in contract.losses],
        "example_request": request,
        "example_answer": answer,
    }

    def render(out: rich.console.Console) -> None:
        _render_head(out, contract)
        for title, tag in (("Request", contract.request_tag), ("Response", contract.response_tag)):
            _render_fields(out, structure, tag, title)
        out.print("\n[head]Rules beyond the schema[/head]")
        table = Table("Rule", "Severity", "What", box=None, header_style="dim", pad_edge=False)
        for rule in rules:
            table.add_row(rule.id, rule.severity, escape(rule.title.en))
        out.print(table)
        _render_losses(out, contract)
        for title, message in (("Example request", request), ("Example answer", answer)):
            out.print(f"\n[head]{title}[/head] (invented data)")
            out.print(Syntax(message, "xml", background_color="default", word_wrap=True))

    console.emit(data, render)


@command.command()
@click.argument("old_id", metavar="OLD")
@click.argument("new_id", metavar="NEW")
@common_options
@pass_console
def diff(console: Console, old_id: str, new_id: str) -> None:
    """Say what differs from version OLD to version NEW, and which of it breaks what was written for OLD."""
    known = contracts_of(console.settings())
    old, new = _named(old_id, known), _named(new_id, known)
    if old.interaction != new.interaction:
        raise UsageError(f"{old_id} and {new_id} are two contracts; give two versions of one.")
    differences = compare_versions(old, new)
    data: dict[str, Any] = {
        "old": old.id,
        "new": new.id,
        "namespaces": {
            name: {"old": getattr(old, name), "new": getattr(new, name)}
            for name in ("wsdl_namespace", "responder_namespace", "domain_namespace", "soap_action", "path")
        },
        "differences": [asdict(difference) for difference in differences],
    }

    def render(out: rich.console.Console) -> None:
        breaking = sum(difference.is_breaking for difference in differences)
        out.print(f"[head]From {old.interaction} {old.version} to {new.version}[/head]", end="  ")
        out.print(f"{len(differences)} differences in the messages, {breaking} of which break what was written before")
        if new.is_reconstruction or old.is_reconstruction:
            out.print("[warn]One of them is a reconstruction: the published contract may differ otherwise.[/warn]")
        if differences:
            out.print(difference_table(differences))
        out.print("\n[head]Always different[/head]: namespaces, SOAPAction and path")
        grid = Table.grid("", Column(overflow="fold"), padding=(0, 2))
        for name, values in data["namespaces"].items():
            grid.add_row(name.replace("_", " "), f"{values['old']}\n{values['new']}")
        out.print(grid)

    console.emit(data, render)


def _named(contract_id: str, known: Mapping[str, ServiceContract]) -> ServiceContract:
    contract = known.get(contract_id)
    if contract is None:
        raise UsageError(f"There is no contract {contract_id}. Known: {', '.join(known)}.")
    return contract


def _fields_as_data(structure: Structure, tag: str) -> list[dict[str, object]]:
    return [
        {
            "depth": depth,
            "name": field.name,
            "cardinality": field.cardinality,
            "default": field.default,
            "type": field.type_name.rsplit("}", 1)[-1],
            "meaning": field.meaning,
        }
        for depth, field in structure.walk(structure.elements[tag])
    ]


def _render_head(out: rich.console.Console, contract: ServiceContract) -> None:
    out.print(f"[head]{contract.interaction} {contract.version}[/head]  {_BASIS[contract.basis]}")
    grid = Table.grid("", Column(overflow="fold"), padding=(0, 2))
    grid.add_row("Known", escape(contract.known))
    grid.add_row("WSDL namespace", contract.wsdl_namespace)
    grid.add_row("SOAPAction", contract.soap_action)
    grid.add_row("Path", contract.path)
    grid.add_row(
        "Operation", f"{contract.interaction}: question and answer, SOAP 1.1, document/literal (RIV-TA BP 2.1)"
    )
    grid.add_row("Addressing", "SOAP header LogicalAddress = HSA-id of the producing system")
    grid.add_row("Errors", "technical: SOAP Fault; nothing found: a normal answer without measurements")
    grid.add_row("Schema files", escape(str(contract.wsdl.parent)))
    out.print(grid)


def _render_fields(out: rich.console.Console, structure: Structure, tag: str, title: str) -> None:
    out.print(f"\n[head]{title}[/head]  {tag.rsplit('}', 1)[-1]}")
    whole = Column("Element", no_wrap=True), Column("Card.", no_wrap=True), Column("Type", overflow="fold")
    table = Table(*whole, "Meaning", box=None, header_style="dim", pad_edge=False)
    for depth, field in structure.walk(structure.elements[tag]):
        simple = structure.simple_types.get(field.type_name)
        allowed = f" ({', '.join(simple.enumeration)})" if simple and simple.enumeration else ""
        default = f" Default: {field.default}." if field.default else ""
        table.add_row(
            "  " * depth + field.name,
            field.cardinality,
            field.type_name.rsplit("}", 1)[-1],
            escape(field.meaning + default + allowed),
        )
    out.print(table)


def _render_losses(out: rich.console.Console, contract: ServiceContract) -> None:
    out.print("\n[head]What it says otherwise than the register, or cannot say[/head]")
    table = Table("Of the register", "In this version", "Comes back", box=None, header_style="dim", pad_edge=False)
    for loss in contract.losses:
        table.add_row(escape(loss.fact), escape(loss.said_as), "yes" if loss.comes_back else "[warn]no[/warn]")
    out.print(table)
