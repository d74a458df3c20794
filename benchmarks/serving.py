"""A 10 000-measurement answer over mutual TLS against its peers, and the memory of a 100 000-measurement answer."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from benchmarks import fixtures
from benchmarks.harness import Figure, in_turns, measured, peak_memory
from benchmarks.servers import SYSTEM, Caller, make_keys, serving
from contracts.codes import OID_MEASURE
from contracts.model import II, DatePeriod, QualityIndicatorsRequest
from contracts.registry import GET_QUALITY_INDICATORS_2 as CONTRACT

_RUNS = 15
_EVERYTHING = DatePeriod("20000101", "20991231")
_MIB = 2**20


def question(*extensions: str, include_measurements: bool = True) -> bytes:
    """Write a request for these measureIds over all periods."""
    ids = tuple(II(OID_MEASURE, extension) for extension in extensions)
    return CONTRACT.codec.write_request(SYSTEM.hsa_id, QualityIndicatorsRequest(ids, _EVERYTHING, include_measurements))


def figures() -> list[Figure]:
    """Measure. The register has one indicator of 10 000 and nine more, 100 000 measurements in all."""
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        keys = make_keys(folder / "certs")
        url = fixtures.published_register(folder, measures=10, periods=10, units=1000)
        one, all_ten = question(fixtures.measure_id(0)), question(*map(fixtures.measure_id, range(10)))
        with serving(keys, register_url=url) as (listening, pid):
            product = Caller(keys, listening)
            answer = folder / "answer.xml"
            answer.write_bytes(product.fetch(one))
            os.environ["BENCHMARK_BYTES"] = str(answer)
            with serving(keys, application="benchmarks.peers.memory:application") as (ceiling, _):
                memory = Caller(keys, ceiling)
                ours, theirs = in_turns(_RUNS, lambda: product.call(one), lambda: memory.call(one))
            with serving(keys, application="benchmarks.peers.naive_spyne:application") as (slow, _):
                naive = measured(lambda: Caller(keys, slow).call(question("10000")))
            with peak_memory(pid) as peak:
                large_bytes = product.call(all_ten)
        size = answer.stat().st_size
    return [
        Figure(
            "10 000 measurements, naive Spyne time / ours",
            naive / ours,
            100,
            "at least",
            detail={"naive s": naive, "ours s": ours},
        ),
        Figure(
            "10 000 measurements, throughput / same server from memory",
            theirs / ours,
            0.4,
            "at least",
            detail={"MB": size / 1e6, "ours MB/s": size / ours / 1e6, "from memory MB/s": size / theirs / 1e6},
        ),
        Figure(
            "100 000-measurement answer, growth of the producer",
            peak.growth_bytes / _MIB,
            32,
            "at most",
            "MiB",
            {"answer MB": large_bytes / 1e6},
        ),
    ]
