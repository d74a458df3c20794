"""The catalogue's API, as a local stand-in with recorded shapes: cache, retries, refusals."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from test_catalogue import MEASURE_ID, answer, submeasure

from contracts.errors import ConnectionFailed, UnexpectedAnswer
from producer.catalogue.api import fetch_measures
from producer.catalogue.settings import CatalogueSettings


class StandIn(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.calls: list[str] = []
        self.statuses: list[int] = []
        self.is_broken = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/services/api/1.0"


class Handler(BaseHTTPRequestHandler):
    server: StandIn

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert (asked["pageSize"], asked["sortfield"]) == (20, "TITLE")
        self.answer({"pageResults": [answer()] if asked["searchValue"] == MEASURE_ID else []})

    def do_GET(self) -> None:
        assert self.path.endswith(f"/measureversions/{answer()['id']}/submeasures/")
        self.answer([submeasure("1"), submeasure("2")])

    def answer(self, document: object) -> None:
        self.server.calls.append(self.command)
        status = self.server.statuses.pop(0) if self.server.statuses else 200
        if status == 200 and self.headers.get("If-None-Match") == '"v1"':
            status = 304
        body = b"<html>" if self.server.is_broken else json.dumps(document).encode()
        self.send_response(status)
        self.send_header("ETag", '"v1"')
        self.send_header("Content-Length", str(len(body) if status == 200 else 0))
        self.end_headers()
        if status == 200:
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    with StandIn() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def settings(server: StandIn, folder: Path, **more: object) -> CatalogueSettings:
    return CatalogueSettings(file=folder / "catalogue.json", url=server.url, timeout_s=5, **more)  # type: ignore[arg-type]


def test_measure_comes_with_its_submeasures(stand_in: StandIn, tmp_path: Path) -> None:
    fetched = fetch_measures(settings(stand_in, tmp_path), (MEASURE_ID, "unknown"))
    assert set(fetched.catalogue.latest()) == {MEASURE_ID, "sub-1", "sub-2"}
    assert (fetched.not_found, fetched.from_cache) == (("unknown",), 0)


def test_fresh_answer_is_not_asked_again(stand_in: StandIn, tmp_path: Path) -> None:
    first = fetch_measures(settings(stand_in, tmp_path), (MEASURE_ID,))
    calls = len(stand_in.calls)
    second = fetch_measures(settings(stand_in, tmp_path), (MEASURE_ID,))
    assert (len(stand_in.calls), second.from_cache, second.catalogue) == (calls, 2, first.catalogue)
    unchanged = fetch_measures(settings(stand_in, tmp_path), (MEASURE_ID,), is_fresh_wanted=True)
    assert (len(stand_in.calls), unchanged.from_cache) == (calls + 2, 2)
    assert unchanged.catalogue == first.catalogue


def test_busy_api_is_tried_again(stand_in: StandIn, tmp_path: Path) -> None:
    stand_in.statuses = [503, 502]
    waits: list[float] = []
    fetched = fetch_measures(settings(stand_in, tmp_path), (MEASURE_ID,), wait=waits.append)
    assert MEASURE_ID in fetched.catalogue.latest()
    assert waits == [0.5, 1.0]


def test_old_answer_serves_when_the_api_is_down(stand_in: StandIn, tmp_path: Path) -> None:
    section = settings(stand_in, tmp_path, max_age_h=0.0)
    first = fetch_measures(section, (MEASURE_ID,))
    stand_in.statuses = [503] * 6
    second = fetch_measures(section, (MEASURE_ID,), wait=lambda _: None)
    assert (second.catalogue, second.from_cache) == (first.catalogue, 2)


@pytest.mark.parametrize("status", [403, 404, 500, 302])
def test_refusal_is_told(status: int, stand_in: StandIn, tmp_path: Path) -> None:
    stand_in.statuses = [status] * 3
    with pytest.raises(UnexpectedAnswer, match=str(status)):
        fetch_measures(settings(stand_in, tmp_path), (MEASURE_ID,), wait=lambda _: None)


def test_page_instead_of_json_is_told(stand_in: StandIn, tmp_path: Path) -> None:
    stand_in.is_broken = True
    with pytest.raises(UnexpectedAnswer, match="no JSON"):
        fetch_measures(settings(stand_in, tmp_path), (MEASURE_ID,))


def test_nobody_there_is_told(tmp_path: Path) -> None:
    section = CatalogueSettings(file=tmp_path / "c.json", url="http://127.0.0.1:9/api", timeout_s=2)
    with pytest.raises(ConnectionFailed, match="cannot be reached"):
        fetch_measures(section, (MEASURE_ID,), wait=lambda _: None)
