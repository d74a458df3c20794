"""The client library against a real producer: good answers in every form, and every bad one named."""

from __future__ import annotations

import gzip
import io
import logging
import ssl
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from consumer_playback import Exchange, Playback, Respond
from consumer_reports import (
    BOTH_YEARS,
    CODEC,
    MEASURE_A,
    MEASURE_B,
    MEASURE_C,
    YEAR_2024,
    YEAR_2025,
    Register,
    fault,
    head_of,
    measurement,
    question,
    share,
    small_register,
    unit,
)

from consumer.client import ProducerClient
from contracts.errors import (
    AnswerTooLarge,
    ConnectionFailed,
    ContractViolation,
    FaultReceived,
    PlatformFault,
    ProducerBusy,
    RemoteError,
    RulesBroken,
    TimedOut,
    UnexpectedAnswer,
    UsageError,
)
from contracts.model import II, Measurement, ReportHead
from contracts.registry import CONTRACTS, GET_QUALITY_INDICATORS_2
from contracts.safe_xml import parse_message
from contracts.soap import read_request_envelope
from contracts.validation import validate_body

Connect = Callable[..., ProducerClient]
GOOD = small_register().answer(question())


def read(client: ProducerClient, *measure_ids: str) -> tuple[list[Measurement], ReportHead]:
    with client.fetch(measure_ids or (MEASURE_A,), BOTH_YEARS) as answer:
        return list(answer), answer.head


def in_slices(body: bytes, size: int) -> list[bytes]:
    return [body[start : start + size] for start in range(0, len(body), size)]


@pytest.mark.parametrize(
    "respond",
    [
        pytest.param(lambda exchange: exchange.send(GOOD), id="length"),
        pytest.param(lambda exchange: exchange.send_gzip(GOOD), id="gzip"),
        pytest.param(lambda exchange: exchange.send_chunks(iter(in_slices(GOOD, 700))), id="chunked"),
        pytest.param(lambda exchange: exchange.send_chunks(iter(in_slices(GOOD, 1))), id="single bytes"),
        pytest.param(
            lambda exchange: exchange.send(b"\xef\xbb\xbf" + GOOD, content_type="text/xml"), id="byte order mark"
        ),
        pytest.param(
            lambda exchange: exchange.send(
                GOOD.replace(b'encoding="UTF-8"', b'encoding="UTF-16"').decode().encode("utf-16"),
                content_type="text/xml; charset=utf-16",
            ),
            id="utf-16",
        ),
    ],
)
def test_a_good_answer_is_read_whatever_way_it_comes(
    producer: Playback, client: ProducerClient, respond: Respond
) -> None:
    producer.respond = respond
    found, head = read(client)
    expected = small_register().matching(question())
    assert found == expected
    assert head == head_of(expected, question())


def test_the_question_is_valid_and_says_what_was_asked(producer: Playback, client: ProducerClient) -> None:
    producer.respond = lambda exchange: exchange.send(small_register().answer(exchange.question))
    client.checksum([MEASURE_A, MEASURE_B], YEAR_2024)
    read(client)
    assert producer.questions == [
        question(MEASURE_A, MEASURE_B, period=YEAR_2024, include_measurements=False),
        question(),
    ]
    request = read_request_envelope(parse_message(producer.bodies[0]))
    validate_body(GET_QUALITY_INDICATORS_2, request.body)
    assert request.logical_address == client.connection.logical_address
    assert producer.headers[0]["SOAPAction"] == f'"{GET_QUALITY_INDICATORS_2.soap_action}"'
    assert producer.headers[0]["Content-Type"] == "text/xml; charset=utf-8"


def test_checksum_is_that_of_the_full_answer_and_costs_one_connection(
    producer: Playback, client: ProducerClient
) -> None:
    producer.respond = lambda exchange: exchange.send(small_register().answer(exchange.question))
    heads = [client.checksum([MEASURE_A], BOTH_YEARS) for _ in range(3)]
    assert heads == [read(client)[1]] * 3
    assert producer.connections == 1


def test_an_answer_without_measurements_is_read(producer: Playback, client: ProducerClient) -> None:
    producer.respond = lambda exchange: exchange.send(small_register().answer(exchange.question))
    found, head = read(client, MEASURE_C)
    assert found == []
    assert head.reporting_period == BOTH_YEARS


