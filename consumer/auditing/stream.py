"""Reads a whole stream from its first record, shard by shard, and how far the consumer checkpointed each."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from consumer.auditing.evidence import Checkpoints, ShardEnd
from schemas.aggregate import UserRecord, split
from schemas.position import Position, ShardId, StreamEpoch, StreamPosition, StreamRecord, stream_epoch

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kinesis import KinesisClient

_READS_A_SECOND = 5
"""What Kinesis allows a shard; the consumer's own reads come on top, so throttled calls are tried again by the client."""


def read_epoch(client: KinesisClient, stream_name: str) -> StreamEpoch:
    """Return the stream's epoch: its creation time."""
    summary = client.describe_stream_summary(StreamName=stream_name)["StreamDescriptionSummary"]
    return stream_epoch(summary["StreamCreationTimestamp"])


class Shard(NamedTuple):
    """A shard of the stream; what is closed takes no more records. `parents`: the shards that were split or merged into it."""

    shard_id: ShardId
    is_closed: bool
    parents: frozenset[ShardId] = frozenset()


def read_shards(client: KinesisClient, stream_name: str) -> list[Shard]:
    """Return every shard, closed ones included, in order."""
    pages = client.get_paginator("list_shards").paginate(StreamName=stream_name)
    return sorted(_shard(found) for page in pages for found in page["Shards"])


def read_stream(
    client: KinesisClient,
    stream_name: str,
    *,
    shards: Sequence[Shard] | None = None,
    on_progress: Callable[[int], None] = lambda _: None,
    is_paced: bool = True,
) -> Iterator[StreamRecord]:
    """Yield every user record that the stream held when the reading began, in shard order, and some that came since.

    Aggregates are taken apart as KCL does, but for its filter: KCL drops what lies outside the shard's range of hash keys, here it
    is yielded, so that an audit sees the loss.

    Ends on a busy stream too. `shards`: those to read, None for all; `is_paced` keeps to five reads a second.
    """
    reading = _Reading(client, stream_name, 1 / _READS_A_SECOND if is_paced else 0.0)
    epoch, count = read_epoch(client, stream_name), 0
    for shard in read_shards(client, stream_name) if shards is None else shards:
        for page in reading.pages(shard):
            records = [record for found in page for record in _records(found, epoch, shard.shard_id)]
            yield from records
            count += len(records)
            on_progress(count)


class _Reading:
    """Reads as far as the stream's end was when the reading began, by Kinesis' own word: no clock of ours is compared with its."""

    def __init__(self, client: KinesisClient, stream_name: str, pause_s: float) -> None:
        self._client, self._stream_name, self._pause_s = client, stream_name, pause_s
        self._began_s = time.monotonic()

    def pages(self, shard: Shard) -> Iterator[list[Any]]:
        iterator: str | None = self._client.get_shard_iterator(
            StreamName=self._stream_name, ShardId=shard.shard_id, ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while iterator:
            since_began_ms = (time.monotonic() - self._began_s) * 1000
            answer = self._client.get_records(ShardIterator=iterator, Limit=10_000)
            yield list(answer["Records"])
            iterator = answer.get("NextShardIterator")
            if not shard.is_closed and answer.get("MillisBehindLatest", 0) <= since_began_ms:
                return
            time.sleep(self._pause_s)


def _shard(found: Mapping[str, Any]) -> Shard:
    parents = frozenset(ShardId(found[key]) for key in ("ParentShardId", "AdjacentParentShardId") if key in found)
    return Shard(ShardId(found["ShardId"]), "EndingSequenceNumber" in found.get("SequenceNumberRange", {}), parents)


def _records(found: Mapping[str, Any], epoch: StreamEpoch, shard_id: ShardId) -> Iterator[StreamRecord]:
    arrival_ms = round(found["ApproximateArrivalTimestamp"].timestamp() * 1000)  # sent as seconds, in binary
    arrival = datetime.fromtimestamp(arrival_ms // 1000, UTC).replace(microsecond=arrival_ms % 1000 * 1000)
    data, key, number = found["Data"], found["PartitionKey"], int(found["SequenceNumber"])
    user_records = split(data)
    for sub_sequence, record in enumerate([UserRecord(data, key)] if user_records is None else user_records):
        position = StreamPosition(epoch, shard_id, number, sub_sequence)
        yield StreamRecord(record.data, record.partition_key, position, arrival)


Leases = Mapping[ShardId, Position | ShardEnd | None]
"""The checkpoint of each shard that has a lease; None at a sentinel such as TRIM_HORIZON."""


def read_leases(client: DynamoDBClient, lease_table: str) -> Leases:
    """Return every lease, nothing where the table does not exist."""
    try:
        pages = client.get_paginator("scan").paginate(TableName=lease_table, ConsistentRead=True)
        return {ShardId(item["leaseKey"]["S"]): _checkpoint_in(item) for page in pages for item in page["Items"]}
    except client.exceptions.ResourceNotFoundException:
        return {}


def checkpoints_of(leases: Leases, shards: Sequence[Shard]) -> Checkpoints:
    """Return each shard's checkpoint; nothing for shards at a sentinel.

    KCL deletes the lease of a shard that was read to its end once its children have begun. Nor is there ever one for a shard that ended
    before the application's start. Both are at their end: their children have leases, or are at their end themselves.
    """
    checkpoints = {shard_id: checkpoint for shard_id, checkpoint in leases.items() if checkpoint is not None}
    begun = set(leases)
    for shard in sorted(shards, reverse=True):  # children have later names
        children = {child.shard_id for child in shards if shard.shard_id in child.parents}
        if children and children <= begun and shard.shard_id not in leases:
            checkpoints[shard.shard_id] = "SHARD_END"
            begun.add(shard.shard_id)
    return checkpoints


def _checkpoint_in(item: Mapping[str, Any]) -> Position | ShardEnd | None:
    checkpoint = item.get("checkpoint", {}).get("S", "")
    if checkpoint == "SHARD_END":
        return "SHARD_END"
    if not checkpoint.isdigit():
        return None
    return Position(int(checkpoint), int(item.get("checkpointSubSequenceNumber", {}).get("N", "0")))
