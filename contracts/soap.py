"""SOAP 1.1 envelopes and faults as RIV-TA Basic Profile 2.1 uses them (platform reference 8.2, 8.5).

One Header with exactly one LogicalAddress, one Body with exactly one child; anything ambiguous is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from xml.sax.saxutils import escape

from lxml import etree

from contracts.errors import (
    BryggaError,
    CallerError,
    GatewayFailure,
    InvalidEnvelope,
    MustUnderstand,
    VersionMismatch,
)

SOAP_NAMESPACE = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP_12_NAMESPACE = "http://www.w3.org/2003/05/soap-envelope"
REGISTRY_NAMESPACE = "urn:riv:itintegration:registry:1"
FAULT_NAMESPACE = "urn:indikatorbryggan:fault:1"
SOAP_CONTENT_TYPE = "text/xml; charset=UTF-8"
ACTOR_NEXT = "http://schemas.xmlsoap.org/soap/actor/next"

ENVELOPE = f"{{{SOAP_NAMESPACE}}}Envelope"
HEADER = f"{{{SOAP_NAMESPACE}}}Header"
BODY = f"{{{SOAP_NAMESPACE}}}Body"
FAULT = f"{{{SOAP_NAMESPACE}}}Fault"
LOGICAL_ADDRESS = f"{{{REGISTRY_NAMESPACE}}}LogicalAddress"
_MUST_UNDERSTAND = f"{{{SOAP_NAMESPACE}}}mustUnderstand"
_ACTOR = f"{{{SOAP_NAMESPACE}}}actor"


@dataclass(frozen=True, slots=True)
class SoapRequest:
    """A request whose envelope is in order; ``body`` is the one child of Body, not yet validated (untrusted)."""

    logical_address: str
    body: etree._Element


def read_request_envelope(root: etree._Element) -> SoapRequest:
    """Take the logical address and the body out of an untrusted envelope.

    Raises VersionMismatch, MustUnderstand or InvalidEnvelope; texts hold nothing of the input.
    """
    _check_root(root)
    parts = [child.tag for child in root]
    if parts != [HEADER, BODY]:
        raise InvalidEnvelope("The envelope must hold one Header followed by one Body, and nothing else.")
    header, body = root
    if any(_has_text(part) for part in (root, header, body)):
        raise InvalidEnvelope("The envelope holds text beside its elements.")
    if len(body) != 1:
        raise InvalidEnvelope("The Body must hold exactly one element.")
    return SoapRequest(_logical_address(header), body[0])


def _check_root(root: etree._Element) -> None:
    if root.tag == ENVELOPE:
        return
    if root.tag == f"{{{SOAP_12_NAMESPACE}}}Envelope":
        raise VersionMismatch("The message is not SOAP 1.1. Send the envelope of SOAP 1.1.")
    raise InvalidEnvelope("The message is no SOAP 1.1 envelope.")


def _has_text(element: etree._Element) -> bool:
    texts = [element.text, *(child.tail for child in element)]
    return any(text and not text.isspace() for text in texts)


def _logical_address(header: etree._Element) -> str:
    addresses = []
    for block in header:
        if block.tag == LOGICAL_ADDRESS:
            addresses.append(block)
        else:
            _check_understood(block)
    if len(addresses) != 1:
        raise InvalidEnvelope("The Header must hold exactly one LogicalAddress.")
    if len(addresses[0]) or not (addresses[0].text or "").strip():
        raise InvalidEnvelope("The LogicalAddress is empty or holds elements.")
    return addresses[0].text or ""


def _check_understood(block: etree._Element) -> None:
    mandatory = block.get(_MUST_UNDERSTAND, "0").strip()
    if mandatory not in ("0", "1"):
        raise InvalidEnvelope("A header block has a mustUnderstand other than 0 and 1.")
    if mandatory == "1" and block.get(_ACTOR, "") in ("", ACTOR_NEXT):
        raise MustUnderstand("A header block marked mustUnderstand is not known here.")


def write_fault(error: BryggaError, *, incident_id: str) -> bytes:
    """Write ``error`` as a SOAP 1.1 fault envelope (UTF-8).

    Sends the error's public message, its stable code and the incident id that the log line carries, nothing else.
    The texts of errors that are neither the caller's nor made for the caller may name files; they are not sent.
    """
    if not isinstance(error, (CallerError, GatewayFailure)):
        error = GatewayFailure("The service failed. Report the incident id to those who run it.")
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<e:Envelope xmlns:e="{SOAP_NAMESPACE}"><e:Body><e:Fault>'
        f"<faultcode>e:{error.fault_code}</faultcode>"
        f"<faultstring>{escape(error.message)}</faultstring>"
        f'<detail><f:error xmlns:f="{FAULT_NAMESPACE}"><f:code>{error.code}</f:code>'
        f"<f:incidentId>{escape(incident_id)}</f:incidentId></f:error></detail>"
        "</e:Fault></e:Body></e:Envelope>"
    ).encode()
