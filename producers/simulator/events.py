"""From purchases to events: the dictionaries that become JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count as counting
from random import Random
from typing import Any, NamedTuple

import numpy as np

from producers.simulator.gaps import leave_gaps, make_gap_patterns
from producers.simulator.people import DEVICE_TYPES, TERMINAL
from producers.simulator.places import PLACES
from producers.simulator.plot import STORIES, is_fraud
from producers.simulator.purchases import ADDRESSES, CURRENCIES, Purchases
from producers.simulator.rhythm import HOUR_MS, Ints, hour_of_week
from producers.simulator.shops import CATEGORIES, CHANNELS
from producers.simulator.world import World

_PRIVATE_SHARE = 0.6


class SimulatedEvent(NamedTuple):
    """A transaction event, ready for JSON, and the truth about it, which no consumer sees.

    `lookalike` names the genuine happening that it belongs to and that resembles fraud, if there is one.
    """

    event: dict[str, object]
    is_fraud: bool
    pattern: str | None
    lookalike: str | None = None


_TRUTHS = ((False, None, None), *(
    (True, story.name, None) if is_fraud(number) else (False, None, story.name) for number, story in enumerate(STORIES, 1)
))  # fmt: skip
_PLACES = [(place.country, place.state, place.city) for place in PLACES]


class EventWriter:
    """Turns purchases into events with running numbers, and counts the customers' transactions."""

    def __init__(self, world: World, prefix: str, chance: Random) -> None:
        self._people = world.people
        self._prefix, self._numbers, self._chance = prefix, counting(), chance
        self._gaps = make_gap_patterns(chance)
        self._addresses = [_make_address(chance) for _ in range(ADDRESSES)]
        self._merchants = [f"m-{number:05d}" for number in range(world.shops.count)]
        self._categories = [CATEGORIES[number].name for number in world.shops.category]
        self._transactions: list[int] = world.people.transactions.tolist()

    def write(self, purchases: Purchases) -> Iterator[SimulatedEvent]:
        """Yield the events in the order of the purchases, each an object of its own. Consume it before the next call."""
        new, transactions, prefix = tuple.__new__, self._transactions, self._prefix
        user_ids, cards, merchants, categories = (
            self._people.user_ids,
            self._people.cards,
            self._merchants,
            self._categories,
        )
        for (
            timestamp, who, story, merchant, channel, amount, currency, location, device, card, hour, weekday, gaps,
        ) in zip(*self._columns(purchases), strict=True):  # fmt: skip
            event: dict[str, Any] = {
                "transaction_id": f"{prefix}-{next(self._numbers):08d}", "timestamp": timestamp, "user_id": user_ids[who],
                "amount": amount, "currency": currency, "merchant_id": merchants[merchant],
                "merchant_category": categories[merchant], "channel": channel, "location": location, "device_info": device,
                "card_id": cards[who][card], "hour": hour, "day_of_week": weekday,
                "previous_transactions_count": transactions[who],
            }  # fmt: skip
            transactions[who] += 1
            if gaps:
                leave_gaps(event, gaps)
            yield new(SimulatedEvent, (event, *_TRUTHS[story]))

    def _columns(self, p: Purchases) -> tuple[Sequence[Any], ...]:
        local = hour_of_week(p.ms + self._people.offset_h[p.customer] * HOUR_MS)
        return (
            _timestamps(p.ms), p.customer.tolist(), p.story.tolist(), p.merchant.tolist(),
            [CHANNELS[n] for n in p.channel.tolist()], p.amount.tolist(), [CURRENCIES[n] for n in p.currency.tolist()],
            _locations(p), self._devices(p), p.card.tolist(), (local % 24).tolist(), (local // 24).tolist(),
            self._chance.choices(self._gaps, k=len(p.ms)),
        )  # fmt: skip

    def _devices(self, p: Purchases) -> list[dict[str, str | None]]:
        addresses = self._addresses
        return [
            {"device_type": "terminal", "device_id": f"pos-{device >> 3:05d}-{device & 7}", "ip_address": None}
            if kind == TERMINAL
            else {
                "device_type": DEVICE_TYPES[kind],
                "device_id": f"dev-{device:012x}",
                "ip_address": addresses[address],
            }
            for kind, device, address in zip(p.device_type.tolist(), p.device.tolist(), p.address.tolist(), strict=True)
        ]


def _locations(p: Purchases) -> list[dict[str, Any]]:
    return [
        {"country": country, "state": state, "city": city, "latitude": latitude, "longitude": longitude}
        for (country, state, city), latitude, longitude in zip(
            [_PLACES[n] for n in p.place.tolist()], p.latitude.tolist(), p.longitude.tolist(), strict=True
        )
    ]


def _timestamps(ms: Ints) -> list[str]:
    texts: list[str] = np.datetime_as_string(ms.astype("M8[ms]")).tolist()
    return [text + "Z" for text in texts]


def _make_address(chance: Random) -> str:
    """Return a private address or one from the ranges reserved for documentation: they belong to nobody."""
    host, net = chance.randrange(1, 255), chance.randrange(256)
    if chance.random() < _PRIVATE_SHARE:
        return f"10.{net}.{chance.randrange(256)}.{host}"
    return chance.choice((f"192.0.2.{host}", f"198.51.100.{host}", f"203.0.113.{host}", f"2001:db8:{net:x}::{host:x}"))
