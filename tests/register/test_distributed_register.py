"""Distributed results in the register: imported whole or not at all, compared over units, published (domain 4.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import fmean, stdev

import polars as pl
import pytest
from sqlalchemy import func, select, text
from vis_file import row

from contracts.codes import OID_MEASURE
from contracts.distributed_model import DistributedMeasurement, DistributedReportRequest, ReferenceMeasurement
from contracts.messages.reader import ReportReader
from contracts.model import II, ContinuousVariableMeasure, DatePeriod, MissingMeasure, ReportHead, ReportingParty
from contracts.registry import GET_DISTRIBUTED_QUALITY_REPORT_3, GET_QUALITY_INDICATORS_2
from gateway.distributed_demo import INDICATORS, write_distributed_demo
from producer.admission import Places
from producer.register import DatabaseRepository, Register, publications, publish, upgrade_register
from producer.register.distributed.columns import COLUMNS
from producer.register.distributed.importer import DistributedOutcome, import_distributed
from producer.register.distributed.tables import ALL, distributed_group, distributed_value
from producer.service import ReportService
from producer.tabular import TableRejected
from producer.templates import write_template

CONTRACT = GET_DISTRIBUTED_QUALITY_REPORT_3
SOURCE = ReportingParty("SE9990001112-DEMOREG", "Demoregistret")
YEAR = DatePeriod("20250101", "20251231")
Rows = list[dict[str, str]]
Import = Callable[..., DistributedOutcome]


def value(unit: int, result: float = 50.0, **cells: str) -> dict[str, str]:
    """Give the row of a unit's total, or with other cells of something else of it."""
    plain = {
        "measure_id": "hba1c",
        "version": "1",
        "period_start": "2025-01-01",
        "period_end": "2025-12-31",
        "unit_hsa_id": f"SE9990001112-D{unit:03}",
        "unit_name": f"Vårdcentralen {unit}",
        "kommun": "1380",
        "lan": "13",
        "part": "value",
    }
    if cells.get("part", "value") == "value":
        plain |= {"kind": "continuous", "value": str(result), "denominator": "100"}
    return plain | cells


def units(count: int) -> Rows:
    return [value(number, 48.0 + number) for number in range(1, count + 1)]


@pytest.fixture
def import_file(register: Register, tmp_path: Path) -> Import:
    def run(rows: Rows, *, suffix: str = "csv", **options: object) -> DistributedOutcome:
        path = tmp_path / f"results.{suffix}"
        frame = pl.DataFrame([[one.get(name) for name in COLUMNS] for one in rows], schema=list(COLUMNS), orient="row")
        frame = frame.cast(pl.String)
        if suffix == "xlsx":
            frame.write_excel(path)
        else:
            frame.write_csv(path, separator=";")
        return import_distributed(register, path, SOURCE, who="tester", **options)  # type: ignore[arg-type]

    return run


@pytest.fixture
def ask(
    register: Register,
) -> Iterator[Callable[..., tuple[list[DistributedMeasurement], list[ReferenceMeasurement], ReportHead]]]:
    repository = DatabaseRepository(register.url)
    party = ReportingParty("SE9990001112-PROD")
    service = ReportService(CONTRACT, repository, system=party, organization=party, large_answers=Places(2))

    def run(
        measure_id: str = "hba1c", **options: object
    ) -> tuple[list[DistributedMeasurement], list[ReferenceMeasurement], ReportHead]:
        ids = (II(OID_MEASURE, measure_id),)
        answer = service.answer(party.hsa_id, DistributedReportRequest(ids, YEAR, **options))  # type: ignore[arg-type]
        found: list[ReferenceMeasurement] = []
        reader = ReportReader(CONTRACT.codec, contract=CONTRACT, on_reference=found.append)
        data = b"".join(answer.body)
        answer.body.close()
        assert len(data) == answer.content_length
        measured = [one for one in reader.feed(data) if isinstance(one, DistributedMeasurement)]
        return measured, found, reader.close()

    yield run
    repository.close()


EVERYTHING = {"stratifications": ("SEX", "AGE", "SEX_AGE"), "include_reference_values": True}


