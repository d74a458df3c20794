"""Slices of GetDistributedQualityReport: the measurements of a group, and apart from them its reference values."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, Row, select

from contracts.checksum import SliceKey
from contracts.codes import OID_MEASURE
from contracts.distributed_model import DistributedMeasurement, ReferenceMeasurement, Subgroup
from contracts.messages.distributed_report_3 import DistributedReport3
from contracts.model import II
from producer.register.distributed.storing import (
    GroupContent,
    Stratum,
    continuous_or_proportion,
    in_order,
)
from producer.register.distributed.tables import TOTAL, distributed_group
from producer.register.rendering import Directory, RenderedSlice, finished

# As `producer.register.rendering.RENDERER`.
RENDERER: Final = "1"


class DistributedSlices:
    """Makes the slices of distributed measurements."""

    def __init__(self, connection: Connection, codec: DistributedReport3, directory: Directory) -> None:
        self.name = RENDERER
        self._connection = connection
        self._codec = codec
        self._directory = directory

    def make(self, group_id: int, key: SliceKey) -> RenderedSlice | None:
        """Make the slice of a group, None when it has no distributed measurements."""
        group = _group(self._connection, group_id)
        if group is None:
            return None
        codec, directory = self._codec, self._directory
        source = directory.sources[group.source_system_id]
        results = GroupContent(self._connection, group_id).results()
        fragments = []
        for number in sorted(results, key=lambda one: directory.rank[one]):
            measure, subgroups, distribution = results[number]
            organization = directory.organizations[number]
            measurement = DistributedMeasurement(
                II(OID_MEASURE, key.measure_id),
                key.version_number,
                key.measure_period,
                measure,
                organization,
                source,
                subgroups=subgroups,
                distribution=distribution,
            )
            fragments.append(
                codec.measurement_fragment(
                    measurement,
                    organization=codec.organization_fragment(organization),
                    source=codec.source_fragment(source),
                )
            )
        return finished(fragments)


class ReferenceSlices:
    """Makes the slices of reference values."""

    def __init__(self, connection: Connection, codec: DistributedReport3, directory: Directory) -> None:
        self.name = RENDERER
        self._connection = connection
        self._codec = codec
        self._directory = directory

    def make(self, group_id: int, key: SliceKey) -> RenderedSlice | None:
        """Make the slice of a group, None when it has no reference values."""
        group = _group(self._connection, group_id)
        if group is None:
            return None
        content = GroupContent(self._connection, group_id)
        totals = [row for row in content.references if row["stratum"] == TOTAL]
        fragments = []
        for total in sorted(totals, key=lambda row: self._directory.rank[row["organization_id"]]):
            number = total["organization_id"]
            subgroups = [
                (stratum, Subgroup(stratum.dimensions, continuous_or_proportion(row)))
                for row in content.references
                if row["organization_id"] == number and row["stratum"] != TOTAL
                for stratum in (Stratum(row["sex"], row["age_low"], row["age_high"]),)
            ]
            percentiles, classes = content.parts_of_reference(total)
            reference = ReferenceMeasurement(
                II(OID_MEASURE, key.measure_id),
                key.version_number,
                key.measure_period,
                self._directory.organizations[number],
                total["comparison_level"],
                total["unit_count"],
                f"{group.calculated_at:%Y%m%d%H%M%S}",
                total["population"],
                total["weighted_value"],
                total["unweighted_mean"],
                total["standard_deviation"],
                percentiles,
                classes,
                in_order(subgroups),
            )
            fragments.append(self._codec.reference_fragment(reference))
        return finished(fragments)


def _group(connection: Connection, group_id: int) -> Row[tuple[object, ...]] | None:
    query = select(distributed_group).where(distributed_group.c.group_id == group_id)
    return connection.execute(query).one_or_none()
