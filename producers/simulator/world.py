"""The people and shops of a simulation, made once from the seed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from producers.simulator.places import PLACES, Place
from producers.simulator.settings import SimulationSettings

_FAVOURITES = 10
_WORLDWIDE = ""


class Category(NamedTuple):
    """A kind of merchant: how common it is, its usual amount in dollars, the spread of its logarithm, and how people pay."""

    name: str
    weight: int
    dollars: float
    sigma: float
    channels: tuple[str, ...]


CATEGORIES = (
    Category("grocery", 26, 38.0, 0.7, ("card_present", "card_present", "card_present", "online")),
    Category("restaurant", 16, 26.0, 0.6, ("card_present", "card_present", "mobile")),
    Category("fuel", 9, 45.0, 0.4, ("card_present",)),
    Category("transport", 9, 12.0, 0.7, ("mobile", "card_present")),
    Category("clothing", 9, 62.0, 0.8, ("card_present", "online")),
    Category("pharmacy", 6, 22.0, 0.7, ("card_present",)),
    Category("utilities", 4, 95.0, 0.5, ("online",)),
    Category("entertainment", 5, 30.0, 0.7, ("online", "card_present", "mobile")),
    Category("electronics", 4, 180.0, 1.0, ("online", "card_present")),
    Category("digital_goods", 5, 11.0, 0.7, ("online", "mobile")),
    Category("travel", 2, 320.0, 0.9, ("online",)),
    Category("cash", 2, 90.0, 0.5, ("atm",)),
    Category("gift_cards", 1, 50.0, 0.6, ("online", "card_present")),
    Category("charity", 1, 20.0, 0.8, ("online",)),
    Category("gambling", 1, 40.0, 0.9, ("online", "mobile")),
)


class Device(NamedTuple):
    """What a transaction is made with. Addresses are private or from the documentation ranges: they belong to nobody."""

    device_type: str | None
    device_id: str | None
    ip_address: str | None


class Merchant(NamedTuple):
    """A shop, its kind and where it stands; `terminal` is what its counter uses."""

    merchant_id: str
    category: Category
    place: Place
    terminal: Device


@dataclass(slots=True, eq=False)
class Customer:
    """A person. `log_factor` shifts the logarithm of every amount; `transactions` counts what was simulated so far, plus a past."""

    user_id: str
    card_id: str
    home: Place
    device: Device
    wakes_at_hour: int
    log_factor: float
    favourites: Sequence[Merchant]
    transactions: int

    def is_awake(self, utc_hour: int) -> bool:
        """Whether the local hour is one of the 17 in which this person is up."""
        return (utc_hour + self.home.utc_offset_h - self.wakes_at_hour) % 24 < 17  # noqa: PLR2004


@dataclass(frozen=True, slots=True)
class World:
    """Everybody and every shop; `by_category` lists the shops of a kind (always at least one)."""

    customers: Sequence[Customer]
    merchants: Sequence[Merchant]
    by_category: Mapping[str, Sequence[Merchant]]


def make_world(settings: SimulationSettings) -> World:
    """Return the world of these settings; equal seeds and sizes give equal worlds."""
    rng = Random(f"world {settings.seed}")
    merchants = _make_merchants(rng, settings.merchants)
    by_country: dict[str, list[Merchant]] = {_WORLDWIDE: merchants}
    by_category: dict[str, list[Merchant]] = {category.name: [] for category in CATEGORIES}
    for merchant in merchants:
        by_country.setdefault(merchant.place.country, []).append(merchant)
        by_category[merchant.category.name].append(merchant)
    customers = [_make_customer(rng, number, by_country) for number in range(settings.customers)]
    return World(customers, merchants, {name: shops or merchants for name, shops in by_category.items()})


def _make_merchants(rng: Random, count: int) -> list[Merchant]:
    places = rng.choices(PLACES, [place.weight for place in PLACES], k=count)
    categories = rng.choices(CATEGORIES, [category.weight for category in CATEGORIES], k=count)
    return [
        Merchant(f"m-{number:05d}", category, place, Device("terminal", f"pos-{number:05d}", None))
        for number, (place, category) in enumerate(zip(places, categories, strict=True))
    ]


def _make_customer(rng: Random, number: int, by_country: Mapping[str, Sequence[Merchant]]) -> Customer:
    home = rng.choices(PLACES, [place.weight for place in PLACES])[0]
    shops = by_country.get(home.country) or by_country[_WORLDWIDE]
    return Customer(
        user_id=f"user-{number:06d}",
        card_id=f"tok_{rng.getrandbits(64):016x}",
        home=home,
        device=make_device(rng, ("mobile", "mobile", "mobile", "desktop", "tablet"), private_share=0.6),
        wakes_at_hour=rng.choice((5, 6, 6, 7, 7, 8, 9, 11)),
        log_factor=rng.gauss(0.0, 0.35),
        favourites=[shops[int(len(shops) * rng.random() ** 2)] for _ in range(_FAVOURITES)],
        transactions=int(math.exp(rng.gauss(4.0, 1.3))),
    )


def make_device(rng: Random, types: Sequence[str], private_share: float) -> Device:
    """Return a new device of one of `types`, with a private address in that share of cases, else one reserved for documentation."""
    host, net = rng.randrange(1, 255), rng.randrange(256)
    public = (f"192.0.2.{host}", f"198.51.100.{host}", f"203.0.113.{host}", f"2001:db8:{net:x}::{host:x}")
    address = f"10.{net}.{rng.randrange(256)}.{host}" if rng.random() < private_share else rng.choice(public)
    return Device(rng.choice(types), f"dev-{rng.getrandbits(48):012x}", address)
