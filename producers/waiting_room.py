"""Where records wait for the background publisher: bounded, first come first served, cut into requests. Apart: it sends nothing itself."""

from __future__ import annotations

import threading
import time
from collections import deque
from concurrent.futures import Future
from typing import NamedTuple

from producers.batches import Limits, OpenBatch
from producers.errors import BackPressureError, PublisherClosedError
from producers.records import OutgoingRecord, PlacedRecord

_PASSED = 1_000
"""How many records of keys that are in the request already are looked past: a bound on the work."""


class Waiting(NamedTuple):
    """A record, whom to tell, and since when it waits (monotonic)."""

    record: OutgoingRecord
    future: Future[PlacedRecord]
    since_s: float


class WaitingRoom:
    """Any number of threads put records in; one takes them out, a request at a time. `most` counts those under way too."""

    def __init__(self, limits: Limits, *, linger_s: float, most: int) -> None:
        self._limits, self._linger_s, self._most = limits, linger_s, most
        self._lock = threading.Lock()
        self._filled, self._freed = threading.Condition(self._lock), threading.Condition(self._lock)
        self._queue: deque[Waiting] = deque()
        self._under_way: list[Waiting] = []
        self._is_hurried = self._is_closed = False

    def __len__(self) -> int:
        return len(self._queue) + len(self._under_way)

    def put(self, record: OutgoingRecord, wait_s: float) -> Future[PlacedRecord]:
        """Add a record; waits at most `wait_s` for room. Raises BackPressureError, PublisherClosedError."""
        future: Future[PlacedRecord] = Future()
        with self._lock:
            has_room = self._freed.wait_for(lambda: self._is_closed or len(self) < self._most, wait_s)
            if self._is_closed:
                raise PublisherClosedError
            if not has_room:
                raise BackPressureError(self._most, wait_s)
            self._queue.append(Waiting(record, future, time.monotonic()))
            if len(self._queue) in {1, self._limits.records}:
                self._filled.notify()
        return future

    def take(self) -> list[Waiting] | None:
        """Wait until a request is due and return its records, whose futures can no longer be cancelled; None: closed and empty.

        Due is a full request, one that has waited for `linger_s`, or any at all once hurried or closed. The last one must be
        `finish`ed before.
        """
        with self._lock:
            while not self._is_due():
                self._filled.wait(self._due_in_s())
            if not self._queue:
                return None
            self._under_way = self._choose()
            self._is_hurried &= bool(self._queue)
            return list(self._under_way)

    def finish(self) -> None:
        """Say that the request taken last has come to its end."""
        with self._lock:
            self._under_way = []
            self._freed.notify_all()

    def hurry(self) -> list[Waiting]:
        """Let nothing that waits now linger, and return it, with what is under way."""
        with self._lock:
            self._is_hurried = bool(self._queue)
            self._filled.notify()
            return [*self._under_way, *self._queue]

    def close(self) -> list[Waiting]:
        """Take no more, let nothing linger, and return all that waits or is under way."""
        with self._lock:
            self._is_closed = True
            self._filled.notify()
            self._freed.notify_all()
            return [*self._under_way, *self._queue]

    def clear(self) -> None:
        """Forget what waits."""
        with self._lock:
            self._queue.clear()

    def _is_due(self) -> bool:
        if not self._queue or self._is_closed:
            return self._is_closed
        return self._is_hurried or len(self._queue) >= self._limits.records or self._due_in_s() == 0.0

    def _due_in_s(self) -> float | None:
        if not self._queue:
            return None
        return max(0.0, self._queue[0].since_s + self._linger_s - time.monotonic())

    def _choose(self) -> list[Waiting]:
        """Fill a request in the order of arrival; where keys must be unique, a key's second record waits and others pass it."""
        batch, chosen, left = OpenBatch(self._limits), list[Waiting](), list[Waiting]()
        while self._queue and len(left) < _PASSED and batch.has_space_for(self._queue[0].record.size_bytes):
            waiting = self._queue.popleft()
            if batch.holds_key_of(waiting.record):
                left.append(waiting)
            elif waiting.future.set_running_or_notify_cancel():
                batch.add(waiting.record, waiting.record.size_bytes)
                chosen.append(waiting)
        self._queue.extendleft(reversed(left))
        return chosen
