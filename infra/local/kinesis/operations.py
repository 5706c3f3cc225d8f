"""The operations by name: one request in, one answer out. Answers what it does not know as AWS does."""

from collections.abc import Callable, Mapping
from typing import Any

from infra.local.kinesis import consumer_operations, record_operations, shard_operations, stream_operations
from infra.local.kinesis.call import Call
from infra.local.kinesis.consumer import Subscription
from infra.local.kinesis.documents import Document
from infra.local.kinesis.errors import UnknownOperationException
from infra.local.kinesis.record_wire import read_plain_put
from infra.local.kinesis.region import Region
from infra.local.kinesis.requests import read_request
from infra.local.kinesis.stream import Stream
from infra.local.kinesis.wire import JSON, Codec

OPERATIONS: Mapping[str, Callable[[Call], Document]] = {
    "AddTagsToStream": stream_operations.add_tags_to_stream,
    "CreateStream": stream_operations.create_stream,
    "DecreaseStreamRetentionPeriod": stream_operations.decrease_retention,
    "DeleteStream": stream_operations.delete_stream,
    "DeregisterStreamConsumer": consumer_operations.deregister_stream_consumer,
    "DescribeStream": stream_operations.describe_stream_operation,
    "DescribeStreamConsumer": consumer_operations.describe_stream_consumer,
    "DescribeStreamSummary": stream_operations.describe_stream_summary,
    "GetRecords": record_operations.get_records,
    "GetShardIterator": record_operations.get_shard_iterator,
    "IncreaseStreamRetentionPeriod": stream_operations.increase_retention,
    "ListShards": shard_operations.list_shards,
    "ListStreamConsumers": consumer_operations.list_stream_consumers,
    "ListStreams": stream_operations.list_streams,
    "ListTagsForStream": stream_operations.list_tags_for_stream,
    "MergeShards": shard_operations.merge_shards,
    "PutRecord": record_operations.put_record,
    "PutRecords": record_operations.put_records,
    "RegisterStreamConsumer": consumer_operations.register_stream_consumer,
    "RemoveTagsFromStream": stream_operations.remove_tags_from_stream,
    "SplitShard": shard_operations.split_shard,
    "UpdateShardCount": shard_operations.update_shard_count,
}


def perform_encoded(region: Region, operation: str, body: bytes, codec: Codec, now_ms: int) -> Document:
    """Run one operation whose request is still encoded. Raises ``KinesisError``; the state is then as it was before."""
    plain = read_plain_put(body) if codec is JSON and operation == "PutRecords" else None
    if plain:
        return record_operations.put_records(Call(region, plain, now_ms))
    return perform(region, operation, codec.read(body), now_ms)


def perform(region: Region, operation: str, document: Mapping[str, Any], now_ms: int) -> Document:
    """Run one operation on a region's state. Raises ``KinesisError``; the state is then as it was before."""
    handler = OPERATIONS.get(operation)
    if handler is None:
        raise UnknownOperationException(f"{operation} is not an operation of this Kinesis emulator.")
    return handler(Call(region, read_request(operation, document), now_ms))


def subscribe(region: Region, document: Mapping[str, Any], now_ms: int) -> tuple[Stream, Subscription]:
    """Run SubscribeToShard, the one operation whose answer goes on. Raises ``KinesisError``."""
    call = Call(region, read_request("SubscribeToShard", document), now_ms)
    return region.named_in({"StreamARN": call.members["ConsumerARN"]}, now_ms), consumer_operations.subscribe_to_shard(
        call
    )
