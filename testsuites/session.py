"""What a case uses while it judges: asks questions, once each in a run, and reads their answers.

Keeps what was exchanged in the case that runs, for the report.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

from lxml import etree

from contracts.codes import Bilingual
from contracts.errors import CallerError
from contracts.model import II, DatePeriod, QualityIndicatorsRequest
from contracts.registry import ServiceContract
from contracts.safe_xml import parse_message
from contracts.soap import read_request_envelope
from contracts.validation import validate_body
from testsuites.answer import Answer, read_answer
from testsuites.endpoint import Access, Transport
from testsuites.exchange import HttpRequest
from testsuites.findings import indented
from testsuites.model import CaseSkipped, Check, ExchangeView
from testsuites.question import Question, Variant, http_request
from testsuites.record import Recording
from testsuites.schematron_check import check_with_schematron, load_schematron
from testsuites.target import Target

_SHOWN_REQUEST_CHARS = 16_000


class Session:
    """One run against one endpoint. Not for use by several threads."""

    def __init__(self, target: Target, transport: Transport, requests_directory: Path | None = None) -> None:
        self.target = target
        self._transport = transport
        self._requests = requests_directory
        self._answers: dict[Question, Answer] = {}
        self._judged: dict[tuple[int, Path], tuple[Check, ...]] = {}
        self._views: list[ExchangeView] = []
        self._answer_times: list[float] = []
        self._saved: dict[bytes, Path] = {}

    # -- questions ---------------------------------------------------------------------------------------------

    def question(
        self, *, ids: tuple[II, ...] | None = None, period: DatePeriod | None = None, include: bool = True
    ) -> Question:
        """Make a question of the run's test data, for everything that the contract can give."""
        content = self.target.request(ids or (), period, include=include)
        return Question(content, self.target.logical_address)

    @property
    def unknown_id(self) -> II:
        """An indicator that does not exist."""
        return II(self.target.measure_root, self.target.unknown_measure)

    def ask(self, question: Question, purpose: Bilingual | None = None, *, is_shown: bool = True) -> Answer:
        """Give the answer to a question, asked now or earlier in the run. Raises ConnectionFailed.

        The report shows it with its ``purpose`` unless it is not to be shown.
        """
        answer = self._answers.get(question)
        if answer is None:
            request = http_request(
                self.target.contract, question, url=self.target.access.url, sender=self.target.sender
            )
            exchange = self._transport.send(request)
            self._answer_times.append(exchange.seconds)
            answer = read_answer(exchange, self.target.contract, question.content, self.target.catalogue)
            self._answers[question] = answer
        if is_shown:
            self._show(answer, purpose)
        return answer

    def ask_in_form(self, question: Question, variant: Variant) -> Answer:
        """Ask a question in an unusual form."""
        return self.ask(question.in_form(variant))

    def time(self, question: Question) -> None:
        """Send a question once more for its time alone."""
        target = self.target
        request = http_request(target.contract, question, url=target.access.url, sender=target.sender)
        exchange = self._transport.send(request)
        exchange.body.close()
        self._answer_times.append(exchange.seconds)

    def is_answered(self, question: Question) -> bool:
        """Whether a question gets a report now; not kept and not shown."""
        target = self.target
        request = http_request(target.contract, question, url=target.access.url, sender=target.sender)
        answer = read_answer(self._transport.send(request), target.contract, None)
        answer.exchange.body.close()
        return answer.is_report

    def pairs_since(self) -> Iterator[tuple[Answer, Answer]]:
        """Give each complete answer of the earlier recording beside the answer to the same question now.

        Raises ConfigurationError, and CaseSkipped when the recording is masked: its measurements are not the real.
        """
        assert self.target.since is not None
        recording = Recording.open(self.target.since)
        if recording.is_masked:
            raise CaseSkipped(Bilingual("The earlier recording is masked.", "Den tidigare inspelningen är maskerad."))
        contract = self.target.contract
        seen: set[QualityIndicatorsRequest] = set()
        for exchange in recording.exchanges():
            asked = _question_in(contract, exchange.request.body)
            if asked is not None and asked.include_measurements and asked not in seen and exchange.status == 200:
                seen.add(asked)
                yield (
                    read_answer(exchange, contract, asked),
                    self.ask(Question(asked, self.target.logical_address)),
                )
            exchange.body.close()

    def answers(self) -> tuple[Answer, ...]:
        """Every answer to a question so far."""
        return tuple(self._answers.values())

    # -- Schematron --------------------------------------------------------------------------------------------

    def schematron(self, answer: Answer, path: Path) -> tuple[Check, ...]:
        """Judge an answer by a Schematron file. Raises ConfigurationError when the file cannot be used."""
        key = (id(answer), path)
        if key not in self._judged:
            self._judged[key] = check_with_schematron(load_schematron(path), answer, self.target.contract)
        return self._judged[key]

    # -- what the report shows ---------------------------------------------------------------------------------

    def begin_case(self) -> None:
        """Forget what was shown for the case before."""
        self._views = []

    def views(self) -> tuple[ExchangeView, ...]:
        """What was exchanged in this case."""
        return tuple(self._views)

    def show_command(self, command: str) -> None:
        """Show the line that repeats what was tried, when it was no request."""
        url = self.target.access.url
        self._views.append(ExchangeView(None, url, (), "", None, (), "", 0, 0.0, command, ""))

    def show(self, view: ExchangeView) -> None:
        """Show an exchange that was not made by `ask`."""
        self._views.append(view)

    def save(self, name: str, content: bytes) -> Path | None:
        """Save a request under a name of its own beside the report, if there is one."""
        if self._requests is None:
            return None
        self._requests.mkdir(parents=True, exist_ok=True)
        file = self._requests / name
        file.write_bytes(content)
        return file

    def answer_times(self) -> tuple[float, ...]:
        """Seconds of every call so far."""
        return tuple(self._answer_times)

    @property
    def is_recorded(self) -> bool:
        """Whether the answers are of another time."""
        return self._transport.is_recorded

    def close(self) -> None:
        """Give the stored answers back."""
        for answer in self._answers.values():
            answer.exchange.body.close()

    def _show(self, answer: Answer, purpose: Bilingual | None) -> None:
        exchange = answer.exchange
        request = exchange.request
        file = self._save(request)
        command = "" if self.is_recorded else curl_command(self.target.access, request, file)
        self._views.append(
            ExchangeView(
                purpose,
                request.url,
                request.headers,
                _readable(request.body),
                exchange.status,
                exchange.headers,
                answer.excerpt,
                exchange.body.size,
                exchange.seconds,
                command,
                "" if file is None else file.name,
                answer.problem,
            )
        )

    def _save(self, request: HttpRequest) -> Path | None:
        """Save the request's body beside the report, once for equal ones."""
        if self._requests is None or not request.body:
            return None
        file = self._saved.get(request.body)
        if file is None:
            self._requests.mkdir(parents=True, exist_ok=True)
            file = self._saved[request.body] = self._requests / f"request-{len(self._saved) + 1:02d}.xml"
            file.write_bytes(request.body)
        return file


