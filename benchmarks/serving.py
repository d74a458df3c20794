"""A 10 000-measurement answer over mutual TLS against its peers, plain and compressed; memory of a large answer."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from benchmarks import fixtures, foreign
from benchmarks.harness import Missing, Picture, Results, call_by_call, measured, peak_memory, processor_seconds
from benchmarks.servers import SYSTEM, Caller, Keys, make_keys, serving
from contracts.codes import OID_MEASURE
from contracts.model import II, DatePeriod, QualityIndicatorsRequest
from contracts.registry import GET_QUALITY_INDICATORS_2 as CONTRACT

_RUNS = 15
_CALLS = 8
_SLOW_RUNS, _SLOW_CALLS = 3, 4
_EVERYTHING = DatePeriod("20000101", "20991231")
_MIB = 2**20
# Peer, how it is started, and how many times its throughput ours must be (None: to know it).
_FAST_PEERS = (
    ("gSOAP", foreign.gsoap, 5.0),
    ("gSOAP with objects made once", foreign.gsoap_kept, None),
    ("nginx with the bytes as a file", foreign.nginx_file, None),
)
_SLOW_PEERS = (("node-soap", foreign.node_soap, 20.0), ("PHP SoapServer", foreign.php_soap, None))


def question(*extensions: str, include_measurements: bool = True, period: DatePeriod = _EVERYTHING) -> bytes:
    """Write a request for these measureIds over all periods, or one."""
    ids = tuple(II(OID_MEASURE, extension) for extension in extensions)
    return CONTRACT.codec.write_request(SYSTEM.hsa_id, QualityIndicatorsRequest(ids, period, include_measurements))


def results(*, is_full: bool) -> Results:
    """Measure. The register has one indicator of 10 000 and nine more, 100 000 measurements in all."""
    found = Results()
    with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
        folder = Path(directory)
        keys = make_keys(folder / "certs")
        url = fixtures.published_register(folder, measures=10, periods=10, units=1000)
        one = question(fixtures.measure_id(0))
        port, pid = stack.enter_context(serving(keys, register_url=url))
        product = Caller(keys, port)
        answer = folder / "answer.xml"
        answer.write_bytes(product.fetch(one))
        _against_peers(found, stack, keys, folder, product, one, answer)
        _compressed(found, product, pid, one, answer.stat().st_size)
        with peak_memory(pid) as peak:
            large_bytes = product.call(question(*map(fixtures.measure_id, range(10))))
        growth = peak.growth_bytes / _MIB
        found.add("100 000-measurement answer, growth of the producer", growth, 32, unit="MiB", MB=large_bytes / 1e6)
    return found


def _against_peers(
    found: Results, stack: ExitStack, keys: Keys, folder: Path, product: Caller, one: bytes, answer: Path
) -> None:
    os.environ["BENCHMARK_BYTES"] = str(answer)
    ceiling, _ = stack.enter_context(serving(keys, application="benchmarks.peers.memory:application"))
    memory = Caller(keys, ceiling)
    size = answer.stat().st_size / 1e6
    fast = {"same server from memory": (memory, 0.5), **_started(found, stack, keys, folder, answer, _FAST_PEERS)}
    slow = _started(found, stack, keys, folder, answer, _SLOW_PEERS)
    times: dict[str, list[float]] = {}
    for peers, runs, calls in ((fast, _RUNS, _CALLS), (slow, _SLOW_RUNS, _SLOW_CALLS)):
        actions: list[Callable[[], object]] = [lambda: product.call(one)]
        actions += [lambda caller=caller: caller.call(one) for caller, _ in peers.values()]
        ours, *others = call_by_call(runs, calls, *actions)
        times.setdefault("this producer", [size / ours])
        for (name, (_, goal)), theirs in zip(peers.items(), others, strict=True):
            times[name] = [size / theirs]
            found.add(
                f"10 000 measurements, throughput / {name}",
                theirs / ours,
                goal,
                "at least",
                ours_MB_per_s=size / ours,
                theirs_MB_per_s=size / theirs,
            )
    with serving(keys, application="benchmarks.peers.naive_spyne:application") as (slowest, _):
        naive = measured(lambda: Caller(keys, slowest).call(question("10000")))
    ours = size / times["this producer"][0]
    times["naive Spyne"] = [size / naive]
    found.add("10 000 measurements, naive Spyne time / ours", naive / ours, 100, "at least", naive_s=naive, ours_s=ours)
    found.pictures.append(
        Picture("throughput", "A 10 000-measurement answer over mutual TLS", "MB/s (log)", "bars", times)
    )


def _started(
    found: Results, stack: ExitStack, keys: Keys, folder: Path, answer: Path, peers: tuple
) -> dict[str, tuple[Caller, float | None]]:
    running = {}
    for name, start, goal in peers:
        try:
            caller = Caller(keys, stack.enter_context(start(keys, folder, answer)))
            caller.call(question("warm-up"))
            running[name] = caller, goal
        except Missing as reason:
            found.skipped.append(f"{name}: {reason}")
    return running


def _compressed(found: Results, product: Caller, pid: int, one: bytes, plain_bytes: int) -> None:
    """Compare what is sent and what the server's processors do for an answer, compressed and plain."""
    wire = len(product.fetch(one, **{"Accept-Encoding": "gzip"}))
    spent = [0.0, 0.0]
    for _ in range(_RUNS):
        for position, encoding in enumerate(("identity", "gzip")):
            before = processor_seconds(pid)
            for _ in range(_CALLS):
                product.call(one, **{"Accept-Encoding": encoding})
            spent[position] += processor_seconds(pid) - before
    calls = _RUNS * _CALLS
    found.add(
        "10 000 measurements, bytes on the wire gzip / plain", wire / plain_bytes, 1 / 15, plain=plain_bytes, gzip=wire
    )
    found.add(
        "10 000 measurements, processor time of the server gzip / plain",
        spent[1] / spent[0],
        0.3,
        plain_ms=spent[0] / calls * 1000,
        gzip_ms=spent[1] / calls * 1000,
    )
