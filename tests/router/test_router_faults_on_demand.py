"""Faults on demand, by row of the catalogue and by header, and the traffic and message logs they leave."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time

import pytest
from router_cases import check_fault
from router_lab import ANSWER, PRODUCER_CONTRACT, Lab, Reply, large_answer, message

from certs.tls import client_context
from router.calls import CallLog, read_calls
from router.embedded import running_router


def test_header_is_ignored_unless_the_settings_allow_it(lab: Lab) -> None:
    reply = lab.call(lab.router("strict").https_url, message(), headers={"x-brygga-inject": "vp=VP006"})
    assert reply.status == 200
    marker = lab.new_case()
    lab.call(lab.router("strict").https_url, message(), headers={"x-brygga-inject": "vp=VP006", "x-rivta-case": marker})
    assert "x-brygga-inject" not in lab.arrivals(marker)[0].headers


@pytest.mark.parametrize("mode", ["strict", "compat"])
def test_faults_by_header(lab: Lab, mode: str) -> None:
    url = lab.router(mode, faults_by_header=True).https_url

    def inject(wish: str) -> Reply:
        return lab.call(url, message(), headers={"x-brygga-inject": wish})

    check_fault(inject("vp=VP006"), {"fault": "VP006", "code": "Server"})
    check_fault(inject("refuse"), {"fault": "VP009", "code": "Server", "detail": ["refused"]})
    check_fault(inject("nonsense"), {"fault": "VP015", "code": "Client"})
    check_fault(inject("delay=x"), {"fault": "VP015", "code": "Client"})
    check_fault(inject("vp=VP999"), {"fault": "VP015", "code": "Client"})
    check_fault(inject("wrong-certificate"), {"fault": "VP009", "code": "Server"})
    begun = time.monotonic()
    assert inject("delay=0.3").status == 200
    assert time.monotonic() - begun >= 0.3
    with pytest.raises(http.client.IncompleteRead) as caught:
        inject("truncate=30")
    assert caught.value.partial == ANSWER[:30]
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        inject("reset")


def test_large_answer_is_cut_where_asked(lab: Lab) -> None:
    url = lab.router("strict", faults_by_header=True).https_url
    text = message("SE9990001112-DOES-LARGE", contract=PRODUCER_CONTRACT)
    with pytest.raises(http.client.IncompleteRead) as caught:
        lab.call(url, text, headers={"x-brygga-inject": "truncate=1000000"})
    assert len(caught.value.partial) == 1_000_000


def test_fault_of_the_catalogue_hits_its_route_only_and_is_taken_while_running(lab: Lab) -> None:
    settings = lab.settings("strict", reload_interval_s=0.05)
    with running_router(settings) as router:
        assert lab.call(router.https_url, message("SE9990001112-PLAIN")).status == 200
        fault = '[[faults]]\nreceiver = "SE9990001112-PLAIN"\naction = "vp"\ncode = "VP007"\n'
        settings.catalogue.write_text(lab.catalogue_text() + fault, encoding="utf-8")
        for _ in range(100):
            reply = lab.call(router.https_url, message("SE9990001112-PLAIN"))
            if reply.status == 500:
                break
            time.sleep(0.02)
        check_fault(reply, {"fault": "VP007", "code": "Client"})
        assert lab.call(router.https_url, message()).status == 200


@pytest.mark.parametrize("mode", ["strict", "compat"])
def test_producer_that_breaks_off_in_a_large_answer(lab: Lab, mode: str) -> None:
    text = message("SE9990001112-DOES-BROKEN-OFF", contract=PRODUCER_CONTRACT)
    url = lab.router(mode).https_url
    if mode == "strict":  # part of it is on its way, so the connection says that it failed
        with pytest.raises(http.client.IncompleteRead):
            lab.call(url, text)
    else:  # the platform takes what there is as the whole
        reply = lab.call(url, text)
        assert reply.status == 200
        assert reply.body == large_answer(2_000_000)[:1_000_000]


@pytest.mark.parametrize("mode", ["strict", "compat"])
def test_large_answer_passes_unchanged(lab: Lab, mode: str) -> None:
    reply = lab.call(lab.router(mode).https_url, message("SE9990001112-DOES-LARGE", contract=PRODUCER_CONTRACT))
    assert reply.body == large_answer(3_000_000)
    assert reply.headers["Content-Length"] == str(len(reply.body))


def test_unlimited_answer_is_cut_at_the_limit(lab: Lab) -> None:
    text = message("SE9990001112-DOES-ENDLESS", contract=PRODUCER_CONTRACT)
    with running_router(lab.settings("strict", max_message_bytes=1_000_000)) as router:
        with pytest.raises(http.client.IncompleteRead):
            lab.call(router.https_url, text)
        assert [call.outcome for call in router.calls()] == ["broken-answer"]
    with running_router(lab.settings("compat", max_message_bytes=1_000_000)) as router:
        reply = lab.call(router.https_url, text)
        assert reply.status == 500
        assert "VP0" not in reply.text


def test_call_that_takes_too_long_is_cut(lab: Lab) -> None:
    with running_router(lab.settings("strict", answer_deadline_s=0.3, producer_timeout_s=5.0)) as router:
        reply = lab.call(router.https_url, message("SE9990001112-DOES-SLOW", contract=PRODUCER_CONTRACT))
        check_fault(reply, {"fault": "VP009", "code": "Server", "detail": ["took too long"]})


def test_request_that_does_not_arrive_in_time(lab: Lab) -> None:
    with running_router(lab.settings("strict", request_timeout_s=0.2)) as router:
        assert router.http_url is not None
        connection = http.client.HTTPConnection(
            "127.0.0.1", int(router.http_url.split(":")[2].split("/")[0]), timeout=5
        )
        connection.putrequest("POST", "/vp")
        connection.putheader("Content-Length", "100")
        connection.endheaders(b"<half")
        assert connection.getresponse().status == 408
        connection.close()


def test_too_many_calls_at_one_time(lab: Lab) -> None:
    with running_router(lab.settings("strict", max_calls=1, faults_by_header=True)) as router:
        held = threading.Thread(
            target=lab.call, args=(router.https_url, message()), kwargs={"headers": {"x-brygga-inject": "delay=1"}}
        )
        held.start()
        time.sleep(0.4)
        reply = lab.call(router.https_url, message())
        assert (reply.status, reply.headers["Retry-After"]) == (503, "1")
        held.join()
        assert lab.call(router.https_url, message()).status == 200


@pytest.mark.parametrize("entry", ["https", "http"])
def test_caller_that_keeps_its_connection_does_not_hold_up_the_end(lab: Lab, entry: str) -> None:
    connection: http.client.HTTPConnection
    with running_router(lab.settings("strict")) as router:
        port = int(str(router.https_url if entry == "https" else router.http_url).split(":")[2].split("/")[0])
        if entry == "https":
            context = client_context(lab.tls("consumer"))
            connection = http.client.HTTPSConnection("localhost", port, context=context, timeout=5)
        else:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("POST", "/vp", message())
        connection.getresponse().read()
        begun = time.monotonic()
    assert time.monotonic() - begun < 2
    assert connection.sock.recv(1) == b""
    connection.close()


def test_message_log_has_the_platforms_fields_and_no_payload(lab: Lab) -> None:
    settings = lab.settings("strict")
    with running_router(settings) as router:
        headers = {"x-rivta-acting-on-behalf-of-hsaid": "SE9990001112-PRINCIPAL", "Authorization": "secret"}
        reply = lab.call(router.https_url, message(filler="PATIENT"), headers=headers)
        lab.call(router.https_url, message("SE9990001112-NOBODY"), headers={"x-skltp-correlation-id": "refused"})
    assert settings.message_log is not None
    text = settings.message_log.read_text(encoding="utf-8")
    assert "PATIENT" not in text
    assert "secret" not in text
    entries = [json.loads(line) for line in text.splitlines()]
    good = [entry for entry in entries if entry["trace"]["id"] == reply.headers["x-skltp-correlation-id"]]
    assert [entry["event"]["action"] for entry in good] == ["req-in", "req-out", "resp-in", "resp-out"]
    assert good[0]["log.logger"] == "se.skl.tp.vp.logging.req.in"
    assert good[3]["message"] == "resp-out SE9990001112-CONSUMER -> SE9990001112-ECHO"
    assert good[3]["labels"]["actingOnBehalfOfHsaid"] == "SE9990001112-PRINCIPAL"
    assert good[3]["labels"]["wsdl_namespace"] == "urn:riv:example:router:GetExample:1:RIVTABP21"
    assert good[3]["http"]["response"]["status_code"] == 200
    refused = [entry["event"]["action"] for entry in entries if entry["trace"]["id"] == "refused"]
    assert refused == ["req-in", "error", "resp-out"]


def test_traffic_log_is_bounded_and_read_across_processes(lab: Lab) -> None:
    folder = lab.folder / "bounded-calls"
    with running_router(lab.settings("strict")) as router:
        lab.call(router.https_url, message())
        record = router.calls()[0]
    logs = [CallLog(folder, max_bytes=10_000, worker=worker) for worker in range(2)]
    for _ in range(200):
        for log in logs:
            log.add(record)
    for log in logs:
        log.close()
    sizes = {path.name: path.stat().st_size for path in folder.iterdir()}
    assert set(sizes) == {"calls-0.jsonl", "calls-0.old.jsonl", "calls-1.jsonl", "calls-1.old.jsonl"}
    assert max(sizes.values()) < 11_000
    with (folder / "calls-0.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"at": "torn line')
    assert read_calls(folder, 5) == [record] * 5


def test_status_tells_of_calls_and_catalogue(lab: Lab) -> None:
    with running_router(lab.settings("compat")) as router:
        lab.call(router.https_url, message())
        status = json.loads(lab.call(router.admin_url, method="GET", path="/status?memory").body)
        assert status["Mode"] == "compat"
        assert status["ManagementName"] == "PLATFORM-UNDER-TEST"
        assert status["MaxMemory"] > 1_000_000
        assert status["ActiveCalls"] == 0
        calls = json.loads(lab.call(router.admin_url, method="GET", path="/calls").body)
        assert [call["outcome"] for call in calls] == ["ok"]
        reset = lab.call(router.admin_url, method="GET", path="/resethsacache")
        assert "Old size: 5, new size: 5" in reset.text
        assert lab.call(router.admin_url, method="GET", path="/actuator/health/liveness").status == 200


def test_producer_sees_the_routers_certificate_and_the_original_consumer(lab: Lab) -> None:
    marker = lab.new_case()
    assert lab.call(lab.router("strict").https_url, message(), headers={"x-rivta-case": marker}).status == 200
    arrival = lab.arrivals(marker)[0]
    assert arrival.peer_hsa_id == "SE9990001112-ROUTER-OUT"
    assert arrival.headers["x-rivta-original-serviceconsumer-hsaid"] == "SE9990001112-CONSUMER"


def test_answer_already_in_the_charset_of_the_request(lab: Lab) -> None:
    text = message("SE9990001112-DOES-UTF-16", contract=PRODUCER_CONTRACT).replace("UTF-8", "UTF-16", 1)
    headers = {"Content-Type": "text/xml; charset=UTF-16"}
    reply = lab.call(lab.router("strict").https_url, text.encode("utf-16"), headers=headers)
    assert reply.status == 200
    assert "räksmörgås" in reply.text
    assert 'encoding="UTF-16"' in reply.text


def test_chunked_request_to_the_producer(lab: Lab) -> None:
    marker = lab.new_case()
    url = lab.router("strict", chunked_to_producer=True).https_url
    assert lab.call(url, message(), headers={"x-rivta-case": marker}).status == 200
    assert lab.arrivals(marker)[0].headers["transfer-encoding"] == "chunked"
    assert "content-length" not in lab.arrivals(marker)[0].headers


def test_chunked_request_from_the_caller(lab: Lab) -> None:
    router = lab.router("strict", max_message_bytes=100_000)
    port = int(str(router.http_url).split(":")[2].split("/")[0])
    marker = lab.new_case()
    headers = {
        "x-vp-sender-id": "SE9990001112-CONSUMER",
        "x-vp-instance-id": "PLATFORM-UNDER-TEST",
        "x-rivta-case": marker,
    }
    for text, status in ((message(), 200), (message(filler="x" * 200_000), 413)):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        pieces = (text[at : at + 5000].encode() for at in range(0, len(text), 5000))
        connection.request("POST", "/vp", pieces, headers, encode_chunked=True)
        with connection.getresponse() as answer:
            assert answer.status == status
        connection.close()
    assert [arrival.body for arrival in lab.arrivals(marker)] == [message().encode()]


def test_caller_that_waits_for_100_continue(lab: Lab) -> None:
    router = lab.router("strict")
    port = int(str(router.http_url).split(":")[2].split("/")[0])
    text = message().encode()
    head = (
        "POST /vp HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nx-vp-sender-id: SE9990001112-CONSUMER\r\n"
        f"x-vp-instance-id: PLATFORM-UNDER-TEST\r\nContent-Length: {len(text)}\r\nConnection: close\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port), timeout=5) as caller:
        caller.sendall(head.encode())
        assert caller.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        caller.sendall(text)
        answer = b"".join(iter(lambda: caller.recv(65_536), b""))
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert answer.endswith(ANSWER)


def test_connections_to_producers_need_not_be_kept(lab: Lab) -> None:
    marker = lab.new_case()
    url = lab.router("strict", producer_keep_alive_s=0.0).https_url
    assert lab.call(url, message("SE9990001112-PLAIN"), headers={"x-rivta-case": marker}).status == 200
    assert lab.arrivals(marker)[0].headers["connection"] == "close"


def test_second_router_in_a_loop_is_stopped(lab: Lab) -> None:
    """A route leads back to the router itself: the second pass sees its own id and answers VP014, which passes."""
    settings = lab.settings("strict", https_port=0, original_consumer_senders=("SE9990001112-ROUTER-OUT",))
    with running_router(settings) as router:
        assert router.https_url is not None
        own = router.https_url.replace("127.0.0.1", "localhost")
        text = lab.catalogue_text().replace('address = "https://[nowhere/echo"', f'address = "{own}/loop"')
        permission = (
            f'[[permissions]]\nsender = "SE9990001112-ROUTER-OUT"\nreceiver = "*"\ncontract = "{PRODUCER_CONTRACT}"\n'
        )
        settings.catalogue.write_text(text + permission, encoding="utf-8")
        router.router.store.refresh()
        reply = lab.call(router.https_url, message("SE9990001112-BADADDRESS", contract=PRODUCER_CONTRACT))
        check_fault(reply, {"fault": "VP014", "code": "Server"})


def test_call_after_a_large_answer_and_a_pause(lab: Lab) -> None:
    """A time limit of the large answer must not go off in the connection that is kept and used again."""
    url = lab.router("strict").https_url
    for _ in range(2):
        reply = lab.call(url, message("SE9990001112-DOES-LARGE", contract=PRODUCER_CONTRACT))
        assert reply.status == 200
        time.sleep(0.7)
