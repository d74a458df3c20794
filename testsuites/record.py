"""Records real exchanges into a folder and replays them, so that a saved run can be judged again offline.

A folder per exchange (request.xml, response.xml, exchange.json) and recording.json with the test data of the run.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contracts.codes import Bilingual
from contracts.errors import ConfigurationError
from contracts.model import DatePeriod
from testsuites.answer import content_of
from testsuites.endpoint import Transport
from testsuites.exchange import CHUNK_BYTES, Body, Exchange, HttpRequest
from testsuites.masking import Masker
from testsuites.model import CaseSkipped
from testsuites.target import Target

_MANIFEST = "recording.json"
_NOT_KEPT = ("content-length", "transfer-encoding", "connection")
_NOT_RECORDED = Bilingual("The recording has no answer to this request.", "Inspelningen har inget svar på denna fråga.")


class Recorder:
    """Passes requests on and keeps what is exchanged under ``directory``, masked if asked."""

    is_recorded = False

    def __init__(self, transport: Transport, directory: Path, target: Target, *, is_masked: bool) -> None:
        if directory.exists() and any(directory.iterdir()):
            raise ConfigurationError(f"The folder {directory} is not empty. Name a new one for the recording.")
        directory.mkdir(parents=True, exist_ok=True)
        self._transport = transport
        self._directory = directory
        self._masker = Masker() if is_masked else None
        self._count = 0
        self._write_manifest(target)

    def send(self, request: HttpRequest) -> Exchange:
        """Send, record and give the exchange as it was."""
        exchange = self._transport.send(request)
        self._count += 1
        folder = self._directory / f"exchange-{self._count:03d}"
        folder.mkdir()
        (folder / "request.xml").write_bytes(self._masked(request.body))
        with (folder / "response.xml").open("wb") as file:
            for chunk in self._content(exchange):
                file.write(chunk)
        _write_json(folder / "exchange.json", self._facts(exchange))
        return exchange

    def close(self) -> None:
        """Close the transport."""
        self._transport.close()

    def _content(self, exchange: Exchange) -> Iterator[bytes]:
        return exchange.body.chunks() if self._masker is None else self._masker.mask_stream(content_of(exchange))

    def _masked(self, data: bytes) -> bytes:
        return data if self._masker is None else self._masker.mask(data)

    def _masked_text(self, text: str) -> str:
        return text if self._masker is None else self._masker.mask_text(text)

    def _facts(self, exchange: Exchange) -> dict[str, Any]:
        request = exchange.request
        dropped = _NOT_KEPT if self._masker is None else (*_NOT_KEPT, "content-encoding")
        return {
            "method": request.method,
            "url": request.url if self._masker is None else "masked",
            "requestHeaders": [
                (name, self._masked_text(value) if name.lower().endswith("hsaid") else value)
                for name, value in request.headers
            ],
            "status": exchange.status,
            "answerHeaders": [item for item in exchange.headers if item[0].lower() not in dropped],
            "httpVersion": exchange.http_version,
            "tlsVersion": exchange.tls_version,
            "firstByteSeconds": round(exchange.first_byte_s, 6),
            "seconds": round(exchange.seconds, 6),
            "problem": exchange.problem,
        }

    def _write_manifest(self, target: Target) -> None:
        _write_json(
            self._directory / _MANIFEST,
            {
                "contract": target.contract.id,
                "isMasked": self._masker is not None,
                "url": target.access.url if self._masker is None else "https://masked.invalid/",
                "logicalAddress": self._masked_text(target.logical_address),
                "sender": self._masked_text(target.sender),
                "measureRoot": target.measure_root,
                "measureIds": list(target.measure_ids),
                "period": [target.period.start, target.period.end],
                "emptyPeriod": [target.empty_period.start, target.empty_period.end],
                "unknownMeasure": target.unknown_measure,
                "isThroughPlatform": target.is_through_platform,
            },
        )


@dataclass(frozen=True, slots=True)
class Recording:
    """What recording.json says of a recorded run."""

    directory: Path
    is_masked: bool
    contract_id: str
    url: str
    logical_address: str
    sender: str
    measure_root: str
    measure_ids: tuple[str, ...]
    period: DatePeriod
    empty_period: DatePeriod
    unknown_measure: str
    is_through_platform: bool

    @classmethod
    def open(cls, directory: Path) -> Recording:
        """Read a recording's test data. Raises ConfigurationError."""
        facts = _read_json(directory / _MANIFEST)
        try:
            return cls(
                directory,
                bool(facts["isMasked"]),
                str(facts["contract"]),
                str(facts["url"]),
                str(facts["logicalAddress"]),
                str(facts["sender"]),
                str(facts["measureRoot"]),
                tuple(str(extension) for extension in facts["measureIds"]),
                DatePeriod(*facts["period"]),
                DatePeriod(*facts["emptyPeriod"]),
                str(facts["unknownMeasure"]),
                bool(facts["isThroughPlatform"]),
            )
        except (KeyError, TypeError) as error:
            raise ConfigurationError(f"{directory / _MANIFEST} is not as a recording makes it: {error}.") from None

    def exchanges(self) -> Iterator[Exchange]:
        """Give every recorded exchange in order; the caller closes their bodies."""
        for folder in sorted(self.directory.glob("exchange-*")):
            yield _read_exchange(folder)


