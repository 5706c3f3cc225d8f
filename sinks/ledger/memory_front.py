"""The front door's questions in memory, on the same store as the ledger in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import Lock
from typing import Protocol

from schemas.decision import Decision, Identity
from schemas.position import StreamPosition
from sinks.errors import DataRefusedError, TransientSinkError
from sinks.front import Found, Pending, Reservation, Standing, Verdict
from sinks.ledger.constraints import is_storable_reservation
from sinks.ledger.front import verdicts_of
from sinks.port import Refusal


class HoldsFront(Protocol):
    """The store: decisions, verdicts on positions, reservations by transaction id, and the lock on all of them."""

    lock: Lock
    decisions: dict[Identity, Decision]
    refusals: dict[StreamPosition, Refusal]
    reservations: dict[str, Reservation]


class MemoryFront:
    """A `sinks.front.FrontLedger` on a memory store, which can be told to fail as PostgreSQL does."""

    def __init__(self, store: HoldsFront, *, dedup_horizon: timedelta = timedelta(hours=24)) -> None:
        self._store = store
        self._horizon = dedup_horizon
        self._failures_left = 0
        self._answers_to_lose = 0

    def fail_next(self, calls: int = 1) -> None:
        """Raise TransientSinkError at the next `calls` calls, before anything is written."""
        self._failures_left = calls

    def lose_next_answer(self, calls: int = 1) -> None:
        """Write the next `calls` batches of reservations, then raise TransientSinkError: the connection died inside COMMIT."""
        self._answers_to_lose = calls

    def reserve(self, asked: Sequence[Reservation]) -> Sequence[Standing]:
        """See `sinks.front.FrontLedger.reserve`."""
        if not asked:
            return ()
        with self._call():
            if not all(map(is_storable_reservation, asked)):
                raise DataRefusedError("the ledger refuses a row")
            are_new = [self._insert(reservation) for reservation in asked]
            self._lose_answer()
            return [self._standing(*each) for each in zip(asked, are_new, strict=True)]

    def settled(self, pending: Sequence[Pending]) -> Mapping[Identity, Verdict]:
        """See `sinks.front.FrontLedger.settled`."""
        if not pending:
            return {}
        with self._call():
            decisions = self._store.decisions
            asked = {each.identity for each in pending}
            decided = {identity: decisions[identity] for identity in asked if identity in decisions}
            return verdicts_of(pending, decided, self._store.refusals)

    def find(self, transaction_id: str) -> Found:
        """See `sinks.front.FrontLedger.find`."""
        with self._call():
            return Found(_in_order(self._decisions_of(transaction_id)), self._store.reservations.get(transaction_id))

    def check(self) -> None:
        """See `sinks.front.FrontLedger.check`."""
        with self._call():
            return

    def close(self) -> None:
        """See `sinks.front.FrontLedger.close`. Nothing is open."""

    @contextmanager
    def _call(self) -> Iterator[None]:
        with self._store.lock:
            if self._failures_left:
                self._failures_left -= 1
                raise TransientSinkError("the ledger cannot be reached")
            yield

    def _insert(self, asked: Reservation) -> bool:
        is_taken = asked.transaction_id in self._store.reservations
        if is_taken or self._near(asked.transaction_id, asked.event_time):
            return False
        self._store.reservations[asked.transaction_id] = asked
        return True

    def _standing(self, asked: Reservation, is_new: bool) -> Standing:  # noqa: FBT001 - one of a pair
        standing = self._store.reservations.get(asked.transaction_id)
        return Standing(standing, is_new, self._near(asked.transaction_id, (standing or asked).event_time))

    def _near(self, transaction_id: str, moment: datetime) -> tuple[Decision, ...]:
        rows = self._decisions_of(transaction_id)
        return _in_order(row for row in rows if abs(row.event_time - moment) <= self._horizon)

    def _decisions_of(self, transaction_id: str) -> list[Decision]:
        return [row for row in self._store.decisions.values() if row.transaction_id == transaction_id]

    def _lose_answer(self) -> None:
        if self._answers_to_lose:
            self._answers_to_lose -= 1
            raise TransientSinkError("the connection died inside COMMIT")


def _in_order(rows: Iterable[Decision]) -> tuple[Decision, ...]:
    return tuple(sorted(rows, key=lambda row: row.event_time))
