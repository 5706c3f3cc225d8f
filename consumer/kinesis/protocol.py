"""The multilang protocol without its pipes: lines in, messages out. Pure, so that every odd line can be tried in a test.

One JSON object a line; source of the fields: the messages package of amazon-kinesis-client-multilang 3.1.3.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeAlias

import msgspec

from schemas.position import Position, ShardId, StreamEpoch, StreamPosition, StreamRecord

_EPOCH, _MILLISECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(milliseconds=1)


class ProtocolError(Exception):
    """The daemon sent a line, or a sequence of lines, that the protocol does not allow."""


class WireRecord(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """One record as the daemon writes it. `data` is decoded from base64; the time is in ms since 1970."""

    data: bytes
    partition_key: str
    sequence_number: str
    approximate_arrival_timestamp: int
    sub_sequence_number: int = 0


class Initialize(msgspec.Struct, frozen=True, tag_field="action", tag="initialize", rename="camel"):
    """The worker gets a shard. The sequence number is a number, or a sentinel such as TRIM_HORIZON."""

    shard_id: str
    sequence_number: str | None = None
    sub_sequence_number: int | None = None


class ProcessRecords(msgspec.Struct, frozen=True, tag_field="action", tag="processRecords", rename="camel"):
    """A batch, possibly empty, possibly larger than maxRecords (aggregated records are split on the Java side)."""

    records: list[WireRecord]
    millis_behind_latest: int | None = None


class CheckpointReply(msgspec.Struct, frozen=True, tag_field="action", tag="checkpoint", rename="camel"):
    """The answer to a checkpoint request: it echoes the position; `error` is the name of an exception class."""

    sequence_number: str | None = None
    sub_sequence_number: int | None = None
    error: str | None = None


class LeaseLostNotice(msgspec.Struct, frozen=True, tag_field="action", tag="leaseLost"):
    """Another worker owns the shard."""


class ShardEnded(msgspec.Struct, frozen=True, tag_field="action", tag="shardEnded"):
    """The shard was split or merged and has been read to its end."""


class ShutdownRequested(msgspec.Struct, frozen=True, tag_field="action", tag="shutdownRequested"):
    """The daemon stops gracefully: the last chance to checkpoint."""


Message: TypeAlias = Initialize | ProcessRecords | CheckpointReply | LeaseLostNotice | ShardEnded | ShutdownRequested
Action: TypeAlias = Literal["initialize", "processRecords", "leaseLost", "shardEnded", "shutdownRequested"]

_new = tuple.__new__
"""Makes a NamedTuple at half the price of calling its class."""
_decoder: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Message)
_encoder = msgspec.json.Encoder()


def decode_message(line: bytes) -> Message:
    """Return the message of one line. Raises ProtocolError, whose text holds where the line is wrong but nothing of it."""
    try:
        return _decoder.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ProtocolError(f"unreadable line of {len(line)} bytes from the daemon: {_without_values(error)}") from None


def _without_values(error: Exception) -> str:
    return str(error) if isinstance(error, msgspec.ValidationError) else type(error).__name__


def encode_status(action: Action) -> bytes:
    """Return the line that acknowledges `action`."""
    return _line({"action": "status", "responseFor": action})


def encode_checkpoint(position: Position | None) -> bytes:
    """Return the line that asks for a checkpoint at `position`; None means the end of the shard."""
    sequence_number = None if position is None else str(position.sequence_number)
    sub_sequence = None if position is None else position.sub_sequence
    return _line({"action": "checkpoint", "sequenceNumber": sequence_number, "subSequenceNumber": sub_sequence})


def _line(message: dict[str, str | int | None]) -> bytes:
    return _encoder.encode(message) + b"\n"


def checkpoint_of(message: Initialize) -> Position | None:
    """Return where the shard goes on; None for a sentinel. Raises ProtocolError for a number that is none."""
    sequence_number = message.sequence_number
    if sequence_number is None or sequence_number in {"TRIM_HORIZON", "LATEST", "AT_TIMESTAMP"}:
        return None
    return Position(_sequence_number(sequence_number), message.sub_sequence_number or 0)


def _sequence_number(text: str) -> int:
    digits = text.encode()
    if not digits.isdigit():  # of bytes, where only ASCII digits are digits, and it costs a quarter
        raise ProtocolError("the daemon sent a sequence number that is neither a number nor a known sentinel")
    return int(digits)


def stream_records(records: Sequence[WireRecord], epoch: StreamEpoch, shard_id: ShardId) -> list[StreamRecord]:
    """Return the records in their order with full positions and aware arrival times (UTC, exact to the ms)."""
    stream, arrival_ms, arrival_time = [], 0, _EPOCH
    for record in records:
        if record.approximate_arrival_timestamp != arrival_ms:  # neighbours mostly arrived together
            arrival_ms = record.approximate_arrival_timestamp
            arrival_time = _EPOCH + _MILLISECOND * arrival_ms
        sequence_number = _sequence_number(record.sequence_number)
        position = _new(StreamPosition, (epoch, shard_id, sequence_number, record.sub_sequence_number))
        stream.append(_new(StreamRecord, (record.data, record.partition_key, position, arrival_time)))
    return stream


class LineFramer:
    """Cuts a byte stream into lines. Keeps at most one incomplete line, and searches no byte twice."""

    def __init__(self) -> None:
        self._lines: deque[bytes] = deque()
        self._incomplete: list[bytes] = []

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the stream."""
        head, *rest = chunk.split(b"\n")
        self._incomplete.append(head)
        for piece in rest:
            self._lines.append(b"".join(self._incomplete))
            self._incomplete = [piece]

    def next_line(self) -> bytes | None:
        """Return the next complete line without its end, or None where more bytes are needed."""
        return self._lines.popleft() if self._lines else None