def _readable(body: bytes) -> str:
    """Show one of our own requests: indented when it is XML."""
    try:
        return indented(etree.fromstring(body), _SHOWN_REQUEST_CHARS)
    except etree.XMLSyntaxError:
        return body.decode("utf-8", "replace")[:_SHOWN_REQUEST_CHARS]


def _question_in(contract: ServiceContract, body: bytes) -> QualityIndicatorsRequest | None:
    """Read a recorded request; None when it is not a proper one."""
    try:
        request = read_request_envelope(parse_message(body))
        validate_body(contract, request.body)
    except CallerError:
        return None
    return contract.codec.read_request(request.body)


def curl_command(access: Access, request: HttpRequest, file: Path | None) -> str:
    """Write the shell line that repeats a request; the body from ``file``, or in the line itself."""
    parts = ["curl --silent --show-error --include"]
    if request.method != "POST":
        parts.append(f"--request {shlex.quote(request.method)}")
    if access.is_https and access.tls is not None:
        parts.append(
            f"--cert {shlex.quote(str(access.tls.certificate))} --key {shlex.quote(str(access.tls.private_key))}"
        )
        parts.append(f"--cacert {shlex.quote(str(access.tls.ca))}")
    elif access.is_https and access.ca is not None:
        parts.append(f"--cacert {shlex.quote(str(access.ca))}")
    parts.extend(f"--header {shlex.quote(f'{name}: {value}')}" for name, value in request.headers)
    if file is not None:
        parts.append(f"--data-binary {shlex.quote('@' + str(file))}")
    elif request.body:
        parts.append(f"--data-binary {shlex.quote(request.body.decode('utf-8', 'replace'))}")
    parts.append(shlex.quote(request.url))
    return " \\\n  ".join(parts)
