"""Makes an ISO Schematron file plain: inclusions, abstract patterns and abstract rules resolved, a phase chosen.

ISO/IEC 19757-3, simplification before the query language is looked at. Every element keeps its file and line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Final, NoReturn

from lxml import etree

from contracts.errors import ConfigurationError

SCH: Final = "{http://purl.oclc.org/dsdl/schematron}"
AT: Final = "{urn:indikatorbryggan:schematron}at"
"""Attribute put on every element: file name and line it was read from."""

ALL_PHASES: Final = "#ALL"
DEFAULT_PHASE: Final = "#DEFAULT"
_OLD_NAMESPACE = "{http://www.ascc.net/xml/schematron}"


def place(element: etree._Element) -> str:
    """Name the file and line of an element."""
    return str(element.get(AT, "an unknown place"))


def fail(element: etree._Element, message: str) -> NoReturn:
    """Raise ConfigurationError for something wrong at ``element``."""
    raise ConfigurationError(f"The Schematron cannot be used: {place(element)}: {message}")


def expand(path: Path, phase: str) -> etree._Element:
    """Read the Schematron at ``path`` and give its ``schema`` element with the patterns of ``phase`` only.

    The file is the tester's own, so it is trusted as far as its text goes; entities and network stay off.
    Raises ConfigurationError that names file and line.
    """
    schema = _read(path)
    if schema.tag == f"{_OLD_NAMESPACE}schema":
        fail(schema, "it is Schematron 1.5; use the ISO namespace http://purl.oclc.org/dsdl/schematron.")
    if schema.tag != f"{SCH}schema":
        fail(schema, f"the root element is {etree.QName(schema).localname}, not schema of ISO Schematron.")
    _resolve_inclusions(schema, path, (path.resolve(),))
    _choose_phase(schema, phase)
    _instantiate_patterns(schema)
    _extend_rules(schema)
    return schema


def _read(path: Path) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True)
    try:
        root = etree.fromstring(path.read_bytes(), parser)
    except OSError as error:
        message = f"The Schematron {path} cannot be read: {error.strerror or error}. Check the path."
        raise ConfigurationError(message) from error
    except etree.XMLSyntaxError as error:
        message = f"The Schematron {path} is not well-formed XML: {error.msg}. Correct it there."
        raise ConfigurationError(message) from error
    for element in root.iter(etree.Element):
        element.set(AT, f"{path.name}:{element.sourceline}")
    return root


def _resolve_inclusions(element: etree._Element, path: Path, stack: tuple[Path, ...]) -> None:
    """Replace ``include`` by what it names and ``extends href`` by its children, to any depth."""
    for child in list(element.iterchildren(etree.Element)):
        href = child.get("href")
        if href is None or child.tag not in (f"{SCH}include", f"{SCH}extends"):
            _resolve_inclusions(child, path, stack)
            continue
        target_path, target = _referenced(child, href, path, stack)
        _resolve_inclusions(target, target_path, (*stack, target_path))
        parts = [target] if child.tag == f"{SCH}include" else list(target.iterchildren(etree.Element))
        _replace(child, parts)


def _referenced(child: etree._Element, href: str, path: Path, stack: tuple[Path, ...]) -> tuple[Path, etree._Element]:
    file_name, _, fragment = href.partition("#")
    if ":" in file_name:
        fail(child, f"{href} is not a relative path; put the file beside this one.")
    target_path = (path.parent / file_name).resolve()
    if target_path in stack:
        fail(child, f"{href} includes itself.")
    root = _read(target_path)
    if not fragment:
        return target_path, root
    for element in root.iter(etree.Element):
        if fragment in (element.get("id"), element.get("{http://www.w3.org/XML/1998/namespace}id")):
            return target_path, element
    fail(child, f"{file_name} has no element with id {fragment}.")


def _replace(child: etree._Element, parts: list[etree._Element]) -> None:
    parent = child.getparent()
    if parent is None:
        fail(child, "the root element cannot be an inclusion.")
    index = parent.index(child)
    parent.remove(child)
    for offset, part in enumerate(parts):
        parent.insert(index + offset, deepcopy(part))


def _choose_phase(schema: etree._Element, phase: str) -> None:
    """Drop the patterns that ``phase`` does not name and move its variables up to the schema."""
    if phase == DEFAULT_PHASE:
        phase = schema.get("defaultPhase", ALL_PHASES)
    phases = list(schema.iterchildren(f"{SCH}phase"))
    if phase != ALL_PHASES:
        chosen = next((p for p in phases if p.get("id") == phase), None)
        if chosen is None:
            known = ", ".join([ALL_PHASES, *(p.get("id", "") for p in phases)])
            fail(schema, f"there is no phase {phase}; it has {known}.")
        active = {a.get("pattern") for a in chosen.iterchildren(f"{SCH}active")}
        for pattern in list(schema.iterchildren(f"{SCH}pattern")):
            if pattern.get("abstract") != "true" and pattern.get("id") not in active:
                schema.remove(pattern)
        _replace(chosen, list(chosen.iterchildren(f"{SCH}let")))
    for unused in list(schema.iterchildren(f"{SCH}phase")):
        schema.remove(unused)


def _instantiate_patterns(schema: etree._Element) -> None:
    """Fill every ``pattern is-a`` from its abstract pattern, then drop the abstract ones."""
    abstract = {p.get("id"): p for p in schema.iterchildren(f"{SCH}pattern") if p.get("abstract") == "true"}
    for pattern in list(schema.iterchildren(f"{SCH}pattern")):
        name = pattern.get("is-a")
        if name is None:
            continue
        template = abstract.get(name)
        if template is None:
            fail(pattern, f"there is no abstract pattern {name}.")
        values = {**_parameters(template), **_parameters(pattern)}
        for child in template.iterchildren(etree.Element):
            if child.tag != f"{SCH}param":
                pattern.append(_filled(deepcopy(child), values))
    for template in abstract.values():
        schema.remove(template)


def _parameters(pattern: etree._Element) -> dict[str, str]:
    values: dict[str, str] = {}
    for param in pattern.iterchildren(f"{SCH}param"):
        name, value = param.get("name"), param.get("value")
        if name is None or value is None:
            fail(param, "param needs name and value.")
        values[name] = value
    return values


def _filled(element: etree._Element, values: dict[str, str]) -> etree._Element:
    """Put the parameters' values in place of ``$name`` in every attribute; only whole names count."""
    if not values:
        return element
    reference = re.compile(r"\$(" + "|".join(map(re.escape, values)) + r")(?![\w.-])")
    for node in element.iter(etree.Element):
        for attribute, text in node.attrib.items():
            node.set(attribute, reference.sub(lambda match: values[match[1]], str(text)))
    return element


