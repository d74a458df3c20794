"""Settings: ``brygga.toml``, then ``BRYGGA_*`` variables, checked with every problem told at once (style 7).

The sections are the frozen dataclasses that each folder defines for itself; this module only fills them in.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import os
import re
import tomllib
import types
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from contracts.errors import ConfigurationError

T = TypeVar("T")
DEFAULT_FILE = "brygga.toml"
ENVIRONMENT_PREFIX = "BRYGGA_"
SECTION_NAMES = frozenset(
    {
        "system",
        "organization",
        "contracts",
        "register",
        "catalogue",
        "organizations",
        "producer",
        "consumer",
        "router",
    }
)
# Variables that steer the program or its tests and are no settings.
_NOT_SETTINGS = ("BRYGGA_CONFIG", "BRYGGA_CERTS_PASSWORD", "BRYGGA_TEST_")
_PASSWORD = re.compile(r"(://[^:/@\s]*):[^/\s]*@")
_WANTED = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}


@dataclasses.dataclass(frozen=True, slots=True)
class EffectiveValue:
    """One setting in force: dotted name, value (a password in a URL replaced), where it comes from, what it means."""

    name: str
    value: Any
    source: str
    meaning: str = ""


class Settings:
    """The merged tables of the settings file and the environment; `build` makes a section's dataclass of them."""

    def __init__(self, tables: Mapping[str, Any], *, base: Path, source: str, environment: Mapping[str, str]):
        self._tables = tables
        self._environment = environment
        self.base = base
        self.source = source

    @classmethod
    def load(cls, path: Path | None = None, environment: Mapping[str, str] | None = None) -> Settings:
        """Read ``path``, or ``brygga.toml`` of the current folder when it exists.

        Relative paths inside count from the file's folder. Raises ConfigurationError.
        """
        environment = os.environ if environment is None else environment
        if path is None and "BRYGGA_CONFIG" in environment:
            path = Path(environment["BRYGGA_CONFIG"])
        file = path or Path(DEFAULT_FILE)
        if path is None and not file.exists():
            return cls({}, base=Path.cwd(), source="no settings file", environment=environment)
        try:
            tables = tomllib.loads(file.read_text(encoding="utf-8-sig"))
        except FileNotFoundError:
            raise ConfigurationError(
                f"There is no settings file {file}. Make one with 'brygga init', or name another with --config."
            ) from None
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"The settings file {file} cannot be read: {error}.") from None
        except tomllib.TOMLDecodeError as error:
            raise ConfigurationError(f"The settings file {file} is not valid TOML: {error}.") from None
        return cls(tables, base=file.resolve().parent, source=str(file), environment=environment)

    def has(self, section: str) -> bool:
        """Whether the file or the environment says anything of ``section``."""
        prefix = f"{ENVIRONMENT_PREFIX}{section.upper()}_"
        return section in self._tables or any(name.startswith(prefix) for name in self._environment)

    def build(self, section: str, kind: type[T], *, is_part: bool = False, **given: Any) -> T:
        """Make the dataclass ``kind`` of a section; ``given`` fills fields that the section does not hold.

        ``is_part``: ``kind`` knows only some of the section's settings. Raises ConfigurationError that lists every
        unknown key, missing value and wrong type.
        """
        value = self._filled(section, kind, given, is_part=is_part).built
        assert isinstance(value, kind)
        return value

    def effective(self, section: str, kind: type[Any], **given: Any) -> Iterator[EffectiveValue]:
        """Give each value of a section in force and where it comes from; raises as `build`."""
        yield from self._filled(section, kind, given).values

    def _filled(self, section: str, kind: type[Any], given: Mapping[str, Any], *, is_part: bool = False) -> _Filler:
        filler = _Filler(self, given, is_part=is_part)
        filler.built = filler.fill(kind, self._tables.get(section, {}), section)
        if not is_part:
            filler.problems += self._unknown_variables(section, filler.variables)
        if filler.problems:
            raise ConfigurationError(
                f"The section [{section}] of {self.source} has {len(filler.problems)} problem(s).",
                problems=filler.problems,
            )
        return filler

    def _unknown_variables(self, section: str, known: set[str]) -> Iterator[str]:
        prefix = f"{ENVIRONMENT_PREFIX}{section.upper()}_"
        for variable in self._variables():
            if variable.startswith(prefix) and variable not in known:
                yield f"{variable} is no setting{_suggestion(variable, known)}"

    def _variables(self) -> Iterator[str]:
        for variable in self._environment:
            if variable.startswith(ENVIRONMENT_PREFIX) and not variable.startswith(_NOT_SETTINGS):
                yield variable

    def lookup(self, variable: str) -> str | None:
        """Give the text of an environment variable."""
        return self._environment.get(variable)

    def resolve(self, text: str) -> Path:
        """Give a path of the settings, relative ones from the folder of the settings file."""
        return (self.base / Path(text).expanduser()).absolute()

    def unknown_sections(self, known: frozenset[str] = SECTION_NAMES) -> list[str]:
        """Give problems for tables and environment variables that no part of the program reads."""
        prefixes = tuple(f"{ENVIRONMENT_PREFIX}{name.upper()}_" for name in known)
        return [
            *(f"[{name}] is no section{_suggestion(name, known)}" for name in self._tables if name not in known),
            *(f"{name} belongs to no section" for name in self._variables() if not name.startswith(prefixes)),
        ]


