"""What a fault is: parameters drawn from a seed, a strike with the proof that it struck, and the scene that it strikes."""

from __future__ import annotations

import re
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from random import Random
from typing import Any, ClassVar, Self

from consumer.chaos.consumer_process import ConsumerProcess
from consumer.chaos.deployment import Deployment
from consumer.chaos.recovery import RecoveryWatch, Sign
from consumer.chaos.traffic import Traffic
from consumer.chaos.waiting import PATIENCE_S, WaitedInVainError, wait_until

_SHOW_S = 45.0
_DRAW = "draw"


class FaultNotFiredError(Exception):
    """The fault did not happen, so that its schedule proves nothing; the message says what was missing."""


def between(low: float, high: float) -> Any:
    """Declare a parameter drawn evenly, to a tenth; the lowest value is the default."""
    return field(default=low, metadata={_DRAW: lambda chance: round(chance.uniform(low, high), 1)})


def one_of(*choices: Any) -> Any:
    """Declare a parameter drawn from `choices`; the first is the default."""
    return field(default=choices[0], metadata={_DRAW: lambda chance: chance.choice(choices)})


class Scene:
    """Where a fault strikes. It tells when it begins and, where it lasts, when it ends; recovery is measured from both."""

    def __init__(self, deployment: Deployment, traffic: Traffic, sign: Sign) -> None:
        self.deployment, self.traffic, self._sign = deployment, traffic, sign
        self.from_fault: RecoveryWatch | None = None
        self.from_end: RecoveryWatch | None = None
        self._offset = len(deployment.consumer.log())

    def begins(self) -> None:
        """Say that the fault is there now."""
        self.from_fault = RecoveryWatch(self.deployment, self._sign)

    def ends(self) -> None:
        """Say that a fault that lasted is over now."""
        self.from_end = RecoveryWatch(self.deployment, self._sign)

    def wait_recovered(self) -> None:
        """Wait, in the middle of a fault that lasts, until decisions go on all the same."""
        if self.from_fault is not None:
            self.from_fault.wait(PATIENCE_S)

    def wait_recovered_from_end(self, patience_s: float) -> float:
        """Return the seconds from the fault's end until decisions go on. Raises WaitedInVainError."""
        if self.from_end is None:
            raise RuntimeError("the fault has no end yet")
        return self.from_end.wait(patience_s)

    def close(self) -> None:
        """Measure no more."""
        for watch in filter(None, (self.from_fault, self.from_end)):
            watch.stop()

    def seen(self, event: str, about: str = "") -> int:
        """Count the lines with this event, and with the text `about`, that the first consumer has logged since the scene was made."""
        lines = self.deployment.consumer.log()[self._offset :].splitlines()
        return sum(f'"{event}"' in line and about in line for line in lines)

    def require(self, is_so: Callable[[], bool], what: str, patience_s: float = _SHOW_S) -> None:
        """Wait for the proof that the fault struck. Raises FaultNotFiredError."""
        try:
            wait_until(is_so, what, patience_s)
        except WaitedInVainError as error:
            raise FaultNotFiredError(str(error)) from None

    def running(self) -> ConsumerProcess:
        """Return the first consumer once all its processes are there: Java, housekeeping, a launcher and a worker a shard."""
        consumer = self.deployment.consumer
        self.require(
            lambda: bool(consumer.launcher_pids() and consumer.worker_pids() and consumer.housekeeping_pid()),
            "a consumer at work",
        )
        return consumer


@dataclass(frozen=True, slots=True)
class Fault(ABC):
    """A kind of fault with its parameters. The first line of the docstring is what `fraudstream chaos --list` says."""

    usual_s: ClassVar[float] = 15.0
    """About how long strike and recovery take, for a schedule that must fit into a time."""
    recovers_within_s: ClassVar[float] = 90.0
    sign: ClassVar[Sign] = "decisions"
    is_long: ClassVar[bool] = False
    """Whether it takes minutes: left out unless it is asked for by name."""

    @abstractmethod
    def strike(self, scene: Scene) -> str:
        """Do it, and return the proof that it happened. Raises FaultNotFiredError."""

    @classmethod
    def kind(cls) -> str:
        """Return the name: the class's in small letters."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()

    @classmethod
    def about(cls) -> str:
        """Return one line that says what happens."""
        return (cls.__doc__ or "").splitlines()[0].rstrip(".")

    @classmethod
    def drawn(cls, chance: Random) -> Self:
        """Return the fault with parameters drawn."""
        return cls(**{one.name: one.metadata[_DRAW](chance) for one in fields(cls) if _DRAW in one.metadata})

    def parameters(self) -> dict[str, Any]:
        """Return the parameters by name."""
        return {one.name: getattr(self, one.name) for one in fields(self)}


def last(seconds: float, since_s: float) -> None:
    """Sleep until `seconds` have passed since the monotonic moment."""
    time.sleep(max(0.0, since_s + seconds - time.monotonic()))
