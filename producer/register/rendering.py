"""From the rows of one measurement group to the finished bytes of a slice (design 3, contract reference 6).

Within a slice, measurements stand in the order of their organisations' paths from the nation downwards: types and
identities, never database numbers, so that every database and load order gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from isal import igzip_lib, isal_zlib
from sqlalchemy import Connection, Row, select

from contracts.checksum import SliceKey, content_digest
from contracts.codes import OID_MEASURE
from contracts.messages.codec import MessageCodec
from contracts.model import (
    II,
    CohortMeasure,
    ConfidenceInterval,
    ContinuousVariableMeasure,
    Measure,
    MeasureDefinition,
    Measurement,
    MissingMeasure,
    PerformingOrganization,
    ProportionMeasure,
    SourceSystem,
)
from producer.register.tables import measurement, organization, source_system

# Part of what a publication was made with: a new number makes the next publication render every slice again. Raise it
# whenever the same rows would give other bytes, in this module or in a codec.
RENDERER = "1"

_COMPRESSION_LEVEL = 2
_RAW_DEFLATE = -15
_PIECE_BYTES = 128 * 1024

MeasurementRow = Sequence[Any]
Definitions = Mapping[str, MeasureDefinition]
MEASUREMENT_COLUMNS = tuple(column for column in measurement.c if column is not measurement.c.group_id)


@dataclass(frozen=True, slots=True)
class RenderedSlice:
    """A finished slice as it is stored; ``stored_crc32`` is of ``content``, ``crc32`` of the plain bytes."""

    digest: str
    measurement_count: int
    byte_length: int
    crc32: int
    content: bytes
    stored_crc32: int


class Directory:
    """What the rows of a register point to: organisations with their canonical order, source systems, definitions.

    ``definitions``: what the catalogue says of the indicators, by measureId, as far as it is known.
    """

    def __init__(self, connection: Connection, definitions: Definitions | None = None) -> None:
        self.definitions = definitions or {}
        rows = {row.id: row for row in connection.execute(select(organization))}
        self.organizations: dict[int, PerformingOrganization] = {}
        paths: dict[int, tuple[str, ...]] = {}
        for key in rows:
            self._add(key, rows, paths)
        self.rank = {key: rank for rank, key in enumerate(sorted(paths, key=paths.__getitem__))}
        self.sources = {
            row.id: SourceSystem(II(row.root, row.extension), row.name)
            for row in connection.execute(select(source_system))
        }

    def _add(self, key: int, rows: Mapping[int, Row[Any]], paths: dict[int, tuple[str, ...]]) -> None:
        if key in paths:
            return
        row = rows[key]
        parent: PerformingOrganization | None = None
        path: tuple[str, ...] = ()
        if row.parent_id is not None:
            self._add(row.parent_id, rows, paths)
            parent, path = self.organizations[row.parent_id], paths[row.parent_id]
        identifier = None if row.id_root is None else II(row.id_root, row.id_extension)
        self.organizations[key] = PerformingOrganization(
            row.organization_name, row.organization_type, row.hsa_id, identifier, parent
        )
        paths[key] = (*path, row.identity)


class GroupRenderer:
    """Renders groups with one codec; keeps the fragments that repeat.

    ``name`` tells what its slices are made with: another name means that all must be made anew.
    """

    def __init__(self, codec: MessageCodec, directory: Directory) -> None:
        self._codec = codec
        self._directory = directory
        self._definitions = directory.definitions if codec.uses_catalogue else {}
        self.name = _name(self._definitions)
        self._organization_fragments: dict[int, str] = {}
        self._source_fragments: dict[int, str] = {}
        organizations = directory.organizations.items()
        self._left_out = {key for key, organization_ in organizations if not codec.expresses(organization_)}

    def render(self, key: SliceKey, rows: Sequence[MeasurementRow]) -> RenderedSlice | None:
        """Make the slice of ``rows`` (columns `MEASUREMENT_COLUMNS`, any order); None when nothing can be said."""
        if self._left_out:
            rows = [row for row in rows if row[0] not in self._left_out]
        if not rows:
            return None
        rank = self._directory.rank
        measure_id = II(OID_MEASURE, key.measure_id)
        ordered = sorted(rows, key=lambda row: rank[row[0]])
        return finished([self._measurement(measure_id, key, row) for row in ordered])

    def _measurement(self, measure_id: II, key: SliceKey, row: MeasurementRow) -> bytes:
        organization_key, source_key, kind, *values, first, last = row
        organization_ = self._organization_fragments.get(organization_key)
        if organization_ is None:
            organization_ = self._codec.organization_fragment(self._directory.organizations[organization_key])
            self._organization_fragments[organization_key] = organization_
        source = self._source_fragments.get(source_key)
        if source is None:
            source = self._source_fragments[source_key] = self._codec.source_fragment(
                self._directory.sources[source_key]
            )
        one = Measurement(
            measure_id,
            key.version_number,
            key.measure_period,
            MEASURES[kind](values),
            self._directory.organizations[organization_key],
            self._directory.sources[source_key],
            first,
            last,
        )
        if definition := self._definitions.get(key.measure_id):
            one = _defined(one, definition)
        return self._codec.measurement_fragment(one, organization=organization_, source=source)


def finished(fragments: Sequence[bytes]) -> RenderedSlice | None:
    """Join elements to a slice; None when there are none."""
    if not fragments:
        return None
    plain = b"".join(fragments)
    compressor = isal_zlib.compressobj(_COMPRESSION_LEVEL, isal_zlib.DEFLATED, _RAW_DEFLATE)
    content = compressor.compress(plain) + compressor.flush(isal_zlib.Z_SYNC_FLUSH)
    crc32, stored_crc32 = isal_zlib.crc32(plain), isal_zlib.crc32(content)
    return RenderedSlice(content_digest(plain), len(fragments), len(plain), crc32, content, stored_crc32)


def _name(definitions: Definitions) -> str:
    if not definitions:
        return RENDERER
    written = sorted(
        (one.measure_id, one.version_number, one.unit or "", one.method or "", one.version_id or "")
        for one in definitions.values()
    )
    return f"{RENDERER} {content_digest(repr(written).encode())}"


def _defined(one: Measurement, definition: MeasureDefinition) -> Measurement:
    """Add what the catalogue says: unit and method of a value, and the id of the definition's version."""
    measure = one.measure
    if isinstance(measure, ContinuousVariableMeasure):
        measure = replace(measure, unit=definition.unit, method=definition.method)
    is_this_version = definition.version_number == one.measure_id_version_number
    version_id = II(definition.version_id) if definition.version_id and is_this_version else None
    return replace(one, measure=measure, measure_id_version_dependent=version_id)


