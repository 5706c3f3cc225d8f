"""Reads every row of a stream epoch's chunks and replays from the lake, with plain Parquet, not with the code that wrote them."""

from __future__ import annotations

import io
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.parquet as pq

from consumer.auditing.evidence import LakeRow
from consumer.auditing.objects import Bucket
from schemas.position import StreamEpoch, StreamPosition
from sinks.lake.keys import DECISIONS_PREFIX, is_replay_key, parse_chunk_key, parse_replay_key

_NEEDED = {"transaction_id", "event_time", "stream_epoch", "shard_id", "sequence_number", "sub_sequence"}


@dataclass(slots=True)
class LakeContents:
    """The rows, the keys of objects that cannot be read, and the keys that are none of ours (such as a console's folder marker)."""

    rows: list[LakeRow] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)


def read_lake(bucket: Bucket, epoch: StreamEpoch) -> LakeContents:
    """Return what the lake holds of the epoch, object by object in order of the keys."""
    contents = LakeContents()
    for key in bucket.keys(DECISIONS_PREFIX):
        try:
            is_of_epoch = _first(key).stream_epoch == epoch
        except ValueError:
            contents.foreign.append(key)
            continue
        if is_of_epoch:
            _take(key, bucket.body(key), contents)
    return contents


def _first(key: str) -> StreamPosition:
    return parse_replay_key(key) if is_replay_key(key) else parse_chunk_key(key).first


def _take(key: str, body: bytes, contents: LakeContents) -> None:
    try:
        table = pq.read_table(io.BytesIO(body), use_threads=False)
        rows = [LakeRow(key, values) for values in table.to_pylist()]
    except (pa.ArrowException, OSError, ValueError):
        contents.damaged.append(key)
        return
    if set(table.column_names) >= _NEEDED:
        contents.rows += rows
    else:
        contents.damaged.append(key)
