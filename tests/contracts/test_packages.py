"""Official packages: found at any depth, compared, named difference by difference, kept and used (contract 2)."""

from __future__ import annotations

import shutil
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from lxml import etree

from contracts.errors import ConfigurationError, ContractViolation, DataError, SchemaViolation
from contracts.messages.example import example_answer
from contracts.messages.reader import ReportReader
from contracts.model import II, DatePeriod, Measurement, QualityIndicatorsRequest
from contracts.package_files import PackageLimits, read_package
from contracts.packages import PackagedContract, add_package, verify_package, with_added
from contracts.registry import (
    CONTRACTS,
    GET_QUALITY_INDICATORS_1,
    GET_QUALITY_INDICATORS_2,
    GET_QUALITY_INDICATORS_3,
    ServiceContract,
)
from contracts.safe_xml import parse_message
from contracts.soap import read_request_envelope
from contracts.validation import validate_body
from schemas import PACKAGE_ROOT

V1, V2, V3 = GET_QUALITY_INDICATORS_1, GET_QUALITY_INDICATORS_2, GET_QUALITY_INDICATORS_3
DOMAIN, RESPONDER, WSDL = "groupoutcomes_qualityreporting_2.0.xsd", "Responder_2.0.xsd", "_2.0_RIVTABP21.wsdl"
INTERACTION = "schemas/interactions/GetQualityIndicatorsInteraction"
NEW = '<xs:element name="{}" type="xs:string" minOccurs="{}"/>'
Edit = tuple[str, str, str]
MakePackage = Callable[..., Path]


@pytest.fixture
def make_package(tmp_path: Path) -> MakePackage:
    """Make a package folder as rivta.se lays it out; edits are of a file by the end of its name."""

    def make(*edits: Edit, versions: tuple[str, ...] = ("2.0",), at: str = "riv.x_2.0_RC1/inner") -> Path:
        top = tmp_path / "package"
        for version in versions:
            source = PACKAGE_ROOT / "GetQualityIndicators" / version / "schemas"
            shutil.copytree(source, top / at / version / "schemas", dirs_exist_ok=True)
        (top / "docs").mkdir(exist_ok=True)
        (top / "docs" / "TKB.docx").write_bytes(b"not read")
        for name, before, after in edits:
            (file,) = (file for file in top.rglob(f"*{name}") if "body-first" not in file.name)
            text = file.read_text(encoding="utf-8")
            assert before in text, (name, before)
            file.write_text(text.replace(before, after, 1), encoding="utf-8")
        return top

    return make


def zipped(folder: Path) -> Path:
    archive = folder.with_suffix(".zip")
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for path in sorted(folder.rglob("*")):
            file.write(path, path.relative_to(folder))
    return archive


def differences(found: list[PackagedContract]) -> list[tuple[str, str, bool]]:
    return [(one.where, one.what, one.is_breaking) for packaged in found for one in packaged.differences]


# -- verify --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", ["", "riv.followup.groupoutcomes.qualityreporting_2.0.1", "a/b c/d"])
def test_an_equal_package_is_equal_as_folder_and_as_zip(make_package: MakePackage, at: str) -> None:
    folder = make_package(versions=("1.0", "2.0", "3.0"), at=at)
    for path in (folder, zipped(folder)):
        found = verify_package(path)
        assert [packaged.contract.id for packaged in found] == [V1.id, V2.id, V3.id]
        assert all(packaged.is_equal and packaged.is_compatible for packaged in found)
        assert [len(packaged.files) for packaged in found] == [4, 4, 4]


