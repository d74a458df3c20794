"""The demo's chapter on the other contract versions: the same register asked in every one, and distributed results.

Two versions are reconstructions: off in a producer until its settings turn them on (domain reference 4.3).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from consumer.exports import as_dicts
from consumer.store import Selection, Store
from contracts.distributed_model import FEWEST_UNITS
from contracts.registry import CONTRACTS
from gateway.demo_steps import Step, Story, at, expect
from gateway.distributed_demo import INDICATORS, write_distributed_demo

_UNITS = 12
_YEARS = (2024, 2025)
_ONE = "GetQualityIndicators:1"
_THREE = "GetQualityIndicators:3"
_DEFAULT = 'contracts = ["GetQualityIndicators:2"]'
# What version 1.0 cannot say, or says otherwise (docs/contract-versions.md).
_NOT_IN_VERSION_1 = ("measure_version_id", "unit", "method", "source_system", "source_system_name", "fetched_at")
_REASONS_OF_VERSION_1 = {"INV": "UNK", "NI": "UNK"}


def other_versions(story: Story, producer: ExitStack, question: Sequence[str], checksum: str) -> None:
    """Tell the chapter; ``producer`` holds the running producer, ``checksum`` is what ``question`` has in 2.0."""
    with story.step("Results by sex, age and value class, in a form of our own") as step:
        write_distributed_demo(story.folder / "distributed.csv", units=_UNITS, years=_YEARS)
        data = story.brygga(step, "distributed", "import", "distributed.csv")
        expect(data["references"] == len(INDICATORS) * len(_YEARS), "not every indicator and year has reference values")
        step.outcome = f"{data['measurements']} results of {_UNITS} invented units, and what they have together"
    with story.step("Every contract version from one register; two are reconstructions and must be allowed") as step:
        _turn_on(story, step, producer)
    with story.step("GetQualityIndicators 1.0 and 3.0 tell the same facts as 2.0") as step:
        _same_facts(story, step, question, checksum)
    direct = {"consumer_endpoint": at(story.producer_url)}
    ids = [part for one in INDICATORS for part in ("--measure-id", one.measure_id)]
    ask = ["distributed", "fetch", *ids, "--from", f"{_YEARS[0]}-01-01", "--to", f"{_YEARS[-1]}-12-31"]
    with story.step("GetDistributedQualityReport 3.0: Primärvårdskvalitet asks the producer directly") as step:
        fetched = story.brygga(step, *ask, **direct)
        expect(fetched["is_changed"], "nothing was fetched")
        step.outcome = _arrived(story.brygga(step, "distributed", "observations")["observations"], fetched)
    with story.step("It asks again: same checksum, so nothing is fetched") as step:
        again = story.brygga(step, *ask, **direct)
        expect(not again["is_changed"], "it fetched though nothing had changed")
        step.outcome = "unchanged: one small call"


def _turn_on(story: Story, step: Step, producer: ExitStack) -> None:
    """Change the settings as a register team does, publish, and start the producer again."""
    settings = story.folder / "brygga.toml"
    names = ", ".join(f'"{name}"' for name in CONTRACTS)
    text = settings.read_text(encoding="utf-8")
    expect(_DEFAULT in text, f"{settings} does not say {_DEFAULT}")
    changed = text.replace(_DEFAULT, f"allow_reconstructions = true\ncontracts = [{names}]")
    settings.write_text(changed, encoding="utf-8")
    data = story.brygga(step, "register", "publish")
    forms = {part["rendering"]: part for part in data["publication"]["contracts"]}
    new = sum(part["slice_count"] for name, part in forms.items() if name != "GetQualityIndicators:2")
    expect(data["changed_slices"] == new, "slices of 2.0 were made anew")
    producer.close()
    story.serve(step, producer, "producer", story.producer_port)
    step.outcome = (
        f"allow_reconstructions = true and {len(CONTRACTS)} contracts in brygga.toml; {new} slices are new, those of "
        "2.0 are as they were"
    )


def _same_facts(story: Story, step: Step, question: Sequence[str], checksum: str) -> None:
    def fetch(name: str, **more: str) -> Any:
        address = at(story.router_url, CONTRACTS[name])
        return story.brygga(
            step, "consumer", "fetch", *question, consumer_contract=name, consumer_endpoint=address, **more
        )

    third = fetch(_THREE)
    expect(third["checksum"] == checksum, "version 3.0 has another checksum than 2.0")
    expect(not third["changed"] + third["added"] + third["removed"], "version 3.0 told other facts than 2.0")
    fetch(_ONE, consumer_store="sqlite:///version1.db")
    of_2, of_1 = (_facts(story, name) for name in ("consumer.db", "version1.db"))
    expect(of_1 == of_2, "version 1.0 told other facts than 2.0")
    step.outcome = (
        f"{len(of_2)} measurements each time; 3.0 has the bytes of 2.0, 1.0 leaves out what it cannot say "
        "(docs/contract-versions.md)"
    )


def _facts(story: Story, store: str) -> list[dict[str, Any]]:
    """Give what a store of the consumer holds, as version 1.0 can say it."""
    with Store(f"sqlite:///{story.folder / store}") as opened:
        rows = [
            {name: value for name, value in row.items() if name not in _NOT_IN_VERSION_1}
            for row in as_dicts(opened.observations(Selection()))
        ]
    for row in rows:
        row["reason_code"] = _REASONS_OF_VERSION_1.get(row["reason_code"], row["reason_code"])
    return rows


def _arrived(rows: Sequence[dict[str, Any]], fetched: Any) -> str:
    """Check that every part of a distributed report came, and tell how much."""
    units = {row["org_id"] for row in rows if row["scope"] == "unit"}
    expect(len(units) == _UNITS, f"{len(units)} units came, not {_UNITS}")
    values = [row for row in rows if row["scope"] == "unit" and row["part"] == "value"]
    subgroups = sum(bool(row["sex"] or row["age_band"]) for row in values)
    expect(len(values) - subgroups == fetched["measurements"], "not every unit has a total")
    for part in ("class", "percentile"):
        expect(any(row["part"] == part and row["scope"] == "unit" for row in rows), f"no {part} came")
    compared = [row["unit_count"] for row in rows if row["scope"] == "reference" and row["comparison_level"]]
    expect(fetched["reference_values"] > 0 and bool(compared), "no reference values came")
    expect(min(compared) >= FEWEST_UNITS, f"only {min(compared)} units are compared")
    return (
        f"{fetched['measurements']} results of {len(units)} units, {subgroups} sub-groups by sex and age, value classes"
        f" and percentiles, {fetched['reference_values']} reference values; checksum"
        f" {fetched['head']['measurement_checksum'][:12]}..."
    )
