"""Comparing two structures of a contract, difference by difference, and saying which of them break callers.

One side may be an official package, the other what this project has, or both versions of a contract (contract
reference 1 to 3).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from contracts.registry import ServiceContract
from contracts.structure import (
    ComplexType,
    Field,
    SimpleType,
    Structure,
    namespace_of,
    structure_of,
    types_of_requests,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference. ``is_breaking``: a message that was right is refused or misread; else something is added."""

    where: str
    what: str
    is_breaking: bool


def compare(known: Structure, other: Structure) -> list[Difference]:
    """Give every structural difference of ``other`` against ``known``, in the order of the files.

    What a missing namespace held is not listed one by one.
    """
    known = _within(known, {namespace for namespace in known.schemas if namespace not in other.schemas})
    return [
        *_compare_names("schema", known.schemas, other.schemas),
        *_compare_names("element", known.elements, other.elements),
        *_compare_complex_types(known, other),
        *_compare_simple_types(known.simple_types, other.simple_types),
        *_compare_names("WSDL", known.wsdl, other.wsdl),
    ]


def compare_versions(old: ServiceContract, new: ServiceContract) -> list[Difference]:
    """Compare the messages of two versions; that namespaces and WSDLs differ between versions is no difference."""
    namespaces = {
        old.responder_namespace: new.responder_namespace,
        old.domain_namespace: new.domain_namespace,
    }
    return compare(_renamed(_messages(structure_of(old)), namespaces), _messages(structure_of(new)))


def _messages(structure: Structure) -> Structure:
    return replace(structure, schemas={}, wsdl={})


def _within(structure: Structure, missing: Collection[str]) -> Structure:
    """Leave out what the ``missing`` namespaces hold."""

    def kept(named: Mapping[str, T]) -> dict[str, T]:
        return {name: value for name, value in named.items() if namespace_of(name) not in missing}

    return replace(
        structure,
        elements=kept(structure.elements),
        complex_types=kept(structure.complex_types),
        simple_types=kept(structure.simple_types),
    )


def _renamed(structure: Structure, namespaces: Mapping[str, str]) -> Structure:
    def renamed(name: str) -> str:
        namespace = namespace_of(name)
        return f"{{{namespaces.get(namespace, namespace)}}}{_local(name)}"

    def fields(kind: ComplexType) -> tuple[Field, ...]:
        return tuple(replace(field, type_name=renamed(field.type_name)) for field in kind.fields)

    return replace(
        structure,
        elements={renamed(name): renamed(kind) for name, kind in structure.elements.items()},
        complex_types={
            renamed(name): replace(kind, fields=fields(kind)) for name, kind in structure.complex_types.items()
        },
        simple_types={
            renamed(name): replace(kind, base=renamed(kind.base)) for name, kind in structure.simple_types.items()
        },
    )


def _compare_names(kind: str, known: Mapping[str, str], other: Mapping[str, str]) -> Iterator[Difference]:
    for name, value in known.items():
        where = f"{kind} {_local(name)}"
        if name not in other:
            yield Difference(where, "is missing", True)
        elif other[name] != value:
            yield Difference(where, f"is {_local(other[name])!r}, was {_local(value)!r}", True)
    for name in other:
        if name not in known:
            yield Difference(f"{kind} {_local(name)}", "is new", False)


def _compare_complex_types(known: Structure, other: Structure) -> Iterator[Difference]:
    asked = frozenset(types_of_requests(known).values())
    for name, kind in known.complex_types.items():
        if name not in other.complex_types:
            yield Difference(f"type {_local(name)}", "is missing", True)
            continue
        there = other.complex_types[name]
        yield from _compare_fields(_local(name), kind.fields, there.fields, is_asked=name in asked)
        if kind.form != there.form:
            yield Difference(f"type {_local(name)}", f"is built as {there.form!r}, was {kind.form!r}", True)
        if kind.wildcard != there.wildcard:
            text = f"has extension point {there.wildcard or 'none'}, was {kind.wildcard or 'none'}"
            yield Difference(f"type {_local(name)}", text, True)
    for name in other.complex_types:
        if name not in known.complex_types:
            yield Difference(f"type {_local(name)}", "is new", False)