BREAKING: list[tuple[str, Edit, str, str]] = [
    (
        "one changed cardinality",
        (
            DOMAIN,
            'name="sourceSystem" type="tns:SourceSystemType"',
            'name="sourceSystem" minOccurs="0" type="tns:SourceSystemType"',
        ),
        "MeasurementType/sourceSystem",
        "has cardinality 0..1, was 1..1",
    ),
    (
        "one maximum",
        (
            RESPONDER,
            'name="measureId" type="qrd:IIType" maxOccurs="unbounded"',
            'name="measureId" type="qrd:IIType" maxOccurs="500"',
        ),
        "GetQualityIndicatorsType/measureId",
        "has cardinality 1..500, was 1..n",
    ),
    (
        "one missing enumeration value",
        (DOMAIN, '<xs:enumeration value="INV">', '<xs:enumeration value="UNK">'),
        "type MissingMeasureReasonCodeEnum",
        "lacks the value INV",
    ),
    (
        "one renamed element",
        (DOMAIN, 'name="organizationName"', 'name="orgainzationName"'),
        "PerformingOrganizationType/organizationName",
        "is renamed to orgainzationName",
    ),
    (
        "one changed type",
        (DOMAIN, 'name="rate" type="xs:double"', 'name="rate" type="xs:decimal"'),
        "ProportionMeasureType/rate",
        "has type decimal, was double",
    ),
    (
        "one changed default",
        (RESPONDER, 'minOccurs="0" default="true"', 'minOccurs="0" default="false"'),
        "GetQualityIndicatorsType/includeMeasurements",
        "has default false, was true",
    ),
    (
        "one nillable element",
        (DOMAIN, 'name="rate" type="xs:double"', 'name="rate" nillable="true" type="xs:double"'),
        "ProportionMeasureType/rate",
        "is declared nillable=true, was plainly",
    ),
    (
        "one new required element",
        (DOMAIN, '<xs:element name="rate"', NEW.format("unit", 1) + '<xs:element name="rate"'),
        "ProportionMeasureType/unit",
        "is new (1..1, required)",
    ),
    (
        "one new thing to ask for",
        (
            RESPONDER,
            '<xs:element name="includeMeasurements"',
            NEW.format("audience", 0) + '<xs:element name="includeMeasurements"',
        ),
        "GetQualityIndicatorsType/audience",
        "is new (0..1); what it asks for is not heeded",
    ),
    (
        "one wildcard",
        (DOMAIN, 'namespace="##other" processContents="lax"', 'namespace="##other" processContents="strict"'),
        "type AggregatedQualityReportType",
        "has extension point ##other strict 0..unbounded, was ##other lax 0..unbounded",
    ),
    (
        "one pattern",
        (DOMAIN, 'value="(19|20)', 'value="(20)'),
        "type DateType",
        "has pattern (20)",
    ),
    (
        "one attribute",
        (DOMAIN, "</xs:sequence>", '</xs:sequence><xs:attribute name="id" type="xs:string"/>'),
        "type AggregatedQualityReportType",
        "is built as 'sequence 1..1",
    ),
    (
        "an import without a place",
        (RESPONDER, f' schemaLocation="../../core_components/{DOMAIN}"', ""),
        f"file riv.x_2.0_RC1/inner/2.0/{INTERACTION}/GetQualityIndicatorsResponder_2.0.xsd",
        "uses urn:riv:followup:groupoutcomes:qualityreporting:2 without saying where it is",
    ),
    (
        "one soapAction",
        (WSDL, "Responder:2:GetQualityIndicators", "Responder:2:GetIndicators"),
        "WSDL soapAction of GetQualityIndicators",
        "GetIndicators', was",
    ),
    (
        "one message part",
        (WSDL, 'part name="LogicalAddress"', 'part name="Address"'),
        "WSDL message GetQualityIndicatorsRequest part LogicalAddress",
        "is missing",
    ),
    (
        "qualification",
        (DOMAIN, 'elementFormDefault="qualified"', 'elementFormDefault="unqualified"'),
        "schema urn:riv:followup:groupoutcomes:qualityreporting:2",
        "is 'elements unqualified, attributes unqualified'",
    ),
    (
        "an import from the network",
        (RESPONDER, "../../core_components/" + DOMAIN, "http://example.invalid/x.xsd"),
        f"file riv.x_2.0_RC1/inner/2.0/{INTERACTION}/GetQualityIndicatorsResponder_2.0.xsd",
        "uses http://example.invalid/x.xsd, which the package does not hold",
    ),
]


