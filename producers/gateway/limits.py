"""How often a client may ask: a token bucket a key, pure, and the limits of one process. Valkey's are apart: they need its library."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple, Protocol

SLACK_S = 1e-5
"""A wait that is shorter is none: it comes of rounding."""


class RateLimits(Protocol):
    """Counts what every key asks for. Of one key at most `burst` at once, and `rate_per_s` in the long run."""

    @property
    def reach(self) -> str:
        """Whose requests are counted together, for people: for the log at start and the report of readiness."""
        ...

    async def take(self, key_id: str, rate_per_s: float, burst: int, cost: int = 1) -> float:
        """Return 0 if the request may go (its cost is taken), else in how many seconds it may (nothing is taken). Never raises.

        `rate_per_s` is above 0, `burst` and `cost` at least 1. A request that costs more than `burst` goes when the bucket is full;
        those after it wait until all of it is paid.
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


class Bucket(NamedTuple):
    """A bucket of tokens, kept as the time (s, of one clock) at which it is full again: not later than now means that it is full.

    The same as counting tokens (GCRA, ITU-T I.371), in one number, which a change of rate or burst leaves meaningful.
    """

    full_at_s: float

    def take(self, now_s: float, rate_per_s: float, burst: int, cost: int = 1) -> tuple[Bucket, float]:
        """Return the bucket without `cost` tokens, and 0; or, if there are too few, the same bucket and the seconds until there are."""
        full_at_s = max(self.full_at_s, now_s)
        wait_s = full_at_s - now_s - (burst - min(cost, burst)) / rate_per_s
        if wait_s > SLACK_S:
            return self, wait_s
        return Bucket(full_at_s + cost / rate_per_s), 0.0


class MemoryLimits:
    """Each process by itself: with several gateways behind a load balancer a client may ask that many times as often."""

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._buckets: dict[str, Bucket] = {}  # one for each key that came in: as many as there are clients

    @property
    def reach(self) -> str:
        """See RateLimits."""
        return "each gateway process by itself"

    async def take(self, key_id: str, rate_per_s: float, burst: int, cost: int = 1) -> float:
        """See RateLimits."""
        now_s = self._clock_s()
        bucket = self._buckets.get(key_id, Bucket(now_s))
        self._buckets[key_id], wait_s = bucket.take(now_s, rate_per_s, burst, cost)
        return wait_s

    async def close(self) -> None:
        """See RateLimits."""
