"""The golden messages: one per request, measure, organisation chain and fault (contract reference 2-4).

Every unit, register and value is invented. `regenerate` writes the files; the test compares after canonicalisation.
"""

from __future__ import annotations

from pathlib import Path

from lxml import etree

from contracts.checksum import EMPTY_CHECKSUM
from contracts.codes.oids import OID_HOSPITAL, OID_HSA_ID, OID_KOMMUN, OID_LAN, OID_LAND, OID_LOCAL_ID, OID_MEASURE
from contracts.errors import (
    BryggaError,
    GatewayFailure,
    InvalidEnvelope,
    MustUnderstand,
    RegisterUnavailable,
    VersionMismatch,
)
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
from contracts.registry import GET_QUALITY_INDICATORS_2
from contracts.soap import write_fault

DIRECTORY = Path(__file__).parent
CODEC = GET_QUALITY_INDICATORS_2.codec
MEASURE_ID = II(OID_MEASURE, "0d4f6c1e-5a7b-4c2d-9e8f-00000000a001")
YEAR = DatePeriod("20250101", "20251231")
LOGICAL_ADDRESS = "SE9990001112-EXAMPLESYSTEM"
HEAD = ReportHead(
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    YEAR,
    ReportingParty(LOGICAL_ADDRESS, "Exempelregistret"),
    ReportingParty("SE9990001112-EXAMPLEORG"),
)
SOURCE = SourceSystem(II(OID_HSA_ID, "SE9990001112-EXAMPLESOURCE"), "Exempelregistret")
LOCAL_SOURCE = SourceSystem(II(OID_LOCAL_ID, "SE9990001112-EXAMPLEORG-1"), "Journal & labb <prov>")

LAND = PerformingOrganization("Riket", "Land", organization_id=II(OID_LAND, "SE"))
REGION = PerformingOrganization(
    "Exempelregionen", "Sjukvardsregion", organization_id=II("1.2.3.4.5", "3"), as_organization_part_of=LAND
)
LAN = PerformingOrganization("Hallands län", "Lan", organization_id=II(OID_LAN, "13"), as_organization_part_of=LAND)
KOMMUN = PerformingOrganization(
    "Varberg", "Kommun", organization_id=II(OID_KOMMUN, "1383"), as_organization_part_of=LAN
)
HOSPITAL = PerformingOrganization(
    "Påhittade sjukhuset", "Sjukhus", hsa_id="SE9990001112-H001", as_organization_part_of=LAN
)
CODED_HOSPITAL = PerformingOrganization(
    "Låtsaslasarettet", "Sjukhus", organization_id=II(OID_HOSPITAL, "99001"), as_organization_part_of=LAN
)


def unit(number: int, parent: PerformingOrganization) -> PerformingOrganization:
    """Give an invented care unit below ``parent``."""
    return PerformingOrganization(
        f"Påhittad vårdenhet {number}",
        "Vardenhet",
        hsa_id=f"SE9990001112-E{number:03}",
        as_organization_part_of=parent,
    )


CHAINS = {
    "land": LAND,
    "sjukvardsregion": REGION,
    "lan": LAN,
    "kommun": KOMMUN,
    "sjukhus-hsa-id": HOSPITAL,
    "sjukhus-code": CODED_HOSPITAL,
    "vardenhet-sjukhus": unit(1, HOSPITAL),
    "vardenhet-sjukhus-code": unit(2, CODED_HOSPITAL),
    "vardenhet-kommun": unit(3, KOMMUN),
    "vardenhet-lan": unit(4, LAN),
}
MEASURES: dict[str, tuple[Measure, ...]] = {
    "proportion": (
        ProportionMeasure(0.75, 80.0, 60.0, ConfidenceInterval(0.645, 0.832), 0.048, 0.91, 4.0, 0.8),
        ProportionMeasure(0.0, 12.0, 0.0),
        ProportionMeasure(1.0, 12.0, 12.0, coverage=1.0),
    ),
    "continuous": (
        ContinuousVariableMeasure(12.25, 144.0, ConfidenceInterval(11.9, 12.6), 2.1, 0.87, 3.0, 10.0),
        ContinuousVariableMeasure(-0.5),
        ContinuousVariableMeasure(1e-7, 1e15),
    ),
    "cohort": (
        CohortMeasure(1234.0, ConfidenceInterval(1166.1, 1304.8), 35.1, 0.99, 17.0, 1000.0),
        CohortMeasure(0.0),
    ),
    "missing": tuple(MissingMeasure(code) for code in ("MSK", "INV", "UNK", "NI", None)),
}


