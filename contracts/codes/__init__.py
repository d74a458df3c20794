"""Code lists: counties, municipalities, health-care regions, organisation types, reason codes, identifiers.

Data files and their sources stand in README.md beside; rules on organisations: contract reference 4.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from contracts.codes.bilingual import Bilingual
from contracts.codes.hsa_id import HSA_ID_MAX_LENGTH, hsa_id_problem, hsa_id_remark
from contracts.codes.oids import (
    COUNTRY_CODE,
    COUNTRY_NAME,
    OID_HOSPITAL,
    OID_HSA_ID,
    OID_KOMMUN,
    OID_LAN,
    OID_LAND,
    OID_LOCAL_ID,
    OID_MEASURE,
    OID_SEX,
)

__all__ = [
    "COUNTRY_CODE",
    "COUNTRY_NAME",
    "HSA_ID_MAX_LENGTH",
    "KOMMUN",
    "LAN",
    "OID_HOSPITAL",
    "OID_HSA_ID",
    "OID_KOMMUN",
    "OID_LAN",
    "OID_LAND",
    "OID_LOCAL_ID",
    "OID_MEASURE",
    "OID_SEX",
    "ORGANIZATION_TYPES",
    "REASON_CODES",
    "SEX_CODES",
    "SJUKVARDSREGION",
    "Bilingual",
    "Kommun",
    "Lan",
    "OrganizationLevel",
    "Sjukvardsregion",
    "hsa_id_problem",
    "hsa_id_remark",
]


@dataclass(frozen=True, slots=True)
class Lan:
    """A county: two-digit ``code``, short ``name`` and the name of its region."""

    code: str
    name: str
    region_name: str


@dataclass(frozen=True, slots=True)
class Kommun:
    """A municipality: four-digit ``code``, whose first two digits are the county's, and ``name``."""

    code: str
    name: str

    @property
    def lan_code(self) -> str:
        """Code of the county that the municipality lies in."""
        return self.code[:2]


@dataclass(frozen=True, slots=True)
class Sjukvardsregion:
    """A health-care region. No OID is published: whoever sends one sets the root in the settings.

    ``divided_lan_codes``: counties that belong to it in part only (Halland).
    """

    code: str
    name: str
    lan_codes: tuple[str, ...]
    divided_lan_codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OrganizationLevel:
    """A value of organizationType; ``parents`` are the types it may be part of, none for the nation."""

    meaning: Bilingual
    parents: tuple[str, ...]


def _rows(name: str) -> Iterator[dict[str, str]]:
    text = files(__name__).joinpath(name).read_text(encoding="utf-8")
    return csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))


LAN: Final[Mapping[str, Lan]] = MappingProxyType({r["code"]: Lan(**r) for r in _rows("lan.csv")})

KOMMUN: Final[Mapping[str, Kommun]] = MappingProxyType({r["code"]: Kommun(**r) for r in _rows("kommun.csv")})

SJUKVARDSREGION: Final[Mapping[str, Sjukvardsregion]] = MappingProxyType(
    {
        r["code"]: Sjukvardsregion(
            r["code"], r["name"], tuple(r["lan_codes"].split()), tuple(r["divided_lan_codes"].split())
        )
        for r in _rows("sjukvardsregion.csv")
    }
)

ORGANIZATION_TYPES: Final[Mapping[str, OrganizationLevel]] = MappingProxyType(
    {
        "Land": OrganizationLevel(Bilingual("nation", "riket"), ()),
        "Sjukvardsregion": OrganizationLevel(Bilingual("health-care region", "sjukvårdsregion"), ("Land",)),
        "Lan": OrganizationLevel(Bilingual("county", "län"), ("Land",)),
        "Kommun": OrganizationLevel(Bilingual("municipality", "kommun"), ("Lan",)),
        "Sjukhus": OrganizationLevel(Bilingual("hospital", "sjukhus"), ("Lan",)),
        "Vardenhet": OrganizationLevel(Bilingual("care unit", "vårdenhet"), ("Sjukhus", "Kommun", "Lan")),
    }
)

REASON_CODES: Final[Mapping[str, Bilingual]] = MappingProxyType(
    {
        "MSK": Bilingual(
            "masked: the basis is below the display threshold",
            "maskerat: underlaget är under tröskelvärdet för visning",
        ),
        "INV": Bilingual(
            "invalid: denominator or measure population is zero",
            "ogiltigt: nämnaren eller populationen är noll",
        ),
        "UNK": Bilingual(
            "unknown: the organisation has reported nothing", "okänt: organisationen har inte rapporterat"
        ),
        "NI": Bilingual("no information: the reason is not known", "ingen information: orsaken är inte känd"),
    }
)

SEX_CODES: Final[Mapping[str, Bilingual]] = MappingProxyType(
    {"1": Bilingual("men", "män"), "2": Bilingual("women", "kvinnor")}
)
