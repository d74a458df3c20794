"""Example messages of a contract version, for people who read what it says; every unit and value is invented."""

from __future__ import annotations

from lxml import etree

from contracts.checksum import SliceKey, content_digest, measurement_checksum
from contracts.codes import COUNTRY_CODE, COUNTRY_NAME, LAN, OID_HSA_ID, OID_LAN, OID_LAND, OID_MEASURE
from contracts.messages.codec import MessageCodec
from contracts.model import (
    II,
    CohortMeasure,
    ConfidenceInterval,
    ContinuousVariableMeasure,
    DatePeriod,
    Measure,
    Measurement,
    MissingMeasure,
    PerformingOrganization,
    ProportionMeasure,
    QualityIndicatorsRequest,
    ReportHead,
    ReportingParty,
    SourceSystem,
)

_SYSTEM = ReportingParty("SE9990001112-DEMO", "Demoproducenten (påhittad)")
_ORGANIZATION = ReportingParty("SE9990001112-DEMOORG", "Demohuvudmannen (påhittad)")
_SOURCE = SourceSystem(II(OID_HSA_ID, "SE9990001112-DEMOREG"), "Demoregistret (påhittat)")
_YEAR = DatePeriod("20250101", "20251231")
_LAND = PerformingOrganization(COUNTRY_NAME, "Land", None, II(OID_LAND, COUNTRY_CODE))
_LAN = PerformingOrganization(LAN["13"].name, "Lan", None, II(OID_LAN, "13"), _LAND)
_UNIT = PerformingOrganization("Vårdcentralen Snäckan (påhittad)", "Vardenhet", "SE9990001112-E0001", None, _LAN)
_MEASURES: tuple[tuple[str, Measure, PerformingOrganization], ...] = (
    ("0001", ProportionMeasure(0.7736, 212, 164, ConfidenceInterval(0.7173, 0.8299), coverage=0.91), _UNIT),
    ("0001", MissingMeasure("MSK"), _LAN),
    ("0003", ContinuousVariableMeasure(34.5, 1190, unit="d", method="MEDIAN"), _LAN),
    ("0004", CohortMeasure(57), _LAND),
)
_INDICATOR = "7c0f4a52-1d3e-4b6a-9f10-2e5b8a61{}"


def example_request(codec: MessageCodec) -> str:
    """Give an indented request for two indicators of a year."""
    ids = tuple(II(OID_MEASURE, _INDICATOR.format(number)) for number in ("0001", "0004"))
    return _indented(codec.write_request(_SYSTEM.hsa_id, QualityIndicatorsRequest(ids, _YEAR)))


def example_answer(codec: MessageCodec) -> str:
    """Give an indented answer with one measurement of each kind."""
    fragments = [
        codec.measurement_fragment(
            Measurement(II(OID_MEASURE, _INDICATOR.format(number)), 3, _YEAR, measure, organization, _SOURCE),
            organization=codec.organization_fragment(organization),
            source=codec.source_fragment(_SOURCE),
        )
        for number, measure, organization in _MEASURES
    ]
    keys = (SliceKey(number, 3, _YEAR) for number, _, _ in _MEASURES)
    checksum = measurement_checksum(zip(keys, map(content_digest, fragments), strict=True))
    head = ReportHead(checksum, _YEAR, _SYSTEM, _ORGANIZATION)
    return _indented(codec.answer_prefix(head) + b"".join(fragments) + codec.answer_suffix())


def _indented(message: bytes) -> str:
    element = etree.fromstring(message)
    etree.indent(element)
    return etree.tostring(element, encoding="unicode")
