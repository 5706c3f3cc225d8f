"""Operations on records: putting them, and reading them through shard iterators."""

from collections.abc import Callable, Mapping
from typing import Any

from infra.local.kinesis.call import Call
from infra.local.kinesis.documents import Document, describe_child, describe_record
from infra.local.kinesis.errors import InvalidArgumentException, ValidationException
from infra.local.kinesis.shard import Record, Shard
from infra.local.kinesis.shard_operations import read_hash_key
from infra.local.kinesis.stream import ACCOUNT_ID, Stream
from infra.local.kinesis.tokens import ShardIterator, open_iterator, seal

_PUT_BYTES_AT_MOST = 10 << 20
_GET_BYTES_AT_MOST = 10 << 20
_GET_RECORDS_AT_MOST = 10_000


def put_record(call: Call) -> Document:
    """PutRecord."""
    stream = call.stream
    _check_size(stream, call.members, "data")
    return {**_put(stream, call.members, _hash_key(call.members), call.now_ms), "EncryptionType": "NONE"}


def put_records(call: Call) -> Document:
    """PutRecords: all records or none, because nothing here fails for one record alone."""
    stream, entries = call.stream, call.members["Records"]
    total = sum(_check_size(stream, entry, f"records.{n}.member.data") for n, entry in enumerate(entries, 1))
    if total > _PUT_BYTES_AT_MOST:
        raise InvalidArgumentException(
            f"Records size {total} exceeds the limit of {_PUT_BYTES_AT_MOST} bytes a request."
        )
    hash_keys = [_hash_key(entry) for entry in entries]  # all are checked before the first record is kept
    results = [_put(stream, entry, key, call.now_ms) for entry, key in zip(entries, hash_keys, strict=True)]
    return {"FailedRecordCount": 0, "Records": results, "EncryptionType": "NONE"}


def get_shard_iterator(call: Call) -> Document:
    """GetShardIterator."""
    stream = call.stream
    shard = stream.shard(call.members["ShardId"])
    start = _STARTS[call.members["ShardIteratorType"]](call, stream, shard)
    return {"ShardIterator": _iterator(stream, shard, start, call.now_ms)}


def get_records(call: Call) -> Document:
    """GetRecords: up to 10,000 records or 10 MiB; at the end of a closed shard its children instead of an iterator."""
    iterator = open_iterator(call.members["ShardIterator"], call.now_ms)
    stream = call.region.incarnation(iterator.stream, iterator.created_ms, call.now_ms)
    shard, start = stream.shard(iterator.shard_id), int(iterator.sequence_number)
    limit = call.members.get("Limit", _GET_RECORDS_AT_MOST)
    records = shard.read(start, max_records=limit, max_bytes=_GET_BYTES_AT_MOST)
    following = records[-1].sequence_number + 1 if records else start
    unread = shard.first_from(following)
    answer: Document = {
        "Records": [describe_record(record) for record in records],
        "MillisBehindLatest": max(0, call.now_ms - unread.arrival_ms) if unread else 0,
    }
    if unread is None and not shard.is_open:
        answer["ChildShards"] = [describe_child(child) for child in stream.children(shard)]
    else:
        answer["NextShardIterator"] = _iterator(stream, shard, following, call.now_ms)
    return answer


def _check_size(stream: Stream, entry: Mapping[str, Any], path: str) -> int:
    if "PartitionKey" not in entry:
        key = path.replace("data", "partitionKey")
        raise ValidationException(
            f"1 validation error detected: Value null at '{key}' failed to satisfy constraint: Member must not be null"
        )
    size = len(entry["Data"]) + len(entry["PartitionKey"].encode())
    if size > stream.max_record_bytes:
        raise ValidationException(
            f"1 validation error detected: Value at '{path}' failed to satisfy constraint: Member must have length less "
            f"than or equal to {stream.max_record_bytes}"
        )
    return size


def _hash_key(entry: Mapping[str, Any]) -> int | None:
    explicit = entry.get("ExplicitHashKey")
    return None if explicit is None else read_hash_key("ExplicitHashKey", explicit)


def _put(stream: Stream, entry: Mapping[str, Any], hash_key: int | None, now_ms: int) -> Document:
    shard, record = stream.put(entry["PartitionKey"], entry["Data"], hash_key, now_ms)
    return {"ShardId": shard.shard_id, "SequenceNumber": str(record.sequence_number)}


def _iterator(stream: Stream, shard: Shard, sequence_number: int, now_ms: int) -> str:
    return seal(ShardIterator(stream.name, stream.created_ms, shard.shard_id, str(sequence_number), now_ms))


def _at_sequence_number(call: Call, stream: Stream, shard: Shard) -> int:
    text = call.members.get("StartingSequenceNumber")
    if text is None:
        raise InvalidArgumentException(f"{call.members['ShardIteratorType']} needs a StartingSequenceNumber.")
    number = int(text)
    last = stream.next_sequence_number if shard.last_sequence_number is None else shard.last_sequence_number
    if not shard.first_sequence_number <= number <= last:
        raise InvalidArgumentException(
            f"StartingSequenceNumber {number} used in GetShardIterator on shard {shard.shard_id} in stream {stream.name} "
            f"under account {ACCOUNT_ID} is invalid because it did not come from this shard."
        )
    return number


def _at_timestamp(call: Call, stream: Stream, shard: Shard) -> int:
    timestamp_ms = call.members.get("Timestamp")
    if timestamp_ms is None:
        raise InvalidArgumentException("AT_TIMESTAMP needs a Timestamp.")
    if timestamp_ms > call.now_ms:
        raise InvalidArgumentException(
            "The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. "
            f"timestampInMillis: {timestamp_ms}, currentTimestampInMillis: {call.now_ms}"
        )
    return _sequence_number_of(shard.first_since(timestamp_ms), stream)


def _sequence_number_of(record: Record | None, stream: Stream) -> int:
    return record.sequence_number if record else stream.next_sequence_number


_STARTS: Mapping[str, Callable[[Call, Stream, Shard], int]] = {
    "TRIM_HORIZON": lambda _call, _stream, shard: shard.first_sequence_number,
    "LATEST": lambda _call, stream, _shard: stream.next_sequence_number,
    "AT_SEQUENCE_NUMBER": _at_sequence_number,
    "AFTER_SEQUENCE_NUMBER": lambda call, stream, shard: _at_sequence_number(call, stream, shard) + 1,
    "AT_TIMESTAMP": _at_timestamp,
}
