"""One user's earlier transactions, sorted by event time and id, and what an event sees of them: the definition, one event at a time.

Nothing is kept beside the facts: whatever order they arrived, were loaded or taken back in, the same facts are the same bits.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from operator import mul
from typing import TypeAlias

from consumer.scoring.features.facts import WIDTH, Fact
from consumer.scoring.features.texts import NO_TEXT
from schemas.history import NEWEST

MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
WINDOWS_MS = (10 * MINUTE_MS, HOUR_MS, DAY_MS, 7 * DAY_MS, 30 * DAY_MS)
TEN_MINUTES_MS, _, _, WEEK_MS, MONTH_MS = WINDOWS_MS
FORTNIGHT_MS = 14 * DAY_MS
KEPT_MS = 38 * DAY_MS
"""Thirty days of windows for events that may be seven days late, and a day."""
_MISSING = math.nan
_WORTH_A_LOOK = 16
_SQUARES_FIT = 1 << 26
_NO_PLACE = (_MISSING,) * 5
_TIME, _CENTS, _MERCHANT, _COUNTRY, _DEVICE, _LATITUDE, _ = range(WIDTH)

Raw: TypeAlias = tuple[float, ...]
"""What one event sees of its user's past, see `UserHistory.recall`."""
RAW_WIDTH = 24
_Starts: TypeAlias = tuple[int, int, int, int, int]


