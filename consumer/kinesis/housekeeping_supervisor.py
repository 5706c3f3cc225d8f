"""Keeps the housekeeping process alive. Apart from the daemon: no shard has to stop because the relay died."""

from __future__ import annotations

import random
import signal
from collections.abc import Callable

import structlog

from consumer.kinesis.children import Child, Children, Ending
from consumer.kinesis.daemon_supervisor import RestartBoundExceeded
from consumer.kinesis.exits import describe_exit
from consumer.policies.backoff import Backoff
from consumer.policies.restarts import RestartHistory, RestartPolicy

_log = structlog.get_logger(__name__)


class HousekeepingSupervisor:
    """Forks housekeeping again when it ends, after a backoff and within a bound."""

    def __init__(self, children: Children, fork: Callable[[], Child], policy: RestartPolicy, backoff: Backoff) -> None:
        self._children, self._fork, self._policy, self._backoff = children, fork, policy, backoff
        self._history = RestartHistory()
        self._due_at_s: float | None = None

    @property
    def child(self) -> Child | None:
        """The living process, if any."""
        return next(iter(self._children.of("housekeeping")), None)

    def start(self) -> None:
        """Fork the process."""
        self._due_at_s = None
        _log.info("housekeeping_forked", housekeeping_pid=self._fork().pid)

    def look_after(self, endings: list[Ending], stuck: list[Child], now_s: float) -> None:
        """Note an end, kill what is stuck, fork again when due. Raises RestartBoundExceeded."""
        if stuck:
            _log.error("housekeeping_stuck", housekeeping_pid=stuck[0].pid)
            self._children.signal("housekeeping", signal.SIGKILL)
        for ending in endings:
            self._note_end(ending, now_s)
        if self._due_at_s is not None and now_s >= self._due_at_s:
            self.start()

    def _note_end(self, ending: Ending, now_s: float) -> None:
        meaning = describe_exit(ending.code)
        stop_reason = ending.child.facts.get("stop_reason")
        _log.error(
            "housekeeping_ended",
            exit_code=ending.code,
            cause=meaning.cause,
            remedy=meaning.remedy,
            stop_reason=stop_reason,
        )
        if not self._policy.allows(self._history, now_s):
            raise RestartBoundExceeded(f"housekeeping died too often; the last time: {stop_reason or meaning.cause}")
        attempt = len(self._policy.recent(self._history, now_s).times_s)
        self._history = self._policy.after_restart(self._history, now_s)
        self._due_at_s = now_s + self._backoff.wait_s(attempt, random.random())  # noqa: S311 - jitter, not a secret

    def ask_to_stop(self) -> None:
        """Ask it to finish what it is at. It is not forked again."""
        self._due_at_s = None
        self._children.signal("housekeeping", signal.SIGTERM)

    def kill(self) -> None:
        """Kill and reap it."""
        self._children.kill("housekeeping")
