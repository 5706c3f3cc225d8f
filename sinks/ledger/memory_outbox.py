"""The outbox in memory, on the same store as the ledger in memory, because alerts are born there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from typing import Literal, Protocol
from uuid import UUID

from sinks.ledger.outbox import DEFAULT_TERMS, OutboxTerms
from sinks.port import OutboxAlert

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class OutboxEntry:
    """One alert and how far it got."""

    alert_id: UUID
    payload: str
    attributes: Mapping[str, str | float]
    arrival_time: datetime
    state: Literal["pending", "sent", "parked", "suppressed"] = "pending"
    suppressed_reason: str | None = None
    attempts: int = 0
    due_at: datetime = _EPOCH
    claimed_until: datetime = _EPOCH
    last_error: str | None = None
    message_id: str | None = None

    def is_free(self, now: datetime) -> bool:
        """Whether it waits and no relay holds it."""
        return self.state == "pending" and self.claimed_until <= now


OutboxEntries = dict[UUID, OutboxEntry]


class HoldsOutbox(Protocol):
    """The store: entries in the order they were born, and the lock on them."""

    lock: Lock
    outbox: OutboxEntries


class MemoryOutbox:
    """A `sinks.port.Outbox` on a memory store. `clock` gives aware UTC. Waits double without jitter."""

    def __init__(self, store: HoldsOutbox, clock: Callable[[], datetime], terms: OutboxTerms = DEFAULT_TERMS) -> None:
        self._store = store
        self._clock = clock
        self._terms = terms

    def claim(self, limit: int) -> Sequence[OutboxAlert]:
        """See `sinks.port.Outbox.claim`."""
        now = self._clock()
        with self._store.lock:
            self._suppress(now)
            due = [e for e in self._store.outbox.values() if e.is_free(now) and e.due_at <= now][:limit]
            return [self._claim(entry, now) for entry in due]

    def mark_sent(self, message_ids: Mapping[UUID, str]) -> None:
        """See `sinks.port.Outbox.mark_sent`."""
        with self._entries(message_ids) as entries:
            for entry in entries:
                if entry.state != "sent":
                    entry.state, entry.message_id = "sent", message_ids[entry.alert_id]
                    entry.last_error = entry.suppressed_reason = None

    def mark_failed(self, errors: Mapping[UUID, str]) -> None:
        """See `sinks.port.Outbox.mark_failed`."""
        with self._entries(errors) as entries:
            for entry in entries:
                doubled = self._terms.first_wait * 2 ** (min(entry.attempts, 30) - 1)
                entry.last_error, entry.claimed_until = errors[entry.alert_id], _EPOCH
                entry.due_at = self._clock() + min(self._terms.longest_wait, doubled)

    def park(self, errors: Mapping[UUID, str]) -> None:
        """See `sinks.port.Outbox.park`."""
        with self._entries(errors) as entries:
            for entry in entries:
                if entry.state == "pending":
                    entry.state, entry.last_error = "parked", errors[entry.alert_id]

    def pending(self) -> int:
        """See `sinks.port.Outbox.pending`."""
        with self._store.lock:
            return sum(entry.state == "pending" for entry in self._store.outbox.values())

    def oldest_pending_s(self) -> float:
        """See `sinks.port.Outbox.oldest_pending_s`."""
        with self._store.lock:
            arrivals = [entry.arrival_time for entry in self._store.outbox.values() if entry.state == "pending"]
        return max(0.0, (self._clock() - min(arrivals)).total_seconds()) if arrivals else 0.0

    @contextmanager
    def _entries(self, alert_ids: Iterable[UUID]) -> Iterator[list[OutboxEntry]]:
        with self._store.lock:
            yield [self._store.outbox[alert_id] for alert_id in alert_ids]

    def _claim(self, entry: OutboxEntry, now: datetime) -> OutboxAlert:
        entry.attempts += 1
        entry.claimed_until = now + self._terms.claim_for
        return OutboxAlert(entry.alert_id, entry.payload, entry.attributes, entry.attempts)

    def _suppress(self, now: datetime) -> None:
        if self._terms.max_age is None:
            return
        for entry in self._store.outbox.values():
            if entry.is_free(now) and entry.arrival_time < now - self._terms.max_age:
                entry.state, entry.suppressed_reason = "suppressed", "too_old"
