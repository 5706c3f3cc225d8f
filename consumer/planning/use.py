"""A resource and how much of it is used: what utilisation is told by, and what breaks first is found by."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

_STRIDE = 1.1
_STEPS = 60


class Use(NamedTuple):
    """`used` and `limit` in `unit`; `fill` is the share of the limit that a plan goes up to, so that there is room for the unforeseen."""

    name: str
    used: float
    limit: float
    unit: str
    fill: float = 1.0

    @property
    def share(self) -> float:
        """How much of the limit is used, 1 for all of it."""
        return self.used / self.limit

    @property
    def is_within(self) -> bool:
        """Whether the plan's share of the limit suffices."""
        return self.used <= self.limit * self.fill


def highest_rate(is_fine: Callable[[float], bool], least: float = 1.0, most: float = 10_000_000.0) -> float:
    """Return the rate between `least` and `most` up to which all are fine, 0 if `least` is not.

    Looked at in steps of a tenth: sizes come in steps, so that a higher rate may be fine again where tasks have become smaller.
    """
    if not is_fine(least):
        return 0.0
    while least < most and is_fine(following := min(most, least * _STRIDE)):
        least = following
    if least >= most:
        return most
    most = following
    for _ in range(_STEPS):
        middle = (least * most) ** 0.5
        least, most = (middle, most) if is_fine(middle) else (least, middle)
    return least
