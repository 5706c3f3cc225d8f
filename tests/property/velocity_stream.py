"""A stream that is hard on windows, as Kinesis would hold it, and what was reported of it: simulated customers over two months, made worse.

Worse are: ties in event time, late and early events, repetitions, conflicting resends, ids that come again, users with thousands of
rows, distances on the very edge of a window, zeros, fortunes, unknown currencies, poles, and facts that are missing or empty.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import Any, NamedTuple

from producers.simulator.settings import SimulationSettings
from producers.simulator.simulation import simulate
from schemas.label import Label
from schemas.position import StreamPosition, StreamRecord
from schemas.timestamps import format_timestamp, parse_timestamp
from tests.oracle.ledger_rows import DAY_MS, HOUR_MS, MINUTE_MS, milliseconds
from tests.pipeline_builders import EPOCH, SHARD

START = datetime(2026, 1, 5, tzinfo=UTC)
DAYS = 60
_HOT_DAYS = range(20, 46)
_HOT_ROWS = 2_600
_EVENTS_FOR_A_HOT_USER = 20_000
_MOST_HOT_USERS = 3
_LATEST_OF_A_MERCHANT_MS = 156 * HOUR_MS
"""Merchants' hours are closed seven days later. A batch may hold eight hours: what comes later than this names no merchant."""
_EDGES_MS = (0, 10 * MINUTE_MS, HOUR_MS, DAY_MS, 7 * DAY_MS, 14 * DAY_MS, 30 * DAY_MS)
_LETTERS = "aZé\uffff\U00010000"
"""Code points, UTF-16 and locales order them each in its own way."""

Event = dict[str, Any]


class Stream(NamedTuple):
    """Records of one shard in their order, and reports in theirs."""

    records: list[StreamRecord]
    reports: list[Label]


class _Arrival(NamedTuple):
    event: Event
    lag_ms: int
    """Arrival after event time."""


def hard_stream(size: int, seed: int) -> Stream:
    """Return about `size` records; equal arguments give equal streams. Most events are decided: the others are there to be refused."""
    chance = Random(f"hard stream {size} {seed}")
    arrivals = [*_simulated(size, chance, seed), *_at_the_edges(chance), *_odd_users(chance)]
    events = sorted(arrivals, key=lambda arrival: _ms(arrival.event) + arrival.lag_ms)
    again = [worse for arrival in events for worse in _again(arrival, chance)]
    in_order = sorted([*events, *again], key=lambda arrival: _ms(arrival.event) + arrival.lag_ms)
    reports = sorted(_reports(events, chance), key=lambda report: report.reported_at)
    return Stream([_record(number, arrival) for number, arrival in enumerate(in_order)], reports)


def _simulated(size: int, chance: Random, seed: int) -> Iterator[_Arrival]:
    hot_users = _hot_users(size)
    hot_share = _HOT_ROWS * len(hot_users) / (size * len(_HOT_DAYS) / DAYS)
    last: dict[str, str] = {}
    for number, simulated in enumerate(simulate(_settings(size, seed), size)):
        event: Event = simulated.event
        if (_ms(event) - milliseconds(START)) // DAY_MS in _HOT_DAYS and chance.random() < hot_share:
            event["user_id"] = hot_users[number % len(hot_users)]
        if event["user_id"] in last and chance.random() < 0.03:
            event["timestamp"] = last[event["user_id"]]
        last[event["user_id"]] = event["timestamp"]
        _spoil(event, chance)
        yield _arriving(event, chance)