def test_what_is_imported_is_what_is_answered(
    register: Register, import_file: Import, ask: Callable[..., object]
) -> None:
    parts = [
        value(1, 50.0, population="110", missing_count="10", mean="50.5", deviation="8.25"),
        value(1, part="class", class_id="low", label="under 52", high="52", count="60"),
        value(1, part="class", class_id="high", low="52", count="40", share="0.4"),
        value(1, part="percentile", level="90", value="66"),
        value(1, part="percentile", level="10", value="40"),
        value(1, 51.0, sex="1", denominator="45"),
        value(1, 49.0, sex="2", denominator="50"),
        value(1, age_high="44", kind="missing", reason_code="MSK", value="", denominator=""),
        value(1, age_low="45", kind="missing", reason_code="MSK", value="", denominator=""),
        value(1, 47.0, sex="1", age_high="44", denominator="20"),
        value(2, kind="missing", reason_code="MSK", value="", denominator=""),
    ]
    outcome = import_file(parts)
    assert (outcome.measurements, outcome.rows, outcome.changed_groups, outcome.references) == (2, 11, 1, 0)
    publish(register, [CONTRACT])
    (first, second), references, head = ask(**EVERYTHING)  # type: ignore[misc]
    assert references == []
    assert head.reporting_period == YEAR
    assert first.measure == ContinuousVariableMeasure(50.0, 100.0)
    assert first.source_system.name == "Demoregistret"
    assert first.performing_organization.as_organization_part_of.organization_name == "Halmstad"
    distribution = first.distribution
    assert (distribution.population, distribution.missing_value_count, distribution.mean) == (110.0, 10.0, 50.5)
    assert [one.class_id for one in distribution.value_classes] == ["low", "high"]
    assert [one.level for one in distribution.percentiles] == [10.0, 90.0]
    assert [one.stratification for one in first.subgroups] == ["SEX", "SEX", "AGE", "AGE", "SEX_AGE"]
    assert [one.code.extension for one in first.subgroups[4].dimensions] == ["1", "-44"]
    assert (second.measure, second.subgroups, second.distribution) == (MissingMeasure("MSK"), (), None)


def test_a_register_of_before_takes_them_after_its_upgrade(
    register: Register, import_file: Import, import_rows: Callable[..., object], ask: Callable[..., object]
) -> None:
    import_rows([row()])
    publish(register)
    with register.writing("test", "tester") as (connection, _):
        for table in (*ALL, distributed_group):
            table.drop(connection)
        connection.execute(text("ALTER TABLE slice DROP COLUMN stored_crc32"))
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    before, _ = upgrade_register(register.url)
    assert before == "0001"
    import_file(units(2))
    assert publish(register, [GET_QUALITY_INDICATORS_2, CONTRACT]).changed_slices == 1
    assert len(ask()[0]) == 2  # type: ignore[index]


def test_reference_values_come_with_the_fifth_unit(
    register: Register, import_file: Import, ask: Callable[..., object]
) -> None:
    assert import_file(units(4)).references == 0
    publish(register, [CONTRACT])
    assert ask(**EVERYTHING)[1] == []  # type: ignore[index]
    assert import_file(units(5)).references == 1
    publish(register, [CONTRACT])
    (reference,) = ask(**EVERYTHING)[1]  # type: ignore[index]
    means = [48.0 + number for number in range(1, 6)]
    assert reference.unit_count == 5
    assert reference.reference_organization.organization_type == "Land"
    assert reference.unweighted_mean == pytest.approx(fmean(means))
    assert reference.standard_deviation == pytest.approx(stdev(means))
    assert reference.population == 500.0
    assert [one.value for one in reference.percentiles] == pytest.approx([49.4, 50.0, 51.0, 52.0, 52.6])
    assert ask()[1] == []  # type: ignore[index]


def test_the_same_file_again_changes_nothing(register: Register, import_file: Import) -> None:
    import_file(units(6))
    publish(register, [CONTRACT])
    assert import_file(units(6)).changed_groups == 0
    assert not publish(register, [CONTRACT]).is_new
    assert len(publications(register)) == 1


def test_a_file_replaces_its_groups_and_leaves_the_others(
    register: Register, import_file: Import, ask: Callable[..., object]
) -> None:
    import_file([*units(3), *(value(number, measure_id="bp") for number in (1, 2))])
    assert import_file(units(2)).changed_groups == 1
    publish(register, [CONTRACT])
    assert len(ask("hba1c")[0]) == 2  # type: ignore[index]
    assert len(ask("bp")[0]) == 2  # type: ignore[index]


def test_a_dry_run_changes_nothing(register: Register, import_file: Import) -> None:
    outcome = import_file(units(5), dry_run=True)
    assert (outcome.import_id, outcome.changed_groups) == (None, 1)
    with register.reading() as connection:
        assert connection.execute(select(func.count()).select_from(distributed_value)).scalar_one() == 0


def test_a_workbook_is_read_as_well(import_file: Import) -> None:
    assert import_file(units(2), suffix="xlsx").measurements == 2


