"""Settings of the register database: section ``[register]`` (design 3 and 4).

SQLite is the embedded default; any process that is given the same URL shares the register.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from contracts.errors import ConfigurationError
from producer.register.sources import Source


@dataclass(frozen=True)
class RegisterSettings:
    """Where the register is and how it is kept."""

    url: str = field(
        default="sqlite:///register.sqlite",
        metadata={"help": "Database: sqlite:///FILE (relative to the settings file) or postgresql+psycopg://..."},
    )
    read_url: str | None = field(
        default=None,
        metadata={"help": "Database that the producer reads from, such as a replica [default: the same as url]."},
    )
    keep_publications: int = field(
        default=10,
        metadata={"help": "Publications kept for rollback; fewer take less room, 1 leaves nothing to go back to."},
    )
    lock_wait_s: float = field(
        default=10.0,
        metadata={"help": "Seconds an import or publish waits for another one before it gives up."},
    )
    sources: tuple[Source, ...] = field(
        default=(), metadata={"help": "Databases of the register's own, read by brygga register pull."}
    )

    def __post_init__(self) -> None:
        if self.keep_publications < 1:
            raise ValueError("keep_publications must be at least 1")
        if self.lock_wait_s < 0:
            raise ValueError("lock_wait_s must not be negative")

    def url_from(self, base: Path) -> str:
        """Give ``url`` with a relative SQLite file counted from ``base``. Raises ConfigurationError."""
        return absolute_url(self.url, base)

    def read_url_from(self, base: Path) -> str:
        """Give the URL that the producer reads from, as `url_from`."""
        return absolute_url(self.read_url or self.url, base)


def absolute_url(url: str, base: Path) -> str:
    """Give ``url`` with a relative SQLite file counted from ``base``. Raises ConfigurationError."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ConfigurationError(
            f"The database URL {url!r} cannot be read. Write sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME."
        ) from None
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        return url
    return str(parsed.set(database=str((base / Path(parsed.database).expanduser()).absolute())))
