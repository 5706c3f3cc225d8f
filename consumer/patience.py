"""The one place that retries: infrastructure that is away is waited for, with full-jitter backoff and a heartbeat."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

import structlog

from consumer.policies.backoff import Backoff
from consumer.telemetry.metrics import Metrics, NoMeter
from sinks.errors import TransientSinkError

_log = structlog.get_logger()
_BEAT_S = 1.0
T = TypeVar("T")


class Patience:
    """Calls until it succeeds. Only TransientSinkError is waited out; everything else passes through at once."""

    def __init__(
        self, beat: Callable[[str], None], backoff: Backoff | None = None, metrics: Metrics | None = None
    ) -> None:
        """`beat` is called at least once a second while waiting, with what is waited for."""
        self._beat, self._backoff, self._metrics = beat, backoff or Backoff(), metrics or NoMeter()
        self._draw = random.SystemRandom().random

    def __call__(self, call: Callable[[], T], /) -> T:
        """Return what `call` returns in the end."""
        attempt = 0
        while True:
            try:
                return call()
            except TransientSinkError as error:
                self._wait(error, attempt)
                attempt += 1

    def _wait(self, error: TransientSinkError, attempt: int) -> None:
        wait_s = max(self._backoff.wait_s(attempt, self._draw()), error.retry_after_s or 0.0)
        _log.warning("sink_unavailable", error=str(error), attempt=attempt, wait_s=round(wait_s, 3))
        end = time.monotonic() + wait_s
        self._beat(str(error))
        while (left := end - time.monotonic()) > 0:
            step_s = min(left, _BEAT_S)
            time.sleep(step_s)
            self._metrics.count("SinkWaitTime", step_s)
            self._beat(str(error))
