"""Customers: homes, habits, favourite merchants, devices and cards; as columns, made once from the seed."""

from __future__ import annotations

import numpy as np

from producers.simulator.places import PLACE_WEIGHTS, PLACES
from producers.simulator.rhythm import HOUR_MS, WAKING_HOURS, WEEK_HOURS, Floats, Ints, hour_of_week, make_habits
from producers.simulator.shops import COUNTRY_OF_PLACE, Shops, draw_weighted

FAVOURITES = 12
DEVICE_TYPES = ("mobile", "desktop", "tablet", "terminal")
PHONE, TERMINAL = 0, 3
OFFSETS_H: Ints = np.array([place.utc_offset_h for place in PLACES], np.int64)
LATITUDES: Floats = np.array([place.latitude for place in PLACES])
LONGITUDES: Floats = np.array([place.longitude for place in PLACES])

_ACTIVITY_SPREAD = 0.9  # the busiest tenth makes a third of all events
_LEVEL_SPREAD = 0.4
_VPN_SHARE = 0.02
_TWO_CARDS_SHARE = 0.25
_HOUSEHOLD_DEGREES, _COMMUTE_DEGREES = 0.08, 0.12
_REGULAR = 6  # a favourite up to this rank is visited often enough to call the customer a patron


class People:
    """Customers by number; every attribute is a column [customers], `favourites` [customers, 12] by rank, best first.

    `level` shifts the logarithm of every amount; `vpn` is the place that their online shopping seems to come from, or -1.
    """

    def __init__(self, rng: np.random.Generator, count: int, shops: Shops) -> None:
        self.count = count
        self.home = draw_weighted(rng, PLACE_WEIGHTS, count)
        self.country: Ints = COUNTRY_OF_PLACE[self.home]
        self.offset_h: Ints = OFFSETS_H[self.home]
        self.habit = rng.integers(0, len(WAKING_HOURS), count)
        self.activity: Floats = np.exp(rng.normal(0.0, _ACTIVITY_SPREAD, count))
        self.level = rng.normal(0.0, _LEVEL_SPREAD, count)
        self.favourites = shops.draw_in(
            np.repeat(self.country, FAVOURITES), rng.random(count * FAVOURITES)
        ).reshape(count, FAVOURITES)  # fmt: skip
        self.transactions: Ints = np.exp(rng.normal(4.0, 1.3, count)).astype(np.int64)
        self._make_places(rng)
        self._make_things(rng)
        self._patrons = _Patrons(self.favourites[:, :_REGULAR])

    def _make_places(self, rng: np.random.Generator) -> None:
        count = self.count
        self.latitude = LATITUDES[self.home] + rng.normal(0.0, _HOUSEHOLD_DEGREES, count)
        self.longitude = LONGITUDES[self.home] + rng.normal(0.0, _HOUSEHOLD_DEGREES, count)
        self.work_latitude = self.latitude + rng.normal(0.0, _COMMUTE_DEGREES, count)
        self.work_longitude = self.longitude + rng.normal(0.0, _COMMUTE_DEGREES, count)
        exits = draw_weighted(rng, PLACE_WEIGHTS, count)
        self.vpn = np.where(rng.random(count) < _VPN_SHARE, exits, -1)

    def _make_things(self, rng: np.random.Generator) -> None:
        count = self.count
        self.devices = rng.integers(1, TERMINAL + 1, count)
        self.device_numbers = rng.integers(1, 1 << 40, (count, TERMINAL))
        self.addresses = rng.integers(0, 1 << 20, count)
        cards = rng.integers(0, 1 << 63, (count, 2))
        has_two = rng.random(count) < _TWO_CARDS_SHARE
        self.cards = [
            [f"tok_{a:016x}", f"tok_{b if two else a:016x}"] for (a, b), two in zip(cards, has_two, strict=True)
        ]
        self.user_ids = [f"user-{number:06d}" for number in range(count)]

    def patrons(self, merchant: int) -> Ints:
        """Return the customers who go to this merchant again and again; may be empty."""
        return self._patrons.of(merchant)


class _Patrons:
    def __init__(self, favourites: Ints) -> None:
        flat = favourites.ravel()
        self._order = np.argsort(flat, kind="stable")
        self._merchants, self._width = flat[self._order], favourites.shape[1]

    def of(self, merchant: int) -> Ints:
        first, last = np.searchsorted(self._merchants, [merchant, merchant + 1])
        found: Ints = np.unique(self._order[first:last] // self._width)
        return found


class Crowd:
    """Who shops when: draws customers by their activity and by the habits of their local hour."""

    def __init__(self, people: People) -> None:
        self._habits = make_habits()
        zones, self._zone = np.unique(people.offset_h, return_inverse=True)
        group = self._zone * len(WAKING_HOURS) + people.habit
        self._order = np.argsort(group, kind="stable")
        self._activity = np.concatenate([[0.0], np.cumsum(people.activity[self._order])])
        self._bounds = np.searchsorted(group[self._order], np.arange(len(zones) * len(WAKING_HOURS) + 1))
        shares = np.diff(self._activity[self._bounds])
        local = (np.arange(WEEK_HOURS)[:, None] + zones[None, :]) % WEEK_HOURS
        by_group = self._habits[:, local].transpose(1, 2, 0).reshape(WEEK_HOURS, -1) * shares
        self._cumulative: Floats = np.cumsum(by_group, axis=1)
        self.by_hour: Floats = self._cumulative[:, -1]
        self._people = people

    def draw(self, ms: Ints, rng: np.random.Generator) -> Ints:
        """Return a customer for every moment."""
        table = self._cumulative[hour_of_week(ms)]
        group = (table <= (rng.random(len(ms)) * table[:, -1])[:, None]).sum(axis=1)
        first, last = self._bounds[group], self._bounds[group + 1] - 1
        low, high = self._activity[first], self._activity[last + 1]
        found = np.searchsorted(self._activity, low + rng.random(len(ms)) * (high - low), side="right") - 1
        drawn: Ints = self._order[np.clip(found, first, last)]
        return drawn

    def shops_at(self, customer: int, ms: int) -> float:
        """Return how much the customer shops at that hour: 1 on average."""
        local = ms + int(self._people.offset_h[customer]) * HOUR_MS
        hour = int(hour_of_week(np.array([local]))[0])
        return float(self._habits[self._people.habit[customer], hour])
