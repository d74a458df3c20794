"""What a single saved answer tells of the question behind it: whom it is from, which indicators, which period."""

from __future__ import annotations

from pathlib import Path

from contracts.errors import ConfigurationError
from contracts.registry import ServiceContract
from testsuites.answer import Answer, read_answer
from testsuites.exchange import CHUNK_BYTES, Body, Exchange, HttpRequest
from testsuites.options import Given

NO_URL = "https://saved-answer.invalid/"


def question_of_saved(file: Path, contract: ServiceContract) -> Given:
    """Read a saved answer (untrusted) for what it says of its question; what it does not say stays empty.

    Raises ConfigurationError when the file cannot be read.
    """
    answer = _read(file, contract)
    if answer.head is None:
        return Given(NO_URL, "unknown", "", ("unknown",), "", "19000101", "20991231")
    period = answer.head.reporting_period
    return Given(
        NO_URL,
        answer.head.reporting_system.hsa_id,
        "",
        tuple(extension for extension in answer.counts if extension) or ("unknown",),
        "",
        period.start,
        period.end,
    )


def _read(file: Path, contract: ServiceContract) -> Answer:
    body = Body()
    try:
        with file.open("rb") as source:
            while data := source.read(CHUNK_BYTES):
                body.write(data)
    except OSError as error:
        raise ConfigurationError(f"The saved answer {file} cannot be read: {error.strerror}.") from None
    try:
        return read_answer(Exchange(HttpRequest(NO_URL), 200, body=body), contract, None)
    finally:
        body.close()
