"""Gathers what many requests ask of one blocking collaborator, so that it is asked once for all of them, from one thread."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from threading import Condition, Thread
from typing import Generic, NamedTuple, TypeVar

import structlog

from sinks.errors import SinkError, TransientSinkError

_log = structlog.get_logger(__name__)
T = TypeVar("T")
R = TypeVar("R")


class Overloaded(Exception):
    """More waits already than may wait, or it is closed: come again later."""


class _Item(NamedTuple, Generic[T, R]):
    asked: T
    future: Future[R]


class Batcher(Generic[T, R]):
    """Calls `work` with all that was submitted within `linger_s` of the first, at most `most_items` at a time, in the order submitted.

    `work` runs in the batcher's thread, one call at a time; while it runs, the next batch gathers. It returns a result for every item,
    in their order; what it raises is raised to every item of its batch. Safe for threads.
    """

    def __init__(
        self,
        work: Callable[[list[T]], Sequence[R]],
        *,
        name: str,
        linger_s: float = 0.005,
        most_items: int = 500,
        most_waiting: int = 10_000,
    ) -> None:
        self._work, self._linger_s = work, linger_s
        self._most_items, self._most_waiting = most_items, most_waiting
        self._waiting: deque[_Item[T, R]] = deque()
        self._changed = Condition()
        self._is_closed = False
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(self, item: T) -> Future[R]:
        """Return the future of the item's result. Cancelled before its batch begins, the item is left out of it.

        Never blocks. Raises Overloaded.
        """
        future: Future[R] = Future()
        with self._changed:
            if self._is_closed or len(self._waiting) >= self._most_waiting:
                raise Overloaded
            self._waiting.append(_Item(item, future))
            if len(self._waiting) in {1, self._most_items}:
                self._changed.notify()
        return future

    def close(self, timeout_s: float = 10.0) -> bool:
        """Take nothing more, do what waits, and end the thread. False if that takes longer than `timeout_s`: then it goes on."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while batch := self._take():
            self._answer([item for item in batch if item.future.set_running_or_notify_cancel()])

    def _take(self) -> list[_Item[T, R]]:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._is_closed)
            self._changed.wait_for(self._is_ready, self._linger_s)
            return [self._waiting.popleft() for _ in range(min(len(self._waiting), self._most_items))]

    def _is_ready(self) -> bool:
        return self._is_closed or len(self._waiting) >= self._most_items

    def _answer(self, batch: list[_Item[T, R]]) -> None:
        if not batch:
            return
        try:
            results = list(zip(batch, self._work([item.asked for item in batch]), strict=True))
        except Exception as error:  # noqa: BLE001 -- whoever asked learns of it; the thread lives on for the others
            self._log_failure(error, len(batch))
            for item in batch:
                item.future.set_exception(error)
            return
        for item, result in results:
            item.future.set_result(result)

    def _log_failure(self, error: Exception, items: int) -> None:
        """Once a batch, not once an item. What passes by itself is a warning, all else an error that somebody must mend."""
        log = _log.warning if isinstance(error, TransientSinkError) else _log.error
        log("batch_failed", batcher=self._thread.name, items=items, kind=type(error).__name__, cause=_cause(error))


def _cause(error: Exception) -> str:
    """What a sink says names no data; what anything else says might."""
    return str(error) if isinstance(error, SinkError) else ""
