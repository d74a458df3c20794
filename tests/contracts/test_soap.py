"""Envelopes and faults of SOAP 1.1 (robustness reference 2: rows C for the producer; platform reference 8.5)."""

from __future__ import annotations

import pytest
from golden.messages import CODEC, FAULTS, LOGICAL_ADDRESS, REQUESTS
from lxml import etree

from contracts import errors
from contracts.errors import BryggaError, CallerError, InvalidEnvelope, MustUnderstand, VersionMismatch
from contracts.registry import GET_QUALITY_INDICATORS_2
from contracts.safe_xml import parse_message
from contracts.soap import (
    FAULT_NAMESPACE,
    REGISTRY_NAMESPACE,
    SOAP_12_NAMESPACE,
    SOAP_CONTENT_TYPE,
    SOAP_NAMESPACE,
    SoapRequest,
    read_request_envelope,
    write_fault,
)

MARKER = "MARKER-51c0"
GOOD = CODEC.write_request(LOGICAL_ADDRESS, REQUESTS["request"]).decode()
_HEADER = f"<h:LogicalAddress>{LOGICAL_ADDRESS}</h:LogicalAddress>"
_BODY = GOOD[GOOD.index("<r:GetQualityIndicators>") : GOOD.index("</e:Body>")]


def read(text: str) -> SoapRequest:
    return read_request_envelope(parse_message(text.encode()))


def edited(old: str, new: str) -> str:
    assert GOOD.count(old) == 1, old
    return GOOD.replace(old, new)


def header(*blocks: str) -> str:
    return edited(_HEADER, "".join(blocks))


def block(attributes: str, namespace: str = "urn:x") -> str:
    return f'<x:Block xmlns:x="{namespace}" {attributes}>{MARKER}</x:Block>'


