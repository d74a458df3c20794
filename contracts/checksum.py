"""measurementChecksum (contract reference 6): changes exactly when a matching measurement changes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from contracts.model import DatePeriod

EMPTY_CHECKSUM = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True, slots=True, order=True)
class SliceKey:
    """Names a slice: every measurement of one indicator, version and measure period. Its order is canonical."""

    measure_id: str
    version_number: int
    measure_period: DatePeriod


def content_digest(content: bytes) -> str:
    """Give the SHA-256 (hex) of a slice's finished ``measurement`` elements."""
    return hashlib.sha256(content).hexdigest()


def measurement_checksum(slices: Iterable[tuple[SliceKey, str]]) -> str:
    """Give the checksum of an answer from its slices (key, content digest), in any order.

    Nothing matches: the SHA-256 of the empty string (`EMPTY_CHECKSUM`).
    """
    hasher = hashlib.sha256()
    for measure_id, version, start, end, digest in sorted(
        (key.measure_id, key.version_number, key.measure_period.start, key.measure_period.end, digest)
        for key, digest in slices
    ):
        record = (measure_id, str(version), start, end, digest)
        hasher.update("".join([f"{len(field)}:{field}" for field in record]).encode())
    return hasher.hexdigest()
