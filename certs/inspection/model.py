"""What an inspection finds: the items of a file, and the problems with them, each with its mend.

Implements the house form of findings: severity, where, what, what to do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Severity = Literal["error", "warning", "note"]
Kind = Literal["certificate", "private key", "request", "revocation list"]
Fact = str | int | bool | None | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is or will be wrong. ``code`` is stable; ``where`` names the item or file."""

    code: str
    severity: Severity
    where: str
    message: str
    mend: str


@dataclass(frozen=True, slots=True)
class Item:
    """One certificate, key, request or revocation list: ``summary`` for people, ``facts`` for programs.

    ``role`` is what it is in the file: leaf, issuing CA, root CA; empty where there is only one possible.
    """

    kind: Kind
    role: str
    summary: str
    facts: Mapping[str, Fact]


@dataclass(frozen=True, slots=True)
class Inspection:
    """Everything found in one file. ``form`` is how it is written: PEM, DER or PKCS#12."""

    path: Path
    form: str
    items: tuple[Item, ...]
    problems: tuple[Problem, ...]

    @property
    def has_errors(self) -> bool:
        """Whether something is wrong enough that a peer, or we, would refuse it."""
        return any(problem.severity == "error" for problem in self.problems)

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain data for JSON."""
        return {
            "path": str(self.path),
            "form": self.form,
            "has_errors": self.has_errors,
            "items": [
                {"kind": item.kind, "role": item.role, "summary": item.summary, "facts": dict(item.facts)}
                for item in self.items
            ],
            "problems": [
                {
                    "code": problem.code,
                    "severity": problem.severity,
                    "where": problem.where,
                    "message": problem.message,
                    "mend": problem.mend,
                }
                for problem in self.problems
            ],
        }
