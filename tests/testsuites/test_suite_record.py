"""Recordings: written, masked, replayed offline; and a single saved answer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from suite_runs import SYSTEM, Ran, run_target, target_of

from contracts.errors import ConfigurationError, UnexpectedAnswer
from testsuites.endpoint import Endpoint
from testsuites.masking import Masker
from testsuites.mock.faults import mock_faults
from testsuites.mock.server import running_mock
from testsuites.model import Status
from testsuites.options import Given, from_recording, make_target, recorded_target
from testsuites.record import Recorder, Recording, Replay

IDS = ("Response-Land", "Response-VE-SJH-Lan-Land", "Response-VE-Kommun-Lan-Land")


def record(folder: Path, fault: str = "", *, is_masked: bool) -> Ran:
    served = {"fault": mock_faults()[fault]} if fault else {}
    with running_mock(**served) as server:
        target = target_of(server.url, IDS, sender="SE9990001112-CONSUMER")
        recorder = Recorder(Endpoint(target.access), folder, target, is_masked=is_masked)
        return run_target(target, transport=recorder)


def replay(folder: Path) -> Ran:
    recording = Recording.open(folder)
    target = recorded_target(make_target(Given(), from_recording(recording)), recording)
    return run_target(target, transport=Replay(recording))


@pytest.mark.parametrize("is_masked", [False, True])
def test_replay_judges_as_the_run_did(tmp_path: Path, is_masked: bool) -> None:
    live = record(tmp_path / "rec", is_masked=is_masked)
    again = replay(tmp_path / "rec")
    assert again.totals.failed == 0
    for outcome in live.finished.outcomes:
        expected = {outcome.status, Status.SKIPPED} if outcome.case.suite_id == "sla" else {outcome.status}
        assert again.status(outcome.case.id) in expected, outcome.case.id


@pytest.mark.parametrize("fault", ["rate-in-per-cent", "checksum-restless", "truncated", "fault-with-200"])
def test_replay_finds_the_same_faults(tmp_path: Path, fault: str) -> None:
    live = record(tmp_path / "rec", fault, is_masked=False)
    again = replay(tmp_path / "rec")
    assert sorted(set(again.failed_checks())) == sorted(set(live.failed_checks()))
    assert again.totals.failed


def test_masked_recording_holds_no_real_id_and_masks_consistently(tmp_path: Path) -> None:
    record(tmp_path / "rec", is_masked=True)
    everything = b"".join(file.read_bytes() for file in (tmp_path / "rec").rglob("*") if file.is_file())
    for secret in (SYSTEM, "SE9990001112-CONSUMER", "SE9990001112-E003", "SE9990001112-S001", "Exempelkliniken"):
        assert secret.encode() not in everything
    assert b"Riket" in everything
    manifest = json.loads((tmp_path / "rec" / "recording.json").read_text())
    assert manifest["isMasked"] is True
    assert f"<h:LogicalAddress>{manifest['logicalAddress']}</h:LogicalAddress>".encode() in everything
    assert f"<c:hsaId>{manifest['logicalAddress']}</c:hsaId>".encode() in everything


def test_masked_recording_cannot_serve_for_changes(tmp_path: Path) -> None:
    record(tmp_path / "rec", is_masked=True)
    with running_mock() as server:
        ran = run_target(target_of(server.url, IDS, since=tmp_path / "rec"), only=("checksum.since",))
    assert ran.status("checksum.since") is Status.SKIPPED


def test_request_that_was_not_recorded_skips_its_case(tmp_path: Path) -> None:
    with running_mock() as server:
        target = target_of(server.url, IDS)
        recorder = Recorder(Endpoint(target.access), tmp_path / "rec", target, is_masked=False)
        run_target(target, transport=recorder, only=("protocol.2.1",))
    again = replay(tmp_path / "rec")
    assert again.status("protocol.2.1") is Status.PASSED
    assert again.status("protocol.2.6") is Status.SKIPPED


def test_recording_never_overwrites(tmp_path: Path) -> None:
    (tmp_path / "something").write_text("mine")
    with running_mock() as server:
        target = target_of(server.url)
        with Endpoint(target.access) as endpoint, pytest.raises(ConfigurationError, match="not empty"):
            Recorder(endpoint, tmp_path, target, is_masked=False)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"isMasked": true}'])
def test_broken_recording_is_told(tmp_path: Path, content: str) -> None:
    (tmp_path / "recording.json").write_text(content)
    with pytest.raises(ConfigurationError):
        Recording.open(tmp_path)


def test_masking_a_long_answer_in_pieces_gives_the_same_as_at_once() -> None:
    one = (
        b"<c:measurement><c:performingOrganization><c:hsaId>SE2321000016-%04d</c:hsaId><c:organizationName>Enheten "
        b"%04d</c:organizationName><c:organizationType>Vardenhet</c:organizationType></c:performingOrganization>"
        b"<c:sourceSystem><c:systemId><c:root>1.2.752.129.2.1.2.1</c:root><c:extension>lokal-7</c:extension>"
        b"</c:systemId><c:name>Systemet</c:name></c:sourceSystem></c:measurement>"
    )
    data = b"<x>" + b"".join(one % (n % 50, n % 50) for n in range(5_000)) + b"</x>"
    chunks = [data[start : start + 65_536] for start in range(0, len(data), 65_536)]
    in_pieces = b"".join(Masker().mask_stream(chunks))
    assert in_pieces == Masker().mask(data)
    assert in_pieces.count(b"SE9990001112-M") == 10_000
    for secret in (b"2321000016", b"lokal-7", b"Systemet", b"Enheten"):
        assert secret not in in_pieces


def test_masking_refuses_what_it_cannot_read() -> None:
    with pytest.raises(UnexpectedAnswer, match="UTF-16"):
        Masker().mask("<x/>".encode("utf-16"))
