"""Clients' keys in memory, on the same store as the ledger in memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from threading import Lock
from typing import Protocol

from sinks.errors import DataRefusedError
from sinks.front import ApiKey
from sinks.ledger.constraints import is_storable_key


class HoldsKeys(Protocol):
    """The store: keys by id, and the lock on them."""

    lock: Lock
    api_keys: dict[str, ApiKey]


class MemoryApiKeys:
    """A `sinks.front.ApiKeys` on a memory store."""

    def __init__(self, store: HoldsKeys) -> None:
        self._store = store

    def add(self, key: ApiKey) -> None:
        """See `sinks.front.ApiKeys.add`."""
        with self._store.lock:
            if key.key_id in self._store.api_keys or not is_storable_key(key):
                raise DataRefusedError("the ledger refuses a row")
            self._store.api_keys[key.key_id] = key

    def find(self, key_id: str) -> ApiKey | None:
        """See `sinks.front.ApiKeys.find`."""
        with self._store.lock:
            return self._store.api_keys.get(key_id)

    def all(self) -> Sequence[ApiKey]:
        """See `sinks.front.ApiKeys.all`."""
        with self._store.lock:
            return sorted(self._store.api_keys.values(), key=lambda key: (key.created_at, key.key_id))

    def revoke(self, key_id: str, at: datetime) -> bool:
        """See `sinks.front.ApiKeys.revoke`."""
        with self._store.lock:
            key = self._store.api_keys.get(key_id)
            if key is not None:
                self._store.api_keys[key_id] = key._replace(revoked_at=key.revoked_at or at)
            return key is not None

    def close(self) -> None:
        """See `sinks.front.ApiKeys.close`. Nothing is open."""
