"""The limits of all gateways together: one atomic script in Valkey (or Redis). Where that is away, each process counts for itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final, Self

import structlog
from valkey.asyncio import Valkey
from valkey.exceptions import ValkeyError

from producers.gateway.limits import SLACK_S, RateLimits

_log = structlog.get_logger(__name__)

_PREFIX = "fraudstream:rate:"
_TIMEOUT_S = 0.1
_RETRY_S = 1.0
_TAKE: Final = """
local rate, burst, cost, slack = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local clock = redis.call('TIME')
local now = clock[1] - 1767225600 + clock[2] / 1000000
local full_at = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
local wait = full_at - now - (burst - math.min(cost, burst)) / rate
if wait > slack then
    return string.format('%.6f', wait)
end
full_at = full_at + cost / rate
redis.call('SET', KEYS[1], string.format('%.17g', full_at), 'PX', math.ceil((full_at - now) * 1000))
return '0'
"""
"""`Bucket.take`, by Valkey's clock alone. It counts from 2026, so that doubles hold microseconds to spare; a full bucket has no key."""


class ValkeyLimits:
    """All gateways that share one Valkey. Where it fails, `fallback` counts, and Valkey is tried again every second."""

    def __init__(
        self,
        client: Valkey,
        fallback: RateLimits,
        *,
        timeout_s: float = _TIMEOUT_S,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client, self._fallback = client, fallback
        self._timeout_s, self._clock_s = timeout_s, clock_s
        self._take = client.register_script(_TAKE)
        self._away_until_s: float | None = None

    @classmethod
    def at(cls, url: str, fallback: RateLimits, *, timeout_s: float = _TIMEOUT_S) -> Self:
        """Return the limits at `valkey://[[user]:password@]host:port/0` (`valkeys` for TLS). Connects when first asked.

        Raises ValueError for what is no such address.
        """
        client = Valkey.from_url(url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s)
        return cls(client, fallback, timeout_s=timeout_s)

    @property
    def reach(self) -> str:
        """See RateLimits."""
        if self._away_until_s is None:
            return "all gateways of one Valkey together"
        return f"{self._fallback.reach}, because Valkey is away"

    async def take(self, key_id: str, rate_per_s: float, burst: int, cost: int = 1) -> float:
        """See RateLimits. Waits for Valkey for `timeout_s` at most."""
        if self._is_resting():
            return await self._fallback.take(key_id, rate_per_s, burst, cost)
        try:
            async with asyncio.timeout(self._timeout_s):
                wait_s = float(await self._take([_PREFIX + key_id], [rate_per_s, burst, cost, SLACK_S]))
        except (ValkeyError, OSError, TimeoutError) as error:
            self._rest(error)
            return await self._fallback.take(key_id, rate_per_s, burst, cost)
        self._work()
        return wait_s

    async def close(self) -> None:
        """See RateLimits."""
        await self._client.aclose()
        await self._fallback.close()

    def _is_resting(self) -> bool:
        """Whether Valkey failed just now. Where it is to be tried again, one request tries and the others do not wait for that."""
        if self._away_until_s is None:
            return False
        now_s = self._clock_s()
        is_resting = self._away_until_s > now_s
        if not is_resting:
            self._away_until_s = now_s + _RETRY_S
        return is_resting

    def _rest(self, error: Exception) -> None:
        if self._away_until_s is None:
            _log.warning("valkey_away", cause=f"{type(error).__name__}: {error}", limits=self._fallback.reach)
        self._away_until_s = self._clock_s() + _RETRY_S

    def _work(self) -> None:
        if self._away_until_s is not None:
            self._away_until_s = None
            _log.info("valkey_back", limits=self.reach)
