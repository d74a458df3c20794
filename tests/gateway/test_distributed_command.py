"""``brygga distributed observations`` for people: a line for each unit and sub-group, classes and percentiles in it."""

from __future__ import annotations

import pytest

from consumer.distributed.rows import measurement_rows, reference_rows
from consumer.distributed.tables import NAMES
from contracts.codes import OID_MEASURE, OID_SEX
from contracts.distributed_model import (
    Dimension,
    DistributedMeasurement,
    Distribution,
    Percentile,
    ReferenceMeasurement,
    Subgroup,
    ValueClass,
)
from contracts.model import (
    II,
    ContinuousVariableMeasure,
    DatePeriod,
    MissingMeasure,
    PerformingOrganization,
    SourceSystem,
)
from gateway.cli import run
from gateway.commands.distributed_views import render_observations
from gateway.console import Console

YEAR = DatePeriod("20250101", "20251231")
ID = II(OID_MEASURE, "hba1c")
NATION = PerformingOrganization("Riket", "Land", None, II("1.2.752.129.2.2.1.19", "SE"))


def lines(limit: int = 10) -> list[str]:
    classes = (ValueClass("low", "under 52", count=60.0), ValueClass("high", "52 or more", reason_code="MSK"))
    distribution = Distribution(100.0, 0.0, classes, (Percentile(10.0, 40.0), Percentile(90.0, 66.5)))
    women = Subgroup((Dimension("SEX", II(OID_SEX, "2")), Dimension("AGE", II("1", "18-44"))), MissingMeasure("MSK"))
    unit = DistributedMeasurement(
        ID, 1, YEAR, ContinuousVariableMeasure(50.5, 100.0), PerformingOrganization("Bäcken", "Vardenhet", "SE1-1"),
        SourceSystem(II("1", "2"), "Register"), subgroups=(women,), distribution=distribution,
    )  # fmt: skip
    reference = ReferenceMeasurement(
        ID, 1, YEAR, NATION, "Vardenhet", 7, "20260101000000", population=700.0, weighted_value=51.25
    )
    rows = [dict.fromkeys(NAMES) | row for row in (*measurement_rows(unit), *reference_rows(reference))]
    console = Console()
    console.out.width = 120
    with console.out.capture() as shown:
        render_observations(console.out, rows, limit)
    return [" ".join(line.split()) for line in shown.get().splitlines()]


def test_a_unit_and_its_sub_groups_and_the_reference_have_a_line_each() -> None:
    heading, columns, reference, unit, women, *_ = lines()
    assert heading == "hba1c, 2025-01-01 to 2025-12-31"
    assert columns == "Organisation Group Value Basis under 52 / 52 or more P10 / P90"
    assert unit == "Bäcken all 50.5 100 60 / MSK 40 / 66.5"
    assert women == "Bäcken women 18-44 MSK"
    assert reference == "Riket (reference) all 51.25 700"


def test_what_is_left_out_is_said() -> None:
    assert "... and 1 more; write all with --csv FILE." in lines(limit=1)


def test_settings_are_explained_by_name(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRYGGA_REGISTER_LOCK_WAIT_S", "3")
    assert run(["settings", "register.lock", "--explain"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert shown.startswith("register.lock_wait_s = 3.0 (BRYGGA_REGISTER_LOCK_WAIT_S) Seconds an import")
