"""One HTTP exchange as it was: request, answer, times. Bodies lie in a file once they are large.

The answer is untrusted; nothing here reads into it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field

CHUNK_BYTES = 64 * 1024
_KEPT_IN_MEMORY_BYTES = 256 * 1024


class Body:
    """Bytes of an answer: in memory while small, in an unnamed temporary file beyond 256 KiB."""

    def __init__(self, content: bytes = b"") -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=_KEPT_IN_MEMORY_BYTES)  # noqa: SIM115 (lives with self)
        self.size = 0
        if content:
            self.write(content)

    def write(self, data: bytes) -> None:
        """Add bytes at the end."""
        self._file.seek(0, 2)
        self._file.write(data)
        self.size += len(data)

    def chunks(self) -> Iterator[bytes]:
        """Give the bytes from the beginning in pieces of 64 KiB."""
        self._file.seek(0)
        while data := self._file.read(CHUNK_BYTES):
            yield data

    def beginning(self, limit: int) -> bytes:
        """Give at most the first ``limit`` bytes."""
        self._file.seek(0)
        return self._file.read(limit)

    def close(self) -> None:
        """Give the space back."""
        self._file.close()


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request with every header that is sent, but Host and Content-Length."""

    url: str
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    method: str = "POST"

    def header(self, name: str) -> str:
        """Give a header's value, empty when absent."""
        return _header(self.headers, name)


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and what came back.

    ``status`` None: the connection stood but no answer came. ``problem`` says in English why an answer is missing
    or incomplete. ``seconds`` runs to the last byte, ``first_byte_s`` to the status line.
    """

    request: HttpRequest
    status: int | None
    headers: tuple[tuple[str, str], ...] = ()
    body: Body = field(default_factory=Body)
    http_version: str = ""
    tls_version: str = ""
    first_byte_s: float = 0.0
    seconds: float = 0.0
    problem: str = ""

    def header(self, name: str) -> str:
        """Give an answer header's value, empty when absent."""
        return _header(self.headers, name)


def _header(headers: tuple[tuple[str, str], ...], name: str) -> str:
    return next((value for key, value in headers if key.lower() == name.lower()), "")
