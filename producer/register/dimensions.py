"""Organisations, indicators, periods and source systems of an import: found in the register, or added to it.

Gives the numbers that the rows refer to, and which organisations look different now, since their measurements must be
published anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
from sqlalchemy import Column, Connection, Row, Table, bindparam, func, insert, select, update

from contracts.codes import COUNTRY_CODE, COUNTRY_NAME, KOMMUN, OID_HOSPITAL, OID_HSA_ID, OID_KOMMUN, OID_LAN, OID_LAND
from producer.register.tables import measure, measurement_group, organization, source_system
from producer.register.vis.organizations import IDENTITY, LAND_IDENTITY


@dataclass(frozen=True, slots=True)
class OrganizationNode:
    """An organisation as the register keeps it; ``parent`` is the identity of the one above."""

    identity: str
    organization_type: str
    organization_name: str
    hsa_id: str | None = None
    id_root: str | None = None
    id_extension: str | None = None
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class StoredOrganizations:
    """Numbers by identity; ``new`` were added, ``changed`` have another name or parent, or are below one that has."""

    numbers: Mapping[str, int]
    new: int
    changed: frozenset[int]


def organization_nodes(organizations: pl.DataFrame) -> Sequence[OrganizationNode]:
    """Give the organisations of a file (`VisTable.organizations`) and those above them, parents before children."""
    nodes = {LAND_IDENTITY: OrganizationNode(LAND_IDENTITY, "Land", COUNTRY_NAME, None, OID_LAND, COUNTRY_CODE)}
    rows = organizations.to_dicts()
    for row in rows:
        if code := row["RegionOrganisationId"]:
            identity = f"Lan/{code}"
            nodes[identity] = OrganizationNode(identity, "Lan", row["RegionName"], None, OID_LAN, code, LAND_IDENTITY)
    for row in rows:
        if code := row["MunicipalityOrganisationID"]:
            identity, parent = f"Kommun/{code}", f"Lan/{row['RegionOrganisationId']}"
            name = row["MunicipalityName"] or KOMMUN[code].name
            nodes[identity] = OrganizationNode(identity, "Kommun", name, None, OID_KOMMUN, code, parent)
    for row in rows:
        if node := _hospital_or_unit(row, nodes):
            nodes[node.identity] = node
    return list(nodes.values())


def _hospital_or_unit(row: Mapping[str, Any], nodes: Mapping[str, OrganizationNode]) -> OrganizationNode | None:
    identity, region = row[IDENTITY], f"Lan/{row['RegionOrganisationId']}"
    if row["UnitHSAID"]:
        parent = f"Kommun/{row['MunicipalityOrganisationID']}" if row["MunicipalityOrganisationID"] else region
        known = nodes.get(identity)
        if known is not None and parent == region:
            return None  # Another row says which kommun it lies in.
        return OrganizationNode(identity, "Vardenhet", row["UnitName"], row["UnitHSAID"], parent=parent)
    if row["HospitalHSAID"]:
        return OrganizationNode(identity, "Sjukhus", row["HospitalName"], row["HospitalHSAID"], parent=region)
    if code := row["HospitalOrganisationId"]:
        return OrganizationNode(identity, "Sjukhus", row["HospitalName"], None, OID_HOSPITAL, code, region)
    return None


def store_organizations(
    connection: Connection, nodes: Iterable[OrganizationNode], *, replaces: bool
) -> StoredOrganizations:
    """Add the organisations that are new and update those that look different now.

    ``replaces``: the file says everything, so a unit without kommun has none; else it stays in the one it is in.
    """
    known = {row.identity: row for row in connection.execute(select(organization))}
    numbers = {identity: row.id for identity, row in known.items()}
    identities = {row.id: identity for identity, row in known.items()}
    added: list[dict[str, Any]] = []
    updated: list[dict[str, Any]] = []
    number = _last(connection, organization.c.id)
    for node in nodes:
        row = known.get(node.identity)
        parent_id = None if node.parent is None else numbers[node.parent]
        if row is not None and not replaces and _is_in_kommun_of(row, node, identities):
            parent_id = row.parent_id
        if row is None:
            number += 1
            numbers[node.identity] = number
            added.append(
                {
                    "id": number,
                    "identity": node.identity,
                    "organization_type": node.organization_type,
                    "organization_name": node.organization_name,
                    "hsa_id": node.hsa_id,
                    "id_root": node.id_root,
                    "id_extension": node.id_extension,
                    "parent_id": parent_id,
                }
            )
        elif (row.organization_name, row.parent_id) != (node.organization_name, parent_id):
            updated.append({"number": row.id, "name": node.organization_name, "parent": parent_id})
    if added:
        connection.execute(insert(organization), added)
    if updated:
        connection.execute(
            update(organization)
            .where(organization.c.id == bindparam("number"))
            .values(organization_name=bindparam("name"), parent_id=bindparam("parent")),
            updated,
        )
    changed = _with_descendants(connection, {change["number"] for change in updated})
    return StoredOrganizations(numbers, len(added), changed)


def _is_in_kommun_of(row: Row[Any], node: OrganizationNode, identities: Mapping[int, str]) -> bool:
    """Tell whether the file names only the region of a unit that the register has in a kommun of that region."""
    if node.organization_type != "Vardenhet" or node.parent is None or not node.parent.startswith("Lan/"):
        return False
    code = node.parent.removeprefix("Lan/")
    return identities.get(row.parent_id, "").startswith(f"Kommun/{code}")


def store_source(connection: Connection, hsa_id: str, name: str) -> tuple[int, bool]:
    """Give the number of the source system with this HSA-id, and whether its name is another one now."""
    found = select(source_system).where(source_system.c.root == OID_HSA_ID, source_system.c.extension == hsa_id)
    row = connection.execute(found).one_or_none()
    if row is None:
        number = _last(connection, source_system.c.id) + 1
        values = {"id": number, "root": OID_HSA_ID, "extension": hsa_id, "name": name}
        connection.execute(insert(source_system), values)
        return number, False
    if row.name != name:
        connection.execute(update(source_system).where(source_system.c.id == row.id).values(name=name))
    return row.id, row.name != name


def store_groups(connection: Connection, rows: pl.DataFrame, revision: int) -> pl.DataFrame:
    """Add the indicators and measure periods that are new; give each with its ``group_id`` and ``measure_key``.

    ``rows`` has MeasureID (text), version, start and end as YYYYMMDD text, each combination once.
    """
    measures = rows.select("MeasureID", "version").unique().sort("MeasureID", "version")
    columns = (measure.c.measure_id, measure.c.version_number)
    keys = _store_keys(connection, measure, columns, measures, {})
    keyed = rows.join(keys.rename({"id": "measure_key"}), on=["MeasureID", "version"])
    periods = keyed.select("measure_key", "start", "end").sort("measure_key", "start", "end")
    group_columns = (measurement_group.c.measure_key, measurement_group.c.period_start, measurement_group.c.period_end)
    groups = _store_keys(connection, measurement_group, group_columns, periods, {"revision": revision})
    return keyed.join(groups.rename({"id": "group_id"}), on=["measure_key", "start", "end"])


def _store_keys(
    connection: Connection,
    table: Table,
    columns: Sequence[Column[Any]],
    wanted: pl.DataFrame,
    values: Mapping[str, Any],
) -> pl.DataFrame:
    """Find or add the rows of ``wanted``, whose columns stand for ``columns``; give ``wanted`` with their ``id``."""
    known = {tuple(row[1:]): row[0] for row in connection.execute(select(table.c.id, *columns))}
    number = _last(connection, table.c.id)
    ids: list[int] = []
    added: list[dict[str, Any]] = []
    for key in wanted.iter_rows():
        found = known.get(key)
        if found is None:
            number += 1
            found = number
            added.append({"id": found, **{c.name: part for c, part in zip(columns, key, strict=True)}, **values})
        ids.append(found)
    if added:
        connection.execute(insert(table), added)
    return wanted.with_columns(pl.Series("id", ids, dtype=pl.Int64))


def _last(connection: Connection, column: Column[Any]) -> int:
    return int(connection.execute(select(func.coalesce(func.max(column), 0))).scalar_one())


def _with_descendants(connection: Connection, changed: set[int]) -> frozenset[int]:
    if not changed:
        return frozenset()
    parents = {row.id: row.parent_id for row in connection.execute(select(organization.c.id, organization.c.parent_id))}

    def is_below(number: int | None) -> bool:
        while number is not None:
            if number in changed:
                return True
            number = parents[number]
        return False

    return frozenset(number for number in parents if is_below(number))
