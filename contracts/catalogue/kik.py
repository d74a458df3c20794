"""Reads the catalogue's own JSON answers: a search, one measure version, or submeasures (domain reference 2.3).

Untrusted; fields that are not known are passed over, and the personal data of authors is never read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from contracts.catalogue.model import FREQUENCIES, KINDS, LEVELS, PUBLISHED, SOUGHT, CatalogueMeasure, Frequency
from contracts.errors import DataError

_ZONE = ZoneInfo("Europe/Berlin")
_TEXTS = {
    "definition": "measureDefinition",
    "description": "description",
    "numerator_definition": "numeratorDefinition",
    "denominator_definition": "denominatorDefinition",
    "measure_population_definition": "measurePopulationDefinition",
    "interpretation": "interpretationTextPersonnel",
    "sources_of_error": "sourcesOfError",
    "coverage_calculation": "coverageCalculation",
    "regional_affinity": "regionalAffinityCalculationDisplayName",
    "references": "references",
}


def is_kik(document: Any) -> bool:
    """Whether a JSON document looks like an answer of the catalogue."""
    if isinstance(document, Mapping):
        return any(name in document for name in ("pageResults", "mId", "submeasures"))
    return isinstance(document, list) and all(
        isinstance(one, Mapping) and ("mId" in one or "ownerMeasureId" in one) for one in document
    )


def measures_of(document: Any, parents: Sequence[CatalogueMeasure] = ()) -> list[CatalogueMeasure]:
    """Give the indicators of one answer (untrusted); submeasures take what they lack from their parent.

    ``parents``: indicators read before, for answers that hold submeasures only. Raises DataError that names the
    indicator and field.
    """
    entries = list(_entries(document))
    measures = [_measure(one) for one in entries if "mId" in one]
    known = {name: one for one in (*parents, *measures) for name in (one.version_id, one.measure_id) if name}
    for entry in entries:
        owner = _text(entry.get("mId")) or _text(entry.get("ownerMeasureId"))
        nested = entry.get("submeasures") if "mId" in entry else [entry]
        for sub in nested if isinstance(nested, list) else []:
            name = _text(sub.get("ownerMeasureId")) or owner
            parent = known.get(name) or known.get(owner)
            if parent is None:
                raise DataError(
                    f"The submeasure {sub.get('id')} belongs to {name or 'no measure'}, which is not known. Import the "
                    "answer that holds its measure first, or together with it."
                )
            measures += _submeasure(sub, parent)
    return measures


def _entries(document: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(document, Mapping):
        if "pageResults" in document:
            yield from _entries(document["pageResults"])
        elif "mId" not in document and "submeasures" in document:
            yield from _entries(document["submeasures"])
        else:
            yield document
        return
    for one in document if isinstance(document, list) else []:
        if isinstance(one, Mapping):
            yield one


def _measure(entry: Mapping[str, Any]) -> CatalogueMeasure:
    measure_id = _text(entry["mId"])
    unit_type = _text(entry.get("unitType"))
    where = f"The indicator {measure_id}"
    if unit_type not in KINDS:
        raise DataError(f"{where} has the unit type {unit_type or '(none)'}. Known ones: {', '.join(KINDS)}.")
    version = entry.get("versionNr")
    if not isinstance(version, int) or isinstance(version, bool):
        raise DataError(f"{where} has no versionNr, a whole number.")
    return CatalogueMeasure(
        measure_id=measure_id,
        version_number=version,
        title=_text(entry.get("title")) or measure_id,
        unit_type=unit_type,  # type: ignore[arg-type]  # checked above
        status=_text(entry.get("status")) or PUBLISHED,
        frequencies=_frequencies(entry, where),
        levels=_levels(entry, where),
        display_threshold=_number(entry.get("thresholdForViewing"), f"{where}, thresholdForViewing"),
        sought_value=SOUGHT.get(_text(entry.get("soughtValue")).lower(), "unknown"),
        is_open_data=entry.get("openData") is True or entry.get("isOpenData") is True,
        valid_from=_day(entry.get("validFrom")),
        valid_to=_day(entry.get("validTo")),
        version_id=_text(entry.get("id")) or None,
        contract_version=entry["contractVersion"] if isinstance(entry.get("contractVersion"), int) else None,
        keywords=tuple(_names(entry.get("keywords"))),
        owner=_text((entry.get("measureOwner") or {}).get("name")),
        reporting_system=_text(entry.get("reportingSystemName")),
        texts={name: text for name, field in _TEXTS.items() if (text := _text(entry.get(field)))},
    )


def _submeasure(entry: Mapping[str, Any], parent: CatalogueMeasure) -> list[CatalogueMeasure]:
    """Give a submeasure by sex; one by age or by another restriction is not made from counts and passed over."""
    gender = entry.get("gender")
    code = _text(gender.get("codeValue")) if isinstance(gender, Mapping) else ""
    if code not in ("1", "2") or entry.get("age") or entry.get("restriction"):
        return []
    title = f"{parent.title}, {'män' if code == '1' else 'kvinnor'}"
    return [submeasure_of(parent, _text(entry.get("id")), code, title)]


def submeasure_of(parent: CatalogueMeasure, measure_id: str, sex: str, title: str) -> CatalogueMeasure:
    """Make the submeasure of ``parent`` for a sex: all but id and title are the parent's."""
    from dataclasses import replace

    return replace(parent, measure_id=measure_id, title=title, parent_id=parent.measure_id, sex=sex, version_id=None)


def _frequencies(entry: Mapping[str, Any], where: str) -> tuple[Frequency, ...]:
    found = {FREQUENCIES[name] for name in _known(entry.get("measuringFrequencies"), FREQUENCIES, where, "frequency")}
    return tuple(one for one in FREQUENCIES.values() if one in found)


def _levels(entry: Mapping[str, Any], where: str) -> tuple[str, ...]:
    found = {LEVELS[name] for name in _known(entry.get("organizationalLevels"), LEVELS, where, "level")}
    return tuple(dict.fromkeys(one for one in LEVELS.values() if one in found))


def _known(named: Any, known: Mapping[str, Any], where: str, what: str) -> Iterator[str]:
    for name in _names(named):
        if name not in known:
            raise DataError(f"{where} has the {what} {name}. Known ones: {', '.join(known)}.")
        yield name


def _names(named: Any) -> Iterator[str]:
    for one in named if isinstance(named, list) else []:
        if text := _text(one.get("name") if isinstance(one, Mapping) else one):
            yield text


def _text(value: Any) -> str:
    return str(value).strip() if isinstance(value, (str, int)) and not isinstance(value, bool) else ""


def _number(value: Any, where: str) -> float | None:
    if value is None or value == "":
        return None
    try:
        return float(str(value).replace(",", "."))
    except ValueError:
        raise DataError(f"{where} is {value!r}, which is no number.") from None


def _day(milliseconds: Any) -> date | None:
    """Read epoch milliseconds as a day in Central Europe, as the catalogue's own client does."""
    if not isinstance(milliseconds, (int, float)) or isinstance(milliseconds, bool):
        return None
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC).astimezone(_ZONE).date()
    except (OverflowError, OSError, ValueError):
        raise DataError(f"The catalogue holds the time {milliseconds}, which is no date in milliseconds.") from None
