"""Settings of the contracts: section ``[contracts]``."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ContractSettings:
    """Which schema files stand in for the built-in ones."""

    packages: str = field(
        default="contract-packages",
        metadata={"help": "Folder of the official packages that `brygga contracts add` keeps."},
    )
