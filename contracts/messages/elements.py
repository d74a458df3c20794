"""Reading the children of one untrusted element by name, with the path of what is wrong.

Elements of other namespaces are extensions and are ignored (contract reference 2, extension points).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from lxml import etree

from contracts.errors import ContractViolation
from contracts.messages.lexical import parse_double, parse_integer

T = TypeVar("T")


class Fields(dict[str, etree._Element]):
    """The children of one element by local name; each accessor raises ContractViolation with the path."""

    __slots__ = ("_namespace", "path")

    def __init__(self, namespace: str, path: str) -> None:
        super().__init__()
        self._namespace = namespace
        self.path = path

    def element(self, name: str) -> Fields:
        """Give the children of a required child."""
        child = self.get(name)
        if child is None:
            raise ContractViolation(f"The element {name} is missing.", path=f"{self.path}/{name}")
        return fields_of(child, self._namespace, f"{self.path}/{name}")

    def optional_element(self, name: str) -> Fields | None:
        """Give the children of a child that may be absent."""
        return self.element(name) if name in self else None

    def text(self, name: str) -> str:
        """Give the text of a required child."""
        child = self.get(name)
        if child is None:
            raise ContractViolation(f"The element {name} is missing.", path=f"{self.path}/{name}")
        return child.text or ""

    def optional_text(self, name: str) -> str | None:
        """Give the text of a child that may be absent."""
        child = self.get(name)
        return None if child is None else child.text or ""

    def integer(self, name: str) -> int:
        """Give a required ``xs:integer``."""
        return self._parse(name, self.text(name), parse_integer)

    def double(self, name: str) -> float:
        """Give a required ``xs:double``."""
        return self._parse(name, self.text(name), parse_double)

    def optional_double(self, name: str) -> float | None:
        """Give an ``xs:double`` that may be absent."""
        text = self.optional_text(name)
        return None if text is None else self._parse(name, text, parse_double)

    def _parse(self, name: str, text: str, parse: Callable[[str], T]) -> T:
        try:
            return parse(text)
        except ValueError:
            raise ContractViolation(f"{name} is not a number.", path=f"{self.path}/{name}") from None


def fields_of(element: etree._Element, namespace: str, path: str, *, stop_at: str | None = None) -> Fields:
    """Collect the children of ``element`` that are in ``namespace``, up to the first ``stop_at``.

    Raises ContractViolation when one occurs twice: every type read this way holds each child at most once.
    """
    fields = Fields(namespace, path)
    prefix = f"{{{namespace}}}"
    skip = len(prefix)
    for child in element:
        tag = child.tag
        if tag == stop_at:
            break
        if isinstance(tag, str) and tag.startswith(prefix):
            name = tag[skip:]
            if name in fields:
                raise ContractViolation(f"The element {name} occurs twice.", path=f"{path}/{name}")
            fields[name] = child
    return fields
