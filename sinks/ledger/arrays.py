"""Columns as PostgreSQL's binary arrays: one parameter a column, whatever the batch. Apart, because it is a format, not SQL. Pure."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from struct import Struct
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
from psycopg.adapt import Dumper
from psycopg.pq import Format

from schemas.decision import Reason

_HEADER = Struct(">iiIii").pack
"""Dimensions, whether there may be nulls, type of the elements, length, first index."""
_OIDS = {"text": 25, "bytea": 17, "bigint": 20, "double precision": 701, "timestamptz": 1184, "jsonb": 3802}
_NULL = b"\xff\xff\xff\xff"
_JSONB_VERSION = b"\x01"
_BIGINT, _DOUBLE = Struct(">iq").pack, Struct(">id").pack
_2000 = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FEW = 20
"""Below so many values, to make numpy's or Arrow's arrays of them takes longer than to pack one by one."""
_TIMES_A_TEXT = 2
"""Texts that occur this often on average are encoded once each; for others the table is a detour."""


class Packed(bytes):
    """An array in PostgreSQL's binary format. A cast in the statement names its type."""

    __slots__ = ()


class _PackedDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: Packed) -> Packed:
        return obj


psycopg.adapters.register_dumper(Packed, _PackedDumper)


class _Prefixes(dict[int, bytes]):
    """The four bytes before a value, by its length."""

    def __missing__(self, length: int) -> bytes:
        prefix = self[length] = length.to_bytes(4, "big")
        return prefix


_PREFIXES = _Prefixes()


def pack_texts(values: Sequence[str | None]) -> Packed:
    """Return a text[]. Raises UnicodeEncodeError for a lone surrogate; what else is no text, the server refuses."""
    distinct = set(values)
    if len(distinct) * _TIMES_A_TEXT > len(values):
        return _packed("text", len(values), b"".join(_texts(values)))
    pieces = dict(zip(distinct, _texts(distinct), strict=True))
    if len(pieces) == 1:
        return _packed("text", len(values), pieces[values[0]] * len(values))
    return _packed("text", len(values), b"".join([pieces[value] for value in values]))


def pack_bytes(values: Sequence[bytes | None]) -> Packed:
    """Return a bytea[]."""
    return _packed("bytea", len(values), _elements(values))


def pack_integers(values: Sequence[int | None]) -> Packed:
    """Return a bigint[]. Raises psycopg.DataError for what does not fit into 64 bits."""
    try:
        return _packed("bigint", len(values), _fixed(values, ">i8", _BIGINT))
    except (OverflowError, struct.error):
        raise psycopg.DataError("an integer does not fit into 64 bits") from None


def pack_doubles(values: Sequence[float | None]) -> Packed:
    """Return a double precision[], bit for bit."""
    return _packed("double precision", len(values), _fixed(values, ">f8", _DOUBLE))


def pack_times(values: Sequence[datetime | None]) -> Packed:
    """Return a timestamptz[] of aware times, exact to the microsecond."""
    if values and values.count(values[0]) == len(values):  # the clock is read once a batch
        return _packed("timestamptz", len(values), _times(values[:1]) * len(values))
    return _packed("timestamptz", len(values), _times(values))


def pack_reasons(values: Sequence[Sequence[Reason] | None]) -> Packed:
    """Return a jsonb[] of lists of objects, null where there are no reasons."""
    if values.count(None) == len(values):  # of what cannot alert nobody asks
        return _packed("jsonb", len(values), _NULL * len(values))
    return _packed("jsonb", len(values), _elements([value if value is None else _document(value) for value in values]))


def amounts_literal(values: Sequence[Decimal | None]) -> str:
    """Return a numeric[] in PostgreSQL's text format: for decimals, both sides are quicker with it than with the binary one."""
    return f"{{{','.join(['NULL' if value is None else str(value) for value in values])}}}"


PACKERS: Mapping[str, Callable[[Sequence[Any]], Packed | str]] = {
    "text": pack_texts,
    "bytea": pack_bytes,
    "bigint": pack_integers,
    "double precision": pack_doubles,
    "timestamptz": pack_times,
    "numeric": amounts_literal,
    "jsonb": pack_reasons,
}
"""What packs a column of a type."""


def _packed(kind: str, length: int, elements: bytes) -> Packed:
    return Packed(_HEADER(1, 1, _OIDS[kind], length, 1) + elements)


def _texts(values: Iterable[str | None]) -> list[bytes]:
    return [_NULL if value is None else _PREFIXES[len(text := value.encode())] + text for value in values]


def _elements(values: Iterable[bytes | None]) -> bytes:
    return b"".join([_NULL if value is None else _PREFIXES[len(value)] + value for value in values])


def _fixed(values: Sequence[Any], kind: str, pack_one: Callable[[int, Any], bytes]) -> bytes:
    if len(values) < _FEW or None in values:
        return b"".join([_NULL if value is None else pack_one(8, value) for value in values])
    return _of_eight_bytes(np.array(values, dtype=kind))


def _of_eight_bytes(values: np.ndarray[Any, Any]) -> bytes:
    elements = np.empty(len(values), dtype=[("length", ">i4"), ("value", values.dtype.newbyteorder(">"))])
    elements["length"], elements["value"] = 8, values
    return elements.tobytes()


def _times(values: Sequence[datetime | None]) -> bytes:
    if len(values) < _FEW or None in values:
        since_2000 = [value if value is None else (value - _2000) // _MICROSECOND for value in values]
        return _fixed(since_2000, ">i8", _BIGINT)
    durations = pa.array([value - _2000 for value in values if value is not None], pa.duration("us"))
    return _of_eight_bytes(durations.view(pa.int64()).to_numpy())


def _document(reasons: Sequence[Reason]) -> bytes:
    return _JSONB_VERSION + json.dumps([reason._asdict() for reason in reasons]).encode()