@pytest.mark.parametrize(("name", "edit", "where", "what"), BREAKING, ids=[row[0] for row in BREAKING])
def test_a_breaking_difference_is_named(
    make_package: MakePackage, name: str, edit: Edit, where: str, what: str
) -> None:
    (packaged,) = verify_package(zipped(make_package(edit)))
    assert not packaged.is_compatible
    named = [one for one in packaged.differences if one.where == where and what in one.what]
    assert [one.is_breaking for one in named] == [True], packaged.differences


def test_one_change_gives_one_difference(make_package: MakePackage) -> None:
    for _, edit, where, what in BREAKING[:2] + BREAKING[3:5]:
        found = verify_package(make_package(edit))
        assert differences(found) == [(where, what, True)]
        shutil.rmtree(make_package())


def test_additions_are_differences_and_do_not_break(make_package: MakePackage) -> None:
    (packaged,) = verify_package(
        make_package(
            (DOMAIN, '<xs:enumeration value="NI">', '<xs:enumeration value="OTH"/><xs:enumeration value="NI">'),
            (DOMAIN, '<xs:element name="coverage"', NEW.format("remark", 0) + '<xs:element name="coverage"'),
        )
    )
    assert not packaged.is_equal
    assert packaged.is_compatible
    assert differences([packaged]) == [
        ("ProportionMeasureType/remark", "is new (0..1)", False),
        ("type MissingMeasureReasonCodeEnum", "has the new value OTH", False),
    ]


@pytest.mark.parametrize(
    ("gone", "where", "what"),
    [
        (WSDL, f"WSDL {V2.wsdl_namespace}", "is missing from the package"),
        (DOMAIN, f"schema {V2.domain_namespace}", "is missing"),
        (RESPONDER, f"schema {V2.responder_namespace}", "is missing"),
        ("itintegration_registry_1.0.xsd", "schema urn:riv:itintegration:registry:1", "is missing"),
    ],
)
def test_what_is_missing_is_said_once(make_package: MakePackage, gone: str, where: str, what: str) -> None:
    folder = make_package()
    for file in folder.rglob(f"*{gone}"):
        file.unlink()
    (packaged,) = verify_package(folder)
    assert (where, what, True) in differences([packaged])
    assert not [one for one in packaged.differences if one.where.startswith(("type", "MeasurementType", "element"))]
    assert len(packaged.differences) <= 3


def test_a_second_file_of_the_same_namespace_is_told(make_package: MakePackage) -> None:
    folder = make_package()
    (file,) = (file for file in folder.rglob(f"*{RESPONDER}"))
    twin = file.with_name("copy.xsd")
    twin.write_bytes(file.read_bytes())
    assert verify_package(folder)[0].is_equal
    twin.write_bytes(file.read_bytes().replace(b'minOccurs="0"', b'minOccurs="1"'))
    assert "is in different files" in verify_package(folder)[0].differences[0].what


def test_copies_in_a_test_suite_do_not_count(make_package: MakePackage) -> None:
    folder = make_package()
    (file,) = (file for file in folder.rglob(f"*{RESPONDER}"))
    (folder / "test-suite").mkdir()
    (folder / "test-suite" / file.name).write_bytes(file.read_bytes().replace(b'minOccurs="0"', b'minOccurs="1"'))
    assert verify_package(folder)[0].is_equal


# -- untrusted packages --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["../evil.xsd", "/etc/evil.xsd", "a/../../evil.wsdl", "C:\\evil.xsd", "..\\evil.xsd"])
def test_an_entry_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    archive = tmp_path / "x.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr(name, "<x/>")
    with pytest.raises(DataError, match="leads out of the package"):
        read_package(archive)


def test_caps_hold_whatever_the_entries_say(tmp_path: Path) -> None:
    archive = tmp_path / "bomb.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a.xsd", b" " * 200_000)
        file.writestr("b.xsd", b" " * 200_000)
    assert len(read_package(archive).files) == 2
    for limits in (
        PackageLimits(max_file_bytes=100_000),
        PackageLimits(max_total_bytes=300_000),
        PackageLimits(max_entries=1),
    ):
        with pytest.raises(DataError):
            read_package(archive, limits)


