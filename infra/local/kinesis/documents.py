"""How streams and shards look in answers."""

from collections.abc import Mapping
from typing import Any

from infra.local.kinesis.shard import HashKeyRange, Shard
from infra.local.kinesis.stream import Stream
from infra.local.kinesis.wire import Moment

Document = dict[str, Any]


def describe_shard(shard: Shard) -> Document:
    """Write the API's ``Shard``; an open one has no ending sequence number."""
    sequence_numbers = {"StartingSequenceNumber": str(shard.first_sequence_number)}
    if shard.last_sequence_number is not None:
        sequence_numbers["EndingSequenceNumber"] = str(shard.last_sequence_number)
    parents = dict(zip(("ParentShardId", "AdjacentParentShardId"), shard.parents, strict=False))
    return {
        "ShardId": shard.shard_id,
        **parents,
        "HashKeyRange": describe_hash_keys(shard.hash_keys),
        "SequenceNumberRange": sequence_numbers,
    }


def describe_child(shard: Shard) -> Document:
    """Write the API's ``ChildShard``."""
    return {
        "ShardId": shard.shard_id,
        "ParentShards": list(shard.parents),
        "HashKeyRange": describe_hash_keys(shard.hash_keys),
    }


def describe_hash_keys(keys: HashKeyRange) -> Document:
    """Write the API's ``HashKeyRange``: numbers of 128 bits travel as text."""
    return {"StartingHashKey": str(keys.first), "EndingHashKey": str(keys.last)}


def summarise_stream(stream: Stream) -> Document:
    """Write the API's ``StreamSummary``. A stream is active from the start and always."""
    return {
        "StreamName": stream.name,
        "StreamARN": stream.arn,
        "StreamStatus": "ACTIVE",
        "StreamModeDetails": {"StreamMode": stream.mode},
        "StreamCreationTimestamp": Moment(stream.created_ms),
    }


def describe_stream(stream: Stream) -> Document:
    """Write what ``StreamDescription`` and ``StreamDescriptionSummary`` have in common."""
    return {
        **summarise_stream(stream),
        "RetentionPeriodHours": stream.retention_hours,
        "EnhancedMonitoring": [{"ShardLevelMetrics": []}],
        "EncryptionType": "NONE",
    }


def describe_tags(tags: Mapping[str, str]) -> list[Document]:
    """Write tags as the list that the API gives."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]
