"""Genuine happenings that resemble fraud, so that no rule is right all the time."""

from __future__ import annotations

from producers.simulator.intents import ANY, ELSEWHERE, HERE, OWN, Intent
from producers.simulator.shops import AT_COUNTER, REMOTE, USUAL
from producers.simulator.stage import Stage, Story

HOLIDAY_SHOPPING = "holiday_shopping"
FAIR = "fair"
GAME_EVENING = "game_evening"
NEW_PHONE_ABROAD = "new_phone_abroad"


def shop_for_holidays(stage: Stage, start_ms: int) -> list[Intent]:
    """Resembles slow-and-low: 5 to 14 larger purchases over 2 to 8 days, elsewhere than usual, one in ten with a new device."""
    customer, span = stage.someone(start_ms), stage.days(2, 8)
    device = stage.new_device() if stage.chance.random() < 0.1 else OWN  # noqa: PLR2004
    return [
        Intent(
            stage.waking_moment(customer, start_ms, span), customer, 0, ELSEWHERE, HERE, device,
            REMOTE if stage.chance.random() < 0.7 else USUAL, 0.25,  # noqa: PLR2004
        )
        for _ in range(stage.chance.randrange(5, 15))
    ]  # fmt: skip


def visit_fair(stage: Stage, start_ms: int) -> list[Intent]:
    """Resembles card testing at its merchant: 4 to 10 small payments in one to four hours, at one stand or at several."""
    customer, span = stage.someone(start_ms), stage.minutes(60, 240)
    place = stage.home(customer)
    stands = [stage.merchant_in(place, AT_COUNTER) for _ in range(stage.chance.randrange(1, 4))]
    return [
        Intent(
            start_ms + int(stage.chance.random() * span),
            customer,
            0,
            stage.chance.choice(stands),
            place,
            OWN,
            AT_COUNTER,
            -0.7,
        )
        for _ in range(stage.chance.randrange(4, 11))
    ]


def play_games(stage: Stage, start_ms: int) -> list[Intent]:
    """Resembles many tries on one card: 4 to 12 small purchases at one remote merchant in minutes, one in ten with a new device."""
    customer, span = stage.someone(start_ms), stage.minutes(3, 25)
    merchant = stage.merchant(stage.shops.small_remote)
    device = stage.new_device() if stage.chance.random() < 0.1 else OWN  # noqa: PLR2004
    return [
        Intent(start_ms + int(stage.chance.random() * span), customer, 0, merchant, HERE, device, REMOTE, -0.4)
        for _ in range(stage.chance.randrange(4, 13))
    ]


def phone_home(stage: Stage, start_ms: int) -> list[Intent]:
    """Resembles an account take-over: 3 to 8 remote purchases in a day from another place, every second time with a new device."""
    customer, span = stage.someone(start_ms), stage.minutes(60, 1200)
    place, device = stage.other_place(customer), stage.chance.choice((OWN, stage.new_device()))
    return [
        Intent(start_ms + int(stage.chance.random() * span), customer, 0, ANY, place, device, REMOTE, 0.1)
        for _ in range(stage.chance.randrange(3, 9))
    ]


# Those that share nearly all of a pattern's signs are about as many as its frauds in the reference data set: neither can a rule be
# right every time, nor is every alarm a false one. The rest of their kind resembles it less.
LOOKALIKES = (
    Story(HOLIDAY_SHOPPING, 0.008, 9.5, shop_for_holidays),
    Story(FAIR, 0.008, 7.0, visit_fair),
    Story(GAME_EVENING, 0.004, 8.0, play_games),
    Story(NEW_PHONE_ABROAD, 0.0006, 5.5, phone_home),
)
"""All look-alikes with their shares of all events. Unplanned ones come on top: trips, new phones, veiled places, big purchases."""