class _Filler:
    """Fills one dataclass from a table and the environment, collecting problems instead of stopping."""

    def __init__(self, settings: Settings, given: Mapping[str, Any], *, is_part: bool) -> None:
        self.settings = settings
        self.is_part = is_part
        self.given = given
        self.built: Any = None
        self.problems: list[str] = []
        self.values: list[EffectiveValue] = []
        self.variables: set[str] = set()

    def fill(self, kind: type[Any], table: Any, name: str) -> Any:
        if not isinstance(table, dict):
            self.problems.append(f"{name} must be a table, [{name}]")
            return None
        hints = get_type_hints(kind)
        fields = {field.name: field for field in dataclasses.fields(kind) if field.init}
        given = self.given if "." not in name else {}
        readable = frozenset(fields) - frozenset(given)
        for key in table:
            if key not in readable and not self.is_part:
                self.problems.append(f"{name}.{key} is no setting{_suggestion(key, readable)}")
        arguments = dict(given)
        for key in fields:
            if key not in given:
                self._fill_field(fields[key], hints[key], table, f"{name}.{key}", arguments)
        if self.problems:
            return None
        try:
            return kind(**arguments)
        except ConfigurationError as error:
            self.problems += [f"{name}: {problem}" for problem in error.problems or (error.message,)]
        except ValueError as error:
            self.problems.append(f"{name}: {error}")
        return None

    def _fill_field(
        self,
        field: dataclasses.Field[Any],
        hint: Any,
        table: Mapping[str, Any],
        name: str,
        into: dict[str, Any],
    ) -> None:
        nested = _dataclass_of(hint)
        if nested is not None:
            if field.name in table or self.settings.has(name.replace(".", "_")):
                into[field.name] = self.fill(nested, table.get(field.name, {}), name)
            elif _is_required(field):
                self.problems.append(f"[{name}] is missing")
            return
        variable = ENVIRONMENT_PREFIX + name.replace(".", "_").upper()
        self.variables.add(variable)
        text = self.settings.lookup(variable)
        if text is not None:
            value, source = self._convert_text(hint, text, name), variable
        elif field.name in table:
            value, source = self._convert(hint, table[field.name], name), self.settings.source
        elif _is_required(field):
            self.problems.append(f"{name} is missing")
            return
        else:
            self._tell(field, name, _default_of(field), "default")
            return
        into[field.name] = value
        self._tell(field, name, value, source)

    def _tell(self, field: dataclasses.Field[Any], name: str, value: Any, source: str) -> None:
        if isinstance(value, str):
            value = _PASSWORD.sub(r"\1:***@", value)
        is_told_by_part = isinstance(value, tuple) and any(dataclasses.is_dataclass(entry) for entry in value)
        if not is_told_by_part:
            self.values.append(EffectiveValue(name, value, source, field.metadata.get("help", "")))

    def _convert_text(self, hint: Any, text: str, name: str) -> Any:
        """Convert the text of an environment variable; lists are separated by commas."""
        plain = _without_none(hint)
        if get_origin(plain) is tuple:
            item = get_args(plain)[0]
            if _dataclass_of(item) is not None:
                return self._wrong(name, "given in the settings file")
            return tuple(self._convert_text(item, part.strip(), name) for part in text.split(",") if part.strip())
        if plain is bool:
            known = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
            return known[text.lower()] if text.lower() in known else self._wrong(name, "true or false")
        if plain in (int, float):
            try:
                return self._convert(hint, plain(text), name)
            except ValueError:
                return self._wrong(name, _WANTED[plain])
        return self._convert(hint, text, name)

    def _convert(self, hint: Any, value: Any, name: str) -> Any:
        plain = _without_none(hint)
        if get_origin(plain) is Literal:
            allowed = get_args(plain)
            return value if value in allowed else self._wrong(name, "one of " + ", ".join(map(str, allowed)))
        if get_origin(plain) is tuple:
            return self._convert_list(get_args(plain)[0], value, name)
        if plain is Path:
            return self._path(value, name)
        if plain is float and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        is_kind = isinstance(value, plain) and not (plain is int and isinstance(value, bool))
        if not is_kind or (plain is float and not math.isfinite(value)):
            return self._wrong(name, _WANTED[plain])
        return value

    def _path(self, value: Any, name: str) -> Any:
        if not isinstance(value, str) or not value:
            return self._wrong(name, "a path")
        try:
            return self.settings.resolve(value)
        except RuntimeError:
            return self._wrong(name, "a path; its ~ names nobody's home folder")

    def _convert_list(self, item: Any, value: Any, name: str) -> Any:
        if not isinstance(value, list):
            return self._wrong(name, 'a list, such as ["a", "b"]')
        nested = _dataclass_of(item)
        if nested is not None:
            return tuple(self.fill(nested, entry, f"{name}.{number}") for number, entry in enumerate(value, 1))
        return tuple(self._convert(item, entry, name) for entry in value)

    def _wrong(self, name: str, wanted: str) -> None:
        self.problems.append(f"{name} must be {wanted}")


def _without_none(hint: Any) -> Any:
    if get_origin(hint) in (Union, types.UnionType):
        rest = [part for part in get_args(hint) if part is not type(None)]
        return rest[0]
    return hint


def _dataclass_of(hint: Any) -> type[Any] | None:
    plain = _without_none(hint)
    return plain if isinstance(plain, type) and dataclasses.is_dataclass(plain) else None


def _default_of(field: dataclasses.Field[Any]) -> Any:
    return field.default if field.default_factory is dataclasses.MISSING else field.default_factory()


def _is_required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _suggestion(name: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]}?" if close else ""