def _compare_fields(
    owner: str, known: tuple[Field, ...], other: tuple[Field, ...], *, is_asked: bool
) -> Iterator[Difference]:
    """Compare the fields of a type; ``is_asked``: it is that of a request, where a new field asks for something."""
    here = {field.name: field for field in known}
    there = {field.name: field for field in other}
    missing = [name for name in here if name not in there]
    new = [name for name in there if name not in here]
    for name in list(missing):
        successor = next((other_name for other_name in new if _is_rename(known, other, name, other_name)), None)
        if successor is not None:
            yield Difference(f"{owner}/{name}", f"is renamed to {successor}", True)
            yield from _compare_field(f"{owner}/{successor}", here[name], there[successor])
            missing.remove(name)
            new.remove(successor)
    for name in missing:
        yield Difference(f"{owner}/{name}", "is missing", True)
    for name in new:
        is_required = there[name].minimum > 0
        text = f"is new ({there[name].cardinality}{', required' if is_required else ''})"
        if is_asked and not is_required:
            text += "; what it asks for is not heeded"
        yield Difference(f"{owner}/{name}", text, is_required or is_asked)
    common = [name for name in here if name in there]
    if common != [name for name in there if name in here]:
        yield Difference(owner, "has its elements in another order", True)
    for name in common:
        yield from _compare_field(f"{owner}/{name}", here[name], there[name])


def _is_rename(known: tuple[Field, ...], other: tuple[Field, ...], old: str, new: str) -> bool:
    """Whether ``new`` stands where ``old`` stood, with the same type."""
    position = [field.name for field in known].index(old)
    return (
        position < len(other)
        and other[position].name == new
        and _local(other[position].type_name) == _local(known[position].type_name)
    )


def _compare_field(where: str, known: Field, other: Field) -> Iterator[Difference]:
    if known.type_name != other.type_name:
        yield Difference(where, f"has type {_local(other.type_name)}, was {_local(known.type_name)}", True)
    if known.cardinality != other.cardinality:
        yield Difference(where, f"has cardinality {other.cardinality}, was {known.cardinality}", True)
    if known.default != other.default:
        yield Difference(where, f"has default {other.default or 'none'}, was {known.default or 'none'}", True)
    if known.form != other.form:
        yield Difference(where, f"is declared {other.form or 'plainly'}, was {known.form or 'plainly'}", True)


def _compare_simple_types(known: Mapping[str, SimpleType], other: Mapping[str, SimpleType]) -> Iterator[Difference]:
    for name, kind in known.items():
        where = f"type {_local(name)}"
        there = other.get(name)
        if there is None:
            yield Difference(where, "is missing", True)
            continue
        yield from _compare_values(where, kind.enumeration, there.enumeration)
        if kind.patterns != there.patterns:
            yield Difference(where, f"has pattern {_listed(there.patterns)}, was {_listed(kind.patterns)}", True)
        if kind.form != there.form:
            yield Difference(where, f"allows {there.form or 'any'}, was {kind.form or 'any'}", True)
        if kind.base != there.base:
            yield Difference(where, f"restricts {_local(there.base)}, was {_local(kind.base)}", True)
    for name in other:
        if name not in known:
            yield Difference(f"type {_local(name)}", "is new", False)


def _compare_values(where: str, known: tuple[str, ...], other: tuple[str, ...]) -> Iterator[Difference]:
    """Compare the allowed values; none listed means that any is allowed."""
    if bool(known) != bool(other):
        listed = f"only {', '.join(known or other)}"
        allows, allowed = (listed, "any value") if other else ("any value", listed)
        yield Difference(where, f"allows {allows}, was {allowed}", bool(other))
        return
    for value in known:
        if value not in other:
            yield Difference(where, f"lacks the value {value}", True)
    for value in other:
        if value not in known:
            yield Difference(where, f"has the new value {value}", False)


def _listed(values: tuple[str, ...]) -> str:
    return " or ".join(values) or "none"


def _local(name: str) -> str:
    return name.rsplit("}", 1)[-1]
