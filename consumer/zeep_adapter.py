"""Messages built by zeep from the project's own WSDL; the only module that imports zeep (performance reference E).

zeep reads nothing from the network, sends nothing itself and logs no body: its transport is replaced.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import requests
import zeep
from zeep.transports import Transport
from zeep.wsdl import Document
from zeep.wsdl.utils import etree_to_string

from contracts.distributed_model import DistributedReportRequest
from contracts.errors import ConfigurationError
from contracts.model import QualityIndicatorsRequest
from contracts.registry import ServiceContract

Post = Callable[[bytes, dict[str, str]], requests.Response]

# zeep has annotations here and there only.
_Client: Any = zeep.Client
_Document: Any = Document
_to_bytes: Any = etree_to_string
_SETTINGS = zeep.Settings(
    raw_response=True, strict=True, forbid_dtd=True, forbid_entities=True, forbid_external=True, xml_huge_tree=False
)


def send(
    contract: ServiceContract, endpoint: str, logical_address: str, request: QualityIndicatorsRequest, post: Post
) -> requests.Response:
    """Build the message of a question and give what ``post`` makes of it; may be called by several threads.

    ``post`` gets the envelope (UTF-8) and the HTTP headers of the binding, SOAPAction among them.
    """
    client = _Client(_definition(contract), transport=_Posting(post), settings=_SETTINGS)
    binding = f"{{{contract.wsdl_namespace}}}{contract.interaction}ResponderBinding"
    operation = client.create_service(binding, endpoint)[contract.interaction]
    ids = [{"root": id_.root, "extension": id_.extension} for id_ in request.measure_ids]
    response: requests.Response = operation(
        _soapheaders={"LogicalAddress": logical_address},
        reportingPeriod={"start": request.reporting_period.start, "end": request.reporting_period.end},
        includeMeasurements=request.include_measurements,
        **{contract.codec.measure_id_element: ids},
        **_filters(request),
    )
    return response


def _filters(request: QualityIndicatorsRequest) -> dict[str, Any]:
    """Give what else the question says, in the contract that has filters."""
    if not isinstance(request, DistributedReportRequest):
        return {}
    return {
        "performingOrganization": [
            {
                "hsaId": one.hsa_id,
                "organizationId": one.organization_id
                and {"root": one.organization_id.root, "extension": one.organization_id.extension},
            }
            for one in request.performing_organizations
        ],
        "stratification": list(request.stratifications),
        "includeDistribution": request.include_distribution,
        "includeReferenceValues": request.include_reference_values,
    }


class _LocalFiles(Transport):
    """Reads the WSDL and the schemas of one contract version and nothing else."""

    def __init__(self, contract: ServiceContract) -> None:
        self._files = {path.resolve() for path in (contract.wsdl, *contract.schemas)}
        self._close_session = False

    def load(self, url: str) -> bytes:
        path = Path(url).resolve()
        if path not in self._files:
            raise ConfigurationError(f"The WSDL points outside its contract package, to {url!r}, which is not read.")
        return path.read_bytes()


class _Posting(Transport):
    """Hands zeep's messages over; unlike zeep's own transport it never logs a body."""

    def __init__(self, post: Post) -> None:
        self._post = post
        self._close_session = False

    def post_xml(self, address: str, envelope: Any, headers: dict[str, str]) -> requests.Response:  # noqa: ARG002
        return self._post(_to_bytes(envelope), headers)


@cache
def _definition(contract: ServiceContract) -> Any:
    """Parse the WSDL once per process (tens of milliseconds), when it is first used."""
    return _Document(str(contract.wsdl), _LocalFiles(contract), settings=_SETTINGS)
