"""The health file: what the host knows about itself and its processes, written whole every second, read by anybody."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

import msgspec

_STALE_AFTER_S = 15.0

Fact: TypeAlias = str | int | float | bool | None
HostState: TypeAlias = Literal["starting", "running", "stopping", "stopped", "failed"]


class ProcessHealth(msgspec.Struct, frozen=True, kw_only=True):
    """One forked process: its last life sign (UTC) and the facts that it reported."""

    pid: int
    started_at: datetime
    last_heartbeat: datetime
    silent_s: float
    facts: dict[str, Fact]


class HostHealth(msgspec.Struct, frozen=True, kw_only=True):
    """The whole file. Times are aware UTC; `restarts` counts those of the daemon since the host started."""

    written_at: datetime
    state: HostState
    host_pid: int
    worker_id: str
    daemon_pid: int | None
    restarts: int
    stuck_after_s: float
    workers: list[ProcessHealth]
    housekeeping: ProcessHealth | None
    last_failure: str | None = None
    log_lines_lost: int = 0

    @property
    def all_lines_lost(self) -> int:
        """How many lines of the log host, workers and housekeeping could not write, those that live."""
        children = [*self.workers, *([self.housekeeping] if self.housekeeping else [])]
        return self.log_lines_lost + sum(int(child.facts.get("log_lines_lost") or 0) for child in children)


class HealthReport(NamedTuple):
    """The verdict, every reason against health, and what the file said (None where it says nothing)."""

    is_healthy: bool
    reasons: tuple[str, ...]
    health: HostHealth | None


def write_health(path: Path, health: HostHealth) -> None:
    """Replace the file in one step: a reader sees the old one or the new one, never half."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_bytes(msgspec.json.format(msgspec.json.encode(health), indent=2))
    draft.replace(path)


def read_health(path: Path, now: datetime) -> HealthReport:
    """Judge the file as it stands at `now` (aware). Never raises for what stands in it, or for its absence."""
    try:
        health = msgspec.json.decode(path.read_bytes(), type=HostHealth)
    except FileNotFoundError:
        return HealthReport(False, (f"{path} is not there: no consumer has started with this state directory",), None)
    except msgspec.MsgspecError as error:
        return HealthReport(False, (f"{path} cannot be read ({error}): delete it, the consumer writes it anew",), None)
    reasons = (*_host_reasons(health, now), *_process_reasons(health))
    return HealthReport(not reasons, reasons, health)


def _host_reasons(health: HostHealth, now: datetime) -> list[str]:
    reasons = []
    age_s = (now - health.written_at).total_seconds()
    if age_s > _STALE_AFTER_S:
        reasons.append(f"the host wrote last {age_s:.0f} s ago: it is gone or hangs")
    if health.state not in {"running", "stopping"}:
        reasons.append(f"the host is {health.state}" + (f": {health.last_failure}" if health.last_failure else ""))
    if health.state == "running" and health.daemon_pid is None:
        reasons.append("the Java daemon is not running: see daemon.log beside this file")
    return reasons


def _process_reasons(health: HostHealth) -> list[str]:
    reasons = [
        f"the worker of {worker.facts.get('shard_id', 'a shard')} (pid {worker.pid}) is silent for {worker.silent_s:.0f} s"
        for worker in health.workers
        if worker.silent_s > health.stuck_after_s
    ]
    if health.state == "running" and health.housekeeping is None:
        reasons.append("housekeeping is not running: alerts wait in the outbox")
    return reasons
