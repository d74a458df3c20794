"""What a rule has to say about one place, and the texts of the rules (contract reference 5).

The texts stand in rules.toml, in English and Swedish, because test reports are filed in Swedish.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType
from typing import Final, Literal

from contracts.codes import Bilingual

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """A place where a rule is broken. For the owner of the data: the texts hold values.

    ``where`` is the caller's name of the place followed by the path of the element; ``message`` says what is
    wrong, ``mend`` what to do.
    """

    rule: str
    severity: Severity
    where: str
    message: str
    mend: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule's texts; ``severity`` is the strongest that a finding of it can have."""

    id: str
    severity: Severity
    source: str
    title: Bilingual
    explanation: Bilingual


def _load() -> Mapping[str, Rule]:
    tables = tomllib.loads(files("contracts.rules").joinpath("rules.toml").read_text(encoding="utf-8"))
    return MappingProxyType(
        {
            id_: Rule(
                id=id_,
                severity=table["severity"],
                source=table["source"],
                title=Bilingual(**table["title"]),
                explanation=Bilingual(**table["explanation"]),
            )
            for id_, table in tables.items()
        }
    )


RULES: Final = _load()
"""Every rule by its id, in the order of the contract reference."""
