"""Logging set-up: readable lines on a terminal, one JSON object per line elsewhere (style 7)."""

from __future__ import annotations

import logging
import sys

import structlog
from structlog.typing import Processor


def configure_logs(*, is_verbose: bool = False) -> None:
    """Send structlog and the standard library's log to stderr in one shape.

    Messages of libraries are shown from warning level, with --verbose from info; zeep and urllib3 never log below
    warning, because their debug lines hold message bodies.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: Processor = (
        structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer(ensure_ascii=True)
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        # Not kept on first use: a logger of a module would hold on to what was configured then.
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO if is_verbose else logging.WARNING)
    for name in ("zeep", "urllib3", "requests", "spyne", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in ("brygga", "producer", "router"):
        logging.getLogger(name).setLevel(logging.INFO)
