"""Reading what differs from an earlier measurement in nothing but its texts, without parsing it again.

A form is the exact text of a parsed measurement with holes for the texts of its elements. What matches a form has
the same tags, without attributes, comments, entities or sections, and stands in the same context, so that a parser
would see the same elements with the texts of the holes. Everything else is left to the parser. Matching takes a
fifth of the time of parsing and walking the tree.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)

#: A form takes some milliseconds to make, which pays from about a hundred measurements on.
WORTH_A_FORM = 50
_MOST_FORMS = 16
_MOST_COUNTED = 1_000

_TAG = re.compile(r"(<[^<>]*>)")
_PLAIN_TAG = re.compile(r"<(/?)([^\s<>/!?&=\"']+)>")
#: No markup, no reference, no ']]>', and nothing that a parser would refuse or change (XML 1.0, 2.2 and 2.11).
_HOLE = r"([^<>&\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]*+)"


class Forms(Generic[T]):
    """Forms of the elements of one answer, each with the value that it was learnt with (here its reader)."""

    def __init__(self) -> None:
        self._forms: list[tuple[re.Pattern[str], T]] = []
        self._seen: Counter[T] = Counter()

    def match(self, text: str, position: int) -> tuple[T, re.Match[str]] | None:
        """Find the form that ``text`` has from ``position`` on; its groups are the texts in document order."""
        for number, (form, value) in enumerate(self._forms):
            if found := form.match(text, position):
                if number:
                    self._forms.insert(0, self._forms.pop(number))
                return value, found
        return None

    def learn(self, element: str, value: T) -> None:
        """Take note of the source of an element that was parsed; make its form once that is worth it.

        ``element`` is exactly one element, perhaps with white space before it; ``value`` stands for its layout.
        """
        if len(self._seen) == _MOST_COUNTED:
            self._seen.clear()
        self._seen[value] += 1
        if self._seen[value] % WORTH_A_FORM == 0 and (pattern := form_of(element)) is not None:
            del self._forms[_MOST_FORMS - 1 :]
            self._forms.insert(0, (re.compile(pattern), value))


def form_of(element: str) -> str | None:
    """Give the pattern of a form, None for an element that has more than plain tags and texts."""
    between, *rest = _TAG.split(element)
    pattern = [re.escape(between)]
    opened = ""
    for tag, text in zip(rest[::2], rest[1::2], strict=True):
        plain = _PLAIN_TAG.fullmatch(tag)
        if plain is None:
            return None
        is_end, name = plain.groups()
        is_leaf = bool(is_end) and name == opened
        if not is_leaf and between.strip():
            return None
        if is_leaf:
            pattern[-1] = _HOLE
        opened = "" if is_end else name
        between = text
        pattern += [re.escape(tag), re.escape(text)]
    return None if between else "".join(pattern)
