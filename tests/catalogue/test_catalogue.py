"""The catalogue: its own JSON answers, the own forms, its file, and imports held against it."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from contracts.catalogue.files import load_catalogue, save_catalogue
from contracts.catalogue.model import Catalogue
from contracts.errors import ConfigurationError, DataError, UsageError
from producer.catalogue.reading import read_catalogue
from producer.catalogue.rules import CATALOGUE_RULES
from producer.register import open_register
from producer.register.importer import import_vis
from producer.register.vis.columns import COLUMNS
from producer.register.vis.findings import VisFileRejected
from producer.templates import FORMS, write_template
from testsuites.catalogue import read_catalogue as definitions_of_suite

MEASURE_ID = "7c0f4a52-1d3e-4b6a-9f10-2e5b8a610001"
TODAY = date(2026, 6, 30)


def milliseconds(year: int, month: int, day: int, hour: int = 0) -> int:
    return int(datetime(year, month, day, hour, tzinfo=UTC).timestamp() * 1000)


def answer(**fields: object) -> dict[str, object]:
    """An answer in the recorded shape, with invented contents."""
    return {
        "id": "11111111-1111-4111-8111-111111111111",
        "mId": MEASURE_ID,
        "versionNr": 3,
        "status": "PUBLISHED",
        "contractVersion": 2,
        "title": "Andel med uppföljning",
        "measureDefinition": "Vad som mäts",
        "description": None,
        "numeratorDefinition": "Uppföljda",
        "denominatorDefinition": "Alla",
        "interpretationTextPersonnel": "Högre är bättre",
        "validFrom": milliseconds(2023, 12, 31, 23),
        "validTo": None,
        "unitType": "Andel",
        "measureType": "Process",
        "soughtValue": "Högt",
        "measuringFrequencies": [{"id": "a1", "name": "Kvartal"}, {"id": "a2", "name": "År"}],
        "organizationalLevels": [{"id": "b1", "name": "Riksnivå"}, {"id": "b2", "name": "Länsnivå"}],
        "keywords": [{"id": "c1", "name": "adhd"}],
        "measureOwner": {"id": "d1", "name": "Demoregistret"},
        "reportingSystemName": "DEMO_GIRD",
        "primaryDataReportingFormat": "NOT_SPECIFIED",
        "thresholdForViewing": 15,
        "targetValuesForExcelForExcel": [],
        "author": "N. N.",
        "lastUpdatedBy": "N. N.",
        "somethingNew": {"a": [1]},
        **fields,
    }


def submeasure(code: str, **fields: object) -> dict[str, object]:
    return {
        "id": f"sub-{code}",
        "ownerMeasureId": MEASURE_ID,
        "gender": {"codeValue": code, "displayName": "x"},
        "age": None,
        "restriction": None,
        **fields,
    }


def read(tmp_path: Path, *documents: object) -> Catalogue:
    files = []
    for number, document in enumerate(documents):
        files.append(tmp_path / f"{number}.json")
        files[-1].write_text(json.dumps(document), encoding="utf-8")
    return read_catalogue(files)


def test_search_and_submeasures_are_read(tmp_path: Path) -> None:
    subs = [submeasure("1"), submeasure("2"), submeasure("1", id="old", age={"low": 65})]
    catalogue = read(tmp_path, {"pageResults": [answer()]}, subs)
    one = catalogue.latest()[MEASURE_ID]
    assert (one.kind, one.version_number, one.display_threshold) == ("proportion", 3, 15.0)
    assert (one.frequencies, one.levels) == (("year", "quarter"), ("Land", "Lan"))
    assert (one.valid_from, one.sought_value, one.is_published) == (date(2024, 1, 1), "high", True)
    assert {sex: sub.measure_id for sex, sub in catalogue.submeasures(MEASURE_ID).items()} == {
        "1": "sub-1",
        "2": "sub-2",
    }
    assert "old" not in catalogue.latest()
    assert catalogue.definitions()["sub-1"].version_number == 3


def test_personal_data_is_not_kept(tmp_path: Path) -> None:
    file = tmp_path / "catalogue.json"
    save_catalogue(file, read(tmp_path, answer()))
    assert "N. N." not in file.read_text(encoding="utf-8")


def test_file_is_byte_stable_and_comes_back(tmp_path: Path) -> None:
    catalogue = read(tmp_path, [answer(), answer(mId="99000", versionNr=1, id="v")], [submeasure("2")])
    first, second = tmp_path / "a.json.kept", tmp_path / "b.json.kept"
    save_catalogue(first, catalogue)
    save_catalogue(second, Catalogue.of(reversed(load_catalogue(first).measures)))
    assert load_catalogue(first) == catalogue
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"unitType": "Procent"}, "unit type Procent"),
        ({"versionNr": "3"}, "versionNr"),
        ({"measuringFrequencies": [{"name": "Dag"}]}, "frequency Dag"),
        ({"organizationalLevels": [{"name": "Planet"}]}, "level Planet"),
        ({"thresholdForViewing": "many"}, "thresholdForViewing"),
        ({"validFrom": 10**30}, "milliseconds"),
    ],
)
def test_answer_that_is_not_understood_is_named(fields: dict[str, object], text: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=text):
        read(tmp_path, answer(**fields))


@pytest.mark.parametrize("document", [{"pageResults": []}, {"other": 1}, [1, 2], "text", [submeasure("1")]])
def test_file_without_a_known_indicator_is_refused(document: object, tmp_path: Path) -> None:
    with pytest.raises(DataError):
        read(tmp_path, document)


def test_newest_published_version_holds(tmp_path: Path) -> None:
    draft = answer(versionNr=4, status="UNPUBLISHED", id="v4")
    catalogue = read(tmp_path, [answer(), answer(versionNr=2, id="v2"), draft])
    assert catalogue.latest()[MEASURE_ID].version_number == 3
    assert [one.version_number for one in catalogue.versions(MEASURE_ID)] == [2, 3, 4]


def test_own_forms_say_the_same(tmp_path: Path) -> None:
    catalogues = []
    for suffix in ("toml", "csv", "xlsx"):
        file = tmp_path / f"template.{suffix}"
        write_template("catalogue", file)
        catalogues.append(read_catalogue([file]))
    assert catalogues[0] == catalogues[1] == catalogues[2]
    assert set(catalogues[0].submeasures("99001")) == {"1", "2"}


@pytest.mark.parametrize("name", ["catalogue.toml", "catalogue.json", "answer.json"])
def test_the_suites_read_the_same_files(name: str, tmp_path: Path) -> None:
    write_template("catalogue", tmp_path / "catalogue.toml")
    (tmp_path / "answer.json").write_text(json.dumps(answer(submeasures=[submeasure("1")])), encoding="utf-8")
    save_catalogue(tmp_path / "catalogue.json", read_catalogue([tmp_path / "catalogue.toml"]))
    definitions = definitions_of_suite(tmp_path / name)
    assert definitions == read_catalogue([tmp_path / name]).definitions()
    assert {one.display_threshold for one in definitions.values()} == {15.0}


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("catalogue.csv", "measure_id;version\n", "brygga catalogue import catalogue.csv"),
        ("catalogue.toml", "[x]\nkind = 1\n", "no \\[\\[measure\\]\\]"),
        ("other.json", "{}", "no answer of the catalogue"),
    ],
)
def test_suites_tell_what_is_no_catalogue(name: str, text: str, expected: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=expected):
        definitions_of_suite(tmp_path / name)


def test_unit_of_a_value_is_the_catalogues(tmp_path: Path) -> None:
    entry = '[[measure]]\nmeasure_id = "{0}"\nversion = 1\ntitle = "x"\nunit_type = "{1}"\n{2}\nmen = "{0}-1"\n'
    file = tmp_path / "catalogue.toml"
    parts = (("a", "Medelvärde", 'unit = "mmol/mol"'), ("b", "Dagar", ""), ("c", "Median", ""), ("d", "Andel", ""))
    file.write_text("".join(entry.format(*part) for part in parts), encoding="utf-8")
    save_catalogue(tmp_path / "kept.json", read_catalogue([file]))
    units = {name: one.unit for name, one in load_catalogue(tmp_path / "kept.json").definitions().items()}
    assert units == {
        "a": "mmol/mol", "a-1": "mmol/mol", "b": "d", "b-1": "d", "c": None, "c-1": None, "d": None, "d-1": None,
    }  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_template_is_not_written_over_a_file(form: str, tmp_path: Path) -> None:
    file = tmp_path / "form.xlsx"
    write_template(form, file)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="exists"):
        write_template(form, file)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[[measure]]\nversion = 1\ntitle = "x"\nunit_type = "Andel"', "lacks measure_id"),
        ('[[measure]]\nmeasure_id = "a"\nversion = 1\ntitle = "x"\nunit_type = "Procent"', "unit_type is 'Procent'"),
        ('[[measure]]\nmeasure_id = "a"\nversion = "x"\ntitle = "x"\nunit_type = "Andel"', "version is 'x'"),
        ('[[measure]]\nmeasure_id = "a"\nversion = 1\ntitle = "x"\nunit_type = "Andel"\ntreshold = 3', "treshold"),
        (
            '[[measure]]\nmeasure_id = "a"\nversion = 1\ntitle = "x"\nunit_type = "Andel"\nvalid_from = "soon"',
            "valid_from",
        ),
        ('[[measure]]\nmeasure_id = "a"\nversion = 1\ntitle = "x"\nunit_type = "Andel"\nlevels = ["Gata"]', "levels"),
        (
            '[[measure]]\nmeasure_id = "a"\nversion = 1\ntitle = "x"\nunit_type = "Andel"\nopen_data = "perhaps"',
            "open_data",
        ),
        ('[[measure]]\nmeasure_id = "a"\nversion = 1\ntitle = "x"\nunit_type = "Dagar"\nunit = "per år"', "UCUM"),
        ("[[measure]", "no valid TOML"),
        ("", "no \\[\\[measure\\]\\]"),
    ],
)
def test_wrong_toml_is_named(text: str, expected: str, tmp_path: Path) -> None:
    file = tmp_path / "catalogue.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=expected):
        read_catalogue([file])


def test_strictest_threshold_holds_for_everybody(tmp_path: Path) -> None:
    one = replace(read(tmp_path, answer()).measures[0], audience_thresholds={"open-data": 30.0, "internal": 5.0})
    assert (one.threshold(), one.threshold("internal"), one.threshold("other")) == (30.0, 5.0, 15.0)


def vis_file(path: Path, **cells: str) -> Path:
    row = {
        "Numerator": "912",
        "Rate": "0.7664",
        "Denominator": "1190",
        "RegionOrganisationId": "13",
        "RegionName": "Halland",
        "PeriodReportedStartDate": "2025-01-01",
        "PeriodReportedEndDate": "2025-12-31",
        "MeasureID": MEASURE_ID,
        "CountryName": "Riket",
        "Version": "3",
        "RegisterHSAID": "SE9990001112-DEMOREG",
        "RegisterNamn": "Demoregistret",
        **cells,
    }
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, delimiter=";")
        writer.writerow(COLUMNS)
        writer.writerow(["DELETE_EXISTING_DATA_FOR_REGISTER_HSAID:SE9990001112-DEMOREG", *[""] * 29])
        writer.writerow([row.get(name, "") for name in COLUMNS])
    return path


@pytest.mark.parametrize(
    ("rule", "cells", "fields"),
    [
        ("KIK-01", {"MeasureID": "unknown"}, {}),
        ("KIK-02", {}, {"status": "UNPUBLISHED"}),
        ("KIK-03", {}, {"validFrom": milliseconds(2025, 6, 1)}),
        ("KIK-03", {}, {"validTo": milliseconds(2025, 6, 1)}),
        ("KIK-04", {}, {"unitType": "Medelvärde"}),
        ("KIK-05", {}, {"organizationalLevels": [{"name": "Riksnivå"}]}),
        ("KIK-06", {"PeriodReportedEndDate": "2025-06-30"}, {}),
        ("KIK-06", {"PeriodReportedStartDate": "2025-02-01", "PeriodReportedEndDate": "2025-04-30"}, {}),
        ("KIK-07", {"Version": "7"}, {}),
        ("KIK-08", {"Numerator": "3", "Denominator": "4", "Rate": "0.75"}, {}),
    ],
)
def test_import_is_held_against_the_catalogue(
    rule: str, cells: dict[str, str], fields: dict[str, object], tmp_path: Path
) -> None:
    catalogue = read(tmp_path, answer(**fields))
    file = vis_file(tmp_path / "results.csv", **cells)
    with open_register(f"sqlite:///{tmp_path}/register.db", create=True) as register:
        try:
            findings = import_vis(register, file, catalogue=catalogue, today=TODAY).findings
            severity = "warning"
        except VisFileRejected as error:
            findings, severity = error.findings, "error"
    found = [one for one in findings.kept() if one.rule in CATALOGUE_RULES]
    assert [(one.rule, one.row, one.severity) for one in found] == [(rule, 3, severity)]
    assert found[0].what
    assert found[0].mend


def test_import_that_fits_the_catalogue_has_no_finding(tmp_path: Path) -> None:
    with open_register(f"sqlite:///{tmp_path}/register.db", create=True) as register:
        catalogue = read(tmp_path, answer())
        outcome = import_vis(register, vis_file(tmp_path / "a.csv"), catalogue=catalogue, today=TODAY)
    assert outcome.findings.kept() == []
