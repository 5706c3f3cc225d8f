"""A background without threads, for simulations: chance says when a call is made, and when its answer is seen."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from random import Random
from typing import Generic, TypeVar

from sinks.errors import TransientSinkError
from sinks.lake.background import Background

T = TypeVar("T")


def beside(random: Random, is_calm: Callable[[], bool] = lambda: False) -> Background:
    """Return a background in which a call is made at once, or any time until somebody waits for it; its answer is seen later still."""
    return lambda call: _Beside(call, random, is_calm)


class _Beside(Generic[T]):
    def __init__(self, call: Callable[[], T], random: Random, is_calm: Callable[[], bool]) -> None:
        self._call, self._random, self._is_calm = call, random, is_calm
        self._outcome: Future[T] | None = None
        if random.random() < 0.3:
            self._make()

    def is_done(self) -> bool:
        if self._is_calm() or self._random.random() < 0.3:
            self._make()
        return self._outcome is not None and (self._is_calm() or self._random.random() < 0.5)

    def result(self) -> T:
        return self._make().result()

    def _make(self) -> Future[T]:
        if self._outcome is None:
            outcome = Future[T]()
            try:
                outcome.set_result(self._call())
            except TransientSinkError as error:
                outcome.set_exception(error)
            self._outcome = outcome
        return self._outcome
