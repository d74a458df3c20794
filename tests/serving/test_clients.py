"""Foreign clients against the running producer: zeep made from the served WSDL, curl, and gzip as clients read it."""

from __future__ import annotations

import gzip
import http.client
import shutil
import subprocess
import zlib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin

import pytest
import requests
import xmlschema
import zeep
from lxml import etree
from server_process import ServerProcess
from serving_parties import CONSUMER, SYSTEM, Pki

from contracts.codes.oids import OID_MEASURE
from contracts.registry import GET_QUALITY_INDICATORS_2
from testsuites.hostile import HostileCase, Variables

CONTRACT = GET_QUALITY_INDICATORS_2


@pytest.fixture
def session(pki: Pki) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        session.verify = str(pki.authority.trust_anchor_path)
        session.cert = (str(pki.consumer.certificate), str(pki.consumer.private_key))
        yield session


@pytest.fixture
def url(server: ServerProcess) -> str:
    return f"https://localhost:{server.port}{CONTRACT.path}"


@pytest.fixture
def message(variables: Variables) -> bytes:
    return HostileCase("question", "a question", ("answer",), parts={"include": ""}).body(variables)


@pytest.mark.parametrize("query", ["wsdl", "WSDL", "wsdl=body-first"])
def test_zeep_works_with_the_served_wsdl(query: str, session: requests.Session, url: str, variables: Variables) -> None:
    client = zeep.Client(f"{url}?{query}", transport=zeep.Transport(session=session))
    report = client.service.GetQualityIndicators(
        _soapheaders={"LogicalAddress": SYSTEM},
        measureId=[{"root": OID_MEASURE, "extension": variables.measure_id}],
        reportingPeriod={"start": variables.start, "end": variables.end},
    )
    # With the body part alone, zeep unwraps the response; with its marked variant too.
    report = getattr(report, "AggregatedQualityReport", report)
    assert report.reportingSystem.hsaId == SYSTEM
    assert len(report.measurementChecksum) == 64
    assert {one.measureId.extension for one in report.measurement} == {variables.measure_id}


def test_served_documents_can_be_followed_and_compiled(session: requests.Session, url: str, tmp_path: Path) -> None:
    wsdl = etree.fromstring(session.get(f"{url}?wsdl").content)
    assert wsdl.xpath("//@location") == [url]
    locations = [urljoin(url, found) for found in wsdl.xpath("//@schemaLocation")]
    assert len(locations) == 2
    seen: dict[str, bytes] = {}
    while locations:
        location = locations.pop()
        if location not in seen:
            answer = session.get(location)
            assert answer.status_code == 200
            seen[location] = answer.content
            locations += [
                urljoin(location, found) for found in etree.fromstring(answer.content).xpath("//@schemaLocation")
            ]
    assert len(seen) == 3
    # Saved under their names with local imports, lxml compiles them as they were served.
    for location, content in seen.items():
        for other in seen:
            content = content.replace(other.encode(), other.partition("?xsd=")[2].encode())
        (tmp_path / location.partition("?xsd=")[2]).write_bytes(content)
    etree.XMLSchema(etree.parse(str(tmp_path / CONTRACT.responder_xsd.name)))


def test_xmlschema_accepts_an_answer(session: requests.Session, url: str, message: bytes) -> None:
    answer = session.post(url, message, headers={"Content-Type": "text/xml; charset=utf-8"})
    response = etree.fromstring(answer.content)[0][0]
    measurements = response[0].findall(CONTRACT.codec.tags.measurement)
    assert len(measurements) > 100
    for element in measurements[20:]:
        response[0].remove(element)
    xmlschema.XMLSchema11(str(CONTRACT.responder_xsd)).validate(response)


def test_gzip_is_one_member_with_the_same_text(session: requests.Session, url: str, message: bytes) -> None:
    headers = {"Content-Type": "text/xml; charset=utf-8"}
    plain = session.post(url, message, headers={**headers, "Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    packed = session.post(url, message, headers={**headers, "Accept-Encoding": "gzip"}, stream=True)
    assert packed.headers["content-encoding"] == "gzip"
    raw = packed.raw.read(decode_content=False)
    assert len(raw) == int(packed.headers["content-length"])
    assert len(raw) * 10 < len(plain.content)
    member = zlib.decompressobj(31)
    assert member.decompress(raw) == plain.content
    assert member.eof
    assert member.unused_data == b""
    assert gzip.decompress(raw) == plain.content


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_reads_plain_and_compressed_answers_alike(pki: Pki, url: str, message: bytes, tmp_path: Path) -> None:
    (tmp_path / "question.xml").write_bytes(message)

    def curl(*options: str) -> bytes:
        command = [
            *("curl", "--silent", "--fail", "--cacert", str(pki.authority.trust_anchor_path)),
            *("--cert", str(pki.consumer.certificate), "--key", str(pki.consumer.private_key)),
            *("-H", "Content-Type: text/xml; charset=utf-8", "--data-binary", f"@{tmp_path / 'question.xml'}"),
        ]
        return subprocess.run([*command, *options, url], check=True, capture_output=True, timeout=30).stdout

    plain = curl()
    assert b"AggregatedQualityReport" in plain
    assert curl("--compressed") == plain
    assert curl("-H", "Transfer-Encoding: chunked") == plain
    assert curl("-H", "Expect: 100-continue") == plain


def test_a_kept_connection_serves_many_questions(pki: Pki, server: ServerProcess, message: bytes) -> None:
    connection = http.client.HTTPSConnection("localhost", server.port, context=pki.context(), timeout=10)
    bodies = set()
    try:
        connection.connect()
        sock = connection.sock
        for _ in range(5):
            connection.request("POST", CONTRACT.path, message, {"Content-Type": "text/xml; charset=utf-8"})
            bodies.add(connection.getresponse().read())
            assert connection.sock is sock
    finally:
        connection.close()
    assert len(bodies) == 1


@pytest.mark.parametrize(("size", "connection"), [(1000, "keep-alive"), (100_000, "close")])
def test_a_refused_body_ends_the_connection_only_when_it_is_large(
    size: int, connection: str, pki: Pki, server: ServerProcess, message: bytes
) -> None:
    client = http.client.HTTPSConnection("localhost", server.port, context=pki.context(), timeout=10)
    try:
        for _ in range(2):
            client.request("POST", CONTRACT.path, b"x" * size, {"Content-Type": "application/json"})
            answer = client.getresponse()
            assert answer.status == 415
            assert answer.getheader("Connection") == connection
            assert b"<faultcode>e:Client</faultcode>" in answer.read()
        client.request("POST", CONTRACT.path, iter([message]), {"Content-Type": "image/png"}, encode_chunked=True)
        answer = client.getresponse()
        assert (answer.status, answer.getheader("Connection")) == (415, "keep-alive")
    finally:
        client.close()


def test_original_consumer_and_correlation_are_logged(
    session: requests.Session, url: str, message: bytes, server: ServerProcess
) -> None:
    session.post(
        url,
        message,
        headers={
            "Content-Type": "text/xml",
            "x-rivta-original-serviceconsumer-hsaid": "SE9990001112-ORIG",
            "x-skltp-correlation-id": "a-correlation-id",
        },
    )
    line = server.line_of("a-correlation-id")
    assert line["original_sender"] == "SE9990001112-ORIG"
    assert line["sender"] == CONSUMER
