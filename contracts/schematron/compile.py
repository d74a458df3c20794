"""Turns a plain Schematron schema into XSLT 3.0 that writes findings (ISO/IEC 19757-3, query binding xslt2).

One template mode per pattern: in a pattern the first rule that matches a node is the one that counts. A test that
fails to be evaluated becomes a finding of its own and does not hide the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Final

from lxml import etree

from contracts.schematron.expand import AT, SCH, children, fail

XSL: Final = "{http://www.w3.org/1999/XSL/Transform}"
OUT_NAMESPACE: Final = "urn:indikatorbryggan:schematron"
OUT: Final = f"{{{OUT_NAMESPACE}}}"
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_BINDINGS = ("xslt", "xslt2", "xslt3", "xpath", "xpath2", "xpath3")
_MAY_MATCH_OTHER_THAN_ELEMENTS = re.compile(r"[@(.]|::")
_Diagnostics = Mapping[str | None, etree._Element]
_INLINE = ("emph", "span", "dir")


def compile_schema(schema: etree._Element) -> list[bytes]:
    """Compile an expanded ``schema`` element to one or more stylesheets that together run all its patterns.

    Variables of a pattern become global, so a pattern that uses a name again begins a stylesheet of its own.
    Raises ConfigurationError for what is not ISO Schematron or not supported.
    """
    binding = schema.get("queryBinding", "xslt").lower()
    if binding not in _BINDINGS:
        fail(schema, f"query binding {binding} is not supported; it can be one of {', '.join(_BINDINGS)}.")
    return [
        etree.tostring(_stylesheet(schema, group), pretty_print=True, encoding="UTF-8") for group in _groups(schema)
    ]


def _groups(schema: etree._Element) -> Iterator[list[etree._Element]]:
    """Split the patterns so that no variable name occurs twice in one group."""
    common = {let.get("name") for let in children(schema, "let")}
    group: list[etree._Element] = []
    used: set[str | None] = set()
    for pattern in children(schema, "pattern"):
        names = {let.get("name") for let in children(pattern, "let")}
        if group and (names & (used | common) or used & common):
            yield group
            group, used = [], set()
        group.append(pattern)
        used |= names
    yield group


def _stylesheet(schema: etree._Element, patterns: list[etree._Element]) -> etree._Element:
    sheet = etree.Element(f"{XSL}stylesheet", nsmap=_namespaces(schema), attrib={"version": "3.0"})
    sheet.set("exclude-result-prefixes", "#all")
    # ASCII with character references reads the same whatever encoding the platform thinks it has.
    etree.SubElement(sheet, f"{XSL}output", encoding="US-ASCII", method="xml", indent="no")
    foreign = [e for e in schema.iterchildren(etree.Element) if str(e.tag).startswith(XSL)]
    for element in sorted(foreign, key=lambda e: e.tag != f"{XSL}import"):
        sheet.append(_copy(element))
    own_names = {let.get("name") for pattern in patterns for let in children(pattern, "let")}
    for let in children(schema, "let"):
        if let.get("name") not in own_names:
            sheet.append(_variable(let))
    main = _sub(sheet, f"{XSL}template", schema, match="/", priority="1000000")
    findings = _sub(main, f"{OUT}findings", schema)
    diagnostics = {d.get("id"): d for d in schema.iter(f"{SCH}diagnostic")}
    for number, pattern in enumerate(patterns):
        mode = f"P{number}"
        _sub(findings, f"{XSL}apply-templates", pattern, select=".", mode=mode)
        _add_pattern(sheet, pattern, mode, diagnostics)
    return sheet


def _namespaces(schema: etree._Element) -> dict[str, str]:
    """Collect every prefix the expressions may use: ``ns`` elements and what foreign elements declare.

    ``xs`` is there without declaration, as in the common XSLT 2 implementations of Schematron.
    """
    prefixes = {"xs": "http://www.w3.org/2001/XMLSchema"}
    for element in schema.iter(etree.Element):
        prefixes.update({prefix: uri for prefix, uri in element.nsmap.items() if prefix})
    for ns in children(schema, "ns"):
        prefix, uri = ns.get("prefix"), ns.get("uri")
        if not prefix or uri is None:
            fail(ns, "ns needs prefix and uri.")
        prefixes[prefix] = uri
    prefixes.pop("xml", None)
    return prefixes


def _add_pattern(sheet: etree._Element, pattern: etree._Element, mode: str, diagnostics: _Diagnostics) -> None:
    if pattern.get("documents") is not None:
        fail(pattern, "patterns on other documents (attribute documents) are not supported.")
    for let in children(pattern, "let"):
        sheet.append(_variable(let))
    rules = list(children(pattern, "rule"))
    contexts = [_required(rule, "context") for rule in rules]
    is_wide = any(_MAY_MATCH_OTHER_THAN_ELEMENTS.search(context) for context in contexts)
    below = "@*, node()" if is_wide else "*"
    rest = _sub(sheet, f"{XSL}template", pattern, match="document-node() | node() | @*", mode=mode, priority="-1000")
    _sub(rest, f"{XSL}apply-templates", pattern, select=below, mode=mode)
    for index, (rule, context) in enumerate(zip(rules, contexts, strict=True)):
        priority = str(len(rules) - index)
        template = _sub(sheet, f"{XSL}template", rule, match=context, mode=mode, priority=priority)
        _add_rule_parts(template, rule, diagnostics)
        _sub(template, f"{XSL}apply-templates", rule, select=below, mode=mode)


def _add_rule_parts(template: etree._Element, rule: etree._Element, diagnostics: _Diagnostics) -> None:
    """Add every assert and report, each with its own copy of the variables before it.

    So a variable that fails on a document breaks only the tests that use it. XSLT variables are evaluated when used.
    """
    variables: list[etree._Element] = []
    for child in rule.iterchildren(etree.Element):
        if child.tag == f"{SCH}let":
            variables.append(_variable(child))
        elif child.tag == f"{XSL}variable":
            variables.append(_copy(child))
        elif child.tag in (f"{SCH}assert", f"{SCH}report"):
            _add_test(template, child, rule, variables, diagnostics)


def _add_test(
    template: etree._Element,
    check: etree._Element,
    rule: etree._Element,
    variables: list[etree._Element],
    diagnostics: _Diagnostics,
) -> None:
    test = _required(check, "test")
    condition = test if check.tag == f"{SCH}report" else f"not({test})"
    attempt = _sub(template, f"{XSL}try", check)
    attempt.extend(deepcopy(variable) for variable in variables)
    hit = _sub(attempt, f"{XSL}if", check, test=condition)
    finding = _finding(hit, check, rule)
    _add_text(_sub(finding, f"{OUT}text", check), check)
    for name in check.get("diagnostics", "").split():
        diagnostic = diagnostics.get(name)
        if diagnostic is None:
            fail(check, f"there is no diagnostic {name}.")
        part = _sub(finding, f"{OUT}diagnostic", diagnostic, id=name)
        part.set("lang", _language(diagnostic))
        _add_text(part, diagnostic)
    broken = _finding(_sub(attempt, f"{XSL}catch", check, errors="*"), check, rule)
    broken.set("is-broken", "true")
    reason = _sub(broken, f"{OUT}text", check)
    _sub(reason, f"{XSL}value-of", check, select="$Q{http://www.w3.org/2005/xqt-errors}description")


def _finding(parent: etree._Element, check: etree._Element, rule: etree._Element) -> etree._Element:
    """Add the result element of one assert or report with its literal and computed attributes."""
    pattern = next(rule.iterancestors(f"{SCH}pattern"), rule)
    finding = _sub(parent, f"{OUT}finding", check)
    for name in ("id", "role"):
        holder = next((e for e in (check, rule, pattern) if e.get(name)), None)
        finding.set(name, _literal("" if holder is None else holder.get(name, "")))
    finding.set("test", _literal(check.get("test", "")))
    subject = check.get("subject") or rule.get("subject") or "."
    _sub(finding, f"{XSL}attribute", check, name="location", select=f"path(({subject})[1])")
    return finding


def _add_text(target: etree._Element, source: etree._Element) -> None:
    """Copy a message: its words literally, ``value-of`` and ``name`` as what they give for the context node."""
    _add_words(target, source, source.text)
    for child in source.iterchildren(etree.Element):
        if child.tag == f"{SCH}value-of":
            _sub(target, f"{XSL}value-of", child, select=_required(child, "select"))
        elif child.tag == f"{SCH}name":
            _sub(target, f"{XSL}value-of", child, select=f"name({child.get('path', '.')})")
        elif child.tag in [f"{SCH}{name}" for name in _INLINE]:
            _add_text(target, child)
        elif str(child.tag).startswith(XSL):
            target.append(_copy(child))
        _add_words(target, child, child.tail)


def _add_words(target: etree._Element, source: etree._Element, words: str | None) -> None:
    if words:
        _sub(target, f"{XSL}text", source).text = re.sub(r"\s+", " ", words)


def _variable(let: etree._Element) -> etree._Element:
    variable = etree.Element(f"{XSL}variable", {"name": _required(let, "name"), AT: let.get(AT, "")})
    if let.get("as"):
        variable.set("as", let.get("as", ""))
    if let.get("value") is not None:
        variable.set("select", let.get("value", ""))
    else:
        variable.text = let.text
        for child in let.iterchildren(etree.Element):
            variable.append(_copy(child))
    return variable


def _copy(element: etree._Element) -> etree._Element:
    """Copy a foreign element with its tail cut off; what it writes itself carries no origin."""
    copy = etree.fromstring(etree.tostring(element, with_tail=False))
    for node in copy.iter(etree.Element):
        if not str(node.tag).startswith(XSL):
            node.attrib.pop(AT, None)
    return copy


def _sub(parent: etree._Element, tag: str, source: etree._Element, **attributes: str) -> etree._Element:
    """Add an element that remembers where in the Schematron it comes from."""
    element = etree.SubElement(parent, tag, attributes)
    if tag.startswith(XSL):
        element.set(AT, source.get(AT, ""))
    return element


def _required(element: etree._Element, name: str) -> str:
    value = element.get(name)
    if value is None or not value.strip():
        fail(element, f"{etree.QName(element).localname} needs {name}.")
    return value


def _literal(text: str) -> str:
    """Write text so that an attribute value template gives it unchanged."""
    return text.replace("{", "{{").replace("}", "}}")


def _language(element: etree._Element) -> str:
    for node in (element, *element.iterancestors()):
        if node.get(_XML_LANG):
            return node.get(_XML_LANG, "")
    return ""
