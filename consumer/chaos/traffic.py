"""Load in the background as bad producers make it: repetitions, disorder, conflicting resends and hostile records, by a seed."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from consumer.chaos.alongside import Alongside
from consumer.chaos.deployment import Deployment, record_of
from producers.keys import keyed_record
from producers.kinesis import Publisher
from producers.records import OutgoingRecord
from producers.simulator.hostile import hostile_events
from schemas.timestamps import format_timestamp

_TICK_S = 0.1
_REMEMBERED = 500
_LATE_TICKS = 20
Event = dict[str, Any]


class Traffic(Alongside):
    """Publishes while the context lasts. `made` counts what was published by kind; `ends` is the last number of each shard.

    What stopped it early is raised at the end of the context.
    """

    def __init__(self, deployment: Deployment, per_second: int, seed: int) -> None:
        super().__init__(lambda _: self._publish())
        self.made: Counter[str] = Counter()
        self.ends: dict[str, int] = {}
        self.disorder = 0.02
        self._deployment, self._per_tick = deployment, max(1, int(per_second * _TICK_S))
        client, name = deployment.environment.client("kinesis"), deployment.resources.stream_name
        self._publisher = Publisher(client, name, settings=deployment.publishing)
        self._chance = Random(f"traffic {seed}")
        self._hostile = _endless_hostile(seed)
        self._remembered: deque[Event] = deque(maxlen=_REMEMBERED)
        self._late: deque[tuple[int, Event]] = deque()

    @property
    def published(self) -> int:
        """How many records are in the stream."""
        return self._publisher.progress.records

    @property
    def retried(self) -> int:
        """How many records had to be sent again."""
        return self._publisher.progress.retried

    def _publish(self) -> None:
        start_s, tick = time.monotonic(), 0
        while not self.is_over:
            self._send(list(self._tick(tick)))
            tick += 1
            self.wait(max(0.0, start_s + tick * _TICK_S - time.monotonic()))
        self._send([record_of(event) for _, event in self._late])

    def _send(self, records: list[OutgoingRecord]) -> None:
        for place in self._publisher.publish(records):
            self.ends[place.shard_id] = max(int(place.sequence_number), self.ends.get(place.shard_id, 0))

    def _tick(self, tick: int) -> Iterator[OutgoingRecord]:
        for event in self._deployment.events(self._per_tick):
            self._remembered.append(event)
            yield from self._perhaps_late(event, tick)
            yield from self._perhaps_again()
        while self._late and self._late[0][0] <= tick:
            yield record_of(self._late.popleft()[1])
        if tick % round(1 / _TICK_S) == 0:
            self.made["hostile"] += 1
            yield keyed_record(next(self._hostile))

    def _perhaps_late(self, event: Event, tick: int) -> Iterator[OutgoingRecord]:
        if self._chance.random() < self.disorder:
            self.made["late"] += 1
            self._late.append((tick + _LATE_TICKS, event))
        else:
            self.made["in_order"] += 1
            yield record_of(event)

    def _perhaps_again(self) -> Iterator[OutgoingRecord]:
        if self._chance.random() >= self.disorder:
            return
        kind, event = self._chance.choice(sorted(_AGAIN)), self._chance.choice(self._remembered)
        self.made[kind] += 1
        yield record_of(_AGAIN[kind](event))


def _with_other_amount(event: Event) -> Event:
    return {**event, "amount": float(event["amount"]) + 1}


def _with_other_time(event: Event) -> Event:
    return {**event, "timestamp": format_timestamp(datetime.now(UTC) - timedelta(seconds=90))}


_AGAIN: dict[str, Callable[[Event], Event]] = {
    "repeated": dict,
    "other_amount": _with_other_amount,
    "other_time": _with_other_time,
}


def _endless_hostile(seed: int) -> Iterator[bytes]:
    round_number = seed * 1000
    while True:
        round_number += 1
        yield from (event.data for event in hostile_events(round_number, datetime.now(UTC)))