def test_head_reads_the_answer_to_its_end(producer: Playback, client: ProducerClient) -> None:
    producer.respond = lambda exchange: exchange.send_gzip(GOOD)
    raw = io.BytesIO()
    with client.fetch([MEASURE_A], BOTH_YEARS, raw=raw) as answer:
        assert answer.head.measurement_checksum
        assert list(answer) == []
        assert (answer.measurement_count, answer.bytes_read) == (10, len(GOOD))
        assert 0 < answer.bytes_received < len(GOOD)
    assert raw.getvalue() == GOOD


def test_settings_headers_are_sent(producer: Playback, connect: Connect) -> None:
    producer.respond = lambda exchange: exchange.send(GOOD)
    read(connect(headers=("x-rivta-original-serviceconsumer-hsaid: SE9990001112-FIRST",)))
    assert producer.headers[0]["x-rivta-original-serviceconsumer-hsaid"] == "SE9990001112-FIRST"
    assert "Cookie" not in producer.headers[0]


def test_cookies_are_neither_kept_nor_sent(producer: Playback, client: ProducerClient) -> None:
    producer.respond = lambda exchange: exchange.send(GOOD, Set_Cookie="session=1")
    read(client)
    read(client)
    assert "Cookie" not in producer.headers[1]


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "HTTPS_PROXY"])
def test_the_environment_changes_nothing(
    producer: Playback, connect: Connect, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "/nowhere/bundle.pem" if name != "HTTPS_PROXY" else "http://127.0.0.1:1")
    producer.respond = lambda exchange: exchange.send(GOOD)
    assert len(read(connect())[0]) == 10


