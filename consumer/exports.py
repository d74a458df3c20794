"""Observations as a tidy table: CSV that opens in any tool, and dictionaries (domain reference 3.4).

CSV as RFC 4180 in UTF-8: a header line, commas, decimal points, ISO days; what is missing is empty.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import IO, Any

from consumer.store.queries import aware
from consumer.store.tables import VALUE_NAMES

#: Names of the values of one observation, in the order that `Store.observations` gives them.
COLUMNS = ("producer", *VALUE_NAMES, "fetched_at")


def write_csv(observations: Iterable[tuple[Any, ...]], file: IO[str]) -> int:
    """Write observations as CSV and give their number; ``file`` is opened with ``newline=""``."""
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    count = 0
    for observation in observations:
        writer.writerow(map(_plain, observation))
        count += 1
    return count


def as_dicts(observations: Iterable[tuple[Any, ...]]) -> Iterator[dict[str, Any]]:
    """Give each observation as a dictionary of plain values (text, number, None)."""
    for observation in observations:
        yield {name: _plain(value) for name, value in zip(COLUMNS, observation, strict=True)}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return aware(value).isoformat(timespec="seconds")
    return value.isoformat() if isinstance(value, date) else value
