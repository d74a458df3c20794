"""ISO Schematron as testers write it: variables, abstract patterns and rules, phases, inclusions, errors."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from contracts.errors import ConfigurationError, MalformedMessage
from contracts.schematron import DEFAULT_PHASE, Diagnostic, Schematron, SchematronFinding

SCH = "http://purl.oclc.org/dsdl/schematron"
XSL = "http://www.w3.org/1999/XSL/Transform"
DOCUMENT = (
    "<o:order xmlns:o='urn:o'><o:line n='1' price='5'/><o:line n='2' price='-3'/><o:note>ring på</o:note></o:order>"
).encode()


def load(folder: Path, content: str, *, attributes: str = 'queryBinding="xslt2"', phase: str = "#ALL") -> Schematron:
    path = folder / "constraints.sch"
    path.write_text(
        f'<schema xmlns="{SCH}" xmlns:xsl="{XSL}" {attributes}>\n<ns prefix="o" uri="urn:o"/>\n{content}\n</schema>',
        encoding="utf-8",
    )
    return Schematron.load(path, phase=phase)


def check(folder: Path, content: str, document: bytes = DOCUMENT, **options: str) -> list[SchematronFinding]:
    return list(load(folder, content, **options).check(document))


def texts(findings: list[SchematronFinding]) -> list[str]:
    return [finding.text for finding in findings]


def rule(context: str, body: str, attributes: str = "") -> str:
    return f'<pattern {attributes}><rule context="{context}">{body}</rule></pattern>'


def test_failed_assert_and_held_report_are_findings(tmp_path: Path) -> None:
    content = rule(
        "o:line",
        '<assert id="a1" role="warning" test="@price > 0">Price is <value-of select="@price"/>, in {<name/>}.</assert>'
        '<report id="r1" test="@n = 1">First <emph>line</emph>.</report>',
    )
    report, failed = check(tmp_path, content)
    assert (report.id, report.severity, report.text) == ("r1", "error", "First line.")
    assert failed == SchematronFinding(
        id="a1",
        role="warning",
        location="/Q{urn:o}order[1]/Q{urn:o}line[2]",
        text="Price is -3, in {o:line}.",
        test="@price > 0",
    )
    assert (failed.severity, failed.place) == ("warning", "/order[1]/line[2]")


@pytest.mark.parametrize(
    ("id_", "expected"),
    [("rule-1.2.3", "1.2.3"), ("rule-1.2.3-parent", "1.2.3"), ("rule-x", "rule-x"), ("A-17", "A-17"), ("", "")],
)
def test_rule_id_of_finding(id_: str, expected: str) -> None:
    assert SchematronFinding(id_, "", "/", "", "").rule == expected


@pytest.mark.parametrize(
    ("role", "severity"),
    [("warning", "warning"), ("INFO", "warning"), ("error", "error"), ("fatal", "error"), ("", "error")],
)
def test_role_gives_severity(role: str, severity: str) -> None:
    assert SchematronFinding("", role, "/", "", "").severity == severity


def test_id_and_role_come_from_rule_or_pattern_when_assert_has_none(tmp_path: Path) -> None:
    content = (
        '<pattern id="p" role="warn"><rule context="o:line" id="r"><assert test="false()">x</assert></rule>'
        '<rule context="o:note"><assert test="false()">y</assert></rule></pattern>'
    )
    assert [(f.id, f.role) for f in check(tmp_path, content)] == [("r", "warn"), ("r", "warn"), ("p", "warn")]


def test_in_one_pattern_only_the_first_matching_rule_counts(tmp_path: Path) -> None:
    content = (
        '<pattern><rule context="o:line[@n = 2]"><report test="true()">special</report></rule>'
        '<rule context="o:line"><report test="true()">general</report></rule></pattern>'
        + rule("o:line", '<report test="true()">other pattern</report>')
    )
    assert texts(check(tmp_path, content)) == ["general", "special", "other pattern", "other pattern"]


@pytest.mark.parametrize(
    ("context", "count"),
    [
        ("/", 1),
        ("*", 4),
        ("@price", 2),
        ("o:note/text()", 1),
        ("/o:order/o:line", 2),
        ("o:line | o:note", 3),
        ("o:line[1]", 1),
    ],
)
def test_contexts_of_every_kind(tmp_path: Path, context: str, count: int) -> None:
    assert len(check(tmp_path, rule(context, '<report test="true()">x</report>'))) == count


def test_variables_of_every_level(tmp_path: Path) -> None:
    content = (
        '<let name="top" value="count(//o:line)"/>'
        '<pattern><let name="kind" value="\'first\'"/><rule context="o:order"><let name="double" value="$top * 2"/>'
        '<report test="true()"><value-of select="$kind"/> <value-of select="$double"/></report></rule></pattern>'
        '<pattern><let name="kind" value="\'second\'"/><rule context="o:order">'
        '<report test="true()"><value-of select="$kind"/> <value-of select="$top"/></report></rule></pattern>'
        '<pattern><let name="top" value="9"/><rule context="o:order[$top = 9]">'
        '<report test="true()">third <value-of select="$top"/></report></rule></pattern>'
    )
    assert texts(check(tmp_path, content)) == ["first 4", "second 2", "third 9"]


def test_variable_with_type_and_with_content(tmp_path: Path) -> None:
    content = '<let name="prices" as="xs:integer*" value="//@price"/><let name="list"><x v="5"/></let>' + rule(
        "o:line", '<report test="xs:integer(@price) = $prices and @price = $list/*/@v">x</report>'
    )
    assert len(check(tmp_path, content)) == 1


def test_abstract_pattern_is_filled(tmp_path: Path) -> None:
    content = (
        '<pattern abstract="true" id="above"><rule context="$element"><let name="v" value="$element-value"/>'
        '<assert test="$v > $limit"><value-of select="$v"/> is not above <value-of select="$limit"/></assert>'
        "</rule></pattern>"
        '<pattern is-a="above"><param name="element" value="o:line"/><param name="element-value" value="@price"/>'
        '<param name="limit" value="0"/></pattern>'
        '<pattern is-a="above"><param name="element" value="o:line"/><param name="element-value" value="@n"/>'
        '<param name="limit" value="1"/></pattern>'
    )
    assert texts(check(tmp_path, content)) == ["-3 is not above 0", "1 is not above 1"]


def test_abstract_rules_extend_each_other(tmp_path: Path) -> None:
    content = (
        '<pattern><rule abstract="true" id="base"><assert test="false()">base of <name/></assert></rule>'
        '<rule abstract="true" id="more"><extends rule="base"/><assert test="false()">more</assert></rule>'
        '<rule context="o:note"><extends rule="more"/><assert test="false()">own</assert></rule></pattern>'
    )
    assert texts(check(tmp_path, content)) == ["base of o:note", "more", "own"]


def test_key_and_function_pass_through(tmp_path: Path) -> None:
    content = (
        '<ns prefix="f" uri="urn:f"/><xsl:key name="by-n" match="o:line" use="@n"/>'
        '<xsl:function name="f:minus" as="xs:double"><xsl:param name="n"/>'
        '<xsl:sequence select="-number($n)"/></xsl:function>'
        + rule("o:note", "<report test=\"f:minus(key('by-n', '2')/@price) = 3\">minus three</report>")
    )
    assert texts(check(tmp_path, content)) == ["minus three"]


def test_diagnostics_in_two_languages(tmp_path: Path) -> None:
    content = rule("o:note", '<assert test="false()" diagnostics="d-sv d-en">text</assert>') + (
        '<diagnostics><diagnostic id="d-sv" xml:lang="sv">Åtgärda <value-of select="."/></diagnostic>'
        '<diagnostic id="d-en">Mend it</diagnostic></diagnostics>'
    )
    (finding,) = check(tmp_path, content)
    assert finding.diagnostics == (Diagnostic("d-sv", "sv", "Åtgärda ring på"), Diagnostic("d-en", "", "Mend it"))
    assert finding.text_in("sv") == "Åtgärda ring på"
    assert finding.text_in("en") == "text"


def test_subject_gives_the_location(tmp_path: Path) -> None:
    content = rule("o:order", '<assert test="false()" subject="o:note">x</assert>')
    (finding,) = check(tmp_path, content)
    assert finding.place == "/order[1]/note[1]"


PHASED = (
    '<phase id="quick"><let name="limit" value="2"/><active pattern="one"/></phase>'
    '<phase id="full"><let name="limit" value="1"/><active pattern="one"/><active pattern="two"/></phase>'
    + rule("o:line", '<report test="true()">one</report>', 'id="one"')
    + rule("o:note", '<report test="true()">two</report>', 'id="two"')
)


@pytest.mark.parametrize(
    ("phase", "expected"),
    [
        ("#ALL", ["one", "one", "two"]),
        ("quick", ["one", "one"]),
        ("full", ["one", "one", "two"]),
        (DEFAULT_PHASE, ["one", "one"]),
    ],
)
def test_phase_chooses_patterns(tmp_path: Path, phase: str, expected: list[str]) -> None:
    attributes = 'queryBinding="xslt2" defaultPhase="quick"'
    assert texts(check(tmp_path, PHASED, phase=phase, attributes=attributes)) == expected


def test_inclusions_are_read_from_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "part.sch").write_text(f'<pattern xmlns="{SCH}">{_included_rule("part")}</pattern>', encoding="utf-8")
    (tmp_path / "lib.sch").write_text(
        f'<schema xmlns="{SCH}"><pattern><rule id="common" abstract="true">'
        '<report test="true()">library</report></rule></pattern></schema>',
        encoding="utf-8",
    )
    content = (
        '<include href="part.sch"/><pattern><rule context="o:note"><extends href="lib.sch#common"/></rule></pattern>'
    )
    assert texts(check(tmp_path, content)) == ["part", "library"]


def _included_rule(text: str) -> str:
    return f'<rule context="*:note"><report test="true()">{text}</report></rule>'


def test_test_that_cannot_be_evaluated_hides_no_other(tmp_path: Path) -> None:
    content = rule(
        "o:note",
        '<assert id="a" test="xs:integer(.) > 0">never</assert><assert id="b" test="false()">still here</assert>',
    )
    broken, other = check(tmp_path, content)
    assert (broken.id, broken.is_broken, broken.severity) == ("a", True, "error")
    assert broken.text.startswith("The test could not be evaluated: ")
    assert (other.id, other.is_broken) == ("b", False)


def test_variable_that_fails_breaks_only_the_tests_that_use_it(tmp_path: Path) -> None:
    content = rule(
        "o:note",
        '<let name="n" value="xs:integer(.)"/><xsl:variable name="m" select="$n + 1"/>'
        '<assert id="a" test="false()">before</assert><assert id="b" test="$m > 1">broken</assert>'
        '<report id="c" test="true()">after</report>',
    )
    assert [(f.id, f.is_broken) for f in check(tmp_path, content)] == [("a", False), ("b", True), ("c", False)]


def test_global_variable_that_fails_is_an_error_of_the_schematron(tmp_path: Path) -> None:
    content = '<let name="n" value="xs:integer(//o:note)"/>' + rule("o:note", '<assert test="$n > 1">x</assert>')
    with pytest.raises(ConfigurationError, match="fails on this document: Cannot convert"):
        check(tmp_path, content)


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/x.xml", "ftp://127.0.0.1/x.xml"])
def test_network_is_out_of_reach(tmp_path: Path, address: str) -> None:
    (finding,) = check(tmp_path, rule("o:note", f"<assert test=\"doc('{address}')/x\">x</assert>"))
    assert finding.is_broken
    assert "prohibited" in finding.text


def test_files_beside_the_schematron_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "list.xml").write_text("<x><y>ring på</y></x>", encoding="utf-8")
    content = rule("o:note", "<assert test=\". = doc('list.xml')/x/y\">x</assert>")
    assert check(tmp_path, content) == []


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        (rule("o:line", '<assert test="@n = ">x</assert>'), 3, "Unexpected token"),
        ("\n" + rule("o:line[", '<assert test="@n">x</assert>'), 4, "Unexpected token"),
        ("\n\n" + rule("o:line", '<assert test="$nope">x</assert>'), 5, "$nope"),
        (rule("p:line", '<assert test="@n">x</assert>'), 3, "prefix 'p'"),
        ('<let name="v" value="nosuch()"/>', 3, "nosuch"),
        (rule("o:line", '\n<assert test="true()">x<value-of select="1 +"/></assert>'), 4, "Unexpected token"),
        (rule("o:line", "<assert>x</assert>"), 3, "assert needs test"),
        ("<pattern><rule><assert test='1'>x</assert></rule></pattern>", 3, "rule needs context"),
        ('<let value="1"/>', 3, "let needs name"),
        (rule("o:line", '\n<extends rule="none"/>'), 4, "no abstract rule none"),
        ('<pattern is-a="none"/>', 3, "no abstract pattern none"),
        ('<pattern is-a="p"><param name="x"/></pattern><pattern abstract="true" id="p"/>', 3, "param needs"),
        (rule("o:line", '<assert test="1" diagnostics="none">x</assert>'), 3, "no diagnostic none"),
        ('<include href="http://localhost/x.sch"/>', 3, "not a relative path"),
        ('<include href="constraints.sch"/>', 3, "includes itself"),
        ('<ns prefix="q"/>', 3, "ns needs prefix and uri"),
        (rule("o:line", "", "documents=\"'x.xml'\""), 3, "not supported"),
        (
            '<pattern><rule abstract="true" id="a"><extends rule="a"/></rule>'
            '<rule context="*"><extends rule="a"/></rule></pattern>',
            3,
            "extends itself",
        ),
    ],
)
def test_broken_schematron_says_where_and_why(tmp_path: Path, content: str, line: int, reason: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        load(tmp_path, content)
    assert f"constraints.sch:{line}: " in error.value.message
    assert reason in error.value.message


def test_every_problem_of_a_schematron_is_listed(tmp_path: Path) -> None:
    content = rule("o:line", '<assert test="$a">x</assert>\n<assert test="$b">x</assert>')
    with pytest.raises(ConfigurationError) as error:
        load(tmp_path, content)
    assert [problem.split(":")[1] for problem in error.value.problems] == ["3", "4"]


@pytest.mark.parametrize(
    ("attributes", "phase", "reason"),
    [
        ('queryBinding="xquery"', "#ALL", "query binding xquery is not supported"),
        ('queryBinding="xslt2"', "late", "no phase late; it has #ALL"),
    ],
)
def test_unknown_binding_or_phase_is_refused(tmp_path: Path, attributes: str, phase: str, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        load(tmp_path, "", attributes=attributes, phase=phase)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('<schema xmlns="http://www.ascc.net/xml/schematron"/>', "Schematron 1.5"),
        ("<rules/>", "the root element is rules"),
        ("<schema", "not well-formed"),
    ],
)
def test_file_that_is_no_schematron_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "x.sch"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=reason):
        Schematron.load(path)


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read: No such file"):
        Schematron.load(tmp_path / "none.sch")


@pytest.mark.parametrize(
    "document",
    [
        b"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/hostname'>]><a>&x;</a>",
        b"<!DOCTYPE a><a/>",
        b"<a>",
        b"",
        b"\xff\xfe",
        b"<a/><b/>",
        b"<?xml version='1.0' encoding='iso-8859-1'?><a>\xe5</a>",
    ],
)
def test_hostile_document_is_refused_and_nothing_is_printed(
    tmp_path: Path, document: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    schematron = load(tmp_path, rule("*", '<report test="true()">x</report>'))
    with pytest.raises(MalformedMessage):
        schematron.check(document)
    assert capfd.readouterr() == ("", "")
    assert len(schematron.check(b"<a/>")) == 1


def test_one_schematron_serves_many_threads(tmp_path: Path) -> None:
    schematron = load(tmp_path, rule("a", '<report test="true()"><value-of select="@n"/></report>'))
    with ThreadPoolExecutor(4) as pool:
        results = pool.map(lambda n: schematron.check(f'<a n="{n}"/>'.encode())[0].text, range(60))
        assert list(results) == [str(n) for n in range(60)]


def test_large_document_takes_time_in_proportion(tmp_path: Path) -> None:
    """20 000 nodes with a key lookup each: a quadratic engine would need minutes."""
    content = '<xsl:key name="n" match="a" use="@n"/>' + rule(
        "a", "<assert test=\"key('n', @n)[1] is .\">twice</assert>"
    )
    document = "<r>" + "".join(f'<a n="{n % 19_999}"/>' for n in range(20_000)) + "</r>"
    (finding,) = check(tmp_path, content, document.encode())
    assert finding.place == "/r[1]/a[20000]"