def test_a_name_twice_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / "x.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("a.xsd", "<x/>")
        with pytest.warns(UserWarning, match="Duplicate"):
            file.writestr("a.xsd", "<y/>")
    with pytest.raises(DataError, match="twice"):
        read_package(archive)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>", "DOCTYPE"),
        (b"<x", "not well-formed"),
        (b"", "not well-formed"),
    ],
)
def test_a_schema_that_is_no_safe_xml_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "a.xsd").write_bytes(content)
    with pytest.raises(DataError, match=said):
        verify_package(tmp_path)


def test_a_cardinality_that_is_no_number_is_told(make_package: MakePackage) -> None:
    (packaged,) = verify_package(make_package((RESPONDER, 'minOccurs="0"', 'minOccurs="none"')))
    assert differences([packaged]) == [("schema", "has a minOccurs or maxOccurs that is no number", True)]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: path.write_bytes(b"PK\x03\x04 cut"), "no ZIP file"),
        (lambda path: path.write_text("a text"), "no ZIP file"),
        (lambda path: zipfile.ZipFile(path, "w").close(), "no WSDL or schema"),
        (lambda path: path.mkdir(), "no WSDL or schema"),
        (lambda path: None, "no file or folder"),
    ],
)
def test_what_is_no_package_is_told(tmp_path: Path, make: Callable[[Path], object], said: str) -> None:
    path = tmp_path / "x.zip"
    make(path)
    with pytest.raises(DataError, match=said):
        verify_package(path)


def test_a_package_of_something_else_names_its_namespaces(tmp_path: Path) -> None:
    (tmp_path / "a.xsd").write_text(
        '<s:schema xmlns:s="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:other"/>'
    )
    with pytest.raises(DataError, match="urn:other"):
        verify_package(tmp_path)


def test_links_in_a_folder_are_not_followed(make_package: MakePackage, tmp_path: Path) -> None:
    folder = make_package()
    (file,) = (file for file in folder.rglob(f"*{DOMAIN}"))
    outside = tmp_path / "outside.xsd"
    file.rename(outside)
    file.symlink_to(outside)
    assert not verify_package(folder)[0].is_compatible


# -- add -----------------------------------------------------------------------------------------------------------


def added(folder: Path, package: Path) -> ServiceContract:
    kept = folder / "kept"
    assert all(packaged.is_compatible for packaged in add_package(package, kept))
    return with_added(kept)[V2.id]


def test_an_added_package_is_the_one_in_force(make_package: MakePackage, tmp_path: Path) -> None:
    remark = "<!-- the official file -->"
    contract = added(tmp_path, zipped(make_package((DOMAIN, "<xs:annotation>", f"{remark}<xs:annotation>"))))
    assert (contract.basis, contract.id) == ("added", V2.id)
    assert "package.zip" in contract.known
    files = (contract.wsdl, contract.body_first_wsdl, *contract.schemas)
    assert all(file.is_relative_to(tmp_path / "kept") and file.is_file() for file in files)
    assert [file.name for file in files] == [file.name for file in (V2.wsdl, V2.body_first_wsdl, *V2.schemas)]
    assert any(remark in file.read_text(encoding="utf-8") for file in contract.core_components)
    validate_body(contract, parse_message(example_answer(contract.codec).encode())[0][0])
    untouched = with_added(tmp_path / "kept")[V3.id]
    assert untouched is V3


def test_a_package_that_fits_makes_the_reconstruction_the_official_one(
    make_package: MakePackage, tmp_path: Path
) -> None:
    add_package(make_package(versions=("3.0",)), tmp_path / "kept")
    contract = with_added(tmp_path / "kept")[V3.id]
    assert V3.is_reconstruction
    assert not contract.is_reconstruction


def test_the_body_first_variant_is_made(make_package: MakePackage, tmp_path: Path) -> None:
    contract = added(tmp_path, make_package())

    def parts(path: Path) -> list[str]:
        root = etree.parse(path).getroot()
        return [part.get("name", "") for part in root.find("{*}message").iterchildren("{*}part")]  # type: ignore[union-attr]

    assert parts(contract.wsdl) == ["LogicalAddress", "parameters"]
    assert parts(contract.body_first_wsdl) == ["parameters", "LogicalAddress"]


