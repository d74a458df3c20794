"""Makes the target of a run from what the tester gives: options first, then data.xml, then settings or a recording.

Everything that is missing or wrong is told at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from certs.tls import TlsFiles
from contracts.codes import OID_MEASURE
from contracts.errors import UsageError
from contracts.model import DatePeriod, MeasureDefinition
from contracts.registry import GET_QUALITY_INDICATORS_2, ServiceContract
from contracts.rules.dates import parse_day
from testsuites.data_xml import TestData
from testsuites.endpoint import Access
from testsuites.record import Recording
from testsuites.target import Target


@dataclass(frozen=True, slots=True)
class Given:
    """What is known of a run; empty where nothing is. Dates as YYYYMMDD or YYYY-MM-DD."""

    url: str = ""
    logical_address: str = ""
    sender: str = ""
    measure_ids: tuple[str, ...] = ()
    measure_root: str = ""
    start: str = ""
    end: str = ""
    tls: TlsFiles | None = None
    ca: Path | None = None

    def or_else(self, other: Given) -> Given:
        """Fill what is empty from ``other``."""
        return Given(*(getattr(self, name) or getattr(other, name) for name in self.__slots__))


def from_data(data: TestData) -> Given:
    """What data.xml says of the whole run: its global variables, measureId and period as in TestCase1."""
    case = data.case("TestCase1")
    values: Mapping[str, str] = data.values if case is None else case.values
    measure_id = values.get("measureId", "")
    return Given(
        data.values.get("webServiceUrl", "") or values.get("webServiceUrl", ""),
        data.values.get("logicalAddress", "") or values.get("logicalAddress", ""),
        data.values.get("httpHeaderHsaId", ""),
        (measure_id,) if measure_id else (),
        values.get("measureIdOid", ""),
        values.get("reportingPeriodStart", ""),
        values.get("reportingPeriodEnd", ""),
    )


def from_recording(recording: Recording) -> Given:
    """What a recording says of the run it was made in."""
    return Given(
        recording.url,
        recording.logical_address,
        recording.sender,
        recording.measure_ids,
        recording.measure_root,
        recording.period.start,
        recording.period.end,
    )


def make_target(
    explicit: Given,
    further: Given,
    *,
    data: TestData | None = None,
    contract: ServiceContract = GET_QUALITY_INDICATORS_2,
    catalogue: Mapping[str, MeasureDefinition] | None = None,
    read_timeout_s: float = 60.0,
) -> Target:
    """Make the target of ``explicit`` options, ``data``, and ``further`` knowledge. Raises UsageError."""
    given = explicit.or_else(from_data(data) if data is not None else Given()).or_else(further)
    missing = [
        option
        for option, value in (
            ("--url", given.url),
            ("--logical-address", given.logical_address),
            ("--measure-id", given.measure_ids),
            ("--from", given.start),
            ("--to", given.end),
        )
        if not value
    ]
    if missing:
        raise UsageError(
            f"It is not known what to test: {', '.join(missing)} missing. Give them as options, in a data.xml "
            "(--data), or in the section [consumer] of brygga.toml."
        )
    overridden = {
        "webServiceUrl": explicit.url,
        "logicalAddress": explicit.logical_address,
        "httpHeaderHsaId": explicit.sender,
    }
    return Target(
        Access(given.url, given.tls, given.ca, read_timeout_s=read_timeout_s),
        given.logical_address,
        tuple(dict.fromkeys(given.measure_ids)),
        read_period(given.start, given.end),
        contract,
        given.sender,
        given.measure_root or OID_MEASURE,
        data=data,
        overridden=frozenset(name for name, value in overridden.items() if value),
        catalogue=catalogue,
    )


def recorded_target(target: Target, recording: Recording) -> Target:
    """Ask as the recording did, so that every request is found in it."""
    return replace(
        target,
        empty_period=recording.empty_period,
        unknown_measure=recording.unknown_measure,
        is_through_platform=recording.is_through_platform,
    )


def read_period(start: str, end: str) -> DatePeriod:
    """Read two dates; each YYYYMMDD or YYYY-MM-DD. Raises UsageError."""
    period = DatePeriod(start.replace("-", ""), end.replace("-", ""))
    for text, day in ((start, period.start), (end, period.end)):
        if parse_day(day) is None:
            raise UsageError(f"{text!r} is no date. Write YYYY-MM-DD.")
    if period.start > period.end:
        raise UsageError(f"The period {start} to {end} ends before it starts.")
    return period
