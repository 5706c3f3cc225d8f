"""Decides refused records after all, on the same store as the ledger in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, TypeVar

from schemas.alert import Alert
from schemas.decision import Decision
from schemas.history import NOTHING_WANTED, Wanted
from schemas.position import StreamPosition
from sinks.alerts.document import attributes_of, payload_of
from sinks.errors import DataRefusedError, PermanentSinkError, TransientSinkError
from sinks.ledger.constraints import is_storable
from sinks.ledger.memory import MemoryLedger
from sinks.ledger.memory_outbox import OutboxEntry
from sinks.port import Candidate, Delivery, Known

T = TypeVar("T")


class _Failure(NamedTuple):
    method: str
    when: Literal["before", "after"]


class MemoryReplayLedger:
    """A `sinks.port.ReplayLedger` on the store of a `MemoryLedger`; `fail_next` makes one call fail as PostgreSQL does."""

    def __init__(self, ledger: MemoryLedger) -> None:
        self._ledger, self._store = ledger, ledger.store
        self._failure: _Failure | None = None
        self._refuses_next_row = False

    def refuse_next_row(self) -> None:
        """Refuse the next decision, as the database does with a row that breaks a constraint."""
        self._refuses_next_row = True

    def fail_next(self, method: Literal["look_up", "decide", "resolve"], when: Literal["before", "after"]) -> None:
        """Raise TransientSinkError at the next call of `method`, before or after it wrote."""
        self._failure = _Failure(method, when)

    def look_up(
        self, readable: Sequence[Candidate], unreadable: Sequence[Delivery], wanted: Wanted = NOTHING_WANTED
    ) -> Known:
        """See `sinks.port.Ledger.look_up`."""
        return self._failing("look_up", lambda: self._ledger.look_up(readable, unreadable, wanted))

    def decide(self, delivery: Delivery, decision: Decision, alert: Alert | None) -> Decision | None:
        """See `sinks.port.ReplayLedger.decide`."""
        return self._failing("decide", lambda: self._decide(delivery, decision, alert))

    def resolve(self, delivery: Delivery, row: Decision) -> bool:
        """See `sinks.port.ReplayLedger.resolve`."""
        return self._failing("resolve", lambda: self._resolve(delivery, row))

    def _decide(self, delivery: Delivery, decision: Decision, alert: Alert | None) -> Decision | None:
        with self._store.lock:
            if self._is_resolved(delivery):
                return None
            standing = self._decision_at(delivery.position) or self._store.decisions.get(decision.identity)
            return standing or self._insert(decision, alert)

    def _resolve(self, delivery: Delivery, row: Decision) -> bool:
        with self._store.lock:
            if self._is_resolved(delivery):
                return True
            standing = self._decision_at(delivery.position)
            if standing is not None and standing.identity != row.identity:
                return False
            self._store.resolved.add(delivery.position)
            return True

    def _is_resolved(self, delivery: Delivery) -> bool:
        if delivery.position not in self._store.refusals:
            raise PermanentSinkError("the ledger has no refusal of this record: is it the ledger of this dead letter?")
        return delivery.position in self._store.resolved

    def _decision_at(self, position: StreamPosition) -> Decision | None:
        return next((row for row in self._store.decisions.values() if row.position == position), None)

    def _insert(self, decision: Decision, alert: Alert | None) -> Decision:
        is_refused, self._refuses_next_row = self._refuses_next_row, False
        if is_refused or not is_storable(decision):
            raise DataRefusedError("the ledger refuses a row")
        self._store.decisions[decision.identity] = decision
        self._store.replayed.add(decision.position)
        if alert is not None:
            kept = OutboxEntry(alert.alert_id, payload_of(alert), attributes_of(alert), decision.arrival_time)
            kept.state, kept.suppressed_reason = "suppressed", "replayed"
            self._store.outbox.setdefault(alert.alert_id, kept)
        return decision

    def _failing(self, method: str, call: Callable[[], T]) -> T:
        failure = self._failure if self._failure and self._failure.method == method else None
        self._failure = None if failure else self._failure
        if failure and failure.when == "before":
            raise TransientSinkError("the ledger cannot be reached")
        result = call()
        if failure:
            raise TransientSinkError("the connection died inside COMMIT")
        return result
