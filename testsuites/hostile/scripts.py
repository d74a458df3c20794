"""What a case does when one request as written is not enough: odd framing, sessions, the same question many times.

Implements robustness rows A14, A21, A23, C22, C39, D10-D16 and E11. Each script gives the outcome that stands for
all: the one furthest from what the case expects, or the slowest. Slow and silent peers are in `crowds`.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from types import MappingProxyType
from typing import Final
from urllib.parse import quote

from testsuites.hostile import crowds
from testsuites.hostile.cases import HostileCase, Variables
from testsuites.hostile.sender import Outcome, Peer, read_answer, send

Script = Callable[[HostileCase, Variables, Peer], Outcome]


def run(case: HostileCase, variables: Variables, peer: Peer) -> Outcome:
    """Send a case, by its script if it has one, and give what came back."""
    if case.script:
        return SCRIPTS[case.script](case, variables, peer)
    return send(case, variables, peer)


# -- one odd request ---------------------------------------------------------------------------------------------


def _exchange(case: HostileCase, peer: Peer, data: bytes) -> Outcome:
    begun = time.perf_counter()
    try:
        with peer.connect(case) as sock:
            with suppress(BrokenPipeError, ConnectionResetError):
                sock.sendall(data)
            return read_answer(sock, begun, case.method)
    except OSError as error:
        return Outcome("closed", time.perf_counter() - begun, detail=type(error).__name__)


def _garbage(case: HostileCase, _variables: Variables, peer: Peer) -> Outcome:
    """These bytes instead of HTTP."""
    return _exchange(case, peer, str(case.arguments["text"]).encode("latin-1"))


def _many_headers(case: HostileCase, variables: Variables, peer: Peer) -> Outcome:
    """Many or long headers, or a block that does not end."""
    body = case.body(variables)
    value = "a" * int(case.arguments["value_bytes"])
    lines = "".join(f"X-Filler-{number}: {value}\r\n" for number in range(int(case.arguments["count"])))
    head = case.head(variables, len(body))[:-2] + lines.encode()
    return _exchange(case, peer, head if case.arguments.get("unfinished") else head + b"\r\n" + body)


def _long_path(case: HostileCase, variables: Variables, peer: Peer) -> Outcome:
    longer = replace(case, script="", path=case.path + "?" + "a" * int(case.arguments["path_bytes"]))
    return send(longer, variables, peer)


def _swapped_case_address(case: HostileCase, variables: Variables, peer: Peer) -> Outcome:
    return send(case, replace(variables, logical_address=variables.logical_address.swapcase()), peer)


def _wildcards_for_id(case: HostileCase, variables: Variables, peer: Peer) -> Outcome:
    return send(case, replace(variables, measure_id="_" * len(variables.measure_id)), peer)


def _expect_continue(case: HostileCase, variables: Variables, peer: Peer) -> Outcome:
    """Send the head, wait for 100 Continue, send the body."""
    body = case.body(variables)
    head = case.head(variables, len(body))[:-2] + b"Expect: 100-continue\r\n\r\n"
    begun = time.perf_counter()
    with peer.connect(case) as sock:
        sock.sendall(head)
        interim = sock.recv(len(b"HTTP/1.1 100 Continue\r\n\r\n"))
        if not interim.startswith(b"HTTP/1.1 100"):
            return Outcome("closed", time.perf_counter() - begun, detail="no 100 Continue")
        sock.sendall(body)
        return read_answer(sock, begun)


def _plain_http(case: HostileCase, variables: Variables, peer: Peer) -> Outcome:
    """The good request without TLS."""
    body = case.body(variables)
    return _exchange(case, replace(peer, context_for=lambda _name, _tls: None), case.head(variables, len(body)) + body)


def _forwarded_certificate(case: HostileCase, variables: Variables, peer: Peer) -> Outcome:
    """The certificate of the listed caller in the headers that proxies use."""
    pem = peer.certificate_pem
    headers = {
        "X-Client-Cert": quote(pem, safe=""),
        "X-Forwarded-Client-Cert": f'Cert="{quote(pem, safe="")}"',
        "x-vp-auth-cert": quote(pem, safe=""),
    }
    return send(replace(case, script="", headers={**case.headers, **headers}), variables, peer)


def _resume_without_certificate(case: HostileCase, variables: Variables, peer: Peer) -> Outcome:
    """Take the TLS session of a good connection to one that has no certificate to show."""
    with peer.connect(case) as sock:
        session = sock.session if isinstance(sock, ssl.SSLSocket) else None
    context = peer.context_for("none", case.tls)
    begun = time.perf_counter()
    assert context is not None
    try:
        with (
            socket.create_connection((peer.host, peer.port), timeout=10) as plain,
            context.wrap_socket(plain, server_hostname=peer.host, do_handshake_on_connect=False) as sock,
        ):
            with suppress(ValueError):  # the ssl module itself refuses a session of another context
                sock.session = session
            sock.do_handshake()
            body = case.body(variables)
            sock.sendall(case.head(variables, len(body)) + body)
            return read_answer(sock, begun)
    except OSError as error:
        return Outcome("tls", time.perf_counter() - begun, detail=str(error))


# -- the same question -------------------------------------------------------------------------------------------


def _same_question(case: HostileCase, variables: Variables, peer: Peer) -> Outcome:
    """Ask twice in a row and some times in parallel; every answer must be the same, byte for byte."""
    first = send(case, variables, peer)
    outcomes = [send(case, variables, peer)]
    threads = [
        threading.Thread(target=lambda: outcomes.append(send(case, variables, peer)))
        for _ in range(int(case.arguments["parallel"]))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    different = [one for one in outcomes if one.body != first.body]
    if different:
        return replace(different[0], kind="answer", status=200, body=b"", detail="the answers differ")
    return max(outcomes, key=lambda one: one.seconds)


def _markers(case: HostileCase, variables: Variables, peer: Peer) -> Outcome:
    """Every thread puts a marker of its own into an invalid field; no fault may hold any marker or ``None``."""
    found: list[Outcome] = []
    threads = [
        threading.Thread(target=_ask_with_marker, args=(case, variables, peer, f"marker{number:02}x", found))
        for number in range(int(case.arguments["threads"]))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return max(found, key=lambda one: (one.kind != "answer" or one.status != 500 or b"marker" in one.body, one.seconds))


def _ask_with_marker(case: HostileCase, variables: Variables, peer: Peer, marker: str, found: list[Outcome]) -> None:
    marked = replace(case, parts={"period": f"<c:start>{marker}</c:start><c:end>{variables.end}</c:end>"})
    body = marked.body(variables)
    request = marked.head(variables, len(body)) + body
    worst: Outcome | None = None
    with peer.connect(case) as sock:
        for _ in range(int(case.arguments["calls"])):
            begun = time.perf_counter()
            sock.sendall(request)
            outcome = read_answer(sock, begun)
            is_bad = outcome.kind != "answer" or outcome.status != 500 or b"marker" in outcome.body
            if worst is None or is_bad or outcome.seconds > worst.seconds:
                worst = outcome
            if is_bad:
                break
    assert worst is not None
    found.append(worst)


SCRIPTS: Final[Mapping[str, Script]] = MappingProxyType(
    {
        "garbage": _garbage,
        "many-headers": _many_headers,
        "long-path": _long_path,
        "swapped-case-address": _swapped_case_address,
        "wildcards-for-id": _wildcards_for_id,
        "expect-continue": _expect_continue,
        "plain-http": _plain_http,
        "forwarded-certificate": _forwarded_certificate,
        "resume-without-certificate": _resume_without_certificate,
        "same-question": _same_question,
        "markers": _markers,
        "slow-head": crowds.slow_head,
        "slow-body": crowds.slow_body,
        "slow-chunks": crowds.slow_chunks,
        "short-body": crowds.short_body,
        "idle": crowds.idle,
        "half-handshake": crowds.half_handshake,
        "never-read": crowds.never_read,
    }
)
