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
_REPLAY_FOLDER = "replay/"


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


def replay_key(arrival_day: date, position: StreamPosition) -> str:
    """Return the key of the one row that the replay of a dead letter puts into the lake: never a chunk's, whatever the chain does."""
    day, name = f"{PARTITION_COLUMN}={arrival_day.isoformat()}/", f"{position.stream_epoch}/{position.shard_id}"
    return f"{DECISIONS_PREFIX}{day}{_REPLAY_FOLDER}{name}/{position_name(position)}.parquet"


def is_replay_key(key: str) -> bool:
    """Whether `key` is that of a replayed dead letter."""
    return _as_chunk_key(key) is not None


def parse_replay_key(key: str) -> StreamPosition:
    """Return the position of the record whose dead letter was replayed; ValueError if `key` is not that of a replay."""
    chunk = _as_chunk_key(key)
    if chunk is None:
        raise ValueError(f"not the key of a replayed dead letter: {key}")
    return parse_chunk_key(chunk).first


def _as_chunk_key(key: str) -> str | None:
    """Return the key that a chunk beginning at the replayed record would have."""
    chunk = key.replace(f"/{_REPLAY_FOLDER}", "/", 1)
    return chunk if chunk != key and is_chunk_key(chunk) else None
