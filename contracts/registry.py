"""The contract registry: one entry per version of a service contract (contract reference 1 and 2).

Adding a version is a package under ``schemas/``, a codec in `contracts.messages` and an entry here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from contracts.messages.codec import MessageCodec
from contracts.messages.quality_indicators_2 import QualityIndicators2
from schemas import PACKAGE_ROOT

Basis = Literal["published", "reconstruction"]
_DOMAIN = "followup:groupoutcomes:qualityreporting"


@dataclass(frozen=True)
class ServiceContract:
    """One contract version: names, namespaces, files and the codec of its messages.

    ``basis`` says whether the message follows a published schema or is the project's labelled reconstruction.
    """

    interaction: str
    major: int
    minor: int
    wsdl_namespace: str
    responder_namespace: str
    domain_namespace: str
    basis: Basis
    codec: MessageCodec

    @property
    def id(self) -> str:
        """Short name as used in settings and commands, such as ``GetQualityIndicators:2``."""
        return f"{self.interaction}:{self.major}"

    @property
    def version(self) -> str:
        """Version as ``major.minor``."""
        return f"{self.major}.{self.minor}"

    @property
    def soap_action(self) -> str:
        """SOAPAction: namespace of the request element and its local name (RIV-TA BP 2.1 rule 15)."""
        return f"{self.responder_namespace}:{self.interaction}"

    @property
    def request_tag(self) -> str:
        """Qualified name of the request element."""
        return f"{{{self.responder_namespace}}}{self.interaction}"

    @property
    def response_tag(self) -> str:
        """Qualified name of the response element."""
        return f"{{{self.responder_namespace}}}{self.interaction}Response"

    @property
    def path(self) -> str:
        """URL path of the endpoint."""
        return f"/{_DOMAIN.replace(':', '/')}/{self.interaction}/{self.major}/rivtabp21"

    @cached_property
    def package(self) -> Path:
        """Folder of the contract package (``schemas/core_components`` and ``schemas/interactions`` below it)."""
        return PACKAGE_ROOT / self.interaction / self.version

    @property
    def interaction_directory(self) -> Path:
        """Folder of the WSDL and the message schema."""
        return self.package / "schemas" / "interactions" / f"{self.interaction}Interaction"

    @property
    def wsdl(self) -> Path:
        """The WSDL as the contract package names it."""
        return self.interaction_directory / f"{self.interaction}Interaction_{self.version}_RIVTABP21.wsdl"

    @property
    def responder_xsd(self) -> Path:
        """The message schema; it imports the domain schema by a relative path."""
        return self.interaction_directory / f"{self.interaction}Responder_{self.version}.xsd"

    @property
    def schematron(self) -> Path:
        """The project's own Schematron for the rules that it can express."""
        return self.package / f"{self.interaction}_{self.version}.sch"


def _contract(interaction: str, major: int, basis: Basis, codec: type[QualityIndicators2]) -> ServiceContract:
    responder = f"urn:riv:{_DOMAIN}:{interaction}Responder:{major}"
    domain = f"urn:riv:{_DOMAIN}:{major}"
    return ServiceContract(
        interaction=interaction,
        major=major,
        minor=0,
        wsdl_namespace=f"urn:riv:{_DOMAIN}:{interaction}:{major}:rivtabp21",
        responder_namespace=responder,
        domain_namespace=domain,
        basis=basis,
        codec=codec(responder, domain),
    )


GET_QUALITY_INDICATORS_2 = _contract("GetQualityIndicators", 2, "published", QualityIndicators2)

CONTRACTS = MappingProxyType({contract.id: contract for contract in (GET_QUALITY_INDICATORS_2,)})
