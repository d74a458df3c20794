"""The platform's faults VP001-VP015: codes, texts and the shape of the fault message (platform reference 4.1, 4.2).

Texts are the project's own wording; the tokens that testers look for in details are the platform's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar
from xml.sax.saxutils import escape

from contracts.errors import BryggaError, FaultCode
from contracts.soap import SOAP_NAMESPACE

FAULT_STATUS = 500
#: Detail lines hold parts of the call; a longer one is cut.
MAX_DETAIL_CHARS = 2000
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class VpFault:
    """One code: who is to blame, the Swedish text of faultstring, and what it means in English."""

    fault_code: FaultCode
    text: str
    meaning: str


VP_FAULTS: Mapping[str, VpFault] = MappingProxyType(
    {
        "VP001": VpFault(
            "Client",
            "RIV-version saknas i anropet eller stöds inte av tjänsteplattformen.",
            "the call has no RIV version that the platform knows",
        ),
        "VP002": VpFault(
            "Client",
            "Fel i klientcertifikatet: det saknas, är av fel typ eller är felaktigt utformat.",
            "the client certificate is missing, of the wrong kind or names no HSA-id",
        ),
        "VP003": VpFault(
            "Client",
            "Logisk adress (ReceiverId) saknas i anropets meddelandehuvud.",
            "the message has no logical address",
        ),
        "VP004": VpFault(
            "Client",
            "Det finns inget vägval för den logiska adressen och tjänstekontraktet. "
            "Kontrollera anropet eller beställ vägval i tjänsteadresseringskatalogen.",
            "no route for this logical address and contract",
        ),
        "VP005": VpFault(
            "Client",
            "Tjänsteproducenten stöder inte den RIV-version som anropet använder.",
            "the producer does not speak the RIV version of the call",
        ),
        "VP006": VpFault(
            "Server",
            "Internt fel: flera tjänsteproducenter är angivna för mottagaren. Anmäl till plattformens förvaltning.",
            "more than one route is valid at the same time",
        ),
        "VP007": VpFault(
            "Client",
            "Tjänstekonsumenten saknar behörighet att anropa den logiska adressen via tjänstekontraktet.",
            "no permission for this sender, logical address and contract",
        ),
        "VP008": VpFault(
            "Server",
            "Internt fel: tjänsteadresseringskatalogen kan inte nås.",
            "the routing catalogue could not be loaded and there is no kept copy",
        ),
        "VP009": VpFault(
            "Server",
            "Fel vid kontakt med tjänsteproducenten.",
            "the producer cannot be reached or did not answer properly",
        ),
        "VP010": VpFault(
            "Server",
            "Internt fel: tjänsteproducentens adress saknas i tjänsteadresseringskatalogen.",
            "the route has no address",
        ),
        "VP011": VpFault(
            "Client",
            "Anropet gjordes utan TLS från en adress som inte är godkänd.",
            "a call without TLS from an address that is not on the whitelist",
        ),
        "VP012": VpFault(
            "Server",
            "Internt fel: meddelandet kunde inte omvandlas mellan RIV-versioner.",
            "the message could not be converted between RIV profiles",
        ),
        "VP013": VpFault(
            "Client",
            "Tjänstekonsumenten får inte ange x-rivta-original-serviceconsumer-hsaid.",
            "the sender may not name another original consumer",
        ),
        "VP014": VpFault(
            "Server",
            "Rundgång: anropet har redan passerat den här tjänsteplattformen. Anmäl till plattformens förvaltning.",
            "the call has already passed this platform",
        ),
        "VP015": VpFault(
            "Client",
            "Anropet är felaktigt utformat och kan inte behandlas.",
            "the message cannot be read",
        ),
    }
)


class PlatformRefusal(BryggaError):
    """The router answers the call itself with a fault VPnnn.

    ``detail`` is the English detail line; it may hold parts of the call, as the platform's does.
    """

    code = "platform-refusal"
    faults: ClassVar[Mapping[str, VpFault]] = VP_FAULTS

    def __init__(self, vp_code: str, detail: str = "", *, fault_code: FaultCode | None = None) -> None:
        fault = self.faults[vp_code]
        super().__init__(fault.text, log_detail=detail)
        self.vp_code = vp_code
        self.detail = detail
        self.soap_code: FaultCode = fault_code or fault.fault_code


def fault_string(refusal: PlatformRefusal, instance_name: str) -> str:
    """Give the text of faultstring: code, instance name in brackets, Swedish text."""
    return f"{refusal.vp_code} [{instance_name}] {refusal.message}"


def write_refusal(refusal: PlatformRefusal, instance_name: str, *, charset: str = "UTF-8") -> bytes:
    """Write a refusal as SOAP 1.1 fault in ``charset``, a Python codec name that is also an IANA one."""
    return write_fault(refusal.soap_code, fault_string(refusal, instance_name), refusal.detail, charset=charset)


def write_fault(code: FaultCode, text: str, detail: str, *, charset: str = "UTF-8") -> bytes:
    """Write a fault in the platform's shape: prefix SOAP-ENV, empty Header, detailString in no namespace."""
    message = (
        f'<?xml version="1.0" encoding="{charset}"?>'
        f'<SOAP-ENV:Envelope xmlns:SOAP-ENV="{SOAP_NAMESPACE}"><SOAP-ENV:Header/><SOAP-ENV:Body><SOAP-ENV:Fault>'
        f"<faultcode>SOAP-ENV:{code}</faultcode>"
        f"<faultstring>{_text(text)}</faultstring>"
        f"<detail><detailString>{_text(detail)}</detailString></detail>"
        "</SOAP-ENV:Fault></SOAP-ENV:Body></SOAP-ENV:Envelope>"
    )
    return message.encode(charset, "xmlcharrefreplace")


def _text(value: str) -> str:
    return escape(_NOT_XML.sub("\ufffd", value[:MAX_DETAIL_CHARS]))
