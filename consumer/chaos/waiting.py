"""Waits that end: each says what it waited for. And the two ways in which a schedule finds the product wanting."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE_S = 90.0
_PAUSE_S = 0.05


class WaitedInVainError(Exception):
    """Something that had to happen did not, in the time given."""


class BrokenPromiseError(Exception):
    """The product did not do what it promises while a fault lasted; the message says what."""


def wait_until(is_so: Callable[[], bool], what: str, patience_s: float = PATIENCE_S) -> float:
    """Return the seconds it took. Raises WaitedInVainError, which names `what`."""
    start_s = time.monotonic()
    while not is_so():
        if time.monotonic() - start_s > patience_s:
            raise WaitedInVainError(f"waited {patience_s:.0f} s in vain: {what}")
        time.sleep(_PAUSE_S)
    return time.monotonic() - start_s
