"""Many callers at one time, producers that hang, reset and send garbage: others are served, nothing leaks.

The router runs in a process of its own, as `brygga router serve` runs it.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import re
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest
from router_lab import PRODUCER_CONTRACT, Lab, message

from certs.tls import client_context
from router.calls import read_calls
from router.server import Sockets
from router.settings import RouterSettings
from router.workers import serve


@dataclass(frozen=True, slots=True)
class Served:
    """A router in another process."""

    url: str
    admin_url: str
    process: psutil.Process
    worker: BaseProcess


@contextmanager
def served(settings: RouterSettings) -> Iterator[Served]:
    """Run a router in a process until the block ends, then expect it to end well."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(settings, there))
    process.start()
    try:
        assert here.poll(30), "the router did not start"
        url, admin_url = here.recv()
        yield Served(url.replace("127.0.0.1", "localhost"), admin_url, psutil.Process(process.pid), process)
    finally:
        if process.is_alive():
            process.terminate()
            process.join(20)
    assert process.exitcode == 0


def _serve(settings: RouterSettings, ready: Connection) -> None:
    def announce(sockets: Sockets) -> None:
        ready.send((sockets.urls()[0], sockets.admin_url()))

    serve(settings, announce=announce)


async def _call(session: aiohttp.ClientSession, url: str, kind: str) -> tuple[str, str, float]:
    """Give kind, outcome and duration of one call."""
    text = message(f"SE9990001112-DOES-{kind}", contract=PRODUCER_CONTRACT)
    begun = time.monotonic()
    try:
        async with session.post(url, data=text.encode(), headers={"Content-Type": "text/xml; charset=UTF-8"}) as answer:
            body = await answer.text()
    except (aiohttp.ClientPayloadError, aiohttp.ServerDisconnectedError):
        return kind, "broken off", time.monotonic() - begun
    found = re.search(r"VP\d{3}", body)
    if found:
        address = re.search(r"at address http://127\.0\.0\.1:\d+/", body)
        assert address, "the fault does not name the producer"
        assert "[The platform under test]" in body
    return kind, found[0] if found else str(answer.status), time.monotonic() - begun


async def _call_all(lab: Lab, url: str, kinds: list[str], *, warm: bool = False) -> list[tuple[str, str, float]]:
    """Make calls side by side; ``warm``: on connections that stand already, so that handshakes are not in the times."""
    connector = aiohttp.TCPConnector(limit=0, ssl=client_context(lab.tls("consumer")))
    async with aiohttp.ClientSession(connector=connector, trust_env=False) as session:
        if warm:
            await asyncio.gather(*(_call(session, url, "ECHO") for _ in kinds))
        return await asyncio.gather(*(_call(session, url, kind) for kind in kinds))


async def _status(admin_url: str) -> dict[str, Any]:
    async with aiohttp.ClientSession(trust_env=False) as session, session.get(f"{admin_url}/status") as answer:
        status: dict[str, Any] = json.loads(await answer.text())
    return status


def _wait_until_idle(router: Served) -> None:
    for _ in range(100):
        if asyncio.run(_status(router.admin_url))["ActiveCalls"] == 0:
            return
        time.sleep(0.05)
    raise AssertionError("calls are still in progress")


def test_200_callers_with_bad_producers(lab: Lab) -> None:
    kinds = ["SLOW"] * 50 + ["RESET"] * 40 + ["GARBAGE"] * 40 + ["BROKEN-OFF"] * 20 + ["ECHO"] * 50
    kinds = [kinds[(number * 73) % len(kinds)] for number in range(len(kinds))]
    settings = lab.settings("strict", producer_timeout_s=3.0, producer_keep_alive_s=0.3, message_log=None)
    with served(settings) as router:
        asyncio.run(_call_all(lab, router.url, ["ECHO"] * 5))
        _wait_until_idle(router)
        open_before, threads_before = router.process.num_fds(), router.process.num_threads()
        results = asyncio.run(_call_all(lab, router.url, kinds, warm=True))
        outcomes = Counter((kind, outcome) for kind, outcome, _ in results)
        assert outcomes == {
            ("SLOW", "VP009"): 50,
            ("RESET", "VP009"): 40,
            ("GARBAGE", "VP009"): 40,
            ("BROKEN-OFF", "broken off"): 20,
            ("ECHO", "200"): 50,
        }
        assert max(took for kind, _, took in results if kind == "ECHO") < 3.0, "good calls waited for hanging ones"
        _wait_until_idle(router)
        for _ in range(100):
            if router.process.num_fds() <= open_before + 2:
                break
            time.sleep(0.05)
        else:
            raise AssertionError(f"{router.process.num_fds()} open files, {open_before} before")
        assert router.process.num_threads() <= threads_before + 5
    recorded = Counter(record.outcome for record in read_calls(settings.call_log or Path(), 1000))
    assert recorded == {"VP009": 130, "broken-answer": 20, "ok": 255}


