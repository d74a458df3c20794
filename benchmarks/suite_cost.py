"""What checking a complete report costs: schema, Schematron, every rule; from 1 000 to 100 000 measurements.

Each size runs in a process of its own, so that its peak memory is its own. Time is processor time per measurement,
after a warm-up that compiles schema and Schematron.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import click

from benchmarks.harness import Figure, own_peak_bytes, report
from contracts.codes import LAN, OID_HSA_ID, OID_LAN, OID_LAND, OID_MEASURE
from contracts.model import (
    II,
    DatePeriod,
    Measurement,
    PerformingOrganization,
    ProportionMeasure,
    ReportHead,
    ReportingParty,
    SourceSystem,
)
from contracts.registry import GET_QUALITY_INDICATORS_2 as CONTRACT
from testsuites.endpoint import Access
from testsuites.exchange import CHUNK_BYTES, Body, Exchange, HttpRequest
from testsuites.model import CaseFinished, RunInfo, Status
from testsuites.plan import make_plan
from testsuites.runner import run
from testsuites.session import Session
from testsuites.suites import all_suites
from testsuites.target import Target

SIZES = (1_000, 10_000, 100_000)
CASES = ("protocol.1", "schema.complete", "schematron.own", "rules")
_SYSTEM = "SE9990001112-BENCH"
_PERIOD = DatePeriod("20240101", "20241231")
_MONTHS = 10
_MEASURES = 10
_RUNS = {1_000: 9, 10_000: 3, 100_000: 1}
_MIB = 2**20


def figures() -> list[Figure]:
    """Measure every size and compare the cost per measurement and the memory."""
    with tempfile.TemporaryDirectory() as directory:
        measured = {size: _measure_apart(Path(directory), size) for size in SIZES}
    small, large = measured[SIZES[0]], measured[SIZES[-1]]
    detail: dict[str, float | str] = {f"{size} us": one["microseconds"] for size, one in measured.items()}
    memory: dict[str, float | str] = {f"{size} MiB": one["growth_mib"] for size, one in measured.items()}
    return [
        Figure(
            "Suite, cost per measurement, 100 000 / 1 000",
            large["microseconds"] / small["microseconds"],
            1.3,
            "at most",
            detail=detail,
        ),
        Figure("Suite, memory growth for 100 000 measurements", large["growth_mib"], 128, "at most", "MiB", memory),
    ]


def _measure_apart(folder: Path, size: int) -> dict[str, float]:
    file = folder / f"{size}.xml"
    with file.open("wb") as out:
        out.writelines(_answer(size))
    command = [sys.executable, "-m", "benchmarks.suite_cost", "--one", str(file), "--size", str(size)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    file.unlink()
    result: dict[str, float] = json.loads(done.stdout)
    return result


def _answer(size: int) -> Iterator[bytes]:
    """Write a valid report of ``size`` measurements: ten indicators, ten months, as many units as it takes."""
    codec = CONTRACT.codec
    party = ReportingParty(_SYSTEM)
    yield codec.answer_prefix(ReportHead("0" * 64, DatePeriod("20240101", "20241030"), party, party))
    source = codec.source_fragment(SourceSystem(II(OID_HSA_ID, _SYSTEM), "Benchmarkregistret (påhittat)"))
    land = PerformingOrganization("Riket", "Land", None, II(OID_LAND, "SE"))
    counties = [
        PerformingOrganization(lan.name, "Lan", None, II(OID_LAN, code), land) for code, lan in sorted(LAN.items())
    ]
    for unit in range(size // (_MONTHS * _MEASURES)):
        county = counties[unit % len(counties)]
        name, hsa_id = f"Vårdcentralen påhittad {unit}", f"SE9990001112-E{unit:05}"
        organization = PerformingOrganization(name, "Vardenhet", hsa_id, None, county)
        fragment = codec.organization_fragment(organization)
        for measure in range(_MEASURES):
            for month in range(1, _MONTHS + 1):
                numerator, denominator = 20 + unit % 29, 50 + (unit + month) % 397
                yield codec.measurement_fragment(
                    Measurement(
                        II(OID_MEASURE, f"measure-{measure}"),
                        1,
                        DatePeriod(f"2024{month:02}01", f"2024{month:02}{29 if month == 2 else 30}"),
                        ProportionMeasure(round(numerator / denominator, 4), denominator, numerator),
                        organization,
                        SourceSystem(II(OID_HSA_ID, _SYSTEM), ""),
                    ),
                    organization=fragment,
                    source=source,
                )
    yield codec.answer_suffix()


class _FromFile:
    """A transport that gives one file as the answer to everything."""

    is_recorded = True

    def __init__(self, file: Path) -> None:
        self._file = file

    def send(self, request: HttpRequest) -> Exchange:
        body = Body()
        with self._file.open("rb") as source:
            while data := source.read(CHUNK_BYTES):
                body.write(data)
        return Exchange(request, 200, (("Content-Type", "text/xml; charset=UTF-8"),), body)

    def close(self) -> None:
        """Nothing to give back."""


def _check(file: Path) -> None:
    """Run the cases on a file. Raises AssertionError when one does not hold."""
    ids = tuple(f"measure-{number}" for number in range(_MEASURES))
    target = Target(Access("http://127.0.0.1/"), _SYSTEM, ids, _PERIOD)
    session = Session(target, _FromFile(file))
    plan = make_plan([suite for suite in all_suites() if suite.id != "connection"], CASES)
    info = RunInfo("benchmark", "file", _SYSTEM, "", (), "benchmark", is_recorded=True)
    for event in run(plan, session, info):
        if isinstance(event, CaseFinished):
            assert event.outcome.status in (Status.PASSED, Status.REMARK), event.outcome.summary.en
    session.close()


def _measure_one(file: Path, size: int) -> dict[str, float]:
    with tempfile.NamedTemporaryFile(suffix=".xml") as warm:
        warm.writelines(_answer(_MONTHS * _MEASURES))
        warm.flush()
        _check(Path(warm.name))
    before = own_peak_bytes()
    seconds = statistics.median(_timed(file) for _ in range(_RUNS[size]))
    return {"microseconds": seconds / size * 1e6, "growth_mib": (own_peak_bytes() - before) / _MIB}


def _timed(file: Path) -> float:
    begun = time.process_time()
    _check(file)
    return time.process_time() - begun


@click.command()
@click.option("--one", type=click.Path(exists=True, path_type=Path), help="Measure this file (used by itself).")
@click.option("--size", type=int, default=0)
def main(one: Path | None, size: int) -> None:
    """Print the figures."""
    if one is None:
        sys.exit(0 if report(figures()) else 1)
    click.echo(json.dumps(_measure_one(one, size)))


if __name__ == "__main__":
    main()
