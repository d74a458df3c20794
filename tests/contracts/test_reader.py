"""Reading untrusted answers piece by piece (robustness reference 2: F10-F12; 1.1; contract reference 2, 3)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from golden.messages import (
    ANSWERS,
    CHAINS,
    CODEC,
    HEAD,
    LAND,
    LOGICAL_ADDRESS,
    answer,
    measurement,
    unit,
    written,
)

from contracts.errors import (
    AnswerTooLarge,
    ContractViolation,
    FaultReceived,
    PlatformFault,
    UnexpectedAnswer,
)
from contracts.messages import records
from contracts.messages.reader import AnswerLimits, ReportReader
from contracts.model import Measurement, MissingMeasure, ProportionMeasure, ReportHead
from contracts.registry import GET_QUALITY_INDICATORS_2
from contracts.soap import SOAP_12_NAMESPACE, SOAP_NAMESPACE

MARKER = "MARKER-a4c7"
ONE = measurement(ProportionMeasure(0.5, 10.0, 5.0), CHAINS["vardenhet-lan"])
TWO = measurement(MissingMeasure("MSK"), CHAINS["land"])
GOOD = answer(ONE, TWO, ONE).decode()
EXPECTED = ([ONE, TWO, ONE], HEAD)
_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
_WITH_SCHEMA = pytest.mark.parametrize("has_schema", [True, False], ids=["with schema", "without schema"])


def read(
    data: bytes | str, *, chunk: int = 65_536, limits: AnswerLimits | None = None, has_schema: bool = True
) -> tuple[list[Measurement], ReportHead]:
    raw = data.encode() if isinstance(data, str) else data
    reader = ReportReader(CODEC, limits, contract=GET_QUALITY_INDICATORS_2 if has_schema else None)
    measurements: list[Measurement] = []
    for start in range(0, len(raw), chunk):
        measurements += reader.feed(raw[start : start + chunk])
    head = reader.close()
    assert (reader.bytes_read, reader.measurement_count) == (len(raw), len(measurements))
    return measurements, head


def edited(old: str, new: str, *, count: int = 1) -> str:
    assert GOOD.count(old) >= count, old
    return GOOD.replace(old, new, count)


def envelope(body: str, namespace: str = SOAP_NAMESPACE) -> str:
    return f'<e:Envelope xmlns:e="{namespace}"><e:Body>{body}</e:Body></e:Envelope>'


# -- good answers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 1000])
def test_chunks_of_any_size_give_the_same(size: int) -> None:
    assert read(GOOD, chunk=size) == EXPECTED


def test_chunk_may_end_at_every_byte() -> None:
    raw = answer(TWO)
    for cut in range(len(raw) + 1):
        reader = ReportReader(CODEC)
        measurements = [*reader.feed(raw[:cut]), *reader.feed(raw[cut:])]
        assert (measurements, reader.close()) == ([TWO], HEAD), cut


def test_one_chunk_may_be_larger_than_any_limit_of_one_element() -> None:
    raw = answer(*[TWO] * 2_000)
    assert len(raw) > 1024**2
    assert len(read(raw, chunk=len(raw))[0]) == 2_000


@_WITH_SCHEMA
@pytest.mark.parametrize(
    "variant",
    [
        lambda text: text.removeprefix(_DECLARATION),
        lambda text: "\ufeff" + text,
        lambda text: text.replace("UTF-8", "UTF-16").encode("utf-16"),
        lambda text: text.replace("UTF-8", "ISO-8859-1").encode("latin-1"),
        lambda text: text.replace("<e:Body>", "<e:Header/><e:Body>"),
        lambda text: text.replace("<e:Body>", '<e:Header><x:y xmlns:x="urn:x"/></e:Header><e:Body>'),
        lambda text: text.replace("<e:", "<S:").replace("</e:", "</S:").replace("xmlns:e=", "xmlns:S="),
        lambda text: text.replace("<c:", "<").replace("</c:", "</").replace("xmlns:c=", "xmlns="),
        lambda text: text.replace("><", ">\r\n   <"),
        lambda text: text.replace("><", "><!-- comment --><"),
        lambda text: text.replace(LOGICAL_ADDRESS, f"<![CDATA[{LOGICAL_ADDRESS}]]>"),
        lambda text: text.replace(LOGICAL_ADDRESS, LOGICAL_ADDRESS.replace("-", "<!-- x -->-")),
        lambda text: text.replace("<c:rate>0.5", "<c:rate> 5.0E-1\n"),
        lambda text: text.replace("</e:Envelope>", "</e:Envelope>\n<!-- the end -->\n"),
    ],
)
def test_other_way_of_writing_gives_the_same(variant: Callable[[str], str | bytes], *, has_schema: bool) -> None:
    assert read(variant(GOOD), has_schema=has_schema) == EXPECTED


@_WITH_SCHEMA
def test_extension_elements_are_ignored_wherever_the_contract_allows_them(*, has_schema: bool) -> None:
    extension = '<x:more xmlns:x="urn:x" a="1"><x:rate>9</x:rate><root>8</root></x:more>'
    text = GOOD
    for end in (
        "measureId", "measurePeriod", "proportionMeasure", "missingMeasure", "organizationId", "performingOrganization",
        "asOrganizationPartOf", "systemId", "sourceSystem", "measurement", "reportingPeriod", "reportingSystem",
    ):  # fmt: skip
        text = text.replace(f"</c:{end}>", f"{extension}</c:{end}>")
    for end in ("AggregatedQualityReport", "GetQualityIndicatorsResponse"):
        text = text.replace(f"</r:{end}>", f"{extension}</r:{end}>")
    assert text.count(extension) > 30
    assert read(text, has_schema=has_schema) == EXPECTED


def test_nothing_is_relied_on_before_close() -> None:
    reader = ReportReader(CODEC)
    assert list(reader.feed(answer(ONE)[:-1])) == [ONE]
    with pytest.raises(UnexpectedAnswer):
        reader.close()


# -- faults ----------------------------------------------------------------------------------------------------------


def fault(code: str = "e:Server", text: str = "text", detail: str = "") -> str:
    return envelope(f"<e:Fault><faultcode>{code}</faultcode><faultstring>{text}</faultstring>{detail}</e:Fault>")


@pytest.mark.parametrize("name", ["fault-client.xml", "fault-server.xml"])
def test_own_fault_becomes_a_typed_error(name: str) -> None:
    with pytest.raises(FaultReceived) as received:
        read(written()[name])
    assert received.value.remote_fault_code in ("Client", "Server")
    assert "0123456789abcdef" in received.value.detail


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("VP004 [NTjP-TEST] Det finns inget vägval i TAK", "VP004"),
        ("VP009 [x] Fel vid kontakt med tjänsteproducenten", "VP009"),
        ("\n  VP015", "VP015"),
    ],
)
def test_fault_of_the_platform_keeps_its_code(text: str, code: str) -> None:
    with pytest.raises(PlatformFault) as received:
        read(fault("SOAP-ENV:Client", text, "<detail><detailString>No receiverId</detailString></detail>"))
    assert (received.value.vp_code, received.value.remote_fault_code) == (code, "Client")
    assert received.value.detail == "No receiverId"


@pytest.mark.parametrize("text", ["VP00 x", "VP0041 x", "see VP004", "vp004", "xVP004"])
def test_text_that_only_resembles_a_code_is_a_plain_fault(text: str) -> None:
    with pytest.raises(FaultReceived) as received:
        read(fault(text=text))
    assert received.type is FaultReceived


@pytest.mark.parametrize(
    "message",
    [
        envelope("<e:Fault/>"),
        fault(code="", text=""),
        fault(text="&lt;html>&lt;b>x&lt;/b>&lt;/html>"),
        fault(text="<html><b>x</b></html>"),
        fault(code="Server.Sub.Dotted"),
        fault(detail="<detail/>"),
        GOOD.replace("</e:Body>", "<e:Fault><faultcode>e:Server</faultcode></e:Fault></e:Body>"),
    ],
)
def test_odd_fault_is_still_a_fault(message: str) -> None:
    with pytest.raises(FaultReceived):
        read(message)


def test_texts_of_a_fault_are_cut_and_printable() -> None:
    huge = f"&#10;{MARKER}&#x1f600;&#x202e;&#9;" + "x" * 100_000
    with pytest.raises(FaultReceived) as received:
        read(fault("c" * 100_000, huge, f"<detail><a>{huge}</a><b>{huge}</b></detail>"))
    error = received.value
    for text in (error.remote_fault_code, error.fault_string, error.detail):
        assert len(text) <= 1024
        assert text.isprintable()
    assert error.fault_string.startswith(f"{MARKER}\U0001f600  x")


# -- broken answers --------------------------------------------------------------------------------------------------

_LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
NOT_AN_ANSWER: dict[str, str | bytes] = {
    "nothing": b"",
    "a text": "Internal Server Error",
    "JSON": '{"a": 1}',
    "HTML": "<html><body><p>502</p></body></html>",
    "HTML with DOCTYPE": "<!DOCTYPE html><html><br></html>",
    "SOAP 1.2": GOOD.replace(SOAP_NAMESPACE, SOAP_12_NAMESPACE),
    "a bare response": GOOD[GOOD.index("<r:GetQ") : GOOD.index("</e:Body>")].replace(
        "<r:GetQualityIndicatorsResponse>",
        f'<r:GetQualityIndicatorsResponse xmlns:r="{GET_QUALITY_INDICATORS_2.responder_namespace}"'
        f' xmlns:c="{GET_QUALITY_INDICATORS_2.domain_namespace}">',
    ),
    "an Envelope inside another element": f"<a>{GOOD.removeprefix(_DECLARATION)}</a>",
    "cut in the end": GOOD[:-1],
    "cut in a measurement": GOOD[: len(GOOD) // 2],
    "cut after a measurement": GOOD[: GOOD.rindex("</r:Agg")],
    "text after the end": GOOD + MARKER,
    "an element after the end": GOOD + "<a/>",
    "invalid UTF-8": GOOD.encode().replace(b"Riket", b"Rik\xff\xff"),
    "a NUL": edited("Riket", "Ri\0ket"),
    "an undeclared entity": edited("Riket", f"&{MARKER};"),
    "an end tag of another name": edited("</c:rate>", "</c:rat>"),
    "depth 300": GOOD[: GOOD.index("<c:measurement>")] + "<x>" * 300,
    "a bare DOCTYPE": GOOD.replace(_DECLARATION, "<!DOCTYPE x>"),
    "a DOCTYPE with an external subset": GOOD.replace(_DECLARATION, '<!DOCTYPE x SYSTEM "file:///etc/hostname">'),
    "a DOCTYPE after a comment": GOOD.replace(_DECLARATION, "<!-- --><!DOCTYPE x>"),
    "a DOCTYPE around another root": f"<!DOCTYPE a><a>{GOOD.removeprefix(_DECLARATION)}</a>",
    "an entity in a text": GOOD.replace(_DECLARATION, f'<!DOCTYPE x [<!ENTITY a "{MARKER}">]>').replace("Riket", "&a;"),
    "an entity in an attribute": GOOD.replace(_DECLARATION, f'<!DOCTYPE x [<!ENTITY a "{MARKER}">]>').replace(
        "<e:Body>", '<e:Body a="&a;">'
    ),
    "an external entity": GOOD.replace(
        _DECLARATION, '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]>'
    ).replace("Riket", "&a;"),
    "billion laughs": f'<!DOCTYPE a [<!ENTITY l0 "lol">{_LAUGHS}]><a>&l9;</a>',
    "billion laughs in an attribute": f'<!DOCTYPE a [<!ENTITY l0 "lol">{_LAUGHS}]><a b="&l9;"/>',
    "an attribute default": GOOD.replace(_DECLARATION, f'<!DOCTYPE x [<!ATTLIST e:Envelope a CDATA "{MARKER}">]>'),
    "an instruction in a name": edited("Riket", "Ri<?x y?>ket"),
    "an instruction between measurements": edited("</c:measurement>", "</c:measurement><?x y?>"),
}


@_WITH_SCHEMA
@pytest.mark.parametrize("name", NOT_AN_ANSWER)
def test_what_is_no_soap_answer_is_refused(name: str, *, has_schema: bool) -> None:
    for chunk in (65_536, 50):
        with pytest.raises(UnexpectedAnswer) as refused:
            read(NOT_AN_ANSWER[name], chunk=chunk, has_schema=has_schema)
        assert MARKER not in refused.value.message


_REPORT = GOOD[GOOD.index("<r:Agg") : GOOD.index("</r:GetQ")]
_RESPONSE = GOOD[GOOD.index("<r:GetQ") : GOOD.index("</e:Body>")]
_FIRST = GOOD[GOOD.index("<c:measurement>") : GOOD.index("</c:measurement>") + len("</c:measurement>")]
_CHECKSUM = GOOD[GOOD.index("<c:measurementChecksum>") : GOOD.index("<c:reportingPeriod>")]
_RATE = "<c:rate>0.5</c:rate>"
# name: (answer, path, rule). Refused without the schema too.
VIOLATIONS: dict[str, tuple[str, str, str]] = {
    # structure around the report
    "no Body": (f'<e:Envelope xmlns:e="{SOAP_NAMESPACE}"/>', "/Envelope/Body", "schema"),
    "an empty Body": (envelope(""), "/Envelope/Body", "schema"),
    "another response": (envelope('<x:y xmlns:x="urn:x"/>'), "/Envelope/Body", "schema"),
    "the request sent back": (written()["request.xml"].decode(), "/Envelope/Body", "schema"),
    "a response without report": (edited(_REPORT, ""), "/Envelope/Body", "schema"),
    "a second Body": (edited("</e:Body>", "</e:Body><e:Body/>"), "/Envelope/Body", "schema"),
    "an element after the Body": (edited("</e:Body>", "</e:Body><a/>"), "/Envelope/Body", "schema"),
    "an element before the Body": (edited("<e:Body>", "<a/><e:Body>"), "/Envelope/Body", "schema"),
    "a second element in Body": (edited("</e:Body>", "<a/></e:Body>"), "/Envelope/Body", "schema"),
    "a second response": (edited("</e:Body>", f"{_RESPONSE}</e:Body>"), "/Envelope/Body", "schema"),
    "an empty response first": (
        edited("<e:Body>", "<e:Body><r:GetQualityIndicatorsResponse/>"),
        "/Envelope/Body",
        "schema",
    ),
    "a second report": (edited(_REPORT, _REPORT * 2), "/Envelope/Body", "schema"),
    "a second report without measurements": (
        edited(_REPORT, _REPORT + "<r:AggregatedQualityReport/>"),
        "/Envelope/Body",
        "schema",
    ),
    "a report nested deeper": (edited(_REPORT, f"<x>{_REPORT}</x>"), "/Envelope/Body", "schema"),
    "a report in the Header": (
        edited("<e:Body>", f"<e:Header>{_REPORT}</e:Header><e:Body>"),
        "/Envelope/Body",
        "schema",
    ),
    "a measurement after the report": (edited("</r:GetQ", f"{_FIRST}</r:GetQ"), "/Envelope/Body", "schema"),
    "a measurement in an extension": (
        edited("</c:measurement>", f'<x:y xmlns:x="urn:x">{_FIRST}</x:y></c:measurement>'),
        "/Envelope/Body",
        "schema",
    ),
    "the Responder namespace of version 1": (GOOD.replace("Responder:2", "Responder:1"), "/Envelope/Body", "schema"),
    "the domain namespace of version 1": (
        GOOD.replace('reporting:2"', 'reporting:1"'),
        "AggregatedQualityReport/measurementChecksum",
        "schema",
    ),
    # head
    "no checksum": (edited(_CHECKSUM, ""), "AggregatedQualityReport/measurementChecksum", "schema"),
    "two checksums": (edited(_CHECKSUM, _CHECKSUM * 2), "AggregatedQualityReport/measurementChecksum", "schema"),
    "the checksum after the measurements": (
        edited(_CHECKSUM, "").replace("</r:Agg", f"{_CHECKSUM}</r:Agg"),
        "AggregatedQualityReport/measurementChecksum",
        "schema",
    ),
    "an unknown element in the head": (
        edited(_CHECKSUM, f"{_CHECKSUM}<c:{MARKER}/>"),
        "AggregatedQualityReport",
        "schema",
    ),
    "no system": (
        edited("c:reportingSystem>", "c:reportingOther>", count=2),
        "AggregatedQualityReport",
        "schema",
    ),
    "an element between measurements": (
        edited("</c:measurement>", '</c:measurement><x:y xmlns:x="urn:x"/>'),
        "AggregatedQualityReport",
        "schema",
    ),
    # measurements; the third is like the first, whose layout is known by then
    "an unknown element": (
        edited("</c:measurement>", f"<c:{MARKER}/></c:measurement>"),
        "measurement[1]",
        "schema",
    ),
    "an element without namespace": (
        edited("</c:measurement>", f"<{MARKER}/></c:measurement>"),
        "measurement[1]",
        "schema",
    ),
    "an element of the response's namespace as a value": (
        edited("</c:proportionMeasure>", "<c:value>1</c:value></c:proportionMeasure>"),
        "measurement[1]/proportionMeasure",
        "schema",
    ),
    "no rate": (edited(_RATE, ""), "measurement[1]/proportionMeasure/rate", "schema"),
    "two rates": (edited(_RATE, _RATE * 2), "measurement[1]/proportionMeasure/rate", "schema"),
    "an empty rate": (edited(_RATE, "<c:rate/>"), "measurement[1]/proportionMeasure/rate", "schema"),
    "a rate of text": (edited(_RATE, f"<c:rate>{MARKER}</c:rate>"), "measurement[1]/proportionMeasure/rate", "schema"),
    "a rate with elements": (
        edited(_RATE, '<c:rate>0.5<x:y xmlns:x="urn:x"/></c:rate>'),
        "measurement[1]/proportionMeasure/rate",
        "schema",
    ),
    "a rate of text in the third": (
        _RATE.join([*GOOD.split(_RATE)[:2], ""]) + f"<c:rate>{MARKER}</c:rate>" + GOOD.split(_RATE)[2],
        "measurement[3]/proportionMeasure/rate",
        "schema",
    ),
    "a child for a sibling in the third": (
        GOOD[: GOOD.rindex(_RATE)]
        + "<c:rate>0.5<c:denominator>10</c:denominator></c:rate>"
        + GOOD[GOOD.rindex("<c:numerator>") :],
        "measurement[3]/proportionMeasure/rate",
        "schema",
    ),
    "a version of text": (
        edited("VersionNumber>3<", f"VersionNumber>{MARKER}<"),
        "measurement[1]/measureIdVersionNumber",
        "schema",
    ),
    "a version with decimals": (
        edited("VersionNumber>3<", "VersionNumber>3.0<"),
        "measurement[1]/measureIdVersionNumber",
        "schema",
    ),
    "no measure": (
        edited("<c:missingMeasure><c:reasonCode>MSK</c:reasonCode></c:missingMeasure>", ""),
        "measurement[2]",
        "1.1",
    ),
    "two measures": (
        edited("<c:missingMeasure>", "<c:cohortMeasure><c:cohort>1</c:cohort></c:cohortMeasure><c:missingMeasure>"),
        "measurement[2]",
        "1.1",
    ),
    "the same measure twice": (
        edited("</c:missingMeasure>", "</c:missingMeasure><c:missingMeasure/>"),
        "measurement[2]/missingMeasure",
        "schema",
    ),
    "no organisation": (
        edited("c:performingOrganization>", "x:o>", count=2).replace("<x:o>", '<x:o xmlns:x="urn:x">'),
        "measurement[1]/performingOrganization",
        "schema",
    ),
    "no name far up the chain": (
        edited("<c:organizationName>Riket</c:organizationName>", ""),
        "measurement[1]/performingOrganization/asOrganizationPartOf/asOrganizationPartOf/organizationName",
        "schema",
    ),
    "no source": (
        edited("c:sourceSystem>", "x:s>", count=2).replace("<x:s>", '<x:s xmlns:x="urn:x">'),
        "measurement[1]/sourceSystem",
        "schema",
    ),
    "no start": (
        edited("<c:measurePeriod><c:start>20250101</c:start>", "<c:measurePeriod>"),
        "measurement[1]/measurePeriod/start",
        "schema",
    ),
}


@_WITH_SCHEMA
@pytest.mark.parametrize("name", VIOLATIONS)
def test_answer_that_breaks_the_contract_is_refused_with_path(name: str, *, has_schema: bool) -> None:
    text, path, rule = VIOLATIONS[name]
    with pytest.raises(ContractViolation) as refused:
        read(text, has_schema=has_schema)
    assert refused.type is ContractViolation
    assert MARKER not in refused.value.message + refused.value.path
    if not has_schema:
        assert (refused.value.path, refused.value.rule) == (path, rule)
    assert refused.value.path


# What only the schema finds.
SCHEMA_VIOLATIONS = {
    "a date of another form": edited("20250101", "2025-01-01"),
    "a reason that is no reason": edited("MSK", MARKER),
    "a type of organisation that is none": edited(">Vardenhet<", f">{MARKER}<"),
    "measures in another order": edited(
        "<c:rate>0.5</c:rate><c:denominator>10</c:denominator>", "<c:denominator>10</c:denominator><c:rate>0.5</c:rate>"
    ),
    "an attribute": edited("<c:rate>", f'<c:rate {MARKER}="1">'),
    "nil": edited("<c:rate>", '<c:rate xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:nil="true">'),
    "a second element in the response": edited("</r:GetQ", "<a/></r:GetQ"),
    "an unknown element after the measurements": edited("</r:Agg", "<c:x/></r:Agg"),
    "text beside the report": edited(_REPORT, f"{MARKER}{_REPORT}"),
    "text in a measurement": edited("<c:measurement>", f"<c:measurement>{MARKER}"),
}


@pytest.mark.parametrize("name", SCHEMA_VIOLATIONS)
def test_answer_that_breaks_only_the_schema_is_refused(name: str) -> None:
    with pytest.raises(ContractViolation) as refused:
        read(SCHEMA_VIOLATIONS[name])
    assert MARKER not in refused.value.message + refused.value.path
    assert refused.value.rule == "schema"


# -- caps and memory -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "inside",
    [
        lambda: "<x>" + "x" * 1_200_000 + "</x>",
        lambda: "<x/>" * 400_000,
        lambda: f'<x a="{"x" * 1_200_000}"/>',
        lambda: "<!--" + "x" * 1_200_000 + "-->",
        lambda: "x" * 1_200_000,
        lambda: f"<{'x' * 1_200_000}/>",
    ],
    ids=["text", "elements", "attribute", "comment", "mixed text", "name"],
)
@pytest.mark.parametrize(
    "place", ["<c:measurement>", "<c:measurementChecksum>", "</r:AggregatedQualityReport>", "<e:Body>"]
)
def test_one_part_larger_than_the_cap_is_refused(place: str, inside: Callable[[], str]) -> None:
    with pytest.raises(UnexpectedAnswer):
        read(edited(place, f"{inside()}{place}"))


def test_total_larger_than_the_cap_is_refused_at_the_cap() -> None:
    reader = ReportReader(CODEC, AnswerLimits(max_bytes=100_000))
    for _ in range(100):
        assert list(reader.feed(b" " * 1_000)) == []
    with pytest.raises(AnswerTooLarge):
        list(reader.feed(b" "))


def _resident_mib() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads the memory in use from /proc")
def test_memory_is_flat_over_fifty_thousand_measurements() -> None:
    organizations = [CODEC.organization_fragment(unit(number, LAND)) for number in range(1_000)]
    source = CODEC.source_fragment(ONE.source_system)

    def chunks() -> Iterator[bytes]:
        yield CODEC.answer_prefix(HEAD)
        for number in range(500):
            yield b"".join(
                CODEC.measurement_fragment(
                    measurement(ProportionMeasure(0.5, 10.0 + number, 5.0 + turn)),
                    organization=organizations[(number * 100 + turn) % 1_000],
                    source=source,
                )
                for turn in range(100)
            )
        yield CODEC.answer_suffix()

    reader = ReportReader(CODEC, contract=GET_QUALITY_INDICATORS_2)
    resident = []
    for number, chunk in enumerate(chunks()):
        for _ in reader.feed(chunk):
            pass
        if number in (100, 500):
            resident.append(_resident_mib())
    assert reader.close() == HEAD
    assert reader.measurement_count == 50_000
    assert resident[1] - resident[0] < 8


def test_answers_with_ever_new_layouts_and_texts_are_forgotten() -> None:
    """What is remembered of layouts and organisations has a bound, and forgetting changes no value."""
    measurements = [measurement(MissingMeasure("UNK"), unit(number, LAND)) for number in range(600)]
    fragments = [
        CODEC.measurement_fragment(
            one,
            organization=CODEC.organization_fragment(one.performing_organization),
            source=CODEC.source_fragment(one.source_system),
        ).replace(b"</c:measurement>", f'<x:a{number} xmlns:x="urn:x"/></c:measurement>'.encode())
        for number, one in enumerate(measurements)
    ]
    reader = ReportReader(CODEC)
    read_back = list(reader.feed(CODEC.answer_prefix(HEAD) + b"".join(fragments) + CODEC.answer_suffix()))
    assert (read_back, reader.close()) == (measurements, HEAD)


def test_organisations_are_forgotten_at_a_bound_and_long_ones_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "_MOST_SHARED", 5)
    monkeypatch.setattr(records, "_MOST_SHARED_CHARS", 200)
    units = [unit(number % 4, LAND) for number in range(12)]
    units[5] = replace(units[5], organization_name="Lång" * 100)
    measurements = [measurement(MissingMeasure("UNK"), organization) for organization in units]
    reader = ReportReader(CODEC)
    read_back = list(reader.feed(answer(*measurements)))
    assert (read_back, reader.close()) == (measurements, HEAD)


@pytest.mark.parametrize("name", ANSWERS)
def test_golden_answers_need_no_schema_to_be_read(name: str) -> None:
    assert read(written()[f"{name}.xml"], has_schema=False) == (list(ANSWERS[name]), HEAD)
