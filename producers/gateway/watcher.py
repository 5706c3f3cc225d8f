"""Waits for verdicts: one thread asks the ledger once for all requests that wait, as NOTIFY would serialise the consumer's commits."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from threading import Condition, Event, Thread
from typing import NamedTuple

import structlog

from schemas.decision import Identity
from sinks.errors import TransientSinkError
from sinks.front import FrontLedger, Pending, Verdict

_log = structlog.get_logger(__name__)
_LONGEST_PAUSE_S = 1.0
_GIVEN_UP_AFTER_S = 120.0
_MAX_EXPONENT = 16


class _Waiting(NamedTuple):
    pending: Pending
    future: Future[Verdict]
    since_s: float


class Watcher:
    """Asks `ledger`, which is its own, every `poll_s` while something waits, and less often while it fails. Safe for threads.

    One event that nobody waits for any longer is asked for all the same, once a second, for two minutes: so a gateway that sends
    nothing, because it said that it is not ready, learns when events are decided again.
    """

    def __init__(
        self, ledger: FrontLedger, *, poll_s: float = 0.015, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ledger, self._poll_s, self._clock = ledger, poll_s, clock
        self._waiting: list[_Waiting] = []
        self._late: _Waiting | None = None
        self._unanswered_since_s: float | None = None
        self._failing_since_s: float | None = None
        self._failures = 0
        self._changed, self._closing = Condition(), Event()
        self._thread = Thread(target=self._run, name="gateway-watcher", daemon=True)
        self._thread.start()

    def watch(self, pending: Pending) -> Future[Verdict]:
        """Return the future of the verdict. Cancel it to wait no longer. It never raises: a ledger that is away is asked on."""
        waiting = _Waiting(pending, Future(), self._clock())
        with self._changed:
            self._waiting.append(waiting)
            if self._unanswered_since_s is None:
                self._unanswered_since_s = waiting.since_s
            self._changed.notify()
        return waiting.future

    @property
    def pending(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def unanswered_s(self) -> float:
        """For how long (s) something has waited, given up or not, while nothing at all was decided; 0 where nothing waits."""
        since_s = self._unanswered_since_s
        return 0.0 if since_s is None else max(0.0, self._clock() - since_s)

    def failing_s(self) -> float:
        """For how long (s) the ledger has not answered; 0 while it does."""
        since_s = self._failing_since_s
        return 0.0 if since_s is None else max(0.0, self._clock() - since_s)

    def close(self, timeout_s: float = 10.0) -> bool:
        """Ask no more and end the thread; what still waits is never answered. False if that takes longer than `timeout_s`."""
        self._closing.set()
        with self._changed:
            self._changed.notify()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while self._has_something_to_ask():
            started_s = self._clock()
            self._ask()
            self._rest(self._clock() - started_s)

    def _has_something_to_ask(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._late or self._closing.is_set())
        return not self._closing.is_set()

    def _ask(self) -> None:
        asked = self._still_waiting()
        if not asked:
            return
        try:
            verdicts = self._ledger.settled(asked)
        except Exception as error:  # noqa: BLE001 -- the events are in the stream: whatever fails here, their answer is "later"
            self._fail(error)
            return
        self._succeed()
        self._settle(verdicts)

    def _still_waiting(self) -> list[Pending]:
        with self._changed:
            left = [each for each in self._waiting if each.future.cancelled()]
            if left:
                self._waiting = [each for each in self._waiting if not each.future.cancelled()]
                self._late = self._late or left[0]
            if self._late and self._clock() - self._late.since_s > _GIVEN_UP_AFTER_S:
                self._late = None
                self._unanswered_since_s = self._waiting[0].since_s if self._waiting else None
            late = [self._late.pending] if self._late else []
            return [*(each.pending for each in self._waiting), *late]

    def _settle(self, verdicts: Mapping[Identity, Verdict]) -> None:
        if not verdicts:
            return
        with self._changed:
            settled = [each for each in self._waiting if each.pending.identity in verdicts]
            self._waiting = [each for each in self._waiting if each.pending.identity not in verdicts]
            if self._late and self._late.pending.identity in verdicts:
                self._late = None
            self._unanswered_since_s = self._clock() if self._waiting or self._late else None
        for each in settled:
            if each.future.set_running_or_notify_cancel():
                each.future.set_result(verdicts[each.pending.identity])

    def _rest(self, spent_s: float) -> None:
        if self._waiting or self._failures:
            pause_s = min(_LONGEST_PAUSE_S, self._poll_s * 2.0 ** min(self._failures, _MAX_EXPONENT))
            self._closing.wait(max(0.0, pause_s - spent_s))
            return
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closing.is_set(), _LONGEST_PAUSE_S)

    def _fail(self, error: Exception) -> None:
        self._failures += 1
        if self._failing_since_s is None:
            self._failing_since_s = self._clock()
            log = _log.warning if isinstance(error, TransientSinkError) else _log.error
            log("ledger_not_watched", cause=str(error), kind=type(error).__name__)

    def _succeed(self) -> None:
        if self._failing_since_s is not None:
            _log.info("ledger_watched_again", after_s=round(self.failing_s(), 3))
        self._failures, self._failing_since_s = 0, None
