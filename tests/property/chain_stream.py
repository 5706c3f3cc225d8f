"""One shard's records for the simulation of the chunk chain: aggregates, unordered midnights, stretches without rows, duplicates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from schemas.decision import Decision
from schemas.position import Position, ShardId, StreamEpoch, StreamPosition
from tests.builders import PLAIN_DECISION

EPOCH = StreamEpoch("20260301T000000Z")
SHARD = ShardId("shardId-000000000000")
OTHER_SHARD = ShardId("shardId-000000000001")
START = datetime(2026, 3, 1, 20, tzinfo=UTC)


def a_decision(
    position: StreamPosition, transaction_id: str = "tx-1", arrival_time: datetime = START, **changes: object
) -> Decision:
    """A decision as the ledger would give it back."""
    decision = PLAIN_DECISION._replace(
        transaction_id=transaction_id,
        event_time=arrival_time,
        stream_epoch=position.stream_epoch,
        shard_id=position.shard_id,
        sequence_number=str(position.sequence_number),
        sub_sequence=position.sub_sequence,
        arrival_time=arrival_time,
        received_at=arrival_time,
        scored_at=arrival_time,
    )
    return decision._replace(**changes)  # type: ignore[arg-type]


_ROW = a_decision(StreamPosition(EPOCH, SHARD, 0))


@dataclass(frozen=True, slots=True)
class Record:
    """One record of the shard; `decision` is what a first write would put into the ledger, None for a bad one."""

    position: StreamPosition
    arrival_time: datetime
    decision: Decision | None

    @property
    def place(self) -> Position:
        """The position inside the shard."""
        return self.position.within_shard


def random_stream(random: Random, size: int) -> tuple[list[Record], list[Decision]]:
    """Return `size` records and the decisions that another shard made first."""
    places, times = _places(random, size), _arrival_times(random, size)
    events = _events(random, size)
    records = [
        Record(place, time, None if event is None else _decision(place, time, event))
        for place, time, event in zip(places, times, events, strict=True)
    ]
    elsewhere = [
        _decision(StreamPosition(EPOCH, OTHER_SHARD, 7), START, event)
        for event in {e for e in events if e is not None}
        if random.random() < 0.05
    ]
    return records, elsewhere


def _decision(position: StreamPosition, arrival_time: datetime, event: int) -> Decision:
    sequence, sub = str(position.sequence_number), position.sub_sequence
    return _ROW._replace(
        transaction_id=f"tx-{event}",
        shard_id=position.shard_id,
        sequence_number=sequence,
        sub_sequence=sub,
        arrival_time=arrival_time,
    )


def _places(random: Random, size: int) -> list[StreamPosition]:
    places: list[StreamPosition] = []
    sequence = 49_000_000_000_000
    while len(places) < size:
        sequence += random.randint(1, 50)
        aggregated = random.randint(2, 12) if random.random() < 0.15 else 1
        places += [StreamPosition(EPOCH, SHARD, sequence, sub) for sub in range(aggregated)]
    return places[:size]


def _arrival_times(random: Random, size: int) -> list[datetime]:
    """Kinesis stamps are almost in order: around midnight records of two days alternate."""
    moment, times = START, []
    for _ in range(size):
        moment += timedelta(seconds=random.randint(0, 2))
        if random.random() < 0.04:
            moment = datetime(moment.year, moment.month, moment.day, tzinfo=UTC) + timedelta(hours=23, seconds=3595)
        times.append(moment + timedelta(seconds=random.randint(-2, 2)))
    return times


def _events(random: Random, size: int) -> list[int | None]:
    events: list[int | None] = []
    is_barren = False
    for number in range(size):
        is_barren ^= random.random() < 0.1
        draw = random.random()
        if (is_barren and draw < 0.97) or draw < 0.1:
            events.append(None)
        elif draw < 0.25 and number:
            events.append(random.randrange(number))
        else:
            events.append(number)
    return events
