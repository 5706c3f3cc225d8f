"""Merchants' hours in memory: transactions and known frauds by hour, and the windows that features see. The ledger has tables for it."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict

from schemas.history import MerchantHour, MerchantWindows
from sinks.ledger.merchants import DELAY_HOURS, WINDOW_HOURS

_NONE = (0, 0, 0)


class MemoryMerchants:
    """Counts by merchant and hour (whole hours since 1970, UTC). Not safe between threads.

    Made for hours that come roughly in order: adding to an old hour costs the hours that follow it.
    """

    def __init__(self) -> None:
        self._transactions: defaultdict[str, _Hours] = defaultdict(_Hours)
        self._frauds: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)

    def add(self, merchant_id: str, event_hour: int) -> None:
        """Count one transaction."""
        self._transactions[merchant_id].add(event_hour)

    def add_fraud(self, merchant_id: str, event_hour: int, known_hour: int) -> None:
        """Count one fraud among the transactions of that hour, known since `known_hour`."""
        insort(self._frauds[merchant_id], (event_hour, known_hour))

    def windows(self, asked: MerchantHour) -> MerchantWindows:
        """Return the merchant's windows as an event of that hour sees them; zeros where nothing is known."""
        end = asked.hour - DELAY_HOURS
        hours, frauds = self._transactions.get(asked.merchant_id), self._frauds.get(asked.merchant_id)
        return MerchantWindows(
            hours.windows(end) if hours is not None else _NONE,
            _frauds_in(frauds, asked.hour, end) if frauds else _NONE,
        )

    def forget_before(self, hour: int) -> None:
        """Forget transactions and frauds of earlier hours."""
        for merchant_id, hours in list(self._transactions.items()):
            if not hours.forget_before(hour):
                del self._transactions[merchant_id]
        for merchant_id, frauds in list(self._frauds.items()):
            del frauds[: bisect_left(frauds, (hour,))]
            if not frauds:
                del self._frauds[merchant_id]


def _frauds_in(frauds: list[tuple[int, int]], hour: int, end: int) -> tuple[int, int, int]:
    one, seven, thirty = WINDOW_HOURS
    known = [
        event
        for event, known in frauds[bisect_left(frauds, (end - thirty,)) : bisect_left(frauds, (end,))]
        if known < hour
    ]
    if not known:
        return _NONE
    return len(known) - bisect_left(known, end - one), len(known) - bisect_left(known, end - seven), len(known)


class _Hours:
    """Hours in order, each with how many transactions there were up to its end: any window is one difference."""

    __slots__ = ("_hours", "_until")

    def __init__(self) -> None:
        self._hours: list[int] = []
        self._until: list[int] = []

    def add(self, hour: int) -> None:
        at = bisect_left(self._hours, hour)
        if at == len(self._hours) or self._hours[at] != hour:
            self._until.insert(at, self._until[at - 1] if at else 0)
            self._hours.insert(at, hour)
        for later in range(at, len(self._until)):
            self._until[later] += 1

    def windows(self, end: int) -> tuple[int, int, int]:
        """Return how many transactions there were in each window that ends before this hour."""
        one, seven, thirty = WINDOW_HOURS
        hours, until = self._hours, self._until
        last = bisect_left(hours, end)
        total = until[last - 1] if last else 0
        day = bisect_left(hours, end - one, 0, last)
        week = bisect_left(hours, end - seven, 0, day)
        month = bisect_left(hours, end - thirty, 0, week)
        return (
            total - (until[day - 1] if day else 0),
            total - (until[week - 1] if week else 0),
            total - (until[month - 1] if month else 0),
        )

    def before(self, hour: int) -> int:
        at = bisect_left(self._hours, hour)
        return self._until[at - 1] if at else 0

    def forget_before(self, hour: int) -> bool:
        """Return whether anything is left."""
        gone, at = self.before(hour), bisect_left(self._hours, hour)
        self._hours = self._hours[at:]
        self._until = [count - gone for count in self._until[at:]]
        return bool(self._hours)
