"""The contract registry says what the published contract says, and its files exist (contract reference 1, 2)."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest
from lxml import etree

from contracts.registry import CONTRACTS, GET_QUALITY_INDICATORS_2, ServiceContract

DOMAIN = "urn:riv:followup:groupoutcomes:qualityreporting"
WSDL = "{http://schemas.xmlsoap.org/wsdl/}"


def test_version_2_has_the_published_names() -> None:
    contract = GET_QUALITY_INDICATORS_2
    assert contract.id == "GetQualityIndicators:2"
    assert contract.version == "2.0"
    assert contract.basis == "published"
    assert contract.wsdl_namespace == f"{DOMAIN}:GetQualityIndicators:2:rivtabp21"
    assert contract.responder_namespace == f"{DOMAIN}:GetQualityIndicatorsResponder:2"
    assert contract.domain_namespace == f"{DOMAIN}:2"
    assert contract.soap_action == f"{DOMAIN}:GetQualityIndicatorsResponder:2:GetQualityIndicators"
    assert contract.path == "/followup/groupoutcomes/qualityreporting/GetQualityIndicators/2/rivtabp21"
    assert contract.request_tag == f"{{{contract.responder_namespace}}}GetQualityIndicators"
    assert contract.response_tag == f"{{{contract.responder_namespace}}}GetQualityIndicatorsResponse"


def test_contracts_are_found_by_id_and_cannot_be_changed() -> None:
    assert CONTRACTS["GetQualityIndicators:2"] is GET_QUALITY_INDICATORS_2
    assert all(contract.id == key for key, contract in CONTRACTS.items())
    with pytest.raises(TypeError):
        CONTRACTS["x"] = GET_QUALITY_INDICATORS_2  # type: ignore[index]
    with pytest.raises(FrozenInstanceError):
        GET_QUALITY_INDICATORS_2.major = 3  # type: ignore[misc]


def test_every_contract_has_a_path_of_its_own() -> None:
    assert len({contract.path for contract in CONTRACTS.values()}) == len(CONTRACTS)


@pytest.mark.parametrize("contract", CONTRACTS.values(), ids=lambda contract: contract.id)
def test_files_exist_and_agree_with_the_entry(contract: ServiceContract) -> None:
    wsdl = etree.parse(str(contract.wsdl)).getroot()
    assert wsdl.get("targetNamespace") == contract.wsdl_namespace
    operation = wsdl.find(f"{WSDL}binding/{WSDL}operation/{{http://schemas.xmlsoap.org/wsdl/soap/}}operation")
    assert operation is not None
    assert operation.get("soapAction") == contract.soap_action
    schema = etree.parse(str(contract.responder_xsd)).getroot()
    assert schema.get("targetNamespace") == contract.responder_namespace
    assert schema.get("version") == contract.version
    roots = {f"{{{contract.responder_namespace}}}{child.get('name')}" for child in schema.iterchildren("{*}element")}
    assert roots == {contract.request_tag, contract.response_tag}
    assert contract.schematron.is_file()


@pytest.mark.parametrize("contract", CONTRACTS.values(), ids=lambda contract: contract.id)
def test_codec_speaks_the_contracts_namespaces(contract: ServiceContract) -> None:
    tags = contract.codec.tags
    assert tags.response == contract.response_tag
    assert etree.QName(tags.report).namespace == contract.responder_namespace
    assert etree.QName(tags.measurement).namespace == contract.domain_namespace
