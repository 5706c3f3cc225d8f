"""The conditions that choose dead letters: what they mean, and what is said of those that cannot be read."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from consumer.operations.dead_letters_where import WhereError, parse_where
from schemas.position import ShardId, StreamEpoch, StreamPosition
from sinks.ledger.rows import StoredRefusal
from sinks.port import Refusal

POSITION = StreamPosition(StreamEpoch("20261101T000000Z"), ShardId("shardId-000000000003"), 4959, 2)
ARRIVED = datetime(2026, 11, 20, 13, 0, 0, 123_000, UTC)
OPEN = StoredRefusal(Refusal(POSITION, ARRIVED, "decode", "invalid_event"), ARRIVED, None)
RESOLVED = OPEN._replace(resolved_at=ARRIVED)

MEANINGS = {
    "reason=invalid_event": True,
    "reason!=invalid_event": False,
    " reason = invalid_event ": True,
    "reason=invalid_json": False,
    "stage=decode": True,
    "stage=commit": False,
    "shard=shardId-000000000003": True,
    "shard!=shardId-000000000004": True,
    "epoch=20261101T000000Z": True,
    "id=20261101T000000Z/shardId-000000000003/4959-2": True,
    "id=20261101T000000Z/shardId-000000000003/4959-0": False,
    "resolved=false": True,
    "resolved=true": False,
    "arrived=2026-11-20": True,
    "arrived!=2026-11-20": False,
    "arrived>=2026-11-20": True,
    "arrived>2026-11-20": False,
    "arrived<=2026-11-20": True,
    "arrived<2026-11-20": False,
    "arrived>2026-11-19": True,
    "arrived<2026-11-21": True,
    "arrived=2026-11-20T13:00:00.123Z": True,
    "arrived>2026-11-20T13:00:00.122Z": True,
    "arrived>2026-11-20T13:00:00.123Z": False,
    "arrived<2026-11-20T15:00:00+01:00": True,
}


@pytest.mark.parametrize("condition", MEANINGS)
def test_a_condition_means_what_it_says(condition: str) -> None:
    assert parse_where([condition])(OPEN) is MEANINGS[condition]


def test_all_conditions_must_be_met_and_none_selects_everything() -> None:
    assert parse_where(["stage=decode", "resolved=true"])(RESOLVED)
    assert not parse_where(["stage=decode", "resolved=true"])(OPEN)
    assert parse_where([])(OPEN)


MISTAKES = {
    "nonsense": "write field=value",
    "arrived": "put < and > into quotes",
    "resaon=x": "the fields are id, epoch, shard, stage, reason, resolved, arrived",
    "reason=bad": "it is one of empty_record",
    "stage=parse": "it is one of decode, look_up, score, commit",
    "stage>decode": "stage knows = and != only",
    "resolved=maybe": "it is one of true, false",
    "arrived>=yesterday": "a UTC day such as",
    "arrived=2026-02-30": "a UTC day such as",
    "arrived=9999-12-31": "a UTC day such as",
    "id=4959": "`fraudstream dead-letters list` prints them",
}


@pytest.mark.parametrize("condition", MISTAKES)
def test_a_mistake_is_named_with_what_is_allowed(condition: str) -> None:
    with pytest.raises(WhereError) as told:
        parse_where([condition])
    assert MISTAKES[condition] in str(told.value)
