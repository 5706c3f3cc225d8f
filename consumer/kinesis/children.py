"""The host's forked processes: how one is made, what the host knows about it, and how it ends."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, NamedTuple, TypeAlias

from consumer.kinesis.heartbeat import Beat
from consumer.kinesis.port import Fact
from consumer.kinesis.process import die_with_parent, require_single_thread
from consumer.kinesis.signals import signals_held_back
from consumer.telemetry.health import ProcessHealth

_PAUSE_S = 0.02
Role: TypeAlias = Literal["worker", "housekeeping", "errand"]
"""An errand is short: nobody waits for it, and nothing depends on its end."""


@dataclass(slots=True)
class Child:
    """One living child. `last_beat_s` is monotonic, by the host's clock: a child's own clock proves nothing."""

    pid: int
    role: Role
    started_at: datetime
    last_beat_at: datetime
    last_beat_s: float
    facts: dict[str, Fact] = field(default_factory=dict)

    def health(self, now_s: float) -> ProcessHealth:
        """Return what the health file says about it."""
        return ProcessHealth(
            pid=self.pid,
            started_at=self.started_at,
            last_heartbeat=self.last_beat_at,
            silent_s=round(now_s - self.last_beat_s, 1),
            facts=self.facts,
        )


class Ending(NamedTuple):
    """A child that ended; `code` is negative where a signal killed it."""

    child: Child
    code: int


class Children:
    """The table of living children. Only pids in it are ever waited for, so that the daemon's own end is not stolen."""

    def __init__(self) -> None:
        self._by_pid: dict[int, Child] = {}

    def fork(self, role: Role, body: Callable[[], int]) -> Child:
        """Fork a child that runs `body` and exits with its result; it dies with this process.

        `body` must not return to its caller by an exception: whatever it raises ends the child with 74 and without a word.
        Raises ThreadsBeforeForkError, and OSError where the system has no room for another process.
        """
        require_single_thread()
        host_pid = os.getpid()
        with signals_held_back():
            pid = os.fork()
            if pid == 0:
                _run_and_exit(host_pid, body)
        now = datetime.now(UTC)
        child = self._by_pid[pid] = Child(pid, role, now, now, time.monotonic())
        return child

    def of(self, role: Role) -> list[Child]:
        """Return the living children of a role, oldest first."""
        return [child for child in self._by_pid.values() if child.role == role]

    def note(self, beat: Beat) -> None:
        """Take a life sign; one of a child that ended meanwhile is ignored."""
        if child := self._by_pid.get(beat.pid):
            child.last_beat_s, child.last_beat_at, child.facts = time.monotonic(), datetime.now(UTC), beat.facts

    def forgive_silence(self) -> None:
        """Start all patience anew: the host itself was asleep."""
        for child in self._by_pid.values():
            child.last_beat_s = time.monotonic()

    def stuck(self, now_s: float, after_s: float) -> list[Child]:
        """Return the children that have been silent for longer than `after_s`."""
        return [child for child in self._by_pid.values() if now_s - child.last_beat_s > after_s]

    def reap(self) -> list[Ending]:
        """Return the children that have ended since the last call."""
        endings = []
        for child in list(self._by_pid.values()):
            pid, status = os.waitpid(child.pid, os.WNOHANG)
            if pid:
                del self._by_pid[pid]
                endings.append(Ending(child, os.waitstatus_to_exitcode(status)))
        return endings

    def wait(self, role: Role, patience_s: float) -> None:
        """Wait until no child of a role is left; kill those that are there after `patience_s`."""
        deadline_s = time.monotonic() + patience_s
        while self.of(role) and time.monotonic() < deadline_s:
            self.reap()
            time.sleep(_PAUSE_S)
        self.kill(role)

    def signal(self, role: Role, number: signal.Signals) -> None:
        """Send a signal to every living child of a role. A pid in the table is never somebody else's: it is not reaped yet."""
        for child in self.of(role):
            os.kill(child.pid, number)

    def kill(self, role: Role) -> None:
        """Kill and reap every child of a role."""
        self.signal(role, signal.SIGKILL)
        for child in self.of(role):
            os.waitpid(child.pid, 0)
            del self._by_pid[child.pid]


def _run_and_exit(host_pid: int, body: Callable[[], int]) -> None:
    code = 74
    try:
        die_with_parent(host_pid)
        code = body()
    finally:
        os._exit(code)
