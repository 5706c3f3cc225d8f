"""The metrics of one process on their way to the log: gathered, read and written every so often, and at the end."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import RLock
from time import monotonic
from typing import NamedTuple

from consumer.telemetry.emf import Gathered
from consumer.telemetry.log_stream import LogStream
from consumer.telemetry.metrics import MetricName, Process


class _Watch(NamedTuple):
    name: MetricName
    read: Callable[[], float | None]
    of: str | None


class ProcessMeter:
    """A `metrics.Meter` that writes to the log stream. Make it in the process whose metrics it holds, after the fork.

    Threads beside the one that emits may count and observe; while documents are written they wait. A process that is killed takes
    with it what it had not written yet: metrics are for alarms, the audit is for counting.
    """

    def __init__(
        self,
        gathered: Gathered,
        stream: LogStream,
        every_s: float,
        clock: Callable[[], float] = monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._gathered, self._stream, self._every_s, self._clock, self._now = gathered, stream, every_s, clock, now
        self._due_s = clock() + every_s
        self._lock = RLock()
        self._watches: list[_Watch] = []
        self._lost_before = self._lost_told = stream.lines_lost

    @property
    def lines_lost(self) -> int:
        """See `Meter`: without those that the parent lost before the fork."""
        return self._stream.lines_lost - self._lost_before

    def count(self, name: MetricName, number: float = 1, of: str | None = None) -> None:
        """See `Metrics`."""
        with self._lock:
            self._gathered.add(name, number, of)

    def observe(self, name: MetricName, value: float, of: str | None = None) -> None:
        """See `Metrics`."""
        with self._lock:
            self._gathered.observe(name, value, of)

    def watch(self, name: MetricName, read: Callable[[], float | None], of: str | None = None) -> None:
        """See `Metrics`."""
        self._watches.append(_Watch(name, read, of))

    def tick(self) -> None:
        """See `Meter`."""
        if self._gathered.is_full or self._clock() >= self._due_s:
            with self._lock:
                self._emit()

    def close(self) -> None:
        """See `Meter`."""
        with self._lock:
            self._emit()

    def _emit(self) -> None:
        self._due_s = self._clock() + self._every_s
        for name, read, of in self._watches:
            if (value := read()) is not None:
                self._gathered.read(name, value, of)
        lost = self._stream.lines_lost
        self._gathered.add("LogLinesLost", lost - self._lost_told, None)
        self._lost_told = lost
        for key, document in self._gathered.documents(self._now()):
            self._gathered.written(key, is_lost=not self._stream.write_line(document))


def open_meter(
    application: str, every_s: float, stream: LogStream, process: Process, labels: Mapping[str, str] | None = None
) -> ProcessMeter:
    """Return the meter of this process, which watches the memory of it."""
    meter = ProcessMeter(Gathered(application, process, {"pid": str(os.getpid()), **(labels or {})}), stream, every_s)
    meter.watch("MemoryUsed", memory_used, process)
    return meter


def memory_used(pid: int | None = None) -> float | None:
    """Return the memory of a process in bytes, each shared page divided by its users (PSS); None if it cannot be read."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid or 'self'}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024.0
    return None
