"""Operations on records: putting them, and reading them through shard iterators."""

from collections.abc import Mapping, Sequence
from typing import Any

from infra.local.kinesis.call import Call
from infra.local.kinesis.documents import Document, describe_child
from infra.local.kinesis.errors import InvalidArgumentException, ValidationException
from infra.local.kinesis.positions import Position
from infra.local.kinesis.shard import Shard
from infra.local.kinesis.shard_operations import read_hash_key
from infra.local.kinesis.stream import Arrival, Stream
from infra.local.kinesis.tokens import ShardIterator, open_iterator, seal

_PUT_BYTES_AT_MOST = 10 << 20
_GET_BYTES_AT_MOST = 10 << 20
_GET_RECORDS_AT_MOST = 10_000


def put_record(call: Call) -> Document:
    """PutRecord."""
    stream, entry = call.stream, call.members
    _check_size(stream, entry, "data")
    return {**_put(stream, [entry], call.now_ms)[0], "EncryptionType": "NONE"}


def put_records(call: Call) -> Document:
    """PutRecords: all records or none, because nothing here fails for one record alone."""
    stream, entries = call.stream, call.members["Records"]
    total = sum([_check_size(stream, entry, "records.{}.member.data", n) for n, entry in enumerate(entries, 1)])
    if total > _PUT_BYTES_AT_MOST:
        raise InvalidArgumentException(
            f"Records size {total} exceeds the limit of {_PUT_BYTES_AT_MOST} bytes a request."
        )
    return {"FailedRecordCount": 0, "Records": _put(stream, entries, call.now_ms), "EncryptionType": "NONE"}


def get_shard_iterator(call: Call) -> Document:
    """GetShardIterator."""
    stream = call.stream
    shard = stream.shard(call.members["ShardId"])
    members = call.members
    position = Position(members["ShardIteratorType"], members.get("StartingSequenceNumber"), members.get("Timestamp"))
    start = position.first_number(stream, shard, call.now_ms)
    return {"ShardIterator": _iterator(stream, shard, start, call.now_ms)}


def get_records(call: Call) -> Document:
    """GetRecords: up to 10,000 records or 10 MiB; at the end of a closed shard its children instead of an iterator."""
    iterator = open_iterator(call.members["ShardIterator"], call.now_ms)
    stream = call.region.incarnation(iterator.stream, iterator.created_ms, call.now_ms)
    shard, start = stream.shard(iterator.shard_id), int(iterator.sequence_number)
    limit = call.members.get("Limit", _GET_RECORDS_AT_MOST)
    records = shard.read(start, max_records=limit, max_bytes=_GET_BYTES_AT_MOST)
    following = int(records[-1].sequence_number) + 1 if records else start
    unread = shard.first_from(following)
    answer: Document = {
        "Records": records,
        "MillisBehindLatest": max(0, call.now_ms - unread.arrival_ms) if unread else 0,
    }
    if unread is None and not shard.is_open:
        answer["ChildShards"] = [describe_child(child) for child in stream.children(shard)]
    else:
        answer["NextShardIterator"] = _iterator(stream, shard, following, call.now_ms)
    return answer


def _check_size(stream: Stream, entry: Mapping[str, Any], path: str, number: int = 1) -> int:
    if "PartitionKey" not in entry:
        key = path.format(number).replace("data", "partitionKey")
        raise ValidationException(
            f"1 validation error detected: Value null at '{key}' failed to satisfy constraint: Member must not be null"
        )
    size = len(entry["Data"]) + len(entry["PartitionKey"].encode())
    if size > stream.max_record_bytes:
        raise ValidationException(
            f"1 validation error detected: Value at '{path.format(number)}' failed to satisfy constraint: Member must have length less "
            f"than or equal to {stream.max_record_bytes}"
        )
    return size


def _hash_key(entry: Mapping[str, Any]) -> int | None:
    return read_hash_key("ExplicitHashKey", entry["ExplicitHashKey"]) if "ExplicitHashKey" in entry else None


def _put(stream: Stream, entries: Sequence[Mapping[str, Any]], now_ms: int) -> list[Document]:
    """Put all entries, or none: a list, so that each hash key is checked before the first record is kept."""
    arrivals: list[Arrival] = [(entry["PartitionKey"], entry["Data"], _hash_key(entry)) for entry in entries]
    placed = stream.put(arrivals, now_ms)
    return [{"ShardId": shard.shard_id, "SequenceNumber": record.sequence_number} for shard, record in placed]


def _iterator(stream: Stream, shard: Shard, sequence_number: int, now_ms: int) -> str:
    return seal(ShardIterator(stream.name, stream.created_ms, shard.shard_id, str(sequence_number), now_ms))
