"""The simulation itself: who acts next, when, and the event that comes of it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import count as counting
from itertools import islice
from random import Random
from typing import Any, NamedTuple

from producers.simulator.fraud import MEAN_VISIT, Campaigns
from producers.simulator.gaps import leave_gaps, make_gap_patterns
from producers.simulator.places import Place
from producers.simulator.purchases import Purchase, Shoppers
from producers.simulator.settings import SimulationSettings
from producers.simulator.world import make_world

_HOUR_MS = 3_600_000
_DAY_OF_EPOCH = 3  # 1970-01-01 was a Thursday; Monday = 0
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class SimulatedEvent(NamedTuple):
    """A transaction event, ready for JSON, and the truth about it, which no consumer sees."""

    event: dict[str, object]
    is_fraud: bool
    pattern: str | None


def now_utc() -> datetime:
    """Return the wall clock: what live events are stamped with."""
    return datetime.now(UTC)


def simulate(
    settings: SimulationSettings, count: int | None = None, *, clock: Callable[[], datetime] | None = None
) -> Iterator[SimulatedEvent]:
    """Yield `count` events (None = without end) in order of event time; equal settings yield equal events.

    Without a clock, event time begins at `settings.start` and moves on as chance has it, `events_per_second` on average. With one
    (live), an event is stamped with what the clock says when it is drawn, and local hours and who is awake follow. Every event
    is valid by the schema. Events are independent objects: they may be changed. ValueError if `count` is negative.
    """
    rng = Random(f"events {settings.seed} {settings.transaction_prefix}")
    moments = _drawn_moments(settings, rng) if clock is None else _clock_moments(clock)
    return islice(_events(settings, rng, moments), count)


def _drawn_moments(settings: SimulationSettings, rng: Random) -> Iterator[int]:
    moment_ms, rate_ms = _to_ms(settings.start) * 1.0, settings.events_per_second / 1000
    while True:
        yield int(moment_ms)
        moment_ms += rng.expovariate(rate_ms)


def _clock_moments(clock: Callable[[], datetime]) -> Iterator[int]:
    while True:
        yield _to_ms(clock())


def _to_ms(moment: datetime) -> int:
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000


def _events(settings: SimulationSettings, rng: Random, moments: Iterator[int]) -> Iterator[SimulatedEvent]:
    world = make_world(settings)
    write = _Writer(settings.transaction_prefix, rng)
    share = settings.fraud_share
    visit_share = share / (MEAN_VISIT * (1 - share) + share)
    shoppers, campaigns = Shoppers(world, rng), Campaigns(world, rng)
    burst: deque[Purchase] = deque()
    for moment_ms in moments:
        utc_hour = moment_ms // _HOUR_MS % 24
        if not burst and rng.random() < visit_share:
            burst.extend(campaigns.next_purchases(utc_hour))
        purchase = burst.popleft() if burst else shoppers.next_purchase(utc_hour)
        yield SimulatedEvent(write.event(purchase, moment_ms), purchase.pattern is not None, purchase.pattern)


class _Writer:
    """Turns purchases into events with running numbers."""

    def __init__(self, prefix: str, rng: Random) -> None:
        self._prefix, self._random, self._numbers = prefix, rng.random, counting()
        self._patterns = make_gap_patterns(rng)
        self._second, self._second_text = -1, ""

    def event(self, purchase: Purchase, moment_ms: int) -> dict[str, object]:
        """Return the event of `purchase` at `moment_ms` (milliseconds since 1970, UTC) and count it for the customer."""
        customer, merchant, amount, currency, channel, place, device, _ = purchase
        local_hours = moment_ms // _HOUR_MS + customer.home.utc_offset_h
        event: dict[str, Any] = {
            "transaction_id": f"{self._prefix}-{next(self._numbers):08d}",
            "timestamp": self._timestamp(moment_ms),
            "user_id": customer.user_id,
            "amount": amount,
            "currency": currency,
            "merchant_id": merchant.merchant_id,
            "merchant_category": merchant.category.name,
            "channel": channel,
            "location": self._location(place) if place else None,
            "device_info": device._asdict(),
            "card_id": customer.card_id,
            "hour": local_hours % 24,
            "day_of_week": (local_hours // 24 + _DAY_OF_EPOCH) % 7,
            "previous_transactions_count": customer.transactions,
        }
        customer.transactions += 1
        leave_gaps(event, self._patterns[int(self._random() * len(self._patterns))])
        return event

    def _location(self, place: Place) -> dict[str, Any]:
        random = self._random
        return {
            "country": place.country,
            "state": place.state,
            "city": place.city,
            "latitude": round(place.latitude + random() * 0.2 - 0.1, 4),
            "longitude": round(place.longitude + random() * 0.2 - 0.1, 4),
        }

    def _timestamp(self, moment_ms: int) -> str:
        second, milliseconds = divmod(moment_ms, 1000)
        if second != self._second:
            self._second, self._second_text = second, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        return f"{self._second_text}.{milliseconds:03d}Z"
