"""What the oracles of the velocity features are given: ledger rows in the order in which they were committed, and known frauds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from schemas.decision import Decision

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND_MS, MINUTE_MS, HOUR_MS, DAY_MS = 1_000, 60_000, 3_600_000, 86_400_000
MOST_CENTS = 10**12
NEWEST = 2_000
LABEL_DELAY_HOURS = 7 * 24
EARTH_KM = 6371.0

NAMES = (
    *(f"user_{what}_{window}" for window in ("10m", "1h", "1d", "7d", "30d") for what in ("count", "sum", "mean")),
    *(f"user_amount_{what}_{window}" for window in ("7d", "30d") for what in ("ratio", "z")),
    "user_large_count_14d",
    "user_seconds_since_last",
    "user_new_device",
    "user_new_country",
    "user_new_merchant",
    "user_distance_km",
    "user_speed_kmh",
    *(f"merchant_{what}_{window}" for what in ("count", "fraud_share") for window in ("1d", "7d", "30d")),
)
"""The velocity columns of `velocity/1`, in their order."""


class LedgerRow(NamedTuple):
    """A decided transaction: its identity is (transaction_id, event_ms); missing texts are None or empty."""

    transaction_id: str
    event_ms: int
    user_id: str
    amount: float = 1.0
    currency: str | None = None
    merchant_id: str | None = None
    country: str | None = None
    device_id: str | None = None
    latitude: float | None = None
    longitude: float | None = None


class KnownFraud(NamedTuple):
    """A label `is_fraud` of a ledger row, and when it was known."""

    transaction_id: str
    event_ms: int
    known_ms: int


Vectors = npt.NDArray[np.float32]
"""Shape [rows, len(NAMES)]; NaN stands for a missing value."""


def milliseconds(moment: datetime) -> int:
    """Return a moment (aware) as whole milliseconds since 1970, UTC."""
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000 + since.microseconds // 1_000


def ledger_rows(decisions: Iterable[Decision]) -> list[LedgerRow]:
    """Return decisions as rows, in their order."""
    return [
        LedgerRow(
            d.transaction_id,
            milliseconds(d.event_time),
            d.user_id,
            float(d.amount),
            d.currency,
            d.merchant_id,
            d.location_country,
            d.device_id,
            d.location_latitude,
            d.location_longitude,
        )
        for d in decisions
    ]


def differences(expected: Vectors, found: Vectors, rows: list[LedgerRow]) -> Iterator[str]:
    """Tell every cell that is not the same bit for bit; any NaN equals any other."""
    is_same = (expected.view(np.uint32) == found.view(np.uint32)) | (np.isnan(expected) & np.isnan(found))
    for row, column in zip(*np.nonzero(~is_same), strict=True):
        yield f"row {row} {rows[row]}: {NAMES[column]} is {found[row, column]!r}, not {expected[row, column]!r}"
