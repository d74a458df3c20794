"""Rules for the organisation of a row: VIS-08, VIS-10 and VIS-26; others need several rows (see `organizations`).

Sources: domain reference 1.3 and 5 and contract reference 4 (rules in brackets).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import polars as pl

from contracts.codes import KOMMUN, LAN
from producer.register.vis.row_rule import RowRule, is_any, said


def _code_rules(column: str, digits: int, codes: Collection[str], kind: str) -> RowRule:
    cell = pl.col(column)
    return RowRule(
        "VIS-26",
        column,
        ~cell.is_in(list(codes)),
        said(f"{column} is {{}}, which is no {kind} code.", column),
        pl.when(cell.str.zfill(digits).is_in(list(codes)))
        .then(pl.format("Write {} with all its digits; format the column as text in Excel.", cell.str.zfill(digits)))
        .otherwise(pl.lit(f"Write the {digits}-digit {kind} code of Statistics Sweden (SCB).")),
    )


def organization_rules() -> Sequence[RowRule]:
    """Give the rules."""
    region, kommun = "RegionOrganisationId", "MunicipalityOrganisationID"
    unit, unit_name = "UnitHSAID", "UnitName"
    hospital_ids, hospital_name = ("HospitalHSAID", "HospitalOrganisationId"), "HospitalName"
    has_unit, has_hospital = is_any((unit, unit_name)), is_any((*hospital_ids, hospital_name))
    return (
        _code_rules(region, 2, LAN, "län"),
        _code_rules(kommun, 4, KOMMUN, "kommun"),
        RowRule(
            "VIS-26",
            kommun,
            pl.col(kommun).is_in(list(KOMMUN)) & (pl.col(kommun).str.head(2) != pl.col(region)),
            said("Kommun {} does not lie in län {}.", kommun, region),
            "Correct one of them: a kommun code begins with its län code. [rule 1.2.4]",
        ),
        *_pairs((region, "RegionName"), (unit, unit_name)),
        RowRule(
            "VIS-08",
            kommun,
            pl.col(kommun).is_null() & pl.col("MunicipalityName").is_not_null(),
            said("MunicipalityName is {}, but there is no code.", "MunicipalityName"),
            "Write the kommun's code, or remove the name.",
        ),
        RowRule(
            "VIS-08",
            hospital_name,
            pl.col(hospital_name).is_null() & is_any(hospital_ids),
            said("The hospital {}{} has no name.", *hospital_ids),
            "Write HospitalName.",
        ),
        RowRule(
            "VIS-08",
            hospital_ids[0],
            pl.col(hospital_name).is_not_null() & ~is_any(hospital_ids),
            said("HospitalName is {}, but there is no id.", hospital_name),
            "Write HospitalHSAID, or HospitalOrganisationId for a hospital without HSA-id. [rule 1.2.5]",
        ),
        RowRule(
            "VIS-08",
            region,
            pl.col(region).is_null() & (has_unit | has_hospital | pl.col(kommun).is_not_null()),
            "The row is about a unit, hospital or kommun, but names no region.",
            "Write RegionOrganisationId and RegionName.",
        ),
        RowRule(
            "VIS-10",
            unit,
            has_unit & has_hospital,
            "The row names both a unit and a hospital.",
            "Keep one; a unit inside a hospital is reported as a unit of its region.",
        ),
        RowRule(
            "VIS-10",
            hospital_ids[1],
            pl.all_horizontal(pl.col(*hospital_ids).is_not_null()),
            said("The hospital has both an HSA-id ({}) and a code ({}); the code is not sent.", *hospital_ids),
            "Leave HospitalOrganisationId empty. [rule 1.2.5]",
            "warning",
        ),
    )


def _pairs(*pairs: tuple[str, str]) -> Sequence[RowRule]:
    rules = []
    for id_, name in pairs:
        rules += [
            RowRule(
                "VIS-08",
                name,
                pl.col(id_).is_not_null() & pl.col(name).is_null(),
                said(f"{id_} is {{}}, but {name} is empty.", id_),
                f"Write {name}.",
            ),
            RowRule(
                "VIS-08",
                id_,
                pl.col(id_).is_null() & pl.col(name).is_not_null(),
                said(f"{name} is {{}}, but {id_} is empty.", name),
                f"Write {id_}.",
            ),
        ]
    return rules
