"""A purchase, genuine or not, before it becomes an event; and how genuine customers choose theirs."""

from __future__ import annotations

import math
from random import Random
from typing import NamedTuple

from producers.simulator.places import PLACES, Place
from producers.simulator.world import Customer, Device, Merchant, World

_NIGHT_OWL_SHARE = 0.06
_ZERO_CHECK_SHARE = 0.004
_TRAVEL_SHARE = 0.02
_NEW_MERCHANT_SHARE = 0.15
_NEW_DEVICE_SHARE = 0.03
_AT_A_COUNTER = frozenset({"card_present", "atm"})


class Purchase(NamedTuple):
    """Who buys what for how much: `amount` in units of `currency`, made at `place` with `device`; `pattern` names the fraud."""

    customer: Customer
    merchant: Merchant
    amount: float
    currency: str
    channel: str
    place: Place | None
    device: Device
    pattern: str | None = None


def price(dollars: float, place: Place, draw: float) -> float:
    """Return `dollars` as a price in the place's currency: a fifth of all are whole, a fifth end in 99, others are as they come."""
    units = max(dollars * place.units_per_dollar, 0.01)
    if draw < 0.2 or not place.has_cents:  # noqa: PLR2004
        return float(math.ceil(units))
    return math.floor(units) + 0.99 if draw < 0.4 else round(units, 2)  # noqa: PLR2004


class Shoppers:
    """Draws genuine purchases, one after the other."""

    def __init__(self, world: World, rng: Random) -> None:
        self._world, self._random, self._gauss, self._rng = world, rng.random, rng.gauss, rng

    def next_purchase(self, utc_hour: int) -> Purchase:
        """Return what somebody who is (mostly) awake at this hour buys."""
        random = self._random
        customer = self._pick_customer(utc_hour)
        place = customer.home if random() > _TRAVEL_SHARE else PLACES[int(random() * len(PLACES))]
        merchant = self._pick_merchant(customer)
        category = merchant.category
        channel = category.channels[int(random() * len(category.channels))]
        logarithm = self._gauss(customer.log_factor, category.sigma)
        amount = 0.0 if random() < _ZERO_CHECK_SHARE else price(category.dollars * math.exp(logarithm), place, random())
        device = merchant.terminal if channel in _AT_A_COUNTER else self._pick_device(customer)
        return Purchase(customer, merchant, amount, place.currency, channel, place, device)

    def _pick_customer(self, utc_hour: int) -> Customer:
        customers, random = self._world.customers, self._random
        for _ in range(8):
            customer = customers[int(random() * len(customers))]
            if customer.is_awake(utc_hour) or random() < _NIGHT_OWL_SHARE:
                break
        return customer

    def _pick_merchant(self, customer: Customer) -> Merchant:
        random = self._random
        shops = customer.favourites if random() > _NEW_MERCHANT_SHARE else self._world.merchants
        return shops[int(random() * len(shops))]

    def _pick_device(self, customer: Customer) -> Device:
        if self._random() > _NEW_DEVICE_SHARE:
            return customer.device
        return Device(customer.device.device_type, f"dev-{self._rng.getrandbits(48):012x}", customer.device.ip_address)
