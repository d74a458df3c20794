"""The golden messages of versions 1.0 and 3.0: a question, and an answer with everything that is said otherwise.

Every unit, register and value is invented. `regenerate` writes the files; the test compares after canonicalisation.
"""

from __future__ import annotations

from contracts.codes.oids import OID_MEASURE
from contracts.messages.codec import MessageCodec
from contracts.model import (
    II,
    CohortMeasure,
    ContinuousVariableMeasure,
    Measurement,
    MissingMeasure,
    ProportionMeasure,
    QualityIndicatorsRequest,
    ReportHead,
    ReportingParty,
)
from contracts.registry import CONTRACTS

from .messages import CODED_HOSPITAL, DIRECTORY, HEAD, LAN, LOGICAL_ADDRESS, MEASURE_ID, MEASURES, SOURCE, YEAR, unit

VERSIONS_DIRECTORY = DIRECTORY / "versions"
VERSIONS = ("GetQualityIndicators:1", "GetQualityIndicators:3")
_NAMED = ReportHead(
    HEAD.measurement_checksum, YEAR, HEAD.reporting_system, ReportingParty("SE9990001112-EXAMPLEORG", "Huvudmannen")
)
_MEDIAN = ContinuousVariableMeasure(34.5, 1190.0, reference_interval_value=28.0, unit="d", method="MEDIAN")
ANSWERED = tuple(
    Measurement(MEASURE_ID, 3, YEAR, measure, organization, SOURCE, "20241230", "20251224", version_id)
    for measure, organization, version_id in (
        (MEASURES["proportion"][0], unit(1, LAN), None),
        (ProportionMeasure(0.5, 10.0, 5.0), CODED_HOSPITAL, II("0d4f6c1e-5a7b-4c2d-9e8f-00000000b003")),
        (MEASURES["continuous"][0], LAN, None),
        (_MEDIAN, LAN, None),
        (MEASURES["cohort"][0], LAN, None),
        (CohortMeasure(0.0), LAN, None),
        *((MissingMeasure(code), LAN, None) for code in ("MSK", "INV", "UNK", "NI", None)),
    )
)


def answered(codec: MessageCodec) -> bytes:
    """Write the golden answer of a version."""
    fragments = (
        codec.measurement_fragment(
            one,
            organization=codec.organization_fragment(one.performing_organization),
            source=codec.source_fragment(one.source_system),
        )
        for one in ANSWERED
    )
    return codec.answer_prefix(_NAMED) + b"".join(fragments) + codec.answer_suffix()


def version_messages() -> dict[str, bytes]:
    """Give every golden message by file name, as the code writes it now."""
    asked = QualityIndicatorsRequest((MEASURE_ID, II(OID_MEASURE, "A2")), YEAR)
    messages: dict[str, bytes] = {}
    for contract in (CONTRACTS[name] for name in VERSIONS):
        messages[f"request-{contract.version}.xml"] = contract.codec.write_request(LOGICAL_ADDRESS, asked)
        messages[f"answer-{contract.version}.xml"] = answered(contract.codec)
    everything = QualityIndicatorsRequest((), YEAR, False)
    version_1 = CONTRACTS["GetQualityIndicators:1"].codec
    messages["request-every-indicator-1.0.xml"] = version_1.write_request(LOGICAL_ADDRESS, everything)
    return messages
