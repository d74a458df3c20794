"""Import into the register on both engines: all or nothing, DELETE and KEEP, what is told (issue: import)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import func, select
from vis_file import HSA_ID, hospital, missing, nation, row, unit, value, write_csv

from contracts.errors import DataError
from producer.register import Register, register_status
from producer.register.importer import ImportOutcome, import_vis
from producer.register.tables import import_record, measure, measurement, measurement_group, organization
from producer.register.vis.findings import VisFileRejected

ImportRows = Callable[..., ImportOutcome]


def _measurements(register: Register) -> list[tuple[object, ...]]:
    with register.reading() as connection:
        statement = (
            select(
                measure.c.measure_id,
                measure.c.version_number,
                measurement_group.c.period_start,
                organization.c.identity,
                measurement.c.kind,
                measurement.c.value,
                measurement.c.denominator,
                measurement.c.reason_code,
            )
            .join(measurement_group, measurement_group.c.id == measurement.c.group_id)
            .join(measure, measure.c.id == measurement_group.c.measure_key)
            .join(organization, organization.c.id == measurement.c.organization_id)
        )
        return sorted(tuple(found) for found in connection.execute(statement))


def _counts(outcome: ImportOutcome) -> tuple[int, int, int, int]:
    return outcome.inserted, outcome.updated, outcome.deleted, outcome.unchanged


def test_every_kind_of_row_is_stored(register: Register, import_rows: ImportRows) -> None:
    outcome = import_rows(
        [
            nation(),
            unit(MunicipalityOrganisationID="1380", MunicipalityName="Halmstad"),
            hospital(HospitalHSAID="", HospitalOrganisationId="99001"),
            missing("MSK"),
            value(Measurepopulation="120"),
            value(MeasureID="measure-c", Value="", Cohort="57"),
        ]
    )
    assert _counts(outcome) == (6, 0, 0, 0)
    assert _measurements(register) == [
        ("measure-a", 3, "20250101", "Lan/13", "missing", None, None, "MSK"),
        ("measure-a", 3, "20250101", "Land/SE", "proportion", 0.7664, 1190.0, None),
        ("measure-a", 3, "20250101", "Sjukhus/99001", "proportion", 0.7664, 1190.0, None),
        ("measure-a", 3, "20250101", "Vardenhet/SE9990001112-E0001", "proportion", 0.7664, 1190.0, None),
        ("measure-c", 3, "20250101", "Lan/13", "cohort", 57.0, None, None),
        ("measure-v", 3, "20250101", "Lan/13", "continuous", 34.5, 120.0, None),
    ]


def test_delete_replaces_everything_of_the_register(register: Register, import_rows: ImportRows) -> None:
    import_rows([nation(), row(), unit()])
    outcome = import_rows([nation(), row(Rate="0.8", Numerator="952")])
    assert _counts(outcome) == (0, 1, 1, 1)
    assert [found[3] for found in _measurements(register)] == ["Lan/13", "Land/SE"]
    assert register_status(register).measurements == 2


def test_keep_updates_by_key_and_leaves_the_rest(register: Register, import_rows: ImportRows) -> None:
    import_rows([nation(), row()])
    outcome = import_rows([row(Rate="0.8", Numerator="952"), unit()], mode="KEEP")
    assert _counts(outcome) == (1, 1, 0, 0)
    assert [(found[3], found[5]) for found in _measurements(register)] == [
        ("Lan/13", 0.8),
        ("Land/SE", 0.7664),
        ("Vardenhet/SE9990001112-E0001", 0.7664),
    ]


def test_the_same_file_again_changes_nothing(import_rows: ImportRows) -> None:
    rows = [nation(), row(), unit(), missing("UNK", MeasureID="b")]
    import_rows(rows)
    outcome = import_rows(rows)
    assert _counts(outcome) == (0, 0, 0, 4)
    assert outcome.changed_groups == 0


def test_only_groups_with_a_difference_are_marked(import_rows: ImportRows) -> None:
    rows = [row(MeasureID=f"m{number}") for number in range(20)]
    import_rows(rows)
    rows[7] = row(MeasureID="m7", Coverage="0.9")
    assert import_rows(rows).changed_groups == 1


def test_another_name_of_an_organisation_changes_its_groups_and_those_below(import_rows: ImportRows) -> None:
    rows = [nation(MeasureID="m0"), row(MeasureID="m1"), unit(MeasureID="m2")]
    import_rows(rows)
    renamed = [nation(MeasureID="m0"), row(MeasureID="m1"), unit(MeasureID="m2")]
    for cells in renamed[1:]:
        cells["RegionName"] = "Region Halland"
    outcome = import_rows(renamed)
    assert _counts(outcome) == (0, 0, 0, 3)
    assert outcome.changed_groups == 2


def test_keep_leaves_a_unit_in_its_kommun_when_none_is_given(register: Register, import_rows: ImportRows) -> None:
    in_kommun = {"MunicipalityOrganisationID": "1380", "MunicipalityName": "Halmstad"}
    import_rows([unit(**in_kommun)])
    assert import_rows([unit(MeasureID="b")], mode="KEEP").changed_groups == 1
    assert import_rows([unit(MeasureID="b")], mode="DELETE").deleted == 1
    assert import_rows([unit(MeasureID="b", **in_kommun)], mode="KEEP").changed_groups == 1


def test_one_bad_row_in_a_large_file_changes_nothing(register: Register, import_rows: ImportRows) -> None:
    import_rows([nation()])
    rows = [unit(number) for number in range(1, 5000)]
    rows[4321]["Version"] = "three"
    before = _measurements(register)
    with pytest.raises(VisFileRejected) as rejected:
        import_rows(rows)
    assert [(finding.rule, finding.row) for finding in rejected.value.findings.kept()] == [("VIS-12", 4324)]
    assert "The register is unchanged" in rejected.value.message
    assert _measurements(register) == before
    with register.reading() as connection:
        assert connection.execute(select(func.count()).select_from(import_record)).scalar_one() == 1


def test_dry_run_tells_what_would_happen_and_changes_nothing(register: Register, import_rows: ImportRows) -> None:
    import_rows([nation(), row()])
    before = _measurements(register)
    outcome = import_rows([nation(Rate="0.8", Numerator="952"), unit()], dry_run=True)
    assert (outcome.is_dry_run, outcome.import_id) == (True, None)
    assert _counts(outcome) == (1, 1, 1, 0)
    assert _measurements(register) == before
    status = register_status(register)
    assert (status.measurements, status.organizations) == (2, 2)


def test_an_import_is_noted_with_file_rows_and_who(register: Register, tmp_path: Path, import_rows: ImportRows) -> None:
    outcome = import_rows([nation(), row(ReferenceIntervalRate="80")])
    last = register_status(register).last_import
    assert last is not None
    assert (last.id, last.rows, last.inserted, last.mode, last.who) == (1, 2, 2, "DELETE", "tester")
    assert (last.warnings, last.file_name, last.sha256) == (1, outcome.file_name, outcome.sha256)
    assert len(outcome.sha256) == 64


def test_a_file_without_rows_deletes_nothing(register: Register, import_rows: ImportRows) -> None:
    import_rows([nation()])
    with pytest.raises(DataError, match="nothing deleted"):
        import_rows([])
    assert len(_measurements(register)) == 1


def test_two_source_systems_live_beside_each_other(register: Register, tmp_path: Path, import_rows: ImportRows) -> None:
    import_rows([nation()])
    other = {"RegisterHSAID": "SE9990001112-OTHER", "RegisterNamn": "Another register"}
    path = write_csv(tmp_path / "other.csv", [nation(MeasureID="other", **other)])
    path.write_text(path.read_text("utf-8").replace(f":{HSA_ID}", ":SE9990001112-OTHER", 1), "utf-8")
    import_vis(register, path)
    import_rows([row()])
    assert [(found[0], found[3]) for found in _measurements(register)] == [
        ("measure-a", "Lan/13"),
        ("other", "Land/SE"),
    ]


def test_a_measurement_of_another_source_is_not_taken_over(
    register: Register, tmp_path: Path, import_rows: ImportRows
) -> None:
    import_rows([nation()])
    other = {"RegisterHSAID": "SE9990001112-OTHER", "RegisterNamn": "Another register"}
    path = write_csv(tmp_path / "other.csv", [row(**other), nation(**other)])
    path.write_text(path.read_text("utf-8").replace(f":{HSA_ID}", ":SE9990001112-OTHER", 1), "utf-8")
    with pytest.raises(VisFileRejected) as rejected:
        import_vis(register, path)
    assert [(finding.rule, finding.row) for finding in rejected.value.findings.kept()] == [("VIS-30", 4)]
    assert len(_measurements(register)) == 1


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        ({"Version": "4"}, "another version"),
        ({"PeriodReportedStartDate": "2024-07-01", "PeriodReportedEndDate": "2025-06-30"}, "overlaps"),
        ({"Rate": "", "Numerator": "", "Denominator": "", "Value": "5", "UnitHSAID": "SE9990001112-E9"}, "proportion"),
    ],
)
def test_keep_must_agree_with_the_register(
    register: Register, import_rows: ImportRows, cells: dict[str, str], says: str
) -> None:
    import_rows([row(), nation()])
    before = _measurements(register)
    if "UnitHSAID" in cells:
        cells = {**cells, "UnitName": "Nine"}
    with pytest.raises(VisFileRejected) as rejected:
        import_rows([row(MeasureID="new"), row(**cells)], mode="KEEP")
    findings = rejected.value.findings.kept()
    assert [(finding.rule, finding.row) for finding in findings] == [("VIS-30", 4)]
    assert says in findings[0].what
    assert _measurements(register) == before


def test_delete_may_change_version_periods_and_kind(register: Register, import_rows: ImportRows) -> None:
    import_rows([row(), nation()])
    import_rows([row(Version="4", PeriodReportedStartDate="2024-07-01", PeriodReportedEndDate="2025-06-30")])
    import_rows([value(MeasureID="measure-a")])
    assert _measurements(register) == [("measure-a", 3, "20250101", "Lan/13", "continuous", 34.5, None, None)]


def test_a_value_of_an_indicator_known_as_a_count_is_a_cohort(register: Register, import_rows: ImportRows) -> None:
    import_rows([value(Value="", Cohort="57")])
    import_rows([value(Value="58")])
    assert [found[4:6] for found in _measurements(register)] == [("cohort", 58.0)]


def test_a_unit_that_moves_takes_its_new_place(register: Register, import_rows: ImportRows) -> None:
    import_rows([unit()])
    import_rows([unit(MunicipalityOrganisationID="1380"), unit(MeasureID="b")], mode="KEEP")
    with register.reading() as connection:
        parent = organization.alias()
        statement = (
            select(parent.c.identity, parent.c.organization_name)
            .join(organization, organization.c.parent_id == parent.c.id)
            .where(organization.c.organization_type == "Vardenhet")
        )
        assert connection.execute(statement).one() == ("Kommun/1380", "Halmstad")


def test_progress_tells_every_row(register: Register, tmp_path: Path) -> None:
    told: dict[str, int] = {}

    def progress(phase: str, count: int, total: int) -> None:
        told[phase] = told.get(phase, 0) + count
        assert total >= 300

    path = write_csv(tmp_path / "file.csv", [unit(number) for number in range(1, 301)])
    import_vis(register, path, progress=progress)
    assert told == {"reading": 301, "storing": 300}
