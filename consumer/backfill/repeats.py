"""Resends in history: decided once, refused where they conflict, by the rule of `consumer.batch`; a test holds them to one another."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum
from typing import NamedTuple

from schemas.transaction import Transaction


class Standing(Enum):
    """What an event is beside those decided before it."""

    NEW = "new"
    REPEATED = "repeated"
    CONFLICTING = "conflicting_resend"


class _Decided(NamedTuple):
    event_time: datetime
    content_hash: bytes


class Repeats:
    """Remembers the decided events of the ids that occur more than once. `horizon`: how far apart two times of one id conflict."""

    def __init__(self, horizon: timedelta = timedelta(hours=24)) -> None:
        self._horizon = horizon
        self._decided: dict[str, list[_Decided]] = {}

    def judge(self, transaction: Transaction) -> Standing:
        """Return what the event is; one that is new counts as decided from now on."""
        decided = self._decided.setdefault(transaction.transaction_id, [])
        this = _Decided(transaction.event_time, transaction.content_hash)
        if this in decided:
            return Standing.REPEATED
        if any(abs(other.event_time - this.event_time) <= self._horizon for other in decided):
            return Standing.CONFLICTING
        decided.append(this)
        return Standing.NEW
