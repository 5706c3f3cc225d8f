"""Where the reading of a shard begins: the five starts that shard iterators and subscriptions have in common."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from infra.local.kinesis.errors import InvalidArgumentException
from infra.local.kinesis.shard import Record, Shard
from infra.local.kinesis.stream import ACCOUNT_ID, Stream


class Position(NamedTuple):
    """A start by the API's name for it, with what that one needs; the time is epoch milliseconds."""

    type: str
    sequence_number: str | None = None
    timestamp_ms: int | None = None

    def first_number(self, stream: Stream, shard: Shard, now_ms: int) -> int:
        """Give the sequence number from which on to read. Raises ``InvalidArgumentException``."""
        return _STARTS[self.type](self, stream, shard, now_ms)


def _at_sequence_number(position: Position, stream: Stream, shard: Shard, _now_ms: int) -> int:
    if position.sequence_number is None:
        raise InvalidArgumentException(f"{position.type} needs a sequence number to start at.")
    number = int(position.sequence_number)
    last = stream.next_sequence_number if shard.last_sequence_number is None else shard.last_sequence_number
    if not shard.first_sequence_number <= number <= last:
        raise InvalidArgumentException(
            f"StartingSequenceNumber {number} used in GetShardIterator on shard {shard.shard_id} in stream {stream.name} "
            f"under account {ACCOUNT_ID} is invalid because it did not come from this shard."
        )
    return number


def _after_sequence_number(position: Position, stream: Stream, shard: Shard, now_ms: int) -> int:
    return _at_sequence_number(position, stream, shard, now_ms) + 1


def _at_timestamp(position: Position, stream: Stream, shard: Shard, now_ms: int) -> int:
    timestamp_ms = position.timestamp_ms
    if timestamp_ms is None:
        raise InvalidArgumentException("AT_TIMESTAMP needs a Timestamp.")
    if timestamp_ms > now_ms:
        raise InvalidArgumentException(
            "The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. "
            f"timestampInMillis: {timestamp_ms}, currentTimestampInMillis: {now_ms}"
        )
    return _sequence_number_of(shard.first_since(timestamp_ms), stream)


def _sequence_number_of(record: Record | None, stream: Stream) -> int:
    return int(record.sequence_number) if record else stream.next_sequence_number


_STARTS: Mapping[str, Callable[[Position, Stream, Shard, int], int]] = {
    "TRIM_HORIZON": lambda _position, _stream, shard, _now_ms: shard.first_sequence_number,
    "LATEST": lambda _position, stream, _shard, _now_ms: stream.next_sequence_number,
    "AT_SEQUENCE_NUMBER": _at_sequence_number,
    "AFTER_SEQUENCE_NUMBER": _after_sequence_number,
    "AT_TIMESTAMP": _at_timestamp,
}
