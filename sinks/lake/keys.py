"""Names of chunks. Apart, because the chain makes them, the adapter lists them and the audit reads them back."""

from __future__ import annotations

import re
from datetime import date
from typing import NamedTuple

from schemas.lake import PARTITION_COLUMN
from schemas.position import ShardId, StreamEpoch, StreamPosition

DECISIONS_PREFIX = "decisions/v1/"
SEQUENCE_DIGITS = 64
"""Kinesis' sequence numbers have 56 digits; padded to one width, keys sort as positions do."""
SUB_SEQUENCE_DIGITS = 10

_KEY = re.compile(
    rf"{DECISIONS_PREFIX}{PARTITION_COLUMN}=(\d{{4}}-\d\d-\d\d)/([^/]+)/([^/]+)/"
    rf"(\d{{{SEQUENCE_DIGITS}}})-(\d{{{SUB_SEQUENCE_DIGITS}}})\.parquet",
    re.ASCII,
)


class ChunkKey(NamedTuple):
    """What a chunk's key says: the UTC day its first consumed record arrived, and that record's position."""

    arrival_day: date
    first: StreamPosition


def position_name(position: StreamPosition) -> str:
    """Return the file name, without ending, of what begins at `position`: names of one shard sort as its positions do."""
    return f"{position.sequence_number:0{SEQUENCE_DIGITS}d}-{position.sub_sequence:0{SUB_SEQUENCE_DIGITS}d}"


def shard_prefix(arrival_day: date, epoch: StreamEpoch, shard_id: ShardId) -> str:
    """Return what the keys of all chunks of one shard and day begin with, and no other key."""
    return f"{DECISIONS_PREFIX}{PARTITION_COLUMN}={arrival_day.isoformat()}/{epoch}/{shard_id}/"


def chunk_key(arrival_day: date, first: StreamPosition) -> str:
    """Return the key of the chunk whose first consumed record, good or bad, stands at `first` and arrived on that UTC day."""
    return f"{shard_prefix(arrival_day, first.stream_epoch, first.shard_id)}{position_name(first)}.parquet"


def is_chunk_key(key: str) -> bool:
    """Whether `key` is a chunk's. Others may stand beside it: the S3 console marks a folder that it makes by an empty object."""
    return _KEY.fullmatch(key) is not None


def parse_chunk_key(key: str) -> ChunkKey:
    """Return what `key` says; ValueError if it is not a chunk's (such as the file of a replayed dead letter)."""
    match = _KEY.fullmatch(key)
    if match is None:
        raise ValueError(f"not the key of a chunk: {key}")
    day, epoch, shard_id, sequence, sub = match.groups()
    first = StreamPosition(StreamEpoch(epoch), ShardId(shard_id), int(sequence), int(sub))
    return ChunkKey(date.fromisoformat(day), first)
