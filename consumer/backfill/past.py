"""The past as backfill has it: every user's history from nothing on, and merchants' hours with labels as they become known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from consumer.backfill.labels import Label
from schemas.history import (
    HOUR_MS,
    LABEL_DELAY_DAYS,
    MERCHANT_WINDOW_DAYS,
    MerchantHour,
    MerchantWindows,
    PastTransaction,
)
from schemas.transaction import Transaction
from sinks.ledger.memory_merchants import MemoryMerchants

_DAY_HOURS = 24
_REACH_HOURS = (LABEL_DELAY_DAYS + MERCHANT_WINDOW_DAYS[-1]) * _DAY_HOURS
MAX_SPAN_MS = (LABEL_DELAY_DAYS * _DAY_HOURS - 1) * HOUR_MS
"""Events that lie closer together than this never see one another in a merchant's windows: so far may a batch reach."""


class Accepted(NamedTuple):
    """An event that is decided now: its number in the journal, itself, its time in ms since 1970 and what is known of it later."""

    number: int
    transaction: Transaction
    event_ms: int
    label: Label


class Past:
    """See `consumer.scoring.features.memory.Past`. `is_sorted`: events come by event time, so that old hours can be forgotten."""

    def __init__(self, *, is_sorted: bool) -> None:
        self._merchants = MemoryMerchants()
        self.is_sorted, self._last_day = is_sorted, 0

    def history(self, user_id: str) -> Sequence[PastTransaction]:
        """Return nothing: a user who is asked for here is new, as the memory of a backfill forgets nobody."""
        del user_id
        return ()

    def merchant(self, asked: MerchantHour) -> MerchantWindows:
        """Return the merchant's windows by what was settled so far. A fraud shows only to hours after it became known."""
        return self._merchants.windows(asked)

    def settle(self, batch: Iterable[Accepted]) -> None:
        """Take what was decided."""
        hour = 0
        for _, transaction, event_ms, label in batch:
            if transaction.merchant_id:
                hour = event_ms // HOUR_MS
                self._merchants.add(transaction.merchant_id, hour)
                if label.fraud == 1:
                    self._merchants.add_fraud(transaction.merchant_id, hour, label.known_ms // HOUR_MS)
        if self.is_sorted and hour // _DAY_HOURS > self._last_day:
            self._last_day = hour // _DAY_HOURS
            self._merchants.forget_before(hour - _REACH_HOURS - _DAY_HOURS)


def spans(batch: Sequence[Accepted]) -> Iterable[Sequence[Accepted]]:
    """Yield the batch in parts of which none reaches further than `MAX_SPAN_MS`."""
    start, first_ms = 0, batch[0].event_ms if batch else 0
    for at, accepted in enumerate(batch):
        first_ms = min(first_ms, accepted.event_ms)
        if accepted.event_ms - first_ms > MAX_SPAN_MS:
            yield batch[start:at]
            start, first_ms = at, accepted.event_ms
    if batch[start:]:
        yield batch[start:]
