"""The form of an HSA-id: ``SE``, organisation number, ``-``, letters and digits, at most 31 characters.

Source: platform reference 9.2. The schemas have a plain string, so a wrong form is never a schema error.
"""

from __future__ import annotations

import re
from typing import Final

HSA_ID_MAX_LENGTH: Final = 31
_TEST_PREFIX: Final = "TSTNMT"
_USUAL = re.compile(r"SE[0-9]{10}-[A-Za-z0-9]+", re.ASCII)
_TOLERATED = re.compile(r"(?:SE|TSTNMT)(16)?[0-9]{10}-[A-Za-z0-9_-]*[A-Za-z0-9]", re.ASCII)
_FOREIGN = re.compile(r"[^A-Za-z0-9_-]", re.ASCII)


def hsa_id_problem(text: str) -> str | None:
    """Say why ``text`` (untrusted) cannot be an HSA-id, or None when it can; forms in `hsa_id_remark` can.

    The sentence fits after the name of the field and holds at most one character of ``text``.
    """
    if len(text) <= HSA_ID_MAX_LENGTH and _USUAL.fullmatch(text):
        return None
    if not text.strip():
        return "is empty"
    if text != text.strip():
        return "has blanks before or after it"
    if foreign := _FOREIGN.search(text):
        return f"holds the character {foreign[0]!r}; only A-Z, a-z, 0-9 and hyphen are allowed"
    if len(text) > HSA_ID_MAX_LENGTH:
        return f"has {len(text)} characters; at most {HSA_ID_MAX_LENGTH} are allowed"
    if not _TOLERATED.fullmatch(text):
        return "is not SE, ten digits of organisation number, a hyphen and letters or digits"
    return None


def hsa_id_remark(text: str) -> str | None:
    """Say what is unusual in an HSA-id that `hsa_id_problem` accepts, or None.

    Seen in the wild and accepted: ids of the test directory, the organisation number with 16 before it, and
    hyphen or underscore in the suffix.
    """
    if _USUAL.fullmatch(text):
        return None
    tolerated = _TOLERATED.fullmatch(text)
    if tolerated is None:
        return None
    if text.startswith(_TEST_PREFIX):
        return f"begins with {_TEST_PREFIX}: an id of the test directory, not for production"
    if tolerated[1]:
        return "has the twelve-digit organisation number (16 first); ten digits are usual"
    return "has a hyphen or an underscore in its last part; letters and digits are usual"
