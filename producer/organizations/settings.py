"""Settings of the register's hospitals and units: section ``[organizations]``."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class OrganizationsSettings:
    """Where the hospitals and units are listed."""

    file: Path = field(
        default=Path("organizations.csv"),
        metadata={"help": "Table of hospitals and units: brygga register template organizations organizations.csv"},
    )
