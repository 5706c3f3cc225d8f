"""The housekeeping process, one a container: tells alerts, makes partitions ahead, rolls merchants' hours up, forgets reservations."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

import structlog

from consumer.policies.backoff import Backoff
from consumer.telemetry.metrics import Metrics, NoMeter
from sinks.errors import SinkError, TransientSinkError
from sinks.feedback import MerchantRollUp, RollUpLag
from sinks.port import Outbox

_log = structlog.get_logger()
_IDLE_S = 0.2
_PARTITIONS_EVERY_S = 3600.0
_BACKLOG_EVERY_S = 10.0
_ROLL_UP_EVERY_S = 60.0
_FORGET_EVERY_S = 60.0
_FORGET_AT_ONCE = 5_000


class Pulse(Protocol):
    """Tells the host that housekeeping is alive."""

    def beat(self, **facts: str | float | None) -> None:
        """Report life and facts; never blocks."""


@dataclass(slots=True)
class Chore:
    """Something to do again and again. `run` returns how much there was to do: nothing means that it may rest."""

    name: str
    run: Callable[[], int]
    every_s: float
    next_s: float = 0.0
    failures: int = 0


def keep_house(
    chores: list[Chore],
    pulse: Pulse,
    should_stop: Callable[[], bool],
    backoff: Backoff | None = None,
    metrics: Metrics | None = None,
) -> None:
    """Run the chores until `should_stop`; any error but a sink's ends the process.

    A sink that is away, or that refuses (a topic that is gone, a permission), is tried again with backoff and said in the log: decisions
    never wait for it.
    """
    backoff, metrics = backoff or Backoff(), metrics or NoMeter()
    while not should_stop():
        now_s = time.monotonic()
        for chore in (c for c in chores if now_s >= c.next_s):
            _run(chore, backoff, metrics)
            pulse.beat(chore=chore.name)
        time.sleep(_IDLE_S)
        pulse.beat()


def _run(chore: Chore, backoff: Backoff, metrics: Metrics) -> None:
    try:
        done = chore.run()
    except SinkError as error:
        if isinstance(error, TransientSinkError):  # the topic's are the relay's business, which keeps the alerts
            metrics.count("SinkRetries", of="ledger")
        wait_s = backoff.ceiling_s(chore.failures)
        chore.failures += 1
        chore.next_s = time.monotonic() + wait_s
        log = _log.warning if isinstance(error, TransientSinkError) else _log.error
        log("chore_postponed", chore=chore.name, error=str(error), wait_s=wait_s)
    else:
        chore.failures = 0
        chore.next_s = time.monotonic() + (0.0 if done else chore.every_s)


def partition_chore(make_partitions: Callable[[datetime], object]) -> Chore:
    """Return the chore that makes partitions, once an hour."""

    def run() -> int:
        make_partitions(datetime.now(UTC))
        return 0

    return Chore("partitions", run, _PARTITIONS_EVERY_S)


def relay_chore(relay_once: Callable[[], int]) -> Chore:
    """Return the chore that tells alerts: again at once while there are any."""
    return Chore("alerts", relay_once, _IDLE_S)


class _Backlog:
    """What waits in the outbox, as last seen; None while it cannot be seen."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self.alerts: int | None = None
        self.oldest_s: float | None = None

    def look(self) -> int:
        self.alerts = self.oldest_s = None
        self.alerts, self.oldest_s = self._outbox.pending(), self._outbox.oldest_pending_s()
        return 0


def backlog_chore(outbox: Outbox, metrics: Metrics) -> Chore:
    """Return the chore that sees how many alerts wait and for how long, every ten seconds."""
    backlog = _Backlog(outbox)
    metrics.watch("AlertsPending", lambda: backlog.alerts)
    metrics.watch("OldestAlertAge", lambda: backlog.oldest_s)
    return Chore("backlog", backlog.look, _BACKLOG_EVERY_S)


class _RollUp:
    """Takes steps for a while, and sees how many are left."""

    def __init__(self, roll_up: MerchantRollUp, for_s: float) -> None:
        self._roll_up = roll_up
        self._for_s = for_s
        self.lag: RollUpLag | None = None

    def work(self) -> int:
        self.lag, now, until_s = None, datetime.now(UTC), time.monotonic() + self._for_s
        while is_unfinished := self._roll_up.take_step(now):
            if time.monotonic() >= until_s:
                break
        self.lag = self._roll_up.lag(now)
        return int(is_unfinished)


def roll_up_chore(roll_up: MerchantRollUp, metrics: Metrics, for_s: float = 1.0) -> Chore:
    """Return the chore that rolls merchants' hours up, every minute: no label becomes known sooner than that.

    Where much is due it runs `for_s` at a time and a step more, so that alerts are told in between.
    """
    work = _RollUp(roll_up, for_s)
    metrics.watch("RollUpLag", lambda: work.lag.behind_s if work.lag else None)
    metrics.watch("LabelsWaiting", lambda: work.lag.waiting_labels if work.lag else None)
    return Chore("roll_up", work.work, _ROLL_UP_EVERY_S)


def forget_chore(forget: Callable[[datetime, int], int], kept_for: timedelta) -> Chore:
    """Return the chore that forgets the gateway's reservations when they are older than `kept_for`, every minute, in bounded steps.

    `forget` deletes at most so many that were made before a moment, and returns how many.
    """

    def run() -> int:
        return int(forget(datetime.now(UTC) - kept_for, _FORGET_AT_ONCE) >= _FORGET_AT_ONCE)

    return Chore("reservations", run, _FORGET_EVERY_S)
