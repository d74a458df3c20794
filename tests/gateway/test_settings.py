"""Settings from file and environment: every type, every problem at once, provenance, no secrets (style reference 7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest

from contracts.errors import ConfigurationError
from gateway.sections import SECTIONS
from gateway.settings import SECTION_NAMES, EffectiveValue, Settings


@dataclass(frozen=True)
class Tls:
    certificate: Path
    crl: Path | None = None


@dataclass(frozen=True)
class Route:
    name: str
    port: int = 1


@dataclass(frozen=True)
class Part:
    text: str = "default"
    number: int = 7
    share: float = 0.5
    is_on: bool = False
    path: Path = Path("default.file")
    maybe: str | None = None
    maybe_port: int | None = None
    names: tuple[str, ...] = ()
    ports: tuple[int, ...] = (1, 2)
    files: tuple[Path, ...] = ()
    mode: Literal["strict", "lenient"] = "strict"
    made: tuple[str, ...] = field(default_factory=lambda: ("made",))
    tls: Tls | None = None
    routes: tuple[Route, ...] = ()
    derived: int = field(init=False, default=3)

    def __post_init__(self) -> None:
        problems = [f"{name} is bad" for name in ("text", "maybe") if getattr(self, name) == "bad"]
        if self.number < 0:
            raise ValueError("number must be 0 or more")
        if problems:
            raise ConfigurationError("It cannot work.", problems=problems)


@dataclass(frozen=True)
class Needy:
    given: str
    name: str
    tls: Tls


def settings(tmp_path: Path, text: str = "", environment: Mapping[str, str] | None = None) -> Settings:
    file = tmp_path / "brygga.toml"
    file.write_text(text, encoding="utf-8")
    return Settings.load(file, environment or {})


def part(tmp_path: Path, text: str = "", environment: Mapping[str, str] | None = None) -> Part:
    return settings(tmp_path, f"[part]\n{text}", environment).build("part", Part)


def problems(tmp_path: Path, text: str = "", environment: Mapping[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigurationError) as refused:
        part(tmp_path, text, environment)
    assert f"has {len(refused.value.problems)} problem" in refused.value.message
    return list(refused.value.problems)


def test_nothing_said_gives_the_defaults(tmp_path: Path) -> None:
    assert part(tmp_path) == Part()
    assert settings(tmp_path).build("part", Part) == Part()


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ('text = "å"', "text", "å"),
        ("number = 0", "number", 0),
        ("share = 0.25", "share", 0.25),
        ("share = 2", "share", 2.0),
        ("is_on = true", "is_on", True),
        ('maybe = ""', "maybe", ""),
        ("maybe_port = 1", "maybe_port", 1),
        ('names = ["a", "b"]', "names", ("a", "b")),
        ("names = []", "names", ()),
        ("ports = [3]", "ports", (3,)),
        ('mode = "lenient"', "mode", "lenient"),
        ('path = "/absolute"', "path", Path("/absolute")),
    ],
)
def test_every_type_from_the_file(tmp_path: Path, text: str, name: str, value: Any) -> None:
    read = getattr(part(tmp_path, text), name)
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize(
    ("variable", "text", "name", "value"),
    [
        ("TEXT", "å", "text", "å"),
        ("TEXT", "", "text", ""),
        ("NUMBER", "12", "number", 12),
        ("SHARE", "1e-3", "share", 0.001),
        ("SHARE", "2", "share", 2.0),
        ("IS_ON", "True", "is_on", True),
        ("IS_ON", "no", "is_on", False),
        ("MAYBE", "x", "maybe", "x"),
        ("MAYBE_PORT", "5", "maybe_port", 5),
        ("NAMES", "a, b,,c ", "names", ("a", "b", "c")),
        ("NAMES", "", "names", ()),
        ("PORTS", "3,4", "ports", (3, 4)),
        ("MODE", "lenient", "mode", "lenient"),
        ("PATH", "/absolute", "path", Path("/absolute")),
        ("FILES", "/a,/b", "files", (Path("/a"), Path("/b"))),
    ],
)
def test_every_type_from_the_environment(tmp_path: Path, variable: str, text: str, name: str, value: Any) -> None:
    read = getattr(part(tmp_path, environment={f"BRYGGA_PART_{variable}": text}), name)
    assert (read, type(read)) == (value, type(value))


def test_environment_beats_the_file(tmp_path: Path) -> None:
    assert part(tmp_path, 'text = "file"\nnumber = 1', {"BRYGGA_PART_TEXT": "environment"}) == Part("environment", 1)


def test_relative_paths_count_from_the_folder_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    monkeypatch.setenv("HOME", "/home/somebody")
    read = part(tmp_path, 'path = "a/b"\nfiles = ["c", "~/d"]', {"BRYGGA_PART_TLS_CERTIFICATE": "e.pem"})
    assert read.path == tmp_path / "a/b"
    assert read.files == (tmp_path / "c", Path("/home/somebody/d"))
    assert read.tls == Tls(tmp_path / "e.pem")


def test_nested_tables_and_arrays_of_tables(tmp_path: Path) -> None:
    text = '[part.tls]\ncertificate = "c.pem"\n[[part.routes]]\nname = "one"\n[[part.routes]]\nname = "two"\nport = 2\n'
    read = part(tmp_path, text, {"BRYGGA_PART_TLS_CRL": "x.crl", "BRYGGA_PART_ROUTES_1_PORT": "9"})
    assert read.tls == Tls(tmp_path / "c.pem", tmp_path / "x.crl")
    assert read.routes == (Route("one", 9), Route("two", 2))


def test_given_fields_are_not_read(tmp_path: Path) -> None:
    text = '[needy]\nname = "n"\n[needy.tls]\ncertificate = "c"\n'
    assert settings(tmp_path, text).build("needy", Needy, given="g") == Needy("g", "n", Tls(tmp_path / "c"))
    with pytest.raises(ConfigurationError) as refused:
        settings(tmp_path, text.replace("name =", 'given = "x"\nname =')).build("needy", Needy, given="g")
    assert refused.value.problems == ("needy.given is no setting",)


# -- problems --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("text = 1", "part.text must be a text"),
        ("text = true", "part.text must be a text"),
        ("maybe = 1", "part.maybe must be a text"),
        ('number = "1"', "part.number must be a whole number"),
        ("number = 1.0", "part.number must be a whole number"),
        ("number = true", "part.number must be a whole number"),
        ("share = true", "part.share must be a number"),
        ("share = nan", "part.share must be a number"),
        ("share = inf", "part.share must be a number"),
        ('share = "1"', "part.share must be a number"),
        ("is_on = 1", "part.is_on must be true or false"),
        ('is_on = "true"', "part.is_on must be true or false"),
        ("path = 1", "part.path must be a path"),
        ('path = ""', "part.path must be a path"),
        ('path = "~nobody-has-this-name/x"', "part.path must be a path; its ~ names nobody's home folder"),
        ('names = "a"', 'part.names must be a list, such as ["a", "b"]'),
        ("names = [1]", "part.names must be a text"),
        ("ports = [true]", "part.ports must be a whole number"),
        ('mode = "other"', "part.mode must be one of strict, lenient"),
        ("tls = 1", "part.tls must be a table, [part.tls]"),
        ("[part.tls]", "part.tls.certificate is missing"),
        ('[part.tls]\ncertificate = "c"\ncrll = "x"', "part.tls.crll is no setting; did you mean crl?"),
        ('[[part.routes]]\nname = "a"\n[[part.routes]]\nport = 1', "part.routes.2.name is missing"),
        ("routes = [1]", "part.routes.1 must be a table, [part.routes.1]"),
        ("nunber = 1", "part.nunber is no setting; did you mean number?"),
        ("zzz = 1", "part.zzz is no setting"),
        ("derived = 4", "part.derived is no setting"),
        ("number = -1", "part: number must be 0 or more"),
    ],
)
def test_problem_in_the_file_is_named(tmp_path: Path, text: str, problem: str) -> None:
    assert problems(tmp_path, text) == [problem]


@pytest.mark.parametrize(
    ("variable", "text", "problem"),
    [
        ("NUMBER", "1.5", "part.number must be a whole number"),
        ("NUMBER", "", "part.number must be a whole number"),
        ("SHARE", "x", "part.share must be a number"),
        ("SHARE", "nan", "part.share must be a number"),
        ("IS_ON", "maybe", "part.is_on must be true or false"),
        ("PORTS", "1,x", "part.ports must be a whole number"),
        ("MODE", "x", "part.mode must be one of strict, lenient"),
        ("ROUTES", "x", "part.routes must be given in the settings file"),
        ("NUNBER", "1", "BRYGGA_PART_NUNBER is no setting; did you mean BRYGGA_PART_NUMBER?"),
        ("ZZZZZZZZZZZZZZZZZZZZ", "x", "BRYGGA_PART_ZZZZZZZZZZZZZZZZZZZZ is no setting"),
        ("ROUTES_3_NAME", "x", "BRYGGA_PART_ROUTES_3_NAME is no setting; did you mean BRYGGA_PART_ROUTES?"),
        ("TLS_CRL", "x", "part.tls.certificate is missing"),
    ],
)
def test_problem_in_the_environment_is_named(tmp_path: Path, variable: str, text: str, problem: str) -> None:
    assert problems(tmp_path, environment={f"BRYGGA_PART_{variable}": text}) == [problem]


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        'text = 1\nnumber = "x"\nnunber = 2\nnames = [1, 2]\n[part.tls]\ncrl = 5\n',
        {"BRYGGA_PART_SHARE": "x", "BRYGGA_PART_MODEE": "strict"},
    )
    assert sorted(found) == [
        "BRYGGA_PART_MODEE is no setting; did you mean BRYGGA_PART_MODE?",
        "part.names must be a text",
        "part.names must be a text",
        "part.number must be a whole number",
        "part.nunber is no setting; did you mean number?",
        "part.share must be a number",
        "part.text must be a text",
        "part.tls.certificate is missing",
        "part.tls.crl must be a path",
    ]


def test_problems_that_the_part_finds_itself_are_all_told(tmp_path: Path) -> None:
    assert problems(tmp_path, 'text = "bad"\nmaybe = "bad"') == ["part: text is bad", "part: maybe is bad"]


def test_missing_values_are_all_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as refused:
        settings(tmp_path).build("needy", Needy)
    assert refused.value.problems == ("needy.given is missing", "needy.name is missing", "[needy.tls] is missing")


def test_section_that_is_no_table(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as refused:
        settings(tmp_path, "part = 3").build("part", Part)
    assert refused.value.problems == ("part must be a table, [part]",)


def test_unknown_sections_and_variables_are_told(tmp_path: Path) -> None:
    environment = {
        "BRYGGA_REGISTRE_URL": "x",
        "BRYGGA_REGISTER_URL": "x",
        "BRYGGA_CONFIG": "x",
        "BRYGGA_CERTS_PASSWORD": "x",
        "BRYGGA_TEST_POSTGRESQL_URL": "x",
        "HOME": "x",
    }
    loaded = settings(tmp_path, "[registre]\n[producer]\n[zzz]\n", environment)
    assert loaded.unknown_sections() == [
        "[registre] is no section; did you mean register?",
        "[zzz] is no section",
        "BRYGGA_REGISTRE_URL belongs to no section",
    ]


def test_section_names_are_those_of_the_parts() -> None:
    assert set(SECTIONS) == SECTION_NAMES


def test_has_says_whether_file_or_environment_name_a_section(tmp_path: Path) -> None:
    loaded = settings(tmp_path, "[part]\n", {"BRYGGA_OTHER_NAME": "x"})
    assert [loaded.has(name) for name in ("part", "other", "neither")] == [True, True, False]


# -- where values come from ------------------------------------------------------------------------------------------


def test_each_value_is_told_with_its_source(tmp_path: Path) -> None:
    text = '[part]\ntext = "t"\n[part.tls]\ncertificate = "c"\n[[part.routes]]\nname = "one"\n'
    loaded = settings(tmp_path, text, {"BRYGGA_PART_NUMBER": "1"})
    file = str(tmp_path / "brygga.toml")
    told = {value.name: (value.value, value.source) for value in loaded.effective("part", Part)}
    assert told["part.text"] == ("t", file)
    assert told["part.number"] == (1, "BRYGGA_PART_NUMBER")
    assert told["part.share"] == (0.5, "default")
    assert told["part.made"] == (("made",), "default")
    assert told["part.tls.certificate"] == (tmp_path / "c", file)
    assert told["part.tls.crl"] == (None, "default")
    assert told["part.routes.1.name"] == ("one", file)
    assert "part.routes" not in told
    assert "part.derived" not in told


def test_effective_values_of_a_broken_section_raise_as_building_does(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="2 problem"):
        list(settings(tmp_path, "[part]\nnumber = 1.5\nx = 1\n").effective("part", Part))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql+psycopg://user:se:cr@t@host:5432/db?x=1", "postgresql+psycopg://user:***@host:5432/db?x=1"),
        ("postgresql+psycopg://user:@host/db", "postgresql+psycopg://user:***@host/db"),
        ("postgresql+psycopg://user@host/db", "postgresql+psycopg://user@host/db"),
        ("sqlite:///register.db", "sqlite:///register.db"),
        ("https://host:8443/a@b:c", "https://host:8443/a@b:c"),
    ],
)
def test_password_in_a_url_is_not_told(tmp_path: Path, url: str, shown: str) -> None:
    for loaded in (settings(tmp_path, f'[part]\ntext = "{url}"\n'), settings(tmp_path, "", {"BRYGGA_PART_TEXT": url})):
        told: list[EffectiveValue] = [value for value in loaded.effective("part", Part) if value.name == "part.text"]
        assert [value.value for value in told] == [shown]
        assert loaded.build("part", Part).text == url


# -- files -----------------------------------------------------------------------------------------------------------


def test_without_a_file_the_current_folder_and_defaults_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    loaded = Settings.load(environment={})
    assert (loaded.source, loaded.base) == ("no settings file", tmp_path)
    assert loaded.build("part", Part) == Part()


def test_file_of_the_current_folder_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "brygga.toml").write_text("\ufeff[part]\nnumber = 5\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert Settings.load(environment={}).build("part", Part).number == 5


def test_file_named_by_variable_is_read_unless_another_is_given(tmp_path: Path) -> None:
    (tmp_path / "one.toml").write_text("[part]\nnumber = 1\n")
    (tmp_path / "two.toml").write_text("[part]\nnumber = 2\n")
    environment = {"BRYGGA_CONFIG": str(tmp_path / "one.toml")}
    assert Settings.load(environment=environment).build("part", Part).number == 1
    assert Settings.load(tmp_path / "two.toml", environment).build("part", Part).number == 2


def test_process_environment_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BRYGGA_CONFIG", raising=False)
    monkeypatch.setenv("BRYGGA_PART_NUMBER", "6")
    assert Settings.load().build("part", Part).number == 6


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "brygga init"),
        (b"a = ", "not valid TOML"),
        (b"a = 1\na = 2\n", "not valid TOML"),
        (b"\xff", "cannot be read"),
    ],
)
def test_file_that_cannot_be_used_is_told_with_its_name(tmp_path: Path, content: bytes | None, said: str) -> None:
    file = tmp_path / "x.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigurationError) as refused:
        Settings.load(file, {})
    assert said in refused.value.message
    assert str(file) in refused.value.message


def test_folder_instead_of_a_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        Settings.load(tmp_path, {})
