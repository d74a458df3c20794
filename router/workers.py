"""The router as a program: one process, or several that share the listening sockets; signals.

Each process has its own event loop, catalogue and connections to producers; none knows of the others.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import resource
import signal
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

import uvloop

from contracts.errors import ConfigurationError
from router.server import Router, Sockets, bind
from router.settings import RouterSettings
from router.wsdl import BUILT_IN

_START_S = 60.0


def _nothing() -> None:
    pass


def serve(
    settings: RouterSettings,
    *,
    announce: Callable[[Sockets], None],
    prepare_worker: Callable[[], None] = _nothing,
    wsdl_files: Sequence[Path] = BUILT_IN,
) -> None:
    """Run the router until SIGTERM or SIGINT; SIGHUP reads the catalogue anew. Raises as `bind` and `Router`.

    ``announce`` is called when calls are taken. ``prepare_worker`` runs first in each further process, to set up
    logging there; it has to be picklable. ``wsdl_files``: as `Router`. Calls in flight are let finish.
    """
    _raise_file_limit()
    sockets = bind(settings)
    if settings.workers > 1:
        _Supervisor(settings, sockets, prepare_worker, wsdl_files).run(announce)
    else:
        uvloop.run(_run(Router(settings, sockets, wsdl_files=wsdl_files), lambda: announce(sockets)))
        _ignore_signals()


async def _run(router: Router, ready: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    loop.add_signal_handler(signal.SIGHUP, loop.run_in_executor, None, router.store.refresh)
    await router.start()
    ready()
    await stopped.wait()
    await router.stop()


class _Supervisor:
    """Starts the worker processes, passes signals on to them, and ends with them."""

    def __init__(
        self,
        settings: RouterSettings,
        sockets: Sockets,
        prepare_worker: Callable[[], None],
        wsdl_files: Sequence[Path],
    ) -> None:
        self._settings = settings
        self._sockets = sockets
        self._prepare_worker = prepare_worker
        self._wsdl_files = tuple(wsdl_files)
        self._processes: list[BaseProcess] = []
        self._is_ready = False
        self._is_stopping = False

    def run(self, announce: Callable[[Sockets], None]) -> None:
        Router(self._settings, self._sockets, wsdl_files=self._wsdl_files).discard()  # a problem is told once, here
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._pass_on)
        pipes = [self._start(worker) for worker in range(self._settings.workers)]
        if all(_is_ready(pipe) for pipe in pipes):
            self._is_ready = True
            announce(self._sockets)
        for one in self._sockets.all():
            one.close()
        self._wait()

    def _start(self, worker: int) -> Connection:
        admin = self._sockets.admin if worker == 0 else None
        sockets = Sockets(self._sockets.https, self._sockets.http, admin)
        spawn = multiprocessing.get_context("spawn")
        here, there = spawn.Pipe()
        arguments = (self._settings, sockets, worker, there, self._prepare_worker, self._wsdl_files)
        process = spawn.Process(target=_work, args=arguments, name=f"router-{worker}")
        process.start()
        there.close()
        self._processes.append(process)
        return here

    def _wait(self) -> None:
        """Wait until one worker ends, then end the others."""
        wait([process.sentinel for process in self._processes])
        was_asked = self._is_stopping
        self._pass_on(signal.SIGTERM, None)
        for process in self._processes:
            process.join()
        failed = [process.name for process in self._processes if process.exitcode not in (0, -signal.SIGTERM)]
        if failed or not was_asked:
            raise ConfigurationError(
                f"The router stopped because of {', '.join(failed) or 'a worker process'}, which ended by itself. "
                "The log above says why."
            )

    def _pass_on(self, number: int, _frame: object) -> None:
        if number == signal.SIGHUP and not self._is_ready:
            return  # workers that are starting read the catalogue anyway
        if number != signal.SIGHUP:
            if self._is_stopping:
                return
            self._is_stopping = True
        for process in self._processes:
            if process.pid is not None and process.is_alive():
                os.kill(process.pid, number)


def _is_ready(pipe: Connection) -> bool:
    """Wait until a worker says that it takes calls; False when it has ended instead."""
    try:
        return pipe.poll(_START_S) and bool(pipe.recv())
    except EOFError:
        return False


def _work(
    settings: RouterSettings,
    sockets: Sockets,
    worker: int,
    supervisor: Connection,
    prepare: Callable[[], None],
    wsdl_files: Sequence[Path],
) -> None:
    prepare()
    router = Router(settings, sockets, worker=worker, wsdl_files=wsdl_files)
    uvloop.run(_run(router, lambda: supervisor.send(True)))
    _ignore_signals()


def _ignore_signals() -> None:
    """Let a second signal not kill a process that has stopped properly and is about to end."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)


def _raise_file_limit() -> None:
    """Allow as many open sockets as the system grants; each call needs two."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
