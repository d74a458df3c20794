"""The hostile-input set as a suite: sends each case, compares with its expected outcomes (robustness reference 2).

Only to this machine, or to an endpoint that the tester says is theirs. Cases and judging: `testsuites.hostile`.
"""

from __future__ import annotations

import ssl
import threading
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from certs.bad_set import read_index
from contracts.codes import Bilingual
from testsuites import hostile
from testsuites.endpoint import Access
from testsuites.hostile import HostileCase, Outcome, Peer, Variables
from testsuites.model import Case, CaseSkipped, Check, ExchangeView, Judge, Suite
from testsuites.session import Session
from testsuites.target import Target
from testsuites.texts import failed, passed, suite

_OWN = "good"
_VERSIONS = {
    "1.0": ssl.TLSVersion.TLSv1,
    "1.1": ssl.TLSVersion.TLSv1_1,
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}
_SAVED_BYTES = 256 * 1024
_SHOWN_CHARS = 4_000
_OUTCOMES = {
    "fault": ("SOAP fault {}", "SOAP-fel {}"),
    "status": ("HTTP status {}", "HTTP-status {}"),
    "tls": ("refused in TLS", "avvisas i TLS"),
    "closed": ("closed without an answer", "stängs utan svar"),
    "answer": ("a normal answer {}", "ett vanligt svar {}"),
}
_KINDS = {"some": ("with measurements", "med mätvärden"), "empty": ("without measurements", "utan mätvärden")}
_REFERENCE = "robustness reference 2"


def hostile_suite() -> Suite:
    """Make the suite of every case for a producer."""
    return suite("hostile", tuple(_case(case) for case in hostile.load_cases("producer")))


def _case(case: HostileCase) -> Case:
    words = [_words(expected) for expected in case.expect]
    limit = f"{case.within_s:g} s"
    expectation = Bilingual(
        f"{' or '.join(word.en for word in words)}, within {limit}; then good requests are answered as before.",
        f"{' eller '.join(word.sv for word in words)}, inom {limit}; därefter besvaras riktiga frågor som förut.",
    )
    description = case.description[:1].upper() + case.description[1:]
    reference = f"{_REFERENCE}, {case.id.partition('-')[0]}"
    return Case(f"hostile.{case.id}", Bilingual(description, description), expectation, reference, _judge_of(case))


def _words(expected: str) -> Bilingual:
    kind, _, value = expected.partition(":")
    en, sv = _OUTCOMES[kind]
    value_en, value_sv = _KINDS.get(value, (value, value))
    return Bilingual(en.format(value_en).strip(), sv.format(value_sv).strip())


def _judge_of(case: HostileCase) -> Judge:
    def judge(session: Session) -> Iterator[Check]:
        target = session.target
        _require_permission(session, case)
        with _canary() as (url, visits):
            variables = _variables(target, url)
            path = urlsplit(target.access.url).path or "/"
            sent = replace(case, path=case.path.replace("${service_path}", path))
            outcome = _run(sent, variables, _peer(target))
            _show(session, sent, variables, outcome)
        for problem in hostile.judge(case, outcome, target.contract):
            yield failed("hostile", _sentence(problem), _sentence(problem), where=case.id)
        if visits:
            yield failed(
                "hostile",
                "The endpoint fetched an address that the request named.",
                "Tjänsten hämtade en adress som frågan angav.",
                where=case.id,
            )
        yield from _still_serves(session, case)

    return judge


def _run(case: HostileCase, variables: Variables, peer: Peer) -> Outcome:
    """Run a case; an endpoint that breaks off in the middle of a script has an outcome too."""
    begun = time.perf_counter()
    try:
        return hostile.run(case, variables, peer)
    except OSError as error:
        kind = "timeout" if isinstance(error, TimeoutError) else "closed"
        return Outcome(kind, time.perf_counter() - begun, detail=str(error))


def _still_serves(session: Session, case: HostileCase) -> Iterator[Check]:
    if session.is_answered(session.question(ids=session.target.ids[:1], include=False)):
        yield passed("hostile", "Good requests are answered as before.", "Riktiga frågor besvaras som förut.")
    else:
        yield failed(
            "hostile",
            "The next good request was not answered.",
            "Nästa riktiga fråga besvarades inte.",
            where=case.id,
        )


def _sentence(problem: str) -> str:
    return problem[:1].upper() + problem[1:] + "."