# What foreign clients send (contract reference 10) and what the profile allows.
ACCEPTED = {
    "the writer's own": GOOD,
    "prefixes of suds": GOOD.replace("<e:", "<SOAP-ENV:")
    .replace("</e:", "</SOAP-ENV:")
    .replace("xmlns:e=", 'xmlns:ns9="urn:unused" xmlns:SOAP-ENV=')
    .replace("<r:", "<ns1:")
    .replace("</r:", "</ns1:")
    .replace("xmlns:r=", "xmlns:ns1="),
    "two prefixes for one namespace, as suds": GOOD.replace(
        "<e:Body>", f'<ns0:Body xmlns:ns0="{SOAP_NAMESPACE}">'
    ).replace("</e:Body>", "</ns0:Body>"),
    "SOAP as the default namespace": GOOD.replace("<e:", "<").replace("</e:", "</").replace("xmlns:e=", "xmlns="),
    "namespaces declared where they are used": GOOD.replace(f' xmlns:h="{REGISTRY_NAMESPACE}"', "").replace(
        "<h:LogicalAddress>", f'<h:LogicalAddress xmlns:h="{REGISTRY_NAMESPACE}">'
    ),
    "mustUnderstand on LogicalAddress, as gSOAP": edited(
        "<h:LogicalAddress>", '<h:LogicalAddress e:mustUnderstand="1">'
    ),
    "comments inside Header and Body, as SoapUI": GOOD.replace("<e:Body>", "<e:Body><!--Optional:-->").replace(
        "<e:Header>", "<e:Header><!--?-->"
    ),
    "comments beside Header and Body": GOOD.replace("<e:Header>", "<!-- a --><e:Header>").replace(
        "</e:Body>", "</e:Body><!-- b -->"
    ),
    "indentation": GOOD.replace("><", ">\n  <"),
    "a declaration": f'<?xml version="1.0" encoding="UTF-8"?>\n{GOOD}',
    "unknown header block": header(_HEADER, block("")),
    "unknown header block before the address": header(block(""), _HEADER),
    "mustUnderstand 0": header(_HEADER, block('e:mustUnderstand="0"')),
    "mustUnderstand for another actor": header(_HEADER, block('e:mustUnderstand="1" e:actor="urn:someone-else"')),
    "mustUnderstand of no namespace": header(_HEADER, block('mustUnderstand="1"')),
    "LogicalAddress of another namespace beside ours": header(
        '<x:LogicalAddress xmlns:x="urn:x">SE9990001112-OTHER</x:LogicalAddress>', _HEADER
    ),
    "attributes on Envelope, Header and Body": GOOD.replace("<e:Body>", '<e:Body x="1">').replace(
        "<e:Header>", '<e:Header x="1">'
    ),
    "an encodingStyle": edited("<e:Body>", '<e:Body e:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/">'),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_envelope_is_accepted(name: str) -> None:
    request = read(ACCEPTED[name])
    assert request.logical_address == LOGICAL_ADDRESS
    assert request.body.tag == GET_QUALITY_INDICATORS_2.request_tag
    assert GET_QUALITY_INDICATORS_2.codec.read_request(request.body) == REQUESTS["request"]


@pytest.mark.parametrize(
    "address", [f" {LOGICAL_ADDRESS} ", "\nSE1", "se9990001112-x", "åäö", "' OR 1=1--", "${jndi:x}"]
)
def test_address_is_given_as_it_stands(address: str) -> None:
    assert read(edited(_HEADER, f"<h:LogicalAddress>{address}</h:LogicalAddress>")).logical_address == address


def test_address_split_by_comment_and_cdata_is_one_text() -> None:
    split = LOGICAL_ADDRESS[:4] + "<!-- x -->" + f"<![CDATA[{LOGICAL_ADDRESS[4:]}]]>"
    assert read(edited(_HEADER, f"<h:LogicalAddress>{split}</h:LogicalAddress>")).logical_address == LOGICAL_ADDRESS


REFUSED = {
    # C01
    "no Envelope": (f"<e:Body xmlns:e='{SOAP_NAMESPACE}'>{MARKER}</e:Body>", InvalidEnvelope),
    "the bare request": (_BODY.replace("r:", "").replace("c:", ""), InvalidEnvelope),
    "Envelope without namespace": ("<Envelope><Header/><Body/></Envelope>", InvalidEnvelope),
    "Envelope of another namespace": (GOOD.replace(SOAP_NAMESPACE, f"urn:{MARKER}"), InvalidEnvelope),
    "Envelope in small letters": (GOOD.replace("e:Envelope", "e:envelope"), InvalidEnvelope),
    "SOAP 1.2": (GOOD.replace(SOAP_NAMESPACE, SOAP_12_NAMESPACE), VersionMismatch),
    # C02
    "no Body": (edited(f"<e:Body>{_BODY}</e:Body>", ""), InvalidEnvelope),
    "an empty Body": (edited(_BODY, ""), InvalidEnvelope),
    "a Body of white space": (edited(_BODY, " \n"), InvalidEnvelope),
    "a Body of a comment": (edited(_BODY, f"<!-- {MARKER} -->"), InvalidEnvelope),
    "a Body of text": (edited(_BODY, MARKER), InvalidEnvelope),
    "an empty Envelope": (f'<e:Envelope xmlns:e="{SOAP_NAMESPACE}"/>', InvalidEnvelope),
    # C03
    "two Bodies": (edited("</e:Body>", f"</e:Body><e:Body>{_BODY}</e:Body>"), InvalidEnvelope),
    "two children in Body": (edited("</e:Body>", f"<{MARKER}/></e:Body>"), InvalidEnvelope),
    "two equal children in Body": (edited("</e:Body>", f"{_BODY}</e:Body>"), InvalidEnvelope),
    "text beside the child of Body": (edited("</e:Body>", f"{MARKER}</e:Body>"), InvalidEnvelope),
    "text beside the Body": (edited("</e:Body>", f"</e:Body>{MARKER}"), InvalidEnvelope),
    "text in the Header": (header(_HEADER, MARKER), InvalidEnvelope),
    "an element after the Body": (edited("</e:Body>", f'</e:Body><x:{MARKER} xmlns:x="urn:x"/>'), InvalidEnvelope),
    "an element before the Header": (edited("<e:Header>", f'<x:{MARKER} xmlns:x="urn:x"/><e:Header>'), InvalidEnvelope),
    "the Header after the Body": (
        edited(f"<e:Header>{_HEADER}</e:Header>", "").replace("</e:Body>", f"</e:Body><e:Header>{_HEADER}</e:Header>"),
        InvalidEnvelope,
    ),
    "two Headers": (edited("<e:Header>", f"<e:Header>{_HEADER}</e:Header><e:Header>"), InvalidEnvelope),
    "Header of another namespace": (
        GOOD.replace("<e:Header>", '<x:Header xmlns:x="urn:x">').replace("</e:Header>", "</x:Header>"),
        InvalidEnvelope,
    ),
    # C05, C18, C19, C24
    "no Header": (edited(f"<e:Header>{_HEADER}</e:Header>", ""), InvalidEnvelope),
    "no LogicalAddress": (header(""), InvalidEnvelope),
    "LogicalAddress twice": (header(_HEADER, _HEADER), InvalidEnvelope),
    "LogicalAddress twice, different": (
        header(_HEADER, f"<h:LogicalAddress>{MARKER}</h:LogicalAddress>"),
        InvalidEnvelope,
    ),
    "an empty LogicalAddress": (header("<h:LogicalAddress/>"), InvalidEnvelope),
    "a LogicalAddress of white space": (header("<h:LogicalAddress> \n\t</h:LogicalAddress>"), InvalidEnvelope),
    "a LogicalAddress of elements": (
        header(f"<h:LogicalAddress>{MARKER}<h:x/></h:LogicalAddress>"),
        InvalidEnvelope,
    ),
    "LogicalAddress of another namespace alone": (
        header(f'<x:LogicalAddress xmlns:x="urn:x">{MARKER}</x:LogicalAddress>'),
        InvalidEnvelope,
    ),
    "LogicalAddress in the Body": (
        header("").replace("<e:Body>", f"<e:Body>{_HEADER}"),
        InvalidEnvelope,
    ),
    # C25
    "mustUnderstand 1": (header(_HEADER, block('e:mustUnderstand="1"')), MustUnderstand),
    "mustUnderstand 1 before the address": (header(block('e:mustUnderstand="1"'), _HEADER), MustUnderstand),
    "mustUnderstand 1 for the next": (
        header(_HEADER, block('e:mustUnderstand="1" e:actor="http://schemas.xmlsoap.org/soap/actor/next"')),
        MustUnderstand,
    ),
    "mustUnderstand 1 in the namespace of LogicalAddress": (
        header(_HEADER, block('e:mustUnderstand="1"', REGISTRY_NAMESPACE)),
        MustUnderstand,
    ),
    "mustUnderstand of another value": (header(_HEADER, block(f'e:mustUnderstand="{MARKER}"')), InvalidEnvelope),
    "mustUnderstand true": (header(_HEADER, block('e:mustUnderstand="true"')), InvalidEnvelope),
}


@pytest.mark.parametrize("name", REFUSED)
def test_envelope_is_refused_without_echo(name: str) -> None:
    text, kind = REFUSED[name]
    with pytest.raises(kind) as refused:
        read(text)
    assert refused.type is kind
    assert MARKER not in refused.value.message + refused.value.log_detail


def all_errors(kind: type[BryggaError] = BryggaError) -> list[type[BryggaError]]:
    return [kind, *(error for child in kind.__subclasses__() for error in all_errors(child))]


FAULT_ERRORS = [
    error
    for error in all_errors()
    if issubclass(error, (CallerError, errors.GatewayFailure)) and error.__module__ == "contracts.errors"
]


@pytest.mark.parametrize("error", FAULT_ERRORS, ids=lambda error: error.__name__)
def test_fault_has_the_form_of_the_profile(error: type[BryggaError]) -> None:
    """WS-I R1000, R1001: unqualified faultcode, faultstring and detail, nothing else; no dotted codes."""
    root = etree.fromstring(write_fault(error("What & <why>.", log_detail=MARKER), incident_id="<id>"))
    assert root.tag == f"{{{SOAP_NAMESPACE}}}Envelope"
    (body,) = root
    (fault,) = body
    assert (body.tag, fault.tag) == (f"{{{SOAP_NAMESPACE}}}Body", f"{{{SOAP_NAMESPACE}}}Fault")
    assert [child.tag for child in fault] == ["faultcode", "faultstring", "detail"]
    prefix, code = fault.findtext("faultcode").split(":")
    assert fault.nsmap[prefix] == SOAP_NAMESPACE
    assert code == error.fault_code
    assert code in ("Client", "Server", "VersionMismatch", "MustUnderstand")
    assert fault.findtext("faultstring") == "What & <why>."
    (detail,) = fault.find("detail")
    names = {"f": FAULT_NAMESPACE}
    assert detail.tag == f"{{{FAULT_NAMESPACE}}}error"
    assert detail.findtext("f:code", namespaces=names) == error.code
    assert detail.findtext("f:incidentId", namespaces=names) == "<id>"
    assert MARKER not in etree.tostring(root, encoding="unicode")


def test_error_that_is_not_made_for_callers_is_told_as_a_failure_of_ours() -> None:
    for error in (errors.ConfigurationError(f"/etc/{MARKER}"), errors.DataError(MARKER), errors.RemoteError(MARKER)):
        fault = write_fault(error, incident_id="0").decode()
        assert MARKER not in fault
        assert "<faultcode>e:Server</faultcode>" in fault
        assert "<f:code>gateway-failure</f:code>" in fault


@pytest.mark.parametrize("name", FAULTS)
def test_fault_survives_any_xml_reader(name: str) -> None:
    fault = write_fault(FAULTS[name], incident_id="0")
    assert fault.startswith(b'<?xml version="1.0" encoding="UTF-8"?>')
    assert parse_message(fault).tag == f"{{{SOAP_NAMESPACE}}}Envelope"


def test_content_type_of_an_answer() -> None:
    assert SOAP_CONTENT_TYPE == "text/xml; charset=UTF-8"