class UserHistory:
    """A set of `Fact`s keyed by (event time, id), of which the `NEWEST` newest count. Everything after `since_ms` is in it.

    The numbers of all facts lie in one array, `numbers`, one fact after the other: many histories are read as one matrix.
    """

    __slots__ = ("_crowded_at", "_ids", "numbers", "since_ms")

    def __init__(self, since_ms: float, ids: Sequence[str] = (), numbers: bytes = b"") -> None:
        """Take ids and numbers (see `facts.WIDTH`) in ascending order."""
        self.since_ms = since_ms
        self.numbers = array("d", numbers)
        self._ids = list(ids)
        self._crowded_at = 0

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def last_ms(self) -> float:
        """The newest event time; of an empty history minus infinity."""
        return self.numbers[-WIDTH] if self._ids else -math.inf

    @property
    def is_crowded(self) -> bool:
        """Whether it grew so much since the last `prune` that another look is worth the work."""
        return len(self._ids) >= self._crowded_at

    def append(self, transaction_id: str, numbers: bytes) -> int:
        """Put a fact behind all others, where it must belong, and return its number."""
        at = len(self._ids)
        self.numbers.frombytes(numbers)
        self._ids.append(transaction_id)
        return at

    def add(self, fact: Fact) -> bool:
        """Put the fact in its place; False if it is there already."""
        if fact.event_ms > self.last_ms:
            self.append(fact.transaction_id, fact.numbers.tobytes())
            return True
        at, is_there = self._place(fact.event_ms, fact.transaction_id)
        if not is_there:
            self.numbers[at * WIDTH : at * WIDTH] = fact.numbers
            self._ids.insert(at, fact.transaction_id)
        return not is_there

    def remove(self, event_ms: int, transaction_id: str) -> None:
        """Take the fact out, if it is there."""
        at, is_there = self._place(event_ms, transaction_id)
        if is_there:
            del self.numbers[at * WIDTH : (at + 1) * WIDTH], self._ids[at]

    def prune(self) -> int:
        """Forget what no event can ask for, and return how many that was.

        That is what lies beyond the `NEWEST` newest, and what is older than `KEPT_MS` before the newest.
        """
        times = self.numbers[::WIDTH]
        cut = max(0, len(times) - NEWEST, bisect_right(times, self.last_ms - KEPT_MS))
        if cut:
            self.since_ms = max(self.since_ms, self.last_ms - KEPT_MS)
            del self.numbers[: cut * WIDTH], self._ids[:cut]
        self._crowded_at = len(self) + max(_WORTH_A_LOOK, len(self) // 4)
        return cut

    def recall(self, fact: Fact) -> Raw:
        """Return what an event with these facts sees; it must not be in the history.

        count and cents of the five `WINDOWS_MS`, itself included (10 values); ratio and z-score of its amount against the earlier ones
        of 7 and of 30 days (4); large amounts in 14 days (1); seconds since the last (1); new device, country, merchant (3); latitude
        and longitude of the last located one and of itself, seconds between (5). NaN where there is nothing to tell.
        """
        times, event_ms = self.numbers[::WIDTH], fact.event_ms
        end = bisect_right(times, event_ms)
        month = bisect_right(times, event_ms - MONTH_MS, max(0, min(len(times) - NEWEST, end)), end)
        if month == end:
            return _first(fact)
        return (
            *self._amounts(fact.cents, month, end, _starts(times, event_ms, month, end)),
            (event_ms - times[end - 1]) / 1000,
            self._is_new(_DEVICE, fact.device, month, end),
            self._is_new(_COUNTRY, fact.country, month, end),
            self._is_new(_MERCHANT, fact.merchant, month, end),
            *self._find_place(fact, month, end),
        )

    def _amounts(self, own: int, month: int, end: int, starts: _Starts) -> Raw:
        """Return the windows' counts and cents, the ratios and z-scores, and how many amounts are large."""
        fortnight, week, day, hour, minutes = starts
        cents = self._cents(month, end)
        recent, older = cents[week - month :], cents[: week - month]
        total_10m = sum(cents[minutes - month :])
        total_1h = sum(cents[hour - month : minutes - month], total_10m)
        total_1d = sum(cents[day - month : hour - month], total_1h)
        total_7d = sum(cents[week - month : day - month], total_1d)
        total_30d = sum(older, total_7d)
        squares = sum(map(mul, recent, recent))
        return (
            end + 1 - minutes, total_10m + own,
            end + 1 - hour, total_1h + own,
            end + 1 - day, total_1d + own,
            end + 1 - week, total_7d + own,
            end + 1 - month, total_30d + own,
            *compare(own, end - week, total_7d, squares),
            *compare(own, end - month, total_30d, sum(map(mul, older, older), squares)),
            _count_large(own, cents[fortnight - month :], end + 1 - month, int(total_30d) + own),
        )  # fmt: skip

    def _cents(self, month: int, end: int) -> list[float]:
        """Return the amounts: as floats where all that is made of their squares is exact in a float64, else as integers."""
        cents = self._column(_CENTS, month, end).tolist()
        return cents if (end - month) * max(cents) < _SQUARES_FIT else list(map(int, cents))

    def _column(self, number: int, start: int, end: int) -> array[float]:
        return self.numbers[start * WIDTH + number : end * WIDTH : WIDTH]

    def _is_new(self, number: int, code: int, month: int, end: int) -> float:
        """Say whether a device, a country or a merchant is new since `month`; NaN if the event does not say which it is."""
        if code == NO_TEXT:
            return _MISSING
        return self.numbers[(end - 1) * WIDTH + number] != code and code not in self._column(number, month, end)

    def _find_place(self, fact: Fact, month: int, end: int) -> Raw:
        if math.isnan(fact.latitude):
            return _NO_PLACE
        numbers = self.numbers
        for at in range((end - 1) * WIDTH, (month - 1) * WIDTH, -WIDTH):
            latitude = numbers[at + _LATITUDE]
            if not math.isnan(latitude):
                seconds = (fact.event_ms - numbers[at]) / 1000
                return latitude, numbers[at + _LATITUDE + 1], fact.latitude, fact.longitude, seconds
        return _NO_PLACE

    def _place(self, event_ms: int, transaction_id: str) -> tuple[int, bool]:
        """Return where the fact is or belongs, and whether it is there."""
        times, ids = self.numbers[::WIDTH], self._ids
        at = bisect_left(times, event_ms)
        while at < len(ids) and times[at] == event_ms and ids[at] < transaction_id:
            at += 1
        return at, at < len(ids) and times[at] == event_ms and ids[at] == transaction_id


def _starts(times: Sequence[float], event_ms: int, month: int, end: int) -> _Starts:
    """Return where the windows of 14 and 7 days, a day, an hour and ten minutes begin."""
    fortnight = bisect_right(times, event_ms - FORTNIGHT_MS, month, end)
    week = bisect_right(times, event_ms - WEEK_MS, fortnight, end)
    day = hour = minutes = end
    if event_ms - times[end - 1] < DAY_MS:
        day = bisect_right(times, event_ms - DAY_MS, week, end)
        hour = bisect_right(times, event_ms - HOUR_MS, day, end)
        minutes = bisect_right(times, event_ms - TEN_MINUTES_MS, hour, end)
    return fortnight, week, day, hour, minutes


def codes_in(histories: Iterable[UserHistory]) -> set[int]:
    """Return all numbers that stand for texts."""
    return {
        int(code)
        for history in histories
        for number in (_MERCHANT, _COUNTRY, _DEVICE)
        for code in set(history.numbers[number::WIDTH])
    }


def compare(cents: float, count: int, total: float, squares: float) -> tuple[float, float]:
    """Return ratio and z-score of an amount against earlier ones, of which number, sum and sum of squares are given, all exact.

    NaN where there is nothing to compare with.
    """
    if not total:
        return _MISSING, _MISSING
    spread = count * squares - total * total
    if not spread:
        return cents * count / total, _MISSING
    deviation = math.sqrt(spread / (count * (count - 1)))
    return cents * count / total, (count * cents - total) / count / deviation


def _count_large(own: int, fortnight: Sequence[float], count: int, total: int) -> int:
    """Count amounts above 2.5 times the mean of the 30-day window. In integers: c > 2.5 S / n means c > floor(5 S / 2 n)."""
    limit = 5 * total // (2 * count)
    return len([cents for cents in fortnight if cents > limit]) + (own > limit)


def _first(fact: Fact) -> Raw:
    """Return what an event sees that has no past."""
    news = (fact.device, fact.country, fact.merchant)
    return (
        *((1, fact.cents) * len(WINDOWS_MS)),
        *((_MISSING,) * 4),
        0,
        _MISSING,
        *(_MISSING if code == NO_TEXT else 1 for code in news),
        *_NO_PLACE,
    )
