"""Status, reset and health, for the administrator on this machine only (platform reference 7).

The keys and formats are the platform's; what only a Java machine has is left out.
"""

from __future__ import annotations

import asyncio
import html
import platform
import resource
import socket
import sys
import time
from collections.abc import Callable
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version

import aiohttp
from aiohttp import web

from router.calls import CallLog
from router.catalogue import CatalogueStore
from router.settings import RouterSettings


class Administration:
    """The pages of the administration port."""

    def __init__(
        self,
        settings: RouterSettings,
        store: CatalogueStore,
        calls: CallLog,
        endpoints: Callable[[], list[str]],
        active_calls: Callable[[], int],
    ) -> None:
        """``endpoints`` gives the URLs of the entries, ``active_calls`` how many calls are in progress."""
        self._settings = settings
        self._store = store
        self._calls = calls
        self._endpoints = endpoints
        self._active_calls = active_calls
        self._started = time.monotonic()
        self._hsa_reset_at = store.last_refresh.at

    def application(self) -> web.Application:
        """Give the pages as an application of the HTTP server."""
        application = web.Application()
        application.add_routes(
            [
                web.get("/status", self.status),
                web.get("/resetcache", self.reset_cache),
                web.get("/resethsacache", self.reset_hsa_cache),
                web.get("/calls", self.calls),
                web.get("/actuator/health", self.health),
                web.get("/actuator/health/liveness", self.liveness),
                web.get("/actuator/health/readiness", self.health),
            ]
        )
        return application

    async def status(self, request: web.Request) -> web.Response:
        """Tell what runs here and how the catalogue is."""
        refresh = self._store.last_refresh
        values: dict[str, object] = {
            "Name": "Indikatorbryggan router",
            "Version": _version(),
            "BuildTime": "",
            "ServiceStatus": "Started",
            "Uptime": f"{time.monotonic() - self._started:.0f} s",
            "ManagementName": self._settings.instance_id,
            "Mode": self._settings.mode,
            "PythonVersion": platform.python_version(),
            "HttpLibraryVersion": f"aiohttp {aiohttp.__version__}",
            "TakCacheInitialized": str(refresh.is_initialised).lower(),
            "TakCacheResetInfo": (
                f"Date:{_minute(refresh.at)} Status:{refresh.status} "
                f"vagval:{refresh.routes} behorigheter:{refresh.permissions}"
            ),
            "HsaCacheInitialized": str(refresh.is_initialised).lower(),
            "HsaCacheResetInfo": f"Date:{_minute(self._hsa_reset_at)} Status:{refresh.status} units:{refresh.units}",
            "Endpoints": self._endpoints(),
            "ActiveCalls": self._active_calls(),
        }
        if refresh.problem:
            values["TakCacheProblem"] = refresh.problem
        if "memory" in request.query:
            values["MaxMemory"] = _peak_memory()
        return web.json_response(values)

    async def reset_cache(self, _request: web.Request) -> web.Response:
        """Read the catalogue anew and tell how that went."""
        before = time.perf_counter()
        refresh = await asyncio.to_thread(self._store.refresh)
        self._hsa_reset_at = refresh.at
        lines = [
            f"Host: {socket.gethostname()}",
            f"Date: {refresh.at.isoformat(timespec='seconds')}",
            f"Status: {refresh.status}",
            f"vagval: {refresh.routes}",
            f"behorigheter: {refresh.permissions}",
            *([f"Problem: {refresh.problem}"] if refresh.problem else []),
            f"Time: {(time.perf_counter() - before) * 1000:.0f} ms",
            f"Success: {str(refresh.is_initialised).lower()}",
        ]
        body = "".join(f"<br>{html.escape(line)}" for line in lines)
        return web.Response(body=body.encode(), headers={"Content-Type": "text/html;"})

    async def reset_hsa_cache(self, _request: web.Request) -> web.Response:
        """Read the HSA tree anew; it is part of the catalogue here."""
        before = self._store.last_refresh.units
        refresh = await asyncio.to_thread(self._store.refresh)
        self._hsa_reset_at = refresh.at
        text = f"HSA cache reset. Old size: {before}, new size: {refresh.units}."
        if refresh.units <= 1:
            text += " Warning: the HSA tree is empty or holds one unit; lookup climbs to SE at once."
        return web.Response(text=f"{text}\n")

    async def calls(self, _request: web.Request) -> web.Response:
        """Give the last calls of this process."""
        return web.json_response([record.as_dict() for record in self._calls.records])

    async def liveness(self, _request: web.Request) -> web.Response:
        """Tell that the process answers."""
        return web.json_response({"status": "UP"})

    async def health(self, _request: web.Request) -> web.Response:
        """Tell whether calls can be routed, with the state of the catalogue."""
        refresh = self._store.last_refresh
        state = "UP" if refresh.is_initialised else "DOWN"
        components = {
            "readinessState": {"status": "UP"},
            "takCache": {"status": state, "details": {"refreshStatus": str(refresh.status)}},
            "hsaCache": {"status": state, "details": {"units": refresh.units}},
        }
        body = {"status": state, "components": components}
        return web.json_response(body, status=200 if refresh.is_initialised else 503)


def _version() -> str:
    try:
        return version("indikatorbryggan")
    except PackageNotFoundError:
        return "unknown"


def _minute(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M")


def _peak_memory() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
