"""The operations by name: one request in, one answer out. Answers what it does not know as AWS does."""

from collections.abc import Callable, Mapping
from typing import Any

from infra.local.kinesis import record_operations, shard_operations, stream_operations
from infra.local.kinesis.call import Call
from infra.local.kinesis.documents import Document
from infra.local.kinesis.errors import UnknownOperationException
from infra.local.kinesis.region import Region
from infra.local.kinesis.requests import read_request

OPERATIONS: Mapping[str, Callable[[Call], Document]] = {
    "AddTagsToStream": stream_operations.add_tags_to_stream,
    "CreateStream": stream_operations.create_stream,
    "DecreaseStreamRetentionPeriod": stream_operations.decrease_retention,
    "DeleteStream": stream_operations.delete_stream,
    "DescribeStream": stream_operations.describe_stream_operation,
    "DescribeStreamSummary": stream_operations.describe_stream_summary,
    "GetRecords": record_operations.get_records,
    "GetShardIterator": record_operations.get_shard_iterator,
    "IncreaseStreamRetentionPeriod": stream_operations.increase_retention,
    "ListShards": shard_operations.list_shards,
    "ListStreams": stream_operations.list_streams,
    "ListTagsForStream": stream_operations.list_tags_for_stream,
    "MergeShards": shard_operations.merge_shards,
    "PutRecord": record_operations.put_record,
    "PutRecords": record_operations.put_records,
    "RemoveTagsFromStream": stream_operations.remove_tags_from_stream,
    "SplitShard": shard_operations.split_shard,
    "UpdateShardCount": shard_operations.update_shard_count,
}


def perform(region: Region, operation: str, document: Mapping[str, Any], now_ms: int) -> Document:
    """Run one operation on a region's state. Raises ``KinesisError``; the state is then as it was before."""
    handler = OPERATIONS.get(operation)
    if handler is None:
        raise UnknownOperationException(f"{operation} is not an operation of this Kinesis emulator.")
    return handler(Call(region, read_request(operation, document), now_ms))
