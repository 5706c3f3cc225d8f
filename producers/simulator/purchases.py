"""From intents to purchases: one way for everybody, so that a fraudulent purchase differs from others by what its pattern needs alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from producers.simulator.intents import ANY, ELSEWHERE, HERE, OWN, Intents
from producers.simulator.people import FAVOURITES, LATITUDES, LONGITUDES, PHONE, TERMINAL, People
from producers.simulator.places import PLACES
from producers.simulator.rhythm import HOUR_MS, Flags, Floats, Ints, hour_of_week
from producers.simulator.shops import (
    AT_COUNTER,
    ATM,
    CATEGORIES,
    CHANNEL_TABLE,
    COUNTER,
    COUNTRY_OF_PLACE,
    MOBILE,
    ONLINE,
    REMOTE,
    USUAL,
    Shops,
)
from producers.simulator.whereabouts import Whereabouts

ADDRESSES = 4_096
_FAVOURITE_SHARE = 0.78
_WEB_SHARES: Floats = np.array([0.4, 0.5, 0.0])  # by way: of what is bought elsewhere than at a favourite
_LOCAL_WHEN_AWAY = 0.6
_PAYS_HOME_CURRENCY_HERE, _PAYS_HOME_CURRENCY_ABROAD = 0.2, 0.35
_VISIT_SIGMA = 0.75  # of the category's spread; the rest is the difference between shops and people
_BIG_SHARE, _BIG_LOG_FACTORS = 0.01, (0.7, 1.8)
_ZERO_CHECK_SHARE = 0.004
_WHOLE_SHARE, _NINETY_NINE_SHARE = 0.2, 0.4
_VPN_USE = 0.5
_GUEST_DEVICE_SHARE = 0.03  # a cleared browser, a friend's laptop
_WORK_HOURS = np.array([day < 5 and 9 <= hour < 17 for day in range(7) for hour in range(24)])  # noqa: PLR2004
_NEAR_DEGREES, _FAR_DEGREES = 0.02, 0.1

CURRENCIES = tuple(dict.fromkeys(place.currency for place in PLACES))
_CURRENCY: Ints = np.array([CURRENCIES.index(place.currency) for place in PLACES], np.int64)
_BY_CURRENCY = {place.currency: place for place in PLACES}
_UNITS: Floats = np.array([_BY_CURRENCY[name].units_per_dollar for name in CURRENCIES])
_HAS_CENTS: Flags = np.array([_BY_CURRENCY[name].has_cents for name in CURRENCIES])
_SIGMA: Floats = np.array([category.sigma for category in CATEGORIES]) * _VISIT_SIGMA
_FAVOURITE_CUMULATIVE = np.cumsum(1 / np.arange(1, FAVOURITES + 1))


class Purchases(NamedTuple):
    """N purchases as columns, in order of time. Places, currencies, categories and so on are indexes into their lists.

    `device` numbers a device of a person, or is `merchant * 8 + terminal` where `device_type` is a terminal, which has no
    address. `card` is 0 or 1: people pay at a merchant with the same card every time, and thieves have one.
    """

    ms: Ints
    customer: Ints
    story: Ints
    merchant: Ints
    channel: Ints
    amount: Floats
    currency: Ints
    place: Ints
    latitude: Floats
    longitude: Floats
    device_type: Ints
    device: Ints
    address: Ints
    card: Ints

    def first(self, count: int) -> Purchases:
        """Return the first `count` of them."""
        return Purchases._make(column[:count] for column in self)


@dataclass(frozen=True, slots=True)
class Checkout:
    """Draws everything about purchases that their intents leave open."""

    shops: Shops
    people: People
    whereabouts: Whereabouts
    rng: np.random.Generator

    def complete(self, intents: Intents) -> Purchases:
        """Return the purchases of these intents, in their order."""
        place = np.where(intents.place == HERE, self.whereabouts.places_at(intents.customer, intents.ms), intents.place)
        merchant, is_web = self._choose_merchants(intents, place)
        channel = self._choose_channels(intents, merchant, place, is_web)
        amount, currency = self._price(intents, merchant, place)
        device_type, device, is_guest = self._choose_devices(intents, merchant, channel)
        seen_at = self._show_places(intents, place, channel)
        latitude, longitude = self._locate(intents, seen_at, channel)
        return Purchases(
            intents.ms, intents.customer, intents.story, merchant, channel, amount, currency, seen_at, latitude, longitude,
            device_type, device, self._choose_addresses(intents, place, channel, is_guest),
            np.where(intents.device == OWN, merchant ^ intents.customer, device) & 1,
        )  # fmt: skip

    def _choose_merchants(self, intents: Intents, place: Ints) -> tuple[Ints, Flags]:
        """Return merchants, and which of them were found on the web, wherever they are."""
        rng, count = self.rng, len(place)
        rank = np.searchsorted(_FAVOURITE_CUMULATIVE, rng.random(count) * _FAVOURITE_CUMULATIVE[-1], side="right")
        favourite = self.people.favourites[intents.customer, rank]
        draw, offers = rng.random(count), self.shops.offers
        is_away = place != self.people.home[intents.customer]
        is_favourite = (intents.merchant == ANY) & (rng.random(count) < _FAVOURITE_SHARE)
        is_favourite &= ~is_away | (offers[REMOTE, favourite] & (draw > _LOCAL_WHEN_AWAY))
        is_favourite &= offers[intents.way, favourite]
        is_open = (intents.merchant == ANY) | (intents.merchant == ELSEWHERE)
        is_web = is_open & ~is_favourite & (rng.random(count) < _WEB_SHARES[intents.way])
        local = self._draw_local(intents, place)
        found = np.where(is_web, self.shops.online.draw(rng.random(count)), local)
        return np.where(is_open, np.where(is_favourite, favourite, found), intents.merchant), is_web

    def _draw_local(self, intents: Intents, place: Ints) -> Ints:
        draws, country = self.rng.random(len(place)), COUNTRY_OF_PLACE[place]
        found = self.shops.draw_in(country, draws)
        for way in (REMOTE, AT_COUNTER):
            rows = np.flatnonzero(intents.way == way)
            found[rows] = self.shops.draw_in(country[rows], draws[rows], way)
        return found

    def _choose_channels(self, intents: Intents, merchant: Ints, place: Ints, is_web: Flags) -> Ints:
        columns = self.rng.integers(0, CHANNEL_TABLE.shape[2], len(place))
        is_abroad = self.shops.country[merchant] != COUNTRY_OF_PLACE[place]
        way = np.where(is_abroad & (intents.way == USUAL), REMOTE, intents.way)
        return np.where(is_web, ONLINE, CHANNEL_TABLE[way, self.shops.category[merchant], columns])

    def _price(self, intents: Intents, merchant: Ints, place: Ints) -> tuple[Floats, Ints]:
        rng, count, shops = self.rng, len(place), self.shops
        logarithm = shops.log_price[merchant] + self.people.level[intents.customer] + intents.log_factor
        logarithm += rng.normal(0.0, 1.0, count) * _SIGMA[shops.category[merchant]]
        is_big = (rng.random(count) < _BIG_SHARE) & (intents.story == 0)
        logarithm += np.where(is_big, rng.uniform(*_BIG_LOG_FACTORS, count), 0.0)
        home = self.people.home[intents.customer]
        is_near = shops.country[merchant] == COUNTRY_OF_PLACE[place]
        share = np.where(is_near, _PAYS_HOME_CURRENCY_HERE, _PAYS_HOME_CURRENCY_ABROAD)
        currency = _CURRENCY[np.where(rng.random(count) < share, home, shops.place[merchant])]
        amount = price(np.exp(logarithm), currency, rng.random(count))
        return np.where(rng.random(count) < _ZERO_CHECK_SHARE, 0.0, amount), currency

    def _choose_devices(self, intents: Intents, merchant: Ints, channel: Ints) -> tuple[Ints, Ints, Flags]:
        rng, count, people = self.rng, len(merchant), self.people
        is_counter = (channel == COUNTER) | (channel == ATM)
        slot = (rng.random(count) * people.devices[intents.customer]).astype(np.int64)
        slot = np.where(channel == MOBILE, PHONE, slot)
        version = np.where(slot == PHONE, self.whereabouts.phones(intents.customer), 0)
        is_guest = (rng.random(count) < _GUEST_DEVICE_SHARE) & (intents.device == OWN)
        own = people.device_numbers[intents.customer, slot] + version * 0x5DEECE66D
        own = np.where(is_guest, rng.integers(1 << 40, 1 << 41, count), own)
        terminal = merchant * 8 + (rng.random(count) * self.shops.terminals[merchant]).astype(np.int64)
        device = np.where(is_counter, terminal, np.where(intents.device == OWN, own, intents.device))
        return np.where(is_counter, TERMINAL, slot), device, is_guest

    def _show_places(self, intents: Intents, place: Ints, channel: Ints) -> Ints:
        """Return the places as they seem to be: those of some people are veiled online."""
        vpn = self.people.vpn[intents.customer]
        is_veiled = (vpn >= 0) & (channel == ONLINE) & (intents.place == HERE)
        return np.where(is_veiled & (self.rng.random(len(place)) < _VPN_USE), vpn, place)

    def _locate(self, intents: Intents, place: Ints, channel: Ints) -> tuple[Floats, Floats]:
        people, customer, rng = self.people, intents.customer, self.rng
        is_home = place == people.home[customer]
        is_at_work = (channel == COUNTER) & _WORK_HOURS[hour_of_week(intents.ms + people.offset_h[customer] * HOUR_MS)]
        reach = np.where(is_home, _NEAR_DEGREES, _FAR_DEGREES)
        latitude = np.where(is_at_work, people.work_latitude[customer], people.latitude[customer])
        longitude = np.where(is_at_work, people.work_longitude[customer], people.longitude[customer])
        latitude = np.where(is_home, latitude, LATITUDES[place]) + reach * rng.uniform(-1, 1, len(place))
        longitude = np.where(is_home, longitude, LONGITUDES[place]) + reach * rng.uniform(-1, 1, len(place))
        return _rounded(latitude), _rounded(longitude)

    def _choose_addresses(self, intents: Intents, place: Ints, channel: Ints, is_guest: Flags) -> Ints:
        """Return numbers of addresses; home networks keep theirs, mobile ones and those of others change."""
        is_settled = (
            (place == self.people.home[intents.customer]) & (channel == ONLINE) & ~is_guest & (intents.device == OWN)
        )
        changing = self.rng.integers(0, ADDRESSES, len(place))
        return np.where(is_settled, self.people.addresses[intents.customer] % ADDRESSES, changing)


def _rounded(degrees: Floats) -> Floats:
    return np.asarray(np.round(degrees, 4), np.float64)


def price(dollars: Floats, currency: Ints, draws: Floats) -> Floats:
    """Return `dollars` as prices in the currencies: a fifth of all are whole, a fifth end in 99, others are as they come."""
    units = np.maximum(dollars * _UNITS[currency], 0.01)
    is_whole = (draws < _WHOLE_SHARE) | ~_HAS_CENTS[currency]
    ends_in_99 = draws < _NINETY_NINE_SHARE
    return np.where(
        is_whole, np.ceil(units), np.where(ends_in_99, np.round(np.floor(units) + 0.99, 2), np.round(units, 2))
    )