def _extend_rules(schema: etree._Element) -> None:
    """Copy the content of abstract rules to where ``extends`` names them, then drop them."""
    rules = [r for r in schema.iter(f"{SCH}rule") if r.get("abstract") == "true"]
    for rule in schema.iter(f"{SCH}rule"):
        if rule not in rules:
            _extend(rule, rules, ())
    for rule in rules:
        parent = rule.getparent()
        if parent is not None:
            parent.remove(rule)


def _extend(rule: etree._Element, rules: list[etree._Element], stack: tuple[etree._Element, ...]) -> None:
    for extends in list(rule.iterchildren(f"{SCH}extends")):
        base = _abstract_rule(extends, rules)
        if base in stack:
            fail(extends, f"the rule {extends.get('rule')} extends itself.")
        copy = deepcopy(base)
        _extend(copy, rules, (*stack, base))
        _replace(extends, list(copy.iterchildren(etree.Element)))


def _abstract_rule(extends: etree._Element, rules: list[etree._Element]) -> etree._Element:
    """Find the rule that ``extends`` names, first in its own pattern, then anywhere."""
    named = [rule for rule in rules if rule.get("id") == extends.get("rule")]
    own = list(extends.iterancestors(f"{SCH}pattern"))
    for rule in sorted(named, key=lambda r: r.getparent() not in own):
        return rule
    fail(extends, f"there is no abstract rule {extends.get('rule')}.")


def children(element: etree._Element, name: str) -> Iterator[etree._Element]:
    """Give the Schematron children of that name in document order."""
    return element.iterchildren(f"{SCH}{name}")
