"""Settings, questions and messages for the tests of the producer in this process."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from certs.tls import TlsFiles
from contracts.codes.oids import OID_MEASURE
from contracts.model import II, DatePeriod, QualityIndicatorsRequest, ReportingParty
from contracts.registry import GET_QUALITY_INDICATORS_2
from producer.settings import ProducerSettings

SYSTEM = "SE9990001112-PROD"
CONSUMER = "SE9990001112-CONS"
Q1, Q2 = DatePeriod("20240101", "20240331"), DatePeriod("20240401", "20240630")
YEAR = DatePeriod("20240101", "20241231")


@dataclass
class Answered:
    """What a WSGI server would have sent."""

    status: int
    headers: dict[str, str]
    body: bytes
    pieces: list[int] = field(default_factory=list)


def settings(**changes: Any) -> ProducerSettings:
    """Settings that need no certificate files; identity is taken from the connection all the same."""
    values: dict[str, Any] = {
        "system": ReportingParty(SYSTEM, "Exempelsystemet"),
        "organization": ReportingParty("SE9990001112-0001", "Exempelorganisationen"),
        "tls": TlsFiles(Path("none.pem"), Path("none.key"), Path("none.ca")),
        "allowed_callers": (CONSUMER,),
        "threads": 4,
    }
    return ProducerSettings(**{**values, **changes})


def request(*measure_ids: str, period: DatePeriod = YEAR, include: bool = True) -> QualityIndicatorsRequest:
    return QualityIndicatorsRequest(tuple(II(OID_MEASURE, one) for one in measure_ids), period, include)


def message(*measure_ids: str, address: str = SYSTEM, period: DatePeriod = YEAR, include: bool = True) -> bytes:
    return GET_QUALITY_INDICATORS_2.codec.write_request(address, request(*measure_ids, period=period, include=include))
