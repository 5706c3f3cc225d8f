"""What the planners of stories have at hand: the world, its clock, and chance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

import numpy as np

from producers.simulator.intents import Intent
from producers.simulator.people import Crowd, People
from producers.simulator.places import PLACE_WEIGHTS
from producers.simulator.rhythm import DAY_MS, MINUTE_MS
from producers.simulator.shops import COUNTRY_OF_PLACE, Shops, Urn

_TRIES = 32
_BUSIEST = 2.5


@dataclass(frozen=True, slots=True)
class Stage:
    """Draws for planners. `pace` shortens all that they plan, see settings.SimulationSettings.pace."""

    shops: Shops
    people: People
    crowd: Crowd
    rng: np.random.Generator
    chance: Random
    pace: float

    def someone(self, ms: int) -> int:
        """Return a customer who might shop at this moment."""
        return int(self.crowd.draw(np.array([ms]), self.rng)[0])

    def someone_near(self, ms: int, merchant: int) -> int:
        """Return a customer who might shop at this moment, one of the merchant's country if that is not rare."""
        drawn = self.crowd.draw(np.full(_TRIES, ms), self.rng)
        near = drawn[self.people.country[drawn] == self.shops.country[merchant]]
        return int(near[0] if len(near) else drawn[0])

    def merchant(self, urn: Urn) -> int:
        """Return a merchant of the urn."""
        return int(urn.draw(np.array([self.chance.random()]))[0])

    def merchant_in(self, place: int, way: int) -> int:
        """Return a merchant of the place's country that sells this way."""
        country, draw = np.array([COUNTRY_OF_PLACE[place]]), np.array([self.chance.random()])
        return int(self.shops.draw_in(country, draw, way)[0])

    def patrons(self, merchant: int, count: int) -> list[int]:
        """Return `count` customers who go to this merchant again and again, with repetitions if there are few; anybody if none."""
        found = self.people.patrons(merchant).tolist() or list(range(self.people.count))
        return self.chance.sample(found, count) if len(found) >= count else self.chance.choices(found, k=count)

    def new_device(self) -> int:
        """Return the number of a device that nobody had before."""
        return self.chance.randrange(1 << 41, 1 << 47)

    def other_place(self, customer: int) -> int:
        """Return a place that is not the customer's home."""
        home = int(self.people.home[customer])
        weights = [0 if number == home else weight for number, weight in enumerate(PLACE_WEIGHTS)]
        return self.chance.choices(range(len(weights)), weights)[0]

    def home(self, customer: int) -> int:
        """Return the place where the customer lives."""
        return int(self.people.home[customer])

    def minutes(self, low: float, high: float) -> int:
        """Return a span in milliseconds."""
        return int(self.chance.uniform(low, high) * MINUTE_MS / self.pace)

    def days(self, low: float, high: float) -> int:
        """Return a span in milliseconds."""
        return int(self.chance.uniform(low, high) * DAY_MS / self.pace)

    def waking_moment(self, customer: int, start_ms: int, span_ms: int) -> int:
        """Return a moment within the span after `start_ms` at which this customer might well shop."""
        for _ in range(_TRIES):
            ms = start_ms + int(self.chance.random() * span_ms)
            if self.chance.random() * _BUSIEST < self.crowd.shops_at(customer, ms):
                break
        return ms


class Story(NamedTuple):
    """A kind of planned happening: its name, its share of the events, and how many events one of it has on average.

    The share of a pattern is one of all fraud, that of a look-alike one of all events. `plan(stage, start_ms)` returns the intents of
    one happening that begins then, in any order; the one who calls sets their number of the story.
    """

    name: str
    share: float
    mean_events: float
    plan: Callable[[Stage, int], list[Intent]]
