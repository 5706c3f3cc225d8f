"""`UserHistory.recall` for many events at once, by the same rules and to the same bits: one pass of numpy over their users' histories.

Events of one user see each other: all are in their histories before, and each one looks at what lies before itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import mul
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from consumer.scoring.features.facts import WIDTH
from consumer.scoring.features.texts import NO_TEXT
from consumer.scoring.features.user_history import FORTNIGHT_MS, RAW_WIDTH, WINDOWS_MS, UserHistory, compare
from schemas.history import NEWEST

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
_MANY_ROWS = 1 << 15
"""So many rows of histories are looked at in one go: they fit the processor's cache, and no batch needs more memory than that."""
_STARTS_MS = np.array([*WINDOWS_MS, FORTNIGHT_MS])[:, None]
_WEEK, _MONTH, _FORTNIGHT = 3, 4, 5
_USER_SHIFT = 49
"""Event times of the years 1 to 9999 span less than 2^49 ms: so users and times make one ascending key."""
_SQUARES_FIT, _FLOATS_FIT = 1 << 31, 1 << 53


class Events(NamedTuple):
    """Events of a few users, grouped by user and in the order of their histories."""

    user: Ints
    """[N] which of the histories, ascending."""
    at: Ints
    """[N] the event's own number in its history; before it lies what it sees."""


def split_late(user: Ints, event_ms: Ints, last_ms: Floats) -> tuple[Ints, list[int]]:
    """Return the rows of users whose events ascend from the last one known, grouped by user, and all others, as they came.

    `user` [N] says whose each event is, `last_ms` [U] what is the newest known of each.
    """
    order = np.argsort(user, kind="stable")
    users, times, before = user[order], event_ms[order], last_ms[user[order]]
    is_next = users[1:] == users[:-1]
    before[1:][is_next] = times[:-1][is_next]
    is_late = np.zeros(len(last_ms), np.bool_)
    is_late[users[times <= before]] = True
    late: list[int] = np.flatnonzero(is_late[user]).tolist()
    return order[~is_late[users]], late


def look_back(histories: Sequence[UserHistory], events: Events) -> Floats:
    """Return what `UserHistory.recall` returned of each event before it and its later ones entered, [RAW_WIDTH, N].

    The event times of a user must ascend strictly, and so end its history.
    """
    found = np.empty((RAW_WIDTH, len(events.user)))
    for part in _parts(events.at):
        _fill(found[:, part], _gather(histories, Events(events.user[part], events.at[part])))
    return found


def _parts(at: Ints) -> Iterator[slice]:
    """Yield slices of about `_MANY_ROWS` rows, at least one event each."""
    rows = np.cumsum(np.minimum(at, NEWEST) + 1)
    start = 0
    while start < len(at):
        done = rows[start - 1] if start else 0
        end = max(start + 1, int(np.searchsorted(rows, done + _MANY_ROWS, "right")))
        yield slice(start, end)
        start = end


class _Gathered(NamedTuple):
    """The facts of a few users as one matrix, and where in it some events stand."""

    facts: Floats
    """[WIDTH, M] a column per row of a history: numpy is fastest on what lies side by side."""
    bases: Ints
    """[U] where each user's rows begin."""
    user: Ints
    """[N] whose each event is, as a place in `bases`."""
    own: Ints
    """[N] each event's row."""
    oldest: Ints
    """[N] the first row that each event may see."""


