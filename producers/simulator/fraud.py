"""Two fraud patterns, crude on purpose; one event betrays each only in part.

`account_takeover`: somebody else's device buys what resells well, for more than usual, mostly from another country and at the
owner's night; one in four is careful and shops from the owner's country, for only somewhat more. `card_testing`: a script tries
stolen cards at one merchant, in bursts, for nothing or tiny round amounts.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import islice
from random import Random

from producers.simulator.places import PLACES, Place
from producers.simulator.purchases import Purchase, price
from producers.simulator.world import Customer, Merchant, World, make_device

ACCOUNT_TAKEOVER = "account_takeover"
CARD_TESTING = "card_testing"
PATTERNS = (ACCOUNT_TAKEOVER, CARD_TESTING)

_ACTIVE_CAMPAIGNS = 6  # half of each pattern
_MEAN_BURST = 4
MEAN_VISIT = (1 + _MEAN_BURST) / 2
"""Events that a visit to the campaigns brings on average: one of a takeover, or a burst of card tests."""

_RESOLD = ("electronics", "gift_cards", "travel", "clothing")
_TESTED = ("digital_goods", "charity", "gift_cards")
_TEST_AMOUNTS = (0.0, 0.0, 0.0, 0.5, 1.0, 1.0, 1.0, 2.0, 3.0, 5.0)
_CAREFUL_SHARE = 0.25
_NIGHT_SHARE = 0.7
_NIGHT_HOURS = 6


class Campaigns:
    """Several frauds at a time; each visit advances one of them, and what ends is replaced."""

    def __init__(self, world: World, rng: Random) -> None:
        self._world, self._rng = world, rng
        self._active: list[tuple[str, Iterator[Purchase]] | None] = [None] * _ACTIVE_CAMPAIGNS

    def next_purchases(self, utc_hour: int) -> list[Purchase]:
        """Return one event of a takeover or a burst of 1 to 7 card tests; never empty."""
        slot = self._rng.randrange(_ACTIVE_CAMPAIGNS)
        while True:
            pattern, purchases = self._active[slot] or self._start(PATTERNS[slot % 2], utc_hour)
            size = 1 if pattern == ACCOUNT_TAKEOVER else self._rng.randrange(1, 2 * _MEAN_BURST)
            found = list(islice(purchases, size))
            self._active[slot] = (pattern, purchases) if found else None
            if found:
                return found

    def _start(self, pattern: str, utc_hour: int) -> tuple[str, Iterator[Purchase]]:
        start = _take_over if pattern == ACCOUNT_TAKEOVER else _test_cards
        return pattern, start(self._world, self._rng, utc_hour)


def _take_over(world: World, rng: Random, utc_hour: int) -> Iterator[Purchase]:
    is_careful = rng.random() < _CAREFUL_SHARE
    victim = _pick_victim(world.customers, rng, utc_hour)
    place = victim.home if is_careful else _pick_abroad(rng, victim.home)
    device = make_device(rng, ("desktop", "desktop", "desktop", "mobile", "tablet"), private_share=0.25)
    for _ in range(rng.randrange(3, 9)):
        merchant = _pick_merchant(world, rng, _RESOLD)
        dollars = merchant.category.dollars * math.exp(rng.gauss(0.4 if is_careful else 1.3, 0.6))
        amount = price(dollars, victim.home, rng.random())
        yield Purchase(victim, merchant, amount, victim.home.currency, "online", place, device, ACCOUNT_TAKEOVER)


def _test_cards(world: World, rng: Random, _utc_hour: int) -> Iterator[Purchase]:
    merchant = _pick_merchant(world, rng, _TESTED)
    place = rng.choice(PLACES) if rng.random() < 0.7 else None  # noqa: PLR2004
    device = make_device(rng, ("desktop", "desktop", "mobile", "script"), private_share=0.25)
    for _ in range(rng.randrange(15, 45)):
        amount = rng.choice(_TEST_AMOUNTS) * merchant.place.round_unit
        amount = amount if merchant.place.has_cents else math.ceil(amount)
        victim = rng.choice(world.customers)
        yield Purchase(victim, merchant, amount, merchant.place.currency, "online", place, device, CARD_TESTING)


def _pick_victim(customers: Sequence[Customer], rng: Random, utc_hour: int) -> Customer:
    """Return somebody, in most cases one who sleeps."""
    tries = 200 if rng.random() < _NIGHT_SHARE else 1
    for _ in range(tries):
        victim = rng.choice(customers)
        if (utc_hour + victim.home.utc_offset_h) % 24 < _NIGHT_HOURS:
            break
    return victim


def _pick_abroad(rng: Random, home: Place) -> Place:
    return rng.choice([place for place in PLACES if place.country != home.country])


def _pick_merchant(world: World, rng: Random, categories: Sequence[str]) -> Merchant:
    return rng.choice(world.by_category[rng.choice(categories)])
