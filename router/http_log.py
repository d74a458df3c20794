"""What the HTTP library says of requests that are no HTTP: one line each, without what they held (style 7).

Its own lines are tracebacks that show the caller's bytes, which may be a payload.
"""

from __future__ import annotations

import logging

from aiohttp.http_exceptions import HttpProcessingError


def http_logger() -> logging.Logger:
    """Give the logger for the library's server."""
    logger = logging.getLogger("router.http")
    logger.addFilter(_without_content)
    return logger


def _without_content(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, HttpProcessingError):
        record.msg = f"no-valid-http from %s: {type(error).__name__}"
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        record.exc_info = None
    return True
