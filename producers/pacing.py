"""Handing out items at a given rate, in small bursts, with a pause said before every wait, so that nobody holds items back meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from producers.records import PAUSE, Pause

T = TypeVar("T")
_TICK_S = 0.05  # 20 bursts a second: smooth to the eye, and a sleep's inaccuracy does not matter


def paced(
    items: Iterable[T],
    per_second: float,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[T | Pause]:
    """Yield item n (from 0) not before n / per_second seconds after the start, `PAUSE` before every sleep.

    An item is drawn from `items` only when it is due, so that a live source stamps it with the right time. After a stall it
    catches up: the mean rate holds, as far as the source and the receiver are fast enough. ValueError unless per_second > 0.
    """
    if not per_second > 0:
        raise ValueError(f"the rate must be above 0 events per second, not {per_second}")
    return _paced(iter(items), per_second, clock, sleep)


def _paced(
    items: Iterator[T], per_second: float, clock: Callable[[], float], sleep: Callable[[float], None]
) -> Iterator[T | Pause]:
    start_s, number = clock(), 0
    while True:
        wait_s = start_s + number / per_second - clock()
        if wait_s > 0:
            yield PAUSE
            sleep(max(wait_s, _TICK_S))
        try:
            yield next(items)
        except StopIteration:
            return
        number += 1
