"""The sections of ``brygga.toml`` and the parts of the program that they belong to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from consumer.settings import ConsumerSettings
from contracts.model import ReportingParty
from gateway.settings import EffectiveValue, Settings
from producer.register import Register, open_register
from producer.register.settings import RegisterSettings
from producer.settings import ProducerSettings
from router.settings import RouterSettings

SECTIONS: dict[str, type[Any]] = {
    "system": ReportingParty,
    "organization": ReportingParty,
    "register": RegisterSettings,
    "producer": ProducerSettings,
    "consumer": ConsumerSettings,
    "router": RouterSettings,
}


def register_settings(settings: Settings) -> RegisterSettings:
    """Give the section ``[register]``."""
    return settings.build("register", RegisterSettings)


def register_of(settings: Settings, *, create: bool = False) -> Register:
    """Open the register that the settings name; ``create`` makes an empty one where there is none."""
    section = register_settings(settings)
    return open_register(section.url_from(settings.base), create=create, lock_wait_s=section.lock_wait_s)


def parties(settings: Settings) -> dict[str, Any]:
    """Give ``[system]`` and ``[organization]``, which the producer's answers name."""
    return {name: settings.build(name, ReportingParty) for name in ("system", "organization")}


def producer_settings(settings: Settings) -> ProducerSettings:
    """Give the section ``[producer]`` with the parties it answers for."""
    return settings.build("producer", ProducerSettings, **parties(settings))


def consumer_settings(settings: Settings) -> ConsumerSettings:
    """Give the section ``[consumer]``."""
    return settings.build("consumer", ConsumerSettings)


def router_settings(settings: Settings) -> RouterSettings:
    """Give the section ``[router]``."""
    return settings.build("router", RouterSettings)


def effective_settings(settings: Settings) -> Iterator[EffectiveValue]:
    """Give every value in force of the sections that are used, and where it comes from."""
    for name, kind in SECTIONS.items():
        if settings.has(name):
            given = parties(settings) if kind is ProducerSettings else {}
            yield from settings.effective(name, kind, **given)
