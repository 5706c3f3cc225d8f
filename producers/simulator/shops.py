"""Merchants: what they sell, where, for how much, how popular they are; as columns, made once from the seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from producers.simulator.places import PLACE_WEIGHTS, PLACES
from producers.simulator.rhythm import Flags, Floats, Ints

CHANNELS = ("card_present", "online", "mobile", "atm")
COUNTER, ONLINE, MOBILE, ATM = range(4)
_COLUMNS = 12  # a multiple of 1, 2, 3 and 4: each category's channels fill a row evenly
_SMALL_TICKET_DOLLARS = 40.0
_POPULARITY_SPREAD, _PRICE_SPREAD = 1.0, 0.3
_MOST_TERMINALS = 4


class Category(NamedTuple):
    """A kind of merchant: how common it is, its usual amount in dollars, the spread of its logarithm, and how people pay."""

    name: str
    weight: int
    dollars: float
    sigma: float
    channels: tuple[int, ...]


CATEGORIES = (
    Category("grocery", 26, 38.0, 0.7, (COUNTER, COUNTER, COUNTER, ONLINE)),
    Category("restaurant", 16, 26.0, 0.6, (COUNTER, COUNTER, MOBILE)),
    Category("fuel", 9, 45.0, 0.4, (COUNTER,)),
    Category("transport", 9, 12.0, 0.7, (MOBILE, COUNTER)),
    Category("clothing", 9, 62.0, 0.8, (COUNTER, ONLINE)),
    Category("pharmacy", 6, 22.0, 0.7, (COUNTER,)),
    Category("utilities", 4, 95.0, 0.5, (ONLINE,)),
    Category("entertainment", 5, 30.0, 0.7, (ONLINE, COUNTER, MOBILE)),
    Category("electronics", 4, 180.0, 1.0, (ONLINE, COUNTER)),
    Category("digital_goods", 5, 11.0, 0.7, (ONLINE, MOBILE)),
    Category("travel", 2, 320.0, 0.9, (ONLINE,)),
    Category("cash", 2, 90.0, 0.5, (ATM,)),
    Category("gift_cards", 1, 50.0, 0.6, (ONLINE, COUNTER)),
    Category("charity", 1, 20.0, 0.8, (ONLINE,)),
    Category("gambling", 1, 40.0, 0.9, (ONLINE, MOBILE)),
)

COUNTRIES = tuple(dict.fromkeys(place.country for place in PLACES))
COUNTRY_OF_PLACE: Ints = np.array([COUNTRIES.index(place.country) for place in PLACES], np.int64)
USUAL, REMOTE, AT_COUNTER = range(3)
"""Ways to buy: as it comes, without being there, or over the counter."""
_CHANNELS_OF_WAYS = ((COUNTER, ONLINE, MOBILE, ATM), (ONLINE, MOBILE), (COUNTER,))


def _channels(category: Category, way: int) -> tuple[int, ...]:
    return tuple(channel for channel in category.channels if channel in _CHANNELS_OF_WAYS[way])


def _fill(channels: tuple[int, ...]) -> tuple[int, ...]:
    return channels * (_COLUMNS // len(channels))


CHANNEL_TABLE: Ints = np.array(
    [
        [_fill(_channels(c, way) or _CHANNELS_OF_WAYS[way][:1]) for c in CATEGORIES]
        for way in (USUAL, REMOTE, AT_COUNTER)
    ],
    np.int64,
)
"""[ways, categories, 12]: a column drawn evenly gives a channel."""
_OFFERS = np.array([[bool(_channels(c, way)) for c in CATEGORIES] for way in (USUAL, REMOTE, AT_COUNTER)])
_SELLS_ONLINE = np.array([ONLINE in c.channels for c in CATEGORIES])


class Urn:
    """Weighted draws from a list of merchants."""

    def __init__(self, members: Ints, weights: Floats) -> None:
        self.members, self._cumulative = members, np.cumsum(weights)

    def draw(self, draws: Floats) -> Ints:
        """Return a member for each of `draws` (0 <= draw < 1)."""
        drawn: Ints = self.members[np.searchsorted(self._cumulative, draws * self._cumulative[-1], side="right")]
        return drawn


class Shops:
    """Merchants by number: `place`, `category` (indexes), `log_price` (of their usual amount in dollars), `terminals`, all [merchants]."""

    def __init__(self, rng: np.random.Generator, count: int) -> None:
        self.count = count
        self.place = draw_weighted(rng, PLACE_WEIGHTS, count)
        self.category = draw_weighted(rng, [category.weight for category in CATEGORIES], count)
        usual = np.log([category.dollars for category in CATEGORIES])
        self.log_price: Floats = usual[self.category] + rng.normal(0.0, _PRICE_SPREAD, count)
        self.terminals = rng.integers(1, _MOST_TERMINALS + 1, count)
        self.country: Ints = COUNTRY_OF_PLACE[self.place]
        self.offers = _OFFERS[:, self.category]
        self._popularity = np.exp(rng.normal(0.0, _POPULARITY_SPREAD, count))
        self._by_country = [self._ranges(way) for way in (USUAL, REMOTE, AT_COUNTER)]
        is_small = self.log_price < np.log(_SMALL_TICKET_DOLLARS)
        self.all = self._urn(self.offers[USUAL])
        self.online = self._urn(_SELLS_ONLINE[self.category])
        self.small_tickets = self._urn(is_small)
        self.small_remote = self._urn(is_small & self.offers[REMOTE])

    def draw_in(self, countries: Ints, draws: Floats, way: int = USUAL) -> Ints:
        """Return a merchant of each country that sells this way, popular ones more often; of anywhere where the country has none."""
        return self._by_country[way].draw(countries, draws)

    def _ranges(self, way: int) -> _Ranges:
        members = np.flatnonzero(self.offers[way]) if self.offers[way].any() else np.arange(self.count)
        return _Ranges(members, self.country[members], self._popularity[members])

    def _urn(self, chosen: Flags) -> Urn:
        members = np.flatnonzero(chosen) if chosen.any() else np.arange(self.count)
        return Urn(members, self._popularity[members])


class _Ranges:
    """Weighted draws within a country: merchants ordered by country, under one cumulative weight."""

    def __init__(self, members: Ints, countries: Ints, weights: Floats) -> None:
        order = np.argsort(countries, kind="stable")
        self._members = members[order]
        self._cumulative = np.cumsum(weights[order])
        bounds = np.searchsorted(countries[order], np.arange(len(COUNTRIES) + 1))
        is_empty = bounds[1:] == bounds[:-1]
        first, last = np.where(is_empty, 0, bounds[:-1]), np.where(is_empty, len(countries), bounds[1:]) - 1
        self._low = np.concatenate([[0.0], self._cumulative])[first]
        self._high, self._last = self._cumulative[last], last

    def draw(self, countries: Ints, draws: Floats) -> Ints:
        low = self._low[countries]
        found = np.searchsorted(self._cumulative, low + draws * (self._high[countries] - low), side="right")
        drawn: Ints = self._members[np.minimum(found, self._last[countries])]
        return drawn


def draw_weighted(rng: np.random.Generator, weights: Sequence[int], count: int) -> Ints:
    """Return `count` indexes of `weights`, heavy ones more often."""
    cumulative = np.cumsum(weights)
    drawn: Ints = np.searchsorted(cumulative, rng.random(count) * cumulative[-1], side="right")
    return drawn
