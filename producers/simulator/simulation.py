"""The simulation itself: who acts when, in blocks, and the events that come of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random
from typing import Any

import numpy as np

from producers.simulator.events import EventWriter, SimulatedEvent
from producers.simulator.intents import merge, ordinary
from producers.simulator.people import Crowd, People
from producers.simulator.plot import LOOKALIKE_SHARE, Plot
from producers.simulator.purchases import Checkout, Purchases
from producers.simulator.rhythm import Calendar
from producers.simulator.settings import SimulationSettings
from producers.simulator.stage import Stage
from producers.simulator.whereabouts import Whereabouts
from producers.simulator.world import World, make_world, seeded
from schemas.timestamps import format_timestamp

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LARGEST_BLOCK, _SMALLEST_BLOCK = 4_096, 64
_MILLISECOND = timedelta(milliseconds=1)


def now_utc() -> datetime:
    """Return the wall clock: what live events are stamped with."""
    return datetime.now(UTC)


def simulate(
    settings: SimulationSettings,
    count: int | None = None,
    *,
    until: datetime | None = None,
    clock: Callable[[], datetime] | None = None,
) -> Iterator[SimulatedEvent]:
    """Yield `count` events (None = without end) in order of event time, those before `until` only; equal settings yield equal events.

    Without a clock, event time begins at `settings.start` and moves on as chance and the hour of the week have it,
    `events_per_second` on average over a week. With one (live), the world begins at the clock's first moment, and an event is stamped
    with what the clock says when it is drawn, never earlier than the one before; who is awake follows as far as the events are drawn
    about as fast as `events_per_second` says. Every event is valid by the schema. Events are independent objects: they may be
    changed. ValueError if `count` is negative.
    """
    world = make_world(settings)
    start = settings.start if clock is None else clock()
    events = _events(settings, world, to_ms(start), None if until is None else to_ms(until))
    return islice(events if clock is None else _stamped(events, world.people, clock), count)


def to_ms(moment: datetime) -> int:
    """Return the whole milliseconds from 1970 to `moment` (aware)."""
    return (moment - _EPOCH) // _MILLISECOND


def _events(
    settings: SimulationSettings, world: World, start_ms: int, until_ms: int | None
) -> Iterator[SimulatedEvent]:
    run = f"{settings.seed} {settings.transaction_prefix}"
    write = EventWriter(world, settings.transaction_prefix, Random(f"gaps {run}")).write
    for purchases in _blocks(settings, world, start_ms):
        if until_ms is not None and purchases.ms[-1] >= until_ms:
            yield from write(purchases.first(int(np.searchsorted(purchases.ms, until_ms))))
            return
        yield from write(purchases)


def _blocks(settings: SimulationSettings, world: World, start_ms: int) -> Iterator[Purchases]:
    """Yield purchases without end; a block is at most half an event a customer, so that lives move on in small steps."""
    run = f"{settings.seed} {settings.transaction_prefix}"
    rng, crowd = seeded(f"events {run}"), Crowd(world.people)
    calendar = Calendar(crowd.by_hour, settings.events_per_second)
    whereabouts = Whereabouts(world.people, rng, start_ms, settings.pace)
    checkout = Checkout(world.shops, world.people, whereabouts, rng)
    stage = Stage(world.shops, world.people, crowd, rng, Random(f"stories {run}"), settings.pace)
    plot = Plot(stage, calendar, settings.fraud_share, start_ms)
    expected, share = calendar.expected_before(start_ms), 1 - settings.fraud_share - LOOKALIKE_SHARE
    size = min(_LARGEST_BLOCK, max(_SMALLEST_BLOCK, settings.customers // 2))
    while True:
        passed = expected + np.cumsum(rng.exponential(1 / share, size))
        expected = float(passed[-1])
        ms = calendar.moments(passed)
        whereabouts.move_on(int(ms[0]))
        customers = crowd.draw(ms, rng)
        can_buy = ~whereabouts.in_transit(customers, ms)
        planned = plot.intents_until(int(ms[-1]))
        yield checkout.complete(merge(ordinary(ms[can_buy], customers[can_buy]), planned))


def _stamped(
    events: Iterator[SimulatedEvent], people: People, clock: Callable[[], datetime]
) -> Iterator[SimulatedEvent]:
    offsets_h = dict(zip(people.user_ids, people.offset_h.tolist(), strict=True))
    latest = _EPOCH
    for simulated in events:
        latest = max(latest, clock())
        event: dict[str, Any] = simulated.event
        local = latest + timedelta(hours=offsets_h[event["user_id"]])
        event["timestamp"] = format_timestamp(latest)
        for name, value in (("hour", local.hour), ("day_of_week", local.weekday())):
            if event.get(name) is not None:
                event[name] = value
        yield simulated
