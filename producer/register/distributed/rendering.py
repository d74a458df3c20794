"""Slices of GetDistributedQualityReport: the measurements of a group, and apart from them its reference values."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, Final

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


class _Slices(ABC):
    """Makes slices of the groups that have distributed results."""

    def __init__(self, connection: Connection, codec: DistributedReport3, directory: Directory) -> None:
        self.name = RENDERER
        self._connection = connection
        self._codec = codec
        self._directory = directory

    def make(self, group_id: int, key: SliceKey) -> RenderedSlice | None:
        """Make the slice of a group, None when it has nothing for it."""
        query = select(distributed_group).where(distributed_group.c.group_id == group_id)
        group = self._connection.execute(query).one_or_none()
        if group is None:
            return None
        return finished(list(self._fragments(group, GroupContent(self._connection, group_id), key)))

    @abstractmethod
    def _fragments(self, group: Row[Any], content: GroupContent, key: SliceKey) -> Iterator[bytes]:
        """Write the elements of a group in the order of the organisations."""


class DistributedSlices(_Slices):
    """Makes the slices of distributed measurements."""

    def _fragments(self, group: Row[Any], content: GroupContent, key: SliceKey) -> Iterator[bytes]:
        codec, directory = self._codec, self._directory
        source = directory.sources[group.source_system_id]
        results = content.results()
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
            yield codec.measurement_fragment(
                measurement,
                organization=codec.organization_fragment(organization),
                source=codec.source_fragment(source),
            )


class ReferenceSlices(_Slices):
    """Makes the slices of reference values."""

    def _fragments(self, group: Row[Any], content: GroupContent, key: SliceKey) -> Iterator[bytes]:
        totals = [row for row in content.references if row["stratum"] == TOTAL]
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
            yield self._codec.reference_fragment(reference)
