"""How the audit reads a stream: as far as it went when the reading began, also while it grows."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any, cast

from consumer.auditing.stream import Shard, checkpoints_of, read_shards, read_stream
from schemas.aggregate import UserRecord, encode
from schemas.position import Position, ShardId

CREATED = datetime(2026, 3, 1, 8, tzinfo=UTC)
OPEN, CLOSED = "shardId-000000000000", "shardId-000000000001"
Page = tuple[int, int, bool]
"""Records in it, milliseconds behind the tip, whether the shard goes on."""


class Kinesis:
    """Kinesis as its API reference describes it, with the pages given for each shard; the last page of an open shard repeats."""

    def __init__(self, **pages: list[Page]) -> None:
        self._pages = {name.replace("_", "-"): found for name, found in pages.items()}
        self.reads: list[str] = []

    def describe_stream_summary(self, **_: Any) -> Any:
        return {"StreamDescriptionSummary": {"StreamCreationTimestamp": CREATED}}

    def get_paginator(self, _: str) -> Kinesis:
        return self

    def paginate(self, **_: Any) -> Iterator[Any]:
        ranges = {
            OPEN: {"StartingSequenceNumber": "0"},
            CLOSED: {"StartingSequenceNumber": "0", "EndingSequenceNumber": "9"},
        }
        yield {
            "Shards": [
                {"ShardId": name, "SequenceNumberRange": ranges[name]} for name in sorted(self._pages, reverse=True)
            ]
        }

    def get_shard_iterator(self, **arguments: Any) -> Any:
        return {"ShardIterator": f"{arguments['ShardId']} 0"}

    def get_records(self, **arguments: Any) -> Any:
        shard_id, number = arguments["ShardIterator"].split()
        self.reads.append(shard_id)
        pages = self._pages[shard_id]
        records, behind_ms, goes_on = pages[min(int(number), len(pages) - 1)]
        return {
            "Records": [_record(int(number) * 10 + n) for n in range(records)],
            "MillisBehindLatest": behind_ms,
            **({"NextShardIterator": f"{shard_id} {int(number) + 1}"} if goes_on else {}),
        }


def _record(number: int) -> dict[str, Any]:
    return {"ApproximateArrivalTimestamp": CREATED, "SequenceNumber": str(number), "Data": b"", "PartitionKey": "k"}


def _numbers(client: Kinesis) -> list[int]:
    records = read_stream(cast("Any", client), "s", is_paced=False)
    return [record.position.sequence_number for record in islice(records, 1_000)]


def test_a_stream_that_never_pauses_is_read_up_to_its_tip() -> None:
    busy = Kinesis(**{OPEN.replace("-", "_"): [(2, 90_000, True), (2, 0, True)]})
    assert _numbers(busy) == [0, 1, 10, 11]


def test_a_gap_in_a_shard_is_not_its_end() -> None:
    sparse = Kinesis(
        **{OPEN.replace("-", "_"): [(0, 90_000, True), (1, 90_000, True), (0, 90_000, True), (1, 0, True)]}
    )
    assert _numbers(sparse) == [10, 30]


def test_a_closed_shard_is_read_to_its_end_whatever_it_says_of_the_tip() -> None:
    closed = Kinesis(**{CLOSED.replace("-", "_"): [(1, 0, True), (1, 0, True), (1, 0, False)]})
    assert _numbers(closed) == [0, 10, 20]


def test_what_arrived_after_the_reading_began_need_not_be_read() -> None:
    """The reading began at the first shard: by the time of the second, being a little behind is to be past the beginning."""

    class Slow(Kinesis):
        def get_records(self, **arguments: Any) -> Any:
            answer = super().get_records(**arguments)
            time.sleep(0.03)
            return answer

    slow = Slow(shardId_000000000000=[(1, 0, True)], shardId_000000000002=[(1, 20, True)])
    slow.paginate = lambda **_: iter([{"Shards": [{"ShardId": OPEN}, {"ShardId": "shardId-000000000002"}]}])  # type: ignore[method-assign]
    assert _numbers(slow) == [0, 0]
    assert slow.reads == [OPEN, "shardId-000000000002"]


def test_shards_are_listed_in_order_with_those_that_are_closed() -> None:
    client = Kinesis(**{OPEN.replace("-", "_"): [], CLOSED.replace("-", "_"): []})
    assert read_shards(cast("Any", client), "s") == [Shard(ShardId(OPEN), False), Shard(ShardId(CLOSED), True)]


FIRST, LEFT, RIGHT, MERGED = (ShardId(f"shardId-{number:012}") for number in range(4))
RESHARDED = [
    Shard(FIRST, is_closed=True),
    Shard(LEFT, is_closed=True, parents=frozenset({FIRST})),
    Shard(RIGHT, is_closed=True, parents=frozenset({FIRST})),
    Shard(MERGED, is_closed=False, parents=frozenset({LEFT, RIGHT})),
]


def test_a_shard_whose_lease_kcl_has_deleted_is_at_its_end() -> None:
    somewhere = Position(9, 0)
    assert checkpoints_of({MERGED: somewhere}, RESHARDED) == {
        FIRST: "SHARD_END", LEFT: "SHARD_END", RIGHT: "SHARD_END", MERGED: somewhere,
    }  # fmt: skip
    assert checkpoints_of({LEFT: None, RIGHT: somewhere}, RESHARDED) == {FIRST: "SHARD_END", RIGHT: somewhere}


def test_a_shard_without_a_lease_is_not_at_its_end_before_all_its_children_have_begun() -> None:
    assert checkpoints_of({}, RESHARDED) == {}
    assert checkpoints_of({LEFT: None}, RESHARDED) == {}
    assert checkpoints_of({FIRST: Position(1, 0), LEFT: None, RIGHT: None}, RESHARDED) == {FIRST: Position(1, 0)}


def test_a_shard_knows_the_shards_that_it_was_made_of() -> None:
    class Merged(Kinesis):
        def paginate(self, **_: Any) -> Iterator[Any]:
            yield {"Shards": [{"ShardId": MERGED, "ParentShardId": LEFT, "AdjacentParentShardId": RIGHT}]}

    assert read_shards(cast("Any", Merged()), "s") == [Shard(MERGED, is_closed=False, parents=frozenset({LEFT, RIGHT}))]


def test_an_aggregate_is_read_as_the_records_in_it_wherever_their_keys_belong() -> None:
    inside = [UserRecord(b"event %d" % number, f"user-{number}") for number in range(3)]

    class Aggregated(Kinesis):
        def get_records(self, **arguments: Any) -> Any:
            answer = super().get_records(**arguments)
            return {**answer, "Records": [{**record, "Data": encode(inside)} for record in answer["Records"]]}

    client = Aggregated(**{OPEN.replace("-", "_"): [(2, 0, True)]})
    records = list(read_stream(cast("Any", client), "s", is_paced=False))

    places = [(record.position.sequence_number, record.position.sub_sequence) for record in records]
    assert places == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
    assert [UserRecord(record.data, record.partition_key) for record in records] == [*inside, *inside]
