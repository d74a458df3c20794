"""Comparing two structures of a contract, difference by difference, and saying which of them break callers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from contracts.structure import Field, SimpleType, Structure


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference. ``is_breaking``: a message of one side may be refused or misread by the other."""

    where: str
    what: str
    is_breaking: bool


def compare(known: Structure, other: Structure) -> list[Difference]:
    """Give every structural difference of ``other`` against ``known``, in the order of the files."""
    return [
        *_compare_names("schema", known.schemas, other.schemas),
        *_compare_names("element", known.elements, other.elements),
        *_compare_complex_types(known, other),
        *_compare_simple_types(known.simple_types, other.simple_types),
        *_compare_names("WSDL", known.wsdl, other.wsdl),
    ]


def compare_versions(old: Structure, new: Structure, namespaces: Mapping[str, str]) -> list[Difference]:
    """Compare two versions of a contract; ``namespaces`` maps the old version's namespaces to the new one's."""

    def renamed(name: str) -> str:
        for before, after in namespaces.items():
            name = name.replace(f"{{{before}}}", f"{{{after}}}")
        return name

    translated = Structure(
        {renamed(name): renamed(kind) for name, kind in old.elements.items()},
        {
            renamed(name): type(kind)(
                tuple(
                    Field(f.name, renamed(f.type_name), f.minimum, f.maximum, f.default, f.meaning) for f in kind.fields
                ),
                kind.wildcard,
            )
            for name, kind in old.complex_types.items()
        },
        {
            renamed(name): SimpleType(renamed(kind.base), kind.enumeration, kind.patterns)
            for name, kind in old.simple_types.items()
        },
        {},
        {},
    )
    return compare(translated, Structure(new.elements, new.complex_types, new.simple_types, {}, {}))


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
    for name, kind in known.complex_types.items():
        if name not in other.complex_types:
            yield Difference(f"type {_local(name)}", "is missing", True)
            continue
        there = other.complex_types[name]
        yield from _compare_fields(_local(name), kind.fields, there.fields)
        if kind.wildcard != there.wildcard:
            text = f"has extension point {there.wildcard or 'none'}, was {kind.wildcard or 'none'}"
            yield Difference(f"type {_local(name)}", text, True)
    for name in other.complex_types:
        if name not in known.complex_types:
            yield Difference(f"type {_local(name)}", "is new", False)


def _compare_fields(owner: str, known: tuple[Field, ...], other: tuple[Field, ...]) -> Iterator[Difference]:
    here = {field.name: field for field in known}
    there = {field.name: field for field in other}
    missing = [name for name in here if name not in there]
    new = [name for name in there if name not in here]
    for name in list(missing):
        successor = next((other_name for other_name in new if _is_rename(known, other, name, other_name)), None)
        if successor is not None:
            yield Difference(f"{owner}/{name}", f"is renamed to {successor}", True)
            missing.remove(name)
            new.remove(successor)
    for name in missing:
        yield Difference(f"{owner}/{name}", "is missing", True)
    for name in new:
        required = there[name].minimum > 0
        text = f"is new ({there[name].cardinality}{', required' if required else ''})"
        yield Difference(f"{owner}/{name}", text, required)
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


def _compare_simple_types(known: Mapping[str, SimpleType], other: Mapping[str, SimpleType]) -> Iterator[Difference]:
    for name, kind in known.items():
        where = f"type {_local(name)}"
        there = other.get(name)
        if there is None:
            yield Difference(where, "is missing", True)
            continue
        for value in kind.enumeration:
            if value not in there.enumeration:
                yield Difference(where, f"lacks the value {value}", True)
        for value in there.enumeration:
            if value not in kind.enumeration:
                yield Difference(where, f"has the new value {value}", False)
        if kind.patterns != there.patterns:
            yield Difference(where, f"has pattern {there.patterns}, was {kind.patterns}", True)
        if kind.base != there.base:
            yield Difference(where, f"restricts {_local(there.base)}, was {_local(kind.base)}", True)
    for name in other:
        if name not in known:
            yield Difference(f"type {_local(name)}", "is new", False)


def _local(name: str) -> str:
    return name.rsplit("}", 1)[-1]
