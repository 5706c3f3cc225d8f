"""Operations on whole streams: making, finding, describing, tagging and keeping them."""

import itertools

from infra.local.kinesis.call import Call
from infra.local.kinesis.documents import (
    Document,
    describe_shard,
    describe_stream,
    describe_tags,
    summarise_stream,
)
from infra.local.kinesis.errors import InvalidArgumentException, ResourceInUseException
from infra.local.kinesis.stream import ACCOUNT_ID, Stream

_ON_DEMAND_SHARDS = 4
_RETENTION_HOURS = range(24, 8760 + 1)
_PAGE = 100
_TAG_PAGE = 50


def create_stream(call: Call) -> Document:
    """CreateStream; the stream is active at once."""
    members = call.members
    mode = members.get("StreamModeDetails", {}).get("StreamMode", "PROVISIONED")
    count = members.get("ShardCount", _ON_DEMAND_SHARDS if mode == "ON_DEMAND" else None)
    if count is None:
        raise InvalidArgumentException("ShardCount is needed for a stream in the PROVISIONED mode.")
    if mode == "PROVISIONED":
        call.region.check_quota(count)
    stream = Stream(members["StreamName"], call.region.name, call.now_ms, mode)
    stream.max_record_bytes = members.get("MaxRecordSizeInKiB", 1024) * 1024
    stream.tags.update(members.get("Tags", {}))
    stream.open_evenly(count, call.now_ms)
    call.region.add(stream)
    return {}


def delete_stream(call: Call) -> Document:
    """DeleteStream; the stream is gone at once, and its consumers with it where the caller says so."""
    stream = call.stream
    if stream.consumers and not call.members.get("EnforceConsumerDeletion"):
        raise ResourceInUseException(f"Stream {stream.name} under account {ACCOUNT_ID} has registered consumers.")
    del call.region.streams[stream.name]
    for consumer in stream.consumers.values():
        consumer.end()
    return {}


def list_streams(call: Call) -> Document:
    """ListStreams in the order of names."""
    after = call.members.get("NextToken") or call.members.get("ExclusiveStartStreamName", "")
    names = sorted(name for name in call.region.streams if name > after)
    page = names[: min(call.members.get("Limit", _PAGE), _PAGE)]
    has_more = len(page) < len(names)
    return {
        "StreamNames": page,
        "HasMoreStreams": has_more,
        "StreamSummaries": [summarise_stream(call.region.streams[name]) for name in page],
        **({"NextToken": page[-1]} if has_more else {}),
    }


def describe_stream_operation(call: Call) -> Document:
    """DescribeStream with a page of its shards."""
    stream, after = call.stream, call.members.get("ExclusiveStartShardId", "")
    shards = [shard for shard in stream.shards.values() if shard.shard_id > after]
    limit = min(call.members.get("Limit", _PAGE), 10_000)
    return {
        "StreamDescription": {
            **describe_stream(stream),
            "Shards": [describe_shard(shard) for shard in shards[:limit]],
            "HasMoreShards": len(shards) > limit,
        }
    }


def describe_stream_summary(call: Call) -> Document:
    """DescribeStreamSummary."""
    stream = call.stream
    return {
        "StreamDescriptionSummary": {
            **describe_stream(stream),
            "OpenShardCount": len(stream.open_shards),
            "ConsumerCount": len(stream.consumers),
            "MaxRecordSizeInKiB": stream.max_record_bytes // 1024,
        }
    }


def add_tags_to_stream(call: Call) -> Document:
    """AddTagsToStream; a tag that exists gets the new value."""
    call.stream.tags.update(call.members["Tags"])
    return {}


def remove_tags_from_stream(call: Call) -> Document:
    """RemoveTagsFromStream; an unknown tag is no error."""
    tags = call.stream.tags
    for key in call.members["TagKeys"]:
        tags.pop(key, None)
    return {}


def list_tags_for_stream(call: Call) -> Document:
    """ListTagsForStream in the order of keys."""
    after = call.members.get("ExclusiveStartTagKey", "")
    tags = {key: value for key, value in sorted(call.stream.tags.items()) if key > after}
    page = dict(itertools.islice(tags.items(), call.members.get("Limit", _TAG_PAGE)))
    return {"Tags": describe_tags(page), "HasMoreTags": len(page) < len(tags)}


def increase_retention(call: Call) -> Document:
    """IncreaseStreamRetentionPeriod; what was trimmed stays lost."""
    stream, hours = call.stream, _retention_hours(call)
    if hours < stream.retention_hours:
        raise InvalidArgumentException(
            f"Requested retention period ({hours} hours) for stream {stream.name} can not be shorter than existing "
            f"retention period ({stream.retention_hours} hours). Use DecreaseRetentionPeriod API."
        )
    stream.retention_hours = hours
    return {}


def decrease_retention(call: Call) -> Document:
    """DecreaseStreamRetentionPeriod; older records are gone at the next look."""
    stream, hours = call.stream, _retention_hours(call)
    if hours > stream.retention_hours:
        raise InvalidArgumentException(
            f"Requested retention period ({hours} hours) for stream {stream.name} can not be longer than existing "
            f"retention period ({stream.retention_hours} hours). Use IncreaseRetentionPeriod API."
        )
    stream.retention_hours = hours
    return {}


def _retention_hours(call: Call) -> int:
    hours: int = call.members["RetentionPeriodHours"]
    if hours < _RETENTION_HOURS.start:
        raise InvalidArgumentException(
            f"Minimum allowed retention period is 24 hours. Requested retention period ({hours} hours) is too short."
        )
    if hours >= _RETENTION_HOURS.stop:
        raise InvalidArgumentException(
            f"Maximum allowed retention period is 8760 hours. Requested retention period ({hours} hours) is too long."
        )
    return hours
