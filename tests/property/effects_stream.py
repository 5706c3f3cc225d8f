"""The records of a schedule: what producers sent to three shards, one of them the child of another."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Literal, NamedTuple, get_args

from producers.simulator.hostile import HostileEvent, hostile_events
from schemas.position import ShardId, StreamEpoch, StreamPosition, StreamRecord

EPOCH = StreamEpoch("20260812T000000Z")
SHARDS = tuple(ShardId(f"shardId-{number:012}") for number in range(3))
PARENTS = {SHARDS[2]: SHARDS[0]}
"""The last shard is what a split of the first left."""
START = datetime(2026, 8, 12, 23, 59, 50, tzinfo=UTC)

Kind = Literal[
    "good", "risky", "bad", "repeat", "other time", "other content", "old", "late", "tie", "early", "hostile"
]
KINDS: tuple[Kind, ...] = get_args(Kind)


class Sent(NamedTuple):
    """One record as it was sent. `about`: which earlier record it repeats, or which hostile event it is; `after_s`: since the last."""

    kind: Kind
    shard: int = 0
    about: int = 0
    after_s: int = 1


def published(sent: Sequence[Sent], *, is_split: bool) -> list[StreamRecord]:
    """Return the records as Kinesis stores them, in the order they arrived. A split leaves its users to the child."""
    records: list[StreamRecord] = []
    events: list[tuple[dict[str, Any], Sent]] = []
    arrival = START
    for number, one in enumerate(sent):
        arrival += timedelta(seconds=one.after_s)
        shard_of_users = SHARDS.index(PARENTS.get(SHARDS[one.shard], SHARDS[one.shard])) if is_split else one.shard
        user_id = f"u-{shard_of_users}-{number % 2}"
        event = _event(number, one, arrival, user_id, [event for event, _ in events])
        events.append((event, one))
        position = StreamPosition(EPOCH, SHARDS[one.shard], 49_000_000_000_000 + 7 * number)
        records.append(StreamRecord(_data(event, one), str(event["user_id"]), position, arrival))
    return records


def _event(number: int, one: Sent, arrival: datetime, user_id: str, before: Sequence[dict[str, Any]]) -> dict[str, Any]:
    event = _new_event(number, one.kind, arrival, user_id)
    of_the_user = [each for each in before if each["user_id"] == user_id]
    if one.kind == "tie" and of_the_user:
        return event | {"timestamp": of_the_user[-1]["timestamp"]}
    if not before or one.kind not in {"repeat", "other time", "other content"}:
        return event
    repeated = before[one.about % len(before)]
    if one.kind == "other time":
        return repeated | {"timestamp": event["timestamp"]}
    return repeated | {"amount": 77.25 + number} if one.kind == "other content" else repeated


def _new_event(number: int, kind: Kind, arrival: datetime, user_id: str) -> dict[str, Any]:
    lags = {"old": timedelta(days=3), "late": timedelta(hours=1), "early": -timedelta(hours=1)}
    lag = lags.get(kind, timedelta(milliseconds=200))
    event = {
        "transaction_id": f"t-{number}",
        "timestamp": (arrival - lag).isoformat(),
        "user_id": user_id,
        "amount": 12.5 + number,
        "merchant_id": f"m-{number % 3}",
        "device_info": {"device_id": f"d-{number % 5}"},
        "location": {"country": ("SE", "FI")[number % 4 == 0], "latitude": 60 + number, "longitude": 5 * number},
    }
    return event | _RISKY if kind == "risky" else event


_RISKY: dict[str, Any] = {
    "amount": 0,
    "channel": "online",
    "merchant_category": "gift_cards",
    "device_info": {"device_type": "emulator"},
}


def _data(event: dict[str, Any], one: Sent) -> bytes:
    if one.kind == "bad":
        return b"not json"
    if one.kind == "hostile":
        return _hostile()[one.about % len(_hostile())].data
    return json.dumps(event).encode()


@cache
def _hostile() -> Sequence[HostileEvent]:
    return [event for event in hostile_events(7, START) if len(event.data) < 4_000]