def test_a_unit_with_another_name_is_published_anew_in_every_contract(
    register: Register, import_file: Import, import_rows: Callable[..., object]
) -> None:
    import_rows([row(UnitHSAID="SE9990001112-D001", UnitName="Gamla namnet", MunicipalityOrganisationID="1380",
                     MunicipalityName="Halmstad")])  # fmt: skip
    both = [GET_QUALITY_INDICATORS_2, CONTRACT]
    publish(register, both)
    import_file(units(1))
    changed = publish(register, both)
    assert {one.rendering: one.measurement_count for one in changed.publication.contracts} == {
        "GetQualityIndicators:2": 1, "GetDistributedQualityReport:3": 1, "GetDistributedQualityReport:3:reference": 0,
    }  # fmt: skip
    assert changed.changed_slices == 2


def test_a_unit_that_the_other_file_renames_is_answered_with_its_new_name(
    register: Register, import_file: Import, import_rows: Callable[..., object], ask: Callable[..., object]
) -> None:
    import_file(units(1))
    publish(register, [CONTRACT])
    import_rows([row(UnitHSAID="SE9990001112-D001", UnitName="Nya namnet")])
    publish(register, [CONTRACT])
    (measured,) = ask()[0]  # type: ignore[index]
    assert measured.performing_organization.organization_name == "Nya namnet"


BAD: dict[str, tuple[str, str, Rows]] = {
    "no unit": ("DIST-01", "unit_hsa_id", [value(1, unit_hsa_id="")]),
    "nowhere": ("DIST-01", "lan", [value(1, lan="", kommun="")]),
    "value without kind": ("DIST-01", "kind", [value(1, kind="")]),
    "share without numerator": ("DIST-01", "numerator", [value(1, kind="proportion", value="0.5")]),
    "class without id": ("DIST-01", "class_id", [value(1, population="1"), value(1, part="class", count="1")]),
    "no such day": ("DIST-02", "period_end", [value(1, period_end="2025-02-30")]),
    "period that ends before it begins": ("DIST-02", "period_end", [value(1, period_end="2024-12-31")]),
    "number in words": ("DIST-03", "value", [value(1, value="many")]),
    "negative count": ("DIST-03", "denominator", [value(1, denominator="-1")]),
    "coverage in per cent": ("DIST-03", "coverage", [value(1, coverage="90")]),
    "age in months": ("DIST-03", "age_low", [value(1), value(1, age_low="0.5")]),
    "third sex": ("DIST-04", "sex", [value(1), value(1, sex="3")]),
    "no such part": ("DIST-04", "part", [value(1, part="total")]),
    "no such county": ("DIST-04", "lan", [value(1, lan="99", kommun="")]),
    "kommun of another county": ("DIST-05", "kommun", [value(1, lan="14")]),
    "two names": ("DIST-05", "unit_name", [value(1), value(1, sex="1", denominator="9", unit_name="Annat")]),
    "odd HSA-id": ("DIST-05", "unit_hsa_id", [value(1, unit_hsa_id="not an id")]),
    "value twice": ("DIST-06", "part", [value(1), value(1)]),
    "sub-group without total": ("DIST-07", "part", [value(1, sex="1")]),
    "class without value": ("DIST-07", "part", [value(1, part="class", class_id="a", count="1")]),
    "class without population": ("DIST-07", "population", [value(1), value(1, part="class", class_id="a", count="1")]),
    "sexes of more than all": ("D.1", "part", [value(1, denominator="10"), value(1, sex="1", denominator="11")]),
    "rate over 1": ("1.4", "part", [value(1, kind="proportion", value="75", numerator="75", denominator="100")]),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_row_is_named_and_nothing_is_imported(name: str, register: Register, import_file: Import) -> None:
    rule, column, rows = BAD[name]
    with pytest.raises(TableRejected) as rejected:
        import_file([*units_elsewhere(), *rows])
    found = {
        (finding.rule, finding.column) for finding in rejected.value.findings.kept() if finding.severity == "error"
    }
    assert (rule, column) in found
    assert all(finding.row is not None and finding.mend for finding in rejected.value.findings.kept())
    with register.reading() as connection:
        assert connection.execute(select(func.count()).select_from(distributed_value)).scalar_one() == 0


def units_elsewhere() -> Rows:
    return [value(900 + number) for number in range(3)]


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_the_template_is_imported_as_it_is(suffix: str, register: Register, tmp_path: Path) -> None:
    path = tmp_path / f"form.{suffix}"
    write_template("distributed", path)
    outcome = import_distributed(register, path, SOURCE, dry_run=True)
    assert (outcome.measurements, outcome.findings.warning_count) == (1, 0)


def test_the_demo_file_is_imported_without_a_remark(register: Register, tmp_path: Path) -> None:
    path = tmp_path / "demo.csv"
    write_distributed_demo(path, units=7, years=(2025,))
    outcome = import_distributed(register, path, SOURCE)
    assert outcome.measurements == 7 * len(INDICATORS)
    assert outcome.references == len(INDICATORS)
    assert outcome.findings.warning_count == 0
