"""The router inside another program: in a thread of its own, for the demo and for tests.

The same service as `router.workers.serve` with one process; ports may be chosen by the system.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvloop

from router.calls import CallRecord
from router.server import DRAIN_S, Router, bind
from router.settings import RouterSettings
from router.wsdl import BUILT_IN

_END_S = 5.0


@dataclass(frozen=True, slots=True)
class RunningRouter:
    """A router that takes calls: its URLs, and what passed through it."""

    https_url: str | None
    http_url: str | None
    admin_url: str | None
    router: Router

    def calls(self) -> list[CallRecord]:
        """Give the records of the last calls, oldest first."""
        return list(self.router.calls.records)


@contextmanager
def running_router(settings: RouterSettings, *, wsdl_files: Sequence[Path] = BUILT_IN) -> Iterator[RunningRouter]:
    """Run a router in a thread until the block ends. Raises ConfigurationError or CertificateError at start.

    ``wsdl_files``: as `Router`.
    """
    sockets = bind(settings)
    try:
        router = Router(settings, sockets, wsdl_files=wsdl_files)
    except BaseException:
        for one in sockets.all():
            one.close()
        raise
    urls = {url.partition(":")[0]: url for url in sockets.urls()}
    ready = threading.Event()
    stop: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def run() -> None:
        stopped = asyncio.Event()
        await router.start()
        stop.append((asyncio.get_running_loop(), stopped))
        ready.set()
        await stopped.wait()
        await router.stop()

    def run_thread() -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run())

    thread = threading.Thread(target=run_thread, name="router", daemon=True)
    running = RunningRouter(urls.get("https"), urls.get("http"), sockets.admin_url(), router)
    thread.start()
    while not ready.wait(0.1):
        if not thread.is_alive():
            raise RuntimeError("The router's thread ended before the router was ready.")
    try:
        yield running
    finally:
        loop, stopped = stop[0]
        loop.call_soon_threadsafe(stopped.set)
        thread.join(DRAIN_S + _END_S)
        if thread.is_alive():
            raise RuntimeError("The router's thread did not end.")
