"""Keeps one daemon and the workers of its shards alive together: they fall together and are started again together."""

from __future__ import annotations

import selectors
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from consumer.kinesis.children import Child, Children, Ending
from consumer.kinesis.daemon import DaemonStarter, end_process
from consumer.kinesis.exits import describe_exit
from consumer.kinesis.gate import Arrival, LauncherGate
from consumer.policies.restarts import RestartHistory, RestartPolicy

_log = structlog.get_logger(__name__)
_TAIL_LINES = 20


class RestartBoundExceeded(RuntimeError):
    """It died too often in too short a time: the cause is not going away, so the task must be replaced."""


class DaemonSupervisor:
    """Any end of the daemon that nobody asked for is a failure, also with code 0, and so is any worker's end but with 0.

    A failure kills the daemon at once (its own way out waits for the whole grace period) and every worker: what they had not
    checkpointed is delivered again. The restart is in place, under the same worker id.
    """

    def __init__(
        self, starter: DaemonStarter, children: Children, selector: selectors.BaseSelector, directory: Path
    ) -> None:
        self._starter, self._children, self._selector, self._directory = starter, children, selector, directory
        self._process: subprocess.Popen[bytes] | None = None
        self._gate: LauncherGate | None = None
        self._history = RestartHistory()
        self.restarts = 0
        self.last_failure: str | None = None

    @property
    def pid(self) -> int | None:
        """The daemon's pid, None while there is none."""
        return self._process.pid if self.is_running and self._process else None

    @property
    def is_running(self) -> bool:
        """Whether a daemon is there and has not ended."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Open a gate of its own for the new daemon, and start it."""
        self._close_gate()
        self._gate = LauncherGate(self._directory, self.restarts)
        self._selector.register(self._gate.listener, selectors.EVENT_READ)
        self._process = self._starter.start(self._gate.executable)
        _log.info("daemon_started", daemon_pid=self._process.pid, restarts=self.restarts)

    def admit(self, fork: Callable[[Arrival], Child]) -> None:
        """Let in one launcher that waits, if any: fork its worker, then close our copies of its pipes at once."""
        arrival = self._gate.accept() if self._gate else None
        if arrival is None:
            return
        try:
            child = fork(arrival)
        finally:
            arrival.close()
        _log.info("worker_forked", worker_pid=child.pid)

    def failure(self, endings: list[Ending], stuck: list[Child]) -> str | None:
        """Return why daemon and workers must be restarted, or None. The daemon's own end explains those of its workers."""
        if not self.is_running:
            return f"the daemon ended with code {self._process.returncode if self._process else None}"
        for ending in endings:
            if ending.code != 0:
                return _report_worker(ending)
        for child in stuck:
            _log.error("worker_stuck", worker_pid=child.pid, **child.facts)
            return f"worker {child.pid} gave no sign of life"
        return None

    def restart(self, why: str, policy: RestartPolicy) -> None:
        """Kill what is left and start again. Raises RestartBoundExceeded, with everything killed."""
        self.kill()
        self.last_failure = why
        _log.error("daemon_failed", reason=why, log_tail=self._starter.log_tail(_TAIL_LINES))
        now_s = time.monotonic()
        if not policy.allows(self._history, now_s):
            raise RestartBoundExceeded(
                f"{policy.max_restarts} restarts within {policy.window_s:.0f} s; the last: {why}"
            )
        self._history = policy.after_restart(self._history, now_s)
        self.restarts += 1
        self.start()

    def ask_to_stop(self) -> None:
        """Ask the daemon for a graceful stop: it lets every worker checkpoint first."""
        if self._process is not None and self.is_running:
            end_process(self._process, signal.SIGTERM)

    def kill(self) -> None:
        """Kill and reap the daemon, then its workers."""
        if self._process is not None:
            end_process(self._process)
        self._children.kill("worker")

    def close(self) -> None:
        """Kill everything and close the gate."""
        self.kill()
        self._close_gate()

    def forget_gate(self) -> None:
        """In a forked child: close the copy of the listening socket."""
        if self._gate is not None:
            self._gate.listener.close()

    def _close_gate(self) -> None:
        if self._gate is not None:
            self._selector.unregister(self._gate.listener)
            self._gate.close()
            self._gate = None


def _report_worker(ending: Ending) -> str:
    meaning = describe_exit(ending.code)
    stop_reason = ending.child.facts.get("stop_reason")
    _log.error(
        "worker_failed",
        worker_pid=ending.child.pid,
        shard_id=ending.child.facts.get("shard_id"),
        exit_code=ending.code,
        cause=meaning.cause,
        remedy=meaning.remedy,
        stop_reason=stop_reason,
    )
    return f"worker {ending.child.pid}: {stop_reason or meaning.cause}"
