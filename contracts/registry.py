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
from contracts.messages.distributed_report_3 import DistributedReport3
from contracts.messages.losses import LOSSES_OF_1, LOSSES_OF_2, Loss
from contracts.messages.quality_indicators_1 import QualityIndicators1
from contracts.messages.quality_indicators_2 import QualityIndicators2
from schemas import PACKAGE_ROOT

Basis = Literal["published", "reconstruction", "added"]
_DOMAIN = "followup:groupoutcomes:qualityreporting"
_DISTRIBUTED_RULES = frozenset(f"D.{number}" for number in range(1, 11))


@dataclass(frozen=True)
class ServiceContract:
    """One contract version: names, namespaces, files and the codec of its messages.

    ``basis`` says what the message follows: the facts of the published schema, a labelled reconstruction of the
    project's own, or an official package that was added (`contracts.packages`); ``known`` says it in words.
    ``rendering`` names the stored form of its measurements: versions with the same one share what is stored.
    ``without_rules``: the business rules about what the version does not have.
    """

    interaction: str
    major: int
    minor: int
    wsdl_namespace: str
    responder_namespace: str
    domain_namespace: str
    basis: Basis
    known: str
    codec: MessageCodec
    rendering: str
    losses: tuple[Loss, ...]
    without_rules: frozenset[str]
    wsdl: Path
    responder_xsd: Path
    core_components: tuple[Path, ...]
    schematron: Path

    @cached_property
    def id(self) -> str:
        """Short name as used in settings and commands, such as ``GetQualityIndicators:2``."""
        return f"{self.interaction}:{self.major}"

    @property
    def version(self) -> str:
        """Version as ``major.minor``."""
        return f"{self.major}.{self.minor}"

    @property
    def is_reconstruction(self) -> bool:
        """Whether the message is this project's guess and not a published one."""
        return self.basis == "reconstruction"

    @cached_property
    def soap_action(self) -> str:
        """SOAPAction: namespace of the request element and its local name (RIV-TA BP 2.1 rule 15)."""
        return f"{self.responder_namespace}:{self.interaction}"

    @cached_property
    def request_tag(self) -> str:
        """Qualified name of the request element."""
        return f"{{{self.responder_namespace}}}{self.interaction}"

    @property
    def response_tag(self) -> str:
        """Qualified name of the response element."""
        return f"{{{self.responder_namespace}}}{self.interaction}Response"

    @cached_property
    def path(self) -> str:
        """URL path of the endpoint."""
        return f"/{_DOMAIN.replace(':', '/')}/{self.interaction}/{self.major}/rivtabp21"

    @property
    def schemas(self) -> tuple[Path, ...]:
        """The schema files: the message schema, then those that it uses (it imports them by relative paths)."""
        return self.responder_xsd, *self.core_components

    @property
    def body_first_wsdl(self) -> Path:
        """The WSDL with the body part first, which helps one kind of client (contract reference 10)."""
        return self.wsdl.with_name(f"{self.wsdl.stem}_body-first{self.wsdl.suffix}")


def _contract(
    major: int,
    codec: type[QualityIndicators1 | QualityIndicators2],
    losses: tuple[Loss, ...],
    known: str,
    *,
    basis: Basis = "published",
    publisher: str = "urn:riv",
    rendering: int | None = None,
    without_rules: frozenset[str] = _DISTRIBUTED_RULES,
) -> ServiceContract:
    interaction, version = codec.interaction, f"{major}.0"
    responder = f"{publisher}:{_DOMAIN}:{interaction}Responder:{major}"
    domain = f"{publisher}:{_DOMAIN}:{major}"
    package = PACKAGE_ROOT / interaction / version
    folder = package / "schemas" / "interactions" / f"{interaction}Interaction"
    return ServiceContract(
        interaction=interaction,
        major=major,
        minor=0,
        wsdl_namespace=f"{publisher}:{_DOMAIN}:{interaction}:{major}:rivtabp21",
        responder_namespace=responder,
        domain_namespace=domain,
        basis=basis,
        known=known,
        codec=codec(responder, domain),
        rendering=f"{interaction}:{rendering or major}",
        losses=losses,
        without_rules=without_rules,
        wsdl=folder / f"{interaction}Interaction_{version}_RIVTABP21.wsdl",
        responder_xsd=folder / f"{interaction}Responder_{version}.xsd",
        core_components=tuple(sorted((package / "schemas" / "core_components").glob("*.xsd"))),
        schematron=package / f"{interaction}_{version}.sch",
    )


GET_QUALITY_INDICATORS_1 = _contract(
    1,
    QualityIndicators1,
    LOSSES_OF_1,
    "Schema, WSDL and contract description are published; still spoken.",
    without_rules=_DISTRIBUTED_RULES | {"1.2.2", "1.12"},
)
GET_QUALITY_INDICATORS_2 = _contract(
    2, QualityIndicators2, LOSSES_OF_2, "Schema, WSDL and contract description are published; the norm."
)
GET_QUALITY_INDICATORS_3 = _contract(
    3,
    QualityIndicators2,
    LOSSES_OF_2,
    "Only the WSDL's namespace is known. The message is that of 2.0 under version 3's namespaces, which is a guess.",
    basis="reconstruction",
    publisher="urn:riv-skl",
    rendering=2,
)
GET_DISTRIBUTED_QUALITY_REPORT_3 = _contract(
    3,
    DistributedReport3,
    LOSSES_OF_2,
    "Only the WSDL's namespace is known, and that it is used by connecting directly. The message is this project's own"
    " reconstruction.",
    basis="reconstruction",
    without_rules=frozenset(),
)

CONTRACTS = MappingProxyType(
    {
        contract.id: contract
        for contract in (
            GET_QUALITY_INDICATORS_1,
            GET_QUALITY_INDICATORS_2,
            GET_QUALITY_INDICATORS_3,
            GET_DISTRIBUTED_QUALITY_REPORT_3,
        )
    }
)
