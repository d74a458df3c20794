"""The service as one would first write it: Spyne models, one object per measurement, Spyne serialises.

A WSGI application; the number of measurements is the extension of the first measureId.
"""

from __future__ import annotations

from spyne import Application, Boolean, ComplexModel, Double, Integer, SelfReference, ServiceBase, Unicode, rpc
from spyne.protocol.soap import Soap11
from spyne.server.wsgi import WsgiApplication

import producer.spyne_adapter  # noqa: F401  (makes spyne importable on Python 3.12 and later)
from contracts.codes import OID_LAN, OID_LAND, OID_MEASURE
from contracts.registry import GET_QUALITY_INDICATORS_2 as CONTRACT
from contracts.soap import REGISTRY_NAMESPACE

_REQUIRED = {"min_occurs": 1, "nillable": False}


def _type(name: str, fields: list, namespace: str = CONTRACT.domain_namespace) -> type:
    return type(name, (ComplexModel,), {"__namespace__": namespace, "__type_name__": name, "_type_info": fields})


II = _type("IIType", [("root", Unicode(**_REQUIRED)), ("extension", Unicode(min_occurs=0))])
Period = _type("DatePeriodType", [("start", Unicode(**_REQUIRED)), ("end", Unicode(**_REQUIRED))])
Interval = _type("ConfidenceInterval95percentType", [("low", Double(**_REQUIRED)), ("high", Double(**_REQUIRED))])
Proportion = _type(
    "ProportionMeasureType",
    [
        ("rate", Double(**_REQUIRED)),
        ("denominator", Double(**_REQUIRED)),
        ("numerator", Double(**_REQUIRED)),
        ("confidenceInterval95percent", Interval.customize(min_occurs=0)),
    ],
)
Organization = _type(
    "PerformingOrganizationType",
    [
        ("hsaId", Unicode(min_occurs=0)),
        ("organizationName", Unicode(**_REQUIRED)),
        ("organizationType", Unicode(**_REQUIRED)),
        ("organizationId", II.customize(min_occurs=0)),
        ("asOrganizationPartOf", SelfReference.customize(min_occurs=0)),
    ],
)
Source = _type("SourceSystemType", [("systemId", II.customize(**_REQUIRED)), ("name", Unicode(**_REQUIRED))])
Party = _type("ReportingPartyType", [("hsaId", Unicode(**_REQUIRED)), ("name", Unicode(min_occurs=0))])
Measurement = _type(
    "MeasurementType",
    [
        ("measureId", II.customize(**_REQUIRED)),
        ("measureIdVersionNumber", Integer(**_REQUIRED)),
        ("measurePeriod", Period.customize(**_REQUIRED)),
        ("proportionMeasure", Proportion.customize(min_occurs=0)),
        ("performingOrganization", Organization.customize(**_REQUIRED)),
        ("sourceSystem", Source.customize(**_REQUIRED)),
    ],
)
Report = _type(
    "AggregatedQualityReportType",
    [
        ("measurementChecksum", Unicode(**_REQUIRED)),
        ("reportingPeriod", Period.customize(**_REQUIRED)),
        ("reportingSystem", Party.customize(**_REQUIRED)),
        ("reportingOrganization", Party.customize(**_REQUIRED)),
        ("measurement", Measurement.customize(min_occurs=0, max_occurs="unbounded", nillable=False)),
    ],
)
Request = _type(
    "GetQualityIndicatorsType",
    [
        ("measureId", II.customize(min_occurs=1, max_occurs="unbounded", nillable=False)),
        ("reportingPeriod", Period.customize(**_REQUIRED)),
        ("includeMeasurements", Boolean(min_occurs=0, default=True)),
    ],
    CONTRACT.responder_namespace,
)
Response = _type(
    "GetQualityIndicatorsResponseType",
    [("AggregatedQualityReport", Report.customize(**_REQUIRED))],
    CONTRACT.responder_namespace,
)


class LogicalAddress(Unicode):
    """The SOAP header."""

    __namespace__ = REGISTRY_NAMESPACE
    __type_name__ = "LogicalAddress"


def _measurement(number: int, measure_id: object, period: object) -> object:
    country = Organization(
        organizationName="Riket", organizationType="Land", organizationId=II(root=OID_LAND, extension="SE")
    )
    county = Organization(
        organizationName="Halland",
        organizationType="Lan",
        organizationId=II(root=OID_LAN, extension="13"),
        asOrganizationPartOf=country,
    )
    unit = Organization(
        hsaId=f"SE9990001112-E{number:05}",
        organizationName=f"Enhet {number}",
        organizationType="Vardenhet",
        asOrganizationPartOf=county,
    )
    return Measurement(
        measureId=measure_id,
        measureIdVersionNumber=1,
        measurePeriod=period,
        proportionMeasure=Proportion(
            rate=0.7736,
            denominator=212.0,
            numerator=164.0,
            confidenceInterval95percent=Interval(low=0.7173, high=0.8299),
        ),
        performingOrganization=unit,
        sourceSystem=Source(systemId=II(root="1.2.752.129.2.1.4.1", extension="SE9990001112-DEMOREG"), name="Demo"),
    )


class NaiveService(ServiceBase):
    """One operation that builds the whole answer as objects."""

    @rpc(
        Request,
        _returns=Response,
        _body_style="bare",
        _in_header=(LogicalAddress,),
        _operation_name="GetQualityIndicators",
        _in_message_name=CONTRACT.request_tag,
        _out_message_name=CONTRACT.response_tag,
    )
    def GetQualityIndicators(ctx, request):  # noqa: N802, N805 (Spyne's conventions)
        count = int(request.measureId[0].extension)
        period = Period(start="20250101", end="20251231")
        measure_id = II(root=OID_MEASURE, extension=str(count))
        party = Party(hsaId="SE9990001112-DEMO", name="Demo")
        return Response(
            AggregatedQualityReport=Report(
                measurementChecksum="0",
                reportingPeriod=period,
                reportingSystem=party,
                reportingOrganization=party,
                measurement=[_measurement(number, measure_id, period) for number in range(count)],
            )
        )


application = WsgiApplication(
    Application(
        [NaiveService],
        tns=CONTRACT.responder_namespace,
        name="Naive",
        in_protocol=Soap11(validator="lxml"),
        out_protocol=Soap11(),
    )
)
