"""``brygga suite``: test any endpoint against the contract, file the report; and a mock producer for consumers."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import rich.console
from rich.markup import escape
from rich.table import Table

from certs.tls import TlsFiles
from consumer.settings import ConsumerSettings
from contracts.codes import Bilingual
from contracts.errors import UsageError
from contracts.registry import GET_QUALITY_INDICATORS_2, ServiceContract
from gateway import __version__
from gateway.commands.suite_mock import mock_command
from gateway.console import Console, common_options, pass_console
from gateway.sections import consumer_settings, contracts_of
from testsuites.catalogue import read_catalogue
from testsuites.data_xml import TestData, read_data_xml
from testsuites.endpoint import Endpoint, Transport
from testsuites.model import CaseFinished, Language, Outcome, RunFinished, RunInfo, RunStarted
from testsuites.options import Given, from_recording, make_target, recorded_target
from testsuites.plan import Plan, make_plan
from testsuites.record import Recorder, Recording, Replay, SavedAnswer
from testsuites.reports import FileReport, ReportWriter, finished_run
from testsuites.reports.document import render_docx
from testsuites.reports.html import render_html
from testsuites.reports.machine import render_json, render_junit, to_dict
from testsuites.reports.terminal import TerminalReport
from testsuites.runner import run
from testsuites.saved import question_of_saved
from testsuites.schematron_check import load_schematron
from testsuites.session import Session
from testsuites.suites import all_suites
from testsuites.target import Target

_FILE = click.Path(dir_okay=False, path_type=Path)
_EXISTING = click.Path(exists=True, path_type=Path)
_FOLDER = click.Path(file_okay=False, path_type=Path)
# What a single saved answer can say nothing about.
_NOT_IN_SAVED = ("connection", "wire", "sla", "checksum", "hostile")


@dataclass(frozen=True, slots=True)
class _Options:
    """Options of ``suite run`` as click gives them."""

    url: str
    certificate: Path | None
    private_key: Path | None
    ca: Path | None
    crl: Path | None
    logical_address: str
    sender: str
    measure_ids: tuple[str, ...]
    start: str
    end: str
    data: Path | None
    schematrons: tuple[Path, ...]
    catalogue: Path | None
    contract: str
    report_html: Path | None
    report_docx: Path | None
    report_json: Path | None
    junit: Path | None
    language: Language | None
    only: tuple[str, ...]
    skip: tuple[str, ...]
    is_through_platform: bool
    is_own_endpoint: bool
    bad_certificates: Path | None
    has_slow_cases: bool
    recorded: Path | None
    record: Path | None
    is_masked: bool
    since: Path | None
    timeout_s: float
    sla_calls: int

    @property
    def first_report(self) -> Path | None:
        """The report beside which requests are saved."""
        return self.report_html or self.report_docx or self.report_json or self.junit

    @property
    def requests_directory(self) -> Path | None:
        """Folder for the bodies of requests, beside the first report."""
        report = self.first_report
        return None if report is None else report.with_name(f"{report.stem}-requests")


@click.group()
def command() -> None:
    """Test any endpoint against the contract and file the report; or be a producer yourself (mock)."""


# -- run -----------------------------------------------------------------------------------------------------------


@command.command("run")
@click.option("--url", default="", help="Address of the endpoint, or of the platform [default: consumer.endpoint].")
@click.option("--certificate", type=_FILE, help="Client certificate, PEM [default: consumer.tls.certificate].")
@click.option("--private-key", type=_FILE, help="Its key, PEM.")
@click.option("--ca", type=_FILE, help="The authority that issued the endpoint's certificate, PEM.")
@click.option("--crl", type=_FILE, help="Its revocation list.")
@click.option("--logical-address", default="", help="HSA-id of the producing system.")
@click.option("--sender", default="", help="HSA-id of the consumer, sent as the test suite's HTTP header.")
@click.option("--measure-id", "measure_ids", multiple=True, help="Indicator with values; repeat for several.")
@click.option("--from", "start", default="", help="First day of a period with values, YYYY-MM-DD.")
@click.option("--to", "end", default="", help="Last day of it.")
@click.option("--data", type=_EXISTING, help="data.xml of a published test suite.")
@click.option("--schematron", "schematrons", type=_EXISTING, multiple=True, help="A constraints.sch of your own.")
@click.option("--catalogue", type=_EXISTING, help="The catalogue, for rules 1.1, 1.6, 1.7 (catalogue.json, TOML).")
@click.option(
    "--contract",
    default="",
    help="Contract version, such as GetQualityIndicators:1 [default: the recording's, else consumer.contract].",
)
@click.option("--report-html", type=_FILE, help="Write the report as one HTML file.")
@click.option("--report-docx", type=_FILE, help="Write the test protocol to hand in, as DOCX.")
@click.option("--report-json", type=_FILE, help="Write everything as JSON.")
@click.option("--junit", type=_FILE, help="Write JUnit XML.")
@click.option(
    "--lang",
    "language",
    type=click.Choice(["sv", "en"]),
    help="Language of the reports [default: sv in files, en on the terminal].",
)
@click.option("--only", multiple=True, help="Run these suites or cases only: protocol, protocol.2, 'wire.fault*'.")
@click.option("--skip", multiple=True, help="Leave these out.")
@click.option("--through-platform", "is_through_platform", is_flag=True, help="The address is the platform's.")
@click.option(
    "--i-own-this-endpoint",
    "is_own_endpoint",
    is_flag=True,
    help="Send hostile input also to an endpoint that is not on this machine.",
)
@click.option("--bad-certificates", type=_FOLDER, help="Folder of `brygga certs bad-set`, for the hostile TLS cases.")
@click.option("--slow", "has_slow_cases", is_flag=True, help="Also the hostile cases that wait for deadlines.")
@click.option("--record", type=_FOLDER, help="Keep every exchange in this new folder.")
@click.option("--mask-ids", "is_masked", is_flag=True, help="Mask HSA-ids and names in what is recorded.")
@click.option("--recorded", type=_EXISTING, help="Judge a recording, or one saved answer, instead of an endpoint.")
@click.option("--since", type=_FOLDER, help="An earlier recording: has the checksum changed where values have?")
@click.option("--timeout", "timeout_s", default=60.0, show_default=True, help="Seconds to wait for each next byte.")
@click.option("--sla-calls", default=20, show_default=True, help="Calls for the measurement of answer times.")
@common_options
@pass_console
def run_command(console: Console, /, **options: Any) -> None:
    """Run the suites; exit code 0 when all judged cases hold, 1 when not, 5 when nothing could be judged."""
    given = _Options(**options)
    target = _target(console, given)
    plan = make_plan(all_suites(target.contract), given.only, (*given.skip, *_skipped_for(given)))
    for path in target.schematrons:
        load_schematron(path)
    with ExitStack() as stack:
        transport = _transport(given, target)
        stack.callback(transport.close)
        session = Session(target, transport, given.requests_directory)
        stack.callback(session.close)
        exit_code = _run(console, given, plan, session)
    raise SystemExit(exit_code)


def _skipped_for(given: _Options) -> tuple[str, ...]:
    if given.recorded is not None and given.recorded.is_file():
        return tuple(name for name in _NOT_IN_SAVED if name not in given.skip)
    wants_hostile = any(pattern.startswith("hostile") for pattern in given.only)
    return () if wants_hostile or given.is_own_endpoint or "hostile" in given.skip else ("hostile",)


def _run(console: Console, given: _Options, plan: Plan, session: Session) -> int:
    writers = _writers(console, given)
    started: RunStarted | None = None
    outcomes: list[Outcome] = []
    for event in run(plan, session, _info(session.target, session)):
        for writer in writers:
            writer.on_event(event)
        if isinstance(event, RunStarted):
            started = event
        elif isinstance(event, CaseFinished):
            outcomes.append(event.outcome)
        elif isinstance(event, RunFinished):
            assert started is not None
            if console.is_json:
                console.emit(to_dict(finished_run(started, outcomes, event)), lambda _: None)
            _tell_files(console, given)
            return event.totals.exit_code
    raise AssertionError("a run always ends with RunFinished")


def _writers(console: Console, given: _Options) -> list[ReportWriter]:
    filed: Language = given.language or "sv"
    shown: Language = given.language or "en"
    writers: list[ReportWriter] = []
    if not (console.is_json or console.is_quiet):
        writers.append(TerminalReport(console.out, shown, is_verbose=console.is_verbose))
    if given.report_html is not None:
        writers.append(FileReport(given.report_html, lambda finished: render_html(finished, filed)))
    if given.report_docx is not None:
        writers.append(FileReport(given.report_docx, lambda finished: render_docx(finished, filed)))
    if given.report_json is not None:
        writers.append(FileReport(given.report_json, render_json))
    if given.junit is not None:
        writers.append(FileReport(given.junit, lambda finished: render_junit(finished, filed)))
    return writers


def _tell_files(console: Console, given: _Options) -> None:
    for path in (given.report_html, given.report_docx, given.report_json, given.junit, given.record):
        if path is not None:
            console.note(f"[dim]{escape(str(path))}[/dim]")


def _info(target: Target, session: Session) -> RunInfo:
    contract = target.contract
    data = [
        (Bilingual("Indicators", "Indikatorer"), ", ".join(target.measure_ids)),
        (Bilingual("Period with values", "Period med värden"), f"{target.period.start}–{target.period.end}"),
        (
            Bilingual("Period without values", "Period utan värden"),
            f"{target.empty_period.start}–{target.empty_period.end}",
        ),
        (Bilingual("Unknown indicator", "Okänd indikator"), target.unknown_measure),
    ]
    if target.schematrons:
        names = ", ".join(path.name for path in target.schematrons)
        data.append((Bilingual("Own Schematron", "Egen Schematron"), names))
    if target.data is not None:
        data.append((Bilingual("data.xml", "data.xml"), target.data.id or "data.xml"))
    return RunInfo(
        f"{contract.interaction} {contract.version}",
        target.access.url,
        target.logical_address,
        target.sender,
        tuple(data),
        f"Indikatorbryggan {__version__}",
        session.is_recorded,
        target.notes,
    )


# -- what is tested ------------------------------------------------------------------------------------------------


def _target(console: Console, given: _Options) -> Target:
    data = read_data_xml(given.data) if given.data is not None else None
    recording = Recording.open(given.recorded) if given.recorded is not None and given.recorded.is_dir() else None
    settings = _consumer_settings(console) if given.recorded is None else None
    contract = _contract(console, given, recording, settings)
    if recording is not None:
        further = from_recording(recording)
    elif given.recorded is not None:
        further = question_of_saved(given.recorded, contract)
    else:
        further = Given() if settings is None else _from_settings(settings, given.logical_address)
    target = make_target(
        _explicit(given),
        further,
        data=data,
        contract=contract,
        catalogue=read_catalogue(given.catalogue) if given.catalogue is not None else None,
        read_timeout_s=given.timeout_s,
    )
    if recording is not None:
        target = recorded_target(target, recording)
    return replace(
        target,
        schematrons=given.schematrons,
        is_through_platform=given.is_through_platform or target.is_through_platform,
        is_own_endpoint=given.is_own_endpoint,
        bad_certificates=given.bad_certificates,
        has_slow_cases=given.has_slow_cases,
        since=given.since,
        sla_calls=given.sla_calls,
        notes=_notes(data),
    )


def _contract(
    console: Console, given: _Options, recording: Recording | None, settings: ConsumerSettings | None
) -> ServiceContract:
    known = contracts_of(console.settings())
    name = given.contract or (recording.contract_id if recording is not None else "")
    name = name or (settings.contract if settings is not None else GET_QUALITY_INDICATORS_2.id)
    if name not in known:
        raise UsageError(f"{name!r} is no contract here; known are {', '.join(known)}.")
    return known[name]


def _explicit(given: _Options) -> Given:
    tls = None
    if given.certificate is not None or given.private_key is not None:
        if given.certificate is None or given.private_key is None or given.ca is None:
            raise UsageError("--certificate, --private-key and --ca belong together; give all three.")
        tls = TlsFiles(given.certificate, given.private_key, given.ca, given.crl)
    return Given(
        given.url,
        given.logical_address,
        given.sender,
        given.measure_ids,
        "",
        given.start,
        given.end,
        tls,
        given.ca,
    )


def _consumer_settings(console: Console) -> ConsumerSettings | None:
    """Give [consumer] of the settings, None when there is no such section."""
    loaded = console.settings()
    return consumer_settings(loaded) if loaded.has("consumer") else None


def _from_settings(settings: ConsumerSettings, logical_address: str) -> Given:
    """What [consumer] says of a producer: the one with that logical address, else the usual one."""
    address = logical_address or settings.logical_address
    polled = next((one for one in settings.producers if one.logical_address == address), None)
    usual = Given(settings.endpoint, settings.logical_address, tls=settings.tls)
    if polled is None:
        return usual
    question = Given(polled.endpoint, measure_ids=polled.measure_ids, start=polled.start, end=polled.end)
    return question.or_else(usual)


def _notes(data: TestData | None) -> tuple[Bilingual, ...]:
    unknown = data.unknown_variables() if data is not None else ()
    if not unknown:
        return ()
    names = ", ".join(unknown)
    return (
        Bilingual(
            f"data.xml has variables that no case uses: {names}.",
            f"data.xml har variabler som inget testfall använder: {names}.",
        ),
    )


def _transport(given: _Options, target: Target) -> Transport:
    if given.recorded is not None and given.recorded.is_dir():
        return Replay(Recording.open(given.recorded))
    if given.recorded is not None:
        request = target.contract.codec.write_request(target.logical_address, target.request())
        return SavedAnswer(given.recorded, request)
    endpoint = Endpoint(target.access)
    if given.record is None:
        return endpoint
    return Recorder(endpoint, given.record, target, is_masked=given.is_masked)


# -- list ----------------------------------------------------------------------------------------------------------


@command.command("list")
@click.option("--lang", "language", type=click.Choice(["sv", "en"]), default="en", help="Language of the titles.")
@common_options
@pass_console
def list_command(console: Console, language: Language) -> None:
    """List every suite and case; --only and --skip take these names."""
    suites = all_suites()
    data = [
        {"suite": suite.id, "cases": [{"id": case.id, "title": case.title.en} for case in suite.cases]}
        for suite in suites
    ]

    def render(out: rich.console.Console) -> None:
        table = Table(box=None, pad_edge=False, show_header=False)
        table.add_column(style="bold", no_wrap=True)
        table.add_column(overflow="fold")
        for suite in suites:
            table.add_row(escape(suite.id), f"[head]{escape(getattr(suite.title, language))}[/head]")
            for case in suite.cases:
                table.add_row(f"  {escape(case.id)}", escape(getattr(case.title, language)))
        out.print(table)

    console.emit(data, render)


command.add_command(mock_command)
