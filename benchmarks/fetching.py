"""The consumer: a fetch with its storing against plain zeep objects, each in a fresh process."""

from __future__ import annotations

import multiprocessing
import os
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import fixtures
from benchmarks.harness import Results, measured, peak_memory
from benchmarks.servers import SYSTEM, Keys, make_keys, serving
from contracts.codes import OID_MEASURE
from contracts.registry import GET_QUALITY_INDICATORS_2 as CONTRACT

_RUNS = 3
_MIB = 2**20
_PERIOD = ("20000101", "20991231")
# The same measurements under another question.


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds, and peak memory less what the process held before."""

    seconds: float
    growth_bytes: int
    measurements: int


def fetch_and_store(keys: Keys, port: int, store_url: str, measure_ids: list[str]) -> Cost:
    """Fetch with the product into a store."""
    from consumer.client import ProducerClient
    from consumer.fetching import fetch_into
    from consumer.question import Question
    from consumer.settings import ProducerConnection
    from consumer.store import Store

    count: list[int] = []
    connection = ProducerConnection(f"https://127.0.0.1:{port}{CONTRACT.path}", SYSTEM.hsa_id, keys.client)
    with Store(store_url) as store, ProducerClient(connection) as client:
        question = Question.of(SYSTEM.hsa_id, measure_ids, *_PERIOD)
        client.checksum(question.measure_ids, question.period)
        with peak_memory(os.getpid()) as peak:
            seconds = measured(lambda: count.append(fetch_into(store, client, question).facts.measurements))
    return Cost(seconds, peak.growth_bytes, count[0])


def fetch_as_objects(keys: Keys, port: int, measure_ids: list[str]) -> Cost:
    """Fetch with zeep as its documentation shows it."""
    import requests
    import zeep

    session = requests.Session()
    session.trust_env = False
    session.verify = str(keys.client.ca)
    session.cert = (str(keys.client.certificate), str(keys.client.private_key))
    client = zeep.Client(str(CONTRACT.wsdl), transport=zeep.Transport(session=session))
    service = client.create_service(next(iter(client.wsdl.bindings)), f"https://127.0.0.1:{port}{CONTRACT.path}")

    def fetch(ids: list[str], *, include: bool) -> Any:
        return service.GetQualityIndicators(
            _soapheaders={"LogicalAddress": SYSTEM.hsa_id},
            measureId=[{"root": OID_MEASURE, "extension": one} for one in ids],
            reportingPeriod={"start": _PERIOD[0], "end": _PERIOD[1]},
            includeMeasurements=include,
        )

    fetch(measure_ids[:1], include=False)
    answers: list[Any] = []
    with peak_memory(os.getpid()) as peak:
        seconds = measured(lambda: answers.append(fetch(measure_ids, include=True)))
    report = getattr(answers[0], "AggregatedQualityReport", answers[0])
    return Cost(seconds, peak.growth_bytes, len(report.measurement))


def results(*, is_full: bool) -> Results:
    """Measure 10 000 measurements."""
    found = Results()
    context = multiprocessing.get_context("spawn")
    ours, theirs = [], []
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        keys = make_keys(folder / "certs")
        url = fixtures.published_register(folder, measures=1, periods=10, units=1000)
        ids = [fixtures.measure_id(0)]
        with serving(keys, register_url=url) as (port, _):
            for run in range(_RUNS):
                with context.Pool(1) as pool:
                    ours.append(pool.apply(fetch_and_store, (keys, port, f"sqlite:///{folder}/store{run}.db", ids)))
                with context.Pool(1) as pool:
                    theirs.append(pool.apply(fetch_as_objects, (keys, port, ids)))
    ours_s, zeep_s = (statistics.median(cost.seconds for cost in costs) for costs in (ours, theirs))
    growth, zeep_growth = (max(cost.growth_bytes for cost in costs) / _MIB for costs in (ours, theirs))
    count = ours[0].measurements
    assert count == theirs[0].measurements == 10_000
    found.add(
        "fetch and store 10 000, zeep objects time / ours", zeep_s / ours_s, 8, "at least", zeep_s=zeep_s, ours_s=ours_s
    )
    found.add("fetch and store 10 000, growth of the consumer", growth, 80, unit="MiB", zeep_objects_MiB=zeep_growth)
    return found
