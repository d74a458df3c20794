"""Settings of the indicator catalogue: section ``[catalogue]``.

Without a catalogue file, imports are checked by the contract's rules only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

PUBLIC_API = "https://kvalitetsindikatorkatalog.se/services/api/1.0"


@dataclass(frozen=True)
class CatalogueSettings:
    """Where the catalogue is kept and fetched from."""

    file: Path = field(default=Path("catalogue.json"), metadata={"help": "File that holds the catalogue."})
    url: str = field(default=PUBLIC_API, metadata={"help": "The catalogue's API, for brygga catalogue sync."})
    measure_ids: tuple[str, ...] = field(
        default=(), metadata={"help": "Indicators that sync fetches; empty: those that the file already holds."}
    )
    timeout_s: float = field(default=20.0, metadata={"help": "Seconds to wait for each answer of the API."})
    max_age_h: float = field(
        default=24.0, metadata={"help": "Hours that an answer of the API is used before it is asked again."}
    )
    default_threshold: float | None = field(
        default=None,
        metadata={"help": "Smallest basis that is shown where the catalogue gives no threshold; none: all is shown."},
    )

    def __post_init__(self) -> None:
        if self.timeout_s <= 0:
            raise ValueError("timeout_s must be above 0")
        if not self.url.startswith(("https://", "http://")):
            raise ValueError("url must begin with https:// or http://")
