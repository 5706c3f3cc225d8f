"""Reads every row of a stream epoch's chunks and replays from the lake, with plain Parquet, not with the code that wrote them."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, cast

import numpy as np
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
        rows = [LakeRow(key, values) for values in rows_of(table)]
    except (pa.ArrowException, OSError, ValueError):
        contents.damaged.append(key)
        return
    if set(table.column_names) >= _NEEDED:
        contents.rows += rows
    else:
        contents.damaged.append(key)


class RowValues(Mapping[str, Any]):
    """One row's values by column. A dictionary each would take more memory than all else that an audit holds."""

    __slots__ = ("_places", "_values")

    def __init__(self, places: Mapping[str, int], values: tuple[Any, ...]) -> None:
        self._places, self._values = places, values

    def __getitem__(self, name: str) -> Any:
        """Return the value of a column. Raises KeyError."""
        return self._values[self._places[name]]

    def __iter__(self) -> Iterator[str]:
        """Yield the columns' names."""
        return iter(self._places)

    def __len__(self) -> int:
        """Return how many columns there are."""
        return len(self._places)


def rows_of(table: pa.Table) -> Iterator[RowValues]:
    """Yield the rows as values; a vector of features as its bytes, float32 little-endian, which is how the ledger has it."""
    places = {name: place for place, name in enumerate(table.column_names)}
    columns = (
        _vectors(column) if name == "features" and pa.types.is_list(column.type) else column.to_pylist()
        for name, column in zip(table.column_names, table.columns, strict=True)
    )
    return (RowValues(places, values) for values in zip(*columns, strict=True))


def _vectors(column: pa.ChunkedArray[Any]) -> list[bytes]:
    found: list[bytes] = []
    for chunk in cast("list[pa.ListArray[Any]]", column.chunks):
        packed = np.asarray(chunk.values, "<f4").tobytes()
        ends = (np.asarray(chunk.offsets) * 4).tolist()
        found += [packed[start:end] for start, end in pairwise(ends)]
    return found
