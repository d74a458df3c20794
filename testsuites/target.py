"""Test data of a run: whom to ask, what, and what is expected of the endpoint (contract reference 7 and 8).

One value that plan, session and suites share; made by the command line from its options, brygga.toml and data.xml.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import get_args
from urllib.parse import urlsplit

from contracts.codes import OID_MEASURE, Bilingual
from contracts.distributed_model import DistributedReportRequest, Stratification
from contracts.messages.distributed_report_3 import DistributedReport3
from contracts.model import II, DatePeriod, MeasureDefinition, QualityIndicatorsRequest
from contracts.registry import GET_QUALITY_INDICATORS_2, ServiceContract
from testsuites.data_xml import TestData
from testsuites.endpoint import Access

#: A period of which no quality register has values; the schema's first year.
EMPTY_PERIOD = DatePeriod("19000101", "19001231")
#: An indicator id in no catalogue.
UNKNOWN_MEASURE = "00000000-0000-4000-8000-000000000000"

#: Every way that sub-groups are made; whoever asks for all of them gets all.
STRATIFICATIONS: tuple[str, ...] = get_args(Stratification)


@dataclass(frozen=True, slots=True)
class Target:
    """What is tested and with which data.

    ``measure_ids`` have values in ``period``; ``empty_period`` has none of them, ``unknown_measure`` is no
    indicator. ``catalogue``: definitions by measureId, None when unknown. ``is_own_endpoint``: the tester says that
    hostile input may be sent; ``bad_certificates``: folder of a bad set for it; ``has_slow_cases``: also what waits
    for deadlines. ``since``: folder of an earlier recording to compare with. ``overridden``: variables
    of data.xml that the tester gave otherwise.
    """

    access: Access
    logical_address: str
    measure_ids: tuple[str, ...]
    period: DatePeriod
    contract: ServiceContract = GET_QUALITY_INDICATORS_2
    sender: str = ""
    measure_root: str = OID_MEASURE
    empty_period: DatePeriod = EMPTY_PERIOD
    unknown_measure: str = UNKNOWN_MEASURE
    data: TestData | None = None
    overridden: frozenset[str] = frozenset()
    schematrons: tuple[Path, ...] = ()
    catalogue: Mapping[str, MeasureDefinition] | None = None
    is_through_platform: bool = False
    is_own_endpoint: bool = False
    bad_certificates: Path | None = None
    has_slow_cases: bool = False
    since: Path | None = None
    sla_calls: int = 20
    notes: tuple[Bilingual, ...] = ()

    @property
    def ids(self) -> tuple[II, ...]:
        """The indicators with values as identifiers."""
        return tuple(II(self.measure_root, extension) for extension in self.measure_ids)

    @property
    def is_distributed(self) -> bool:
        """Whether the contract is GetDistributedQualityReport."""
        return isinstance(self.contract.codec, DistributedReport3)

    def request(
        self, ids: tuple[II, ...] = (), period: DatePeriod | None = None, *, include: bool = True
    ) -> QualityIndicatorsRequest:
        """Make the content of a question, by default of all test data: for everything that the contract can give."""
        asked = ids or self.ids, period or self.period, include
        if self.is_distributed:
            return DistributedReportRequest(*asked, stratifications=STRATIFICATIONS, include_reference_values=True)
        return QualityIndicatorsRequest(*asked)

    @property
    def is_loopback(self) -> bool:
        """Whether the endpoint is on this machine."""
        host = urlsplit(self.access.url).hostname or ""
        try:
            return ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"
