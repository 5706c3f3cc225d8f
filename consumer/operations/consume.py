"""`fraudstream consume`: the consumer in the foreground."""

from __future__ import annotations

import sys

import structlog

from consumer.kinesis.host import run_host
from consumer.operations.remedies import with_remedy
from consumer.settings import SettingsError, load_settings
from consumer.telemetry.log_stream import protect_stderr
from consumer.telemetry.logs import configure_logs
from consumer.wiring import host_settings, load

_log = structlog.get_logger()
_CANNOT_START = 2


def consume(*, local: bool = False) -> int:
    """Run the host until SIGTERM or Ctrl-C. Returns 0 after a clean stop, 2 where it could not start, 1 where it gave up."""
    protect_stderr()
    try:
        settings = load_settings(local=local)
        configure_logs(settings.log_level)
        host = host_settings(settings)
        return run_host(host, lambda: load(settings, host.kcl.worker_id))
    except SettingsError as error:
        print(f"fraudstream: {error}", file=sys.stderr)
    except Exception as error:  # noqa: BLE001 - the start failed: say why in one line, not in a page of frames
        _log.error("cannot_start", cause=f"{type(error).__name__}: {with_remedy(error)}")
    return _CANNOT_START
