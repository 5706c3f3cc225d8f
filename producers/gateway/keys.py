"""Who may come in: the check of a request's API key, cached. Apart from what a key is (`api_key`): this has threads."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import datetime
from hashlib import sha256
from hmac import compare_digest
from typing import NamedTuple, TypeVar

from producers.gateway.api_key import ShownKey, hash_secret, parse_key
from producers.gateway.problems import Refused
from schemas.timestamps import format_timestamp
from sinks.front import ApiKey, ApiKeys

T = TypeVar("T")

CACHE_S = 30.0
"""Within what time a revocation holds everywhere."""
_MOST_REFUSALS = 1_024
_RETRY_AFTER_S = 1.0
_NOBODY_SALT = bytes(16)
_NOBODY_HASH = bytes(32)


class KeyRefused(Refused):
    """The request has no API key that may come in (401). The message is for the client and holds no part of a key."""

    def __init__(self, message: str = "This API key is not known: check the header X-API-Key") -> None:
        super().__init__("UNAUTHORIZED", message)


class KeysBusy(Refused):
    """The key could not be checked in time, or too many wait for their first check (503): those that came in before still do."""

    def __init__(self) -> None:
        super().__init__(
            "UNAVAILABLE", "API keys cannot be checked fast enough: try again", retry_after_s=_RETRY_AFTER_S
        )


class Client(NamedTuple):
    """Who asks: whose key it is, what it may do (`api_key.SCOPES`), and how often (`limits.RateLimits`)."""

    key_id: str
    name: str
    scopes: frozenset[str]
    rate_per_s: float
    burst: int


class _Proof(NamedTuple):
    """A key whose secret was shown, as its row was when last read."""

    key: ApiKey
    until_s: float


class KeyRing:
    """Lets clients in. For one event loop; `keys` is called from a thread of the ring's own, and is the ring's to close.

    What was found is remembered for `cache_s`: a revocation holds within that time, an expiry at once. Then the row is read again; its
    secret is not hashed again as long as the row keeps the same hash. Hashes are made one at a time, and at most `most_checks` keys
    wait for theirs: so a flood of wrong keys delays nobody who came in before, and takes one core at most. An unknown id takes as long
    as a wrong secret. Nobody waits for longer than `timeout_s`.
    """

    def __init__(
        self,
        keys: ApiKeys,
        pepper: bytes,
        *,
        now: Callable[[], datetime],
        clock_s: Callable[[], float] = time.monotonic,
        cache_s: float = CACHE_S,
        timeout_s: float = 3.0,
        most_checks: int = 32,
    ) -> None:
        self._keys, self._pepper = keys, pepper
        self._now, self._clock_s = now, clock_s
        self._cache_s, self._timeout_s, self._most_checks = cache_s, timeout_s, most_checks
        self._proofs: dict[bytes, _Proof] = {}  # by fingerprint: one for each key that came in
        self._refusals: OrderedDict[bytes, float] = OrderedDict()  # until when, by fingerprint
        self._asked: dict[bytes, asyncio.Task[ApiKey]] = {}
        self._checks = 0
        self._reader = ThreadPoolExecutor(1, "api-keys")
        self._hasher = ThreadPoolExecutor(1, "api-key-hash")

    async def verify(self, header: str | None) -> Client:
        """Return whose key stands in `header`: the value of X-API-Key, None where there is none.

        Raises KeyRefused, KeysBusy, or what reading keys raises: TransientSinkError, PermanentSinkError.
        """
        if header is None:
            raise KeyRefused("An API key is required: send it in the header X-API-Key")
        shown = parse_key(header)
        if shown is None:
            raise KeyRefused("This is no API key: it begins with fs_ and has 59 characters")
        fingerprint = sha256(header.encode()).digest()
        key = self._recall(fingerprint) or await self._ask(fingerprint, shown)
        return _admitted(key, self._now())

    def close(self) -> None:
        """End the threads and close `keys`. Call it after the last `verify`; it waits for a check under way."""
        self._reader.submit(self._keys.close)
        self._reader.shutdown()
        self._hasher.shutdown(cancel_futures=True)

    def _recall(self, fingerprint: bytes) -> ApiKey | None:
        now_s = self._clock_s()
        if self._refusals.get(fingerprint, now_s) > now_s:
            raise KeyRefused
        proof = self._proofs.get(fingerprint)
        return proof.key if proof and proof.until_s > now_s else None

    async def _ask(self, fingerprint: bytes, shown: ShownKey) -> ApiKey:
        """Check a key once for all requests that show it now; one that is cancelled leaves the others their answer."""
        task = self._asked.get(fingerprint)
        if task is None:
            task = self._asked[fingerprint] = asyncio.create_task(self._check(fingerprint, shown))
            task.add_done_callback(lambda done: self._forget_asked(fingerprint, done))
        try:
            async with asyncio.timeout(self._timeout_s):
                return await asyncio.shield(task)
        except TimeoutError:
            raise KeysBusy from None

    def _forget_asked(self, fingerprint: bytes, done: asyncio.Task[ApiKey]) -> None:
        del self._asked[fingerprint]
        if not done.cancelled():
            done.exception()  # taken here too: all who asked may be gone

    async def _check(self, fingerprint: bytes, shown: ShownKey) -> ApiKey:
        until_s = self._clock_s() + self._cache_s
        proof = self._proofs.get(fingerprint)
        try:
            key = await (self._first(shown) if proof is None else self._again(proof.key))
        except KeyRefused:
            self._proofs.pop(fingerprint, None)
            self._refuse(fingerprint, until_s)
            raise
        self._proofs[fingerprint] = _Proof(key, until_s)
        return key

    async def _first(self, shown: ShownKey) -> ApiKey:
        if self._checks >= self._most_checks:
            raise KeysBusy
        self._checks += 1
        try:
            key = await _run(self._reader, lambda: self._keys.find(shown.key_id))
            salt, expected = (key.salt, key.secret_hash) if key else (_NOBODY_SALT, _NOBODY_HASH)
            found = await _run(self._hasher, lambda: hash_secret(self._pepper, salt, shown.secret))
        finally:
            self._checks -= 1
        if not compare_digest(found, expected) or key is None:
            raise KeyRefused
        return key

    async def _again(self, proved: ApiKey) -> ApiKey:
        key = await _run(self._reader, lambda: self._keys.find(proved.key_id))
        if key is None or (key.salt, key.secret_hash) != (proved.salt, proved.secret_hash):
            raise KeyRefused
        return key

    def _refuse(self, fingerprint: bytes, until_s: float) -> None:
        self._refusals[fingerprint] = until_s
        if len(self._refusals) > _MOST_REFUSALS:
            self._refusals.popitem(last=False)


async def _run(executor: Executor, call: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(executor, call)


def _admitted(key: ApiKey, now: datetime) -> Client:
    """Return the client of a key whose secret was shown, so that the truth about the key may be told. Raises KeyRefused."""
    if key.revoked_at is not None:
        raise KeyRefused(f"This API key was revoked at {format_timestamp(key.revoked_at)}: ask for another")
    if key.expires_at is not None and key.expires_at <= now:
        raise KeyRefused(f"This API key expired at {format_timestamp(key.expires_at)}: ask for another")
    return Client(key.key_id, key.name, key.scopes, key.rate_per_s, key.burst)
