"""The ledger in memory: the same contract, several handles on one store, and the failures that the real one has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import Lock

from schemas.alert import Alert
from schemas.decision import Decision, Identity
from schemas.history import NOTHING_WANTED, Wanted
from schemas.position import StreamPosition
from sinks.alerts.document import attributes_of, payload_of
from sinks.errors import DataRefusedError, OvertakenError, TransientSinkError
from sinks.feedback import StoredLabel
from sinks.front import ApiKey, Reservation
from sinks.ledger.constraints import is_storable
from sinks.ledger.histories import histories_of
from sinks.ledger.memory_merchants import MemoryMerchants
from sinks.ledger.memory_outbox import OutboxEntries, OutboxEntry
from sinks.ledger.rows import storable
from sinks.port import Candidate, Delivery, Known, Refusal


class MemoryStore:
    """What outlives a worker: give the same store to several ledgers to have several incarnations. Safe between threads.

    A commit leaves `merchants` alone: as with PostgreSQL, somebody rolls closed hours and labels up.
    """

    def __init__(self) -> None:
        self.lock = Lock()
        self.decisions: dict[Identity, Decision] = {}
        self.refusals: dict[StreamPosition, Refusal] = {}
        self.replayed: set[StreamPosition] = set()
        self.resolved: set[StreamPosition] = set()
        self.outbox: OutboxEntries = {}
        self.merchants = MemoryMerchants()
        self.labels: list[StoredLabel] = []
        self.hours_until = 0
        self.reservations: dict[str, Reservation] = {}
        self.api_keys: dict[str, ApiKey] = {}


class MemoryLedger:
    """A `sinks.port.Ledger` on a `MemoryStore`, which can be told to fail as PostgreSQL does."""

    def __init__(self, store: MemoryStore | None = None, *, dedup_horizon: timedelta = timedelta(hours=24)) -> None:
        self.store = store or MemoryStore()
        self._horizon = dedup_horizon
        self._failures_left = 0
        self._answers_to_lose = 0
        self._refused_ids: set[str] = set()

    def fail_next(self, calls: int = 1) -> None:
        """Raise TransientSinkError at the next `calls` calls, before anything is written."""
        self._failures_left = calls

    def lose_next_answer(self, commits: int = 1) -> None:
        """Write the next `commits` batches, then raise TransientSinkError: the connection died inside COMMIT."""
        self._answers_to_lose = commits

    def refuse_transaction(self, transaction_id: str) -> None:
        """Refuse every batch that holds this transaction, as the database does with a row that breaks a constraint."""
        self._refused_ids.add(transaction_id)

    def look_up(
        self, readable: Sequence[Candidate], unreadable: Sequence[Delivery], wanted: Wanted = NOTHING_WANTED
    ) -> Known:
        """See `sinks.port.Ledger.look_up`."""
        with self._call():
            positions = [*(each.position for each in readable), *(each.position for each in unreadable)]
            refusals = self.store.refusals
            return Known(
                {position: refusals[position] for position in positions if position in refusals},
                tuple(self._rows_of(readable, unreadable)),
                histories_of(self.store.decisions.values(), wanted.users) if wanted.users else {},
                {asked: self.store.merchants.windows(asked) for asked in wanted.merchants},
            )

    def commit(
        self, decisions: Sequence[Decision], alerts: Sequence[Alert], refusals: Sequence[Refusal]
    ) -> Mapping[Identity, Decision]:
        """See `sinks.port.Ledger.commit`."""
        with self._call():
            self._require_unchanged(decisions, refusals)
            self._refuse_bad_rows(decisions)
            inserted = {d.identity: d for d in decisions if d.identity not in self.store.decisions}
            self.store.decisions.update(inserted)
            self._put_into_outbox(alerts, inserted)
            for refusal in refusals:
                self.store.refusals.setdefault(refusal.position, storable(refusal))
            self._lose_answer()
            return {decision.identity: self.store.decisions[decision.identity] for decision in decisions}

    @contextmanager
    def _call(self) -> Iterator[None]:
        with self.store.lock:
            if self._failures_left:
                self._failures_left -= 1
                raise TransientSinkError("the ledger cannot be reached")
            yield

    def _rows_of(self, readable: Sequence[Candidate], unreadable: Sequence[Delivery]) -> Iterator[Decision]:
        asked: dict[str, list[datetime]] = {}
        for candidate in readable:
            asked.setdefault(candidate.identity.transaction_id, []).append(candidate.identity.event_time)
        deliveries = set(unreadable)
        for row in self.store.decisions.values():
            is_near = any(abs(row.event_time - time) <= self._horizon for time in asked.get(row.transaction_id, ()))
            if is_near or Delivery(row.position, row.arrival_time) in deliveries:
                yield row

    def _require_unchanged(self, decisions: Sequence[Decision], refusals: Sequence[Refusal]) -> None:
        decided = {decision.position for decision in self.store.decisions.values()}
        is_refused = any(decision.position in self.store.refusals for decision in decisions)
        if is_refused or any(refusal.position in decided for refusal in refusals):
            raise OvertakenError
        if any(self.store.refusals.get(refusal.position, refusal) != refusal for refusal in map(storable, refusals)):
            raise OvertakenError

    def _refuse_bad_rows(self, decisions: Sequence[Decision]) -> None:
        for decision in decisions:
            if decision.transaction_id in self._refused_ids or not is_storable(decision):
                raise DataRefusedError("the ledger refuses a row")

    def _put_into_outbox(self, alerts: Sequence[Alert], inserted: Mapping[Identity, Decision]) -> None:
        for alert in alerts:
            decision = inserted.get(Identity(alert.transaction_id, alert.event_time))
            if decision is not None:
                entry = OutboxEntry(alert.alert_id, payload_of(alert), attributes_of(alert), decision.arrival_time)
                self.store.outbox.setdefault(alert.alert_id, entry)

    def _lose_answer(self) -> None:
        if self._answers_to_lose:
            self._answers_to_lose -= 1
            raise TransientSinkError("the connection died inside COMMIT")
