"""A working folder: what `brygga init` makes, and what the settings and the doctor say of it."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from contracts.errors import EXIT_ENVIRONMENT, EXIT_OK, EXIT_USAGE, ConfigurationError
from gateway import workspace
from gateway.checks import run_checks
from gateway.cli import run
from gateway.sections import consumer_settings, effective_settings, producer_settings, register_of, router_settings
from gateway.settings import Settings

HSA_ID = "SE9990001112-DEMO"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> workspace.Workspace:
    folder = tmp_path_factory.mktemp("workspace")
    made = workspace.create(folder, hsa_id=HSA_ID, name='The "demo" register', key_size=2048)
    register_of(Settings.load(made.settings_file, {}), create=True).close()
    return made


@pytest.fixture
def settings(made: workspace.Workspace) -> Settings:
    return Settings.load(made.settings_file, {})


def test_every_section_of_a_new_folder_is_valid(settings: Settings, made: workspace.Workspace) -> None:
    producer = producer_settings(settings)
    assert producer.served_addresses == (HSA_ID,)
    assert producer.system.name == 'The "demo" register'
    assert made.consumer_hsa_id in producer.allowed_callers
    assert consumer_settings(settings).logical_address == HSA_ID
    assert router_settings(settings).tls is not None
    assert not settings.unknown_sections(
        frozenset({"system", "organization", "register", "producer", "consumer", "router"})
    )


def test_private_keys_are_for_the_owner_alone(made: workspace.Workspace) -> None:
    keys = list(made.directory.rglob("*.key"))
    assert len(keys) >= 3
    assert {stat.S_IMODE(key.stat().st_mode) for key in keys} == {0o600}


def test_a_second_init_changes_nothing(made: workspace.Workspace) -> None:
    before = made.settings_file.read_bytes()
    with pytest.raises(ConfigurationError, match="exists already"):
        workspace.create(made.directory, hsa_id=HSA_ID, name="another")
    assert made.settings_file.read_bytes() == before


def test_the_doctor_finds_nothing_wrong_but_says_that_nothing_is_published(settings: Settings) -> None:
    checks = {check.about: check for check in run_checks(settings)}
    assert [check for check in checks.values() if check.state == "error"] == []
    assert checks["publication"].state == "warning"
    assert "publish" in checks["publication"].mend


@pytest.mark.parametrize(
    ("variable", "value", "about"),
    [
        ("BRYGGA_PRODUCER_TLS_CERTIFICATE", "certs/consumer.pem", "producer certificate"),
        ("BRYGGA_PRODUCER_TLS_CA", "no-such-file.pem", "producer certificate"),
        ("BRYGGA_REGISTER_URL", "sqlite:///no-such.db", "register"),
        ("BRYGGA_REGISTER_URL", "nonsense", "register"),
        ("BRYGGA_REGISTER_READ_URL", "sqlite:///no-such.db", "read_url"),
        ("BRYGGA_PRODUCER_PORT", "70000", "producer"),
        ("BRYGGA_CONSUMER_ENDPOINT", "http://plain.example.test/", "consumer"),
    ],
)
def test_the_doctor_names_what_is_wrong(made: workspace.Workspace, variable: str, value: str, about: str) -> None:
    checks = list(run_checks(Settings.load(made.settings_file, {variable: value})))
    wrong = [check for check in checks if check.state == "error"]
    assert about in {check.about for check in wrong}
    assert all(check.text for check in wrong)


def test_the_doctor_compares_the_database_that_is_read(made: workspace.Workspace) -> None:
    checks = run_checks(Settings.load(made.settings_file, {"BRYGGA_REGISTER_READ_URL": "sqlite:///register.db"}))
    assert [check.state for check in checks if check.about == "read_url"] == ["ok"]


def test_the_doctor_warns_of_an_empty_list_of_callers(made: workspace.Workspace) -> None:
    checks = run_checks(Settings.load(made.settings_file, {"BRYGGA_PRODUCER_ALLOWED_CALLERS": ""}))
    assert [check.state for check in checks if check.about == "allowed callers"] == ["warning"]


def test_effective_settings_say_where_each_value_comes_from(made: workspace.Workspace) -> None:
    settings = Settings.load(made.settings_file, {"BRYGGA_PRODUCER_WORKERS": "3"})
    sources = {value.name: (value.value, value.source) for value in effective_settings(settings)}
    assert sources["producer.workers"] == (3, "BRYGGA_PRODUCER_WORKERS")
    assert sources["producer.port"] == (8443, str(made.settings_file))
    assert sources["producer.threads"][1] == "default"


def test_doctor_and_settings_as_commands(made: workspace.Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--config", str(made.settings_file), "doctor", "--json"]) == EXIT_OK
    assert json.loads(capsys.readouterr().out)["is_well"] is True
    assert run(["settings", "--config", str(made.settings_file), "--json"]) == EXIT_OK
    assert {"name", "value", "source", "meaning"} == set(json.loads(capsys.readouterr().out)[0])


def test_doctor_without_a_readable_register_ends_3(made: workspace.Workspace, tmp_path: Path) -> None:
    broken = tmp_path / "brygga.toml"
    text = made.settings_file.read_text(encoding="utf-8").replace("register.db", "elsewhere.db")
    broken.write_text(text.replace('"certs/', f'"{made.directory}/certs/'), encoding="utf-8")
    assert run(["doctor", "--config", str(broken)]) == EXIT_ENVIRONMENT


def test_init_refuses_what_is_no_hsa_id(tmp_path: Path) -> None:
    assert run(["init", str(tmp_path / "new"), "--hsa-id", "not an id", "--name", "x"]) == EXIT_USAGE
    assert not (tmp_path / "new").exists()