def inflate(content: bytes, *, byte_length: int, crc32: int) -> Iterator[bytes]:
    """Give the plain bytes of a stored slice in pieces. Raises ValueError when they are not what was stored.

    The last piece is given when all of it was verified, so that a damaged slice never comes out whole. In pieces,
    because a buffer for a whole slice costs more than decompressing into one that the processor's cache holds.
    """
    decompressor = igzip_lib.IgzipDecompressor(igzip_lib.DECOMP_DEFLATE)
    try:
        plain = decompressor.decompress(content, _PIECE_BYTES)
        length, crc = len(plain), isal_zlib.crc32(plain)
        while not decompressor.needs_input and not decompressor.eof:
            if following := decompressor.decompress(b"", _PIECE_BYTES):
                yield plain
                plain = following
                length, crc = length + len(plain), isal_zlib.crc32(plain, crc)
    except igzip_lib.IsalError as error:  # type: ignore[misc]  # its stub types the class as an instance
        raise ValueError("a stored slice cannot be decompressed") from error
    if length != byte_length or crc != crc32:
        raise ValueError("a stored slice does not have the length and CRC-32 that were noted")
    yield plain


def _interval(values: Sequence[Any]) -> ConfidenceInterval | None:
    return None if values[3] is None else ConfidenceInterval(values[3], values[4])


def _proportion(values: Sequence[Any]) -> Measure:
    value, numerator, denominator, _, _, deviation, coverage, exclusions, reference, _ = values
    return ProportionMeasure(
        value, denominator, numerator, _interval(values), deviation, coverage, exclusions, reference
    )


def _continuous(values: Sequence[Any]) -> Measure:
    value, _, population, _, _, deviation, coverage, exclusions, reference, _ = values
    return ContinuousVariableMeasure(value, population, _interval(values), deviation, coverage, exclusions, reference)


def _cohort(values: Sequence[Any]) -> Measure:
    value, _, _, _, _, deviation, coverage, exclusions, reference, _ = values
    return CohortMeasure(value, _interval(values), deviation, coverage, exclusions, reference)


def _missing(values: Sequence[Any]) -> Measure:
    return MissingMeasure(values[9])


#: Makes the measure of a kind from the columns from value to reason_code.
MEASURES: Mapping[str, Callable[[Sequence[Any]], Measure]] = {
    "proportion": _proportion,
    "continuous": _continuous,
    "cohort": _cohort,
    "missing": _missing,
}
