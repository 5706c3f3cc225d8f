"""Faults of the load: a producer out of order, and PostgreSQL away for minutes while events keep coming."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from consumer.chaos.consumer_process import ConsumerProcess
from consumer.chaos.database_faults import embedded, seen_unavailable, stopped
from consumer.chaos.fault import Fault, FaultNotFiredError, Scene, between, last, one_of
from consumer.chaos.processes import private_bytes
from consumer.chaos.waiting import BrokenPromiseError, wait_until

_MIB = 1 << 20
MEMORY_BOUNDS = {"worker": 128 * _MIB, "housekeeping": 64 * _MIB, "host": 64 * _MIB, "Java": 512 * _MIB}
"""What a process may hold for itself alone, in bytes, however long a sink is away."""
_LAG_MS = 3_000
_LAG_S = 120.0


@dataclass(frozen=True, slots=True)
class ProducerDisorder(Fault):
    """The producer repeats, delays and changes many of its events; a little of that is always there."""

    seconds: float = between(3, 6)
    share: float = between(0.1, 0.3)

    def strike(self, scene: Scene) -> str:
        """See `Fault`."""
        made, before = scene.traffic.made, scene.traffic.made.copy()
        usual, scene.traffic.disorder = scene.traffic.disorder, self.share
        scene.begins()
        last(self.seconds, time.monotonic())
        scene.traffic.disorder = usual
        scene.ends()
        more = {kind: made[kind] - before[kind] for kind in ("repeated", "other_amount", "other_time", "late")}
        if not all(more.values()):
            raise FaultNotFiredError(f"not every disorder was made: {more}")
        return ", ".join(f"{count} {kind}" for kind, count in more.items())


@dataclass(frozen=True, slots=True)
class PostgresAway(Fault):
    """PostgreSQL is away for a long time under load: memory keeps its bounds, and the lag goes back to nothing."""

    usual_s = 900.0
    is_long = True
    recovers_within_s = 900.0  # what waited is dealt with first, and there is ten minutes of it
    seconds: float = one_of(600.0)

    def strike(self, scene: Scene) -> str:
        """See `Fault`."""
        consumer = scene.running()
        with Memory(consumer).sampled() as memory:
            with stopped(embedded(scene)):
                scene.begins()
                last(self.seconds, time.monotonic())
            scene.ends()
            caught_up_s = scene.wait_recovered_from_end(self.recovers_within_s)
            wait_until(lambda: _has_caught_up(scene), "the end of the lag", _LAG_S)
        memory.require_bounds()
        return f"{seen_unavailable(scene)}; lag gone after {caught_up_s:.0f} s; {memory}"


class Memory:
    """The most that the processes of a consumer held for themselves, looked at once a second."""

    def __init__(self, consumer: ConsumerProcess) -> None:
        self.peaks: dict[str, int] = {}
        self._consumer, self._stop = consumer, threading.Event()

    @contextmanager
    def sampled(self) -> Iterator[Memory]:
        """Look while the context lasts."""
        thread = threading.Thread(target=self._run, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            thread.join()

    def require_bounds(self) -> None:
        """Raise MemoryBoundError where a process held more than it may."""
        over = [role for role, peak in self.peaks.items() if peak > MEMORY_BOUNDS[role]]
        if over:
            raise MemoryBoundError(f"over the bound: {', '.join(over)}; {self}")

    def __str__(self) -> str:
        return "peaks: " + ", ".join(f"{role} {peak // _MIB} MiB" for role, peak in sorted(self.peaks.items()))

    def _run(self) -> None:
        while not self._stop.wait(1.0):
            for role, pid in _roles(self._consumer):
                self.peaks[role] = max(self.peaks.get(role, 0), private_bytes(pid))


class MemoryBoundError(BrokenPromiseError):
    """A process holds more memory than it is promised to."""


def _roles(consumer: ConsumerProcess) -> Iterator[tuple[str, int]]:
    yield "host", consumer.pid
    yield from (("worker", pid) for pid in consumer.worker_pids())
    if daemon := consumer.daemon_pid():
        yield "Java", daemon
    if housekeeping := consumer.housekeeping_pid():
        yield "housekeeping", housekeeping


def _has_caught_up(scene: Scene) -> bool:
    lag_ms = scene.deployment.consumer.lag_ms()
    return lag_ms is not None and lag_ms < _LAG_MS