class Replay:
    """Answers from a recording; a request that was not recorded skips its case."""

    is_recorded = True

    def __init__(self, recording: Recording) -> None:
        self._folders: dict[object, list[Path]] = defaultdict(list)
        for folder in sorted(recording.directory.glob("exchange-*")):
            facts = _read_json(folder / "exchange.json")
            headers = tuple((str(name), str(value)) for name, value in facts["requestHeaders"])
            self._folders[_key(facts["method"], (folder / "request.xml").read_bytes(), headers)].append(folder)

    def send(self, request: HttpRequest) -> Exchange:
        """Give the recorded answer; equal requests get theirs in order, the last one again and again."""
        folders = self._folders.get(_key(request.method, request.body, request.headers))
        if not folders:
            raise CaseSkipped(_NOT_RECORDED)
        return _read_exchange(folders.pop(0) if len(folders) > 1 else folders[0])

    def close(self) -> None:
        """Nothing to give back."""


class SavedAnswer:
    """One saved answer of unknown origin: the answer to the complete question, and to no other."""

    is_recorded = True

    def __init__(self, file: Path, request_body: bytes) -> None:
        self._file = file
        self._request_body = request_body

    def send(self, request: HttpRequest) -> Exchange:
        """Give the saved answer to the complete question; anything else skips its case."""
        if request.body != self._request_body:
            raise CaseSkipped(_NOT_RECORDED)
        return Exchange(request, 200, body=_read_body(self._file))

    def close(self) -> None:
        """Nothing to give back."""


def _read_exchange(folder: Path) -> Exchange:
    facts = _read_json(folder / "exchange.json")
    headers = tuple((str(name), str(value)) for name, value in facts["requestHeaders"])
    request = HttpRequest(str(facts["url"]), (folder / "request.xml").read_bytes(), headers, str(facts["method"]))
    return Exchange(
        request,
        facts["status"],
        tuple((str(name), str(value)) for name, value in facts["answerHeaders"]),
        _read_body(folder / "response.xml"),
        str(facts["httpVersion"]),
        str(facts["tlsVersion"]),
        float(facts["firstByteSeconds"]),
        float(facts["seconds"]),
        str(facts["problem"]),
    )


def _read_body(file: Path) -> Body:
    body = Body()
    try:
        with file.open("rb") as source:
            while data := source.read(CHUNK_BYTES):
                body.write(data)
    except OSError as error:
        raise ConfigurationError(f"The saved answer {file} cannot be read: {error.strerror}.") from None
    return body


def _key(method: str, body: bytes, headers: tuple[tuple[str, str], ...]) -> object:
    told = {name.lower(): value for name, value in headers}
    return method, body, told.get("content-type"), told.get("soapaction"), told.get("accept-encoding")


def _write_json(file: Path, value: object) -> None:
    file.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def _read_json(file: Path) -> Mapping[str, Any]:
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{file} cannot be read as part of a recording: {error}.") from None
    if not isinstance(value, dict):
        raise ConfigurationError(f"{file} is not as a recording makes it.")
    return value
