"""Decisions as Parquet, laid out for Athena engine v3. Apart from S3, because exports and the audit read the same files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from schemas.decision import Decision, Reason
from schemas.lake import LAKE_COLUMNS, LakeType

_TYPES: dict[LakeType, pa.DataType] = {
    "string": pa.string(),
    "double": pa.float64(),
    "float": pa.float32(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "tinyint": pa.int8(),
    "decimal(18,2)": pa.decimal128(18, 2),
    "timestamp": pa.timestamp("ms", tz="UTC"),
    "array<string>": pa.list_(pa.field("element", pa.string(), nullable=False)),
    "array<float>": pa.list_(pa.field("element", pa.float32(), nullable=False)),
}

DECISIONS_SCHEMA = pa.schema(
    [pa.field(column.name, _TYPES[column.lake], nullable=not column.required) for column in LAKE_COLUMNS if column.lake]
)
"""Arrow schema of every file; `dt` is in the path only."""

_SLICE_ROWS = 1_000
_1970 = datetime(1970, 1, 1, tzinfo=UTC)
_SORTED_BY = "event_time"
_LOOKED_UP_BY = ("transaction_id", "user_id")
_REPETITIVE = [
    column.name
    for column in LAKE_COLUMNS
    if column.lake in {"string", "tinyint"}
    and column.name not in {*_LOOKED_UP_BY, "device_id", "ip_address", "card_id", "sequence_number"}
]
"""Columns that a dictionary makes smaller; for ids, coordinates and scores it is a detour."""


def encode(rows: Sequence[Decision]) -> bytes:
    """Return a Parquet file of `rows`, sorted by event time: the same bytes for the same rows in any order, the full schema for none.

    ZSTD level 3, page index, Bloom filters on transaction and user id. Raises pyarrow's ArrowInvalid for an amount with a third decimal
    and for None where a value is required. Nearly half of its time it leaves the GIL to others. Starts no thread; importing pyarrow
    does, unless the environment says `JE_ARROW_MALLOC_CONF=background_thread:false`.
    """
    buffer = pa.BufferOutputStream()
    table = to_table(sorted(rows, key=attrgetter("event_time", "transaction_id")))
    pq.write_table(
        table,
        buffer,
        compression="zstd",
        compression_level=3,
        write_page_index=True,
        sorting_columns=pq.SortingColumn.from_ordering(DECISIONS_SCHEMA, [(_SORTED_BY, "ascending")]),
        **_per_column(len(rows)),
    )
    contents: bytes = buffer.getvalue().to_pybytes()
    return contents


def to_table(rows: Sequence[Decision]) -> pa.Table:
    """Return `rows`, in their order, as a table of `DECISIONS_SCHEMA`, in one piece.

    Made of slices, so that another thread of the process never waits for long.
    """
    slices = [_slice(rows[first : first + _SLICE_ROWS]) for first in range(0, len(rows) or 1, _SLICE_ROWS)]
    return pa.concat_tables(slices).combine_chunks()


def _slice(rows: Sequence[Decision]) -> pa.Table:
    columns = dict(zip(Decision._fields, zip(*rows, strict=True), strict=True)) if rows else {}
    return pa.Table.from_arrays([_array(field, columns) for field in DECISIONS_SCHEMA], schema=DECISIONS_SCHEMA)


def _array(field: pa.Field[Any], columns: dict[str, tuple[Any, ...]]) -> pa.Array[Any]:
    if (make := _NESTED.get(field.name)) and columns:
        return make(columns)
    values = columns.get(field.name, ())
    if field.type == _TYPES["timestamp"]:
        return _times(values)
    flat: pa.Array[Any] = pa.array(values, type=field.type)
    return flat


def _times(values: Sequence[datetime | None]) -> pa.Array[Any]:
    """Take durations, because pyarrow asks every aware time for its time zone: that takes four times as long."""
    durations = pa.array([value if value is None else value - _1970 for value in values], pa.duration("ms"))
    return durations.view(pa.int64()).view(_TYPES["timestamp"])


def _features(columns: dict[str, tuple[Any, ...]]) -> pa.Array[Any]:
    vectors: tuple[bytes, ...] = columns["features"]
    values = np.frombuffer(b"".join(vectors), dtype="<f4")
    offsets = np.zeros(len(vectors) + 1, dtype=np.int32)
    np.cumsum([len(vector) // values.itemsize for vector in vectors], out=offsets[1:])
    return pa.ListArray.from_arrays(
        pa.array(offsets, pa.int32()), pa.array(values, pa.float32()), type=_TYPES["array<float>"]
    )


def _of_reasons(
    part: Callable[[Reason], str | float], kind: LakeType
) -> Callable[[dict[str, tuple[Any, ...]]], pa.Array[Any]]:
    def make(columns: dict[str, tuple[Any, ...]]) -> pa.Array[Any]:
        lists = [None if reasons is None else [part(reason) for reason in reasons] for reasons in columns["reasons"]]
        return pa.array(lists, type=_TYPES[kind])

    return make


_NESTED: dict[str, Callable[[dict[str, tuple[Any, ...]]], pa.Array[Any]]] = {
    "features": _features,
    "reasons": _of_reasons(lambda reason: reason.code, "array<string>"),
    "reason_contributions": _of_reasons(lambda reason: reason.contribution, "array<float>"),
}


def _per_column(rows: int) -> dict[str, Any]:
    """Options that the published type stubs of pyarrow do not know yet."""
    bloom_filter = {"ndv": max(rows, 1), "fpp": 0.01}
    return {"use_dictionary": _REPETITIVE, "bloom_filter_options": dict.fromkeys(_LOOKED_UP_BY, bloom_filter)}