def test_caller_that_leaves_ends_the_call_to_the_producer(lab: Lab) -> None:
    with served(lab.settings("strict", producer_timeout_s=20.0, max_message_bytes=2_000_000_000)) as router:

        async def leave() -> None:
            connector = aiohttp.TCPConnector(ssl=client_context(lab.tls("consumer")))
            text = message("SE9990001112-DOES-ENDLESS", contract=PRODUCER_CONTRACT)
            async with (
                aiohttp.ClientSession(connector=connector, trust_env=False) as session,
                session.post(router.url, data=text.encode()) as answer,
            ):
                await answer.content.readexactly(1_000_000)
                answer.close()

        asyncio.run(leave())
        _wait_until_idle(router)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["strict", "compat"])
def test_large_answers_take_bounded_memory(lab: Lab, mode: str) -> None:
    readers, size = 6, 16_000_000
    with served(lab.settings(mode, max_message_bytes=64_000_000, producer_timeout_s=20.0)) as router:
        asyncio.run(_read_slowly(lab, router, 1))
        before = router.process.memory_full_info().uss
        peak = asyncio.run(_read_slowly(lab, router, readers))
        assert peak - before < readers * 4 * 2**20, (
            f"{(peak - before) / readers / 2**20:.1f} MiB for each of {size} bytes"
        )


async def _read_slowly(lab: Lab, router: Served, count: int) -> int:
    """Read answers of 16 MB side by side, stopping in the middle of each; give the router's memory there."""
    connector = aiohttp.TCPConnector(limit=0, ssl=client_context(lab.tls("consumer")))
    text = message("SE9990001112-DOES-HUGE", contract=PRODUCER_CONTRACT).encode()
    async with aiohttp.ClientSession(connector=connector, trust_env=False) as session:
        answers = await asyncio.gather(*(session.post(router.url, data=text) for _ in range(count)))
        for answer in answers:
            await answer.content.readexactly(1_000_000)
        await asyncio.sleep(0.3)
        used = router.process.memory_full_info().uss
        for answer in answers:
            assert len(await answer.read()) > 15_000_000 - 1_000_000
            answer.release()
    return int(used)


@pytest.mark.slow
def test_workers_share_the_entry_and_end_on_sigterm(lab: Lab) -> None:
    settings = lab.settings("strict", workers=2, admin_port=None, message_log=None)
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(settings, there))
    process.start()
    assert here.poll(30)
    url, _ = here.recv()
    for _ in range(100):
        workers = psutil.Process(process.pid).children()
        if len([one for one in workers if "spawn_main" in " ".join(one.cmdline())]) == 2:
            break
        time.sleep(0.05)
    outcomes = asyncio.run(_call_all(lab, url.replace("127.0.0.1", "localhost"), ["ECHO"] * 40))
    assert {outcome for _, outcome, _ in outcomes} == {"200"}
    settings.catalogue.write_text(lab.catalogue_text().replace("DOES-ECHO", "DOES-OTHER"), encoding="utf-8")
    os.kill(process.pid or 0, signal.SIGHUP)
    for _ in range(100):
        changed = asyncio.run(_call_all(lab, url.replace("127.0.0.1", "localhost"), ["OTHER"] * 8))
        if {outcome for _, outcome, _ in changed} == {"200"}:
            break
        time.sleep(0.05)
    else:
        raise AssertionError("the catalogue was not read anew by every worker")
    process.terminate()
    process.join(20)
    assert process.exitcode == 0


def test_sigterm_lets_calls_in_flight_finish(lab: Lab) -> None:
    settings = lab.settings("strict", faults_by_header=True)
    with served(settings) as router:

        async def call_and_stop() -> int:
            connector = aiohttp.TCPConnector(ssl=client_context(lab.tls("consumer")))
            async with aiohttp.ClientSession(connector=connector, trust_env=False) as session:
                headers = {"x-brygga-inject": "delay=0.8"}
                call = asyncio.create_task(session.post(router.url, data=message().encode(), headers=headers))
                await asyncio.sleep(0.4)
                router.process.send_signal(signal.SIGTERM)
                async with await call as answer:
                    await answer.read()
                    return answer.status

        assert asyncio.run(call_and_stop()) == 200
        router.worker.join(20)
