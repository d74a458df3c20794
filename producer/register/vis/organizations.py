"""Which organisation each row is about, and whether the rows agree on it (rules VIS-08, VIS-22 and VIS-27).

A row's identity is the type and id of its lowest organisation: unit, hospital, kommun, region or nation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from contracts.codes import COUNTRY_CODE, hsa_id_problem, hsa_id_remark
from producer.register.vis.columns import ORGANIZATION_COLUMNS
from producer.register.vis.findings import KEPT_PER_RULE, Findings, ImportFinding
from producer.register.vis.reading import ROW
from producer.register.vis.row_rule import RowRule, check_rows, said

IDENTITY: Final = "identity"
LAND_IDENTITY: Final = f"Land/{COUNTRY_CODE}"
_CONTROL = r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufffd]"
# UTF-8 read as Windows-1252, and saved: å ä ö Å Ä Ö é become two letters.
_DAMAGED = r"Ã[¥¤¶…„–©\u0085\u0084\u0096]|Â[\u00a0´]"


def with_identity(batch: pl.DataFrame) -> pl.DataFrame:
    """Add the identity of each row's organisation, such as ``Vardenhet/SE9990001112-E0001``."""
    hospital = pl.coalesce("HospitalHSAID", "HospitalOrganisationId")
    identity = (
        pl.when(pl.col("UnitHSAID").is_not_null())
        .then("Vardenhet/" + pl.col("UnitHSAID"))
        .when(hospital.is_not_null())
        .then("Sjukhus/" + hospital)
        .when(pl.col("MunicipalityOrganisationID").is_not_null())
        .then("Kommun/" + pl.col("MunicipalityOrganisationID"))
        .when(pl.col("RegionOrganisationId").is_not_null())
        .then("Lan/" + pl.col("RegionOrganisationId"))
        .otherwise(pl.lit(LAND_IDENTITY))
    )
    return batch.with_columns(identity.alias(IDENTITY))


def distinct_organizations(batches: pl.DataFrame) -> pl.DataFrame:
    """Give each different combination of the organisation columns once, with the first row that has it."""
    return (
        batches.group_by(IDENTITY, *ORGANIZATION_COLUMNS, "RegisterNamn", maintain_order=True)
        .agg(pl.col(ROW).min())
        .select(ROW, IDENTITY, *ORGANIZATION_COLUMNS, "RegisterNamn")
    )


@dataclass(frozen=True, slots=True)
class _OneToOne:
    """Rows that have the same ``key`` must have the same ``value``."""

    key: str
    value: str
    mend: str


_AGREEMENTS: Final = (
    _OneToOne("RegionOrganisationId", "RegionName", "Write the region's name in one way in the whole file."),
    _OneToOne("RegionName", "RegionOrganisationId", "Correct the name or the code."),
    _OneToOne(
        "MunicipalityOrganisationID", "MunicipalityName", "Write the kommun's name in one way in the whole file."
    ),
    _OneToOne("UnitHSAID", "UnitName", "Write the unit's name in one way in the whole file."),
    _OneToOne("UnitName", "UnitHSAID", "Give units of the same name names of their own, such as with the town."),
    _OneToOne("UnitHSAID", "RegionOrganisationId", "A unit lies in one region: correct the id or the region."),
    _OneToOne("UnitHSAID", "MunicipalityOrganisationID", "A unit lies in one kommun: correct the id or the kommun."),
    _OneToOne("HospitalHSAID", "HospitalName", "Write the hospital's name in one way in the whole file."),
    _OneToOne("HospitalOrganisationId", "HospitalName", "Write the hospital's name in one way in the whole file."),
    _OneToOne("HospitalName", "HospitalHSAID", "Give hospitals of the same name names of their own."),
    _OneToOne("HospitalName", "HospitalOrganisationId", "Give hospitals of the same name names of their own."),
    _OneToOne("HospitalHSAID", "RegionOrganisationId", "A hospital lies in one region: correct the id or the region."),
    _OneToOne(
        "HospitalOrganisationId",
        "RegionOrganisationId",
        "A hospital lies in one region: correct the code or the region.",
    ),
)


