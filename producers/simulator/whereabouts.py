"""What changes in the lives of customers: trips, and the phones that they replace."""

from __future__ import annotations

import numpy as np

from producers.simulator.people import LATITUDES, LONGITUDES, People
from producers.simulator.places import PLACE_WEIGHTS
from producers.simulator.rhythm import DAY_MS, HOUR_MS, Flags, Floats, Ints

_DAYS_BETWEEN_TRIPS = 70.0
_MEDIAN_TRIP_DAYS, _TRIP_SPREAD = 3.0, 0.7
_LONGEST_TRIP_DAYS = 21.0
_NEARNESS_KM = 500.0  # places this much farther away are visited half as often
_TRAVEL_KM_PER_HOUR = 700.0
_DAYS_OF_A_PHONE = 250.0
_EARTH_KM = 6371.0
_KM_PER_DEGREE = 111.0


def _make_distances() -> Floats:
    """Return the straight-line kilometres between all places, shape [places, places]."""
    latitude, longitude = np.radians(LATITUDES), np.radians(LONGITUDES)
    points = np.stack(
        [np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)], axis=1
    )
    return np.asarray(np.sqrt(((points[:, None] - points[None]) ** 2).sum(axis=2)) * _EARTH_KM, np.float64)


_DISTANCES = _make_distances()


class Whereabouts:
    """Where everybody is and which phone they have, moving on with time; `pace` shortens lives (settings.SimulationSettings.pace)."""

    def __init__(self, people: People, rng: np.random.Generator, start_ms: int, pace: float) -> None:
        self._people, self._rng, self._day_ms = people, rng, DAY_MS / pace
        nearness = 1 / (_NEARNESS_KM + _DISTANCES) * np.array(PLACE_WEIGHTS)
        np.fill_diagonal(nearness, 0.0)
        self._destinations = np.cumsum(nearness, axis=1)
        self._phones = np.zeros(people.count, np.int64)
        self._next_phone = start_ms + rng.exponential(_DAYS_OF_A_PHONE * self._day_ms, people.count)
        self._leaves, self._returns = np.zeros(people.count), np.zeros(people.count)
        self._place = np.zeros(people.count, np.int64)
        everybody = np.arange(people.count)
        self._plan_trips(everybody, np.full(people.count, float(start_ms)))
        away = self._returns - self._leaves  # some are on a trip when the simulation begins
        is_away = rng.random(people.count) < away / (_DAYS_BETWEEN_TRIPS * self._day_ms)
        shift = np.where(is_away, start_ms - self._leaves - rng.random(people.count) * away, 0.0)
        self._leaves, self._returns = self._leaves + shift, self._returns + shift

    def _plan_trips(self, customers: Ints, after_ms: Floats) -> None:
        rng, count = self._rng, len(customers)
        days = np.clip(_MEDIAN_TRIP_DAYS * np.exp(rng.normal(0.0, _TRIP_SPREAD, count)), 1.0, _LONGEST_TRIP_DAYS)
        self._leaves[customers] = after_ms + rng.exponential(_DAYS_BETWEEN_TRIPS * self._day_ms, count)
        self._returns[customers] = self._leaves[customers] + days * self._day_ms
        table = self._destinations[self._people.home[customers]]
        self._place[customers] = (table <= (rng.random(count) * table[:, -1])[:, None]).sum(axis=1)

    def move_on(self, now_ms: int) -> None:
        """Plan new trips for those who are back, and hand out new phones."""
        back = np.flatnonzero(self._returns < now_ms)
        self._plan_trips(back, self._returns[back].copy())
        due = np.flatnonzero(self._next_phone < now_ms)
        self._phones[due] += 1
        self._next_phone[due] += self._rng.exponential(_DAYS_OF_A_PHONE * self._day_ms, len(due))

    def places_at(self, customers: Ints, ms: Ints) -> Ints:
        """Return the place where each customer is at each moment: home, or the goal of a trip."""
        is_away = (ms >= self._leaves[customers]) & (ms < self._returns[customers])
        return np.where(is_away, self._place[customers], self._people.home[customers])

    def in_transit(self, customers: Ints, ms: Ints) -> Flags:
        """Tell who is on the way: nobody buys anything above the clouds."""
        km = _DISTANCES[self._people.home[customers], self._place[customers]]
        way_ms = np.minimum(km / _TRAVEL_KM_PER_HOUR * HOUR_MS * self._day_ms / DAY_MS, self._day_ms / 2)
        leaves, returns = self._leaves[customers], self._returns[customers]
        return ((ms >= leaves) & (ms < leaves + way_ms)) | ((ms >= returns - way_ms) & (ms < returns))

    def phones(self, customers: Ints) -> Ints:
        """Return how often each of them has replaced their phone."""
        return self._phones[customers]