def measurement(measure: Measure, organization: PerformingOrganization = LAND) -> Measurement:
    """Give an invented measurement of a year."""
    return Measurement(MEASURE_ID, 3, YEAR, measure, organization, SOURCE)


def answer(*measurements: Measurement, head: ReportHead = HEAD) -> bytes:
    """Write a whole answer as the producer does: prefix, fragments, suffix."""
    return (
        CODEC.answer_prefix(head)
        + b"".join(
            CODEC.measurement_fragment(
                one,
                organization=CODEC.organization_fragment(one.performing_organization),
                source=CODEC.source_fragment(one.source_system),
            )
            for one in measurements
        )
        + CODEC.answer_suffix()
    )


REQUESTS = {
    "request": QualityIndicatorsRequest((MEASURE_ID,), YEAR),
    "request-checksum-only": QualityIndicatorsRequest(
        (MEASURE_ID, II(OID_MEASURE, "a & b <c>"), II("1.2.3")), DatePeriod("20200101", "20251231"), False
    ),
}
ANSWERS: dict[str, tuple[Measurement, ...]] = {
    **{f"answer-{kind}": tuple(map(measurement, measures)) for kind, measures in MEASURES.items()},
    **{
        f"answer-organization-{name}": (measurement(ProportionMeasure(0.5, 10.0, 5.0), chain),)
        for name, chain in CHAINS.items()
    },
    "answer-encounters": (
        Measurement(MEASURE_ID, 3, YEAR, CohortMeasure(7.0), LAN, LOCAL_SOURCE, "20241230", "20251224"),
    ),
}
EMPTY_HEAD = ReportHead(EMPTY_CHECKSUM, YEAR, HEAD.reporting_system, HEAD.reporting_organization)
FAULTS: dict[str, BryggaError] = {
    "fault-client": InvalidEnvelope("The Header must hold exactly one LogicalAddress."),
    "fault-server": GatewayFailure("An <internal> failure & nothing more."),
    "fault-unavailable": RegisterUnavailable("The register cannot be read now. Try again in a minute."),
    "fault-version-mismatch": VersionMismatch("The message is not SOAP 1.1. Send the envelope of SOAP 1.1."),
    "fault-must-understand": MustUnderstand("A header block marked mustUnderstand is not known here."),
}


def written() -> dict[str, bytes]:
    """Give every golden message by file name, as the code writes it now."""
    messages = {name: CODEC.write_request(LOGICAL_ADDRESS, request) for name, request in REQUESTS.items()}
    messages |= {name: answer(*measurements) for name, measurements in ANSWERS.items()}
    messages["answer-empty"] = answer(head=EMPTY_HEAD)
    messages |= {name: write_fault(error, incident_id="0123456789abcdef") for name, error in FAULTS.items()}
    return {f"{name}.xml": message for name, message in messages.items()}


def indented(message: bytes) -> bytes:
    """Give a message in lines, so that a difference can be read."""
    root = etree.fromstring(message)
    etree.indent(root)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True) + b"\n"


def canonical(message: bytes) -> bytes:
    """Give a message in canonical form (C14N 1.0) without the indentation of the files."""
    return etree.tostring(etree.fromstring(message, etree.XMLParser(remove_blank_text=True)), method="c14n")
