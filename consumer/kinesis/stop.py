"""The graceful stop, one step a round: daemon first, so that its workers checkpoint; then the workers; housekeeping last."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import structlog

from consumer.kinesis.children import Children, Ending
from consumer.kinesis.daemon_supervisor import DaemonSupervisor
from consumer.kinesis.exits import ExitCode, describe_exit
from consumer.kinesis.host_settings import HostSettings
from consumer.kinesis.housekeeping_supervisor import HousekeepingSupervisor

_log = structlog.get_logger(__name__)
_WORKERS_LINGER_S = 10.0


class GracefulStop:
    """Begins when it is made. Clean means: every worker that was left ended with 0, and nothing had to be killed."""

    def __init__(
        self,
        settings: HostSettings,
        daemon: DaemonSupervisor,
        housekeeping: HousekeepingSupervisor,
        children: Children,
        exit_code: int,
    ) -> None:
        self._settings, self._daemon, self._housekeeping, self._children = settings, daemon, housekeeping, children
        self._exit_code = exit_code
        self._began_at = datetime.now(UTC)
        self._deadline_s = time.monotonic() + settings.stop_after_s
        self._linger_until_s: float | None = None
        self._housekeeping_until_s: float | None = None
        daemon.ask_to_stop()

    def step(self, endings: list[Ending], now_s: float) -> int | None:
        """Go on as far as possible. Returns the exit code when nothing is left to wait for."""
        self._judge(endings)
        if self._waits_for_daemon(now_s) or self._waits_for_workers(now_s) or self._waits_for_housekeeping(now_s):
            return None
        return self._exit_code

    def _judge(self, endings: list[Ending]) -> None:
        for ending in endings:
            if ending.child.role == "worker" and ending.code != 0 and not self._is_latecomer(ending):
                self._exit_code = 1
                _log.error("worker_failed", exit_code=ending.code, cause=describe_exit(ending.code).cause)

    def _is_latecomer(self, ending: Ending) -> bool:
        """Whether it began a shard after the stop: KCL initialises shards again while it waits, and closes their pipes unasked.

        What such a worker did stands in the ledger; its records are delivered again, and known then.
        """
        return ending.code == ExitCode.DAEMON_GONE and ending.child.started_at >= self._began_at

    def _waits_for_daemon(self, now_s: float) -> bool:
        if self._daemon.is_running and now_s >= self._deadline_s:
            self._give_up_on("the daemon")
        return self._daemon.is_running

    def _waits_for_workers(self, now_s: float) -> bool:
        """The daemon is gone, so every worker has the end of its pipe before it."""
        if self._linger_until_s is None:
            self._linger_until_s = now_s + _WORKERS_LINGER_S
        if self._children.of("worker") and now_s >= self._linger_until_s:
            self._give_up_on("a worker")
        return bool(self._children.of("worker"))

    def _waits_for_housekeeping(self, now_s: float) -> bool:
        if self._housekeeping_until_s is None:
            self._housekeeping_until_s = now_s + self._settings.housekeeping_stop_s
            self._housekeeping.ask_to_stop()
        if self._housekeeping.child is not None and now_s >= self._housekeeping_until_s:
            _log.warning("housekeeping_killed", waited_s=self._settings.housekeeping_stop_s)
            self._housekeeping.kill()
        return self._housekeeping.child is not None

    def _give_up_on(self, whom: str) -> None:
        _log.error("graceful_stop_failed", waited_for=whom, remedy="nothing is lost: what was open is delivered again")
        self._exit_code = 1
        self._daemon.kill()
