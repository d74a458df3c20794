"""Reads the table of hospitals and units, and checks it as a whole: rules ORG-01 to ORG-10 (domain reference 1.3, 8).

Län and kommuner are built in; the table says only where units and hospitals lie, and when.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Final

from contracts.codes import KOMMUN, LAN, Bilingual, hsa_id_problem
from producer.organizations.model import FIRST_DAY, LAST_DAY, Organizations, Place
from producer.register.vis.findings import Findings, ImportFinding
from producer.register.vis.reading import ROW
from producer.register.vis.row_rule import check_rows
from producer.tabular import TableRejected, date_rules, day, read_table

COLUMNS: Final = MappingProxyType(
    {
        "organization_type": "Vardenhet (unit) or Sjukhus (hospital). Required.",
        "id": "HSA-id; a hospital without one: its five-digit code. Required.",
        "name": "Its name. Required.",
        "parent": "Id of the hospital that a unit is part of.",
        "kommun": "Four-digit code of the kommun that it lies in.",
        "lan": "Two-digit code of the län; may be left out when the kommun or the hospital says it.",
        "valid_from": "First day that the row is right for, YYYY-MM-DD. A unit that moved has one row for each place.",
        "valid_to": "Last day that it is right for.",
        "merged_into": "Id of the organisation that goes on with its work after valid_to.",
    }
)
ORGANIZATION_RULES: Final = MappingProxyType(
    {
        "ORG-01": Bilingual("Type, id and name are there", "Typ, id och namn finns"),
        "ORG-02": Bilingual("Form of the id", "Id:ts form"),
        "ORG-03": Bilingual("Codes of län and kommun", "Koder för län och kommun"),
        "ORG-04": Bilingual("Dates", "Datum"),
        "ORG-05": Bilingual("One place at a time", "En plats i taget"),
        "ORG-06": Bilingual("One id has one name, one name one id", "Ett id har ett namn, ett namn ett id"),
        "ORG-07": Bilingual("The parent is a hospital of the table", "Överordnad är ett sjukhus i tabellen"),
        "ORG-08": Bilingual("The successor is in the table", "Efterföljaren finns i tabellen"),
        "ORG-09": Bilingual("Unit and hospital lie in the same län", "Enhet och sjukhus ligger i samma län"),
        "ORG-10": Bilingual("An id is a unit or a hospital", "Ett id är enhet eller sjukhus"),
    }
)
_REQUIRED: Final = ("organization_type", "id", "name")
_TYPES: Final = {"vardenhet": "Vardenhet", "vårdenhet": "Vardenhet", "sjukhus": "Sjukhus"}
_DATES: Final = ("valid_from", "valid_to")


def read_organizations(path: Path) -> Organizations:
    """Read a table of hospitals and units (untrusted), as CSV or XLSX with the columns `COLUMNS`.

    Raises DataError when it is no such table, TableRejected with every finding when a row is wrong.
    """
    cells = read_table(path, tuple(COLUMNS), _REQUIRED)
    cells = cells.with_columns(day(name).alias(f"{name}_day") for name in _DATES)
    findings = Findings()
    check_rows(cells, date_rules("ORG-04", _DATES), findings)
    rows = cells.to_dicts()
    hospital_lan = {row["id"]: _lan_of(row) for row in rows if _type_of(row) == "Sjukhus"}
    numbered = [(row[ROW], place) for row in rows if (place := _place(row, hospital_lan, findings)) is not None]
    if not findings.error_count:
        _check_together(numbered, findings)
    if findings.error_count:
        raise TableRejected(path.name, findings, "It was not used.")
    return Organizations(tuple(place for _, place in numbered))


def _type_of(row: dict[str, object]) -> str | None:
    return _TYPES.get(str(row["organization_type"]).lower())


def _lan_of(row: dict[str, str | None]) -> str | None:
    return row["lan"] or (row["kommun"][:2] if row["kommun"] else None)


def _place(row: dict[str, object], hospital_lan: dict[object, str | None], findings: Findings) -> Place | None:
    """Make a place of a row, or add what is wrong with it."""
    text = {name: str(row[name]) if row[name] is not None else None for name in COLUMNS}
    problems = [
        *_identity_problems(text, _type_of(row)),
        *_code_problems(text, _lan_of(text) or hospital_lan.get(text["parent"])),
    ]
    start, end = row["valid_from_day"] or FIRST_DAY, row["valid_to_day"] or LAST_DAY
    if end < start:  # type: ignore[operator]
        problems.append(("ORG-04", "valid_to", f"valid_to {end} is before valid_from {start}.", "Correct the dates."))
    for rule, column, what, mend in problems:
        findings.add(ImportFinding(rule, "error", row[ROW], column, what, mend))  # type: ignore[arg-type]
    if problems:
        return None
    return Place(
        organization_type=_type_of(row) or "",
        id=text["id"] or "",
        name=text["name"] or "",
        lan=_lan_of(text) or hospital_lan[text["parent"]] or "",
        kommun=text["kommun"],
        hospital=text["parent"],
        valid_from=start,  # type: ignore[arg-type]
        valid_to=end,  # type: ignore[arg-type]
        merged_into=text["merged_into"],
    )


_Problem = tuple[str, str, str, str]


def _identity_problems(text: dict[str, str | None], type_: str | None) -> list[_Problem]:
    problems = [("ORG-01", name, f"{name} is empty.", COLUMNS[name]) for name in _REQUIRED if text[name] is None]
    if text["organization_type"] is not None and type_ is None:
        what = f"organization_type is {text['organization_type']}."
        problems.append(
            ("ORG-01", "organization_type", what, "Write Vardenhet or Sjukhus; län and kommuner are known.")
        )
    id_ = text["id"]
    is_code = type_ == "Sjukhus" and id_ is not None and id_.isdigit() and len(id_) == 5
    if id_ is not None and not is_code and (problem := hsa_id_problem(id_)):
        problems.append(("ORG-02", "id", f"The HSA-id {id_} {problem}.", "Compare with the HSA catalogue."))
    return problems


def _code_problems(text: dict[str, str | None], lan: str | None) -> list[_Problem]:
    problems = []
    kommun = text["kommun"]
    if kommun is not None and kommun not in KOMMUN:
        mend = "Write the four-digit code of Statistics Sweden (SCB); format the column as text in Excel."
        problems.append(("ORG-03", "kommun", f"kommun is {kommun}, which is no kommun code.", mend))
    if lan is None:
        problems.append(("ORG-03", "lan", "Neither lan, kommun nor parent says in which län it lies.", "Write lan."))
    elif lan not in LAN:
        mend = "Write the two-digit code of Statistics Sweden (SCB); format the column as text in Excel."
        problems.append(("ORG-03", "lan", f"lan is {lan}, which is no län code.", mend))
    elif kommun is not None and kommun in KOMMUN and kommun[:2] != lan:
        what = f"The kommun {kommun} {KOMMUN[kommun].name} does not lie in the län {lan} {LAN[lan].name}."
        problems.append(("ORG-03", "kommun", what, "Correct the code that is wrong."))
    return problems


def _check_together(numbered: list[tuple[int, Place]], findings: Findings) -> None:
    """Check the rows against each other."""

    def add(rule: str, row: int, column: str, what: str, mend: str) -> None:
        findings.add(ImportFinding(rule, "error", row, column, what, mend))

    types: dict[str, str] = {}
    newest: dict[str, Place] = {}
    last: dict[str, Place] = {}
    for row, place in sorted(numbered, key=lambda one: one[1].valid_from):
        known = types.setdefault(place.id, place.organization_type)
        if known != place.organization_type:
            add("ORG-10", row, "organization_type", f"{place.id} is a {known} in another row.", "Use one id for each.")
        before = last.get(place.id)
        if before is not None and place.valid_from <= before.valid_to:
            what = f"{place.id} has two places from {place.valid_from} to {min(before.valid_to, place.valid_to)}."
            mend = f"End the earlier row with valid_to {place.valid_from - timedelta(days=1)}, or remove one."
            add("ORG-05", row, "valid_from", what, mend)
        last[place.id] = newest[place.id] = place
    _check_names(newest, {place.id: row for row, place in numbered}, add)
    for row, place in numbered:
        if place.hospital is not None:
            parent = newest.get(place.hospital)
            if parent is None or parent.organization_type != "Sjukhus" or place.organization_type == "Sjukhus":
                mend = "Write the id of a hospital that has a row of its own; a hospital has no parent."
                add("ORG-07", row, "parent", f"The parent {place.hospital} is no hospital of the table.", mend)
            elif parent.lan != place.lan:
                what = f"The unit lies in the län {place.lan}, its hospital {parent.id} in {parent.lan}."
                add("ORG-09", row, "lan", what, "Correct lan or parent.")
        if place.merged_into is not None and (place.merged_into not in newest or place.merged_into == place.id):
            what = f"The successor {place.merged_into} has no row."
            add("ORG-08", row, "merged_into", what, "Add a row for the successor, or correct the id.")


def _check_names(newest: dict[str, Place], rows: dict[str, int], add: object) -> None:
    by_name: dict[tuple[str, str], str] = {}
    for id_, place in newest.items():
        other = by_name.setdefault((place.organization_type, place.name.casefold()), id_)
        if other != id_:
            what = f"{id_} and {other} are both called {place.name}."
            mend = "Give organisations of the same name names of their own, such as with the town."
            add("ORG-06", rows[id_], "name", what, mend)  # type: ignore[operator]
