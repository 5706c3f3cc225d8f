"""A process that runs only when it is told to: a thread with a baton, suspended at every call to the world, killed wherever it stands."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable
from threading import Semaphore, Thread
from typing import TypeVar

T = TypeVar("T")


class Died(BaseException):
    """The process is gone, wherever it was."""


class Process:
    """Runs `body` in a thread of its own, but never beside anybody: whoever calls `resume` waits until it pauses or ends.

    `point` says where it stands: the call it is about to make, or whose answer is on its way. `error` is what ended it.
    """

    def __init__(self, name: str, tell: Callable[[str], None], body: Callable[[], None]) -> None:
        self.name, self.point = name, "start"
        self.is_over, self.error = False, None
        self._tell, self._body = tell, body
        self._is_killed = False
        self._farewells: list[Callable[[], None]] = []
        self._armed: defaultdict[str, deque[str]] = defaultdict(deque)
        self._mine, self._callers = Semaphore(0), Semaphore(0)
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    error: BaseException | None

    def arm(self, call: str, fault: str) -> None:
        """Let the next call of this kind meet `fault`."""
        self._armed[call].append(fault)

    def disarm(self) -> None:
        """Let every call succeed from now on."""
        self._armed.clear()

    def resume(self) -> None:
        """Let it run until it pauses or ends. From outside."""
        if not self.is_over:
            self._mine.release()
            self._callers.acquire()

    def kill(self) -> None:
        """End it where it stands. What was on its way is as it is. From outside."""
        self._is_killed = True
        self.resume()
        self._thread.join()

    def pause(self, point: str) -> None:
        """Let others run, perhaps for ever. From inside. Raises Died."""
        self.point = point
        self._callers.release()
        self._mine.acquire()
        self._die_if_killed()

    def at_end(self, farewell: Callable[[], None]) -> None:
        """Do this when it is over, as the system would: close what was open. From inside."""
        self._farewells.append(farewell)

    def fault(self, call: str) -> str | None:
        """Return what the call that is being made meets, once. From inside."""
        return self._armed[call].popleft() if self._armed[call] else None

    def tell(self, what: str) -> None:
        """Add to the story."""
        self._tell(f"{self.name} {what}")

    def visit(self, call: str, make: Callable[[], T]) -> T:
        """Make a call to the world, suspended before it and again when its answer is on its way."""
        self.pause(f"before {call}")
        answer = make()
        self.pause(f"after {call}")
        return answer

    def _run(self) -> None:
        self._mine.acquire()
        try:
            self._die_if_killed()
            self._body()
        except BaseException as error:  # noqa: BLE001 - how a process ends is for the world to judge
            self.error = error
        for farewell in self._farewells:
            farewell()
        self.is_over, self.point = True, "over"
        self._callers.release()

    def _die_if_killed(self) -> None:
        if self._is_killed:
            raise Died
