"""Reading untrusted elements into objects by a declared structure (contract reference 3).

The measurements of an answer repeat a few layouts (name and number of children of each element, in document
order). A layout is resolved by name once, with every structural check; elements of the same layout are then read
by position.
Elements of other namespaces are extensions and are ignored (contract reference 2, extension points).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from operator import itemgetter
from typing import Any, Generic, TypeVar

from lxml import etree

from contracts.errors import ContractViolation
from contracts.messages.lexical import parse_double, parse_integer

T = TypeVar("T")
Texts = Sequence[str]
Reader = Callable[[Texts], Any]
Layout = tuple[tuple[object, ...], tuple[int, ...]]
LayoutCheck = Callable[[etree._Element], None]

# Bounds on what is remembered of one answer; beyond them it is forgotten and made again.
_MOST_LAYOUTS = 256
_MOST_SHARED = 10_000
_MOST_SHARED_CHARS = 2_000


@dataclass(frozen=True, slots=True)
class Leaf:
    """An element that holds a text. ``convert`` raises ValueError for what is no ``kind``; None keeps the text."""

    convert: Callable[[str], Any] | None = None
    kind: str = "text"


TEXT = Leaf()
INTEGER = Leaf(parse_integer, "whole number")
DOUBLE = Leaf(parse_double, "number")


@dataclass(frozen=True, slots=True)
class Record:
    """An element that holds elements. ``build`` gets what the ``members`` hold, in their order, None when absent.

    ``is_shared``: equal content may give the same object, which spares time and memory where content repeats.
    """

    build: Callable[..., Any]
    members: tuple[Member | Repeated | Choice, ...] = field(repr=False)
    is_shared: bool = False

    @property
    def names(self) -> frozenset[str]:
        """The names of every child that the record may hold."""
        return frozenset(
            name
            for member in self.members
            for name in (member.alternatives if isinstance(member, Choice) else (member.name,))
        )

    @property
    def repeated_names(self) -> frozenset[str]:
        """The names of the children that may occur more than once."""
        return frozenset(member.name for member in self.members if isinstance(member, Repeated))


@dataclass(frozen=True, slots=True)
class Member:
    """A child element that occurs once, or at most once. ``content`` None is the record that it is a member of."""

    name: str
    content: Leaf | Record | None = TEXT
    is_required: bool = True


@dataclass(frozen=True, slots=True)
class Repeated:
    """A child element that occurs any number of times, but ``least``; what is read is a tuple."""

    name: str
    content: Leaf | Record
    least: int = 0


@dataclass(frozen=True, slots=True)
class Choice:
    """Exactly one of several child elements; ``rule`` is the id of the rule that says so."""

    alternatives: Mapping[str, Record]
    rule: str


def optional(name: str, content: Leaf | Record | None = TEXT) -> Member:
    """Declare a child element that may be absent."""
    return Member(name, content, is_required=False)


class RecordReader(Generic[T]):
    """Reads elements of one record; may be shared between threads.

    ``check`` is called with the first element of each layout and may refuse it by an error of its own; what it lets
    pass that the record does not know is ignored (the schema in force may allow more than the record).
    """

    def __init__(self, record: Record, namespace: str, check: LayoutCheck | None = None) -> None:
        self._record = record
        self._namespace = namespace
        self._check = check
        self._layouts: dict[Layout, Reader] = {}
        self._last: tuple[Layout, Reader] = (((), ()), _absent)
        self._shared: dict[Any, Any] = {}

    def read(self, element: etree._Element) -> T:
        """Read one element (untrusted). Raises ContractViolation with the path, which begins with its name."""
        read, texts = self.resolve(element)
        value: T = read(texts)
        return value

    def resolve(self, element: etree._Element) -> tuple[Reader, Texts]:
        """Give the reader of an element's layout, and the element's texts, which are what the reader reads.

        Texts are those of the elements without children, in document order. Raises as `read`.
        """
        nodes = list(element.iter())
        # The names alone do not tell a child from a sibling.
        counts = tuple(map(len, nodes))
        layout = tuple([node.tag for node in nodes]), counts
        last_layout, read = self._last
        if layout != last_layout:
            read = self._layouts.get(layout) or self._resolve(element, nodes, layout)
            self._last = layout, read
        return read, [node.text or "" for node, count in zip(nodes, counts, strict=True) if count == 0]

    def _resolve(self, element: etree._Element, nodes: list[etree._Element], layout: Layout) -> Reader:
        leaves = [node for node in nodes if len(node) == 0]
        positions = {node: position for position, node in enumerate(leaves)}
        resolver = _Resolver(self._namespace, positions, self._shared, is_checked=self._check is not None)
        reader = resolver.record(self._record, element, etree.QName(element).localname)
        if self._check is not None:
            self._check(element)
        if len(self._layouts) == _MOST_LAYOUTS:
            self._layouts.clear()
        self._layouts[layout] = reader
        return reader


def head_of(report: etree._Element, *stop_at: str) -> etree._Element:
    """Copy a report with its children up to the first ``stop_at``; a report is read before it is complete."""
    head = empty_like(report, report.tag)
    head.extend(copy.deepcopy(child) for child in takewhile(lambda child: child.tag not in stop_at, report))
    return head


def empty_like(element: etree._Element, tag: str | bytes | bytearray | etree.QName) -> etree._Element:
    """Make an element with the namespace prefixes of another one, which values such as xsi:type may use."""
    try:
        return etree.Element(tag, nsmap=element.nsmap)
    except ValueError:  # A prefix stands for something that is no URI; nothing of the contract does.
        return etree.Element(tag)


class _Resolver:
    """Makes the readers by position for one layout from an element that has it."""

    def __init__(
        self, namespace: str, positions: Mapping[etree._Element, int], shared: dict[Any, Any], *, is_checked: bool
    ) -> None:
        self._namespace = namespace
        self._is_checked = is_checked
        self._positions = positions
        self._shared = shared

    def record(self, record: Record, element: etree._Element, path: str) -> Reader:
        children = self._children(record, element, path)
        readers = [self._reader_of(member, record, element, children, path) for member in record.members]
        build = record.build

        def read(texts: Texts) -> Any:
            return build(*[read_member(texts) for read_member in readers])

        if not record.is_shared:
            return read
        leaves = [self._positions[node] for node in element.iter() if len(node) == 0]
        return _sharing(read, itemgetter(*leaves), self._shared)

    def _reader_of(
        self,
        member: Member | Repeated | Choice,
        record: Record,
        element: etree._Element,
        children: Mapping[str, etree._Element],
        path: str,
    ) -> Reader:
        if isinstance(member, Choice):
            return self._choice(member, children, path)
        if isinstance(member, Repeated):
            return self._repeated(member, element, path)
        return self._member(member, record, children, path)

    def _children(self, record: Record, element: etree._Element, path: str) -> dict[str, etree._Element]:
        """Collect the children by name, of repeated ones the last. Extensions have another namespace."""
        children: dict[str, etree._Element] = {}
        for child in element.iterchildren("*"):
            namespace, _, name = str(child.tag).rpartition("}")
            if not namespace:  # Also where a prefix is not declared, which the parser lets pass.
                raise ContractViolation("An element has no namespace.", path=path)
            if namespace != f"{{{self._namespace}":
                continue
            if name not in record.names:
                if self._is_checked:
                    continue
                raise ContractViolation("An element is not known to the contract.", path=path)
            if name in children and name not in record.repeated_names:
                raise ContractViolation(f"The element {name} occurs twice.", path=f"{path}/{name}")
            children[name] = child
        return children

    def _member(self, member: Member, parent: Record, children: Mapping[str, etree._Element], path: str) -> Reader:
        child = children.get(member.name)
        path = f"{path}/{member.name}"
        if child is None:
            if member.is_required:
                raise ContractViolation(f"The element {member.name} is missing.", path=path)
            return _absent
        return self._content(parent if member.content is None else member.content, child, member.name, path)

    def _repeated(self, member: Repeated, element: etree._Element, path: str) -> Reader:
        found = list(element.iterchildren(f"{{{self._namespace}}}{member.name}"))
        if len(found) < member.least:
            raise ContractViolation(f"The element {member.name} is missing.", path=f"{path}/{member.name}")
        readers = [
            self._content(member.content, child, member.name, f"{path}/{member.name}[{number}]")
            for number, child in enumerate(found, start=1)
        ]
        return lambda texts: tuple([read(texts) for read in readers])

    def _content(self, content: Leaf | Record, element: etree._Element, name: str, path: str) -> Reader:
        if isinstance(content, Record):
            return self.record(content, element, path)
        if len(element):
            raise ContractViolation(f"The element {name} holds more than text.", path=path)
        return _leaf(content, self._positions[element], name, path)

    def _choice(self, choice: Choice, children: Mapping[str, etree._Element], path: str) -> Reader:
        present = [name for name in choice.alternatives if name in children]
        if len(present) != 1:
            raise ContractViolation(
                f"Of {', '.join(choice.alternatives)} there are {len(present)}; exactly one is allowed.",
                path=path,
                rule=choice.rule,
            )
        name = present[0]
        return self.record(choice.alternatives[name], children[name], f"{path}/{name}")


def _absent(_texts: Texts) -> None:
    return None


def _leaf(leaf: Leaf, position: int, name: str, path: str) -> Reader:
    convert = leaf.convert
    if convert is None:
        return itemgetter(position)

    def read(texts: Texts) -> Any:
        try:
            return convert(texts[position])
        except ValueError:
            raise ContractViolation(f"{name} is not a {leaf.kind}.", path=path) from None

    return read


def _sharing(read: Reader, content_of: Callable[[Texts], Any], shared: dict[Any, Any]) -> Reader:
    """Keep what ``read`` gives, by the texts that it is made of; ``read`` itself stands for their names."""

    def read_shared(texts: Texts) -> Any:
        key = read, content_of(texts)
        value = shared.get(key)
        if value is None:
            value = read(texts)
            if sum(map(len, key[1])) <= _MOST_SHARED_CHARS:
                if len(shared) >= _MOST_SHARED:
                    shared.clear()
                shared[key] = value
        return value

    return read_shared