def test_additions_are_valid_then_and_ignored_when_read(make_package: MakePackage, tmp_path: Path) -> None:
    contract = added(
        tmp_path,
        make_package((DOMAIN, '<xs:element name="coverage"', NEW.format("remark", 0) + '<xs:element name="coverage"')),
    )
    plain = example_answer(V2.codec)
    extended = plain.replace("<c:coverage>", "<c:remark>new</c:remark><c:coverage>", 1)

    def read(known: ServiceContract, text: str) -> list[Measurement]:
        reader = ReportReader(known.codec, contract=known)
        found = list(reader.feed(text.encode()))
        reader.close()
        return found

    assert read(contract, extended) == read(V2, plain)
    with pytest.raises(ContractViolation):
        read(V2, extended)


def test_a_stricter_question_is_validated_with_the_added_schema(make_package: MakePackage, tmp_path: Path) -> None:
    contract = added(
        tmp_path, make_package((DOMAIN, '<xs:restriction base="xs:string"/>', '<xs:restriction base="xs:string"/>'))
    )
    message = V2.codec.write_request("SE1", QualityIndicatorsRequest((II("1"),), DatePeriod("20250101", "2025")))
    for known in (V2, contract):
        with pytest.raises(SchemaViolation):
            validate_body(known, read_request_envelope(parse_message(message)).body)


def test_what_does_not_fit_is_not_added_and_the_rest_is(make_package: MakePackage, tmp_path: Path) -> None:
    package = make_package((DOMAIN, 'name="rate"', 'name="share"'), versions=("1.0", "2.0"))
    found = add_package(package, tmp_path / "kept")
    assert [packaged.is_compatible for packaged in found] == [True, False]
    known = with_added(tmp_path / "kept")
    assert [known[contract.id].basis for contract in (V1, V2, V3)] == ["added", "published", "reconstruction"]


def test_adding_again_replaces_in_one_step(make_package: MakePackage, tmp_path: Path) -> None:
    first = added(tmp_path, make_package())
    remark = "<!-- second -->"
    second = added(tmp_path, make_package((DOMAIN, "<xs:annotation>", f"{remark}<xs:annotation>")))
    assert first.schemas == second.schemas
    assert remark in second.core_components[-1].read_text(encoding="utf-8") + second.core_components[0].read_text(
        encoding="utf-8"
    )
    assert [path.name for path in (tmp_path / "kept" / "GetQualityIndicators").iterdir()] == ["2.0"]


def test_kept_files_that_were_changed_are_refused_at_the_start(make_package: MakePackage, tmp_path: Path) -> None:
    contract = added(tmp_path, make_package())
    contract.responder_xsd.write_bytes(contract.responder_xsd.read_bytes().replace(b'name="measureId"', b'name="id"'))
    with pytest.raises(ConfigurationError, match="no longer fits") as refused:
        with_added(tmp_path / "kept")
    assert refused.value.problems == ("GetQualityIndicatorsType/measureId is renamed to id",)
    contract.responder_xsd.write_text("<x")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        with_added(tmp_path / "kept")


def test_without_a_folder_the_built_in_ones_are_in_force(tmp_path: Path) -> None:
    assert with_added(tmp_path / "none") is CONTRACTS
    assert dict(with_added(tmp_path)) == dict(CONTRACTS)


def test_a_folder_that_cannot_be_written_is_told(make_package: MakePackage, tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file")
    with pytest.raises(ConfigurationError, match="cannot be kept"):
        add_package(make_package(), blocked)
    assert stat.S_ISREG(blocked.stat().st_mode)


def test_a_schema_that_does_not_compile_is_not_added(make_package: MakePackage, tmp_path: Path) -> None:
    unknown_type = NEW.format("remark", 0).replace("xs:string", "tns:NoSuchType")
    package = make_package((DOMAIN, '<xs:element name="coverage"', unknown_type + '<xs:element name="coverage"'))
    assert verify_package(package)[0].is_compatible
    with pytest.raises(DataError, match="cannot be used"):
        add_package(package, tmp_path / "kept")
    assert dict(with_added(tmp_path / "kept")) == dict(CONTRACTS)
