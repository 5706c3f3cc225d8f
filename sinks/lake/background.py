"""Work beside the worker's own: one call at a time, whose answer is fetched later. A port, so that simulations decide when it is done."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Pending(Protocol[T_co]):
    """A call that was started."""

    def is_done(self) -> bool:
        """Whether `result` would return, or raise, at once."""
        ...

    def result(self) -> T_co:
        """Wait, and return what the call returned or raise what it raised."""
        ...


class Background(Protocol):
    """Starts calls. What a process leaves behind when it dies has been made, or will never be."""

    def __call__(self, call: Callable[[], T], /) -> Pending[T]:
        """Start `call`."""
        ...


class _Done(Generic[T]):
    """A call that was made when it was started."""

    def __init__(self, call: Callable[[], T]) -> None:
        self._future: Future[T] = Future()
        try:
            self._future.set_result(call())
        except Exception as error:  # noqa: BLE001 - whoever asks for the result gets it
            self._future.set_exception(error)

    def is_done(self) -> bool:
        return True

    def result(self) -> T:
        return self._future.result()


def at_once(call: Callable[[], T], /) -> Pending[T]:
    """Make the call here and now: a `Background` for where nothing else is to be done meanwhile."""
    return _Done(call)


class _Running(Generic[T]):
    """A call in a thread; whoever waits for it says so once a second."""

    def __init__(self, future: Future[T], beat: Callable[[], None]) -> None:
        self._future, self._beat = future, beat

    def is_done(self) -> bool:
        return self._future.done()

    def result(self) -> T:
        while True:
            try:
                return self._future.result(_BEAT_EVERY_S)
            except TimeoutError:
                if self._future.done():  # the call's own, or it ended just after the waiting did
                    return self._future.result()
                self._beat()


_BEAT_EVERY_S = 1.0


class BackgroundThread:
    """A `Background` with one thread, made at the first call: a process that forks must have none. `beat` tells that one waits."""

    def __init__(self, beat: Callable[[], None]) -> None:
        self._beat = beat
        self._threads: ThreadPoolExecutor | None = None

    def __call__(self, call: Callable[[], T], /) -> Pending[T]:
        """See `Background`."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(1, "background")
        return _Running(self._threads.submit(call), self._beat)
