"""The terms on which a part measures: how long it may take, where it may write, which seed it draws from and whom it tells."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

Scale = Literal["smoke", "short", "full"]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Terms:
    """What a part of the benchmark is given.

    Attributes:
        scale: `smoke` takes seconds and says nothing about speed, `short` is for `make bench`, `full` for `make bench-full`.
        folder: Scratch space of this part alone; it exists and may be left as it is.
        seed: Every draw comes from it: the same seed measures the same events.
        say: Tells the user one line of progress, without an end of line.

    """

    scale: Scale
    folder: Path
    seed: int
    say: Callable[[str], None]

    def pick(self, smoke: T, short: T, full: T) -> T:
        """Give the value that stands for this scale."""
        return {"smoke": smoke, "short": short, "full": full}[self.scale]
