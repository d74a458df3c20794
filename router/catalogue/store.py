"""The catalogue in use: read, kept as a copy, read again while running, restored when its source is broken.

Implements the cache life cycle of platform reference 3.3 with its status names.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from enum import StrEnum
from pathlib import Path

import structlog

from contracts.errors import ConfigurationError
from router.catalogue.model import Catalogue
from router.catalogue.table import RoutingTable
from router.catalogue.toml_file import read_catalogue, write_catalogue
from router.settings import RoutingSettings

_log = structlog.get_logger("router.catalogue")
FileState = tuple[int, int, int] | None


class RefreshStatus(StrEnum):
    """How the last refresh went, by the platform's names."""

    REFRESH_OK = "REFRESH_OK"
    REUSING_EXISTING_CACHE = "REUSING_EXISTING_CACHE"
    RESTORED_FROM_LOCAL_CACHE = "RESTORED_FROM_LOCAL_CACHE"
    REFRESH_FAILED = "REFRESH_FAILED"


@dataclass(frozen=True, slots=True)
class Refresh:
    """Outcome of one refresh: status, when (local aware time), what went wrong, how many rows are in use."""

    status: RefreshStatus
    at: datetime
    problem: str
    routes: int
    permissions: int
    units: int

    @property
    def is_initialised(self) -> bool:
        """Whether calls can be routed at all; otherwise each gets VP008."""
        return self.status is not RefreshStatus.REFRESH_FAILED


class CatalogueStore:
    """Holds the table that calls use. `refresh` may be called from any thread; readers take `table` once per call."""

    def __init__(
        self,
        source: Path,
        kept: Path,
        *,
        routing: RoutingSettings,
        zone: tzinfo | None,
        all_or_nothing: bool,
        now: Callable[[], float] = time.time,
    ) -> None:
        """``zone`` as for `Validity.window`; ``all_or_nothing``: see `Behaviour.reload_all_or_nothing`."""
        self._source = source
        self._kept = kept
        self._routing = routing
        self._zone = zone
        self._all_or_nothing = all_or_nothing
        self._now = now
        self._lock = threading.Lock()
        self._state: FileState = None
        self.table: RoutingTable | None = None
        self.last_refresh = self.refresh()

    def refresh(self) -> Refresh:
        """Read the source now; never raises for a bad source, the status says what came of it."""
        with self._lock:
            self._state = _state_of(self._source)
            try:
                catalogue = read_catalogue(self._source)
                _check_filled(catalogue)
            except ConfigurationError as error:
                problem = "; ".join((error.message, *error.problems))
                outcome = self._fall_back(problem)
            else:
                self.table = self._make_table(catalogue)
                outcome = self._outcome(RefreshStatus.REFRESH_OK, self._keep(catalogue))
            self.last_refresh = outcome
            level = _log.info if outcome.status is RefreshStatus.REFRESH_OK else _log.error
            level("catalogue-refresh", status=str(outcome.status), problem=outcome.problem, routes=outcome.routes)
            return outcome

    def refresh_if_changed(self) -> Refresh | None:
        """Read the source again if the file is another one than last time."""
        return self.refresh() if _state_of(self._source) != self._state else None

    def _fall_back(self, problem: str) -> Refresh:
        if self.table is not None:
            if not self._all_or_nothing:
                self._take_new_routes(self.table.catalogue)
            return self._outcome(RefreshStatus.REUSING_EXISTING_CACHE, problem)
        try:
            kept = read_catalogue(self._kept)
        except ConfigurationError as error:
            return self._outcome(RefreshStatus.REFRESH_FAILED, f"{problem} And there is no kept copy: {error.message}")
        self.table = self._make_table(kept)
        return self._outcome(RefreshStatus.RESTORED_FROM_LOCAL_CACHE, problem)

    def _take_new_routes(self, present: Catalogue) -> None:
        """Take routes from a source whose permissions are missing, as the platform does when its second call fails."""
        try:
            routes = read_catalogue(self._source).routes
        except ConfigurationError:
            return
        if routes:
            self.table = self._make_table(replace(present, routes=routes))

    def _make_table(self, catalogue: Catalogue) -> RoutingTable:
        return RoutingTable(catalogue, self._routing, self._zone)

    def _keep(self, catalogue: Catalogue) -> str:
        try:
            write_catalogue(self._kept, catalogue)
        except ConfigurationError as error:
            return f"No copy could be kept. {error.message}"
        return ""

    def _outcome(self, status: RefreshStatus, problem: str) -> Refresh:
        catalogue = self.table.catalogue if self.table is not None else Catalogue()
        counts = (len(catalogue.routes), len(catalogue.permissions), len(catalogue.units))
        return Refresh(status, datetime.fromtimestamp(self._now()).astimezone(), problem, *counts)


def _check_filled(catalogue: Catalogue) -> None:
    for name, rows in (("routes", catalogue.routes), ("permissions", catalogue.permissions)):
        if not rows:
            raise ConfigurationError(f"The routing catalogue holds no {name}; it is taken as not loaded.")


def _state_of(path: Path) -> FileState:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
