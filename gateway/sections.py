"""The sections of ``brygga.toml`` and the parts of the program that they belong to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from consumer.settings import ConsumerSettings
from contracts.model import ReportingParty
from contracts.packages import with_added
from contracts.registry import ServiceContract
from contracts.settings import ContractSettings
from gateway.settings import EffectiveValue, Settings
from producer.catalogue.settings import CatalogueSettings
from producer.organizations.settings import OrganizationsSettings
from producer.register import Register, open_register
from producer.register.settings import RegisterSettings
from producer.settings import ContractChoice, ProducerSettings
from router.settings import RouterSettings

SECTIONS: dict[str, type[Any]] = {
    "system": ReportingParty,
    "organization": ReportingParty,
    "contracts": ContractSettings,
    "register": RegisterSettings,
    "catalogue": CatalogueSettings,
    "organizations": OrganizationsSettings,
    "producer": ProducerSettings,
    "consumer": ConsumerSettings,
    "router": RouterSettings,
}


def package_folder(settings: Settings) -> Path:
    """Give the folder of the contract packages that were added."""
    return settings.resolve(settings.build("contracts", ContractSettings).packages)


def contracts_of(settings: Settings) -> Mapping[str, ServiceContract]:
    """Give the contract versions with the packages that were added. Raises ConfigurationError."""
    return with_added(package_folder(settings))


def served_contracts(settings: Settings) -> tuple[ServiceContract, ...]:
    """Give the contract versions that the producer serves, which publishing prepares; needs no more of its section."""
    choice = settings.build("producer", ContractChoice, is_part=True, known_contracts=contracts_of(settings))
    return choice.served_contracts


def register_settings(settings: Settings) -> RegisterSettings:
    """Give the section ``[register]``."""
    return settings.build("register", RegisterSettings)


def catalogue_settings(settings: Settings) -> CatalogueSettings:
    """Give the section ``[catalogue]``, its file counted from the settings file's folder."""
    section = settings.build("catalogue", CatalogueSettings)
    return replace(section, file=settings.base / section.file)


def organizations_settings(settings: Settings) -> OrganizationsSettings:
    """Give the section ``[organizations]``, its file counted from the settings file's folder."""
    section = settings.build("organizations", OrganizationsSettings)
    return replace(section, file=settings.base / section.file)


def register_of(settings: Settings, *, create: bool = False) -> Register:
    """Open the register that the settings name; ``create`` makes an empty one where there is none."""
    section = register_settings(settings)
    return open_register(section.url_from(settings.base), create=create, lock_wait_s=section.lock_wait_s)


def parties(settings: Settings) -> dict[str, Any]:
    """Give ``[system]`` and ``[organization]``, which the producer's answers name."""
    return {name: settings.build(name, ReportingParty) for name in ("system", "organization")}


def producer_settings(settings: Settings) -> ProducerSettings:
    """Give the section ``[producer]`` with the parties it answers for."""
    return settings.build("producer", ProducerSettings, **_given(settings, ProducerSettings))


def consumer_settings(settings: Settings) -> ConsumerSettings:
    """Give the section ``[consumer]``."""
    return settings.build("consumer", ConsumerSettings, **_given(settings, ConsumerSettings))


def router_settings(settings: Settings) -> RouterSettings:
    """Give the section ``[router]``."""
    return settings.build("router", RouterSettings)


def effective_settings(settings: Settings) -> Iterator[EffectiveValue]:
    """Give every value in force of the sections that are used, and where it comes from."""
    for name, kind in SECTIONS.items():
        if settings.has(name):
            yield from settings.effective(name, kind, **_given(settings, kind))


def _given(settings: Settings, kind: type[Any]) -> dict[str, Any]:
    """Give what a section is told beside its own table."""
    given: dict[str, Any] = {}
    if kind is ProducerSettings:
        given |= parties(settings)
    if kind in (ProducerSettings, ConsumerSettings):
        given["known_contracts"] = contracts_of(settings)
    return given