def test_only_the_own_authority_is_trusted_after_a_call(
    producer: Playback, client: ProducerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[object] = []
    monkeypatch.setattr(
        ssl.SSLContext, "load_verify_locations", lambda *arguments, **more: loaded.append((arguments, more))
    )
    monkeypatch.setattr(ssl.SSLContext, "load_default_certs", lambda *arguments: loaded.append(arguments))
    producer.respond = lambda exchange: exchange.send(GOOD)
    read(client)
    assert loaded == []


def test_debug_logs_hold_no_body(producer: Playback, client: ProducerClient, caplog: pytest.LogCaptureFixture) -> None:
    producer.respond = lambda exchange: exchange.send(GOOD)
    caplog.set_level(logging.DEBUG)
    for name in ("zeep", "urllib3", "requests"):
        caplog.set_level(logging.DEBUG, logger=name)
    read(client)
    assert caplog.records
    assert "Envelope" not in caplog.text
    assert MEASURE_A not in caplog.text


@pytest.mark.parametrize("name", ["GetQualityIndicators:1", "GetQualityIndicators:3"])
def test_other_versions_of_the_contract_are_spoken(producer: Playback, connect: Connect, name: str) -> None:
    contract = CONTRACTS[name]
    sent = measurement()
    if contract.major == 1:
        version = II("00000000-0000-4000-8000-0000000000ff")
        sent = replace(sent, source_system=None, measure_id_version_dependent=version)
    head = head_of([sent], question())
    if contract.major == 1:
        head = replace(
            head,
            reporting_organization=replace(head.reporting_organization, name=None),
        )
    codec = contract.codec
    fragment = codec.measurement_fragment(
        sent,
        organization=codec.organization_fragment(sent.performing_organization),
        source=codec.source_fragment(sent.source_system),
    )
    producer.respond = lambda exchange: exchange.send(codec.answer_prefix(head) + fragment + codec.answer_suffix())
    assert read(connect(contract=contract)) == ([sent], head)
    request = read_request_envelope(parse_message(producer.bodies[0]))
    validate_body(contract, request.body)
    assert producer.headers[0]["SOAPAction"] == f'"{contract.soap_action}"'


def test_memory_does_not_grow_with_the_answer(producer: Playback, client: ProducerClient) -> None:
    """10 MiB of answer are read while the parser holds one piece: the first measurements come before the last byte."""
    register = Register(measurement(organization=unit(number)) for number in range(9_000))
    pieces = list(register.pieces(question()))
    sent: list[int] = []

    def respond(exchange: Exchange) -> None:
        def chunks() -> object:
            for number, start in enumerate(range(0, len(pieces), 100)):
                sent.append(number)
                yield b"".join(pieces[start : start + 100])

        exchange.send_chunks(chunks())  # type: ignore[arg-type]

    producer.respond = respond
    with client.fetch([MEASURE_A], BOTH_YEARS) as answer:
        iterator = iter(answer)
        next(iterator)
        sent_at_first = len(sent)
        assert sum(1 for _ in iterator) == 8_999
    assert sent_at_first < len(sent) // 2


# -- faults ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 500])
def test_a_fault_gives_a_typed_error_whatever_the_status(
    producer: Playback, client: ProducerClient, status: int
) -> None:
    producer.respond = lambda exchange: exchange.send(
        fault("Server", "Broken &lt;b&gt;", "<detail>x</detail>"), status=status
    )
    with pytest.raises(FaultReceived) as caught:
        read(client)
    error = caught.value
    assert (error.remote_fault_code, error.fault_string, error.detail) == ("Server", "Broken <b>", "x")
    assert not isinstance(error, PlatformFault)


@pytest.mark.parametrize(
    ("code", "is_retryable"), [("VP004", False), ("VP007", False), ("VP008", True), ("VP009", True), ("VP014", False)]
)
def test_faults_of_the_platform_are_told_apart(
    producer: Playback, client: ProducerClient, code: str, is_retryable: bool
) -> None:
    body = fault("Server", f"{code} [VP-TEST] Fel", "<detail><detailString>why</detailString></detail>")
    producer.respond = lambda exchange: exchange.send(body, status=500)
    with pytest.raises(PlatformFault) as caught:
        client.checksum([MEASURE_A], BOTH_YEARS)
    assert (caught.value.vp_code, caught.value.is_retryable, caught.value.detail) == (code, is_retryable, "why")


def test_a_huge_fault_is_cut(producer: Playback, client: ProducerClient) -> None:
    body = fault("Client", "x" * 50_000, f"<detail>{'y' * 50_000}</detail>")
    producer.respond = lambda exchange: exchange.send(body, status=500)
    with pytest.raises(FaultReceived) as caught:
        read(client)
    assert (len(caught.value.fault_string), len(caught.value.detail)) == (1024, 1024)


def test_a_fault_without_detail_is_read(producer: Playback, client: ProducerClient) -> None:
    producer.respond = lambda exchange: exchange.send(fault("Client", "No"), status=500)
    with pytest.raises(FaultReceived, match="Client: No"):
        read(client)


# -- answers that are none ------------------------------------------------------------------------------------------

_HTML = b"<html><body>Sign in</body></html>"


@pytest.mark.parametrize(
    ("respond", "error", "text"),
    [
        pytest.param(lambda e: e.send(GOOD, status=500), UnexpectedAnswer, "means a fault", id="report as fault"),
        pytest.param(lambda e: e.send(_HTML, content_type="text/html"), UnexpectedAnswer, "text/html", id="html"),
        pytest.param(lambda e: e.send(_HTML, status=404, content_type="text/html"), UnexpectedAnswer, "404", id="404"),
        pytest.param(lambda e: e.send(_HTML, status=503, content_type="text/html"), UnexpectedAnswer, "503", id="503"),
        pytest.param(lambda e: e.send(b"", status=202), UnexpectedAnswer, "202", id="202 and nothing"),
        pytest.param(lambda e: e.send(GOOD, content_type=None), UnexpectedAnswer, "content type none", id="no type"),
        pytest.param(lambda e: e.send(b""), UnexpectedAnswer, "not well-formed", id="empty"),
        pytest.param(lambda e: e.send(_HTML), UnexpectedAnswer, "no SOAP 1.1 envelope", id="html as xml"),
        pytest.param(lambda e: e.send(GOOD[:-40]), UnexpectedAnswer, "not well-formed", id="cut"),
        pytest.param(
            lambda e: e.send(GOOD[:-40], length=len(GOOD)), ConnectionFailed, "before the answer", id="broken"
        ),
        pytest.param(
            lambda e: e.send_chunks(iter([GOOD[:3000]]), is_complete=False),
            ConnectionFailed,
            "before the answer",
            id="broken chunks",
        ),
        pytest.param(
            lambda e: e.send(gzip.compress(GOOD)[:-30], Content_Encoding="gzip"),
            UnexpectedAnswer,
            "not well-formed",
            id="cut gzip",
        ),
        pytest.param(
            lambda e: e.send(b"no gzip at all" * 9, Content_Encoding="gzip"),
            UnexpectedAnswer,
            "cannot be decompressed",
            id="no gzip",
        ),
        pytest.param(lambda e: e.send(GOOD, Content_Encoding="br"), UnexpectedAnswer, "not asked for", id="brotli"),
        pytest.param(
            lambda e: e.send(GOOD, content_type="text/xml; charset=ISO-8859-1"),
            UnexpectedAnswer,
            "charset",
            id="latin 1",
        ),
        pytest.param(
            lambda e: e.send(b"<!DOCTYPE x>" + GOOD.split(b"\n", 1)[1]), UnexpectedAnswer, "DOCTYPE", id="doctype"
        ),
        pytest.param(
            lambda e: e.send(GOOD.replace(b"<e:Body>", b"<e:Body><?php x?>")),
            UnexpectedAnswer,
            "processing instruction",
            id="instruction",
        ),
    ],
)
def test_what_is_no_answer_is_named(
    producer: Playback, client: ProducerClient, respond: Respond, error: type[RemoteError], text: str
) -> None:
    producer.respond = respond
    with pytest.raises(error, match=text):
        read(client)


def test_a_redirect_is_not_followed(producer: Playback, client: ProducerClient) -> None:
    producer.respond = lambda exchange: exchange.send(b"", status=307, Location="http://127.0.0.1:1/elsewhere")
    with pytest.raises(UnexpectedAnswer, match="points to another address"):
        read(client)
    assert len(producer.bodies) == 1


def test_a_busy_producer_says_when_to_come_back(producer: Playback, client: ProducerClient) -> None:
    producer.respond = lambda exchange: exchange.send(b"", status=503, Retry_After="7")
    with pytest.raises(ProducerBusy) as caught:
        read(client)
    assert caught.value.retry_after_s == 7


@pytest.mark.parametrize("is_compressed", [False, True])
def test_an_answer_over_the_limit_is_left(producer: Playback, connect: Connect, is_compressed: bool) -> None:
    bomb = CODEC.answer_prefix(head_of([], question())) + b" " * 20_000_000
    producer.respond = lambda exchange: exchange.send_gzip(bomb) if is_compressed else exchange.send(bomb)
    with pytest.raises(AnswerTooLarge, match="limit"):
        read(connect(max_answer_bytes=1_000_000))


def test_one_endless_element_is_left(producer: Playback, client: ProducerClient) -> None:
    producer.respond = lambda exchange: exchange.send_gzip(
        CODEC.answer_prefix(head_of([], question())) + b"<c:measurement><c:measureId>" + b"<c:x/>" * 2_000_000
    )
    with pytest.raises(AnswerTooLarge, match="One element"):
        read(client)


def test_a_silent_producer_times_out(producer: Playback, connect: Connect) -> None:
    producer.respond = lambda exchange: time.sleep(1.5)
    with pytest.raises(TimedOut, match=r"within 0\.3 s"):
        read(connect(read_timeout_s=0.3))


def test_an_answer_that_trickles_ends_at_its_deadline(producer: Playback, connect: Connect) -> None:
    def respond(exchange: Exchange) -> None:
        def trickle() -> object:
            for piece in in_slices(GOOD, 20):
                time.sleep(0.05)
                yield piece

        exchange.send_chunks(trickle())  # type: ignore[arg-type]

    producer.respond = respond
    started_at = time.monotonic()
    with pytest.raises(TimedOut, match="not complete within"):
        read(connect(answer_timeout_s=0.4))
    assert time.monotonic() - started_at < 3


# -- answers that break the contract --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        (b"c:measurementChecksum>", b"c:checksum>", "AggregatedQualityReport"),
        (b"r:AggregatedQualityReport>", b"c:AggregatedQualityReport>", "/Envelope/Body"),
        (b"Responder:2", b"Responder:3", "/Envelope/Body"),
        (b"<c:rate>0.5</c:rate>", b"", "measurement[1]/proportionMeasure/rate"),
        (b"<c:rate>0.5</c:rate>", b"<c:rate>half</c:rate>", "rate"),
        (b"<c:rate>0.5</c:rate>", b"<c:rate>0.5</c:rate><c:rate>0.5</c:rate>", "measurement[1]"),
        (b"<c:rate>0.5</c:rate>", b"<c:rate>0.5</c:rate><c:extra/>", "measurement[1]"),
        (b"<c:hsaId>SE9990001112-SYSTEM</c:hsaId>", b"", "reportingSystem"),
        (b"<c:organizationType>Lan<", b"<c:organizationType>Region<", "organizationType"),
        (b"</c:measurement><c:measurement>", b"</c:measurement><c:extra/><c:measurement>", "AggregatedQualityReport"),
        (b"</r:AggregatedQualityReport>", b"<c:extra/></r:AggregatedQualityReport>", "AggregatedQualityReport"),
    ],
)
def test_a_broken_structure_is_refused_with_its_path(
    producer: Playback, client: ProducerClient, old: bytes, new: bytes, path: str
) -> None:
    assert old in GOOD
    producer.respond = lambda exchange: exchange.send(GOOD.replace(old, new))
    with pytest.raises(ContractViolation) as caught:
        read(client)
    assert path in caught.value.path


