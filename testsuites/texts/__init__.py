"""The words of the suites: case titles and expectations from cases.toml, and short makers of checks.

Both languages stand side by side in the data file, so that a translator needs to read no code.
"""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import Any

from contracts.codes import Bilingual
from testsuites.model import Case, Check, Judge, Status, Suite

_TEXTS: dict[str, Any] = tomllib.loads(files(__name__).joinpath("cases.toml").read_text(encoding="utf-8"))


def case(case_id: str, judge: Judge, *, is_gate: bool = False) -> Case:
    """Make the case whose texts stand under ``case_id``."""
    table = _TEXTS["case"][case_id]
    return Case(
        case_id, Bilingual(**table["title"]), Bilingual(**table["expectation"]), table["reference"], judge, is_gate
    )


def suite(suite_id: str, cases: tuple[Case, ...]) -> Suite:
    """Make the suite whose texts stand under ``suite_id``."""
    table = _TEXTS["suite"][suite_id]
    return Suite(suite_id, Bilingual(**table["title"]), Bilingual(**table["description"]), cases)


def passed(rule: str, en: str, sv: str) -> Check:
    """A check that holds."""
    return Check(rule, Status.PASSED, Bilingual(en, sv))


def remark(rule: str, en: str, sv: str, *, mend: tuple[str, str] | None = None, where: str = "") -> Check:
    """A check that holds but for something the reader should know; ``mend`` is English, Swedish."""
    return Check(rule, Status.REMARK, Bilingual(en, sv), where, None if mend is None else Bilingual(*mend))


def failed(rule: str, en: str, sv: str, *, mend: tuple[str, str] | None = None, where: str = "") -> Check:
    """A check that does not hold; ``mend`` is English, Swedish."""
    return Check(rule, Status.FAILED, Bilingual(en, sv), where, None if mend is None else Bilingual(*mend))


def verdict(rule: str, is_right: bool, right: tuple[str, str], wrong: tuple[str, str], **more: Any) -> Check:
    """A check by a condition, with the words (English, Swedish) for each outcome; ``more`` goes to `failed`."""
    return passed(rule, *right) if is_right else failed(rule, *wrong, **more)
