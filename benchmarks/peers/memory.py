"""The ceiling: the same server sends bytes that are already in memory, in the pieces that the product uses.

The application answers with the file named by ``BENCHMARK_BYTES``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from producer.service import PIECE_BYTES

_content = Path(os.environ["BENCHMARK_BYTES"]).read_bytes() if "BENCHMARK_BYTES" in os.environ else b""
_pieces = [_content[offset : offset + PIECE_BYTES] for offset in range(0, len(_content), PIECE_BYTES)]


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Send the bytes."""
    environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    start_response("200 OK", [("Content-Type", "text/xml; charset=UTF-8"), ("Content-Length", str(len(_content)))])
    return iter(_pieces)