def test_foreign_extensions_are_ignored(producer: Playback, client: ProducerClient) -> None:
    extension = b'<x:y xmlns:x="urn:other"><x:rate>9</x:rate></x:y>'
    body = GOOD.replace(b"</c:measurement>", extension + b"</c:measurement>")
    body = body.replace(b"</c:proportionMeasure>", extension + b"</c:proportionMeasure>")
    producer.respond = lambda exchange: exchange.send(
        body.replace(b"</r:AggregatedQualityReport>", extension + b"</r:AggregatedQualityReport>")
    )
    assert read(client)[0] == small_register().matching(question())


@pytest.mark.parametrize(
    ("register", "rule"),
    [
        (Register([measurement(replace(share(150), rate=90.5))]), "1.4"),
        (Register([measurement(replace(share(150), rate=0.2, confidence_interval_95_percent=None))]), "1.8"),
        (Register([measurement(), measurement(share(120))]), "1.3"),
        (Register([measurement(organization=unit(1, unit(2)))]), "1.2.6"),
    ],
)
def test_broken_rules_are_told_with_rule_and_mend(
    producer: Playback, client: ProducerClient, connect: Connect, register: Register, rule: str
) -> None:
    producer.respond = lambda exchange: exchange.send(register.answer(exchange.question))
    with pytest.raises(RulesBroken) as caught:
        read(client)
    assert caught.value.rule == rule
    assert caught.value.path.startswith("measurement[")
    assert any(f"(rule {rule})" in problem for problem in caught.value.problems)
    assert len(read(connect(is_checked=False))[0]) == len(register.measurements)


