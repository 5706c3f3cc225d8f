"""Labels and the roll-up in memory, on the same store as the ledger in memory."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from threading import Lock
from typing import Protocol

from schemas.decision import Decision, Identity
from schemas.label import Label
from sinks.feedback import LabelOutcome, RollUpLag, StoredLabel
from sinks.ledger.feedback_rules import Decided, behind_s, due_hour, first_kept_hour, hour_of, judge, settle
from sinks.ledger.memory_merchants import MemoryMerchants


class HoldsFeedback(Protocol):
    """The store: decisions, labels in the order in which they became known, merchants' hours, and the lock on all of them."""

    lock: Lock
    decisions: dict[Identity, Decision]
    labels: list[StoredLabel]
    merchants: MemoryMerchants
    hours_until: int


class MemoryLabels:
    """A `sinks.feedback.Labels` on a memory store. `clock` gives aware UTC."""

    def __init__(self, store: HoldsFeedback, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock

    def put(self, labels: Sequence[Label], *, is_dry_run: bool = False) -> Sequence[LabelOutcome]:
        """See `sinks.feedback.Labels.put`."""
        with self._store.lock:
            events = _decided(self._store.decisions, {label.transaction_id for label in labels})
            verdicts = [*judge(labels, events, self._store.labels, self._clock())]
            if not is_dry_run:
                self._store.labels += [verdict.stored for verdict in verdicts if verdict.stored is not None]
            return [verdict.outcome for verdict in verdicts]

    def find(self, transaction_id: str) -> Sequence[StoredLabel]:
        """See `sinks.feedback.Labels.find`."""
        with self._store.lock:
            return [label for label in self._store.labels if label.transaction_id == transaction_id]


class MemoryRollUp:
    """A `sinks.feedback.MerchantRollUp` on a memory store. A step settles all labels that are due."""

    def __init__(self, store: HoldsFeedback) -> None:
        self._store = store

    def take_step(self, now: datetime) -> bool:
        """See `sinks.feedback.MerchantRollUp.take_step`."""
        with self._store.lock:
            return self._settle_labels(now) or self._count_hour(now)

    def lag(self, now: datetime) -> RollUpLag:
        """See `sinks.feedback.MerchantRollUp.lag`."""
        with self._store.lock:
            times = [label.due_at for label in self._store.labels if label.due_at is not None]
            oldest_due = min((due_at for due_at in times if due_at <= now), default=None)
            waiting = sum(due_at > now for due_at in times)
            return RollUpLag(behind_s(self._store.hours_until, oldest_due, now), waiting)

    def _settle_labels(self, now: datetime) -> bool:
        due = {label.transaction_id for label in self._store.labels if label.due_at is not None and label.due_at <= now}
        labels = [label for label in self._store.labels if label.transaction_id in due]
        settlement = settle(labels, _decided(self._store.decisions, due), now)
        after = dict(settlement.changes)
        self._store.labels = [after.get(label, label) for label in self._store.labels]
        for (merchant_id, hour, known_hour), number in settlement.frauds.items():
            for _ in range(number):
                self._store.merchants.add_fraud(merchant_id, hour, known_hour)
        return bool(due)

    def _count_hour(self, now: datetime) -> bool:
        hour = due_hour(self._store.hours_until, now)
        if hour is None:
            return False
        for merchant_id in _merchants_of(self._store.decisions.values(), hour):
            self._store.merchants.add(merchant_id, hour)
        self._store.merchants.forget_before(first_kept_hour(now))
        self._store.hours_until = hour + 1
        return True


def _decided(decisions: Mapping[Identity, Decision], transaction_ids: Collection[str]) -> Decided:
    events: dict[str, dict[datetime, str | None]] = {}
    for (transaction_id, event_time), decision in decisions.items():
        if transaction_id in transaction_ids:
            events.setdefault(transaction_id, {})[event_time] = decision.merchant_id
    return events


def _merchants_of(decisions: Iterable[Decision], hour: int) -> list[str]:
    return [d.merchant_id for d in decisions if d.merchant_id and hour_of(d.event_time) == hour]