def _hot_users(size: int) -> list[str]:
    return [f"user-hot-{n}" for n in range(min(_MOST_HOT_USERS, max(1, size // _EVENTS_FOR_A_HOT_USER)))]


def _settings(size: int, seed: int) -> SimulationSettings:
    per_second = size / (DAYS * 86_400)
    return SimulationSettings(
        seed=seed,
        customers=size // 30,
        merchants=size // 250,
        start=START,
        fraud_share=0.03,
        events_per_second=per_second,
    )


def _spoil(event: Event, chance: Random) -> None:
    """Make one event in ten odd."""
    oddities: tuple[Callable[[Event], object], ...] = (
        lambda e: e.update(merchant_id=""),
        lambda e: e.update(device_info={"device_id": ""}),
        lambda e: e.update(currency="XXX"),
        lambda e: e.update(amount=0),
        lambda e: e.update(amount=9_999_999_999_999.99),
        lambda e: e.update(location={"country": "", "latitude": chance.choice((-90, 90)), "longitude": 180}),
        lambda e: e.update(location={"country": "FJ", "latitude": -17.5}),
        lambda e: e.update(location={"country": "FJ", "latitude": -17.5, "longitude": -179.99}),
        lambda e: e.update(transaction_id=chance.choice(_LETTERS) + e["transaction_id"]),
        lambda e: e.update(timestamp=e["timestamp"][:13] + ":00:00.000Z"),
    )
    if chance.random() < 0.1:
        chance.choice(oddities)(event)


def _arriving(event: Event, chance: Random) -> _Arrival:
    kind = chance.random()
    if kind < 0.05:
        return _Arrival(event, chance.randrange(_LATEST_OF_A_MERCHANT_MS))
    if kind < 0.06:
        return _without_late_merchant(event, chance.randrange(_LATEST_OF_A_MERCHANT_MS, 7 * DAY_MS))
    return _Arrival(event, -chance.randrange(4 * MINUTE_MS) if kind < 0.07 else chance.randrange(2_000))


def _without_late_merchant(event: Event, lag_ms: int) -> _Arrival:
    return _Arrival(event | ({"merchant_id": None} if lag_ms >= _LATEST_OF_A_MERCHANT_MS else {}), lag_ms)


def _at_the_edges(chance: Random) -> Iterator[_Arrival]:
    """Users whose rows are just as far apart as a window is wide, and a millisecond more and less."""
    numbers = count()
    for user in range(12):
        at_ms = milliseconds(START) + chance.randrange(31 * DAY_MS, (DAYS - 8) * DAY_MS)
        offsets = [-edge + off for edge in _EDGES_MS for off in (-1, 0, 1)]
        facts = {
            "device_info": {"device_id": f"d-{user % 3}"},
            "location": {"country": "DE"},
            "merchant_id": f"m-0000{user % 5}",
        }
        for offset in chance.sample(offsets, len(offsets)):
            fact = dict([chance.choice([*facts.items()])])
            amount = chance.choice((1, 5, 12.5, 25))
            event = _event(f"edge-{user}-{next(numbers)}", at_ms + offset, f"user-edge-{user}", amount) | fact
            yield _Arrival(event, chance.choice((0, 0, 5 * DAY_MS)))


def _odd_users(chance: Random) -> Iterator[_Arrival]:
    """Users of zeros, of one amount, of fortunes, and of one place and moment."""
    kinds = {"zero": (0,), "same": (7.77,), "rich": (9e9, 9_999_999_999, 9e15), "mixed": (0, 0, 0.01, 1e6)}
    for kind, amounts in kinds.items():
        for number in range(150):
            at_ms = milliseconds(START) + chance.randrange(DAYS * 24) * HOUR_MS
            yield _Arrival(_event(f"{kind}-{number}", at_ms, f"user-{kind}", chance.choice(amounts)), 100)
    for number in range(120):
        at_ms = milliseconds(START) + (1 + number // 40) * 10 * DAY_MS
        place = {"latitude": chance.randrange(-90, 91), "longitude": chance.randrange(-180, 181)}
        event = _event(f"{chance.choice(_LETTERS)}-{number}", at_ms, "user-at-once", number)
        yield _Arrival(event | {"location": place}, number * 1_000)


def _again(arrival: _Arrival, chance: Random) -> Iterator[_Arrival]:
    """What comes later of the same id: the same, other content, another time, or another event a day or more away."""
    event, kind = arrival.event, chance.random()
    later_ms = arrival.lag_ms + chance.choice((0, 1, 1_000, HOUR_MS, DAY_MS))
    if kind < 0.03:
        yield _Arrival(event, later_ms)
    elif kind < 0.04:
        yield _Arrival(event | {"amount": 4_321}, later_ms)
    elif kind < 0.05:
        yield _Arrival(event | {"timestamp": _moved(event, HOUR_MS)}, later_ms)
    elif kind < 0.06:
        apart_ms = chance.choice((-1, 1)) * chance.randrange(DAY_MS + 1, 3 * DAY_MS)
        yield _without_late_merchant(event | {"timestamp": _moved(event, apart_ms)}, max(0, later_ms - apart_ms))
    elif kind < 0.065:
        apart_ms = -chance.randrange(DAY_MS + 1, 3 * DAY_MS)
        worse = event | {"timestamp": _moved(event, apart_ms), "user_id": "user-shared"}
        yield _without_late_merchant(worse, later_ms - apart_ms)


def _reports(arrivals: list[_Arrival], chance: Random) -> Iterator[Label]:
    for event, _ in arrivals:
        if chance.random() < 0.1:
            for source in ("bank", "customer")[: chance.choice((1, 1, 2))]:
                reported_ms = _ms(event) + int(chance.expovariate(1 / (5 * DAY_MS)))
                yield Label.model_validate(
                    {
                        "transaction_id": event["transaction_id"],
                        "timestamp": event["timestamp"],
                        "is_fraud": chance.random() < 0.8,
                        "source": source,
                        "reported_at": _timestamp(reported_ms),
                    }
                )


def _event(transaction_id: str, event_ms: int, user_id: str, amount: float) -> Event:
    return {"transaction_id": transaction_id, "timestamp": _timestamp(event_ms), "user_id": user_id, "amount": amount}


def _record(number: int, arrival: _Arrival) -> StreamRecord:
    event = arrival.event
    arrived_at = parse_timestamp(event["timestamp"]) + timedelta(milliseconds=arrival.lag_ms)
    position = StreamPosition(EPOCH, SHARD, 10_000 + number)
    return StreamRecord(json.dumps(event).encode(), event["user_id"], position, arrived_at)


def _ms(event: Event) -> int:
    return milliseconds(parse_timestamp(event["timestamp"]))


def _moved(event: Event, by_ms: int) -> str:
    return _timestamp(_ms(event) + by_ms)


def _timestamp(event_ms: int) -> str:
    return format_timestamp(datetime.fromtimestamp(event_ms // 1000, UTC) + timedelta(milliseconds=event_ms % 1000))
