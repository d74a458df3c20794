"""The golden messages of GetDistributedQualityReport 3.0 (domain reference 4.3): everything that it can say.

Every unit, register and value is invented. `regenerate` writes the files; the test compares after canonicalisation.
"""

from __future__ import annotations

from collections.abc import Iterable

from contracts.codes.oids import OID_SEX
from contracts.distributed_model import (
    Dimension,
    DistributedMeasurement,
    DistributedReportRequest,
    Distribution,
    OrganizationFilter,
    Percentile,
    ReferenceMeasurement,
    Subgroup,
    ValueClass,
)
from contracts.messages.distributed_report_3 import DistributedReport3
from contracts.model import II, ContinuousVariableMeasure, Measure, MissingMeasure, ProportionMeasure, ReportHead
from contracts.registry import GET_DISTRIBUTED_QUALITY_REPORT_3

from .messages import DIRECTORY, HEAD, LAN, LAND, LOGICAL_ADDRESS, MEASURE_ID, SOURCE, YEAR, unit

DISTRIBUTED_DIRECTORY = DIRECTORY / "distributed"
CONTRACT = GET_DISTRIBUTED_QUALITY_REPORT_3
assert isinstance(CONTRACT.codec, DistributedReport3)
CODEC: DistributedReport3 = CONTRACT.codec

MAN = Dimension("SEX", II(OID_SEX, "1"))
WOMAN = Dimension("SEX", II(OID_SEX, "2"))
YOUNG = Dimension("AGE", II("1.2.752.129.2.1.2.1", "18-44"), 18, 44)
OLD = Dimension("AGE", II("1.2.752.129.2.1.2.1", "45-"), 45)
CLASSES = (
    ValueClass("hba1c-1", "under 52", None, 52.0, count=60.0, share=0.6),
    ValueClass("hba1c-2", None, 52.0, 69.0, high_inclusive=True, reason_code="MSK"),
    ValueClass("hba1c-3", "över 69 & mer", 69.0, None, low_inclusive=False, reason_code="MSK"),
)
PERCENTILES = (Percentile(10.0, 40.5), Percentile(50.0, 51.0), Percentile(97.5, 51.0))
DISTRIBUTION = Distribution(100.0, 5.0, CLASSES, PERCENTILES, 50.25, 51.0, 8.5)


def mean(value: float, population: float) -> Measure:
    """Give a mean of ``population`` individuals."""
    return ContinuousVariableMeasure(value, population)


SUBGROUPS = (
    Subgroup((MAN,), mean(51.0, 45.0), Distribution(45.0)),
    Subgroup((WOMAN,), mean(49.5, 50.0)),
    Subgroup((YOUNG,), MissingMeasure("MSK")),
    Subgroup((OLD,), MissingMeasure("MSK")),
    Subgroup((MAN, YOUNG), mean(48.0, 20.0), DISTRIBUTION),
)
FULL = DistributedMeasurement(
    MEASURE_ID,
    3,
    YEAR,
    mean(50.0, 95.0),
    unit(1, LAN),
    SOURCE,
    "20241230",
    "20251224",
    subgroups=SUBGROUPS,
    distribution=DISTRIBUTION,
)
MASKED = DistributedMeasurement(MEASURE_ID, 3, YEAR, MissingMeasure("MSK"), unit(2, LAN), SOURCE)
OF_LAN = DistributedMeasurement(MEASURE_ID, 3, YEAR, ProportionMeasure(0.5, 10.0, 5.0), LAN, SOURCE)
REFERENCE_VALUE = ReferenceMeasurement(
    MEASURE_ID,
    3,
    YEAR,
    LAND,
    "Vardenhet",
    6,
    "20260101120000",
    500.0,
    50.1,
    49.9,
    3.25,
    PERCENTILES,
    (CLASSES[0],),
    SUBGROUPS[1:2],
)
QUESTION = DistributedReportRequest(
    (MEASURE_ID,),
    YEAR,
    True,
    (OrganizationFilter("SE9990001112-E0001"), OrganizationFilter(None, LAN.organization_id)),
    ("SEX", "SEX_AGE"),
    False,
    True,
)


def fragment(one: DistributedMeasurement) -> bytes:
    """Write one measurement."""
    return CODEC.measurement_fragment(
        one,
        organization=CODEC.organization_fragment(one.performing_organization),
        source=CODEC.source_fragment(one.source_system),
    )


def answer(
    measurements: Iterable[DistributedMeasurement], references: Iterable[ReferenceMeasurement], head: ReportHead = HEAD
) -> bytes:
    """Write a whole answer."""
    content = b"".join((*map(fragment, measurements), *map(CODEC.reference_fragment, references)))
    return CODEC.answer_prefix(head) + content + CODEC.answer_suffix()


def distributed_messages() -> dict[str, bytes]:
    """Give every golden message by file name, as the code writes it now."""
    return {
        "request.xml": CODEC.write_request(LOGICAL_ADDRESS, QUESTION),
        "answer.xml": answer((FULL, MASKED, OF_LAN), (REFERENCE_VALUE,)),
    }