def check_organizations(organizations: pl.DataFrame, findings: Findings) -> None:
    """Check the different organisations of a file (as `distinct_organizations` gives them) against each other."""
    for agreement in _AGREEMENTS:
        _check_agreement(organizations, agreement, findings)
    _check_one_register_name(organizations, findings)
    _check_hospital_forms(organizations, findings)
    for column in ("UnitHSAID", "HospitalHSAID"):
        _check_hsa_ids(organizations, column, findings)
    check_rows(organizations, _text_rules((*ORGANIZATION_COLUMNS, "RegisterNamn")), findings)


def check_ids_as_text(frame: pl.DataFrame, column: str, findings: Findings) -> None:
    """Check another column of ids or names for unreadable characters (VIS-27)."""
    check_rows(frame, _text_rules((column,)), findings)


def _check_agreement(organizations: pl.DataFrame, agreement: _OneToOne, findings: Findings) -> None:
    key, value = agreement.key, agreement.value
    several = (
        organizations.filter(pl.col(key).is_not_null() & pl.col(value).is_not_null())
        .group_by(key)
        .agg(pl.col(value).unique(maintain_order=True), pl.col(ROW).max())
        .filter(pl.col(value).list.len() > 1)
        .sort(ROW)
    )
    found = (
        ImportFinding(
            "VIS-08", "error", row, value, f"{key} {id_} has several {value}: {_listed(values)}.", agreement.mend
        )
        for id_, values, row in several.head(KEPT_PER_RULE).select(key, value, ROW).rows()
    )
    findings.extend(found, several.height)


def _check_one_register_name(organizations: pl.DataFrame, findings: Findings) -> None:
    names = organizations["RegisterNamn"].drop_nulls().unique(maintain_order=True).to_list()
    if len(names) > 1:
        row = organizations.filter(pl.col("RegisterNamn") == names[1])[ROW][0]
        what = f"RegisterNamn has several values: {_listed(names)}."
        mend = "Write the register's name in one way in the whole file."
        findings.add(ImportFinding("VIS-03", "error", row, "RegisterNamn", what, mend))


def _check_hospital_forms(organizations: pl.DataFrame, findings: Findings) -> None:
    """A hospital that has an HSA-id in some rows and only a code in others would be two hospitals."""
    with_both = organizations.filter(pl.col("HospitalHSAID").is_not_null())["HospitalName"]
    with_code = pl.col("HospitalHSAID").is_null() & pl.col("HospitalOrganisationId").is_not_null()
    mixed = organizations.filter(with_code & pl.col("HospitalName").is_in(with_both.implode()))
    found = (
        ImportFinding(
            "VIS-08",
            "error",
            row,
            "HospitalHSAID",
            f"The hospital {name} has an HSA-id in other rows, but here only a code.",
            "Write its HSA-id in every row.",
        )
        for row, name in mixed.head(KEPT_PER_RULE).select(ROW, "HospitalName").rows()
    )
    findings.extend(found, mixed.height)


def _check_hsa_ids(organizations: pl.DataFrame, column: str, findings: Findings) -> None:
    ids = organizations.filter(pl.col(column).is_not_null()).group_by(column).agg(pl.col(ROW).min()).sort(ROW)
    for hsa_id, row in ids.rows():
        if text := hsa_id_problem(hsa_id) or hsa_id_remark(hsa_id):
            what = f"{column} {hsa_id} {text}."
            mend = "Compare with the HSA catalogue. [rules 1.2.5 and 1.2.6]"
            findings.add(ImportFinding("VIS-22", "warning", row, column, what, mend))


def _text_rules(columns: Sequence[str]) -> Sequence[RowRule]:
    rules = []
    for column in columns:
        cell = pl.col(column)
        rules += [
            RowRule(
                "VIS-27",
                column,
                cell.str.contains(_CONTROL),
                f"{column} holds a control character, such as a line break.",
                "Write plain text on one line.",
            ),
            RowRule(
                "VIS-27",
                column,
                cell.str.contains(_DAMAGED),
                said(f"{column} is {{}}: letters such as å, ä and ö are damaged.", column),
                "Export the file again as UTF-8, once only.",
            ),
        ]
    return rules


def _listed(values: Sequence[str]) -> str:
    shown = ", ".join(values[:4])
    return f"{shown} and {len(values) - 4} more" if len(values) > 4 else shown
