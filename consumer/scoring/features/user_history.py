"""One user's earlier transactions, kept sorted by event time with running totals: every window is two bisections away.

Totals are integers (US cents), so that they are the same bits in whatever order transactions arrived, were loaded or taken back.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import TypeAlias

from consumer.scoring.features.facts import Fact
from schemas.history import NEWEST

MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
WINDOWS_MS = (10 * MINUTE_MS, HOUR_MS, DAY_MS, 7 * DAY_MS, 30 * DAY_MS)
_TEN_MINUTES_MS, _, _, _WEEK_MS, _MONTH_MS = WINDOWS_MS
_FORTNIGHT_MS = 14 * DAY_MS
KEPT_MS = 38 * DAY_MS
"""Thirty days of windows for events that may be seven days late, and a day."""
_MISSING = math.nan
_LARGEST_TOTAL = 1 << 62
_WORTH_CUTTING, _MANY_SEEN = 16, 64
_NO_PLACE = (_MISSING,) * 5


_LastSeen: TypeAlias = dict[str | None, int]
Raw: TypeAlias = tuple[float, ...]
"""What one event sees of its user's past, see `UserHistory.recall`."""
RAW_WIDTH = 24


class UserHistory:
    """A set of `Fact`s keyed by (event time, id), of which the `NEWEST` newest count. Everything after `since_ms` is in it.

    Numbers stand in arrays beside the facts: a look at a user whom nobody looked at for a while waits for memory, not for arithmetic.
    """

    __slots__ = ("_cents", "_facts", "_last_located", "_seen", "_squares", "_sums", "_times", "since_ms")

    def __init__(self, since_ms: float, facts: Sequence[Fact] = ()) -> None:
        """Take facts in ascending order."""
        self.since_ms = since_ms
        self._facts = list(facts)
        self._times = array("q", [fact.event_ms for fact in facts])
        self._cents = array("q", [fact.cents for fact in facts])
        self._sums, self._squares = array("q", [0]), [0]
        self._last_located: Fact | None = None
        self._total_from(0)
        self._look_again()

    def __len__(self) -> int:
        return len(self._facts)

    def add(self, fact: Fact) -> bool:
        """Put the fact in its place; False if it is there already."""
        event_ms, _, cents, merchant_id, country, device_id, latitude, _ = fact
        times = self._times
        if times and event_ms <= times[-1]:
            return self._insert(fact)
        times.append(event_ms)
        self._facts.append(fact)
        self._cents.append(cents)
        self._sums.append(self._sums[-1] + cents)
        self._squares.append(self._squares[-1] + cents * cents)
        devices, countries, merchants = self._seen
        devices[device_id] = countries[country] = merchants[merchant_id] = event_ms
        if not math.isnan(latitude):
            self._last_located = fact
        return True

    def remove(self, fact: Fact) -> None:
        """Take the fact out, if it is there."""
        at = self._place(fact)
        if self._is_at(at, fact):
            del self._times[at], self._facts[at], self._cents[at]
            self._total_from(at)
            self._look_again()

    def prune(self) -> int:
        """Forget what no event can ask for, once it is worth the work, and return how many that was.

        That is what lies beyond the `NEWEST` newest, and what is older than `KEPT_MS` before the newest.
        """
        times = self._times
        if not times or (len(times) <= NEWEST and times[0] > times[-1] - KEPT_MS):
            return 0
        cut = max(0, len(times) - NEWEST, bisect_right(times, times[-1] - KEPT_MS))
        if cut < _WORTH_CUTTING and cut * 4 < len(times):
            return 0
        self.since_ms = max(self.since_ms, times[-1] - KEPT_MS)
        del self._times[:cut], self._facts[:cut], self._cents[:cut], self._sums[:cut], self._squares[:cut]
        if sum(map(len, self._seen)) > 4 * len(times) + _MANY_SEEN:
            self._look_again()  # only for the room: what was last seen before the oldest is new all the same
        if self._sums[-1] > _LARGEST_TOTAL:
            self._sums[0] = self._squares[0] = 0
            self._total_from(0)
        return cut

    def recall(self, fact: Fact) -> Raw:
        """Return what an event with these facts sees; it must not be in the history.

        count and cents of the five `WINDOWS_MS`, itself included (10 values); ratio and z-score of its amount against the earlier ones
        of 7 and of 30 days (4); large amounts in 14 days (1); seconds since the last (1); new device, country, merchant (3); latitude
        and longitude of the last located one and of itself, seconds between (5). NaN where there is nothing to tell.
        """
        times, sums, event_ms, cents = self._times, self._sums, fact.event_ms, fact.cents
        end = count = len(times)
        if count and times[-1] > event_ms:
            end = bisect_right(times, event_ms)
        oldest = count - NEWEST if count > NEWEST else 0
        month = bisect_right(times, event_ms - _MONTH_MS, oldest, end) if oldest < end else end
        if month == end:
            return _first(fact)
        fortnight = bisect_right(times, event_ms - _FORTNIGHT_MS, month, end)
        week = bisect_right(times, event_ms - _WEEK_MS, fortnight, end)
        day = hour = minutes = end
        if (pause_ms := event_ms - times[end - 1]) < DAY_MS:
            day = bisect_right(times, event_ms - DAY_MS, week, end)
            if pause_ms < HOUR_MS:
                hour = bisect_right(times, event_ms - HOUR_MS, day, end)
                minutes = bisect_right(times, event_ms - _TEN_MINUTES_MS, hour, end)
        total, counted = sums[end] + cents, end + 1
        return (
            counted - minutes, total - sums[minutes],
            counted - hour, total - sums[hour],
            counted - day, total - sums[day],
            counted - week, total - sums[week],
            counted - month, total - sums[month],
            *self._compare(cents, week, end),
            *self._compare(cents, month, end),
            self._count_large(cents, fortnight, month, end),
            pause_ms / 1000,
            *self._find_new(fact, month, end),
            *self._find_place(fact, month, end),
        )  # fmt: skip

    def _compare(self, cents: int, start: int, end: int) -> tuple[float, float]:
        count, total = end - start, self._sums[end] - self._sums[start]
        if not total:
            return _MISSING, _MISSING
        spread = count * (self._squares[end] - self._squares[start]) - total * total
        if not spread:
            return cents * count / total, _MISSING
        deviation = math.sqrt(spread / (count * (count - 1)))
        return cents * count / total, (count * cents - total) / count / deviation

    def _count_large(self, cents: int, fortnight: int, month: int, end: int) -> int:
        """Count amounts above 2.5 times the mean of the 30-day window. In integers: c > 2.5 S / n means c > floor(5 S / 2 n)."""
        limit = 5 * (self._sums[end] - self._sums[month] + cents) // (2 * (end - month + 1))
        return len([each for each in self._cents[fortnight:end] if each > limit]) + (cents > limit)

    def _find_new(self, fact: Fact, month: int, end: int) -> tuple[float, float, float]:
        """Return whether device, country and merchant are new since `month`; NaN for what the event does not say."""
        event_ms, _, _, merchant_id, country, device_id, _, _ = fact
        devices, countries, merchants = self._seen
        oldest_ms = self._times[month]
        device = _is_new(devices.get(device_id), oldest_ms, event_ms) if device_id is not None else _MISSING
        land = _is_new(countries.get(country), oldest_ms, event_ms) if country is not None else _MISSING
        merchant = _is_new(merchants.get(merchant_id), oldest_ms, event_ms) if merchant_id is not None else _MISSING
        if device is None or land is None or merchant is None:
            return self._scan_new(fact, month, end)
        return device, land, merchant

    def _scan_new(self, fact: Fact, month: int, end: int) -> tuple[float, float, float]:
        seen = self._facts[month:end]
        device, country, merchant = fact.device_id, fact.country, fact.merchant_id
        return (
            _MISSING if device is None else all(each.device_id != device for each in seen),
            _MISSING if country is None else all(each.country != country for each in seen),
            _MISSING if merchant is None else all(each.merchant_id != merchant for each in seen),
        )

    def _find_place(self, fact: Fact, month: int, end: int) -> Raw:
        last = self._last_located
        if last is None or math.isnan(fact.latitude):
            return _NO_PLACE
        if not self._times[month] < last.event_ms <= fact.event_ms:
            last = _find_located(self._facts[month:end])
            if last is None:
                return _NO_PLACE
        seconds = (fact.event_ms - last.event_ms) / 1000
        return last.latitude, last.longitude, fact.latitude, fact.longitude, seconds

    def _place(self, fact: Fact) -> int:
        times, facts = self._times, self._facts
        at = bisect_left(times, fact.event_ms)
        while at < len(times) and times[at] == fact.event_ms and facts[at].transaction_id < fact.transaction_id:
            at += 1
        return at

    def _is_at(self, at: int, fact: Fact) -> bool:
        return at < len(self._facts) and self._facts[at][:2] == fact[:2]

    def _insert(self, fact: Fact) -> bool:
        at = self._place(fact)
        if self._is_at(at, fact):
            return False
        self._times.insert(at, fact.event_ms)
        self._facts.insert(at, fact)
        self._cents.insert(at, fact.cents)
        self._total_from(at)
        self._look_again()
        return True

    def _look_again(self) -> None:
        """Find anew when each device, country and merchant was last seen, and the last located fact."""
        facts = self._facts
        self._seen: tuple[_LastSeen, _LastSeen, _LastSeen] = (
            {fact.device_id: fact.event_ms for fact in facts},
            {fact.country: fact.event_ms for fact in facts},
            {fact.merchant_id: fact.event_ms for fact in facts},
        )
        self._last_located = _find_located(facts)

    def _total_from(self, at: int) -> None:
        sums, squares = self._sums, self._squares
        del sums[at + 1 :], squares[at + 1 :]
        total, square = sums[-1], squares[-1]
        for cents in self._cents[at:]:
            total += cents
            square += cents * cents
            sums.append(total)
            squares.append(square)


def _first(fact: Fact) -> Raw:
    """Return what an event sees that has no past."""
    news = (fact.device_id, fact.country, fact.merchant_id)
    return (
        *((1, fact.cents) * len(WINDOWS_MS)),
        *((_MISSING,) * 4),
        0,
        _MISSING,
        *(_MISSING if text is None else 1 for text in news),
        *_NO_PLACE,
    )


def _find_located(facts: Sequence[Fact]) -> Fact | None:
    return next((fact for fact in reversed(facts) if not math.isnan(fact.latitude)), None)


def _is_new(last_ms: int | None, oldest_ms: int, event_ms: int) -> bool | None:
    """Say whether something last seen then is new; None where only a look at every fact tells: seen later too, or on the very edge."""
    if last_ms is None or last_ms < oldest_ms:
        return True
    return False if oldest_ms < last_ms <= event_ms else None
