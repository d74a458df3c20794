"""Hospitals and units over time: each place is where one of them was during one span of days (contract reference 4).

A move makes a new place; a merge ends one. What was counted earlier stays with the kommun and län of that time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import polars as pl

from contracts.codes import COUNTRY_CODE, COUNTRY_NAME, KOMMUN, LAN

FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2099, 12, 31)
LAND = f"Land/{COUNTRY_CODE}"


@dataclass(frozen=True, slots=True)
class Place:
    """An organisation of type Vardenhet or Sjukhus during ``valid_from`` to ``valid_to``, both included.

    ``id`` is its HSA-id, or a hospital's code. ``hospital`` is the id of the hospital that a unit is part of.
    ``merged_into``: the id of the organisation that goes on with its work after ``valid_to``.
    """

    organization_type: str
    id: str
    name: str
    lan: str
    kommun: str | None = None
    hospital: str | None = None
    valid_from: date = FIRST_DAY
    valid_to: date = LAST_DAY
    merged_into: str | None = None

    @property
    def identity(self) -> str:
        """Type and id, as the register knows it."""
        return f"{self.organization_type}/{self.id}"

    def above(self) -> tuple[str, ...]:
        """Give the identities of itself and of all that it is part of."""
        kommun = (f"Kommun/{self.kommun}",) if self.kommun else ()
        hospital = (f"Sjukhus/{self.hospital}",) if self.hospital else ()
        return (self.identity, *hospital, *kommun, f"Lan/{self.lan}", LAND)


@dataclass(frozen=True)
class Organizations:
    """Every place, in order of the file."""

    places: tuple[Place, ...]

    @cached_property
    def current(self) -> Mapping[str, Place]:
        """The newest place of each organisation by identity."""
        newest: dict[str, Place] = {}
        for place in self.places:
            known = newest.get(place.identity)
            if known is None or place.valid_from >= known.valid_from:
                newest[place.identity] = place
        return newest

    def frame(self) -> pl.DataFrame:
        """Give the places as a table: ``place`` (its number), id, validity and the identity at each level."""
        columns: dict[str, list[object]] = {name: [] for name in _FRAME}
        for number, place in enumerate(self.places):
            hospital = place.identity if place.organization_type == "Sjukhus" else None
            hospital = hospital or (f"Sjukhus/{place.hospital}" if place.hospital else None)
            values = (
                number,
                place.id,
                place.identity,
                place.valid_from,
                place.valid_to,
                place.identity if place.organization_type == "Vardenhet" else None,
                hospital,
                f"Kommun/{place.kommun}" if place.kommun else None,
                f"Lan/{place.lan}",
                LAND,
            )
            for name, value in zip(_FRAME, values, strict=True):
                columns[name].append(value)
        return pl.DataFrame(columns, schema=_FRAME)

    def vis_columns(self, identities: list[str]) -> pl.DataFrame:
        """Give the organisation columns of a VIS file for each identity; units as they lie now."""
        return pl.DataFrame([self._vis_cells(one) for one in identities], schema=_VIS, orient="row")

    def _vis_cells(self, identity: str) -> tuple[str | None, ...]:
        type_, _, code = identity.partition("/")
        if type_ == "Land":
            return (identity, *[None] * 9)
        if type_ == "Lan":
            return (identity, code, LAN[code].name, *[None] * 7)
        if type_ == "Kommun":
            return (identity, code[:2], LAN[code[:2]].name, code, KOMMUN[code].name, *[None] * 5)
        place = self.current[identity]
        region = (identity, place.lan, LAN[place.lan].name)
        kommun = (place.kommun, KOMMUN[place.kommun].name) if place.kommun else (None, None)
        if type_ == "Vardenhet":
            return (*region, *kommun, None, None, None, place.id, place.name)
        hsa_id, hospital_code = (None, code) if code.isdigit() else (code, None)
        return (*region, None, None, place.name, hsa_id, hospital_code, None, None)


def display_name(identity: str, organizations: Organizations | None = None) -> str:
    """Give the name of any organisation for people."""
    type_, _, code = identity.partition("/")
    if type_ == "Land":
        return COUNTRY_NAME
    if type_ == "Lan":
        return LAN[code].name if code in LAN else code
    if type_ == "Kommun":
        return KOMMUN[code].name if code in KOMMUN else code
    place = organizations.current.get(identity) if organizations else None
    return place.name if place else code


_FRAME = {
    "place": pl.UInt32,
    "id": pl.String,
    "identity": pl.String,
    "valid_from": pl.Date,
    "valid_to": pl.Date,
    "Vardenhet": pl.String,
    "Sjukhus": pl.String,
    "Kommun": pl.String,
    "Lan": pl.String,
    "Land": pl.String,
}
_VIS = {
    "identity": pl.String,
    "RegionOrganisationId": pl.String,
    "RegionName": pl.String,
    "MunicipalityOrganisationID": pl.String,
    "MunicipalityName": pl.String,
    "HospitalName": pl.String,
    "HospitalHSAID": pl.String,
    "HospitalOrganisationId": pl.String,
    "UnitHSAID": pl.String,
    "UnitName": pl.String,
}
