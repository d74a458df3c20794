"""The project's own form of the catalogue, for teams without access to it: TOML (``[[measure]]``) or a table.

Both have the same fields (`FIELDS`); a table has a column for each, with lists written with commas.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from contracts.catalogue.kik import submeasure_of
from contracts.catalogue.model import (
    FREQUENCIES,
    KINDS,
    LEVELS,
    PUBLISHED,
    SOUGHT,
    TEXTS,
    CatalogueMeasure,
)
from contracts.errors import DataError

FIELDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "measure_id": "The indicator's id in the catalogue. Required.",
        "version": "Its version, a whole number. Required.",
        "title": "Its title. Required.",
        "unit_type": f"One of {', '.join(KINDS)}. Required. Kvot: numerator / denominator that may pass 1.",
        "frequencies": f"How often it is reported: {', '.join(FREQUENCIES)}. Default: År.",
        "levels": f"For whom: {', '.join(LEVELS)}. Default: Riksnivå, Länsnivå, Vårdenhet. Values per sjukvårdsregion "
        "are not made: no VIS file can hold them.",
        "threshold": "Smallest denominator or population that may be shown. Empty: none is given.",
        "thresholds": "Other thresholds by audience, such as: open-data=30, internal=5.",
        "sought_value": "Högt or Lågt, whichever is better. Empty: neither.",
        "target_value": "Target of the indicator, in the unit of its value.",
        "per": "Factor of a Kvot, such as 1000 for per thousand. Default: 1.",
        "unit": "Unit of its value as a UCUM code, such as mmol/mol or kg. Default: d (days) for Dagar, else not said.",
        "open_data": "true when anybody may fetch it. Default: false.",
        "standardised": "true when rates are adjusted for case mix. Default: false.",
        "rolling_year": "true when each period reports the twelve months that end with it. Default: false.",
        "valid_from": "First day that it is valid for, as YYYY-MM-DD.",
        "valid_to": "Last day that it is valid for, as YYYY-MM-DD.",
        "men": "Id of its submeasure for men, when values by sex are reported.",
        "women": "Id of its submeasure for women.",
        "status": "PUBLISHED or UNPUBLISHED. Default: PUBLISHED.",
        **{name: f"{title} (text for people)." for name, title in TEXTS.items()},
    }
)
REQUIRED: Final = ("measure_id", "version", "title", "unit_type")
_UCUM: Final = re.compile(r"[!-~]{1,100}")
_SEXES: Final = (("men", "1", "män"), ("women", "2", "kvinnor"))


def read_toml(path: Path) -> list[CatalogueMeasure]:
    """Read ``[[measure]]`` tables (untrusted). Raises DataError naming indicator and field."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is no valid TOML: {error}.") from None
    entries = document.get("measure")
    if not isinstance(entries, list) or not entries:
        raise DataError(f"{path} has no [[measure]]. Make an example with: brygga catalogue template catalogue.toml")
    measures: list[CatalogueMeasure] = []
    for number, entry in enumerate(entries, 1):
        measures += measures_of_entry(entry, f"[[measure]] number {number}")
    return measures


