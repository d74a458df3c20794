"""What makes the slices of each stored form that a contract version is answered from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from sqlalchemy import Connection, bindparam, select

from contracts.checksum import SliceKey
from contracts.messages.codec import MessageCodec
from contracts.messages.distributed_report_3 import REFERENCE, DistributedReport3
from contracts.registry import ServiceContract
from producer.register.distributed.rendering import DistributedSlices, ReferenceSlices
from producer.register.rendering import MEASUREMENT_COLUMNS, Directory, GroupRenderer, RenderedSlice
from producer.register.tables import measurement


class SliceMaker(Protocol):
    """Makes slices of one stored form; ``name`` tells with what: under another name all must be made anew."""

    name: str

    def make(self, group_id: int, key: SliceKey) -> RenderedSlice | None:
        """Make the slice of a measurement group, None when there is nothing to say."""


class MeasurementSlices:
    """Makes the slices of measurements."""

    def __init__(self, connection: Connection, codec: MessageCodec, directory: Directory) -> None:
        self._connection = connection
        self._renderer = GroupRenderer(codec, directory)
        self._rows = select(*MEASUREMENT_COLUMNS).where(measurement.c.group_id == bindparam("group"))
        self.name = self._renderer.name

    def make(self, group_id: int, key: SliceKey) -> RenderedSlice | None:
        """Make the slice of a group, None when it has no measurements."""
        return self._renderer.render(key, self._connection.execute(self._rows, {"group": group_id}).all())


def slice_makers(
    connection: Connection, contracts: Iterable[ServiceContract], directory: Directory
) -> dict[str, SliceMaker]:
    """Give what makes each stored form of the contract versions, by the form's name."""
    makers: dict[str, SliceMaker] = {}
    for contract in contracts:
        codec, form = contract.codec, contract.rendering
        if isinstance(codec, DistributedReport3):
            makers[form] = DistributedSlices(connection, codec, directory)
            makers[f"{form}:{REFERENCE}"] = ReferenceSlices(connection, codec, directory)
        else:
            makers[form] = MeasurementSlices(connection, codec, directory)
    return makers
