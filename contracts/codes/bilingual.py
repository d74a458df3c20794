"""A text in the two languages of the product: English for all, Swedish for those who file it.

Rule texts and code meanings are handed in by Swedish testers (design, first paragraph).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bilingual:
    """The same text in English and Swedish."""

    en: str
    sv: str
