"""A publication in memory with real slices made by the codec, for tests of serving without a database."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterable, Iterator

from contracts.checksum import SliceKey, content_digest
from contracts.codes.oids import OID_HSA_ID, OID_LAN, OID_LAND, OID_MEASURE
from contracts.errors import RegisterUnavailable
from contracts.messages.codec import MessageCodec
from contracts.model import (
    II,
    DatePeriod,
    Measurement,
    PerformingOrganization,
    ProportionMeasure,
    SourceSystem,
)
from contracts.registry import GET_QUALITY_INDICATORS_2
from producer.gzip_stream import deflate
from producer.repository import Selection, SliceEntry

LAND = PerformingOrganization("Riket", "Land", organization_id=II(OID_LAND, "SE"))
LAN = PerformingOrganization("Region Exempel", "Lan", organization_id=II(OID_LAN, "01"), as_organization_part_of=LAND)
SOURCE = SourceSystem(II(OID_HSA_ID, "SE9990001112-SRC1"), "Exempelregistret <test> & co")


def measurement(measure_id: str, period: DatePeriod, unit: int, numerator: int = 40) -> Measurement:
    """Give one invented measurement of a care unit."""
    return Measurement(
        II(OID_MEASURE, measure_id),
        1,
        period,
        ProportionMeasure(numerator / 80, 80.0, float(numerator)),
        PerformingOrganization(
            f"Vårdcentral {unit}", "Vardenhet", hsa_id=f"SE9990001112-U{unit:05}", as_organization_part_of=LAN
        ),
        SOURCE,
    )


class MemoryRegister:
    """Implements `PublicationRepository` over a list of measurements of version 2."""

    def __init__(self, measurements: Iterable[Measurement], contract_id: str = GET_QUALITY_INDICATORS_2.id) -> None:
        self.contract_id = contract_id
        self.is_broken = False
        self.opened = 0
        self.closed = 0
        grouped: dict[SliceKey, list[Measurement]] = {}
        for one in measurements:
            extension = one.measure_id.extension or ""
            key = SliceKey(extension, one.measure_id_version_number, one.measure_period)
            grouped.setdefault(key, []).append(one)
        self._plain: dict[int, bytes] = {}
        self._deflated: dict[int, bytes] = {}
        self._entries = [self._store(number, key, grouped[key]) for number, key in enumerate(sorted(grouped))]

    def _store(self, number: int, key: SliceKey, measurements: list[Measurement]) -> SliceEntry:
        codec = GET_QUALITY_INDICATORS_2.codec
        plain = b"".join(_fragment(codec, one) for one in measurements)
        self._plain[number] = plain
        self._deflated[number] = deflate(plain)
        return SliceEntry(
            key,
            number,
            content_digest(plain),
            len(measurements),
            len(plain),
            len(self._deflated[number]),
            zlib.crc32(plain),
        )

    def select(self, contract_id: str, measure_ids: Collection[str] | None, reporting_period: DatePeriod) -> Selection:
        self.check()
        return Selection(
            1,
            tuple(
                entry
                for entry in self._entries
                if contract_id == self.contract_id
                and (measure_ids is None or entry.key.measure_id in measure_ids)
                and entry.key.measure_period.start >= reporting_period.start
                and entry.key.measure_period.end <= reporting_period.end
            ),
        )

    def content(self, selection: Selection) -> Iterator[bytes]:
        return self._read(self._plain, selection)

    def compressed_content(self, selection: Selection) -> Iterator[bytes]:
        return self._read(self._deflated, selection)

    def check(self) -> None:
        if self.is_broken:
            raise RegisterUnavailable("The register cannot be read now.", log_detail="/secret/path/register.db")

    def close(self) -> None:
        """Hold nothing."""

    def _read(self, stored: dict[int, bytes], selection: Selection) -> Iterator[bytes]:
        self.check()
        self.opened += 1
        rows = self._rows(stored, selection)
        next(rows)
        return rows

    def _rows(self, stored: dict[int, bytes], selection: Selection) -> Iterator[bytes]:
        try:
            yield b""
            for entry in selection.slices:
                self.check()
                yield stored[entry.slice_id]
        finally:
            self.closed += 1


def _fragment(codec: MessageCodec, one: Measurement) -> bytes:
    return codec.measurement_fragment(
        one,
        organization=codec.organization_fragment(one.performing_organization),
        source=codec.source_fragment(one.source_system),
    )