def measures_of_entry(entry: Mapping[str, Any], where: str) -> Iterator[CatalogueMeasure]:
    """Give the indicator of one entry (untrusted) with its submeasures; ``where`` names the entry in what is raised.

    Raises DataError naming the field.
    """
    unknown = [name for name in entry if name not in FIELDS]
    missing = [name for name in REQUIRED if entry.get(name) in (None, "")]
    if unknown or missing:
        what = f"has unknown fields ({', '.join(unknown)})" if unknown else f"lacks {', '.join(missing)}"
        raise DataError(f"{where} {what}. The fields are: {', '.join(FIELDS)}.")
    fields = _Fields(entry, where)
    unit_type = fields.text("unit_type")
    if unit_type not in KINDS:
        raise fields.wrong("unit_type", f"one of {', '.join(KINDS)}")
    measure = CatalogueMeasure(
        measure_id=fields.text("measure_id"),
        version_number=int(fields.number("version", is_whole=True) or 0),
        title=fields.text("title"),
        unit_type=unit_type,  # type: ignore[arg-type]  # checked above
        status=fields.text("status").upper() or PUBLISHED,
        frequencies=tuple(dict.fromkeys(fields.named("frequencies", FREQUENCIES))) or ("year",),
        levels=tuple(dict.fromkeys(fields.named("levels", LEVELS))) or ("Land", "Lan", "Vardenhet"),
        display_threshold=fields.number("threshold"),
        audience_thresholds=fields.by_audience("thresholds"),
        sought_value=SOUGHT.get(fields.text("sought_value").lower(), "unknown"),
        target_value=fields.number("target_value"),
        is_open_data=fields.truth("open_data"),
        is_standardised=fields.truth("standardised"),
        is_rolling_year=fields.truth("rolling_year"),
        per=fields.number("per") or 1.0,
        unit=fields.matching("unit", _UCUM, "a UCUM code without blanks, such as mmol/mol, d or {score}"),
        valid_from=fields.day("valid_from"),
        valid_to=fields.day("valid_to"),
        texts={name: text for name in TEXTS if (text := fields.text(name))},
    )
    yield measure
    for name, sex, title in _SEXES:
        if id_ := fields.text(name):
            yield submeasure_of(measure, id_, sex, f"{measure.title}, {title}")


class _Fields:
    """The fields of one entry, converted; raises DataError that names the entry and the field."""

    def __init__(self, entry: Mapping[str, Any], where: str) -> None:
        self._entry = entry
        self._where = where

    def wrong(self, name: str, wanted: str) -> DataError:
        return DataError(f"{self._where}: {name} is {self._entry.get(name)!r}. Write {wanted}.")

    def text(self, name: str) -> str:
        return str(self._entry.get(name, "")).strip()

    def matching(self, name: str, form: re.Pattern[str], wanted: str) -> str | None:
        text = self.text(name)
        if text and not form.fullmatch(text):
            raise self.wrong(name, wanted)
        return text or None

    def number(self, name: str, *, is_whole: bool = False) -> float | None:
        text = self.text(name).replace(",", ".")
        if not text:
            return None
        wanted, convert = ("a whole number", int) if is_whole else ("a number", float)
        return float(self._converted(name, wanted, convert, text))

    def truth(self, name: str) -> bool:
        known = {"true": True, "ja": True, "yes": True, "1": True, "": False, "false": False, "nej": False, "0": False}
        text = self.text(name).lower()
        if text not in known:
            raise self.wrong(name, "true or false")
        return known[text]

    def day(self, name: str) -> date | None:
        value = self._entry.get(name)
        if isinstance(value, datetime):
            return value.date()
        if isinstance(value, date) or value in (None, ""):
            return value or None
        return date.fromisoformat(self._converted(name, "a date as YYYY-MM-DD", _iso, str(value)))

    def named(self, name: str, known: Mapping[str, str]) -> Iterator[Any]:
        value = self._entry.get(name, "")
        parts = value if isinstance(value, list) else str(value).split(",")
        folded = {key.lower(): item for key, item in known.items()} | {item.lower(): item for item in known.values()}
        for part in parts:
            text = str(part).strip().lower()
            if text and text not in folded:
                raise self.wrong(name, f"one or more of {', '.join(known)}")
            if text:
                yield folded[text]

    def by_audience(self, name: str) -> dict[str, float]:
        value = self._entry.get(name, "")
        if isinstance(value, Mapping):
            pairs = [(str(key), str(item)) for key, item in value.items()]
        else:
            pairs = [
                (key, item) for part in str(value).split(",") if part.strip() for key, _, item in [part.partition("=")]
            ]
        wanted = "audience=number, such as open-data=30"
        return {key.strip(): self._converted(name, wanted, float, item) for key, item in pairs}

    def _converted(self, name: str, wanted: str, convert: Callable[[str], Any], text: str) -> Any:
        try:
            return convert(text.strip())
        except ValueError:
            raise self.wrong(name, wanted) from None


def _iso(text: str) -> str:
    return date.fromisoformat(text[:10]).isoformat()
