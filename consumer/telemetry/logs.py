"""Structured logs: one JSON object a line on stderr, constant events, facts as keywords; never a payload or card data."""

from __future__ import annotations

import logging
import sys

import structlog

from consumer.telemetry.log_stream import LogStream, log_stream


class LineLogger:
    """What structlog hands its finished lines to, whatever their level."""

    def __init__(self, stream: LogStream) -> None:
        self._stream = stream

    def msg(self, line: str) -> None:
        """Write one line; never raises."""
        self._stream.write_line(line.encode("utf-8", "backslashreplace"))

    debug = info = warning = error = critical = msg


def configure_logs(level: str = "info", stream: LogStream | None = None) -> None:
    """Set structlog up for this process; a person at a terminal gets readable lines, everything else JSON."""
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer()
    )
    logger = LineLogger(stream or log_stream())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=lambda *_: logger,
        cache_logger_on_first_use=False,
    )