def test_reading_stops_after_enough_errors(producer: Playback, client: ProducerClient) -> None:
    bad = replace(share(150), rate=90.5, confidence_interval_95_percent=None)
    register = Register(measurement(bad, organization=unit(number)) for number in range(2_000))
    producer.respond = lambda exchange: exchange.send(register.answer(exchange.question))
    with pytest.raises(RulesBroken, match="at least") as caught, client.fetch([MEASURE_A], BOTH_YEARS) as answer:
        list(answer)
    assert len(caught.value.problems) == 20
    assert answer.measurement_count == 20


@pytest.mark.parametrize(
    ("asked", "answered", "rule"),
    [
        ((MEASURE_A, YEAR_2025), question(MEASURE_A, MEASURE_B, period=YEAR_2025), "1.11"),
        ((MEASURE_A, YEAR_2025), question(MEASURE_A, period=BOTH_YEARS), "1.11"),
        ((MEASURE_C, YEAR_2025), question(MEASURE_C, period=YEAR_2024), "1.11"),
    ],
)
def test_an_answer_to_another_question_is_refused(
    producer: Playback, client: ProducerClient, asked: tuple[str, object], answered: object, rule: str
) -> None:
    producer.respond = lambda exchange: exchange.send(small_register().answer(answered))  # type: ignore[arg-type]
    with pytest.raises(RulesBroken) as caught, client.fetch([asked[0]], asked[1]) as answer:  # type: ignore[arg-type]
        list(answer)
    assert caught.value.rule == rule


def test_an_answer_of_another_system_is_refused(producer: Playback, connect: Connect) -> None:
    producer.respond = lambda exchange: exchange.send(GOOD)
    with pytest.raises(ContractViolation, match="SE9990001112-SYSTEM") as caught:
        read(connect(logical_address="SE9990001112-OTHER"))
    assert caught.value.path.endswith("reportingSystem/hsaId")
    assert len(read(connect(logical_address="se9990001112-system"))[0]) == 10


def test_measurements_where_only_the_checksum_was_asked_are_refused(producer: Playback, client: ProducerClient) -> None:
    producer.respond = lambda exchange: exchange.send(GOOD)
    with pytest.raises(ContractViolation, match="only the checksum"):
        client.checksum([MEASURE_A], BOTH_YEARS)


def test_a_question_without_indicators_is_not_sent(producer: Playback, client: ProducerClient) -> None:
    with pytest.raises(UsageError, match="at least one"):
        client.checksum([], BOTH_YEARS)
    assert producer.bodies == []
