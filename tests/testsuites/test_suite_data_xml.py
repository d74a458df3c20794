"""data.xml in the published format: comments, overrides, encodings, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest
from suite_runs import run_target

from contracts.errors import ConfigurationError, UsageError
from testsuites.data_xml import read_data_xml
from testsuites.mock.server import MockServer
from testsuites.model import Status
from testsuites.options import Given, make_target, read_period

PUBLISHED_FORM = """<testsuite>
    <id>Svit för prov</id>
    <description>Prov på å, ä och ö.</description>
    <globaldata> <!-- kan överlagras i varje testfall -->
        <webServiceUrl>{url}</webServiceUrl>
        <httpHeaderHsaId>SE9990001112-KONSUMENT</httpHeaderHsaId>
        <logicalAddress>SE9990001112-PRODUCENT</logicalAddress> <!-- producentens HSA-id -->
        <measureIdOid>1.2.826.0.1.3680043.9.4672.7</measureIdOid>
        <measureId>INDIKATOR</measureId>
        <reportingPeriodStart>20130101</reportingPeriodStart>
        <reportingPeriodEnd>20131231</reportingPeriodEnd>
    </globaldata>
    <testcase id="TestCase1">
        <description>Med mätvärden.</description>
        <data>
            <measureId>Response-Land</measureId> <!-- indikatorns id -->
            <reportingPeriodEnd>20130630</reportingPeriodEnd>
        </data>
    </testcase>
    <testcase id="TestCase2">
        <description>Enbart kontrollsumma.</description>
        <data>
            <measureId>Response-CHECKSUM-ONLY</measureId>
            <egenVariabel>1</egenVariabel>
        </data>
    </testcase>
</testsuite>
"""


def write(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    file = folder / "data.xml"
    file.write_bytes(text.encode(encoding))
    return file


def test_test_case_overrides_global_data(tmp_path: Path) -> None:
    data = read_data_xml(write(tmp_path, PUBLISHED_FORM))
    first = data.case("testcase1")
    assert first is not None
    assert dict(first.values) == {
        "webServiceUrl": "{url}",
        "httpHeaderHsaId": "SE9990001112-KONSUMENT",
        "logicalAddress": "SE9990001112-PRODUCENT",
        "measureIdOid": "1.2.826.0.1.3680043.9.4672.7",
        "measureId": "Response-Land",
        "reportingPeriodStart": "20130101",
        "reportingPeriodEnd": "20130630",
    }
    assert first.description == "Med mätvärden."
    assert data.description == "Prov på å, ä och ö."
    assert data.unknown_variables() == ("egenVariabel",)
    assert data.case("TestCase3") is None


@pytest.mark.parametrize(
    ("encoding", "declaration"),
    [
        ("utf-8", ""),
        ("utf-8-sig", ""),
        ("utf-8", '<?xml version="1.0" encoding="UTF-8"?>\n'),
        ("iso-8859-1", '<?xml version="1.0" encoding="ISO-8859-1"?>\n'),
        ("cp1252", ""),
        ("cp1252", '<?xml version="1.0"?>\n'),
        ("utf-16", '<?xml version="1.0" encoding="UTF-16"?>\n'),
    ],
)
def test_swedish_text_is_read_in_the_encodings_that_editors_save(
    tmp_path: Path, encoding: str, declaration: str
) -> None:
    data = read_data_xml(write(tmp_path, declaration + PUBLISHED_FORM, encoding))
    assert data.id == "Svit för prov"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<testsuite><id>", "no readable XML"),
        ("<project/>", "expected testsuite"),
        ('<!DOCTYPE x [<!ENTITY e "x">]><testsuite>&e;</testsuite>', "DOCTYPE"),
    ],
)
def test_what_is_no_data_xml_is_told(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        read_data_xml(write(tmp_path, text))


def test_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_data_xml(tmp_path / "none.xml")


def test_run_is_driven_by_data_xml_alone(tmp_path: Path, mock: MockServer) -> None:
    data = read_data_xml(write(tmp_path, PUBLISHED_FORM.format(url=mock.url)))
    target = make_target(Given(), Given(), data=data)
    assert target.logical_address == "SE9990001112-PRODUCENT"
    ran = run_target(target, only=("published",))
    assert [outcome.status for outcome in ran.finished.outcomes] == [Status.PASSED] * 3
    view = ran.outcome("published.testcase1").exchanges[0]
    assert "<c:end>20130630</c:end>" in view.request
    assert ("x-rivta-serviceconsumer-hsaid", "SE9990001112-KONSUMENT") in view.request_headers
    assert "Response-CHECKSUM-ONLY" in ran.outcome("published.testcase2").exchanges[0].request


def test_given_address_goes_before_data_xml(tmp_path: Path, mock: MockServer) -> None:
    data = read_data_xml(write(tmp_path, PUBLISHED_FORM.format(url="http://127.0.0.1:9/nobody")))
    ran = run_target(make_target(Given(url=mock.url), Given(), data=data), only=("published",))
    assert ran.status("published.testcase1") is Status.PASSED


def test_missing_test_case_is_skipped(tmp_path: Path, mock: MockServer) -> None:
    text = PUBLISHED_FORM.format(url=mock.url).replace("TestCase2", "TestCase9")
    ran = run_target(make_target(Given(), Given(), data=read_data_xml(write(tmp_path, text))), only=("published",))
    assert ran.status("published.testcase2") is Status.SKIPPED


def test_everything_that_is_missing_is_told_at_once() -> None:
    with pytest.raises(UsageError, match="--url, --logical-address, --measure-id, --from, --to"):
        make_target(Given(), Given())


@pytest.mark.parametrize(("start", "end"), [("2024-02-30", "20240301"), ("20240301", "20240201"), ("x", "20240201")])
def test_impossible_period_is_told(start: str, end: str) -> None:
    with pytest.raises(UsageError):
        read_period(start, end)


def test_period_is_read_in_both_forms() -> None:
    assert read_period("2024-02-29", "20240301") == read_period("20240229", "2024-03-01")