def _gather(histories: Sequence[UserHistory], events: Events) -> _Gathered:
    first = np.flatnonzero(np.diff(events.user, prepend=-1))
    skipped = np.maximum(events.at[first] - NEWEST, 0)
    pieces = [histories[user].numbers for user in events.user[first].tolist()]
    if skipped.any():
        pieces = [piece[skip * WIDTH :] for piece, skip in zip(pieces, skipped.tolist(), strict=True)]
    ends = np.cumsum(np.fromiter(map(len, pieces), np.int64, len(pieces)) // WIDTH)
    bases = np.concatenate([[0], ends[:-1]])
    facts = np.ascontiguousarray(np.frombuffer(b"".join(pieces)).reshape(-1, WIDTH).T)
    user = np.repeat(np.arange(len(first)), np.diff(first, append=len(events.user)))
    own = (bases - skipped)[user] + events.at
    return _Gathered(facts, bases, user, own, np.maximum(bases[user], own - NEWEST))


def _fill(found: Floats, gathered: _Gathered) -> None:
    facts, bases, _, own, oldest = gathered
    times, cents = facts[0].astype(np.int64), facts[1].astype(np.int64)
    keys = times + np.repeat(np.arange(len(bases)) << _USER_SHIFT, np.diff(bases, append=len(times)))
    starts = np.searchsorted(keys, (keys[own] - _STARTS_MS).ravel(), "right").reshape(len(_STARTS_MS), -1)
    starts = np.maximum(starts, oldest)
    sums, month = _running(cents), starts[_MONTH]
    totals = sums[own + 1] - sums[starts[:5]]
    found[0:10:2] = own + 1 - starts[:5]
    found[1:10:2] = totals
    _compare(found[10:14], gathered, cents, sums, starts[[_WEEK, _MONTH]])
    limits = 5 * totals[_MONTH] // (2 * (own + 1 - month))
    found[14] = (cents[own] > limits) + _count_large(cents, limits, own, starts[_FORTNIGHT])
    found[15] = np.where(month < own, (times[own] - times[own - 1]) / 1000, np.nan)
    _find_new(found[16:19], facts, own, month)
    _find_places(found[19:], facts, own, month)


def _running(values: Ints) -> Ints:
    """Return running totals that begin with 0. They may wrap around: differences that fit 64 bits are exact all the same."""
    totals = np.zeros(len(values) + 1, np.int64)
    np.cumsum(values, out=totals[1:])
    return totals


def _compare(found: Floats, gathered: _Gathered, cents: Ints, sums: Ints, starts: Ints) -> None:
    """Fill in ratio and z-score for each of the starts: as `compare` does, and by it where its integers do not fit."""
    own = gathered.own
    squares, asked, largest = _running(cents * cents), cents[own], np.maximum.reduceat(cents, gathered.bases)
    count, total = own - starts, sums[own] - sums[starts]
    spread = count * (squares[own] - squares[starts]) - total * total
    fits = (count * largest[gathered.user] < _SQUARES_FIT) & (spread < _FLOATS_FIT)
    has_ratio = total != 0
    is_compared = has_ratio & (spread > 0)
    pairs = np.where(is_compared, count, 2)
    deviation = np.sqrt(np.where(is_compared & fits, spread, 1) / (pairs * (pairs - 1)))
    found[::2] = np.where(has_ratio, asked * count / np.where(has_ratio, total, 1), np.nan)
    found[1::2] = np.where(is_compared, (count * asked - total) / pairs / deviation, np.nan)
    for window, event in np.argwhere(has_ratio & ~fits).tolist():
        earlier = cents[starts[window, event] : own[event]].tolist()
        exact = len(earlier), sum(earlier), sum(map(mul, earlier, earlier))
        found[2 * window : 2 * window + 2, event] = compare(int(asked[event]), *exact)


class _Ranges:
    """Rows from each start to its end, one range after the other."""

    def __init__(self, starts: Ints, ends: Ints) -> None:
        self._sizes = ends - starts
        self._begins = np.cumsum(self._sizes) - self._sizes
        self.rows = np.arange(self._sizes.sum()) + self.repeat(starts - self._begins)

    def repeat(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return each range's value for each of its rows."""
        return np.repeat(values, self._sizes)

    def count(self, flags: npt.NDArray[np.bool_]) -> Ints:
        """Return how many rows of each range have the flag."""
        counts = np.zeros(len(self._sizes), np.int64)
        some = np.flatnonzero(self._sizes)  # reduceat knows no empty range
        if len(some):
            counts[some] = np.add.reduceat(flags, self._begins[some], dtype=np.int64)
        return counts


def _count_large(cents: Ints, limits: Ints, own: Ints, fortnight: Ints) -> Ints:
    ranges = _Ranges(fortnight, own)
    return ranges.count(cents[ranges.rows] > ranges.repeat(limits))


def _find_new(found: Floats, facts: Floats, own: Ints, month: Ints) -> None:
    """Fill in whether device, country and merchant are not among those of the rows from `month` on; NaN for a missing one."""
    ranges = _Ranges(month, own)
    for row, codes in zip(found, (facts[4], facts[3], facts[2]), strict=True):
        asked = codes[own]
        is_known = ranges.count(codes[ranges.rows] == ranges.repeat(asked)) > 0
        row[:] = np.where(asked == NO_TEXT, np.nan, ~is_known)


def _find_places(found: Floats, facts: Floats, own: Ints, month: Ints) -> None:
    """Fill in both places and the seconds between them; NaN unless the event and one before it are located."""
    is_located = ~np.isnan(facts[5])
    last = np.maximum.accumulate(np.where(is_located, np.arange(len(is_located)), -1))[own - 1]
    is_told = is_located[own] & (month <= last) & (last < own)
    found[:] = np.nan
    told, before = own[is_told], last[is_told]
    found[:2, is_told] = facts[5:, before]
    found[2:4, is_told] = facts[5:, told]
    found[4, is_told] = (facts[0, told] - facts[0, before]) / 1000
