"""When people shop: habits by the hour of the week, and the clock of expected events that turns them into moments."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Flags: TypeAlias = npt.NDArray[np.bool_]

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
MINUTE_MS = 60_000
WEEK_HOURS = 168
_MONDAY_SHIFT_HOURS = 72  # 1970-01-01 was a Thursday

WAKING_HOURS = (5, 6, 7, 7, 8, 9, 11, 15)
"""A habit is one of these: when such people get up. The last work at night."""

_SINCE_WAKING = (
    0.3, 0.6, 0.8, 0.7, 0.8, 1.0, 1.2, 0.9, 0.8, 0.9, 1.2, 1.5, 1.4, 1.0, 0.7, 0.4, 0.2,
    0.04, 0.03, 0.02, 0.02, 0.02, 0.02, 0.05,
)  # fmt: skip
_BY_WEEKDAY = (0.95, 0.95, 0.95, 1.0, 1.15, 1.2, 0.8)


def hour_of_week(ms: Ints) -> Ints:
    """Return 0 (Monday, midnight) to 167 of moments in milliseconds since 1970, in whichever zone they are meant."""
    return (ms // HOUR_MS + _MONDAY_SHIFT_HOURS) % WEEK_HOURS


def make_habits() -> Floats:
    """Return how much each habit shops in each local hour of the week, shape [habits, 168], mean 1 in every row."""
    day = np.array([[_SINCE_WAKING[(hour - waking) % 24] for hour in range(24)] for waking in WAKING_HOURS])
    week = (np.array(_BY_WEEKDAY)[None, :, None] * day[:, None, :]).reshape(len(WAKING_HOURS), WEEK_HOURS)
    return np.asarray(week / week.mean(axis=1, keepdims=True), np.float64)


class Calendar:
    """Translates between moments (milliseconds since 1970) and how many events are expected before them, since 1970.

    `by_hour` [168] is the density of each UTC hour of the week, in any unit; its mean becomes `events_per_second`.
    """

    def __init__(self, by_hour: Floats, events_per_second: float) -> None:
        hourly = by_hour / by_hour.mean() * events_per_second * 3600
        self._expected = np.concatenate([[0.0], np.cumsum(hourly)])
        self._hours = np.arange(WEEK_HOURS + 1.0) * HOUR_MS

    def expected_before(self, ms: float) -> float:
        """Return the number of events expected from 1970 to this moment."""
        week, rest = divmod(ms + _MONDAY_SHIFT_HOURS * HOUR_MS, WEEK_HOURS * HOUR_MS)
        return float(week * self._expected[-1] + np.interp(rest, self._hours, self._expected))

    def moments(self, expected: Floats) -> Ints:
        """Return the moments before which so many events are expected: the inverse of `expected_before`."""
        weeks, rest = np.divmod(expected, self._expected[-1])
        ms = weeks * (WEEK_HOURS * HOUR_MS) + np.interp(rest, self._expected, self._hours)
        return np.asarray(ms, np.int64) - _MONDAY_SHIFT_HOURS * HOUR_MS
