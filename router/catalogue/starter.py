"""A ready catalogue for one producer and its consumers, as ``brygga init`` and the demo need it.

Route and permission per contract in profile RIVTABP21, and an HSA tree of one unit.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from contracts.registry import ServiceContract
from router.catalogue.model import Catalogue, HsaUnit, Permission, Route
from router.catalogue.toml_file import write_catalogue

PROFILE = "RIVTABP21"


def write_starter_catalogue(
    path: Path,
    *,
    receivers: Iterable[str],
    senders: Iterable[str],
    contracts: Iterable[ServiceContract],
    producer_url: str,
) -> Catalogue:
    """Write a catalogue in which ``senders`` (HSA-ids) may call ``receivers`` (logical addresses) by ``contracts``.

    ``producer_url`` is scheme, host and port; each contract's own path is added. Raises ConfigurationError.
    """
    receivers, senders, contracts = tuple(receivers), tuple(senders), tuple(contracts)
    base = producer_url.rstrip("/")
    catalogue = Catalogue(
        routes=tuple(
            Route(receiver, contract.responder_namespace, PROFILE, base + contract.path)
            for receiver in receivers
            for contract in contracts
        ),
        permissions=tuple(
            Permission(sender, receiver, contract.responder_namespace)
            for sender in senders
            for receiver in receivers
            for contract in contracts
        ),
        units=tuple(HsaUnit(receiver) for receiver in receivers),
    )
    write_catalogue(path, catalogue)
    return catalogue