def _require_permission(session: Session, case: HostileCase) -> None:
    target = session.target
    if session.is_recorded:
        raise CaseSkipped(Bilingual("Nothing is sent from a recording.", "Inget skickas från en inspelning."))
    if not (target.is_loopback or target.is_own_endpoint):
        raise CaseSkipped(
            Bilingual(
                "Hostile input is sent only to this machine, or with --i-own-this-endpoint.",
                "Fientlig indata skickas endast till denna dator, eller med --i-own-this-endpoint.",
            )
        )
    if target.contract.id in case.not_for:
        raise CaseSkipped(Bilingual("This version allows it.", "Denna version tillåter det."))
    if target.is_through_platform and "router" not in case.targets:
        raise CaseSkipped(Bilingual("It concerns the producer itself.", "Det gäller producenten själv."))
    if case.is_slow and not target.has_slow_cases:
        raise CaseSkipped(Bilingual("It takes long; add --slow.", "Det tar lång tid; lägg till --slow."))
    if not target.access.is_https and (case.tls or case.certificate != _OWN or case.id.startswith("D")):
        raise CaseSkipped(Bilingual("The address is plain HTTP.", "Adressen är oskyddad HTTP."))
    if case.certificate not in (_OWN, "none") and case.certificate not in _bad_set(target):
        raise CaseSkipped(
            Bilingual(
                f"It needs the certificate {case.certificate!r} of a bad set (--bad-certificates).",
                f"Det kräver certifikatet {case.certificate!r} ur en uppsättning felaktiga (--bad-certificates).",
            )
        )


def _variables(target: Target, canary_url: str) -> Variables:
    return Variables(
        target.logical_address,
        target.measure_ids[0],
        target.period.start,
        target.period.end,
        host=urlsplit(target.access.url).hostname or "localhost",
        canary_url=canary_url,
        measure_root=target.measure_root,
        contract=target.contract,
    )


def _peer(target: Target) -> Peer:
    access = target.access
    parts = urlsplit(access.url)

    def context_for(certificate: str, tls: Mapping[str, str]) -> ssl.SSLContext | None:
        return _context(target, certificate, tls) if access.is_https else None

    pem = access.tls.certificate.read_text() if access.tls is not None else ""
    return Peer(parts.hostname or "", parts.port or (443 if access.is_https else 80), context_for, pem)


def _context(target: Target, certificate: str, tls: Mapping[str, str]) -> ssl.SSLContext:
    """Make a client's context that may be weaker than any real one: the endpoint has to refuse it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    own = target.access.tls
    context.load_verify_locations(own.ca if own is not None else target.access.ca)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        if "ciphers" in tls:
            context.set_ciphers(tls["ciphers"])
        context.minimum_version = _VERSIONS[tls.get("minimum", "1.2")]
        context.maximum_version = _VERSIONS[tls.get("maximum", "1.3")]
    if certificate == _OWN and own is not None:
        context.load_cert_chain(own.certificate, own.private_key)
    elif certificate not in (_OWN, "none"):
        context.load_cert_chain(*_bad_set(target)[certificate])
    return context


def _bad_set(target: Target) -> dict[str, tuple[Path, Path]]:
    if target.bad_certificates is None:
        return {}
    index = read_index(target.bad_certificates)
    return {name: (entry.certificate, entry.private_key) for name, entry in index.items()}


@contextmanager
def _canary() -> Iterator[tuple[str, list[str]]]:
    """Serve an address that nobody may fetch, and note who does."""
    visits: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            visits.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", visits
        finally:
            server.shutdown()
            thread.join()


def _show(session: Session, case: HostileCase, variables: Variables, outcome: Outcome) -> None:
    body = case.body(variables)
    head = case.head(variables, len(body)).decode("latin-1")
    file = None
    if not case.script and len(body) <= _SAVED_BYTES:
        file = session.save(f"hostile-{case.id}.http", head.encode("latin-1") + body)
    session.show(
        ExchangeView(
            None,
            session.target.access.url,
            (),
            (head + body[:_SHOWN_CHARS].decode("utf-8", "replace"))[:_SHOWN_CHARS],
            outcome.status or None,
            tuple(outcome.headers.items()),
            outcome.body[:_SHOWN_CHARS].decode("utf-8", "replace"),
            len(outcome.body),
            outcome.seconds,
            "" if file is None else _command(session.target.access, case, file),
            "" if file is None else file.name,
            "" if outcome.kind == "answer" else f"{outcome.kind} {outcome.detail}".strip(),
        )
    )


def _command(access: Access, case: HostileCase, file: Path) -> str:
    """Write the shell line that sends the same bytes."""
    parts = urlsplit(access.url)
    place = f"{parts.hostname}:{parts.port or 443}"
    if not access.is_https:
        return f"nc {parts.hostname} {parts.port or 80} < {file}"
    known = access.tls is not None and case.certificate == _OWN
    own = f" -cert {access.tls.certificate} -key {access.tls.private_key}" if access.tls and known else ""
    ca = access.tls.ca if access.tls is not None else access.ca
    return f"openssl s_client -quiet -connect {place} -CAfile {ca}{own} < {file}"
