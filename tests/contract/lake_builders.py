"""Chunks and dead letters for the contract suites."""

from __future__ import annotations

from base64 import b64encode
from datetime import date

from schemas.dead_letter import DeadLetter, FieldError
from schemas.decision import Decision
from schemas.lake import LAKE_SCHEMA_VERSION
from schemas.position import StreamPosition
from sinks.lake.keys import chunk_key
from sinks.port import ChunkFooter, ChunkObject
from tests.property.chain_stream import EPOCH, SHARD, START, a_decision

DAY = date(2026, 3, 1)


def at(sequence_number: int, sub_sequence: int = 0) -> StreamPosition:
    """A position in the shard of the tests."""
    return StreamPosition(EPOCH, SHARD, sequence_number, sub_sequence)


def a_chunk(
    first: int = 1,
    end: int = 9,
    *,
    chunk_id: str = "chunk-1",
    rows: tuple[Decision, ...] | None = None,
    day: date = DAY,
) -> ChunkObject:
    """A sealed chunk of one row, unless told otherwise."""
    held = (a_decision(at(first)),) if rows is None else rows
    footer = ChunkFooter(chunk_id, at(end, 3), len(held), LAKE_SCHEMA_VERSION)
    return ChunkObject(chunk_key(day, at(first)), footer, held)


def a_letter(sequence_number: int = 1, *, message: str = "not JSON", raw: bytes = b'\xff{"oops') -> DeadLetter:
    """A refused record."""
    return DeadLetter(
        stream_epoch=EPOCH,
        shard_id=SHARD,
        sequence_number=str(sequence_number),
        sub_sequence=2,
        partition_key="user-1",
        arrival_time=START,
        stage="decode",
        reason="invalid_json",
        errors=(FieldError(field="", message=message),),
        raw=b64encode(raw),
        versions={"consumer": "0.1.0"},
    )
