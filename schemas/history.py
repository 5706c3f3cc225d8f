"""What features ask of the past and what they get: a user's earlier transactions and a merchant's closed hours."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from schemas.decision import Decision
from schemas.transaction import Transaction

NEWEST = 2_000
"""How many of a user's transactions are looked at: the newest by (event time, transaction id), however many there are."""
LABEL_DELAY_DAYS = 7
"""A merchant's windows end this long before the event: labels need that time, and all shards have long committed those hours."""
MERCHANT_WINDOW_DAYS = (1, 7, 30)
HOUR_MS = 3_600_000
_1970 = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class PastTransaction(NamedTuple):
    """What a decided transaction leaves behind for later ones of its user; identified by `transaction_id` and `event_ms`."""

    transaction_id: str
    event_ms: int
    """Event time in milliseconds since 1970, UTC."""
    amount: float
    """The float64 nearest to the decimal amount, in units of the currency."""
    currency: str | None
    merchant_id: str | None
    location_country: str | None
    device_id: str | None
    location_latitude: float | None
    location_longitude: float | None


def past_of(decided: Decision | Transaction) -> PastTransaction:
    """Return what a transaction leaves behind."""
    return PastTransaction(
        transaction_id=decided.transaction_id,
        event_ms=(decided.event_time - _1970) // _MILLISECOND,
        amount=float(decided.amount),
        currency=decided.currency,
        merchant_id=decided.merchant_id,
        location_country=decided.location_country,
        device_id=decided.device_id,
        location_latitude=decided.location_latitude,
        location_longitude=decided.location_longitude,
    )


class MerchantHour(NamedTuple):
    """A merchant as seen by an event of this hour (whole hours since 1970, UTC)."""

    merchant_id: str
    hour: int


class MerchantWindows(NamedTuple):
    """How many transactions a merchant had in each of `MERCHANT_WINDOW_DAYS`, and how many of them were known to be fraud.

    The windows are whole hours and end `LABEL_DELAY_DAYS` before the asking event's hour, which they leave out; a label counts if it
    was known before the asking event's hour began.
    """

    counts: tuple[int, int, int]
    frauds: tuple[int, int, int]


class Wanted(NamedTuple):
    """The past that a batch needs: `users` with the time (ms since 1970) after which their transactions matter, and merchants."""

    users: Mapping[str, int]
    merchants: Collection[MerchantHour]


NOTHING_WANTED = Wanted({}, ())
