"""The oracle in plain Python: every vector from the whole past of its user, with no state kept but the rows themselves."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from operator import attrgetter
from typing import NamedTuple

import numpy as np

from consumer.scoring.features.places import DOLLAR_VALUES
from tests.oracle.ledger_rows import (
    DAY_MS,
    EARTH_KM,
    HOUR_MS,
    LABEL_DELAY_HOURS,
    MINUTE_MS,
    MOST_CENTS,
    NAMES,
    NEWEST,
    KnownFraud,
    LedgerRow,
    Vectors,
)

_NAN = math.nan
_WINDOWS_MS = (10 * MINUTE_MS, HOUR_MS, DAY_MS, 7 * DAY_MS, 30 * DAY_MS)
_MERCHANT_WINDOWS_HOURS = (24, 7 * 24, 30 * 24)
_FINE = 2.0**30


class _Past(NamedTuple):
    """The rows of a user's history that are not too old for an event and not later, ascending, and what they are worth."""

    rows: Sequence[LedgerRow]
    cents: Sequence[int]

    def since(self, moment_ms: int) -> Sequence[int]:
        """Return what the rows after a moment are worth."""
        return self.cents[bisect_right(self.rows, moment_ms, key=attrgetter("event_ms")) :]


def vectors(rows: Sequence[LedgerRow], frauds: Sequence[KnownFraud] = ()) -> Vectors:
    """Return the vector of each row, whose past is the rows before it in `rows`; merchants are seen as they are in the end.

    Raises ValueError if an identity occurs twice: a ledger has one row of each.
    """
    if len({(row.transaction_id, row.event_ms) for row in rows}) < len(rows):
        raise ValueError("the rows of a ledger have distinct identities")
    earlier: dict[str, list[LedgerRow]] = defaultdict(list)
    merchants = _Merchants(rows, frauds)
    out = np.empty((len(rows), len(NAMES)), np.float32)
    for number, row in enumerate(rows):
        ascending = earlier[row.user_id]
        out[number] = [*_seen_by(row, ascending[-NEWEST:]), *merchants.seen_by(row)]
        insort(ascending, row, key=attrgetter("event_ms", "transaction_id"))
    return out


def cents_of(row: LedgerRow) -> int:
    """Return what a row's amount is worth in whole US cents, half a cent to the even one, at most ten thousand million dollars."""
    return min(round(row.amount * DOLLAR_VALUES[row.currency] * 100), MOST_CENTS)


def _seen_by(row: LedgerRow, history: Sequence[LedgerRow]) -> Iterator[float]:
    rows = [one for one in history if row.event_ms - 30 * DAY_MS < one.event_ms <= row.event_ms]
    past, current = _Past(rows, [cents_of(one) for one in rows]), cents_of(row)
    for window_ms in _WINDOWS_MS:
        yield from _sums([*past.since(row.event_ms - window_ms), current])
    yield from _comparisons(current, past.since(row.event_ms - 7 * DAY_MS))
    yield from _comparisons(current, past.cents)
    yield _large([*past.since(row.event_ms - 14 * DAY_MS), current], [*past.cents, current])
    yield (row.event_ms - rows[-1].event_ms) / 1000 if rows else _NAN
    yield _is_new(row.device_id, {one.device_id for one in rows})
    yield _is_new(row.country, {one.country for one in rows})
    yield _is_new(row.merchant_id, {one.merchant_id for one in rows})
    yield from _travel(row, rows)


def _sums(cents: Sequence[int]) -> tuple[float, float, float]:
    n, total = len(cents), sum(cents)
    return n, total / 100, total / n / 100


def _comparisons(current: int, earlier: Sequence[int]) -> tuple[float, float]:
    """The ratio to the mean of earlier amounts, and how many (sample) standard deviations lie between."""
    n, total, squares = len(earlier), sum(earlier), sum(cents * cents for cents in earlier)
    ratio = current * n / total if total else _NAN
    spread = n * squares - total * total
    if n < 2 or not spread:
        return ratio, _NAN
    return ratio, (float(n * current - total) / n) / math.sqrt(float(spread) / (n * (n - 1)))


def _large(fortnight: Sequence[int], month: Sequence[int]) -> int:
    n, total = len(month), sum(month)
    return sum(2 * cents * n > 5 * total for cents in fortnight)


def _is_new(text: str | None, seen: Collection[str | None]) -> float:
    return float(text not in seen) if text else _NAN


def _travel(row: LedgerRow, past: Sequence[LedgerRow]) -> tuple[float, float]:
    located = [one for one in past if _is_located(one)]
    if not located or not _is_located(row):
        return _NAN, _NAN
    here, there = _unit_vector(row), _unit_vector(located[-1])
    x, y, z = (a - b for a, b in zip(here, there, strict=True))
    distance = EARTH_KM * math.sqrt(x * x + y * y + z * z)
    return distance, distance / max((row.event_ms - located[-1].event_ms) / 1000, 1.0) * 3600


def _is_located(row: LedgerRow) -> bool:
    return row.latitude is not None and row.longitude is not None


def _unit_vector(row: LedgerRow) -> tuple[float, float, float]:
    latitude, longitude = math.radians(row.latitude or 0.0), math.radians(row.longitude or 0.0)
    up, out = _quantised(math.sin(latitude)), _quantised(math.cos(latitude))
    return out * _quantised(math.cos(longitude)), out * _quantised(math.sin(longitude)), up


def _quantised(value: float) -> float:
    return round(value * _FINE) / _FINE


class _Merchants:
    """The hours of every merchant's rows, and of those that were known to be fraud the hour in which that was known first."""

    def __init__(self, rows: Sequence[LedgerRow], frauds: Sequence[KnownFraud]) -> None:
        known: dict[tuple[str, int], int] = {}
        for fraud in frauds:
            identity = fraud.transaction_id, fraud.event_ms
            known[identity] = min(fraud.known_ms, known.get(identity, fraud.known_ms))
        self._hours: dict[str, list[int]] = defaultdict(list)
        self._frauds: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for row in rows:
            if row.merchant_id:
                hour = row.event_ms // HOUR_MS
                insort(self._hours[row.merchant_id], hour)
                if (known_ms := known.get((row.transaction_id, row.event_ms))) is not None:
                    self._frauds[row.merchant_id].append((hour, known_ms // HOUR_MS))

    def seen_by(self, row: LedgerRow) -> Sequence[float]:
        """Return three counts and three shares."""
        if not row.merchant_id:
            return [_NAN] * 6
        now = row.event_ms // HOUR_MS
        end = now - LABEL_DELAY_HOURS
        hours, frauds = self._hours[row.merchant_id], self._frauds[row.merchant_id]
        starts = [end - window for window in _MERCHANT_WINDOWS_HOURS]
        counts = [bisect_left(hours, end) - bisect_left(hours, start) for start in starts]
        known = [sum(start <= hour < end and at < now for hour, at in frauds) for start in starts]
        return [*counts, *(k / n if n else _NAN for k, n in zip(known, counts, strict=True))]
