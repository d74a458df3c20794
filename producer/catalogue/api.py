"""Fetches indicators from the catalogue's API, with answers kept beside the catalogue file (domain reference 2.1, 2.2).

Untrusted: an answer's size, form and time are bounded; it is read by `contracts.catalogue.kik`.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import httpx

from contracts.catalogue import kik
from contracts.catalogue.model import Catalogue, CatalogueMeasure
from contracts.errors import ConnectionFailed, TimedOut, UnexpectedAnswer
from producer.catalogue.settings import CatalogueSettings

_TRIES: Final = 3
_WAIT_S: Final = 0.5
_MAX_BYTES: Final = 16 * 2**20
_RETRIED: Final = (429, 500, 502, 503, 504)
_SEARCH: Final[Mapping[str, Any]] = {
    "index": 0,
    "pageSize": 20,
    "textSearchSubset": "ALL",
    "sortfield": "TITLE",
    "sortDirection": "ASCENDING",
    "status": [],
    "keywords": [],
    "measuringFrequencies": [],
    "organizationalLevels": [],
    "measureOwner": "",
    "measurementSource": "",
    "reportingSystem": "",
    "expiresBeforeNrOfMonths": None,
    "validFrom": None,
    "validTo": None,
}


@dataclass(frozen=True, slots=True)
class Fetched:
    """What was fetched. ``from_cache``: answers that were used without asking, or that had not changed."""

    catalogue: Catalogue
    not_found: tuple[str, ...]
    from_cache: int


def fetch_measures(
    settings: CatalogueSettings,
    measure_ids: tuple[str, ...],
    *,
    is_fresh_wanted: bool = False,
    progress: Callable[[int], None] | None = None,
    wait: Callable[[float], None] = time.sleep,
) -> Fetched:
    """Fetch the newest version of each indicator with its submeasures. An old answer serves when the API is down.

    Raises ConnectionFailed, TimedOut or UnexpectedAnswer when there is no old answer either.
    """
    measures: list[CatalogueMeasure] = []
    not_found: list[str] = []
    with _Api(settings, is_fresh_wanted=is_fresh_wanted, wait=wait) as api:
        for measure_id in measure_ids:
            found = [one for one in api.search(measure_id) if one.measure_id == measure_id]
            measures += found
            for one in found[:1]:
                measures += api.submeasures(one)
            if not found:
                not_found.append(measure_id)
            if progress is not None:
                progress(1)
        return Fetched(Catalogue.of(measures), tuple(not_found), api.from_cache)


class _Api:
    """The API with its kept answers, one file each."""

    def __init__(self, settings: CatalogueSettings, *, is_fresh_wanted: bool, wait: Callable[[float], None]) -> None:
        self._settings = settings
        self._is_fresh_wanted = is_fresh_wanted
        self._wait = wait
        self._folder = settings.file.with_name(f"{settings.file.stem}-cache")
        self._client = httpx.Client(
            timeout=settings.timeout_s, follow_redirects=False, trust_env=False, headers={"Accept": "application/json"}
        )
        self.from_cache = 0

    def __enter__(self) -> _Api:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def search(self, measure_id: str) -> list[CatalogueMeasure]:
        """Search for an indicator by its id."""
        body = {"searchValue": measure_id, **_SEARCH}
        answer = self._ask("POST", "measureversions/searchlatest/withparams", body)
        return kik.measures_of(answer)

    def submeasures(self, measure: CatalogueMeasure) -> list[CatalogueMeasure]:
        """Fetch the submeasures of an indicator, by the id of its version."""
        if measure.version_id is None:
            return []
        answer = self._ask("GET", f"measureversions/{quote(measure.version_id, safe='')}/submeasures/", None)
        entries = answer if isinstance(answer, list) else answer.get("submeasures", [])
        return kik.measures_of([{"ownerMeasureId": measure.version_id, **entry} for entry in entries], [measure])

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None) -> Any:
        """Give an answer: a fresh kept one, or the API's, or an old kept one when the API cannot be reached."""
        url = f"{self._settings.url.rstrip('/')}/{path}"
        key = hashlib.sha256(json.dumps([method, url, body], sort_keys=True).encode()).hexdigest()[:32]
        kept_file = self._folder / f"{key}.json"
        kept = _read_kept(kept_file)
        is_young = kept is not None and time.time() - kept["at"] < self._settings.max_age_h * 3600
        if kept is not None and is_young and not self._is_fresh_wanted:
            self.from_cache += 1
            return kept["body"]
        try:
            response = self._send(method, url, body, kept)
        except (ConnectionFailed, UnexpectedAnswer):
            if kept is None:
                raise
            self.from_cache += 1
            return kept["body"]
        if response.status_code == httpx.codes.NOT_MODIFIED and kept is not None:
            self.from_cache += 1
            answer = kept["body"]
        else:
            answer = _json_of(response, url)
        etag = response.headers.get("ETag") or (kept or {}).get("etag")
        self._folder.mkdir(parents=True, exist_ok=True)
        kept_file.write_text(json.dumps({"at": time.time(), "etag": etag, "body": answer}), encoding="utf-8")
        return answer

    def _send(self, method: str, url: str, body: Any, kept: Mapping[str, Any] | None) -> httpx.Response:
        headers = {"If-None-Match": kept["etag"]} if kept is not None and kept.get("etag") else {}
        for attempt in range(_TRIES):
            is_last = attempt == _TRIES - 1
            try:
                with _telling(url):
                    response = self._client.request(method, url, json=body, headers=headers)
            except ConnectionFailed:
                if is_last:
                    raise
            else:
                if response.status_code not in _RETRIED or is_last:
                    return _accepted(response, url)
            self._wait(_WAIT_S * 2**attempt)
        raise AssertionError("the last try returns or raises")


@contextmanager
def _telling(url: str) -> Iterator[None]:
    """Turn what the client raises into errors of the project."""
    try:
        yield
    except httpx.TimeoutException:
        raise TimedOut(f"The catalogue at {url} did not answer in time. Try again later.") from None
    except httpx.HTTPError as error:
        raise ConnectionFailed(
            f"The catalogue at {url} cannot be reached ({type(error).__name__}). Check [catalogue] url and the "
            "network, or import its answers from files."
        ) from None


def _accepted(response: httpx.Response, url: str) -> httpx.Response:
    if response.status_code not in (httpx.codes.OK, httpx.codes.NOT_MODIFIED):
        raise UnexpectedAnswer(f"The catalogue at {url} answered with HTTP status {response.status_code}.")
    if len(response.content) > _MAX_BYTES:
        raise UnexpectedAnswer(f"The catalogue at {url} answered with more than {_MAX_BYTES} bytes.")
    return response


def _json_of(response: httpx.Response, url: str) -> Any:
    try:
        return response.json()
    except ValueError:
        raise UnexpectedAnswer(f"The catalogue at {url} answered with something that is no JSON.") from None


def _read_kept(file: Path) -> dict[str, Any] | None:
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return kept if isinstance(kept, dict) and {"at", "body"} <= set(kept) else None
