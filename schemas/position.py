"""Where a record stands in its stream, and the record as Kinesis delivers it. Apart, because every room speaks of positions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple, NewType

ShardId = NewType("ShardId", str)
StreamEpoch = NewType("StreamEpoch", str)
"""The stream's creation time as `YYYYMMDDTHHMMSSZ`: deleting and recreating a stream reuses shard ids and sequence numbers."""


class Position(NamedTuple):
    """A record's place within one shard. Orders as Kinesis delivers: sequence number, then sub-sequence of an aggregate."""

    sequence_number: int
    sub_sequence: int = 0


class StreamPosition(NamedTuple):
    """A record's place in the world: the identity of a delivery, as effects.md defines it."""

    stream_epoch: StreamEpoch
    shard_id: ShardId
    sequence_number: int
    sub_sequence: int = 0

    @property
    def within_shard(self) -> Position:
        """The part that orders inside the shard."""
        return Position(self.sequence_number, self.sub_sequence)


class StreamRecord(NamedTuple):
    """One record as the Kinesis Client Library hands it over: bytes, key, position and the arrival time that Kinesis stored (UTC, ms)."""

    data: bytes
    partition_key: str
    position: StreamPosition
    arrival_time: datetime


def stream_epoch(created_at: datetime) -> StreamEpoch:
    """Return the epoch of a stream created at `created_at` (aware)."""
    return StreamEpoch(created_at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ"))
