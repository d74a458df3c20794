"""``brygga contracts``: what it tells, what it exits with, and that what was added is used (design 4, style 6)."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from contracts.errors import EXIT_DATA, EXIT_ENVIRONMENT, EXIT_FINDINGS, EXIT_OK, EXIT_USAGE
from contracts.registry import CONTRACTS
from contracts.rules import RULES
from gateway.cli import run
from gateway.sections import consumer_settings, contracts_of, served_contracts
from gateway.settings import Settings
from schemas import PACKAGE_ROOT

V1, V2, V3 = (CONTRACTS[f"GetQualityIndicators:{major}"] for major in (1, 2, 3))
DOMAIN = "groupoutcomes_qualityreporting_2.0.xsd"


@pytest.fixture(autouse=True)
def _working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")


def package(*edits: tuple[str, str], version: str = "2.0") -> str:
    """Make a package in the working folder; edits are of the domain schema."""
    folder = Path("package")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(PACKAGE_ROOT / "GetQualityIndicators" / version, folder)
    for before, after in edits:
        file = folder / "schemas" / "core_components" / DOMAIN
        text = file.read_text(encoding="utf-8")
        assert before in text
        file.write_text(text.replace(before, after, 1), encoding="utf-8")
    return str(folder)


def data_of(capsys: pytest.CaptureFixture[str], *arguments: str, expect: int = EXIT_OK) -> Any:
    assert run(["contracts", *arguments, "--json"]) == expect
    return json.loads(capsys.readouterr().out)


def text_of(capsys: pytest.CaptureFixture[str], *arguments: str, expect: int = EXIT_OK) -> str:
    assert run(["contracts", *arguments]) == expect
    return capsys.readouterr().out


# -- list ----------------------------------------------------------------------------------------------------------


def test_list_labels_every_version_honestly(capsys: pytest.CaptureFixture[str]) -> None:
    rows = {row["contract"]: row for row in data_of(capsys, "list")}
    assert list(rows) == list(CONTRACTS)
    assert [rows[contract.id]["basis"] for contract in (V1, V2, V3)] == ["published", "published", "reconstruction"]
    assert [rows[contract.id]["is_served"] for contract in (V1, V2, V3)] == [False, True, False]
    assert rows[V3.id]["is_reconstruction"]
    text = text_of(capsys, "list")
    assert "reconstruction" in text
    assert "Only the WSDL's namespace is known." in text
    assert "allow_reconstructions" in text


def test_list_shows_what_the_settings_serve(capsys: pytest.CaptureFixture[str]) -> None:
    Path("brygga.toml").write_text('[producer]\ncontracts = ["GetQualityIndicators:1", "GetQualityIndicators:2"]\n')
    assert [row["is_served"] for row in data_of(capsys, "list")][:3] == [True, True, False]


def test_a_reconstruction_is_off_until_it_is_allowed(capsys: pytest.CaptureFixture[str]) -> None:
    settings = Path("brygga.toml")
    settings.write_text(f'[producer]\ncontracts = ["{V3.id}"]\n')
    assert run(["contracts", "list"]) == EXIT_OK
    told = capsys.readouterr()
    assert "whose message is a reconstruction" in told.err
    assert "-" in told.out
    settings.write_text(f'[producer]\ncontracts = ["{V3.id}"]\nallow_reconstructions = true\n')
    assert served_contracts(Settings.load(settings)) == (V3,)


# -- show and diff -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("contract", [V1, V2, V3], ids=lambda contract: contract.id)
def test_show_explains_all_of_a_version(capsys: pytest.CaptureFixture[str], contract: Any) -> None:
    data = data_of(capsys, "show", contract.id)
    text = text_of(capsys, "show", contract.id)
    assert (data["basis"], data["soap_action"]) == (contract.basis, contract.soap_action)
    fields = {(field["name"], field["cardinality"]) for part in ("request", "response") for field in data[part]}
    assert (contract.codec.measure_id_element, "0..n" if contract is V1 else "1..n") in fields
    assert ("measurement", "0..n") in fields
    assert all(field["meaning"] for part in ("request", "response") for field in data[part])
    assert {rule["id"] for rule in data["rules"]} == set(RULES) - contract.without_rules
    assert len(data["losses"]) == len(contract.losses) > 0
    for told in (contract.wsdl_namespace, *(loss.said_as for loss in contract.losses)):
        assert told in text
    assert contract.responder_namespace in data["example_request"]
    assert contract.domain_namespace in data["example_answer"]
    assert ("COUNT" in data["example_answer"]) == (contract is V1)


def test_show_is_of_version_2_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    assert data_of(capsys, "show")["contract"] == V2.id


@pytest.mark.parametrize(
    "arguments",
    [
        ("show", "GetSomething:1"),
        ("diff", V1.id, "GetSomething:1"),
        ("diff", V1.id),
        ("diff", V2.id, "GetDistributedQualityReport:3"),
    ],
)
def test_an_unknown_contract_is_wrong_use(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]) -> None:
    assert run(["contracts", *arguments]) == EXIT_USAGE


def test_diff_says_what_breaks(capsys: pytest.CaptureFixture[str]) -> None:
    found = {
        (one["where"], one["what"]): one["is_breaking"] for one in data_of(capsys, "diff", V1.id, V2.id)["differences"]
    }
    assert found == {
        ("GetQualityIndicatorsType/measureIdVersionIndependent", "is renamed to measureId"): True,
        ("GetQualityIndicatorsType/measureId", "has cardinality 1..n, was 0..n"): True,
        ("MeasurementType/measureIdVersionIndependent", "is renamed to measureId"): True,
        ("MeasurementType/measureIdVersionDependent", "is missing"): True,
        ("MeasurementType/cohortMeasure", "is new (0..1)"): False,
        ("MeasurementType/sourceSystem", "is new (1..1, required)"): True,
        ("ContinuousVariableMeasureType/method", "is missing"): True,
        ("ContinuousVariableMeasureType/value", "has type double, was PQType"): True,
        ("ContinuousVariableMeasureType/referenceIntervalValue", "has type double, was PQType"): True,
        ("type PQType", "is missing"): True,
        ("PerformingOrganizationType/organizationName", "has cardinality 1..1, was 0..1"): True,
        ("ReportingOrganizationType/name", "is new (0..1)"): False,
        ("type CohortMeasureType", "is new"): False,
        ("type SourceSystemType", "is new"): False,
        ("type MissingMeasureReasonCodeEnum", "has the new value INV"): False,
        ("type MissingMeasureReasonCodeEnum", "has the new value NI"): False,
        ("type ObservationmethodAggregateEnum", "is missing"): True,
        ("type OrganizationTypeCodeEnum", "has the new value Sjukvardsregion"): False,
    }
    assert "11 of which break" in text_of(capsys, "diff", V1.id, V2.id)


def test_diff_of_a_reconstruction_says_that_it_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    text = text_of(capsys, "diff", V2.id, V3.id)
    assert "0 differences" in text
    assert "the published contract may differ otherwise" in text


# -- verify and add ------------------------------------------------------------------------------------------------


def test_verify_passes_an_equal_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert "equal to the built-in schema" in text_of(capsys, "verify", package())


@pytest.mark.parametrize(
    ("edit", "named"),
    [
        (('name="hsaId" type="tns:HSAIdType" minOccurs="0"', 'name="hsaId" type="tns:HSAIdType"'), "has cardinality"),
        (('<xs:enumeration value="Kommun">', '<xs:enumeration value="Lan">'), "lacks the value Kommun"),
        (('name="organizationType"', 'name="orgType"'), "is renamed to orgType"),
    ],
)
def test_verify_names_a_difference_and_exits_1(
    capsys: pytest.CaptureFixture[str], edit: tuple[str, str], named: str
) -> None:
    text = text_of(capsys, "verify", package(edit), expect=EXIT_FINDINGS)
    assert named in text
    assert "breaks" in text
    (found,) = data_of(capsys, "verify", package(edit), expect=EXIT_FINDINGS)
    assert not found["is_equal"]
    assert named in found["differences"][0]["what"]


def test_what_is_no_package_is_a_data_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["contracts", "verify", "nothing.zip"]) == EXIT_DATA
    assert "no file or folder" in capsys.readouterr().err


def test_what_was_added_is_listed_shown_and_used(capsys: pytest.CaptureFixture[str]) -> None:
    assert "added, with the built-in structure" in text_of(capsys, "add", package())
    rows = {row["contract"]: row for row in data_of(capsys, "list")}
    assert rows[V2.id]["basis"] == "added"
    kept = str(Path("contract-packages").resolve())
    assert all(file.startswith(kept) for file in data_of(capsys, "show")["files"][:-1])
    contract = contracts_of(Settings.load())[V2.id]
    assert served_contracts(Settings.load()) == (contract,)
    assert consumer_settings(Settings.load()).known_contracts[V2.id] == contract


def test_a_package_that_does_not_fit_is_told_and_not_used(capsys: pytest.CaptureFixture[str]) -> None:
    text = text_of(capsys, "add", package(('name="rate"', 'name="share"')), expect=EXIT_FINDINGS)
    assert "is renamed to share" in text
    assert "built-in schema stays in force" in " ".join(text.split())
    assert contracts_of(Settings.load())[V2.id] == V2


def test_additions_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    edit = ('<xs:enumeration value="NI">', '<xs:enumeration value="OTH"/><xs:enumeration value="NI">')
    text = text_of(capsys, "add", package(edit))
    assert "added, with additions" in text
    assert "has the new value OTH" in text


def test_the_folder_is_the_one_of_the_settings(capsys: pytest.CaptureFixture[str]) -> None:
    Path("brygga.toml").write_text('[contracts]\npackages = "elsewhere"\n')
    text_of(capsys, "add", package(version="3.0"))
    assert (Path("elsewhere") / "GetQualityIndicators" / "3.0" / "added.json").is_file()
    settings = Settings.load()
    Path("brygga.toml").write_text(f'[contracts]\npackages = "elsewhere"\n[producer]\ncontracts = ["{V3.id}"]\n')
    assert served_contracts(Settings.load()) == (contracts_of(settings)[V3.id],)


def test_a_kept_package_that_was_damaged_stops_what_would_use_it(capsys: pytest.CaptureFixture[str]) -> None:
    text_of(capsys, "add", package())
    next(Path("contract-packages").rglob(f"*{DOMAIN}")).unlink()
    assert run(["contracts", "show"]) == EXIT_ENVIRONMENT
    assert "go back to the built-in schema" in " ".join(capsys.readouterr().err.split())
