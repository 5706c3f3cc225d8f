"""Five fraud patterns. None can be told from one event: each overrides as little of an ordinary purchase as its story needs."""

from __future__ import annotations

import math

from producers.simulator.intents import ANY, ELSEWHERE, HERE, OWN, Intent
from producers.simulator.shops import AT_COUNTER, REMOTE
from producers.simulator.stage import Stage, Story

CARD_TESTING = "card_testing"
ACCOUNT_TAKEOVER = "account_takeover"
COMPROMISED_MERCHANT = "compromised_merchant"
SLOW_AND_LOW = "slow_and_low"
AMOUNT_INFLATION = "amount_inflation"

LONGEST_DAYS = 36
"""No campaign lasts longer than that, at a pace of 1."""

_MANY_CARDS_SHARE = 0.25
_SESSIONS = 3
_SCRIPTED_DEVICE_SHARE = 0.3


def try_cards(stage: Stage, start_ms: int) -> list[Intent]:
    """Small, plausible amounts at one remote merchant, within minutes: many tries on one card, or one try on each of many cards.

    A campaign over many cards comes back to its merchant: three sessions within two weeks. Nearly every try shows a fresh device;
    one in seven seems to come from somewhere else than where the customer lives. The cards are mostly of the merchant's country.
    """
    merchant = stage.merchant(stage.shops.small_remote)
    if stage.chance.random() < _MANY_CARDS_SHARE:
        starts = [start_ms, *(start_ms + stage.days(1, 14) for _ in range(_SESSIONS - 1))]
        return [intent for start in starts for intent in _try_many_cards(stage, start, merchant)]
    customer, device, span = stage.someone_near(start_ms, merchant), stage.new_device(), stage.minutes(2, 15)
    place = _perhaps_elsewhere(stage, customer)
    moments = [start_ms + int(stage.chance.random() * span) for _ in range(stage.chance.randrange(5, 13))]
    return [Intent(ms, customer, 0, merchant, place, device, REMOTE, -0.4) for ms in moments]


def _try_many_cards(stage: Stage, start_ms: int, merchant: int) -> list[Intent]:
    span, script, intents = stage.minutes(3, 20), stage.new_device(), list[Intent]()
    for _ in range(stage.chance.randrange(6, 15)):
        ms = start_ms + int(stage.chance.random() * span)
        customer = stage.someone_near(ms, merchant)
        device = script if stage.chance.random() < _SCRIPTED_DEVICE_SHARE else stage.new_device()
        intents.append(Intent(ms, customer, 0, merchant, _perhaps_elsewhere(stage, customer), device, REMOTE, -0.4))
    return intents


def _perhaps_elsewhere(stage: Stage, customer: int) -> int:
    return stage.other_place(customer) if stage.chance.random() < 0.15 else HERE  # noqa: PLR2004


def take_over(stage: Stage, start_ms: int) -> list[Intent]:
    """Three to nine remote purchases within hours, all with one device that the customer never had, from one other place.

    Two in three at shops of that place's country, the others where the customer might shop; the amounts are a fifth above the
    customer's.
    """
    customer, device = stage.someone(start_ms), stage.new_device()
    place, span = stage.other_place(customer), stage.minutes(30, 480)
    intents = list[Intent]()
    for _ in range(stage.chance.randrange(3, 10)):
        ms = start_ms + int(stage.chance.random() * span)
        merchant = stage.merchant_in(place, REMOTE) if stage.chance.random() < 2 / 3 else ANY
        intents.append(Intent(ms, customer, 0, merchant, place, device, REMOTE, 0.2))
    return intents


def skim(stage: Stage, start_ms: int) -> list[Intent]:
    """A merchant leaks the cards of its regular customers for two to five weeks: twelve victims, one to three events each.

    Six in ten are charged again at the merchant itself, as they are used to it: only labels of earlier charges there can tell. The
    cards of the others turn up elsewhere within days, half of them as copies at counters, half remotely with other devices.
    """
    merchant = stage.merchant(stage.shops.all)
    span = stage.days(14, 35)
    intents = list[Intent]()
    for customer in stage.patrons(merchant, 12):
        where = stage.chance.choices((_at_merchant, _by_copy, _remotely), (0.6, 0.2, 0.2))[0]
        start = start_ms + int(stage.chance.random() * span * 0.8)
        for _ in range(stage.chance.randrange(1, 4)):
            ms = stage.waking_moment(customer, start, int(span * 0.2))
            intents.append(where(stage, ms, customer, merchant))
    return intents


def _at_merchant(stage: Stage, ms: int, customer: int, merchant: int) -> Intent:
    return Intent(ms, customer, 0, merchant, stage.home(customer), log_factor=0.2)


def _by_copy(stage: Stage, ms: int, customer: int, _merchant: int) -> Intent:
    return Intent(ms, customer, 0, ELSEWHERE, stage.home(customer), OWN, AT_COUNTER, 0.2)


def _remotely(stage: Stage, ms: int, customer: int, _merchant: int) -> Intent:
    return Intent(ms, customer, 0, ELSEWHERE, HERE, stage.new_device(), REMOTE, 0.2)


def bleed(stage: Stage, start_ms: int) -> list[Intent]:
    """Six to fourteen purchases of moderate size on one card over 4 to 12 days, in the customer's waking hours, at merchants that are
    no favourites: half of the campaigns at counters where the customer lives, half remotely with one new device, from where the
    customer is.
    """
    customer, device, span = stage.someone(start_ms), stage.new_device(), stage.days(4, 12)
    place, way = stage.chance.choice(((stage.home(customer), AT_COUNTER), (HERE, REMOTE)))
    return [
        Intent(stage.waking_moment(customer, start_ms, span), customer, 0, ELSEWHERE, place, device, way, 0.25)
        for _ in range(stage.chance.randrange(6, 15))
    ]


def inflate(stage: Stage, start_ms: int) -> list[Intent]:
    """A merchant of small tickets charges regular customers 2.5 to 6 times what they usually pay there, for one to three weeks.

    Ten victims, once or twice each, on their own devices, where they are, at their hours; the amounts are ordinary elsewhere.
    """
    merchant, span = stage.merchant(stage.shops.small_tickets), stage.days(7, 21)
    return [
        Intent(
            stage.waking_moment(customer, start_ms, span), customer, 0, merchant, stage.home(customer),
            log_factor=stage.chance.uniform(math.log(2.5), math.log(6.0)),
        )
        for customer in stage.patrons(merchant, 10)
        for _ in range(stage.chance.randrange(1, 3))
    ]  # fmt: skip


PATTERNS = (
    Story(CARD_TESTING, 0.25, _MANY_CARDS_SHARE * _SESSIONS * 10 + (1 - _MANY_CARDS_SHARE) * 8.5, try_cards),
    Story(ACCOUNT_TAKEOVER, 0.20, 6.0, take_over),
    Story(COMPROMISED_MERCHANT, 0.25, 24.0, skim),
    Story(SLOW_AND_LOW, 0.15, 10.0, bleed),
    Story(AMOUNT_INFLATION, 0.15, 15.0, inflate),
)
"""All patterns with their shares of fraud. The shares are a decision, not a measurement; see producers/simulator/reference.py."""
