"""Lexical forms of the contract's simple types: double, integer, boolean and text (XML Schema part 2)."""

from __future__ import annotations

import math
import re
from decimal import Decimal

_EXACT_INTEGERS = 2.0**53
_DIGITS_AND_POINT = frozenset("0123456789.")
_XSD_SPECIAL = {"INF": math.inf, "-INF": -math.inf, "NaN": math.nan}
# A carriage return written as it is would be read back as a line feed (XML 1.0, 2.11).
_REFERENCES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}
_NOT_PLAIN = re.compile("[&<>\r\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def escape(text: str) -> str:
    """Write a text as element content. Raises ValueError for a character that XML 1.0 cannot carry."""
    return _NOT_PLAIN.sub(_reference, text)


def _reference(match: re.Match[str]) -> str:
    try:
        return _REFERENCES[match[0]]
    except KeyError:
        raise ValueError("a text holds a control character or another one that XML cannot carry") from None


def format_double(value: float) -> str:
    """Write a finite double so that it reads back equal: shortest form, never with an exponent.

    Some receivers stumble over scientific notation (domain reference 1.3). Raises ValueError for NaN and infinity.
    """
    if -_EXACT_INTEGERS < value < _EXACT_INTEGERS and value == int(value):
        return str(int(value))
    if not math.isfinite(value):
        raise ValueError("a measurement cannot hold NaN or infinity")
    text = repr(value)
    return format(Decimal(text), "f") if "e" in text else text


def parse_double(text: str) -> float:
    """Read an ``xs:double``. Raises ValueError for what only Python would take (``1_0``, ``infinity``)."""
    stripped = text.strip()
    if stripped[-1:] in _DIGITS_AND_POINT and "_" not in stripped and text.isascii():
        return float(stripped)
    if stripped in _XSD_SPECIAL and text.isascii():
        return _XSD_SPECIAL[stripped]
    raise ValueError("not an xs:double")


def parse_integer(text: str) -> int:
    """Read an ``xs:integer``. Raises ValueError for what only Python would take (``1_0``, other digits than 0-9)."""
    if "_" in text or not text.isascii():
        raise ValueError("not an xs:integer")
    return int(text)


def parse_boolean(text: str | None, *, default: bool) -> bool:
    """Read an already validated ``xs:boolean``; absent or empty gives the schema's default."""
    stripped = (text or "").strip()
    return default if not stripped else stripped in ("true", "1")
