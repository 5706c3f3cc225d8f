"""The facts that histories hold, from transactions: new ones, decided ones, and what the ledger remembers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from sys import intern
from typing import NamedTuple

import numpy as np

from consumer.scoring.features.places import DOLLAR_VALUES
from schemas.decision import Decision
from schemas.history import PastTransaction
from schemas.transaction import Transaction

_NOWHERE = (math.nan, math.nan)
_MOST_CENTS = 10**12
"""Ten billion dollars: amounts above count as this, so that totals stay exact."""


class Fact(NamedTuple):
    """What a transaction leaves behind; sorts by event time, then id. `cents` are whole US cents, NaN coordinates are missing ones."""

    event_ms: int
    transaction_id: str
    cents: int
    merchant_id: str | None
    country: str | None
    device_id: str | None
    latitude: float
    longitude: float


def event_ms_of(moment: datetime) -> int:
    """Return milliseconds since 1970 of an aware time that is in milliseconds."""
    return round(moment.timestamp() * 1000)


def cents_of(amounts: Sequence[float], currencies: Sequence[str | None]) -> list[int]:
    """Return whole US cents: round-half-even(amount x dollar value x 100), at most 10^12."""
    values = np.array([DOLLAR_VALUES[currency] for currency in currencies], np.float64)
    cents = np.rint(np.array(amounts, np.float64) * values * 100.0)
    found: list[int] = np.minimum(cents, _MOST_CENTS).astype(np.int64).tolist()
    return found


def facts_of(transactions: Sequence[Transaction | Decision]) -> list[Fact]:
    """Return the facts of new or decided transactions, in their order."""
    cents = cents_of([float(t.amount) for t in transactions], [t.currency for t in transactions])
    return [
        Fact(
            event_ms_of(t.event_time),
            t.transaction_id,
            amount,
            t.merchant_id or None,
            t.location_country or None,
            t.device_id or None,
            *_place(t.location_latitude, t.location_longitude),
        )
        for t, amount in zip(transactions, cents, strict=True)
    ]


def past_facts(past: Sequence[PastTransaction]) -> list[Fact]:
    """Return the facts of transactions that the ledger remembers, in their order. Texts that come again share their memory."""
    cents = cents_of([p.amount for p in past], [p.currency for p in past])
    return [
        Fact(
            p.event_ms,
            p.transaction_id,
            amount,
            intern(p.merchant_id) if p.merchant_id else None,
            intern(p.location_country) if p.location_country else None,
            intern(p.device_id) if p.device_id else None,
            *_place(p.location_latitude, p.location_longitude),
        )
        for p, amount in zip(past, cents, strict=True)
    ]


def _place(latitude: float | None, longitude: float | None) -> tuple[float, float]:
    return _NOWHERE if latitude is None or longitude is None else (latitude, longitude)
